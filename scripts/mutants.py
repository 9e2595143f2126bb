#!/usr/bin/env python3
"""Breaks the code line by line and shows that the tests which are to notice do.

All of tests/mutants.toml is woven into a copy of the code, each broken line behind a switch that
an environment variable throws. So it is compiled once, and the code itself knows nothing of it.
Each mutant names the tests that find it: they pass where nothing is broken, and each of them, run
alone, fails by its own verdict with the switch thrown. A mutant that does not compile, a test that
does not exist, or a program that dies of something else is no find. Nor is one that does not end,
unless the mutant says that it makes its tests hang (`hangs = true`): then they have to.
Prints a table; exit 0 only if every mutant is found by every test that it names.

`scripts/mutants.py --survey [NAME]` runs all tests on each mutant instead, and prints which fail;
`--build` only compiles, for who wants to run them later.
"""
import fcntl, json, os, re, shutil, subprocess, sys, time, tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutants"
COPY = TARGET / "copy"
# Where the next copy is made, before it takes the place of the last one.
STAGE = TARGET / "stage"
GOVERNOR, ENGINE, LOOM = "queue-governor/governor", "media/engine", "tests/loom"
# The house's journal, in a crate of its own: the whole house takes minutes to compile.
JOURNAL = "src/durable"
# A test takes a second, on a busy machine ten.
PATIENCE_S = 40
SWITCH = """
#[allow(dead_code, missing_docs)]
pub(crate) mod mutants {
    pub(crate) fn on(name: &str) -> bool {
        static NAME: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        NAME.get_or_init(|| std::env::var("MUTANT").ok()).as_deref() == Some(name)
    }
}
"""


