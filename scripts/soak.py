#!/usr/bin/env python3
"""A line that is called for hours: `make soak HOURS=8 CALLS=20`.

Starts `xenline serve` with its brain on loopback, and calls it in rounds: CALLS calls with sound both ways, all hung up,
a moment of rest, again. After every round, at rest, it looks at what the process holds. Memory, descriptors, threads and
ports of the second half must be those of the first: the medians of the second and the last quarter of the rounds are
compared. The last line is one of JSON; exit 0 only if nothing grew.
"""
import argparse, json, os, signal, statistics, subprocess, sys, tempfile, threading, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What allocators keep of what they were given, in KB: a share of the whole, and never less than a few pages a thread.
GROWTH_SHARE, GROWTH_KB = 0.02, 4096
# The pool for blocking work has a thread more or less at any moment.
THREADS_MORE = 2
READY_S, REST_S = 60, 20
# By then a line has given back what its calls used; it is looked at as soon as it holds no more than ever before at
# rest, give or take so much.
GIVEN_BACK_S, SAME_KB = 8, 2048


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--calls", type=int, default=10, help="at the same time")
    parser.add_argument("--round", type=float, default=20, help="seconds that the calls of a round last")
    parser.add_argument("--binary", default=str(ROOT / "target/release/xenline"))
    return parser.parse_args()


def configuration(folder, calls):
    return f"""
[sip]
listen_udp = "127.0.0.1:0"
listen_tcp = "off"
channels = {calls + 2}
codecs = ["PCMU"]
[admission]
calls_per_second = 0
caller_per_minute = 0
late_percent = 0
busy_percent = 0
[[trunk]]
name = "soak"
allow = ["127.0.0.1"]
[http]
listen = "off"
[say]
socket = "{folder}/say.sock"
[brain]
socket_dir = "{folder}/brain"
[cdr]
path = "{folder}/cdr.jsonl"
[lanes]
path = "{folder}/lanes.sqlite"
"""


class Line:
    def __init__(self, binary, folder, calls):
        file = folder / "xenline.toml"
        file.write_text(configuration(folder, calls))
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("XENLINE_") or key in ("XENLINE_ASSETS", "XENLINE_MODELS")}
        environment["RUST_LOG"] = "warn"
        self.binary, self.socket, self.address, self.least = binary, folder / "say.sock", None, 0
        command = [binary, "--config", file, "serve", "--events"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        latest = time.monotonic() + READY_S
        while self.address is None:
            if self.process.poll() is not None or time.monotonic() > latest:
                raise SystemExit("the line did not come up")
            time.sleep(0.05)

    def read(self):
        for line in self.process.stdout:
            if self.address is None and '"ready"' in line:
                self.address = json.loads(line)["udp"]

    def status(self):
        ran = subprocess.run([self.binary, "status", "--json", "--socket", self.socket], capture_output=True, text=True)
        return json.loads(ran.stdout)

    def resident(self):
        status = (Path("/proc") / str(self.process.pid) / "status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])

    def holds(self):
        """At rest: no call is open, and what calls held has been let go."""
        latest = time.monotonic() + REST_S
        while (status := self.status())["calls"] and time.monotonic() < latest:
            time.sleep(0.1)
        latest = time.monotonic() + GIVEN_BACK_S
        while (resident := self.resident()) > self.least + SAME_KB and time.monotonic() < latest:
            time.sleep(0.2)
        self.least = min(self.least, resident) if self.least else resident
        proc = Path("/proc") / str(self.process.pid)
        # The asking opened a socket of its own, which is closed in a moment.
        fds = []
        for _ in range(3):
            time.sleep(0.1)
            fds.append(len(list((proc / "fd").iterdir())))
        return {"rss_kb": resident, "fds": min(fds),
                "threads": len(list((proc / "task").iterdir())), "calls": len(status["calls"]),
                "ports": self.status()["process"]["ports_in_use"]}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def call(line, calls, seconds):
    command = [line.binary, "load", "--calls", str(calls), "--seconds", str(max(1, round(seconds))), "--rate", "20",
               "--target", f"sip:agent@{line.address}", "--no-floor"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def growth(rounds, what):
    quarter = max(1, len(rounds) // 4)
    early = rounds[len(rounds) // 2 - quarter:len(rounds) // 2] or rounds[:1]
    return round(statistics.median(held[what] for held in rounds[-quarter:])
                 - statistics.median(held[what] for held in early))


def main():
    asked = arguments()
    wanted_s = asked.hours * 3600 + asked.seconds
    if wanted_s <= 0:
        raise SystemExit("for how long? --hours H or --seconds S")
    with tempfile.TemporaryDirectory(prefix="xenline-soak-") as folder:
        line = Line(asked.binary, Path(folder), asked.calls)
        began, rounds, failed = time.monotonic(), [], 0
        try:
            # What the first calls make ready for good is not growth.
            call(line, asked.calls, asked.round)
            while time.monotonic() - began < wanted_s or len(rounds) < 4:
                failed += not call(line, asked.calls, asked.round)
                rounds.append(line.holds())
                if len(rounds) % 20 == 0:
                    print(f"{len(rounds)} rounds, {rounds[-1]}", flush=True)
        finally:
            code = line.stop()
    report = {"seconds": round(time.monotonic() - began), "rounds": len(rounds), "calls": len(rounds) * asked.calls,
              "rounds_failed": failed, "rss_kb": rounds[-1]["rss_kb"], "exit": code}
    for what in ("rss_kb", "fds", "threads", "ports", "calls"):
        report[f"{what}_growth_second_half"] = growth(rounds, what)
    print(json.dumps(report))
    bound = max(GROWTH_KB, GROWTH_SHARE * rounds[-1]["rss_kb"])
    growing = report["threads_growth_second_half"] > THREADS_MORE
    flat = not growing and report["rss_kb_growth_second_half"] <= bound and all(
        report[f"{what}_growth_second_half"] <= 0 for what in ("fds", "ports", "calls"))
    sys.exit(0 if flat and failed == 0 and code == 0 else 1)


if __name__ == "__main__":
    main()
