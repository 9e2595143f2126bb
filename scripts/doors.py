#!/usr/bin/env python3
"""Puts everybody on one line at once: `make doors`.

A telephone, somebody in a room of a real LiveKit server, a real browser and the operator at a real terminal, each with
a tone, for DOORS_SECONDS (300) of real time, while programs that all want to speak are given the floor and the operator
takes it again and again; then all four vanish at once. And an hour of virtual time with people who come and go. The last
line is one of JSON; exit 0 only if every leg heard all the others and one voice at a time, no leg heard itself, the
agent was silent as soon as the operator had taken over, and nothing is left of who has vanished.
"""
import json, os, re, shutil, subprocess, sys, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "doors"
SECONDS = os.environ.get("DOORS_SECONDS", "300")
HOUSE = ["cargo", "test", "--workspace", "--locked", "--test"]
TIMEOUT_S = 900 + int(SECONDS)
# The packet on the wire, the frame of the analysis that its end falls into, and what two clocks and a thread that is
# late for a packet may add to that.
TAKEOVER_MS_MAX = 60
# Mouth to ear: ITU-T G.114 calls a conversation good up to 400 ms there and back; a door has half of that.
ADDED_DELAY_MS_MAX = 200
METHOD = """
added_delay_ms: from a claim's first packet, by the line's record, to where its tone begins (half of the claims sooner):
    at the phone's socket by the kernel's clock, where LiveKit's SDK hands sound out, in the browser where its track is
    played, and out of the operator's sound device.
takeover_ms_max: how long the agent is heard after the line gave the operator the floor, each leg's own delay taken off.
frames_with_two_voices: frames of 20 ms, on any leg, with two producers of the voice, or the voice and the operator.
legs_hearing_themselves: legs that hear their own tone for a second at more than -20 dB.
leaked: calls, claims, files, threads and ports that the line has too many when all four have vanished.
picture: target/doors/heard.svg
""".strip()
KEYS = ("phone_ok", "livekit_ok", "browser_ok", "console_ok", "frames_with_two_voices", "legs_hearing_themselves",
        "takeover_ms_max", "added_delay_ms", "leaked")


def run(name, command, **env):
    """Runs a step; gives what it printed, and whether it went well."""
    began = time.time()
    try:
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, timeout=TIMEOUT_S,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, holds = ran.stdout.decode(errors="replace"), ran.returncode == 0
    except subprocess.TimeoutExpired as hung:
        out, holds = (hung.stdout or b"").decode(errors="replace"), False
    log = LOGS / f"{name}.log"
    log.write_text(out)
    print(f"{name}: {'holds' if holds else f'FAILED, see {log}'} ({time.time() - began:.0f} s)", flush=True)
    for line in re.findall(r"^ *((?:doors|company): [^{\n].*)$", out, re.M):
        print("    " + line, flush=True)
    return out, holds


def main():
    # Nothing of an earlier run can be taken for this one's.
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    _, built = run("build", [*HOUSE, "e2e", "--test", "scenarios", "--no-run"])
    if not built:
        finish({}, ["it does not build"])
    shown = ["--", "--nocapture"]
    hour, hour_holds = run("an hour of virtual time", [*HOUSE, "scenarios", *shown, "company"])
    doors, doors_hold = run("every door at once", [*HOUSE, "e2e", *shown, "doors::"], DOORS_SECONDS=SECONDS)
    told = re.findall(r"^ *doors: (\{.*\})$", doors, re.M)
    figures = json.loads(told[-1]) if told else {}
    hours = re.findall(r"company: (\d+) h of virtual time", hour)
    figures["virtual_hours"] = int(hours[-1]) if hours else 0
    figures["seconds"] = int(SECONDS)
    beyond = [f"no figure for {name}" for name in KEYS if figures.get(name) is None]
    beyond += [] if doors_hold else ["every door at once"]
    beyond += [] if hour_holds and hours else ["an hour of virtual time"]
    beyond += [f"{name} is not so" for name in KEYS if name.endswith("_ok") and figures.get(name) is False]
    for name in ("frames_with_two_voices", "legs_hearing_themselves", "leaked"):
        if figures.get(name):
            beyond.append(f"{name} is {figures[name]}, not 0")
    if (figures.get("takeover_ms_max") or 0) > TAKEOVER_MS_MAX:
        beyond.append(f"the agent was heard for {figures['takeover_ms_max']} ms, {TAKEOVER_MS_MAX} at most")
    for door, delay in (figures.get("added_delay_ms") or {}).items():
        if delay is None or delay > ADDED_DELAY_MS_MAX:
            beyond.append(f"{door} hears {delay} ms late, {ADDED_DELAY_MS_MAX} at most")
    if not figures.get("takeovers") or not figures.get("claims_heard"):
        beyond.append("nobody took over, or nobody spoke")
    finish(figures, beyond)


def finish(figures, beyond):
    print(METHOD)
    for what in beyond:
        print(f"FAILED: {what}")
    print(json.dumps({**figures, "holds": not beyond}))
    sys.exit(1 if beyond else 0)


if __name__ == "__main__":
    main()
