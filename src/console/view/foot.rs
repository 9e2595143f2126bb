//! At the foot: where the operator sits, and what the keys do or what was just said.

use plugin_console::TalkMode;
use ratatui::text::{Line, Span};

use super::super::keys::Prompt;
use super::super::model::Model;
use super::super::seat::{Part, Seat, Sound, SoundLook, words};
use super::style;
use super::words::{cut, wrapped};

/// Where the operator sits, and how the sound goes.
pub(super) fn status(model: &Model, width: usize) -> Line<'static> {
    let mut spans = seat(model, width < NARROW);
    let used: usize = spans.iter().map(Span::width).sum();
    let room = width.saturating_sub(used + 3);
    let sound = match &model.sound {
        Sound::Without(why) => format!("no sound: {why}"),
        Sound::With(look) if matches!(model.seat, Seat::At { .. }) => figures(look),
        Sound::With(look) => format!("{} / {} (d, D choose)", look.microphone, look.speaker),
    };
    let bad = matches!(&model.sound, Sound::With(look) if look.mic.gone || look.out.gone);
    let whose = if bad { style::BAD } else { style::DIM };
    spans.push(Span::styled(" │ ", style::DIM));
    spans.push(Span::styled(cut(&sound, room), whose));
    Line::from(spans)
}

fn seat(model: &Model, narrow: bool) -> Vec<Span<'static>> {
    let short = |long: String, short: &str, line| {
        if narrow { format!(" {short} line {line} ") } else { long }
    };
    let mut spans = vec![match model.seat {
        Seat::Away => Span::styled(" not on a line", style::DIM),
        Seat::Joining { line, .. } => Span::styled(format!(" joining line {line} …"), style::DIM),
        Seat::At { line, part: Part::BargeIn } => {
            let long = format!(" YOU HAVE THE FLOOR of line {line} ");
            Span::styled(short(long, "ON AIR", line), style::ON_AIR)
        }
        Seat::At { line, part } => {
            let long = format!(" ● {} on line {line}", words(part));
            Span::styled(short(long, part_in_short(part), line), style::OPERATOR)
        }
        Seat::HoldsFloor { line } => {
            let long = format!(" YOU HOLD THE FLOOR of line {line} ");
            Span::styled(short(long, "FLOOR HELD", line), style::ON_AIR)
        }
    }];
    if let (Sound::With(look), Seat::At { part: Part::Whisper | Part::BargeIn, .. }) =
        (&model.sound, model.seat)
    {
        spans.push(microphone(model, look));
    }
    spans
}

fn part_in_short(part: Part) -> &'static str {
    match part {
        Part::Listen => "● listening",
        Part::Whisper => "● whisper",
        Part::BargeIn => "ON AIR",
    }
}

/// Narrower than this, long words would push the microphone's state off the edge.
const NARROW: usize = 56;

fn microphone(model: &Model, look: &SoundLook) -> Span<'static> {
    let how = match look.mode {
        TalkMode::PushToTalk => "space talks",
        TalkMode::OpenMic => "open mic",
    };
    if look.opening {
        Span::styled(" mic opens …".to_owned(), style::DIM)
    } else if look.mic.gone {
        Span::styled(" microphone gone".to_owned(), style::BAD)
    } else if look.no_microphone.is_some() {
        Span::styled(" no microphone".to_owned(), style::BAD)
    } else if model.muted {
        Span::styled(" muted".to_owned(), style::BAD)
    } else if look.open || (model.pressed && look.mode == TalkMode::PushToTalk) {
        Span::styled(" ● mic open".to_owned(), style::OPERATOR)
    } else {
        Span::styled(format!(" mic shut, {how}"), style::DIM)
    }
}

fn figures(look: &SoundLook) -> String {
    if look.opening {
        return "the sound devices are being opened …".into();
    }
    match (look.mic.gone, look.out.gone) {
        (true, true) => return "microphone and loudspeaker are gone (d chooses)".into(),
        (true, false) => return "the microphone is gone (d chooses)".into(),
        (false, true) => return "the loudspeaker is gone (D chooses)".into(),
        (false, false) => {}
    }
    format!(
        "xruns {} gaps {}/{} lost {} ms · drift {:+}/{:+} ppm · {}+{} ms · {} / {}",
        look.mic.xruns + look.out.xruns,
        look.mic.starved,
        look.out.starved,
        look.mic.skipped_ms + look.out.skipped_ms,
        look.mic.drift_ppm,
        look.out.drift_ppm,
        look.mic.delay_ms,
        look.out.delay_ms,
        look.microphone,
        look.speaker
    )
}

/// What is asked for, what was said, or what the keys do: a line, and more for what went wrong, so
/// that it can be read to its end.
pub(super) fn last_lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    match (&model.prompt, model.notice()) {
        (Prompt::None, Some(notice)) if notice.bad => {
            let mut lines = wrapped(&[(&format!(" {}", notice.text), style::BAD)], width, 1);
            lines.truncate(NOTICE_LINES_MAX);
            lines
        }
        _ => vec![last_line(model, width)],
    }
}

/// A longer word would push the call away.
const NOTICE_LINES_MAX: usize = 4;

fn last_line(model: &Model, width: usize) -> Line<'static> {
    match &model.prompt {
        Prompt::Say(text) => typing("say to everybody", text, width),
        Prompt::Tell(text) => typing("tell the agent alone", text, width),
        Prompt::HangUp(line) => Line::styled(
            format!(" hang up line {line}? y ends the call, any other key does not"),
            style::BAD,
        ),
        _ => match model.notice() {
            Some(notice) => {
                let text = format!(" {}", cut(&notice.text, width.saturating_sub(1)));
                Line::styled(text, style::GOOD)
            }
            None => keys(model, width),
        },
    }
}

fn typing(what: &str, text: &str, width: usize) -> Line<'static> {
    // The end of what is typed is what is looked at.
    let room = width.saturating_sub(what.len() + 6);
    let from = text.chars().count().saturating_sub(room);
    let seen: String = text.chars().skip(from).collect();
    Line::from(vec![
        Span::styled(format!(" {what} ▸ "), style::OPERATOR),
        Span::raw(seen),
        Span::styled(" ", style::CHOSEN),
    ])
}

fn keys(model: &Model, width: usize) -> Line<'static> {
    let listed: &[(&str, &str)] = match model.seat {
        _ if model.call().is_none() => &[("q", "quit"), ("?", "help"), ("p", "pause the queue")],
        Seat::At { part: Part::Whisper | Part::BargeIn, .. } => &[
            ("space", "talk"),
            ("h", "hand back"),
            ("m", "mute"),
            ("v", "open mic"),
            ("s", "say"),
            ("?", "help"),
            ("Esc", "leave"),
            ("x", "hang up"),
        ],
        Seat::HoldsFloor { .. } => {
            &[("h", "hand back"), ("s", "say"), ("t", "tell"), ("?", "help"), ("x", "hang up")]
        }
        _ => &[
            ("l", "listen"),
            ("w", "whisper"),
            ("b", "barge in"),
            ("h", "hand back"),
            ("s", "say"),
            ("?", "help"),
            ("q", "quit"),
            ("t", "tell"),
            ("x", "hang up"),
        ],
    };
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in listed {
        let wide = key.len() + what.len() + 3;
        if used + wide > width {
            break;
        }
        used += wide;
        spans.push(Span::styled(format!(" {key}"), style::STRONG));
        spans.push(Span::styled(format!(" {what} "), style::DIM));
    }
    Line::from(spans)
}
