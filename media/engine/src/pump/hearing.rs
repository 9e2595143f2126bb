//! A line's ear, and its way to the recogniser.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use media_core::hearing::{DecodeJobId, Ear, EarOutput};
use media_core::plugin::{SttError, Transcript};
use media_core::{HearingEvent, MonoTime};

use crate::rings::TapFrame;
use crate::speech::{Decode, SttLane, SttPool};

/// Outputs taken from the ear at one go. It makes a handful per frame; an endless stream of them
/// would be a mistake that must not stop the other lines.
const OUTPUTS_MAX: usize = 64;

/// Drives a hearing core. If it panics, which is our own bug, this line goes deaf, the panic is
/// logged, and everything else goes on.
pub(crate) struct Hearing {
    ear: Option<Ear>,
    lane: Arc<SttLane>,
}

impl Hearing {
    pub fn new(ear: Ear, lane: Arc<SttLane>) -> Self {
        Self { ear: Some(ear), lane }
    }

    /// The line's place at the recogniser.
    pub fn lane(&self) -> &Arc<SttLane> {
        &self.lane
    }

    /// Whether the caller is speaking.
    pub fn is_speech(&self) -> bool {
        self.ear.as_ref().is_some_and(Ear::is_speech)
    }

    /// Takes one tick of audio.
    pub fn push(&mut self, frame: &TapFrame, stt: &SttPool, tell: &mut dyn FnMut(HearingEvent)) {
        let (heard, sent) = (&frame.heard[..frame.length], &frame.sent[..frame.length]);
        self.drive(stt, frame.at, tell, |ear| ear.push(frame.at, heard, sent, frame.speaking));
    }

    /// Takes the result of a decode.
    pub fn decoded(
        &mut self,
        now: MonoTime,
        job: DecodeJobId,
        result: Result<Transcript, SttError>,
        stt: &SttPool,
        tell: &mut dyn FnMut(HearingEvent),
    ) {
        self.drive(stt, now, tell, |ear| ear.decoded(now, job, result));
    }

    fn drive(
        &mut self,
        stt: &SttPool,
        now: MonoTime,
        tell: &mut dyn FnMut(HearingEvent),
        input: impl FnOnce(&mut Ear),
    ) {
        let Some(mut ear) = self.ear.take() else { return };
        let lane = &self.lane;
        let driven = catch_unwind(AssertUnwindSafe(move || {
            input(&mut ear);
            for _ in 0..OUTPUTS_MAX {
                match ear.poll_output() {
                    Some(EarOutput::Event(event)) => tell(event),
                    Some(EarOutput::Decode { job, samples }) => {
                        if let Err(error) = stt.submit(lane, Decode { job, samples }) {
                            ear.decoded(now, job, Err(error));
                        }
                    }
                    None => break,
                }
            }
            ear
        }));
        match driven {
            Ok(ear) => self.ear = Some(ear),
            Err(_) => tracing::error!("the hearing core panicked; this line is deaf from now on"),
        }
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.lane.close();
    }
}
