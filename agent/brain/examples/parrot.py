#!/usr/bin/env python3
"""A whole brain: greets, repeats what the caller says, and hangs up on goodbye. Standard library only."""
import itertools, json, os, socket

line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["XENLINE_BRAIN_SOCKET"])
names = (f"parrot-{os.getpid()}-{n}" for n in itertools.count(1))


def send(**message):
    line.sendall(json.dumps(message).encode() + b"\n")


def say(to, text, **more):
    claim = next(names)
    send(type="say", line=to, claim=claim, source="responder", tag="call", text=text, **more)
    return claim


send(type="hello", version={"major": 1, "minor": 0}, name="parrot")
for message in map(json.loads, line.makefile()):
    kind, to = message["type"], message.get("line")
    if kind == "ping":
        send(type="pong", seq=message["seq"])
    elif kind == "line_opened":
        say(to, "Hello. I repeat what you say.")
    elif kind == "caller_turn":
        bye = message["text"] in ("goodbye", "bye")
        claim = say(to, "Goodbye." if bye else "You said: " + message["text"], turn=message["turn"])
        send(type="turn_done", line=to, turn=message["turn"], position=message["position"])
        if bye:
            send(type="hang_up", line=to, after=claim)
    elif kind == "shutdown":
        break
