//! Opus against an encoder and a decoder that are not ours: baresip, with the distribution's libopus.

use std::time::Duration;

use media_core::SampleRate;
use media_core::resample::convert_all;
use serde_json::Value;
use tempfile::TempDir;
use xenline::config::Config;

use crate::support::baresip::{Baresip, dial, dialling, heard_more_than};
use crate::support::line::Serving;
use crate::support::lossy::Lossy;
use crate::support::process::{Guarded, gather, need, xenline};
use crate::support::sound::{channel, likeness, recorded};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const WORDS: &str = "what time is it";
/// Silence before the words, in seconds.
const BEFORE_S: usize = 1;

#[test]
fn baresip_hears_its_own_words_from_an_echo_through_opus() {
    let _machine = alone();
    need("baresip", "baresip-core");
    let line = Serving::echo(opus_alone);
    let words = recorded(WORDS);
    let dir = set_up(&words);
    let mut baresip = dial(dir.path(), &format!("sip:echo@{}", line.sip));
    let output = gather(baresip.child().stdout.take());
    let long_enough = 8_000 * (BEFORE_S + 2) + words.len();
    // 48 kHz, two bytes, one channel at the least.
    let bytes = long_enough * 12;
    let file = wait_until("a recording of the echo", STEP, || heard_more_than(dir.path(), bytes));
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    assert!(line.said().contains("codec=\"opus\""), "{}", line.said());
    let heard = channel(&file, 0);
    let r = likeness(&words, &heard);
    figure(format!("baresip, Opus there and back: r = {r:.3}"));
    assert!(r > 0.8, "r = {r:.3}; baresip said:\n{}", output.lock().expect("no panic"));
    line.stop();
}

#[test]
fn baresip_hears_its_own_words_through_opus_over_a_network_that_loses_every_twelfth_packet() {
    let _machine = alone();
    need("baresip", "baresip-core");
    let network = Lossy::new(8);
    let line = Serving::echo_in(network.inside(&xenline()), opus_alone);
    let words = recorded(WORDS);
    let dir = set_up(&words);
    let target = format!("sip:echo@{}", line.sip);
    let mut baresip = Guarded::spawn(network.inside(&dialling(dir.path(), &target)));
    let output = gather(baresip.child().stdout.take());
    let bytes = (8_000 * (BEFORE_S + 2) + words.len()) * 12;
    let file = wait_until("a recording of the echo", STEP, || heard_more_than(dir.path(), bytes));
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    let r = likeness(&words, &channel(&file, 0));
    let cdr = line.config.cdr.path.clone().expect("the tests name one");
    let loss = wait_until("the call's record", STEP, || {
        let record: Value =
            serde_json::from_str(std::fs::read_to_string(&cdr).ok()?.trim()).ok()?;
        record["loss_percent"].as_f64()
    });
    figure(format!("baresip, Opus there and back, {loss:.1} % lost on the way there: r = {r:.3}"));
    assert!((2.0..20.0).contains(&loss), "{loss} % of what baresip sent was lost");
    assert!(r > 0.6, "r = {r:.3}; baresip said:\n{}", output.lock().expect("no panic"));
    line.stop();
}

fn opus_alone(config: &mut Config) {
    for trunk in &mut config.trunk {
        (trunk.codecs, trunk.opus_over_udp) = (Some(vec!["opus".into()]), true);
    }
}

/// A directory of baresip's with the words, at 48 kHz, as the microphone.
fn set_up(words: &[i16]) -> TempDir {
    let silence = |seconds: usize| vec![0; seconds * 48_000];
    let words = convert_all(words, SampleRate::Hz8000, SampleRate::Hz48000);
    Baresip {
        account: ">;regint=0;audio_codecs=opus/48000/2",
        modules: "module          opus.so\nopus_stereo no",
        rate: 48_000,
        microphone: &[silence(BEFORE_S), words, silence(60)],
    }
    .set_up()
}
