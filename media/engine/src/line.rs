//! A line as its owner sees it: the handle, and what it is opened with.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use media_core::codec::CodecError;
use media_core::hearing::EarConfig;
use media_core::rtp::Digit;
use media_core::{Generation, LineId, NegotiatedMedia, SampleRate};

use crate::audio::Carriage;
use crate::carrier::Carrier;
use crate::control::Control;
use crate::floor::{Granted, SharedFloor};
use crate::leg::{Agreed, Company, LegMix, follow, ptime_ms};
use crate::pump::{PumpMessage, Samples};
use crate::rings::{Command, LineKey, Note, SeatKey};
use crate::speech::{SpeechJob, SpeechPool};
use crate::statistics::{Counters, LineStatistics};

/// What a line is opened with.
pub struct LineSpec {
    /// Its name, for logs.
    pub id: LineId,
    /// What carries its first leg. The line has that leg's rate.
    pub carrier: Carrier,
    /// What it is for.
    pub mode: LineMode,
    /// Where to record it: a stereo WAV, left what was heard, right what was sent.
    pub record: Option<PathBuf>,
    /// How it listens, in [`LineMode::Agent`]. Its sample rate is set to the line's.
    pub ear: EarConfig,
}

/// What a line is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineMode {
    /// Sends back what it hears. The lean path: no hearing, no speech, no rings for them.
    Echo,
    /// Hears and speaks.
    Agent,
    /// A softphone: speaks, records and meters, understands nothing.
    Player,
}

/// What is to be spoken.
#[derive(Clone, PartialEq, Debug)]
pub enum Speech {
    /// In the line's voice.
    Text(String),
    /// In the voice of last resort, or the line's own if there is no other.
    FallbackText(String),
    /// Ready audio, mono.
    Audio {
        /// The samples.
        samples: Vec<i16>,
        /// Their rate; converted to the line's.
        rate: SampleRate,
    },
    /// The same, which somebody else holds too.
    Shared {
        /// The samples.
        samples: Arc<[i16]>,
        /// Their rate; converted to the line's.
        rate: SampleRate,
    },
}

/// What remains of a closed line.
#[derive(Clone, PartialEq, Debug)]
pub struct LineReport {
    /// Its name.
    pub id: LineId,
    /// Figures as of the last tick. The final ones come with [`crate::LineEvent::Closed`].
    pub statistics: LineStatistics,
}

/// Why a line was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// As many lines as were configured are open.
    #[error("{max} lines are open, which is the configured limit (lines_max)")]
    Full {
        /// The limit.
        max: usize,
    },
    /// The audio thread does not take anything in.
    #[error("the audio thread is not keeping up; no line can be opened now")]
    Busy,
    /// A second handle of a socket could not be had.
    #[error("out of file descriptors or memory for the line: {0}")]
    System(#[from] std::io::Error),
    /// What was negotiated cannot be coded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// An echo line has nothing to mix.
    #[error("an echo line has no room for others: open it as an agent's")]
    Echo,
    /// As many legs as a line holds have joined it.
    #[error("{max} legs have joined the line, which is all that it holds")]
    LineFull {
        /// The limit.
        max: usize,
    },
}

/// What the threads of one line share.
#[derive(Debug)]
pub(crate) struct LineShared {
    pub id: LineId,
    pub floor: SharedFloor,
    pub counters: Counters,
    /// Audio in rings, events and recording has this rate for as long as the line is open.
    pub rate: SampleRate,
}

/// An open line. Dropping it closes it.
///
/// All methods may be called from any thread, return at once and take effect with the next tick.
pub struct Line {
    pub(crate) shared: Arc<LineShared>,
    pub(crate) key: LineKey,
    pub(crate) control: Arc<Control>,
    pub(crate) speech: Arc<SpeechPool>,
    pub(crate) media: Agreed,
    pub(crate) mode: LineMode,
    pub(crate) company: Arc<Company>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("id", &self.shared.id).field("mode", &self.mode).finish()
    }
}

