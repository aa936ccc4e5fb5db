#!/bin/sh
# The metrics and the alert rules against promtool: prometheus.sh DIRECTORY, where the tool is kept.
set -eu

mkdir -p "$1"
tools=$(cd "$1" && pwd)
here=$(cd "${0%/*}/.." && pwd)

# Out of its package, which would also start a Prometheus on this machine.
PATH=$PATH:$tools/usr/bin
if ! command -v promtool >/dev/null; then
	(cd "$tools" && apt-get --quiet update && apt-get --quiet download prometheus) >&2
	dpkg-deb --fsys-tarfile "$tools"/prometheus_*.deb | tar -C "$tools" -xf - ./usr/bin/promtool
	rm "$tools"/prometheus_*.deb
fi

work=$(mktemp -d "$tools/rules.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

promtool --version 2>&1 | head -n 1
for metrics in "$here"/tests/fixtures/metrics/*.prom; do
	promtool check metrics <"$metrics" || {
		echo "$metrics is not as it should be" >&2
		exit 1
	}
done
cp "$here/packaging/prometheus/node-setup.rules.yml" "$here/tests/prometheus/node-setup.rules.test.yml" "$work"
promtool check rules "$work/node-setup.rules.yml"
promtool test rules "$work/node-setup.rules.test.yml"
# Rules about metrics that nobody writes would be silent for ever.
for metric in $(grep -o 'node_setup_[a-z_]*' "$work/node-setup.rules.yml" | sort -u); do
	grep -q "^$metric[ {]" "$here"/tests/fixtures/metrics/*.prom || {
		echo "no node writes $metric" >&2
		exit 1
	}
done
for alert in $(sed -n 's/.*- alert: //p' "$work/node-setup.rules.yml"); do
	grep -q "alertname: $alert\$" "$work/node-setup.rules.test.yml" || {
		echo "$alert has no test" >&2
		exit 1
	}
done
