//! The brain dies in the middle of a sentence, and the caller does not notice.

use std::time::Duration;

use xenline::report::{CallEvent, ClaimSource, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{children, kill};
use crate::support::rtp::{assert_one_stream, longest_gap};
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

/// A gap of this length is heard as a click at most: the far end conceals two lost packets. What
/// the machine made the line leave out meanwhile comes on top.
const GAP_MS_MAX: f64 = 60.0;
const PTIME_MS: f64 = 20.0;
const STEP: Duration = Duration::from_secs(30);

#[test]
fn a_brain_killed_in_mid_sentence_leaves_the_call_and_its_sound_alone() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let phone = Phone::call(line.sip);
    let greeting = spoken(&line, 0, "the greeting");
    phone.media.say(&recorded("help"));
    let turn = line.turn("help", greeting);
    let claim = line.wait("the first words of a long answer", greeting, STEP, |_, event| {
        let of_turn = |claim: &str| claim_of_turn(&line, turn).as_deref() == Some(claim);
        match event {
            CallEvent::FirstSample { claim } if of_turn(claim) => Some(claim.clone()),
            _ => None,
        }
    });
    std::thread::sleep(Duration::from_millis(500));
    let brains = children(line.pid(), "xenline-brain");
    let [brain] = brains[..] else { panic!("one brain, not {brains:?}") };
    let skipped_before = line.ticks_skipped();
    let (killed, packets) = (line.mark(), phone.media.count());
    kill(brain, libc::SIGKILL);
    let down_ms = line.wait("the loss to be noticed", killed, STEP, |t_ms, event| {
        matches!(event, CallEvent::BrainDown { .. }).then_some(t_ms)
    });
    let up_ms = line.wait("another brain", killed, STEP, |t_ms, event| {
        matches!(event, CallEvent::BrainUp { .. }).then_some(t_ms)
    });
    let (ending, heard) =
        line.wait("the sentence's ending", killed, STEP, |_, event| match event {
            CallEvent::ClaimEnded { claim: ended, ending, heard_text, .. } if *ended == claim => {
                Some((*ending, heard_text.clone()))
            }
            _ => None,
        });
    let asked = line.mark();
    phone.media.say(&recorded("what time is it"));
    line.turn("what time is it", asked);
    let again = spoken(&line, asked, "the new brain's answer");
    let received = phone.media.received();
    let skipped = line.ticks_skipped();
    let (gap_ms, _) = longest_gap(&received[packets.saturating_sub(1)..]);
    figure(format!(
        "brain killed: a new one after {:.0} ms, the sentence ended {ending} after {} letters, \
         longest gap in the RTP {gap_ms:.1} ms",
        up_ms - down_ms,
        heard.len()
    ));
    assert_ne!(children(line.pid(), "xenline-brain"), [brain], "it is another process");
    assert_one_stream(&received, skipped);
    let longest = GAP_MS_MAX + PTIME_MS * (skipped - skipped_before) as f64;
    assert!(gap_ms <= longest, "the sound paused for {gap_ms} ms of at most {longest}");
    assert!(again > asked && !phone.was_hung_up(), "the call stays");
    phone.hang_up();
    line.stop();
}

#[test]
fn what_the_caller_says_while_the_brain_is_away_is_answered_by_the_next_one() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let phone = Phone::call(line.sip);
    let greeted = spoken(&line, 0, "the greeting");
    let brain = children(line.pid(), "xenline-brain")[0];
    // Stopped, it neither answers nor closes its socket: the worst kind of away.
    kill(brain, libc::SIGSTOP);
    phone.media.say(&recorded("what time is it"));
    let turn = line.turn("what time is it", greeted);
    kill(brain, libc::SIGKILL);
    line.wait("the turn to be sent again", greeted, STEP, |_, event| match event {
        CallEvent::TurnSent { turn: sent, replayed: true } if *sent == turn => Some(()),
        _ => None,
    });
    let claim = wait_until("an answer", STEP, || claim_of_turn(&line, turn));
    line.wait("it to be said", greeted, STEP, |_, event| match event {
        CallEvent::ClaimEnded { claim: ended, ending: EndingKind::Spoken, .. } => {
            (*ended == claim).then_some(())
        }
        _ => None,
    });
    let answers = line.events().into_iter().filter(|(_, event)| {
        matches!(event, CallEvent::ClaimAccepted { turn: Some(of), .. } if *of == turn)
    });
    assert_eq!(answers.count(), 1, "it is answered once");
    phone.hang_up();
    line.stop();
}

/// The claim that answers `turn`, if there is one yet.
fn claim_of_turn(line: &Serving, turn: u64) -> Option<String> {
    line.events().into_iter().find_map(|(_, event)| match event {
        CallEvent::ClaimAccepted { claim, turn: Some(of), .. } if of == turn => Some(claim),
        _ => None,
    })
}

/// Waits until the responder has said something to its end; gives the mark after it.
fn spoken(line: &Serving, mark: usize, what: &str) -> usize {
    let responders = |id: &str| {
        line.events().iter().any(|(_, event)| {
            matches!(event, CallEvent::ClaimAccepted { claim, source: ClaimSource::Responder, .. } if claim == id)
        })
    };
    line.wait(what, mark, STEP, |_, event| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => {
            responders(claim).then_some(())
        }
        _ => None,
    });
    line.mark()
}
