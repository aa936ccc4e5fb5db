#!/bin/sh
# The RPM package against rpmlint, any finding of which counts: rpmlint.sh PACKAGE
set -eu

"${0%/*}/need.sh" rpmlint
rpmlint --version | sed 's/^/rpmlint /'
rpmlint --strict --config "${0%/*}/../rpm/rpmlint.toml" "$1"
