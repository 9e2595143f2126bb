//! `xenline demo`: a whole call on loopback. Starts the line with its brain, dials in over SIP
//! with a caller's recordings, shows the conversation as it happens, checks that it went as
//! scripted, and draws it.

mod narrator;
mod script;
mod server;

use std::path::{Path, PathBuf};

use crate::cli::DemoArgs;
use crate::exit::Failure;
use crate::replay::LOG_FILE;
use crate::report;

pub use server::{Server, loopback_config};

/// The packet in hand when the caller interrupts, and two that a busy machine may be late.
const SILENT_WITHIN_MS: f64 = 60.0;

/// Runs the demo.
///
/// # Errors
/// [`Failure::Failed`] names every step that did not go as scripted.
pub async fn demo(args: DemoArgs) -> Result<(), Failure> {
    let dir = fresh(&args.dir)?;
    let mut config = loopback_config().map_err(Failure::because)?;
    config.0.recording.dir = Some(dir.join("line"));
    let (server, events) = Server::start(&config).await.map_err(Failure::Failed)?;
    let outcome = script::run(&server, events, &dir, args.quiet).await;
    server.stop().await;
    let mut problems = outcome?;
    let folder = call_folder(&dir.join("line"))?;
    let drawn = report::draw(&folder).map_err(Failure::because)?;
    for file in [
        "call.wav",
        "transcript.jsonl",
        "summary.json",
        "call.svg",
        "call.png",
        "events.jsonl",
        LOG_FILE,
    ] {
        std::fs::copy(folder.join(file), dir.join(file))
            .map_err(|error| Failure::Failed(format!("{file} was not written: {error}")))?;
    }
    println!("\n{}", report::table(&drawn.summary));
    print_files(&dir);
    let summary = &drawn.summary;
    let claims = [
        ("the caller was heard", summary.heard),
        ("the caller was answered", summary.answered),
        ("the agent was interrupted", summary.interrupted),
    ];
    for (what, held) in claims {
        if !held {
            problems.push(format!("the record does not show that {what}"));
        }
    }
    if summary.revoke_to_silence_ms_max.is_none_or(|ms| ms > SILENT_WITHIN_MS) {
        let took = summary.revoke_to_silence_ms_max;
        problems
            .push(format!("silence after the revoke took {took:?} ms, at most {SILENT_WITHIN_MS}"));
    }
    if problems.is_empty() {
        println!("\nheard, answered and interrupted as scripted, with one voice");
        return Ok(());
    }
    Err(Failure::Failed(format!("not as scripted:\n  {}", problems.join("\n  "))))
}

/// The directory without what an earlier run left. Only our own files are removed.
fn fresh(dir: &Path) -> Result<PathBuf, Failure> {
    let line = dir.join("line");
    if line.is_dir() {
        std::fs::remove_dir_all(&line).map_err(Failure::because)?;
    }
    std::fs::create_dir_all(&line).map_err(|error| {
        Failure::Failed(format!(
            "cannot write in {}: {error}; choose another with --dir",
            dir.display()
        ))
    })?;
    dir.canonicalize().map_err(Failure::because)
}

fn call_folder(line: &Path) -> Result<PathBuf, Failure> {
    let folders = std::fs::read_dir(line).map_err(Failure::because)?;
    let mut folders: Vec<_> =
        folders.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.pop().ok_or_else(|| Failure::Failed("the line kept no record of the call".into()))
}

fn print_files(dir: &Path) {
    let shown = std::env::current_dir()
        .ok()
        .and_then(|here| dir.strip_prefix(here).ok().map(Path::to_path_buf))
        .unwrap_or_else(|| dir.to_path_buf());
    let files = [
        ("call.png", "the call as a picture (call.svg: the same, scalable)"),
        ("call.wav", "stereo: caller left, line right"),
        ("caller.wav", "stereo, recorded by the caller: heard left, said right"),
        ("transcript.jsonl", "who said what, when"),
        ("summary.json", "the figures"),
        ("events.jsonl", "everything that happened"),
        (LOG_FILE, "what was decided on: xenline calls replay decides it again"),
    ];
    for (file, what) in files {
        println!("  {:<40} {what}", shown.join(file).display().to_string());
    }
}
