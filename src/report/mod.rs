//! A finished call, drawn: what was said by whom and when, who had the floor and why it changed
//! hands, and where the time between a question and its answer went.
//!
//! Owns the record of a call ([`EventLog`] writes it, [`CallRecord`] reads it) and what is made of
//! it. Input: a call's folder with `events.jsonl` and `call.wav`. Output, in the same folder:
//! `transcript.jsonl`, `summary.json`, `call.svg` and `call.png`.
//!
//! Driven after the call, never during it: nothing in here is on the way of a word. A record that
//! was cut short by a crash is drawn as far as it goes.

mod ends;
mod event;
mod legs;
mod png;
mod record;
#[cfg(test)]
mod sample;
mod story;
mod summary;
mod svg;
mod table;
mod transcript;
mod waveform;

use std::io;
use std::path::{Path, PathBuf};

pub use self::ends::{CallClosed, CallOpened, CallStats};
pub use self::event::{CallEvent, ClaimSource, EndingKind, Event, TurnTimes, VerdictKind};
pub use self::legs::{DoorKind, PartKind};
pub use self::png::PngError;
pub use self::record::{CallRecord, EVENTS_FILE, EventLog, RECORDING_FILE, RecordError};
pub use self::summary::{ClaimSummary, Hops, Summary, TurnSummary};
pub use self::table::table;
pub use self::transcript::{TRANSCRIPT_FILE, Utterance};

use self::story::Story;
use self::svg::Drawing;
use self::waveform::Envelope;

/// A call's summary, and the files that were written.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// The call in figures.
    pub summary: Summary,
    /// `transcript.jsonl`, `summary.json`, `call.svg`, `call.png`.
    pub files: Vec<PathBuf>,
    /// Why the picture has no waveforms, if it has none.
    pub without_sound: Option<String>,
}

/// Why a call could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// There is no record to draw.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A file could not be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The picture could not be turned into pixels.
    #[error(transparent)]
    Png(#[from] PngError),
}

/// Draws the call in `folder`. Blocks for about half a second of work: call it from a thread that
/// may.
///
/// # Errors
/// [`DrawError`]. Files that were written before stay. A missing or broken recording is no error:
/// the picture then has no waveforms, and [`Drawn::without_sound`] says why.
pub fn draw(folder: &Path) -> Result<Drawn, DrawError> {
    let record = CallRecord::read(folder)?;
    let story = Story::of(&record);
    let summary = Summary::of_story(&record, &story);
    let (picture, without_sound) = drawn(&record, &story, &summary, folder);
    let mut files = Vec::new();
    let mut put = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        let result = write(&path, content);
        files.push(path);
        result
    };
    put(TRANSCRIPT_FILE, &transcript_lines(&story))?;
    put("summary.json", &json_lines(std::slice::from_ref(&summary), true))?;
    put("call.svg", picture.as_bytes())?;
    put("call.png", &png::render(&picture)?)?;
    Ok(Drawn { summary, files, without_sound })
}

/// The picture of the call in `folder` as PNG, after `hide` has taken out of its record what is not to
/// be seen on it. Writes nothing; blocks as [`draw`] does.
///
/// # Errors
/// [`DrawError`]: there is no record, or no picture of it.
pub fn picture(folder: &Path, hide: impl FnOnce(&mut CallRecord)) -> Result<Vec<u8>, DrawError> {
    let mut record = CallRecord::read(folder)?;
    hide(&mut record);
    let story = Story::of(&record);
    let summary = Summary::of_story(&record, &story);
    let (picture, _) = drawn(&record, &story, &summary, folder);
    Ok(png::render(&picture)?)
}

/// The picture as SVG, and why it has no waveforms, if it has none.
fn drawn(
    record: &CallRecord,
    story: &Story,
    summary: &Summary,
    folder: &Path,
) -> (String, Option<String>) {
    let recording = folder.join(RECORDING_FILE);
    let (envelope, without_sound) =
        match Envelope::read(&recording, record.opened.recording_start_ms) {
            Ok(envelope) => (envelope, None),
            Err(error) => (Envelope::default(), Some(format!("{}: {error}", recording.display()))),
        };
    (svg::draw(&Drawing { record, story, summary, envelope: &envelope }), without_sound)
}

