#!/bin/sh
# What the dependencies are allowed to be: see deny.toml.
set -eu

version=0.20.2
if ! cargo deny --version >/dev/null 2>&1; then
	echo "cargo-deny is missing: building $version, once, into ${CARGO_HOME:-$HOME/.cargo}/bin"
	cargo install --quiet --locked "cargo-deny@$version"
fi

cargo deny --all-features --locked check bans licenses sources

# Advisories change without us, and their database is not part of a clone.
if timeout 120 cargo deny --all-features --locked fetch db >/dev/null 2>&1; then
	cargo deny --all-features --locked check --disable-fetch advisories
else
	echo "advisories NOT checked: their database cannot be fetched from here"
fi
