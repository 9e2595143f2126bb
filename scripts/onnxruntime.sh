#!/usr/bin/env bash
# Prints the path of an ONNX Runtime that the cargo feature `onnxruntime` can load, and fetches one
# from its Python wheel where ORT_DYLIB_PATH names none.
set -euo pipefail

# piper-rs hangs with versions older than 1.24; this one is known to run.
version=1.25.1

if [ -n "${ORT_DYLIB_PATH:-}" ]; then
    printf '%s\n' "$ORT_DYLIB_PATH"
    exit
fi

folder="${CARGO_TARGET_DIR:-target}/onnxruntime-$version"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
library="$folder/libonnxruntime.so.$version"

if [ ! -f "$library" ]; then
    python3 -m venv "$folder/venv" >&2
    "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --dest "$folder" "onnxruntime==$version" >&2
    python3 - "$folder" "$library" <<'PYTHON'
import glob, os, sys, zipfile

folder, library = sys.argv[1:]
with zipfile.ZipFile(glob.glob(f"{folder}/onnxruntime-*.whl")[0]) as wheel:
    name = next(n for n in wheel.namelist() if n.endswith(os.path.basename(library)))
    with open(library + ".part", "wb") as part:
        part.write(wheel.read(name))
os.rename(library + ".part", library)
PYTHON
    rm -rf "$folder/venv" "$folder"/*.whl
fi
printf '%s\n' "$library"
