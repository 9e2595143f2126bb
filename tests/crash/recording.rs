//! A call as the phone heard it, by who was heard.

use std::collections::BTreeMap;

use crate::support::sound::FRAME;
use crate::tones::{Heard, heard};

#[derive(Default)]
pub struct Recording {
    /// The steps of each sound, packet by packet, in the order in which they came.
    pub steps: BTreeMap<usize, Vec<usize>>,
    /// In how many pieces each sound was heard.
    pub pieces: BTreeMap<usize, usize>,
    /// Packets with a voice.
    pub voice: usize,
    /// Packets with two sounds, or a sound and a voice.
    pub overlaps: usize,
    pub packets: usize,
}

impl Recording {
    pub fn of(sound: &[i16]) -> Self {
        let mut recording = Recording::default();
        let mut last = None;
        for packet in sound.chunks(FRAME) {
            recording.packets += 1;
            let now = heard(packet);
            if let Some(code) = now.code().filter(|code| last != Some(*code)) {
                *recording.pieces.entry(code).or_default() += 1;
            }
            last = now.code();
            match now {
                Heard::Step { code, step } => recording.steps.entry(code).or_default().push(step),
                Heard::TwoAtOnce => recording.overlaps += 1,
                Heard::Other => recording.voice += 1,
                Heard::Nothing => {}
            }
        }
        recording
    }
}
