#!/usr/bin/env python3
"""A brain that promises each caller something of their own."""
import json, os, socket

line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["XENLINE_BRAIN_SOCKET"])


def send(**message):
    line.sendall(json.dumps(message).encode() + b"\n")


send(type="hello", version={"major": 1, "minor": 0}, name="promiser")
for message in map(json.loads, line.makefile()):
    if message["type"] == "ping":
        send(type="pong", seq=message["seq"])
    elif message["type"] == "line_opened":
        who = message["caller"].split(":")[-1].split("@")[0]
        send(type="say", line=message["line"], claim="promise", source="worker", tag="call", must_deliver=True,
             text=f"For {who} alone: I can hear you, I am still here, what is the plan, run the backup, how are you?")
    elif message["type"] == "shutdown":
        break
