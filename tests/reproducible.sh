#!/bin/sh
# Builds the program twice, from copies of this tree in two directories, and compares: reproducible.sh DIRECTORY
set -eu

mkdir -p "$1"
work=$(cd "$1" && pwd)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

for copy in one another/further/down; do
	mkdir -p "$work/$copy"
	git ls-files -z | tar --null --files-from - -cf - | tar -C "$work/$copy" -xf -
	binary=$(CARGO_TARGET_DIR=$work/$copy/target make --no-print-directory -C "$work/$copy" build | tail -n 1)
	mv "$binary" "$work/${copy%%/*}.binary"
	rm -rf "${work:?}/$copy"
done
sha256sum "$work"/*.binary
cmp "$work/one.binary" "$work/another.binary"
for trace in "$work" "${CARGO_HOME:-$HOME/.cargo}"; do
	if grep --quiet --fixed-strings "$trace" "$work/one.binary"; then
		echo "the program has a path of this machine: $trace" >&2
		exit 1
	fi
done
echo "two builds, one digest"
