//! What is asked of a running line: say, queue, operator, dial, reload.

use std::path::{Path, PathBuf};

use super::loaded;
use crate::cli::{DialArgs, OperatorAction, PolicyArg, QueueAction, SayArgs, SocketArg, SourceArg};
use crate::control::client::Reach;
use crate::control::{ClaimState, QueuedClaim, Reply, Request, SayRequest};
use crate::exit::Failure;
use crate::house;
use lane_broker::intake::{Policy, WishSource};

/// Longest text that `xenline say -` reads; the line refuses claims longer than 4 KiB anyway.
const TEXT_BYTES_MAX: u64 = 8 * 1024;
/// As much of a text as a list shows.
const SHOWN_CHARS_MAX: usize = 48;

pub(super) fn say(file: Option<&Path>, args: SayArgs) -> Result<(), Failure> {
    let text = match args.text.as_str() {
        "-" => standard_input()?,
        text => text.to_owned(),
    };
    let wav = args.wav.as_deref().map(absolute).transpose()?;
    let wish = SayRequest {
        text,
        wav,
        line: args.line,
        to: args.to,
        source: match args.source {
            SourceArg::External => WishSource::External,
            SourceArg::System => WishSource::System,
        },
        tag: Some(args.tag),
        priority: args.priority,
        ttl_s: args.ttl_s,
        must_deliver: args.must_deliver,
        supersedes: args.supersedes,
        dedup_key: args.dedup_key,
        on_interrupt: args.on_interrupt.map(|policy| match policy {
            PolicyArg::Drop => Policy::Drop,
            PolicyArg::Resume => Policy::Resume,
            PolicyArg::Restate => Policy::Restate,
        }),
        wait: args.wait,
    };
    let wait = args.wait;
    told_of_claims(&reach(file, args.at)?, &Request::Say(wish), wait)
}

pub(super) fn queue(file: Option<&Path>, action: QueueAction) -> Result<(), Failure> {
    match action {
        QueueAction::Ls { json, at } => list(&reach(file, at)?, json),
        QueueAction::Show { claim, at } => {
            answered(&reach(file, at)?, &Request::QueueShow { claim })
        }
        QueueAction::Withdraw { claim, at } => {
            answered(&reach(file, at)?, &Request::QueueWithdraw { claim })
        }
        QueueAction::Pause { at } => answered(&reach(file, at)?, &Request::QueuePause),
        QueueAction::Resume { at } => answered(&reach(file, at)?, &Request::QueueResume),
    }
}

pub(super) fn operator(file: Option<&Path>, action: OperatorAction) -> Result<(), Failure> {
    match action {
        OperatorAction::Take { line, at } => {
            answered(&reach(file, at)?, &Request::OperatorTake { line })
        }
        OperatorAction::Release { line, at } => {
            answered(&reach(file, at)?, &Request::OperatorRelease { line })
        }
        OperatorAction::Whisper { text, line, at } => {
            answered(&reach(file, at)?, &Request::OperatorWhisper { text, line })
        }
        OperatorAction::Say { text, line, wait, at } => {
            let request = Request::OperatorSay { text, line, wait };
            told_of_claims(&reach(file, at)?, &request, wait)
        }
    }
}

pub(super) fn dial(file: Option<&Path>, args: DialArgs) -> Result<(), Failure> {
    answered(&reach(file, args.at)?, &Request::Dial { number: args.number })
}

pub(super) fn reload(file: Option<&Path>, at: SocketArg) -> Result<(), Failure> {
    answered(&reach(file, at)?, &Request::Reload)
}

pub(super) fn page(file: Option<&Path>, at: SocketArg) -> Result<(), Failure> {
    answered(&reach(file, at)?, &Request::Page)
}

/// Where the line is reached: what the command line names, or the socket of the configuration.
pub(super) fn reach(file: Option<&Path>, at: SocketArg) -> Result<Reach, Failure> {
    Ok(match (at.socket, at.door) {
        (Some(socket), _) => Reach::Socket(socket),
        (None, Some(door)) => Reach::Door(door),
        (None, None) => Reach::Socket(house::say_socket(&loaded(file)?)),
    })
}

