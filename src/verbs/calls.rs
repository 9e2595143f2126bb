//! `xenline calls`.

use std::path::Path;

use serde::Serialize;

use crate::calls::{self, calls_in, find, list_table, replay_table, show_text};
use crate::cli::CallsAction;
use crate::config::Config;
use crate::exit::Failure;

pub(super) fn run(config: &Config, action: CallsAction) -> Result<(), Failure> {
    let configured = config.recording.dir.as_deref();
    match action {
        CallsAction::Ls { dir, last, json } => {
            let found = calls_in(dir.as_deref().or(configured)).map_err(Failure::because)?;
            let newest = &found[found.len().saturating_sub(last)..];
            let listed = calls::list(newest, config.log.show_pii);
            print(json, &listed, || list_table(&listed))
        }
        CallsAction::Show { call, dir, json } => show(config, &call, dir.as_deref(), json),
        CallsAction::Replay { call, dir, partial, json } => {
            let replayed = calls::replay_log(dir.as_deref().or(configured), &call, partial)?;
            print(json, &replayed, || replay_table(&replayed))?;
            if replayed.is_identical() {
                return Ok(());
            }
            let text =
                format!("{} steps are decided differently by this build", replayed.differing);
            Err(Failure::Failed(text))
        }
    }
}

fn show(config: &Config, call: &str, dir: Option<&Path>, json: bool) -> Result<(), Failure> {
    let dir = dir.or(config.recording.dir.as_deref());
    let call = find(dir, call).map_err(Failure::because)?;
    let shown = calls::show(&call, config.log.show_pii).map_err(Failure::because)?;
    print(json, &shown, || show_text(&shown))
}

fn print<T: Serialize>(json: bool, value: &T, text: impl Fn() -> String) -> Result<(), Failure> {
    use std::io::Write;
    let text = if json {
        serde_json::to_string_pretty(value).map_err(Failure::because)? + "\n"
    } else {
        text()
    };
    // Whoever read along has gone.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}
