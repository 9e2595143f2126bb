//! Words with one meaning each: units as newtypes, negotiated media as data, events as values.

mod hearing;
mod media;
mod rtp_units;
mod time;
mod units;

pub use hearing::{EndReason, HearingEvent, UtteranceTimes, Verdict};
pub use media::{Codec, Direction, NegotiatedMedia, OpusFormat};
pub use rtp_units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
pub use time::MonoTime;
pub use units::{FRAME_SAMPLES_MAX, Generation, LineId, Ptime, SampleRate};
