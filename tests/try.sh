#!/bin/sh
# node-setup on a throw-away node, as an operator would see it. Run by `make try`.
set -eu

testbed=$1 binary=$2 suite=$3
node=try-$$

cleanup() {
	status=$?
	trap - EXIT
	"$testbed" down "$node" 2>/dev/null || true
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

title() {
	printf '\n=== %s\n' "$*"
}
show() {
	printf '\n# %s\n' "$*"
	"$testbed" sh "$node" "$*"
}

title "a docker archive, made of the packages of $suite (built once)"
archive=$("$testbed" archive "$suite")
echo "$archive"

title "a fresh node of $suite, with flannel's lease"
"$testbed" up "$node" "$suite"
"$testbed" dummy "$node"
"$testbed" flannel "$node" 1 2
"$testbed" put "$node" "$binary" /usr/bin/node-setup
"$testbed" put "$node" "$archive" "/root/${archive##*/}"
show cat /run/flannel/docker

title "what a run would do"
show node-setup docker plan --archive "/root/${archive##*/}"
title "the run"
show node-setup docker --archive "/root/${archive##*/}"
title "the second run, which changes nothing"
show node-setup docker --archive "/root/${archive##*/}"
title "the checks"
show node-setup docker verify
title "at a glance"
show node-setup docker status
show /opt/k8s/bin/docker version
title "done; the node is removed"