impl Line {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.shared.id
    }

    /// Rate at which samples are counted and recorded on this line.
    #[must_use]
    pub fn sample_rate(&self) -> SampleRate {
        self.shared.rate
    }

    /// Gives the floor to `generation`, takes it from whoever had it, and has `speech` made and
    /// played. Generations must grow; one that was revoked before stays silent.
    ///
    /// Not from inside a [`crate::LineEventSink`].
    pub fn grant(&self, generation: Generation, speech: Speech) {
        if self.mode == LineMode::Echo {
            let error = "an echo line has no voice".to_owned();
            self.control.send(PumpMessage::Failed { key: self.key, generation, error });
            return;
        }
        let Granted::Yes { lost } = self.shared.floor.grant(generation) else {
            let error = "the floor was revoked before it was granted".to_owned();
            self.control.send(PumpMessage::Failed { key: self.key, generation, error });
            return;
        };
        if let Some(lost) = lost {
            self.note(Note::TakenOver, lost);
        }
        self.control.send(PumpMessage::Begin { key: self.key, generation });
        let ready = match speech {
            Speech::Audio { samples, rate } if rate == self.shared.rate => Samples::Own(samples),
            Speech::Shared { samples, rate } if rate == self.shared.rate => {
                Samples::Shared(samples)
            }
            speech => {
                return self.speech.submit(SpeechJob {
                    key: self.key,
                    generation,
                    speech,
                    shared: Arc::clone(&self.shared),
                    control: Arc::clone(&self.control),
                });
            }
        };
        let (key, samples, words) = (self.key, ready, Vec::new());
        self.control.send(PumpMessage::Chunk { key, generation, samples, words });
        self.control.send(PumpMessage::Done { key, generation });
    }

    /// Takes the floor from `generation`: no sample of it leaves after the frame that is on the
    /// wire now. [`crate::LineEvent::Silenced`] confirms it. Without effect on other generations.
    pub fn revoke(&self, generation: Generation) {
        if let Some(lost) = self.shared.floor.revoke(generation) {
            self.note(Note::Revoked, lost);
        }
    }

    /// Stops the playout of `generation` behind the sample that is sent last, and keeps the rest.
    pub fn pause(&self, generation: Generation) {
        if self.shared.floor.pause(generation) {
            self.note(Note::Paused, generation);
        }
    }

    /// Goes on with the next sample.
    pub fn resume(&self, generation: Generation) {
        if self.shared.floor.resume(generation) {
            self.note(Note::Resumed, generation);
        }
    }

    /// Follows a re-INVITE: new address, direction, payload types, packet length or codec.
    pub fn update_media(&self, media: NegotiatedMedia) {
        if let Some(update) = follow(&self.media, media, &self.shared, &self.company) {
            self.command(Command::Update(SeatKey::host(self.key), update));
        }
    }

    /// Changes how its first leg takes part. As long as nobody else has joined, only whether the
    /// line hears it matters.
    pub fn set_mix(&self, mix: LegMix) {
        self.command(Command::Mix(SeatKey::host(self.key), mix));
    }

    /// Its first peer has gone and others are still there: BYE in RTCP, sockets closed and ports
    /// given back with the next tick. The line goes on with its voice, its recording and its events;
    /// the seat stays empty.
    pub fn vacate(&self) {
        *self.media.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.command(Command::Vacate(SeatKey::host(self.key), Box::new(Carriage::Nobody)));
    }

    /// Sends key presses (RFC 4733), if the peer agreed to them; other characters are left out.
    /// Speech waits meanwhile.
    pub fn send_digits(&self, digits: &str) {
        for digit in digits.chars().filter(|d| Digit::from_char(*d).is_some()) {
            self.command(Command::Digit(SeatKey::host(self.key), digit));
        }
    }

    /// Figures as of the last tick.
    #[must_use]
    pub fn statistics(&self) -> LineStatistics {
        self.shared.counters.snapshot(ptime_ms(&self.media, &self.company))
    }

    /// Closes the line: BYE in RTCP, sockets closed, ports given back, with the next tick. The
    /// last event, [`crate::LineEvent::Closed`], says when all is done.
    #[must_use = "the report is all that remains; drop the line to do without"]
    pub fn close(self) -> LineReport {
        LineReport { id: self.id(), statistics: self.statistics() }
    }

    fn note(&self, note: Note, generation: Generation) {
        self.command(Command::Note(self.key, note, generation));
    }

    fn command(&self, command: Command) {
        // What does not even fit into the backlog is counted there. The floor's word has taken
        // effect without it.
        let _ = self.control.command(command);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.command(Command::Close(self.key));
    }
}
