# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_node_setup_global_optspecs
    string join \n output= color= lang= q/quiet v/verbose h/help V/version
end

function __fish_node_setup_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_node_setup_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_node_setup_using_subcommand
    set -l cmd (__fish_node_setup_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c node-setup -n "__fish_node_setup_needs_command" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_needs_command" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_needs_command" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_needs_command" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_needs_command" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c node-setup -n "__fish_node_setup_needs_command" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "config" -d 'Show or check the configuration'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "metrics" -d 'Check this node, and write what was found as metrics for Prometheus'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "support" -d 'Collect what somebody needs to know of this node who has only a ticket; read-only, without secrets'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "completions" -d 'Write completions for a shell to stdout'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "explain" -d 'Explain a check, a refusal, an exit code, or a difference from the guide'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "docker" -d 'Install, configure and start docker on this node; or put it right'
complete -c node-setup -n "__fish_node_setup_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "show" -d 'Show the effective configuration, and where each value comes from'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "check" -d 'Check that a configuration is valid'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the effective configuration, and where each value comes from'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check that a configuration is valid'
complete -c node-setup -n "__fish_node_setup_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand metrics" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand support" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand completions" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand explain" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "plan" -d 'Show what would be done, with diffs, and change nothing'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "preflight" -d 'Look at this node as a run would before it begins, and say what speaks against it; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "verify" -d 'Check that this node is as it should be; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "status" -d 'Show what is installed, running and owned'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "history" -d 'List the runs on this node, and what each changed'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "rollback" -d 'Go back to how this node was before the last completed run'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "recover" -d 'Put back what a run that did not end has done'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "remove" -d 'Take away all that node-setup has put on this node, and put back what was there before'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "repair" -d 'Give docker0 the address that docker is told: stop docker, delete docker0, start docker'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "fetch" -d 'Fetch an archive into the cache, and touch nothing else'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "versions" -d 'List the versions whose archives are known, and what each needs'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "guard" -d 'Put the FORWARD policy right; run by node-setup-guard.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "await-flannel" -d 'Wait until docker can be started from flannel\'s files; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "make-way" -d 'End containers that the docker which starts next cannot take over; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "follow-flannel" -d 'Put docker on flannel\'s subnet; run by node-setup-flannel.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and not __fish_seen_subcommand_from plan preflight verify status history rollback recover remove repair fetch versions guard await-flannel make-way follow-flannel help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l exit-code -d 'Exit with 6 if changes are pending'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from plan" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from preflight" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l deep -d 'Read every binary again instead of trusting the kernel\'s record of changes'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from history" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l force -d 'Undo also what somebody else has changed since'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from rollback" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from recover" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l purge -d 'Take docker\'s data away too: images, containers, volumes'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l force -d 'Undo also what somebody else has changed since'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l force -d 'Also while containers run; they are stopped, and started again afterwards'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from repair" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l arch -d 'The architecture that it is for; this machine\'s if nothing is said' -r -f -a "x86_64\t''
aarch64\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from fetch" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from versions" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l mark -d 'Mark flannel\'s packets, for a docker that accepts what is marked so' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l flannel -d 'Let flannel\'s packets into docker\'s bridge'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from guard" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l limit -d 'Seconds' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l required -d 'Until they are there'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from await-flannel" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from make-way" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l socket -d 'docker\'s socket' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l root -d 'Work on the system in this directory, which does not run: an unpacked image, a mounted disk' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l config -d 'Read this file instead of /etc/node-setup/config.toml and config.d' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l environment -d 'Read the guide\'s environment.sh from here' -r -F
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l archive -d 'docker\'s static archive, or a directory that it is in' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l docker-version -d 'The version of docker to install' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l sha256 -d 'The SHA-256 that the archive must have' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l cache -d 'The directory where fetched archives are kept' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l docker-dir -d 'docker\'s directory for data and state' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l bin-dir -d 'Where the binaries go' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l timeout -d 'How long docker may take until it is ready, such as 60s or 2m' -r
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l skip -d 'Go on although this check of preflight speaks against it; may be given again' -r -f -a "systemd-state\t''
kernel-version\t''
kernel-features\t''
kernel-module\t''
overlay\t''
cgroup-version\t''
cgroup-controllers\t''
cgroup-driver\t''
read-only\t''
noexec\t''
nosuid\t''
space\t''
inodes\t''
data-filesystem\t''
owners\t''
other-docker\t''
docker-packages\t''
podman\t''
foreign-containerd\t''
docker-socket\t''
docker-group\t''
ports\t''
vxlan-port\t''
iptables\t''
iptables-backends\t''
input-policy\t''
selinux\t''
apparmor\t''
swap\t''
time-sync\t''
clock\t''
hostname\t''
dns\t''
proxy\t''
sysctl-conflict\t''
sysctl-override\t''
flannel-options\t''
flannel-missing\t''
daemon-json\t''
flannel-clash\t''"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l output -d 'A page for people (human), or one JSON document (json)' -r -f -a "human\t'A page for people'
json\t'One JSON document on stdout, and nothing else there'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l color -d 'When to use colours: auto, always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l lang -d 'The language of what is said: en, zh; that of the locale if nothing is said' -r -f -a "en\t'English'
zh\t'Simplified Chinese'"
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l dry-run -d 'Show what would be done, and change nothing; alone, the same as `docker plan`'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -l wait -d 'Wait while another run holds the lock, instead of exiting with 75'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -s q -l quiet -d 'Say only what went wrong'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -s v -l verbose -d 'Say also what is as it should be'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -s h -l help -d 'Print help'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from follow-flannel" -s V -l version -d 'Print version'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "plan" -d 'Show what would be done, with diffs, and change nothing'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "preflight" -d 'Look at this node as a run would before it begins, and say what speaks against it; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check that this node is as it should be; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what is installed, running and owned'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "history" -d 'List the runs on this node, and what each changed'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Go back to how this node was before the last completed run'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Put back what a run that did not end has done'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Take away all that node-setup has put on this node, and put back what was there before'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "repair" -d 'Give docker0 the address that docker is told: stop docker, delete docker0, start docker'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "fetch" -d 'Fetch an archive into the cache, and touch nothing else'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "versions" -d 'List the versions whose archives are known, and what each needs'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "guard" -d 'Put the FORWARD policy right; run by node-setup-guard.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "await-flannel" -d 'Wait until docker can be started from flannel\'s files; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "make-way" -d 'End containers that the docker which starts next cannot take over; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "follow-flannel" -d 'Put docker on flannel\'s subnet; run by node-setup-flannel.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand docker; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "config" -d 'Show or check the configuration'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "metrics" -d 'Check this node, and write what was found as metrics for Prometheus'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "support" -d 'Collect what somebody needs to know of this node who has only a ticket; read-only, without secrets'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "completions" -d 'Write completions for a shell to stdout'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "explain" -d 'Explain a check, a refusal, an exit code, or a difference from the guide'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "docker" -d 'Install, configure and start docker on this node; or put it right'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and not __fish_seen_subcommand_from config metrics support completions explain docker help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show the effective configuration, and where each value comes from'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check that a configuration is valid'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "plan" -d 'Show what would be done, with diffs, and change nothing'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "preflight" -d 'Look at this node as a run would before it begins, and say what speaks against it; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "verify" -d 'Check that this node is as it should be; read-only'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "status" -d 'Show what is installed, running and owned'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "history" -d 'List the runs on this node, and what each changed'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "rollback" -d 'Go back to how this node was before the last completed run'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "recover" -d 'Put back what a run that did not end has done'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "remove" -d 'Take away all that node-setup has put on this node, and put back what was there before'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "repair" -d 'Give docker0 the address that docker is told: stop docker, delete docker0, start docker'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "fetch" -d 'Fetch an archive into the cache, and touch nothing else'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "versions" -d 'List the versions whose archives are known, and what each needs'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "guard" -d 'Put the FORWARD policy right; run by node-setup-guard.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "await-flannel" -d 'Wait until docker can be started from flannel\'s files; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "make-way" -d 'End containers that the docker which starts next cannot take over; run by docker.service'
complete -c node-setup -n "__fish_node_setup_using_subcommand help; and __fish_seen_subcommand_from docker" -f -a "follow-flannel" -d 'Put docker on flannel\'s subnet; run by node-setup-flannel.service'
