#!/usr/bin/env python3
"""Puts the line's signalling and media to the torture: `make torture`.

Runs the messages of RFC 4475 and RFC 5118, the hostile corpus, and the trunk's acceptance list (tests/acceptance.tsv:
number, words, package, test target, test; without a test the number is skipped, and said so); what the tests measured
is printed. The last line is one of JSON; exit 0 only if nothing that was run failed.
"""
import json, os, re, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "torture"
TIMEOUT_S = 1800
# `make test` has seconds of these.
LONG = {"SILENT_SECONDS": "120", "SOAK_SECONDS": "120"}


def run(package, target, tests):
    """Runs `tests` of one target and returns what was printed."""
    where = ["--lib"] if target == "lib" else ["--test", target]
    command = ["cargo", "test", "--locked", "-p", package, *where, "--", "--nocapture", "--test-threads=1"]
    if tests:
        command += ["--exact", *tests]
    try:
        ran = subprocess.run(command, cwd=ROOT, timeout=TIMEOUT_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env=LONG | os.environ)
        out = ran.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as hung:
        out = (hung.stdout or b"").decode(errors="replace") + "\npanicked at: it hung\n"
    (LOGS / f"{package}-{target}.log").write_text(out)
    return out


def passed(out, test):
    # With --nocapture a test's own words may stand between its name and its verdict.
    return re.search(rf"^test {re.escape(test)} \.\.\. (?:(?!^test ).)*?\bok$", out, re.M | re.S) is not None


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    rows = [line.split("\t") for line in (ROOT / "tests/acceptance.tsv").read_text().splitlines()]
    targets = {}
    for _, _, package, target, test in rows:
        if test:
            targets.setdefault((package, target), []).append(test)
    printed = {key: run(*key, tests) for key, tests in targets.items()}
    hostile = run("sip-bridge", "hostile", [])
    accepted, failed, skipped = set(), set(), set()
    for number, words, package, target, test in rows:
        if not test:
            skipped.add(number)
            print(f"{number:>2} skipped: {words}: no test yet")
        elif passed(printed[package, target], test):
            accepted.add(number)
            print(f"{number:>2} holds: {test.rsplit('::', 1)[-1]}")
        else:
            failed.add(number)
            print(f"{number:>2} FAILED: {test}, see {LOGS / f'{package}-{target}.log'}")
    for out in printed.values():
        for figure in re.findall(r" {4}((?:soak: |silent for |foreign flood |listed flood ).*)$", out, re.M):
            print(f"   {figure}")
    everything = "\n".join([*printed.values(), hostile])

    def count(pattern):
        return sum(int(found) for found in re.findall(pattern, everything))

    result = {
        "rfc4475_ok": count(r"rfc4475_ok (\d+)"),
        "rfc5118_ok": count(r"rfc5118_ok (\d+)"),
        "hostile_ok": count(r"hostile_ok (\d+)"),
        "panics": len(re.findall(r"panicked at", everything)),
        "acceptance_passed": len(accepted - failed),
        "acceptance_skipped": len(skipped),
    }
    print(json.dumps(result), flush=True)
    complete = result["rfc4475_ok"] == 49 and result["rfc5118_ok"] == 12 and result["hostile_ok"] > 0
    sys.exit(0 if complete and not failed and result["panics"] == 0 else 1)


if __name__ == "__main__":
    main()
