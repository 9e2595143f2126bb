//! The program `xenline`.

use std::process::ExitCode;

use clap::Parser;

// Proves in every debug build that the audio tick does not allocate.
#[cfg(debug_assertions)]
media_engine::install_alloc_check!();

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let cli = xenline::cli::Cli::parse();
    match xenline::verbs::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xenline: {failure}");
            failure.code()
        }
    }
}

/// `xenline calls ls | head`: who has read enough is not told of a panic. What serves writes to its
/// standard output in another way, and goes on.
fn end_quietly_when_nobody_reads() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|why| why.starts_with("failed printing to stdout")) {
            std::process::exit(BROKEN_PIPE);
        }
        told(panic);
    }));
}

/// As the shell names a program that SIGPIPE has ended.
const BROKEN_PIPE: i32 = 128 + 13;
