//! A line's ear, and its way to the recogniser.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use media_core::MonoTime;
use media_core::hearing::{DecodeJobId, Ear, EarDecision, EarOutput, EarStep};
use media_core::plugin::{SttError, Transcript};

use crate::event::LineEvent;
use crate::speech::{Decode, SttLane, SttPool};
use crate::tap::TapFrame;

/// Outputs taken from the ear at one go. It makes a handful per frame; an endless stream of them
/// would be a mistake that must not stop the other lines.
const OUTPUTS_MAX: usize = 64;

/// Decodes that are asked for at one go and refused. An ear asks again once or twice.
const REFUSALS_MAX: usize = 8;

/// Steps of a traced ear that are reported together: about a second of them, so that a call's log
/// is seldom on the way and loses little in a crash.
const STEPS_TOGETHER: usize = 50;

/// Drives a hearing core. If it panics, which is our own bug, this line goes deaf, the panic is
/// logged, and everything else goes on.
pub(crate) struct Hearing {
    ear: Option<Ear>,
    lane: Arc<SttLane>,
    /// Of a traced ear, not reported yet.
    steps: Vec<EarStep>,
}

impl Hearing {
    pub fn new(ear: Ear, lane: Arc<SttLane>) -> Self {
        Self { ear: Some(ear), lane, steps: Vec::new() }
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
    pub fn push(&mut self, frame: &TapFrame, stt: &SttPool, tell: &mut dyn FnMut(LineEvent)) {
        let (at, speaking) = (frame.head.at, frame.head.speaking);
        self.drive(stt, at, tell, |ear| ear.push(at, frame.heard(), frame.sent(), speaking));
    }

    /// Takes the result of a decode.
    pub fn decoded(
        &mut self,
        now: MonoTime,
        job: DecodeJobId,
        result: Result<Transcript, SttError>,
        stt: &SttPool,
        tell: &mut dyn FnMut(LineEvent),
    ) {
        self.drive(stt, now, tell, |ear| ear.decoded(now, job, result));
    }

    /// Reports the steps that are left.
    pub fn last_steps(&mut self, tell: &mut dyn FnMut(LineEvent)) {
        if !self.steps.is_empty() {
            tell(LineEvent::Listened { steps: std::mem::take(&mut self.steps) });
        }
    }

    fn drive(
        &mut self,
        stt: &SttPool,
        now: MonoTime,
        tell: &mut dyn FnMut(LineEvent),
        input: impl FnOnce(&mut Ear),
    ) {
        let Some(mut ear) = self.ear.take() else { return };
        let (lane, steps) = (&self.lane, &mut self.steps);
        let driven = catch_unwind(AssertUnwindSafe(|| {
            input(&mut ear);
            let mut refused = drain(&mut ear, steps, lane, stt, tell);
            for _ in 0..REFUSALS_MAX {
                let Some((job, error)) = refused else { break };
                ear.decoded(now, job, Err(error));
                refused = drain(&mut ear, steps, lane, stt, tell);
            }
            ear
        }));
        match driven {
            Ok(ear) => self.ear = Some(ear),
            Err(_) => tracing::error!("the hearing core panicked; this line is deaf from now on"),
        }
        if self.steps.len() >= STEPS_TOGETHER {
            self.last_steps(tell);
        }
    }
}

/// Carries out what the ear decided in a step, and keeps the step if it is traced. Returns the
/// decode that the recogniser does not take; an ear has at most one at a time.
fn drain(
    ear: &mut Ear,
    steps: &mut Vec<EarStep>,
    lane: &Arc<SttLane>,
    stt: &SttPool,
    tell: &mut dyn FnMut(LineEvent),
) -> Option<(DecodeJobId, SttError)> {
    let mut step = ear.take_note().map(|input| EarStep { input, decided: Vec::new() });
    let mut refused = None;
    for output in std::iter::from_fn(|| ear.poll_output()).take(OUTPUTS_MAX) {
        if let Some(step) = &mut step {
            step.decided.push(EarDecision::from(&output));
        }
        match output {
            EarOutput::Event(event) => tell(LineEvent::Hearing(event)),
            EarOutput::Decode { job, samples } => {
                let submitted = stt.submit(lane, Decode { job, samples });
                refused = submitted.err().map(|error| (job, error));
            }
        }
    }
    steps.extend(step);
    refused
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.lane.close();
    }
}
