//! Telephone recordings, word errors and processor time, for the tests.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use media_core::codec::{Decoder, Encoder};
use media_core::resample::convert_all;
use media_core::{Codec, SampleRate};

pub fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets")
}

/// An 8 kHz µ-law WAV as the recogniser gets it: 16 kHz linear.
pub fn heard(path: &Path) -> Vec<i16> {
    let file = std::fs::read(path).expect("readable");
    let at = file.windows(4).position(|w| w == b"data").expect("a data chunk") + 4;
    let length = u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
    let payload = &file[at + 4..at + 4 + length];
    let mut linear = vec![0; payload.len()];
    let mut decoder = Decoder::new(Codec::Pcmu);
    for (packet, out) in payload.chunks(160).zip(linear.chunks_mut(160)) {
        decoder.decode(packet, out);
    }
    convert_all(&linear, SampleRate::Hz8000, SampleRate::Hz16000)
}

/// An 8 kHz 16-bit WAV as it arrives over G.711 µ-law.
pub fn telephoned(path: &Path) -> Vec<i16> {
    let file = std::fs::read(path).expect("readable");
    let at = file.windows(4).position(|w| w == b"data").expect("a data chunk") + 8;
    let linear: Vec<i16> =
        file[at..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let (mut encoder, mut decoder) = (Encoder::new(Codec::Pcmu), Decoder::new(Codec::Pcmu));
    let mut arrived = vec![0; linear.len()];
    let mut packet = [0; 160];
    for (spoken, out) in linear.chunks(160).zip(arrived.chunks_mut(160)) {
        let count = encoder.encode(spoken, &mut packet);
        decoder.decode(&packet[..count], out);
    }
    convert_all(&arrived, SampleRate::Hz8000, SampleRate::Hz16000)
}

/// Substitutions, insertions and deletions that make `heard` out of `said`, in words.
pub fn word_errors(said: &str, heard: &str) -> usize {
    let (said, heard): (Vec<_>, Vec<_>) =
        (said.split_whitespace().collect(), heard.split_whitespace().collect());
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let best = (diagonal + usize::from(word != other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[heard.len()]
}

/// Processor time of this thread: unlike the wall clock, it says nothing about the neighbours.
pub fn thread_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the answer.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    assert_eq!(code, 0);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
