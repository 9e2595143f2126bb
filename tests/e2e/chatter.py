#!/usr/bin/env python3
"""A brain that talks too much: responder and workers hand in many claims at once."""
import json, os, socket

TEXTS = json.loads(os.environ["CHATTER_TEXTS"])
line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["XENLINE_BRAIN_SOCKET"])


def send(**message):
    line.sendall(json.dumps(message).encode() + b"\n")


send(type="hello", version={"major": 1, "minor": 0}, name="chatter")
for message in map(json.loads, line.makefile()):
    if message["type"] == "ping":
        send(type="pong", seq=message["seq"])
    elif message["type"] == "line_opened":
        for number, text in enumerate(TEXTS):
            source = "worker" if number % 2 else "responder"
            send(type="say", line=message["line"], claim=f"chatter-{number}", source=source,
                 tag="call", text=text, priority=number % 3, must_deliver=True)
    elif message["type"] == "shutdown":
        break
