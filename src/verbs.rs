//! What each verb does: one small function per verb, which asks the rooms that know.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::cli::{Cli, ConfigAction, ServeArgs, Verb};
use crate::config::{self, Config, LineMode};
use crate::exit::Failure;
use crate::house;

mod calls;
mod console;
mod firewall;
mod lanes;
mod models;
mod rooms;
mod say;
mod status;
mod tap;
mod typed;

/// Does what the command line asks for.
///
/// # Errors
/// [`Failure`], with its exit code and a text that says what to do next.
pub fn run(cli: Cli) -> Result<(), Failure> {
    logging(matches!(cli.verb, Verb::Serve(_)));
    let file = cli.config.or_else(config::default_path);
    match cli.verb {
        Verb::Serve(args) => serve(file.as_deref(), args),
        Verb::Call(args) => block_on(crate::softphone::call(args))?,
        Verb::Dial(args) => say::dial(file.as_deref(), args),
        Verb::Reload { at } => say::reload(file.as_deref(), at),
        Verb::Say(args) => say::say(file.as_deref(), args),
        Verb::Queue { action } => say::queue(file.as_deref(), action),
        Verb::Operator { action } => say::operator(file.as_deref(), action),
        Verb::Console(args) => console::run(file.as_deref(), args),
        Verb::Rooms { action } => rooms::run(file.as_deref(), action),
        Verb::Tap { action } => tap::run(file.as_deref(), action),
        Verb::Status(args) => status::run(file.as_deref(), args),
        Verb::Calls { action } => calls::run(&loaded(file.as_deref())?, action),
        Verb::Page { at } => say::page(file.as_deref(), at),
        Verb::Type(args) => typed::write(file.as_deref(), args),
        Verb::Check(args) => match args.trunk {
            Some(trunk) => firewall::portal(&loaded(file.as_deref())?, &trunk),
            None => check(file.as_deref()),
        },
        Verb::Firewall { action } => firewall::run(file.as_deref(), action),
        Verb::Config { action: ConfigAction::Validate { file: named } } => {
            validate(named.or(file).as_deref())
        }
        Verb::Config { action: ConfigAction::Show } => show(file.as_deref()),
        Verb::Lanes { action } => lanes::run(&loaded(file.as_deref())?, action),
        Verb::Models { action } => models::run(action),
        Verb::Demo(args) => block_on(crate::demo::demo(args))?,
        Verb::Load(args) => crate::load::load(args),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "xenline", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Logs go to standard error; standard output belongs to what was asked for. A line that serves
/// tells its story; everything else speaks up only when a person should look.
fn logging(serving: bool) {
    // The picture's renderer warns of style rules that it has no use for.
    let level = if serving { "info" } else { "warn,simplecss=error,usvg=error" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    // Only the first subscriber of a process counts; a second is a test's.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no threads for the runtime: {error}")))?;
    Ok(runtime.block_on(future))
}

fn loaded(file: Option<&Path>) -> Result<Config, Failure> {
    Ok(config::load(file, config::environment()?)?)
}

fn serve(file: Option<&Path>, args: ServeArgs) -> Result<(), Failure> {
    let mut config = loaded(file)?;
    if args.echo {
        config.line.mode = LineMode::Echo;
    }
    let problems = config::validate(&config);
    if let Some(problem) = problems.first() {
        return Err(Failure::Invalid(format!("{}: {}", problem.key, problem.message)));
    }
    if config.trunk.is_empty() {
        tracing::warn!("no [[trunk]]: every caller gets silence; see deploy/xenline.example.toml");
    }
    let config_file = file.map(Path::to_path_buf);
    let options = house::ServeOptions { config_file, events: args.events };
    block_on(house::serve(config, options))?.map_err(Failure::because)
}

fn check(file: Option<&Path>) -> Result<(), Failure> {
    let config = loaded(file)?;
    println!("{}\n", described(file));
    match crate::check::run(&config, &mut |finding| println!("{finding}")) {
        0 => {
            println!("\nthe line can be served: xenline serve");
            Ok(())
        }
        n => Err(Failure::Failed(format!("{n} things to mend before the line can be served"))),
    }
}

fn validate(file: Option<&Path>) -> Result<(), Failure> {
    let config = loaded(file)?;
    let problems = config::validate(&config);
    for problem in &problems {
        println!("{}: {}", problem.key, problem.message);
    }
    if !problems.is_empty() {
        return Err(Failure::Invalid(format!(
            "{} has {} problems",
            described(file),
            problems.len()
        )));
    }
    println!("{} is valid", described(file));
    Ok(())
}

fn show(file: Option<&Path>) -> Result<(), Failure> {
    let config = loaded(file)?;
    let text = toml::to_string(&config).map_err(Failure::because)?;
    print!("{text}");
    Ok(())
}

fn described(file: Option<&Path>) -> String {
    file.map_or("the configuration (defaults and environment)".to_owned(), |file| {
        PathBuf::from(file).display().to_string()
    })
}
