#!/usr/bin/env bash
# A bad call over real sockets, for tests/replays: a network of its own loses 7 % of the sound in each
# direction, the caller talks into the greeting, coughs, has somebody else talking and a noise beside
# him, interrupts, and the brain is killed in the middle. What is left is the call's log, without its words.
#
#   cargo build -p xenline -p xenline-brain && scripts/bad_call.sh tests/replays/bad-call.xlr
set -euo pipefail
cd "$(dirname "$0")/.."
into=${1:?where to put the log}
xenline=$PWD/${CARGO_TARGET_DIR:-target}/debug/xenline
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the caller says, at which second.
said=(0.9 what-time-is-it 4.5 run-the-backup 6.2 mm-hm 8.6 what-is-the-status 8.9 hello 11.5 stop
    13.5 what-did-you-say 19.0 no-thank-you 23.0 help 25.5 stop 32.0 what-time-is-it 37.0 goodbye)
tracks=()
for ((n = 0; n < ${#said[@]}; n += 2)); do
    sox "assets/caller/${said[n + 1]}.wav" -r 8000 -c 1 "$work/$n.wav" pad "${said[n]}"
    tracks+=(-v 1 "$work/$n.wav")
done
sox -R -n -r 8000 -c 1 "$work/room.wav" synth 40 pinknoise vol 0.01
sox -R -n -r 8000 -c 1 "$work/cough.wav" synth 0.35 whitenoise vol 0.3 fade 0.01 0.35 0.3 pad 3.0
sox -R -n -r 8000 -c 1 "$work/beside.wav" synth 4 pinknoise vol 0.12 pad 17.5
sox -m "${tracks[@]}" -v 1 "$work/room.wav" -v 1 "$work/cough.wav" -v 1 "$work/beside.wav" -b 16 "$work/caller.wav"

cat >"$work/xenline.toml" <<EOF
[sip]
listen_udp = "127.0.0.1:5060"
listen_tcp = "off"
codecs = ["PCMU"]
[[trunk]]
name = "loopback"
allow = ["127.0.0.1/32"]
[say]
socket = "$work/say.sock"
[brain]
socket_dir = "$work/brain"
[recording]
dir = "$work/calls"
[cdr]
path = "$work/cdr.jsonl"
[lanes]
path = "$work/lanes.sqlite"
[http]
listen = "off"
EOF

cat >"$work/run.sh" <<'EOF'
set -eu
work=$1 xenline=$2
ip link set lo up
# Sound is told from signalling by its first byte.
nft -f - <<RULES
table inet bad {
    chain lossy {
        type filter hook input priority 0
        meta l4proto udp @th,64,8 0x80 numgen random mod 100 < 7 drop
    }
}
RULES
"$xenline" serve --config "$work/xenline.toml" &
line=$!
for _ in $(seq 300); do
    "$xenline" status --socket "$work/say.sock" >/dev/null 2>&1 && break
    sleep 0.1
done
(
    sleep 28
    for brain in $(cat /proc/"$line"/task/*/children); do kill -9 "$brain"; done
) &
"$xenline" call sip:agent@127.0.0.1:5060 --say "$work/caller.wav" --pause-ms 0 --record "$work/call.wav" || true
sleep 1
kill "$line"
wait
EOF
unshare -rn bash "$work/run.sh" "$work" "$xenline"
log=$(echo "$work"/calls/*/call.xlr)
"$xenline" calls show "$(dirname "$log")"
"$xenline" calls replay "$log"
cp "$log" "$into"
ls -l "$into"
