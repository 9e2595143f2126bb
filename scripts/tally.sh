#!/usr/bin/env bash
# Reads the output of `cargo test` and closes it with one line: how many passed, failed, were skipped.
awk '
/^test result:/ {
    for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) passed += $(i - 1)
        if ($i ~ /^failed/) failed += $(i - 1)
        if ($i ~ /^ignored/) skipped += $(i - 1)
    }
}
END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }
'
