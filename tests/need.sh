#!/bin/sh
# Installs those of the named packages that are missing. Debian or Ubuntu; root only if one is.
set -eu

installed() {
	[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package; do
	installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "missing:$missing; run this as root, or install them: apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet update
# shellcheck disable=SC2086 # a list of words
apt-get --quiet --option=DPkg::Lock::Timeout=300 install --yes --no-install-recommends $missing
