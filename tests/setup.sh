#!/bin/sh
# Installs what is missing to build node-setup. Debian or Ubuntu, as root.
# What the nodes need beside it is installed by `testbed setup`.
set -eu

"${0%/*}/need.sh" gcc libc6-dev make git curl ca-certificates

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
