#!/usr/bin/env bash
# Runs every test there is. One build in the dev profile serves all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "tests of the workspace"
cargo test --workspace --locked --no-fail-fast

step "units and package, installed in a root of their own"
scripts/deploy_test.sh

step "the floor's hand-off, in every interleaving"
scripts/loom.sh

step "each promise broken on purpose"
scripts/mutants.sh

step "the voice on ONNX Runtime"
ORT_DYLIB_PATH=$(scripts/onnxruntime.sh)
export ORT_DYLIB_PATH
cargo test --locked -p plugin-piper --features onnxruntime
# With the workspace's choice of features, so that little is built anew.
cargo test --locked --workspace --features xenline/onnxruntime --test speech_round_trip

# Side by side on two cores, a few minutes in all; `make fuzz` takes what time it is given.
export FUZZ_SECONDS=${FUZZ_SECONDS:-30}
step "fuzz smoke, $FUZZ_SECONDS s for each target"
scripts/fuzz.sh

step "formatting and lints"
scripts/check.sh
