//! The program `xenline`.

use std::process::ExitCode;

use clap::Parser;

// Proves in every debug build that the audio tick does not allocate.
#[cfg(debug_assertions)]
media_engine::install_alloc_check!();

fn main() -> ExitCode {
    let cli = xenline::cli::Cli::parse();
    match xenline::verbs::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xenline: {failure}");
            failure.code()
        }
    }
}
