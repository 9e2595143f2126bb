//! `xenline calls …`

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

/// What about past calls.
#[derive(Subcommand, Debug)]
pub enum CallsAction {
    /// List them, newest last
    Ls {
        /// Where the calls are [default: [recording] dir]
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
        /// How many of the newest
        #[arg(long, default_value_t = 50, value_name = "N")]
        last: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// What was said on a call, its figures, and its picture, which is drawn if there is none yet
    Show {
        /// Its id from `calls ls`, the beginning of one, `last`, or its folder
        call: String,
        /// Where the calls are [default: [recording] dir]
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Run hearing's and the governor's decisions again from a call's log; exit code 1 if one differs
    Replay {
        /// A call's id, the beginning of one, `last`, its folder, or a log file
        call: String,
        /// Where the calls are [default: [recording] dir]
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
        /// Replay a log that stops in the middle as far as it goes
        #[arg(long)]
        partial: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}
