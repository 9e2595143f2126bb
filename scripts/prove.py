#!/usr/bin/env python3
"""Proves the governor's contract again, in front of whoever asks: `make prove`.

Explores the small worlds, runs the random sequences at length, checks the hand-off of the floor in
every interleaving, breaks each promise on purpose, floods the line, looks for the words that were
reported heard in what callers heard, says over real sound what people complain about, and pulls the
line's power cord again and again. The last line is one of JSON; exit 0 only if all of it holds, and
its figures are within their bounds.

CRASHES (200), WIRE_SECONDS (40), CASES (1000), LEDGER_CALLS (48) and EXPLORE=deep make it shorter or longer;
GOVERNOR_SEED, LEDGER_SEED and CRASH_SEED repeat what is drawn in it.
"""
import json, os, re, secrets, shutil, subprocess, sys, threading, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "prove"
CRASHES = os.environ.get("CRASHES", "200")
WIRE_SECONDS = os.environ.get("WIRE_SECONDS", "40")
CASES = os.environ.get("CASES", "1000")
# Nothing that it proved before: the next sequences.
SEED = os.environ.get("GOVERNOR_SEED", str(secrets.randbits(32)))
LEDGER_CALLS = os.environ.get("LEDGER_CALLS", "48")
GOVERNOR = ["cargo", "test", "--locked", "-p", "queue-governor", "--features", "serde"]
TIMEOUT_S = 1_800
# What the caller is not to notice: the words that were heard are known to this.
LEDGER_ERROR_MS_MAX = 80
# Claims submitted in the wire's flood, per second: 10,000 is what it aims at.
CLAIMS_PER_S_MIN = 9_900
# A thousandth of a second: far below a packet, far above what a decision takes.
GRANT_US_P99_MAX = 1_000
# For who waits in front of it; who asked for another extent has asked for another time.
TOOK_S_MAX = 600
# All worlds, on two cores of their own.
EXPLORE_S_MAX = 60
EXTENTS = ("CRASHES", "WIRE_SECONDS", "CASES", "LEDGER_CALLS", "EXPLORE")
IS_USUAL = not any(name in os.environ for name in EXTENTS)
# What a step prints for people to see.
TELLING = re.compile(r"\s*(explored |loom |mutants: |flood: |grant_us|audit: |audit of: |ledger on the wire: "
                     r"|wire: |crashes: |full disk: )")


