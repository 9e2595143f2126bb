#!/usr/bin/env bash
# The floor's hand-off between its three threads, in every interleaving that loom finds.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/loom" \
    cargo run --quiet --locked --manifest-path tests/loom/Cargo.toml
