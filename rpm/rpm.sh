#!/bin/sh
# Packages a static node-setup: rpm.sh BINARY DIRECTORY. Run by `make rpm`.
set -eu

binary=$1 into=$2
version=$(dpkg-parsechangelog --show-field Version)
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --show-field Timestamp)
export SOURCE_DATE_EPOCH

if [ "$("$binary" --version)" != "node-setup $(echo "$version" | tr '~' -)" ]; then
	echo "$binary is not version $version for this machine" >&2
	exit 1
fi

mkdir -p "$into"
work=$(mktemp -d "$into/rpm.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The same files give the same package, on whichever machine.
rpmbuild -bb --quiet --target "$(uname -m)" \
	--define "_topdir $work" \
	--define "_buildhost localhost" \
	--define "use_source_date_epoch_as_buildtime 1" \
	--define "clamp_mtime_to_source_date_epoch 1" \
	--define "package_version $version" \
	--define "program $binary" \
	--define "source $PWD" \
	rpm/node-setup.spec >&2
for package in "$work"/RPMS/*/node-setup-"$version"-*.rpm; do
	mv "$package" "$into"
	echo "$into/${package##*/}"
done
