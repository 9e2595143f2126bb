#!/bin/sh
# In a network of its own: loads `rules` for a line at 203.0.113.7, and sends it two packets to port 5060 and two to
# port 10000 from another network, from the carrier's address and from a stranger's. Prints which arrive.
set -eu

unshare --net sleep 60 &
peer=$!
trap 'kill $peer' EXIT
while [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
elsewhere() { nsenter --target "$peer" --net "$@"; }

ip link set lo up
ip link add here type veth peer name there
ip link set there netns "$peer"
ip address add 203.0.113.7/24 dev here
ip link set here up
elsewhere ip address add 203.0.113.1/24 dev there
elsewhere ip address add 192.76.120.10/32 dev there
elsewhere ip address add 36.255.198.200/32 dev there
elsewhere ip link set there up
elsewhere ip link set lo up
ip route add 192.76.120.10 dev here
ip route add 36.255.198.200 dev here
nft -f rules

cat >receive.py <<'PYTHON'
import select, socket
sockets = []
for port in (5060, 10000):
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sockets[-1].bind(("203.0.113.7", port))
print("ready", flush=True)
while True:
    # What is going to arrive has arrived long before; the last one says so itself.
    for ready in select.select(sockets, [], [], 30)[0]:
        text = ready.recv(100).decode()
        print(text, flush=True)
        if text == "end":
            raise SystemExit
PYTHON
cat >send.py <<'PYTHON'
import socket
def send(source, port, to, text):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sender.bind((source, port))
        sender.sendto(text.encode(), ("203.0.113.7", to))
send("203.0.113.1", 5060, 5060, "signalling of a stranger")
send("36.255.198.200", 5060, 5060, "signalling of the carrier's media")
send("203.0.113.1", 20000, 10000, "sound of a stranger")
send("192.76.120.10", 20000, 10000, "sound of the carrier's signalling")
send("36.255.198.200", 5000, 10000, "sound from a port that the carrier does not use")
send("36.255.198.200", 20000, 10000, "sound of the carrier")
send("192.76.120.10", 5060, 5060, "signalling of the carrier")
send("192.76.120.10", 5060, 5060, "end")
PYTHON
mkfifo told
python3 receive.py >told &
exec 3<told
read -r _ <&3
elsewhere python3 send.py
cat <&3
