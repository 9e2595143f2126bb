#!/usr/bin/env bash
# Formatting and lints, in the dev profile so that they share the tests' build.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
