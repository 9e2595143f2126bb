//! What the brain says: something whenever it comes to a call, and something to whoever speaks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use brain_protocol::LineMessage;
use serde_json::json;

use crate::claims::{Claims, Kind};
use crate::support::mind::Mind;

/// Of so many answers to a caller's turn one is bound to be heard.
const BOUND_EACH: u64 = 2;

/// A brain for a house whose programs have these `claims`.
pub fn start(claims: &Arc<Claims>) -> Mind {
    let claims = claims.clone();
    let mine: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Mind::start(move |mind, message| {
        let say = |kind, bound: bool, line: u64, turn: Option<u64>| {
            let (number, text) = claims.spoken(kind, bound);
            let claim = format!("mind-{number}");
            mine.lock().expect("no panic").insert(claim.clone(), number);
            let source = if kind == Kind::Reply { "responder" } else { "worker" };
            mind.say(&json!({
                "type": "say", "line": line, "claim": claim, "source": source, "tag": "call",
                "text": text, "turn": turn, "must_deliver": bound,
            }));
        };
        let number = |claim: &brain_protocol::ClaimId| {
            mine.lock().expect("no panic").get(claim.as_str()).copied()
        };
        match message {
            LineMessage::LineOpened { line, .. } => match claims.all().len() % 6 {
                0 => say(Kind::Reply, true, line.0, None),
                3 => say(Kind::Report, true, line.0, None),
                _ => {}
            },
            LineMessage::CallerTurn { line, turn, position, .. } => {
                say(Kind::Reply, turn.0.is_multiple_of(BOUND_EACH), line.0, Some(turn.0));
                mind.say(&json!({
                    "type": "turn_done", "line": line, "turn": turn, "position": position,
                }));
            }
            LineMessage::ClaimAccepted { claim, kept: true, .. } => {
                number(claim).into_iter().for_each(|it| claims.accepted(it));
            }
            LineMessage::ClaimEnded { claim, ending, .. } => {
                let ending = format!("{ending:?}").to_lowercase();
                number(claim).into_iter().for_each(|it| claims.ended(it, &ending));
            }
            _ => {}
        }
    })
}

/// How often a brain of it was told what the caller said.
pub fn turns(mind: &Mind) -> usize {
    mind.told().iter().filter(|it| matches!(it, LineMessage::CallerTurn { .. })).count()
}

/// How often a brain of it came to a call.
pub fn calls(mind: &Mind) -> usize {
    mind.told().iter().filter(|it| matches!(it, LineMessage::LineOpened { .. })).count()
}

/// Whether brains have said all that they had in mind to a call that opened after `so_far` things
/// were told to them.
pub fn said_it(mind: &Mind, so_far: usize) -> bool {
    let told = &mind.told()[so_far..];
    let count = |is: fn(&LineMessage) -> bool| told.iter().filter(|it| is(it)).count();
    count(|it| matches!(it, LineMessage::LineOpened { .. })) > 0
        && count(|it| matches!(it, LineMessage::ClaimAccepted { .. }))
            == count(|it| matches!(it, LineMessage::ClaimEnded { .. }))
}
