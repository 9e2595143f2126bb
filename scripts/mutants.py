#!/usr/bin/env python3
"""Breaks the code line by line and shows that a test notices.

All of tests/mutants.toml is woven into a copy of the code, each broken line behind a switch that
an environment variable throws. So it is compiled once, and the code itself knows nothing of it.
Prints a table; exit 0 only if every mutant is found, and none where nothing is broken.
"""
import json, os, re, shutil, subprocess, sys, time, tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutants"
COPY = TARGET / "copy"
GOVERNOR, ENGINE, LOOM = "queue-governor/governor", "media/engine", "tests/loom"
# A suite takes a few seconds, on a busy machine twenty; what hangs is found, too.
PATIENCE_S = 60
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
    copy_sources()
    for mutant in mutants:
        weave(mutant)
    suites = {
        GOVERNOR: build(COPY / GOVERNOR, ["test", "--no-run", "--tests"]),
        ENGINE: build(COPY / LOOM, ["build"]),
    }
    print(f"{len(mutants)} mutants woven in and compiled; first without any", flush=True)
    for place, programs in suites.items():
        found = first_failure(programs, "")
        if found:
            sys.exit(f"nothing is broken, and in {place} this fails: {found}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        def run(mutant):
            began = time.time()
            place = next(place for place in suites if mutant["file"].startswith(place))
            return first_failure(suites[place], mutant["name"]), time.time() - began
        survivors = 0
        print(f"{'promise':<26} {'broken line':<58} found by")
        for mutant, (found, seconds) in zip(mutants, pool.map(run, mutants)):
            survivors += found is None
            print(f"{mutant['promise']:<26} {mutant['name']:<58} {found or 'NOTHING'} ({seconds:.0f} s)", flush=True)
    print(f"mutants: {len(mutants) - survivors} of {len(mutants)} found")
    sys.exit(1 if survivors else 0)


def copy_sources():
    shutil.rmtree(COPY, ignore_errors=True)
    for place in (GOVERNOR, f"{ENGINE}/src", LOOM):
        shutil.copytree(ROOT / place, COPY / place)
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    manifest = tomllib.loads((ROOT / GOVERNOR / "Cargo.toml").read_text())
    (COPY / GOVERNOR / "Cargo.toml").write_text(governor_manifest(workspace, manifest))
    shutil.copy(ROOT / "Cargo.lock", COPY / GOVERNOR / "Cargo.lock")
    loom = COPY / LOOM / "Cargo.toml"
    loom.write_text(loom.read_text().replace('"../../media/core"', json.dumps(str(ROOT / "media/core"))))
    for front in (COPY / GOVERNOR / "src/lib.rs", COPY / LOOM / "src/main.rs"):
        front.write_text(front.read_text() + SWITCH)


def governor_manifest(workspace, manifest):
    """The crate's manifest without its workspace."""
    lines = ["[workspace]", "[package]", 'name = "queue-governor"', 'version = "0.0.0"']
    lines.append(f'edition = {json.dumps(workspace["package"]["edition"])}')
    lines += ["[profile.dev]", "opt-level = 1", "debug = false", "[features]"]
    lines += [f"{name} = {json.dumps(on)}" for name, on in manifest.get("features", {}).items()]
    for kind in ("dependencies", "dev-dependencies"):
        lines.append(f"[{kind}]")
        for name, wanted in manifest.get(kind, {}).items():
            wanted = dict(wanted) if isinstance(wanted, dict) else {"version": wanted}
            if wanted.pop("workspace", False):
                shared = workspace["dependencies"][name]
                shared = dict(shared) if isinstance(shared, dict) else {"version": shared}
                features = shared.get("features", []) + wanted.get("features", [])
                wanted = {**shared, **wanted, **({"features": features} if features else {})}
            if "path" in wanted:
                wanted["path"] = str(ROOT / wanted["path"])
            inline = ", ".join(f"{key} = {json.dumps(value)}" for key, value in wanted.items())
            lines.append(f"{name} = {{ {inline} }}")
    return "\n".join(lines) + "\n"


def weave(mutant):
    file = COPY / mutant["file"]
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


def build(place, what):
    command = ["cargo", *what, "--quiet", "--message-format=json", "--manifest-path", str(place / "Cargo.toml")]
    env = {**os.environ, "CARGO_TARGET_DIR": str(TARGET / "build"), "RUSTFLAGS": "-A warnings"}
    built = subprocess.run(command, env=env, stdout=subprocess.PIPE)
    if built.returncode:
        sys.exit(f"a mutant of {place.relative_to(COPY)} does not compile")
    programs = []
    for message in map(json.loads, built.stdout.splitlines()):
        # What measures time proves nothing here.
        if message.get("executable") and message["target"]["name"] != "rate":
            programs.append(message["executable"])
    # Cheap ones first.
    return sorted(programs, key=lambda program: "explore" in program)


def first_failure(programs, mutant):
    env = {**os.environ, "MUTANT": mutant, "GOVERNOR_SEED": "1", "GOVERNOR_CASES": "24",
           "EXPLORE_STATES": "10000",
           "PROPTEST_MAX_SHRINK_ITERS": "0", "RUST_BACKTRACE": "0"}
    for program in programs:
        name = Path(program).name.split("-")[0]
        try:
            ran = subprocess.run([program], env=env, cwd=COPY / GOVERNOR, timeout=PATIENCE_S,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except subprocess.TimeoutExpired:
            return f"{name}: does not end"
        if ran.returncode:
            failed = re.findall(r"^(?:test )?(\S+)(?: ---)? (?:\.\.\. )?FAILED$", ran.stdout, re.M)
            more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            return f"{name}: {failed[0].split('::')[-1] if failed else 'a panic'}{more}"
    return None


if __name__ == "__main__":
    main()
