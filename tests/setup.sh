#!/bin/sh
# Installs what is missing to build node-setup. Debian or Ubuntu, as root.
# What the nodes need beside it is installed by `testbed setup`.
set -eu

packages="gcc libc6-dev make git curl ca-certificates"

installed() {
	[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $packages; do
	installed "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "missing:$missing; run this as root, or install them: apt-get install$missing" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get --quiet update
	# shellcheck disable=SC2086 # a list of words
	apt-get --quiet install --yes --no-install-recommends $missing
fi

if ! command -v cargo >/dev/null; then
	echo "cargo is missing: installing the stable toolchain with rustup"
	if ! curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
		sh -s -- -y --profile minimal --no-modify-path || ! command -v cargo >/dev/null; then
		echo "rustup failed: install Rust as https://rustup.rs says, and run this again" >&2
		exit 1
	fi
fi
if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
	rustup component add rustfmt clippy
fi
