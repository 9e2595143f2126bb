//! `xenline calls show`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::find::CallFolder;
use super::list::hidden;
use crate::replay::LOG_FILE;
use crate::report::{self, CallEvent, CallRecord, DrawError, RecordError, Summary, Utterance};

/// A call, for reading.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Who said what, when.
    pub conversation: Vec<Utterance>,
    /// The call in figures.
    pub summary: Summary,
    /// The picture.
    pub picture: Option<PathBuf>,
    /// Why there is no picture, if there is none.
    pub without_picture: Option<String>,
    /// Its log, if it can be replayed.
    pub log: Option<PathBuf>,
}

/// Reads a call, and draws it if it was not drawn yet.
///
/// # Errors
/// [`RecordError`] where there is no record. A picture that cannot be drawn is none.
pub fn show(call: &CallFolder, show_pii: bool) -> Result<Shown, RecordError> {
    let record = CallRecord::read(&call.path)?;
    let (mut summary, conversation) = (Summary::of(&record), report::conversation(&record));
    if !show_pii {
        summary.caller = hidden(&summary.caller);
    }
    let (picture, without_picture) = match picture(call) {
        Ok(path) => (Some(path), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let log = Some(call.path.join(LOG_FILE)).filter(|log| log.is_file());
    Ok(Shown { id: call.id.clone(), conversation, summary, picture, without_picture, log })
}

fn picture(call: &CallFolder) -> Result<PathBuf, DrawError> {
    let path = call.path.join("call.png");
    if !path.is_file() || !call.path.join("call.svg").is_file() {
        report::draw(&call.path)?;
    }
    Ok(path)
}

/// The call's picture as PNG, without phone numbers, addresses and pressed keys.
///
/// # Errors
/// [`DrawError`].
pub fn picture_without_numbers(call: &CallFolder) -> Result<Vec<u8>, DrawError> {
    report::picture(&call.path, without_numbers)
}

/// Leaves of numbers what [`hidden`] does, and of pressed keys that they were pressed.
fn without_numbers(record: &mut CallRecord) {
    for name in [&mut record.opened.caller, &mut record.opened.called] {
        if !name.is_empty() {
            *name = hidden(name);
        }
    }
    for event in &mut record.events {
        match &mut event.what {
            CallEvent::Dtmf { digit } => *digit = '…',
            CallEvent::CallOpened(opened) => {
                (opened.caller, opened.called) = (hidden(&opened.caller), hidden(&opened.called));
            }
            _ => {}
        }
    }
}

/// The call as text.
#[must_use]
pub fn show_text(shown: &Shown) -> String {
    let mut out = String::new();
    for said in &shown.conversation {
        _ = writeln!(out, "{}", line(said));
    }
    _ = writeln!(out, "\n{}", report::table(&shown.summary));
    match (&shown.picture, &shown.without_picture) {
        (Some(path), _) => _ = writeln!(out, "picture: {}", path.display()),
        (None, Some(why)) => _ = writeln!(out, "no picture: {why}"),
        (None, None) => {}
    }
    if shown.log.is_some() {
        _ = writeln!(out, "decided again by this build with: xenline calls replay {}", shown.id);
    }
    out
}

fn line(said: &Utterance) -> String {
    match said {
        Utterance::Caller { t_ms, text, interrupts, speaker, .. } => {
            let how = if *interrupts { " (interrupts)" } else { "" };
            let who = speaker.as_deref().unwrap_or("caller");
            format!("{:>8.1} s  {who:<10} {text}{how}", t_ms / 1_000.0)
        }
        Utterance::Operator { t_ms, text } => {
            format!("{:>8.1} s  {:<10} {text}", t_ms / 1_000.0, "operator")
        }
        Utterance::Line { t_ms, source, text, heard, ending, .. } => {
            let who = source.to_string();
            let cut = match ending {
                Some(ending) if heard != text => format!(" [{ending}: {text:?}]"),
                _ => String::new(),
            };
            format!("{:>8.1} s  {who:<10} {heard}{cut}", t_ms / 1_000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CallOpened, Event};

    #[test]
    fn a_record_without_numbers_tells_its_callers_apart_and_names_none() {
        let opened = CallOpened {
            caller: "sip:+4922155501@carrier.example".into(),
            called: "sip:+4922155502@carrier.example".into(),
            ..CallOpened::default()
        };
        let at = |what| Event { t_ms: 0.0, what };
        let events =
            vec![at(CallEvent::CallOpened(opened.clone())), at(CallEvent::Dtmf { digit: '7' })];
        let mut record = CallRecord { opened, events, ..CallRecord::default() };
        without_numbers(&mut record);
        assert_eq!((record.opened.caller.as_str(), record.opened.called.as_str()), ("…01", "…02"));
        let left = format!("{record:?}");
        assert!(!left.contains("49221555") && !left.contains('7'), "{left}");
    }
}
