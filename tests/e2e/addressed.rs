//! `xenline say --to CALLER` with two callers on the line: each of them hears what is for him, all
//! of it, and nothing of what is for the other. What reached their phones says so.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Ran, run, xenline};
use crate::support::sound::{FRAME, rms, write_wav};
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(30);
const SAID_WITHIN: Duration = Duration::from_secs(60);
const ANN: (&str, f64) = ("4930111", 700.0);
const BOB: (&str, f64) = ("4930222", 1_300.0);
const CAROL: (&str, f64) = ("4930333", 2_100.0);
const RATE_HZ: f64 = 8_000.0;
/// Packets of a tone.
const FRAMES: usize = 50;

#[test]
fn of_two_callers_each_hears_what_is_for_him_and_who_is_not_there_hears_it_later() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = Serving::agent(|_| {});
    let ann = greeted(&line, ANN.0);
    let bob = greeted(&line, BOB.0);
    // At the same time, each from a program of its own.
    let (serving, folder) = (&line, dir.path());
    let [for_ann, for_bob] = std::thread::scope(|scope| {
        let programs =
            [ANN, BOB].map(|whom| scope.spawn(move || say_to(serving, folder, whom, &["--wait"])));
        programs.map(|program| program.join().expect("it was said"))
    });
    for ran in [for_ann, for_bob] {
        assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
        assert!(ran.out.contains("spoken"), "{}", ran.out);
    }
    let nobody = say_to(&line, dir.path(), CAROL, &[]);
    assert_eq!(nobody.code, Some(1), "{}", nobody.out);
    assert!(nobody.err.contains("that caller is not on the line"), "{}", nobody.err);
    let later = say_to(&line, dir.path(), CAROL, &["--must-deliver"]);
    assert_eq!(later.code, Some(0), "{}", later.err);
    assert!(later.out.contains("waits for"), "{}", later.out);

    let carol = Phone::call_as(line.sip, CAROL.0);
    let (tone, phone) = (CAROL.1, &carol);
    wait_until("Carol to hear hers", SAID_WITHIN, || {
        (tones(phone, tone) >= FRAMES - 2).then_some(())
    });
    for (name, phone, own) in [("Ann", &ann, ANN), ("Bob", &bob, BOB), ("Carol", &carol, CAROL)] {
        let heard = [ANN, BOB, CAROL].map(|(_, hz)| tones(phone, hz));
        figure(format!("{name} heard {heard:?} packets of the three tones"));
        for ((_, hz), count) in [ANN, BOB, CAROL].into_iter().zip(heard) {
            match hz == own.1 {
                true => assert!((FRAMES - 2..=FRAMES).contains(&count), "{name}: {count} of hers"),
                false => assert_eq!(count, 0, "{name} heard what was for somebody else"),
            }
        }
    }
    [ann, bob, carol].into_iter().for_each(Phone::hang_up);
    line.stop();
}

#[test]
fn who_takes_a_call_over_hears_nothing_that_was_kept_for_the_one_before() {
    const LONG: usize = 10 * FRAMES;
    const TESTER: (&str, f64) = ("tester", 2_100.0);
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = Serving::agent(|config| config.sip.channels = 1);
    let ann = greeted(&line, ANN.0);
    // One that she hears for ten seconds, and one that waits behind it.
    let waiting = (ANN.0, BOB.1);
    let long = say_file(&line, ANN.0, &tone_of(dir.path(), ANN.1, LONG), &["--must-deliver"]);
    let next = say_to(&line, dir.path(), waiting, &["--must-deliver"]);
    assert_eq!((long.code, next.code), (Some(0), Some(0)), "{} {}", long.err, next.err);
    wait_until("Ann to hear the first", SOON, || (tones(&ann, ANN.1) > 5).then_some(()));
    let other = Phone::call_with(line.sip, &ann.taken_over());
    wait_until("a goodbye to Ann", SOON, || ann.was_hung_up().then_some(()));
    let to_ann = say_to(&line, dir.path(), ANN, &[]);
    assert!(to_ann.err.contains("that caller is not on the line"), "{}", to_ann.err);
    let to_other = say_to(&line, dir.path(), TESTER, &["--wait"]);
    assert_eq!(to_other.code, Some(0), "{} {}", to_other.out, to_other.err);
    let heard = [ANN.1, BOB.1, TESTER.1].map(|hz| tones(&other, hz));
    figure(format!("who took the line over heard {heard:?} packets of the three tones"));
    assert!(heard[0] < LONG / 2 && heard[1] == 0 && heard[2] >= FRAMES - 2, "{heard:?}");
    other.hang_up();

    let ann = Phone::call_as(line.sip, ANN.0);
    wait_until("Ann to hear the rest in her next call", SAID_WITHIN, || {
        (tones(&ann, BOB.1) >= FRAMES - 2).then_some(())
    });
    wait_until("the end of the first, too", SAID_WITHIN, || {
        (line.busy_with().1 == 0).then_some(())
    });
    ann.hang_up();
    line.stop();
}

/// Somebody whose greeting is over.
fn greeted(line: &Serving, caller: &'static str) -> Phone {
    let mark = line.mark();
    let phone = Phone::call_as(line.sip, caller);
    line.wait("the greeting", mark, SOON, |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, .. } => Some(()),
        _ => None,
    });
    phone
}

fn say_to(line: &Serving, dir: &Path, (caller, hz): (&str, f64), more: &[&str]) -> Ran {
    say_file(line, caller, &tone_of(dir, hz, FRAMES), more)
}

fn say_file(line: &Serving, caller: &str, file: &Path, more: &[&str]) -> Ran {
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    let mut command = xenline();
    command.args(["say", "--to", caller, "--wav"]).arg(file).args(more);
    command.arg("--socket").arg(socket);
    run(command, SAID_WITHIN)
}

/// So many frames of one frequency.
fn tone_of(dir: &Path, hz: f64, frames: usize) -> PathBuf {
    let path = dir.join(format!("{hz}.wav"));
    let at = |n: usize| ((n as f64 * hz * TAU / RATE_HZ).sin() * 8_000.0) as i16;
    write_wav(&path, 8_000, (0..frames * FRAME).map(at));
    path
}

/// Packets in which this tone is what there is.
fn tones(phone: &Phone, hz: f64) -> usize {
    let sound = phone.media.heard();
    let is_tone = |frame: &&[i16]| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in frame.iter().enumerate() {
            let angle = n as f64 * hz * TAU / RATE_HZ;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        let n = frame.len() as f64;
        let power = rms(frame).powi(2);
        power > 1_000_000.0 && 2.0 * (re * re + im * im) / (n * n) > 0.7 * power
    };
    sound.chunks_exact(FRAME).filter(is_tone).count()
}
