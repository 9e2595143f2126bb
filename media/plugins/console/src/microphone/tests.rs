use std::f64::consts::TAU;

use assert_no_alloc::assert_no_alloc;
use rtrb::Producer;

use super::*;

/// A device at 44.1 kHz whose clock is `ppm` fast: a tone, in blocks.
struct FakeDevice {
    to: Producer<i16>,
    made: u64,
    hz: f64,
}

impl FakeDevice {
    fn run_until(&mut self, seconds: f64) {
        while ((self.made + 441) as f64) < seconds * self.hz {
            for _ in 0..441 {
                let at = self.made as f64 / self.hz;
                let _ = self.to.push(((at * 1_000.0 * TAU).sin() * 8_000.0) as i16);
                self.made += 1;
            }
        }
    }
}

#[test]
fn a_tone_of_a_fast_clock_comes_out_whole_and_at_its_own_pitch() {
    let (to, ring) = RingBuffer::new(44_100);
    let counters = Counters::new(44_100);
    let switch = Switch::default();
    let mut microphone = Microphone::new(44_100, ring, None, Arc::clone(&counters), switch.clone());
    let mut device = FakeDevice { to, made: 0, hz: 44_100.0 * (1.0 + 200e-6) };
    switch.press(true);
    let (mut frame, mut heard) = ([0; 2 * STEP], Vec::new());
    for tick in 0..3_000u32 {
        device.run_until(f64::from(tick) * 0.02 + 0.03);
        assert_no_alloc(|| microphone.pull(MonoTime::default(), &mut frame));
        heard.extend_from_slice(&frame);
    }
    let figures = counters.figures();
    assert_eq!((figures.starved, figures.skipped_ms), (0, 0), "{figures:?}");
    assert!((100..300).contains(&figures.drift_ppm), "{figures:?}");
    assert!(figures.delay_ms < 60, "{figures:?}");
    // A sine is told from the samples two apart: what does not fit is noise of the conversion.
    let last = &heard[heard.len() - 48_000..];
    let turn = 2.0 * (TAU * 1_000.0 / 48_000.0).cos();
    let off = |w: &[i16]| {
        let (a, b, c) = (f64::from(w[0]), f64::from(w[1]), f64::from(w[2]));
        (a + c - turn * b).powi(2)
    };
    let noise = (last.windows(3).map(off).sum::<f64>() / last.len() as f64).sqrt();
    assert!(noise < 8.0, "{noise} of 8000: the tone is bent or torn");
    assert!(figures.level_dbov > -18, "{figures:?}");
}

#[test]
fn what_was_recorded_before_somebody_listened_is_neither_heard_nor_called_lost() {
    let (to, ring) = RingBuffer::new(44_100 * 2 / 5);
    let counters = Counters::new(44_100);
    let mut microphone =
        Microphone::new(44_100, ring, None, Arc::clone(&counters), Switch::default());
    let mut device = FakeDevice { to, made: 0, hz: 44_100.0 };
    device.run_until(1.0);
    let mut frame = [0; 2 * STEP];
    for tick in 0..100u32 {
        microphone.pull(MonoTime::default(), &mut frame);
        device.run_until(1.03 + f64::from(tick) * 0.02);
    }
    let figures = counters.figures();
    assert!(figures.delay_ms < 60, "{figures:?}");
    assert_eq!(figures.skipped_ms, 0, "{figures:?}");
}

#[test]
fn nothing_is_let_through_before_the_key_is_down_or_while_it_is_muted() {
    let (to, ring) = RingBuffer::new(44_100);
    let switch = Switch::default();
    let counters = Counters::new(44_100);
    let mut microphone = Microphone::new(44_100, ring, None, counters, switch.clone());
    let mut device = FakeDevice { to, made: 0, hz: 44_100.0 };
    let (mut frame, mut tick) = ([0; 2 * STEP], 0);
    let mut loudest = |switch: &Switch| {
        let mut loudest = 0;
        for _ in 0..20 {
            tick += 1;
            device.run_until(f64::from(tick) * 0.02 + 0.03);
            microphone.pull(MonoTime::default(), &mut frame);
            loudest = frame.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
        }
        (loudest, switch.is_open())
    };
    assert_eq!(loudest(&switch), (0, false));
    switch.press(true);
    assert!(matches!(loudest(&switch), (7_000.., true)));
    switch.mute(true);
    assert_eq!(loudest(&switch), (0, false));
    switch.mute(false);
    switch.press(false);
    assert_eq!(loudest(&switch), (0, false));
}

#[test]
fn a_microphone_that_never_begins_is_told_and_one_that_begins_late_is_there_after_all() {
    let (to, ring) = RingBuffer::new(44_100);
    let counters = Counters::new(44_100);
    let mut microphone =
        Microphone::new(44_100, ring, None, Arc::clone(&counters), Switch::default());
    let mut frame = [0; 2 * STEP];
    let mut seconds = |device: &mut FakeDevice, count: u32, brings: bool| {
        for _ in 0..50 * count {
            if brings {
                device.run_until(device.made as f64 / device.hz + 0.031);
            }
            microphone.pull(MonoTime::default(), &mut frame);
        }
        counters.figures().gone
    };
    let mut device = FakeDevice { to, made: 0, hz: 44_100.0 };
    assert!(!seconds(&mut device, 5, false), "a sound server may have to be started first");
    assert!(seconds(&mut device, 2, false), "nobody is there");
    assert!(!seconds(&mut device, 1, true), "it has begun after all");
}