def main():
    mutants = tomllib.loads((ROOT / "tests/mutants.toml").read_text())["mutant"]
    assert len({m["name"] for m in mutants}) == len(mutants), "names are unique"
    unnamed = [m["name"] for m in mutants if not m.get("found_by")]
    surveyed = sys.argv[2:] if sys.argv[1:2] == ["--survey"] else None
    if unnamed and surveyed is None:
        sys.exit(f"which test is to find this? {', '.join(unnamed)}")
    TARGET.mkdir(parents=True, exist_ok=True)
    # Two checkouts may share a target folder; each runs what it compiled itself. Held to the end.
    lock = open(TARGET / "lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    copy_sources()
    for mutant in mutants:
        weave(mutant)
    keep_times()
    programs = {
        **build(COPY / GOVERNOR, ["test", "--no-run", "--tests"]),
        **build(COPY / "journal", ["test", "--no-run", "--lib"]),
        **build(COPY / LOOM, ["build"]),
    }
    if sys.argv[1:] == ["--build"]:
        return
    if surveyed is not None:
        return survey(programs, [m for m in mutants if not surveyed or m["name"] in surveyed])
    print(f"{len(mutants)} mutants woven in and compiled; first without any", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tests = sorted({test for m in mutants for test in m["found_by"]})
        for test, verdict in zip(tests, pool.map(lambda test: judge(programs, test, ""), tests)):
            if verdict != "passed":
                sys.exit(f"nothing is broken, and {test} {verdict}")

        def run(mutant):
            began = time.time()
            verdicts = [(test, judge(programs, test, mutant["name"])) for test in mutant["found_by"]]
            return verdicts, time.time() - began

        survivors = 0
        print(f"{'promise':<26} {'broken line':<58} found by")
        for mutant, (verdicts, seconds) in zip(mutants, pool.map(run, mutants)):
            found = "does not end" if mutant.get("hangs") else "failed"
            missed = [f"{test} {verdict}" for test, verdict in verdicts if verdict != found]
            survivors += bool(missed)
            told = f"NOT FOUND: {', '.join(missed)}" if missed else told_of(verdicts)
            print(f"{mutant['promise']:<26} {mutant['name']:<58} {told} ({seconds:.0f} s)", flush=True)
    print(f"mutants: {len(mutants) - survivors} of {len(mutants)} found")
    sys.exit(1 if survivors else 0)


def told_of(verdicts):
    first = verdicts[0][0].split("::")[-1]
    return first + (f" and {len(verdicts) - 1} more" if len(verdicts) > 1 else "")


def judge(programs, test, mutant):
    """What `test`, run alone, says of `mutant`: that it passed, failed, or does not end; anything
    else is no verdict."""
    program, name = test.split("::", 1)
    if program not in programs:
        return "is in no program"
    ran = start(programs[program], [name] if program == "loom" else ["--exact", name], mutant)
    if ran is None:
        return "does not end"
    if program == "loom":
        done = f"loom {name}: " in ran.stdout
        return "passed" if done and ran.returncode == 0 else \
            "failed" if not done and "panicked at" in ran.stdout else "gave no verdict"
    if f"test {name} ... FAILED" in ran.stdout and ran.returncode:
        return "failed"
    return "passed" if "1 passed; 0 failed" in ran.stdout else "gave no verdict"


def survey(programs, mutants):
    """All that fails, for whoever writes a mutant."""
    def failing(mutant):
        place = mutant["file"]
        mine = ["loom"] if place.startswith(ENGINE) else ["journal"] if place.startswith(JOURNAL) \
            else ["contract", "explore", "queue_governor"]
        found = []
        for name in mine:
            ran = start(programs[name], [], mutant["name"])
            if ran is None:
                found.append(f"{name} does not end")
            elif ran.returncode:
                failed = re.findall(r"^test (\S+) \.\.\. FAILED$", ran.stdout, re.M)
                found += [f"{name}::{test}" for test in failed] or [f"{name}: a panic"]
        return found
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, found in zip(mutants, pool.map(failing, mutants)):
            print(f"{mutant['name']}\n" + "".join(f"    {test}\n" for test in found or ["NOTHING"]), flush=True)


def start(program, arguments, mutant):
    env = {**os.environ, "MUTANT": mutant, "GOVERNOR_SEED": "1", "GOVERNOR_CASES": "24",
           "EXPLORE_STATES": "10000",
           "PROPTEST_MAX_SHRINK_ITERS": "0", "RUST_BACKTRACE": "0"}
    try:
        return subprocess.run([program, *arguments], env=env, cwd=COPY / GOVERNOR, timeout=PATIENCE_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        return None


def copy_sources():
    shutil.rmtree(STAGE, ignore_errors=True)
    for place in (GOVERNOR, f"{ENGINE}/src", LOOM, JOURNAL):
        shutil.copytree(ROOT / place, STAGE / place)
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    write_governor(workspace)
    write_journal(workspace)
    loom = STAGE / LOOM / "Cargo.toml"
    loom.write_text(loom.read_text().replace('"../../media/core"', json.dumps(str(ROOT / "media/core"))))
    for front in (STAGE / GOVERNOR / "src/lib.rs", STAGE / LOOM / "src/main.rs"):
        front.write_text(front.read_text() + SWITCH)


def write_governor(workspace):
    manifest = tomllib.loads((ROOT / GOVERNOR / "Cargo.toml").read_text())
    kinds = {kind: manifest.get(kind, {}) for kind in ("features", "dependencies", "dev-dependencies")}
    write_crate(STAGE / GOVERNOR, "queue-governor", workspace, kinds)


def write_journal(workspace):
    """The house's journal with what it stands on: the lanes, the clock, a few constants."""
    shared = {"workspace": True}
    clock = STAGE / "clock"
    (clock / "src").mkdir(parents=True)
    (clock / "src/lib.rs").write_text("mod clock;\npub use clock::Clock;\n")
    shutil.copy(ROOT / ENGINE / "src/clock.rs", clock / "src/clock.rs")
    write_crate(clock, "media-engine", workspace, {"dependencies": {"media-core": shared, "libc": shared}})
    house = tomllib.loads((ROOT / "Cargo.toml").read_text())["dependencies"]
    needs = {name: shared for name in ("media-core", "serde", "serde_json", "thiserror", "tracing")}
    needs["lane-broker"] = {"path": str(ROOT / "queue-governor/broker"), "default-features": False}
    needs["media-engine"] = {"path": str(COPY / "clock")}
    needs["queue-governor"] = {"path": str(COPY / GOVERNOR), "features": ["serde"]}
    needs["tokio"] = {"version": workspace["dependencies"]["tokio"]["version"], "features": ["sync"]}
    assert set(needs) <= set(house), "the house has these, too"
    journal = STAGE / "journal"
    (journal / "src").mkdir(parents=True)
    constants = re.findall(r"^pub const (?:SAID|SPOOLED|OPERATOR): .*$", (ROOT / "src/say/claim.rs").read_text(), re.M)
    (journal / "src/lib.rs").write_text(
        f'#[path = "{COPY / JOURNAL}/mod.rs"]\npub mod durable;\n'
        "mod say {\n" + "".join(f"    {constant}\n" for constant in constants) + "}\n" + SWITCH
    )
    write_crate(journal, "journal", workspace, {"dependencies": needs, "dev-dependencies": {"tempfile": shared}})


def write_crate(place, name, workspace, kinds):
    """The manifest of a crate without a workspace, with the workspace's choice of versions."""
    lines = ["[workspace]", "[package]", f"name = {json.dumps(name)}", 'version = "0.0.0"']
    lines.append(f'edition = {json.dumps(workspace["package"]["edition"])}')
    lines += ["[profile.dev]", "opt-level = 1", "debug = false"]
    for kind, entries in kinds.items():
        lines.append(f"[{kind}]")
        for dependency, wanted in entries.items():
            lines.append(f"{dependency} = {inline(workspace, dependency, wanted)}")
    (place / "Cargo.toml").write_text("\n".join(lines) + "\n")
    shutil.copy(ROOT / "Cargo.lock", place / "Cargo.lock")


def inline(workspace, name, wanted):
    if isinstance(wanted, list):
        return json.dumps(wanted)
    wanted = dict(wanted) if isinstance(wanted, dict) else {"version": wanted}
    if wanted.pop("workspace", False):
        shared = workspace["dependencies"][name]
        shared = dict(shared) if isinstance(shared, dict) else {"version": shared}
        features = shared.get("features", []) + wanted.get("features", [])
        wanted = {**shared, **wanted, **({"features": features} if features else {})}
    if "path" in wanted:
        wanted["path"] = str(ROOT / wanted["path"])
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in wanted.items()) + " }"


def weave(mutant):
    file = STAGE / mutant["file"]
    source = file.read_text()
    switch = f"crate::mutants::on({json.dumps(mutant['name'])})"
    for line, broken in [[mutant["line"], mutant["broken"].lstrip("\n")], *mutant.get("also", [])]:
        if source.count(line) != 1:
            sys.exit(
                f"mutant {mutant['name']!r}: {source.count(line)} places in {mutant['file']} read\n"
                f"{line}\nBring tests/mutants.toml up to date with the code."
            )
        source = source.replace(line, broken.replace("MUTANT", switch))
    file.write_text(source)


def keep_times():
    """Puts the new copy in its place. What is as it was is as old as it was, so that nothing is compiled
    anew for it; anything else is new, however old it is where it comes from, or what was compiled
    from another one would be taken for it."""
    for file in filter(Path.is_file, STAGE.rglob("*")):
        last = COPY / file.relative_to(STAGE)
        if last.is_file() and last.read_bytes() == file.read_bytes():
            os.utime(file, ns=(last.stat().st_atime_ns, last.stat().st_mtime_ns))
        else:
            os.utime(file)
    shutil.rmtree(COPY, ignore_errors=True)
    STAGE.rename(COPY)


def build(place, what):
    """Compiles a crate. Gives its programs by name; a test of time proves nothing here."""
    command = ["cargo", *what, "--quiet", "--message-format=json", "--manifest-path", str(place / "Cargo.toml")]
    env = {**os.environ, "CARGO_TARGET_DIR": str(TARGET / "build"), "RUSTFLAGS": "-A warnings"}
    built = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        errors = [m["message"]["rendered"] for m in map(json.loads, built.stdout.splitlines())
                  if m.get("message", {}).get("level") == "error"]
        sys.exit(f"a mutant of {place.relative_to(COPY)} does not compile\n{''.join(errors)}")
    programs = {}
    for message in map(json.loads, built.stdout.splitlines()):
        if message.get("executable"):
            name = message["target"]["name"]
            programs["loom" if place == COPY / LOOM else name] = message["executable"]
    return programs


if __name__ == "__main__":
    main()
