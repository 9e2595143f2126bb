#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS from its seed corpus, with libFuzzer on the pinned stable
# toolchain. A crash leaves its input in target/fuzz/crashes and fails the run.
#
# There is no target for STUN, because nothing here reads it: what is not RTP or RTCP is dropped by
# its first two bits.
#
#   scripts/fuzz.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f tests/fuzz/Cargo.toml ] || { echo "no fuzz targets"; exit 0; }
root=$PWD
build="${CARGO_TARGET_DIR:-$root/target}/fuzz"
seconds="${FUZZ_SECONDS:-60}"
mkdir -p "$build/crashes"

# Coverage for libFuzzer; what cargo-fuzz would pass, less the sanitizers that need nightly.
# Safe Rust panics where C would corrupt memory, so a panic or a hang is what we look for.
export CARGO_TARGET_DIR="$build"
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, build scripts and proc macros are spared these flags.
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --locked --release --manifest-path tests/fuzz/Cargo.toml --target "$host"

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(find tests/fuzz/targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | sort)
fi
fuzz() {
    local target=$1
    mkdir -p "$build/corpus/$target" "tests/fuzz/seeds/$target"
    # New inputs go to the first folder; the committed seeds are only read.
    if "$build/$host/release/$target" "$build/corpus/$target" "tests/fuzz/seeds/$target" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/crashes/$target-" >"$build/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
        echo "$target: $runs inputs in $seconds s, nothing found"
    else
        echo "$target: FAILED; its input is in $build/crashes"
        tail -n 40 "$build/$target.log"
        return 1
    fi
}
export -f fuzz
export build host seconds
# Side by side, one to a core.
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I {} bash -c 'fuzz {}'
