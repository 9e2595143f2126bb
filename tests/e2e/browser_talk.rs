//! A browser talks with the line: a real Chromium, whose microphone plays a recording over and over.

use std::time::Duration;

use xenline::report::{CallEvent, EndingKind};

use crate::browser::Browser;
use crate::support::line::Serving;
use crate::support::process::xenline;
use crate::support::sound::recorded;
use crate::support::{alone, figure};

const STEP: Duration = Duration::from_secs(120);
const RATE: u32 = 8_000;

/// What the microphone plays: a question, its answer is waited for, a question with a long answer,
/// and somebody who has heard enough. It begins again when it is over, so no moment is the only one.
fn microphone() -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".wav").tempfile().expect("a file");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(file.path(), spec).expect("a WAV file");
    let mut say = |samples: &[i16], then_s: u32| {
        samples.iter().for_each(|sample| wav.write_sample(*sample).expect("it is written"));
        (0..then_s * RATE).for_each(|_| wav.write_sample(0_i16).expect("it is written"));
    };
    say(&[], 5);
    say(&recorded("what-time-is-it"), 5);
    say(&recorded("help"), 3);
    say(&recorded("stop"), 6);
    wav.finalize().expect("it is closed");
    file
}

#[test]
fn a_browser_talks_is_answered_interrupts_and_hangs_up() {
    let _machine = alone();
    let line = Serving::agent(|config| {
        config.http.listen = Some(([127, 0, 0, 1], 0).into());
        config.governor.dedup_s = 1;
    });
    let mut asked = xenline();
    asked.args(["page", "--config"]).arg(line.file());
    let url = String::from_utf8(asked.output().expect("it runs").stdout).expect("an address");
    let microphone = microphone();
    let plays = format!("--use-file-for-fake-audio-capture={}", microphone.path().display());
    let mut browser = Browser::start(&[
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        &plays,
    ]);
    browser.look(1_440, 900, "light");
    browser.open(url.trim());
    browser.wait_for("document.body.dataset.ready === 'true'");
    browser.click("#talk");
    browser.wait_for_text("#talk-state", "You are on line");
    browser.wait_for_text("#transcript", "what time is it");
    line.wait("an answer", 0, STEP, |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.contains("It is").then_some(())
        }
        _ => None,
    });
    // The page plays what it is sent.
    browser.wait_for(
        "(() => { const it = document.querySelector('#talk-audio'); return it.srcObject?.active && it.currentTime > 0; })()",
    );
    browser.wait_for_text("#transcript", "interrupted");
    browser.wait_for_text("#transcript", "interrupts");
    browser.picture("talk");
    let heard = line.wait("an interruption", 0, STEP, |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Interrupted, heard_text, .. } => {
            Some(heard_text.clone())
        }
        _ => None,
    });
    figure(format!("a browser interrupted; heard: {heard:?}"));
    browser.click("#talk");
    line.wait("the end", 0, STEP, |_, event| match event {
        CallEvent::CallClosed(_) => Some(()),
        _ => None,
    });
    browser.wait_for_text("#open-list", "over");
    assert_eq!(browser.complaints, Vec::<String>::new());
    // It holds connections for as long as it is open.
    drop(browser);
    line.stop();
}