/// Writes what was said in the call in `folder`, as the caller heard it, into its
/// [`TRANSCRIPT_FILE`].
///
/// # Errors
/// [`DrawError`]: there is no record, or no room for the transcript.
pub fn write_transcript(folder: &Path) -> Result<(), DrawError> {
    let lines = json_lines(&conversation(&CallRecord::read(folder)?), false);
    write(&folder.join(TRANSCRIPT_FILE), &lines)
}

/// Who said what, in the order of time, as the caller heard it.
#[must_use]
pub fn conversation(record: &CallRecord) -> Vec<Utterance> {
    transcript::of(&Story::of(record))
}

fn transcript_lines(story: &Story) -> Vec<u8> {
    json_lines(&transcript::of(story), false)
}

fn json_lines<T: serde::Serialize>(values: &[T], pretty: bool) -> Vec<u8> {
    let mut lines = Vec::new();
    for value in values {
        let line =
            if pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
        lines.extend(line.expect("a map with text for keys is always JSON"));
        lines.push(b'\n');
    }
    lines
}

/// Whole or not at all: a reader never sees half a file.
fn write(path: &Path, content: &[u8]) -> Result<(), DrawError> {
    let part = path.with_extension("part");
    let result = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, path));
    result.map_err(|error| DrawError::Write { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_drawn_into_its_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("REPORT_TEST_KEEP").map(PathBuf::from);
        let folder = folder.as_deref().unwrap_or(temporary.path());
        sample::write(folder);
        let drawn = draw(folder).unwrap();
        assert_eq!(drawn.without_sound, None);
        assert!(drawn.files.iter().all(|file| file.metadata().unwrap().len() > 500));
        let png = std::fs::read(folder.join("call.png")).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        let summary = std::fs::read(folder.join("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        for key in ["heard", "answered", "interrupted"] {
            assert_eq!(summary[key], true, "{key}");
        }
        for key in [
            "reply_ms_p50",
            "reply_ms_p95",
            "revoke_to_silence_ms_max",
            "rtp_sent",
            "rtp_lost",
            "mos_estimated",
        ] {
            assert!(summary[key].is_number(), "{key}");
        }
    }

    #[test]
    fn a_call_without_a_recording_is_drawn_without_sound() {
        let folder = tempfile::tempdir().unwrap();
        sample::write(folder.path());
        std::fs::remove_file(folder.path().join(RECORDING_FILE)).unwrap();
        let drawn = draw(folder.path()).unwrap();
        assert!(drawn.without_sound.is_some());
        assert!(folder.path().join("call.png").exists());
    }

    #[test]
    fn every_prefix_of_a_record_can_be_drawn() {
        let whole = sample::record();
        for length in 1..=whole.events.len() {
            let record = CallRecord::from_events(whole.events[..length].to_vec());
            let story = Story::of(&record);
            let summary = Summary::of_story(&record, &story);
            let envelope = Envelope::default();
            let drawing =
                Drawing { record: &record, story: &story, summary: &summary, envelope: &envelope };
            let picture = svg::draw(&drawing);
            assert!(!picture.contains("NaN") && !picture.contains("inf\""), "{length} events");
        }
    }

    #[test]
    fn no_label_of_a_picture_overlaps_another() {
        for record in [sample::record(), sample::busy_record()] {
            let (story, envelope) = (Story::of(&record), Envelope::default());
            let summary = Summary::of_story(&record, &story);
            let drawing =
                Drawing { record: &record, story: &story, summary: &summary, envelope: &envelope };
            let picture = svg::draw(&drawing);
            if let Some(folder) = std::env::var_os("REPORT_TEST_KEEP") {
                let path = Path::new(&folder).join(format!("{}.png", record.events.len()));
                std::fs::write(path, png::render(&picture).unwrap()).unwrap();
            }
            let labels = svg::labels(&picture);
            assert!(labels.len() > 40);
            for (n, one) in labels.iter().enumerate() {
                for other in &labels[n + 1..] {
                    assert!(!one.overlaps(other), "{one:?} overlaps {other:?}");
                }
            }
        }
    }
}
