#!/bin/sh
# What is in the program: a CycloneDX document on stdout. sbom.sh TRIPLE
#
# The crates that are linked into it, for this target, as Cargo.lock has them; and the C library that it is linked with.
# Nothing in it depends on when or where it is made.
set -eu

triple=$1
# With the features that the program has, and not those that tests add.
linked=$(cargo tree --locked --package node-setup --edges normal --target "$triple" --prefix none --no-dedupe |
	awk '{ print $1 " " substr($2, 2) }' | sort -u)
cargo metadata --format-version 1 --locked --filter-platform "$triple" |
	jq --sort-keys --arg linked "$linked" --arg libc "$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)" --arg triple "$triple" '
	def purl: "pkg:cargo/\(.name)@\(.version)";
	($linked | split("\n")) as $names
	| [.packages[] | select("\(.name) \(.version)" | IN($names[]))] as $all
	| ($all | map({ key: .id, value: purl }) | from_entries) as $refs
	| (.resolve.nodes | map({ key: .id, value: [.deps[].pkg | $refs[.] // empty] | unique }) | from_entries) as $needs
	| {
		bomFormat: "CycloneDX",
		specVersion: "1.5",
		version: 1,
		metadata: {
			component: ($all[] | select(.name == "node-setup") | {
				type: "application", "bom-ref": purl, name, version, purl: purl, description,
				licenses: [{ expression: .license }],
				properties: [{ name: "target", value: $triple }]
			})
		},
		components: ([$all[] | select(.name != "node-setup") | {
			type: "library", "bom-ref": purl, name, version, purl: purl,
			licenses: [{ expression: (.license | gsub("/"; " OR ")) }]
		}] + [{
			type: "library", "bom-ref": "glibc", name: "glibc", version: $libc,
			licenses: [{ expression: "LGPL-2.1-or-later" }]
		}] | sort_by(.name, .version)),
		dependencies: [$all[] | { ref: purl, dependsOn: $needs[.id] }] | sort_by(.ref)
	}'
