#!/bin/sh
# Puts everything that is released into a directory, with its sums: release.sh BINARY PACKAGES DIRECTORY ANSIBLE-GALAXY
# Run by `make release`.
#
# The same sources give the same bytes, but for the Ansible collection, whose tool writes the time into it.
set -eu

binary=$1 packages=$2 into=$3 galaxy=$4
version=$(dpkg-parsechangelog --show-field Version)
when=@$(dpkg-parsechangelog --show-field Timestamp)
machine=$(uname -m)

rm -rf "$into"
mkdir -p "$into"

# pack NAME TREE: a tarball whose one directory is NAME.
pack() {
	tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw --mtime="$when" \
		--directory="${2%/*}" --transform="s,^${2##*/},$1," "${2##*/}" | gzip -9n >"$into/$1.tar.gz"
}

cp "$packages"/node-setup_"$version"_*.deb "$packages"/node-setup-"$version"-*.rpm "$into"
install -m 0755 "$binary" "$into/node-setup-$version-$machine"
pack "node-setup-salt-$version" packaging/salt
pack "node_setup-node_setup-$version" packaging/puppet
cp packaging/cloud-init/worker.yaml "$into/cloud-init-worker-$version.yaml"
"$galaxy" collection build packaging/ansible --output-path "$into" >&2
packaging/sbom.sh "$machine-unknown-linux-gnu" >"$into/node-setup-$version-$machine.cdx.json"
(cd "$into" && sha256sum -- * >SHA256SUMS)
echo "$into"
