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

# What both packages say of themselves is in debian/, once.
packager=$(dpkg-parsechangelog --show-field Maintainer)
day=$(LC_ALL=C date --utc --date "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')
{
	cat rpm/node-setup.spec
	printf '\n%%changelog\n* %s %s - %s-1\n' "$day" "$packager" "$version"
	dpkg-parsechangelog --show-field Changes | sed -n 's/^ *\* /- /p'
} >"$work/node-setup.spec"

# The same files give the same package, on whichever machine.
rpmbuild -bb --quiet --target "$(uname -m)" \
	--define "_topdir $work" \
	--define "_buildhost localhost" \
	--define "use_source_date_epoch_as_buildtime 1" \
	--define "clamp_mtime_to_source_date_epoch 1" \
	--define "package_version $version" \
	--define "program $binary" \
	--define "packager $packager" \
	--define "source $PWD" \
	"$work/node-setup.spec" >&2
for package in "$work"/RPMS/*/node-setup-"$version"-*.rpm; do
	mv "$package" "$into"
	echo "$into/${package##*/}"
done
