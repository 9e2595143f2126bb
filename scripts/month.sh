#!/usr/bin/env bash
# A month on the line in virtual time: SEED (random) repeats one. The last line is JSON.
set -euo pipefail
cd "$(dirname "$0")/.."

export MONTH_SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
log=${CARGO_TARGET_DIR:-target}/month.log
ran=0
cargo test --locked -p xenline --test month -- --nocapture >"$log" 2>&1 || ran=$?
grep -v '^{"minutes"' "$log"
grep '^{"minutes"' "$log"
exit "$ran"