class Step:
    """A program that proves something, and what it printed."""

    def __init__(self, name, command, at_least=0, **env):
        """`at_least`: tests that must have run in it; a filter that finds none proves nothing."""
        self.name, self.command, self.env, self.at_least = name, command, env, at_least
        self.out, self.holds, self.took_s = "", False, 0.0

    def run(self):
        began = time.time()
        env = {**os.environ, **self.env}
        try:
            ran = subprocess.run(self.command, cwd=ROOT, env=env, timeout=TIMEOUT_S,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.out, self.holds = ran.stdout, ran.returncode == 0
        except subprocess.TimeoutExpired as hung:
            self.out = (hung.stdout or b"").decode(errors="replace")
        self.took_s = time.time() - began
        (LOGS / f"{self.name}.log").write_text(self.out)
        verdict = "holds" if self.holds else f"FAILED, see {LOGS / self.name}.log"
        print(f"{self.name}: {verdict} ({self.took_s:.0f} s)", flush=True)
        for line in self.out.splitlines():
            if TELLING.match(line):
                print("    " + line.strip(), flush=True)

    def missing(self):
        """What of it did not run, if anything."""
        passed = sum(self.numbers(r"test result: ok\. (\d+) passed"))
        if passed < self.at_least:
            yield f"{passed:.0f} tests of {self.name}, {self.at_least} at least"
        yield from (f"{self.name}: {line.strip()}" for line in self.out.splitlines() if "SKIPPED" in line)

    def numbers(self, pattern):
        return [float(found) for found in re.findall(pattern, self.out)]


def main():
    # Nothing of an earlier run can be taken for this one's.
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    house = ["cargo", "test", "--locked", "-p", "xenline", "--test"]
    for name, command in (("build governor", [*GOVERNOR, "--no-run"]),
                          ("build house", [*house, "crash", "--test", "scenarios", "--test", "e2e", "--no-run"]),
                          ("build handoff", ["scripts/loom.sh", "build"]),
                          ("build mutants", ["scripts/mutants.sh", "--build"])):
        build = Step(name, command)
        build.run()
        if not build.holds:
            print(build.out)
            give_up(f"{name} failed")
    began = time.time()
    shown = ["--", "--nocapture"]
    explore = Step("explore", [*GOVERNOR, "--test", "explore", *shown], at_least=21)
    random = Step("random", [*GOVERNOR, "--test", "contract", *shown], at_least=150, GOVERNOR_CASES=CASES,
                  GOVERNOR_SEED=SEED)
    flood = Step("flood", [*GOVERNOR, "--test", "rate", *shown], at_least=1)
    scenarios = Step("complaints", [*house, "scenarios"], at_least=39)
    sound = Step("complaints in sound", [*house, "e2e", "complaints"], at_least=11)
    ledger = Step("ledger", [*house, "e2e", *shown, "ledger"], at_least=2, LEDGER_CALLS=LEDGER_CALLS,
                  LEDGER_SEED=os.environ.get("LEDGER_SEED", SEED))
    loom = Step("handoff", ["scripts/loom.sh"])
    mutants = Step("mutants", ["scripts/mutants.sh"])
    crash = Step("crash", [*house, "crash", *shown, "--skip", "flood"], at_least=8, CRASHES=CRASHES,
                 CRASH_SEED=os.environ.get("CRASH_SEED", SEED))
    wire = Step("wire", [*house, "crash", *shown, "flood"], at_least=1, WIRE_SECONDS=WIRE_SECONDS)
    # What measures time first, alone; the crashes, which mostly wait and are judged to a second, last.
    for step in (flood, wire, sound, explore, random, ledger, mutants):
        step.run()
    crashing = threading.Thread(target=crash.run)
    crashing.start()
    for step in (scenarios, loom):
        step.run()
    crashing.join()

    def one(step, pattern, pick=max):
        found = step.numbers(pattern)
        return pick(found) if found else None

    def worst_of(*figures):
        """Of several proofs of one thing; none if one of them said nothing."""
        return None if None in figures else max(figures)

    figures = {
        "explore_s": round(explore.took_s, 1),
        "states_explored": int(sum(explore.numbers(r"explored [^:\n]+: (\d+) states"))),
        "property_cases": int(sum(random.numbers(r"GOVERNOR_CASES=(\d+)"))),
        "mutants_found": one(mutants, r"mutants: (\d+) of"),
        "crashes": one(crash, r"audit: crashes=(\d+)"),
        "lost": one(crash, r"audit:.* lost=(\d+)"),
        "twice": one(crash, r"audit:.* twice=(\d+)"),
        "overlaps": one(crash, r"audit:.* overlaps=(\d+)"),
        "interleavings": int(sum(loom.numbers(r"loom [^\n]*: (\d+) interleavings"))),
        "claims_per_s": one(wire, r"wire:.* answered_per_s=(\d+)"),
        "claims_accepted": one(wire, r"wire:.* accepted=(\d+)"),
        "revokes": one(wire, r"wire:.* revokes=(\d+)"),
        "revoke_to_silence_ms_max": one(wire, r"wire:.* revoke_to_silence_ms_max=([\d.]+)"),
        "tick_late_ms_max": one(wire, r"wire:.* late_ms_max=([\d.]+)"),
        "grant_us_p99": one(flood, r"grant_us_p99=(\d+)"),
        "ledger_error_ms_max": worst_of(
            *(one(step, r"ledger_error_ms_max[=: ]+([\d.]+)") for step in (random, ledger))),
    }
    figures = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in figures.items()}
    steps = (flood, wire, sound, explore, random, ledger, scenarios, loom, mutants, crash)
    took = time.time() - began
    print(f"proven in {took:.0f} s, not counting the build")
    # A maximum may be 0; a count may not.
    counts = ("states_explored", "property_cases", "mutants_found", "interleavings", "crashes",
              "claims_per_s", "claims_accepted", "revokes")
    beyond = [f"no figure for {name}" for name, value in figures.items()
              if value is None or name in counts and not value]
    if figures["crashes"] is not None and figures["crashes"] < int(CRASHES):
        beyond.append(f"{figures['crashes']} crashes, of {CRASHES} asked for")
    beyond += [f"{name} is {figures[name]}, not 0" for name in ("lost", "twice", "overlaps") if figures[name]]
    beyond += [what for step in steps for what in step.missing()]
    if IS_USUAL and (figures["claims_per_s"] or 0) < CLAIMS_PER_S_MIN:
        beyond.append(f"{figures['claims_per_s']} claims a second were submitted, {CLAIMS_PER_S_MIN} at least")
    if (figures["grant_us_p99"] or 0) > GRANT_US_P99_MAX:
        beyond.append(f"a decision took {figures['grant_us_p99']} us (p99), {GRANT_US_P99_MAX} at most")
    within = one(wire, r"wire:.* revokes_within_ptime=(\d+)")
    if within != figures["revokes"]:
        beyond.append(f"{within or 0:.0f} of {figures['revokes']} revokes within a packet")
    if (figures["ledger_error_ms_max"] or 0) > LEDGER_ERROR_MS_MAX:
        beyond.append(f"the words heard are off by {figures['ledger_error_ms_max']} ms, {LEDGER_ERROR_MS_MAX} at most")
    if IS_USUAL and explore.took_s > EXPLORE_S_MAX:
        beyond.append(f"the worlds took {explore.took_s:.0f} s, {EXPLORE_S_MAX} at most")
    if IS_USUAL and took > TOOK_S_MAX:
        beyond.append(f"it took {took:.0f} s, {TOOK_S_MAX} at most")
    for what in beyond:
        print(f"FAILED: {what}")
    holds = all(step.holds for step in steps) and not beyond
    print(json.dumps({**figures, "holds": holds}))
    sys.exit(0 if holds else 1)


def give_up(why):
    print(f"FAILED: {why}")
    print(json.dumps({"holds": False}))
    sys.exit(1)


if __name__ == "__main__":
    main()