/// The line runs in another directory.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::Usage(format!("--wav {}: {error}", path.display())))
}

fn told_of_claims(reach: &Reach, request: &Request, wait: bool) -> Result<(), Failure> {
    let (mut refused, mut accepted, mut ended) = (None, 0, 0);
    reach.ask(request, |reply| match reply {
        Reply::Accepted { line, claim } => {
            accepted += 1;
            match line {
                Some(line) => println!("line {line}: {claim} accepted"),
                None => println!("{claim} accepted; it waits for a call"),
            }
        }
        Reply::Ended { line, claim, ending, reason, heard } => {
            ended += 1;
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            println!("{place}{claim} {ending}{reason}; heard: {heard:?}");
            if ending != "spoken" {
                refused.get_or_insert(format!("{claim} was not said to its end: {ending}{reason}"));
            }
        }
        Reply::Refused { message, .. } => refused = Some(message),
        _ => {}
    })?;
    let unheard = if wait { ended < accepted } else { accepted + ended == 0 };
    if unheard && refused.is_none() {
        refused = Some("the line closed before it could say what became of it".to_owned());
    }
    refused.map_or(Ok(()), |message| Err(Failure::Failed(message)))
}

/// Asks what has one answer, and prints it, and what is told before it.
pub(super) fn answered(reach: &Reach, request: &Request) -> Result<(), Failure> {
    let mut outcome = Err(Failure::Failed("the line closed before it answered".to_owned()));
    reach.ask(request, |reply| {
        outcome = match reply {
            Reply::Done { message } => {
                println!("{message}");
                Ok(())
            }
            Reply::Page { url } => {
                println!("{url}");
                Ok(())
            }
            Reply::Calling { state } => {
                println!("{state}");
                return;
            }
            Reply::Queue { claims, .. } => claims.iter().try_for_each(print_json),
            Reply::Refused { message, .. } => Err(Failure::Failed(message)),
            other => Err(Failure::Failed(format!("an answer to something else: {other:?}"))),
        };
    })?;
    outcome
}

fn list(reach: &Reach, json: bool) -> Result<(), Failure> {
    let mut outcome = Ok(());
    reach.ask(&Request::QueueList, |reply| {
        outcome = match reply {
            Reply::Queue { claims, .. } if json => claims.iter().try_for_each(print_json),
            Reply::Queue { claims, paused, journal } => {
                claims.iter().for_each(|claim| println!("{}", row(claim)));
                if paused {
                    println!(
                        "paused: nothing is said for other programs until `xenline queue resume`"
                    );
                }
                if let Some(reason) = journal {
                    println!("nothing new is kept: {reason}");
                }
                Ok(())
            }
            Reply::Refused { message, .. } => Err(Failure::Failed(message)),
            other => Err(Failure::Failed(format!("an answer to something else: {other:?}"))),
        };
    })?;
    outcome
}

fn row(claim: &QueuedClaim) -> String {
    let state = match &claim.state {
        ClaimState::Waiting => "waits for a call".to_owned(),
        ClaimState::OnLine { line } => format!("on line {line}"),
        ClaimState::Ended { ending, .. } => ending.clone(),
    };
    let mut text: String = claim.text.chars().take(SHOWN_CHARS_MAX).collect();
    if text.len() < claim.text.len() {
        text.push('…');
    }
    let must = if claim.must_deliver { " must be delivered" } else { "" };
    format!(
        "{:<26} {:<9} {state:<17} {:>5} s  {text:?}{must}",
        claim.claim, claim.source, claim.age_s
    )
}

fn print_json(claim: &QueuedClaim) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(claim).map_err(Failure::because)?);
    Ok(())
}

pub(super) fn standard_input() -> Result<String, Failure> {
    use std::io::Read;
    let mut text = String::new();
    std::io::stdin()
        .take(TEXT_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("standard input: {error}")))?;
    Ok(text.trim().to_owned())
}
