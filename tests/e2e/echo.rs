//! An echo over SIP gives back what it was given.

use std::time::Duration;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::sound::{FRAME, fidelity, rms};
use crate::support::{alone, figure};

/// The line plays out what is late a little faster, or waits: where it had to, the machine was
/// busy elsewhere and the measurement is taken again.
const TRIES: usize = 3;

#[test]
fn a_mu_law_echo_over_sip_is_faithful_from_the_first_frame_on() {
    let _machine = alone();
    let line = Serving::echo(|_| {});
    let mut found = Vec::new();
    for _ in 0..TRIES {
        let (r, snr, delay_ms) = echo_once(&line);
        figure(format!("echo over SIP: r = {r:.6}, SNR = {snr:.1} dB, delay {delay_ms:.0} ms"));
        if r >= 0.9999 && snr >= 37.0 {
            return line.stop();
        }
        found.push((r, snr));
    }
    panic!("not faithful in {TRIES} tries: {found:?}");
}

/// Three seconds of noise that begin with the very first packet of the call.
fn echo_once(line: &Serving) -> (f64, f64, f64) {
    let sent = noise(3 * 8_000);
    let phone = Phone::call_silently(line.sip);
    std::thread::scope(|scope| {
        scope.spawn(|| phone.media.say(&sent));
        std::thread::sleep(Duration::from_millis(30));
        phone.media.send_to(phone.line_rtp);
    });
    std::thread::sleep(Duration::from_millis(500));
    let got = phone.media.heard();
    phone.hang_up();
    let start = first_frame(&sent, &got);
    let (r, snr) = fidelity(&sent, &got[start..start + sent.len()]);
    (r, snr, start as f64 / 8.0)
}

/// Where the first frame came back.
fn first_frame(sent: &[i16], got: &[i16]) -> usize {
    let last = got.len().checked_sub(sent.len()).expect("all of it came back");
    (0..=last)
        .filter(|at| rms(&got[*at..*at + FRAME]) > 100.0)
        .max_by(|a, b| {
            let like = |at: usize| fidelity(&sent[..FRAME], &got[at..at + FRAME]).0;
            like(*a).total_cmp(&like(*b))
        })
        .expect("the first frame came back")
}

/// Loud noise that is the same in every run.
fn noise(samples: usize) -> Vec<i16> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as u16).cast_signed() / 2
    };
    (0..samples).map(|_| next()).collect()
}
