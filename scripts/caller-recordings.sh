#!/bin/sh
# Makes assets/caller/: what the caller of the demo and the tests says, as 8 kHz mono 16-bit WAV.
# A voice that is not the line's own: espeak-ng, en-us with the variant m3.
# Needs espeak-ng and sox. The results are committed; run this only to change them.
set -eu
out=$(dirname "$0")/../assets/caller
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
mkdir -p "$out"
printf 'file\ttranscript\n' > "$out/transcripts.tsv"

# say TRANSCRIPT [SPELLING]: the spelling is what makes espeak-ng say it.
say() {
    file=$(echo "$1" | tr ' ' '-').wav
    espeak-ng -v en-us+m3 -s 150 -p 45 -w "$raw/raw.wav" "${2:-$1}"
    # -D: no dither, so that the same input gives the same file.
    sox -D "$raw/raw.wav" -r 8000 -b 16 -c 1 "$out/$file" gain -n -9 pad 0.05 0.05
    printf '%s\t%s\n' "$file" "$1" >> "$out/transcripts.tsv"
}

say "what time is it"
say "run the backup"
say "stop"
say "goodbye"
say "hello"
say "yes"
say "no thank you"
say "what is the status"
say "continue"
say "help"
say "mm hm" "um hum"
say "uh huh"
say "what did you say"
