//! The caller speaks into the line's sentence, again and again: it falls silent on the wire, and
//! knows what was heard of it.

use std::time::Duration;

use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::rtp::Packet;
use crate::support::sound::{from_mu_law, recorded, rms};
use crate::support::{alone, figure};

const STEP: Duration = Duration::from_secs(30);
const INTERRUPTIONS: usize = 5;
/// A revoke takes effect with the next packet; the rest is the machine's, and what it made the line
/// leave out comes on top.
const REVOKE_TO_SILENCE_MS_MAX: f64 = 40.0;

#[test]
fn a_caller_who_says_stop_hears_silence_and_the_line_knows_what_was_heard() {
    let _machine = alone();
    let line = Serving::agent(|config| config.governor.dedup_s = 1);
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, STEP, |_, event| ended(event, EndingKind::Spoken));
    for _ in 0..INTERRUPTIONS {
        std::thread::sleep(Duration::from_millis(400));
        let mark = line.mark();
        phone.media.say(&recorded("help"));
        line.turn("help", mark);
        let speaks = line.mark();
        line.wait("a long answer to begin", mark, STEP, |_, event| match event {
            CallEvent::FirstSample { .. } => Some(()),
            _ => None,
        });
        std::thread::sleep(Duration::from_millis(1_500));
        let skipped = line.ticks_skipped();
        phone.media.say(&recorded("stop"));
        let heard = line.wait("it to be interrupted", speaks, STEP, |_, event| {
            ended(event, EndingKind::Interrupted)
        });
        let silent_ms = line.wait("silence", speaks, STEP, |_, event| match event {
            CallEvent::Silenced { revoke_to_silence_ms, .. } => Some(*revoke_to_silence_ms),
            _ => None,
        });
        line.turn("stop", speaks);
        // Everything that is on its way arrives within this.
        std::thread::sleep(Duration::from_millis(100));
        let packets = phone.media.received();
        std::thread::sleep(Duration::from_millis(500));
        let after = phone.media.received().split_off(packets.len());
        let loudest = after.iter().map(loudness).fold(0.0, f64::max);
        figure(format!(
            "interrupted: silent {silent_ms:.1} ms after the revoke, then {loudest:.0} rms at most; \
             heard: {heard:?}"
        ));
        let skipped = line.ticks_skipped() - skipped;
        let longest = REVOKE_TO_SILENCE_MS_MAX + 20.0 * skipped as f64;
        assert!(silent_ms <= longest, "{silent_ms} ms of at most {longest}");
        assert!(loudest < 100.0, "a sound of {loudest} rms after the silence");
        assert!(heard.starts_with("Ask me."), "the beginning was heard: {heard:?}");
        assert!(!heard.contains("run the backup"), "the end was not: {heard:?}");
        // The governor does not say the same again so soon.
        std::thread::sleep(Duration::from_secs(line.config.governor.dedup_s.into()));
    }
    phone.hang_up();
    line.stop();
}

fn ended(event: &CallEvent, how: EndingKind) -> Option<String> {
    match event {
        CallEvent::ClaimEnded { ending, heard_text, .. } if *ending == how => {
            Some(heard_text.clone())
        }
        _ => None,
    }
}

fn loudness(packet: &Packet) -> f64 {
    rms(&from_mu_law(&packet.payload))
}
