//! `xenline demo`: a whole call on loopback. Starts the line with its brain, dials in over SIP
//! with a caller's recordings, shows the conversation as it happens, checks that it went as
//! scripted, and draws it.

mod narrator;
mod script;
mod server;

use std::path::{Path, PathBuf};

use crate::cli::DemoArgs;
use crate::control::Reply;
use crate::exit::Failure;
use crate::replay::LOG_FILE;
use crate::report;

pub use server::{Server, loopback_config};

/// The packet in hand when the caller interrupts. What the machine's latest tick was late comes on top.
const SILENT_WITHIN_MS: f64 = 20.0;

/// What a call leaves in the demo's folder, of which the caller writes one.
const FILES: [(&str, &str); 7] = [
    ("call.png", "the call as a picture (call.svg: the same, scalable)"),
    ("call.wav", "stereo: caller left, line right"),
    (CALLER_FILE, "stereo, recorded by the caller: heard left, said right"),
    ("transcript.jsonl", "who said what, when"),
    ("summary.json", "the figures"),
    ("events.jsonl", "everything that happened"),
    (LOG_FILE, "what was decided on: xenline calls replay decides it again"),
];
const PICTURE_FILE: &str = "call.svg";
const CALLER_FILE: &str = "caller.wav";

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
    let late_ms = match server.status().await {
        Some(Reply::Status { tick_late_us_max, .. }) => tick_late_us_max as f64 / 1_000.0,
        _ => 0.0,
    };
    server.stop().await;
    let mut problems = outcome?;
    let folder = call_folder(&dir.join("line"))?;
    let drawn = report::draw(&folder).map_err(Failure::because)?;
    for file in of_the_line() {
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
    let within_ms = SILENT_WITHIN_MS + late_ms;
    if summary.revoke_to_silence_ms_max.is_none_or(|ms| ms > within_ms) {
        let took = summary.revoke_to_silence_ms_max;
        problems.push(format!("silence after the revoke took {took:?} ms, at most {within_ms}"));
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
    for file in of_the_line().chain([CALLER_FILE]) {
        match std::fs::remove_file(dir.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::Failed(format!("{file} of an earlier run: {error}")));
            }
            _ => {}
        }
    }
    std::fs::create_dir_all(&line).map_err(|error| {
        Failure::Failed(format!(
            "cannot write in {}: {error}; choose another with --dir",
            dir.display()
        ))
    })?;
    dir.canonicalize().map_err(Failure::because)
}

/// The files that the line writes.
fn of_the_line() -> impl Iterator<Item = &'static str> {
    FILES
        .into_iter()
        .map(|(file, _)| file)
        .filter(|file| *file != CALLER_FILE)
        .chain([PICTURE_FILE])
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
    for (file, what) in FILES {
        println!("  {:<40} {what}", shown.join(file).display().to_string());
    }
}
