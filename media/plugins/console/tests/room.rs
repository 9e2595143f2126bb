//! What the line hears of the operator's loudspeaker: a room, measured.
//!
//! The loudspeaker plays a voice of the line; the microphone hears it through a room (the devices'
//! own delay, then reflections that decay by 60 dB in 300 ms), and the operator's voice at times.
//! What is let through is what the line would take for the operator's words.

use std::path::PathBuf;

use media_core::SampleRate;
use media_core::level::dbov;
use media_core::resample::convert_all;
use plugin_console::{Talk, TalkMode};

const STEP: usize = 480;

/// A voice at 48 kHz, repeated to eight seconds.
fn voice(name: &str) -> Vec<i16> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../assets/caller");
    let bytes = std::fs::read(path.join(format!("{name}.wav"))).expect("a recording");
    let data = bytes.windows(4).position(|it| it == b"data").expect("a WAV file") + 8;
    let samples: Vec<i16> =
        bytes[data..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let hz = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes"));
    let rate = match hz {
        8_000 => SampleRate::Hz8000,
        16_000 => SampleRate::Hz16000,
        _ => SampleRate::Hz48000,
    };
    convert_all(&samples, rate, SampleRate::Hz48000).into_iter().cycle().take(8 * 48_000).collect()
}

/// `sound` as the microphone hears it, `loss_db` weaker.
fn through_room(sound: &[i16], delay_ms: usize, loss_db: f32) -> Vec<i16> {
    let mut dice = 1u32;
    let mut random = move || {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        dice as f32 / u32::MAX as f32
    };
    // The direct sound, and sixty reflections in the first 150 ms.
    let mut taps = vec![(0usize, 1.0f32)];
    for _ in 0..60 {
        let at = (random() * 7_200.0) as usize;
        let weight = 0.25 * (random() - 0.5) * 10f32.powf(-3.0 * at as f32 / 14_400.0);
        taps.push((at, weight));
    }
    let norm = taps.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
    let gain = 10f32.powf(-loss_db / 20.0) / norm;
    let delay = delay_ms * 48;
    let mut heard = vec![0f32; sound.len()];
    for (at, weight) in taps {
        for n in (delay + at)..sound.len() {
            heard[n] += f32::from(sound[n - delay - at]) * weight * gain;
        }
    }
    heard.into_iter().map(|s| s.round() as i16).collect()
}

/// What is let through of `heard` while `played` is played.
fn let_through(heard: &[i16], played: &[i16], mode: TalkMode, pressed: bool) -> Vec<i16> {
    let mut talk = Talk::new();
    let mut out = heard.to_vec();
    for (heard, played) in out.chunks_exact_mut(STEP).zip(played.chunks_exact(STEP)) {
        talk.step(heard, played, mode, pressed);
    }
    out
}

/// Share of the steps in which anything is let through, after the first second.
fn share_open(sound: &[i16]) -> f32 {
    let steps: Vec<bool> =
        sound.chunks_exact(STEP).skip(100).map(|step| step.iter().any(|&s| s != 0)).collect();
    steps.iter().filter(|it| **it).count() as f32 / steps.len() as f32
}

/// The rooms that are measured: the way there and back in ms, and how much weaker in dB.
fn rooms() -> impl Iterator<Item = (usize, f32)> {
    let delays = [0, 40, 100];
    delays.into_iter().flat_map(|delay_ms| [0.0, 10.0, 20.0].map(|loss_db| (delay_ms, loss_db)))
}

#[test]
fn an_open_microphone_does_not_let_the_loudspeaker_back_into_the_line() {
    let agent = voice("run-the-backup");
    for (delay_ms, loss_db) in rooms().chain([(90, 25.0), (180, 18.0)]) {
        let heard = through_room(&agent, delay_ms, loss_db);
        let through = let_through(&heard, &agent, TalkMode::OpenMic, false);
        let (before, after) = (dbov(&heard), dbov(&through));
        println!(
            "open: {delay_ms} ms, {loss_db} dB weaker: {before:.1} dBov at the microphone, {after:.1} let through"
        );
        assert!(after < before - 30.0, "{delay_ms} ms, {loss_db} dB: {after}");
    }
}

#[test]
fn a_held_key_lets_little_of_the_loudspeaker_back_once_the_room_is_known() {
    let agent = voice("run-the-backup");
    for (delay_ms, loss_db) in rooms() {
        let heard = through_room(&agent, delay_ms, loss_db);
        let through = let_through(&heard, &agent, TalkMode::PushToTalk, true);
        let known = 2 * 48_000;
        let (before, after) = (dbov(&heard[known..]), dbov(&through[known..]));
        println!(
            "key: {delay_ms} ms, {loss_db} dB weaker: {before:.1} dBov at the microphone, {after:.1} let through"
        );
        assert!(after < before - 20.0, "{delay_ms} ms, {loss_db} dB: {after}");
    }
}

#[test]
fn push_to_talk_lets_nothing_back_at_all_while_the_key_is_up() {
    let agent = voice("run-the-backup");
    let heard = through_room(&agent, 90, 6.0);
    let through = let_through(&heard, &agent, TalkMode::PushToTalk, false);
    assert!(through.iter().all(|&s| s == 0));
}

#[test]
fn with_a_headset_a_held_key_lets_the_operator_through() {
    let (operator, agent) = (voice("what-is-the-status"), voice("run-the-backup"));
    let silence = vec![0; operator.len()];
    // What leaks from a headset is 40 dB weaker. Both speak at once, and neither of them pauses.
    let leaks = through_room(&agent, 20, 40.0);
    let both: Vec<i16> = leaks.iter().zip(&operator).map(|(a, b)| a.saturating_add(*b)).collect();
    for (heard, played, lost_max_db) in [(&operator, &silence, 0.01), (&both, &agent, 1.0)] {
        let through = let_through(heard, played, TalkMode::PushToTalk, true);
        let lost_db = dbov(heard) - dbov(&through);
        println!("headset: {lost_db:.2} dB of the operator lost");
        assert!(lost_db < lost_max_db, "{lost_db} dB lost");
    }
}

#[test]
fn the_operator_is_let_through_with_a_quiet_loudspeaker_and_over_a_loud_one() {
    let operator = voice("what-is-the-status");
    let alone = let_through(&operator, &vec![0; operator.len()], TalkMode::OpenMic, false);
    let spoken = share_open(&alone);
    println!("alone: {spoken:.2} open");
    assert!(spoken > 0.6, "{spoken}");
    let agent = voice("run-the-backup");
    for (delay_ms, loss_db) in [(40, 12.0), (90, 18.0)] {
        let echo = through_room(&agent, delay_ms, loss_db);
        let both: Vec<i16> =
            echo.iter().zip(&operator).map(|(a, b)| a.saturating_add(*b)).collect();
        for (mode, pressed) in [(TalkMode::OpenMic, false), (TalkMode::PushToTalk, true)] {
            let over = share_open(&let_through(&both, &agent, mode, pressed));
            println!("over the agent ({delay_ms} ms, {loss_db} dB, {mode:?}): {over:.2} open");
            assert!(over > 0.5 * spoken, "{over}");
        }
    }
}
