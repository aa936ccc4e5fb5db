# Boots a node, and again whenever it asks to be rebooted: systemd-nspawn exits with 133 then.
# Arguments: the node's directory, its name, its host name, its control groups.
dir=$1 name=$2 hostname=$3
shift 3
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
boots=0 code=133
while [ "$code" = 133 ]; do
    boots=$((boots + 1))
    (
        # A group of its own for each boot: nspawn enables controllers below it, and then no process may enter it.
        for group; do
            mkdir "$group/boot.$$.$boots" && echo 0 >"$group/boot.$$.$boots/cgroup.procs" || exit 1
        done
        exec systemd-nspawn --quiet --register=no --keep-unit --directory="$dir/root" --machine="$name" \
            --hostname="$hostname" --capability=all --system-call-filter=@known --private-network --boot \
            --console=pipe systemd.unit=multi-user.target
    ) &
    echo $! >"$dir/nspawn.new" && mv "$dir/nspawn.new" "$dir/nspawn"
    wait $!
    code=$?
done
