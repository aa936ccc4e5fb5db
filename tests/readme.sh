#!/bin/sh
# README.md's lines about a build, as they are typed; those for a worker are typed by tests on nodes.
# As root: what is installed goes into a file system of its own, and nothing of it is on this machine afterwards.
set -eu

cd "${0%/*}/.."
unset MAKEFLAGS MFLAGS MAKELEVEL

# The line of a fenced block that begins so; there is one.
line() {
	found=$(awk '/^```/ { inside = !inside } inside' README.md | grep "^$1")
	[ "$(echo "$found" | wc -l)" -eq 1 ] || {
		echo "README.md has not one line that begins with $1" >&2
		exit 1
	}
	echo "$found"
}

typed=$(line 'make deb')
installed=$(line 'apt-get install .*\.deb$')
package=$(sh -euc "$typed" | tail -n 1)
if [ ! -f "$package" ] || [ "${package##*/}" != "${installed##*/}" ]; then
	echo "'$typed' made $package, and not what '$installed' installs" >&2
	exit 1
fi

typed=$(line 'install -m 0755 ')
# shellcheck disable=SC2016 # for the shell inside
unshare --mount sh -euc 'mount -t tmpfs tmpfs /usr/local/bin; eval "$1"; /usr/local/bin/node-setup --version' sh "$typed"
