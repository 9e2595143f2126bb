#!/usr/bin/env bash
# Shows that each promise of the governor has a test that fails when its line is broken.
set -euo pipefail
cd "$(dirname "$0")/.."

exec python3 scripts/mutants.py "$@"
