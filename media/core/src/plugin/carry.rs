use crate::playout::Pulled;
use crate::{MonoTime, SampleRate};

/// What a peer says, where its packets do not come over a socket of the audio thread's own: a
/// browser, a participant of a room. Owned and pulled by the audio thread; real-time safe once
/// built.
pub trait AudioSource: Send {
    /// Rate of the audio it gives.
    fn sample_rate(&self) -> SampleRate;

    /// Fills all of `out` with what is to be heard from `deadline` on: with what arrived, with what
    /// takes the place of what was lost, or with silence.
    ///
    /// `deadline`: the tick's, not the moment the thread woke. `out`: mono at
    /// [`AudioSource::sample_rate`], at most 60 ms.
    fn pull(&mut self, deadline: MonoTime, out: &mut [i16]) -> Pulled;

    /// Milliseconds that the audio given out now is late, for the sake of whatever jitters.
    fn delay_ms(&self) -> u32;
}

/// What a peer is sent, where the packets do not leave over a socket of the audio thread's own.
/// Owned and fed by the audio thread; real-time safe once built.
pub trait AudioSink: Send {
    /// Rate of the audio it takes.
    fn sample_rate(&self) -> SampleRate;

    /// Sends one tick. What cannot be sent is lost and counted, never waited for.
    ///
    /// `frame`: mono at [`AudioSink::sample_rate`], one tick long.
    fn push(&mut self, frame: &[i16]);

    /// Whom the peer hears anyway. Asked once, when the leg joins; `None`: nobody, so that it is sent
    /// what all others say.
    fn circle(&self) -> Option<Circle> {
        None
    }

    /// Time passes, and there is nothing to send: a tick was left out, or the peer is on hold.
    fn pass(&mut self, samples: usize);
}

/// Peers who hear each other by other means than the line, as the people of one room do: it does not
/// send them one another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Circle(pub u64);
