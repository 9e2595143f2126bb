#!/usr/bin/env python3
"""A brain that plays a part on each call: which one is decided by what was dialled. It does, on
purpose, what makes other agents annoying; the line has to make the best of it."""
import json, os, socket, sys

if os.path.exists(os.environ["PARTS_STAY_AWAY"]):
    sys.exit(1)
line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["XENLINE_BRAIN_SOCKET"])
GREETING = "Good morning."
LONG = ("The backup is done. It took four minutes and nothing went wrong with it. "
        "There are seven snapshots now, and the oldest of them is nine days old.")


def send(**message):
    line.sendall(json.dumps(message).encode() + b"\n")


class Call:
    """One call: what it is told about, by name of the message."""

    def __init__(self, message):
        self.line, self.claims, self.waiting = message["line"], 0, None

    def say(self, text, source="responder", turn=None, **more):
        self.claims += 1
        claim = f"part-{self.line}-{self.claims}"
        send(type="say", line=self.line, claim=claim, source=source, tag="call", text=text,
             turn=turn, **more)
        return claim

    def done(self, turn):
        send(type="turn_done", line=self.line, turn=turn["turn"], position=turn["position"])

    def line_opened(self, message):
        if not message["resumed"]:
            self.greeting = self.say(GREETING)

    def caller_turn(self, turn):
        self.done(turn)


class SaysItTwice(Call):
    """Its worker comes with what the answer already had."""

    def caller_turn(self, turn):
        self.turn, self.answer = turn, self.say("I am still here.", turn=turn["turn"])

    def claim_ended(self, message):
        if message["claim"] == getattr(self, "answer", None):
            self.say("I am still here!", source="worker", turn=self.turn["turn"])
            self.done(self.turn)


class AnswersLate(Call):
    """It answers the first question when the second one was asked."""

    def caller_turn(self, turn):
        if turn["turn"] == 1:
            self.first = turn
            return
        self.say("Run the backup.", source="worker", turn=1)
        self.say("I can hear you.", turn=turn["turn"])
        self.done(self.first)
        self.done(turn)


class NeverFinishes(Call):
    """What it was asked to do never comes back; it is asked something else."""

    def caller_turn(self, turn):
        if turn["turn"] == 1:
            send(type="job_started", line=self.line, job=f"job-{self.line}", label="stuck")
            self.say("One moment please.", turn=1)
        else:
            self.say("I can hear you.", turn=turn["turn"])
        self.done(turn)


class HasMuchToSay(Call):
    """Four sayings in answer to one question."""

    def caller_turn(self, turn):
        if turn["turn"] == 1:
            for number in range(4):
                self.say(f"Part {number}. {LONG}", turn=1)
        self.done(turn)


class TalksOver(Call):
    """It wants to speak as soon as the caller does."""

    def caller_speaking(self, message):
        if self.waiting is None:
            self.waiting = self.say("Run the backup.", source="worker", must_deliver=True)


class Reports(Call):
    """After the greeting it reports at length, unasked."""

    def claim_ended(self, message):
        if message["claim"] == self.greeting:
            self.say(LONG, source="worker")


PARTS = {"says-it-twice": SaysItTwice, "answers-late": AnswersLate, "never-finishes": NeverFinishes,
         "has-much-to-say": HasMuchToSay, "talks-over": TalksOver, "reports": Reports}
calls = {}
send(type="hello", version={"major": 1, "minor": 0}, name="parts")
for message in map(json.loads, line.makefile()):
    kind = message["type"]
    if kind == "ping":
        send(type="pong", seq=message["seq"])
    elif kind == "shutdown":
        break
    elif kind == "line_opened":
        calls[message["line"]] = PARTS.get(message["called"], Call)(message)
    if message.get("line") in calls:
        getattr(calls[message["line"]], kind, lambda _: None)(message)
