//! The reference brain as a program: started by the line, which tells it where to connect.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use xenline_brain::config::Config;
use xenline_brain::shell;

/// The reference brain of xenline: a fast responder and parallel workers, without a language model.
///
/// Exit status: 0 when the line ended it, 1 when the line was lost, 2 when the configuration or
/// the arguments cannot be used.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// TOML file with the greeting, genes and allowed commands.
    #[arg(long, env = "XENLINE_BRAIN_CONFIG")]
    config: Option<PathBuf>,
    /// Socket of the line. The line sets this when it starts the brain.
    #[arg(long, env = brain_protocol::SOCKET_VARIABLE, required_unless_present_any = ["check", "demo_backup"])]
    socket: Option<PathBuf>,
    /// Read the configuration and the genes, say what was found, and end.
    #[arg(long)]
    check: bool,
    /// Make the demo's backup, and end.
    #[arg(long, hide = true)]
    demo_backup: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.demo_backup {
        return demo_backup();
    }
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("XENLINE_BRAIN_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .without_time()
        .with_ansi(false)
        .init();
    let config =
        match arguments.config.as_deref().map_or_else(|| Ok(Config::builtin()), Config::read) {
            Ok(config) => config,
            Err(error) => return refuse(&error),
        };
    match arguments.socket {
        _ if arguments.check => check(&config),
        Some(socket) => serve(&socket, config),
        None => ExitCode::from(2),
    }
}

fn serve(socket: &std::path::Path, config: Config) -> ExitCode {
    let served = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(shell::BrainError::from)
        .and_then(|runtime| runtime.block_on(shell::serve(socket, config)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (shell::BrainError::Config(_) | shell::BrainError::State(_))) => refuse(&error),
        Err(error) => {
            eprintln!("xenline-brain: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(config: &Config) -> ExitCode {
    match config.library() {
        Ok(library) => {
            let phrases: usize = library.genes().iter().map(|gene| gene.phrases.len()).sum();
            println!(
                "{} genes with {phrases} phrases, {} commands",
                library.genes().len(),
                config.commands.len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

fn demo_backup() -> ExitCode {
    match xenline_brain::demo_backup::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xenline-brain: demo backup: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("xenline-brain: {error}");
    ExitCode::from(2)
}

/// The responder and one beside it.
const THREADS: usize = 2;
