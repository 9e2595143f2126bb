#!/usr/bin/env bash
# The floor's hand-off between its three threads, in every interleaving that loom finds. `build` only
# compiles it.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/loom" \
    cargo "${1:-run}" --quiet --locked --manifest-path tests/loom/Cargo.toml
