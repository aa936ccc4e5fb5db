#!/bin/sh
# Packages a static node-setup: deb.sh BINARY DIRECTORY. Run by `make deb`.
#
# In a copy of what is packaged, so that nothing is left in the tree.
set -eu

binary=$1 into=$2
version=$(dpkg-parsechangelog --show-field Version)

if [ "$("$binary" --version)" != "node-setup $(echo "$version" | tr '~' -)" ]; then
	echo "$binary is not version $version for this machine" >&2
	exit 1
fi

mkdir -p "$into"
work=$(mktemp -d "$into/deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# What was said to `make deb` is not said to debian/rules, which is a makefile too.
unset MAKEFLAGS MFLAGS MAKELEVEL

mkdir "$work/source"
cp -a debian packaging docs README.md README.zh.md "$work/source"
(cd "$work/source" && PREBUILT=$binary dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps >&2)
for package in "$work"/node-setup_"$version"_*.deb; do
	lintian --version >&2
	lintian --pedantic --display-info --fail-on error --allow-root "$package" >&2
	mv "$package" "$into"
	echo "$into/${package##*/}"
done
