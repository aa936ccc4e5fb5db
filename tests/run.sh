#!/bin/sh
# Runs every test, and ends with the totals: N passed, N failed
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# What a shell runs in the background ignores SIGINT, and what nohup runs SIGHUP: so would the runs that tests stop.
# A test binary that cannot be built or that dies counts as one failure.
run() {
	{ env --default-signal=HUP,INT,QUIT cargo test --locked --no-fail-fast "$@" 2>&1 || echo "cargo test ended with $?"; } | tee -a "$log"
}

run --package node-setup
run --package node-tests -- --test-threads=2

awk '
	/^test result: / { passed += $4; failed += $6 }
	/^cargo test ended with / { broken++ }
	END {
		if (broken && !failed) failed = broken
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0 || passed == 0
	}
' "$log"
