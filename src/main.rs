//! The program `xenline`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::process::ExitCode;

use clap::Parser;

// Proves in every debug build that the audio tick does not allocate.
#[cfg(debug_assertions)]
media_engine::install_alloc_check!();

fn main() -> ExitCode {
    be_quiet_when_nobody_reads();
    let cli = xenline::cli::Cli::parse();
    // Unwound, not ended on the spot: what a verb has started ends with it.
    let ran = catch_unwind(AssertUnwindSafe(|| xenline::verbs::run(cli)));
    match ran {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            eprintln!("xenline: {failure}");
            failure.code()
        }
        Err(panic) if panic.downcast_ref::<String>().is_some_and(|why| nobody_reads(why)) => {
            ExitCode::from(BROKEN_PIPE)
        }
        Err(panic) => resume_unwind(panic),
    }
}

/// `xenline calls ls | head`: who has read enough is not told of a panic. What serves writes to its
/// standard output in another way, and goes on.
fn be_quiet_when_nobody_reads() {
    let told = take_hook();
    set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(nobody_reads) {
            told(panic);
        }
    }));
}

fn nobody_reads(why: &str) -> bool {
    why.starts_with("failed printing to stdout")
}

/// As the shell names a program that SIGPIPE has ended.
const BROKEN_PIPE: u8 = 128 + 13;
