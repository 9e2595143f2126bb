//! What the demo's caller does: speaks, listens, interrupts, says goodbye.

use std::path::Path;
use std::time::Duration;

use media_core::Codec;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::narrator::Narrator;
use super::server::{Server, Timed};
use crate::clip::Clip;
use crate::engines::assets_dir;
use crate::exit::Failure;
use crate::report::{CallEvent, ClaimSource, EndingKind};
use crate::softphone::{CallError, Dialling, Softphone};

/// People leave a moment between hearing and speaking.
const MOMENT: Duration = Duration::from_millis(400);
/// The caller lets the report run for a sentence before saying stop.
const BEFORE_STOP: Duration = Duration::from_millis(1_800);
/// The longest step is the backup that the worker runs.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// Plays the script. Returns what did not go as scripted, in words; an empty list is a success.
pub(super) async fn run(
    server: &Server,
    events: mpsc::Receiver<Timed>,
    dir: &Path,
    quiet: bool,
) -> Result<Vec<String>, Failure> {
    let dialling = Dialling {
        headers: Vec::new(),
        target: format!("sip:agent@{}", server.sip),
        from: "sip:caller@127.0.0.1".into(),
        bind: server.sip.ip(),
        codecs: vec![Codec::Pcmu],
        srtp: false,
        tls_ca: None,
        record: Some(dir.join("caller.wav")),
        answer_within: Duration::from_secs(10),
    };
    if !quiet {
        println!("calling the line at {}\n", server.sip);
    }
    let phone = Softphone::dial(dialling).await.map_err(Failure::because)?;
    let mut scene = Scene {
        phone,
        events,
        narrator: Narrator::new(quiet),
        missed: Vec::new(),
        mark: 0,
        farewell: false,
    };
    scene.play().await;
    let report = scene.phone.hang_up().await;
    scene.narrator.ended(&report);
    Ok(scene.missed)
}

struct Scene {
    phone: Softphone,
    events: mpsc::Receiver<Timed>,
    narrator: Narrator,
    missed: Vec<String>,
    /// Where in the story the caller last began to speak: what is waited for comes after it.
    mark: usize,
    /// The caller said goodbye: from now on a line that hangs up does what it should.
    farewell: bool,
}

/// The line hung up.
struct HungUp;

impl Scene {
    async fn play(&mut self) {
        let hung_up = self.conversation().await.is_err();
        if hung_up && !self.farewell {
            self.missed.push("the call ended before the caller said goodbye".into());
        }
        if !hung_up {
            self.missed.push("the line did not hang up after the caller's goodbye".into());
        }
    }

    async fn conversation(&mut self) -> Result<(), HungUp> {
        self.until("a greeting that is heard to its end", spoken(ClaimSource::Responder)).await?;
        self.ask("what time is it").await?;
        self.ask("run the backup").await?;
        let heard = self.interrupt("stop").await?;
        let answer = self.ask("what did you say").await?;
        if heard.is_empty() || !answer.contains(&heard) {
            self.missed.push(format!(
                "the brain does not know what was heard of its report ({heard:?}): it says {answer:?}"
            ));
        }
        self.farewell = true;
        self.say("goodbye").await?;
        let bye = Instant::now() + STEP_WITHIN;
        self.listen_until(bye).await
    }

    /// Says it and hears the responder's answer to its end: what was heard of it.
    async fn ask(&mut self, words: &str) -> Result<String, HungUp> {
        self.say(words).await?;
        let turn = self.turn_of(words).await?;
        let answer = move |seen: &Narrator, event: &CallEvent| match event {
            CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => seen
                .claim(claim)
                .is_some_and(|c| c.source == ClaimSource::Responder && c.turn == turn),
            _ => false,
        };
        self.until(&format!("an answer to {words:?}"), answer).await?;
        Ok(self.heard_of(answer))
    }

    /// What was heard of the claim whose ending is `wanted`; empty if there is none.
    fn heard_of(&self, wanted: impl Fn(&Narrator, &CallEvent) -> bool) -> String {
        let mut story = self.narrator.story()[self.mark..].iter();
        let ending = story.find(|event| wanted(&self.narrator, event));
        match ending {
            Some(CallEvent::ClaimEnded { heard_text, .. }) => heard_text.clone(),
            _ => String::new(),
        }
    }

    /// Waits for the worker's report, which comes after the responder's acknowledgement, and speaks
    /// into it. Returns what was heard of it.
    async fn interrupt(&mut self, words: &str) -> Result<String, HungUp> {
        let report = |seen: &Narrator, event: &CallEvent| match event {
            CallEvent::FirstSample { claim } => {
                seen.claim(claim).is_some_and(|c| c.source == ClaimSource::Worker)
            }
            _ => false,
        };
        self.until("the worker's report", report).await?;
        self.pause(BEFORE_STOP).await?;
        self.speak(words).await?;
        let interrupted = |seen: &Narrator, event: &CallEvent| match event {
            CallEvent::ClaimEnded {
                claim, ending: EndingKind::Interrupted, heard_text, ..
            } => seen.claim(claim).is_some_and(|c| {
                c.source == ClaimSource::Worker && heard_text.len() < c.text.len()
            }),
            _ => false,
        };
        self.until("the report to be interrupted by \"stop\"", interrupted).await?;
        let heard = self.heard_of(interrupted);
        self.turn_of(words).await?;
        self.pause(MOMENT).await?;
        Ok(heard)
    }

    async fn say(&mut self, words: &str) -> Result<(), HungUp> {
        self.pause(MOMENT).await?;
        self.speak(words).await
    }

    async fn speak(&mut self, words: &str) -> Result<(), HungUp> {
        let file = format!("{}.wav", words.replace(' ', "-"));
        let path = assets_dir().join("caller").join(file);
        let clip = match Clip::read(&path) {
            Ok(clip) => clip,
            Err(error) => {
                self.missed.push(error.to_string());
                return Ok(());
            }
        };
        self.narrator.caller_speaks(words);
        self.mark = self.narrator.story().len();
        hung_up(self.phone.play(&clip).await)
    }

    /// Waits until the line has heard exactly these words, and returns the turn's number.
    async fn turn_of(&mut self, words: &str) -> Result<Option<u64>, HungUp> {
        let wanted = words.to_owned();
        let heard = move |_: &Narrator, event: &CallEvent| matches!(event, CallEvent::CallerTurn { text, .. } if plain(text) == wanted);
        self.until(&format!("the line to hear {words:?}"), heard).await?;
        Ok(self.narrator.last_turn())
    }

    async fn pause(&mut self, time: Duration) -> Result<(), HungUp> {
        self.listen_until(Instant::now() + time).await
    }

    async fn listen_until(&mut self, latest: Instant) -> Result<(), HungUp> {
        self.wait(|_, _| false, latest).await.map(drop)
    }

    async fn until(
        &mut self,
        what: &str,
        enough: impl Fn(&Narrator, &CallEvent) -> bool,
    ) -> Result<(), HungUp> {
        if !self.wait(enough, Instant::now() + STEP_WITHIN).await? {
            self.missed.push(format!("waited {STEP_WITHIN:?} in vain for {what}"));
        }
        Ok(())
    }

    /// Lets the call go on until an event is `enough` (true) or `latest` is there (false). What
    /// happened since the caller last began to speak counts too.
    async fn wait(
        &mut self,
        enough: impl Fn(&Narrator, &CallEvent) -> bool,
        latest: Instant,
    ) -> Result<bool, HungUp> {
        let mut looked_at = self.mark;
        loop {
            let story = &self.narrator.story()[looked_at..];
            if story.iter().any(|event| enough(&self.narrator, event)) {
                return Ok(true);
            }
            looked_at = self.narrator.story().len();
            let left = latest.saturating_duration_since(Instant::now());
            tokio::select! {
                listened = self.phone.listen(left) => return hung_up(listened).map(|()| false),
                event = timeout_at(latest, self.events.recv()) => {
                    let Ok(Some((t_ms, event))) = event else { return Ok(false) };
                    self.narrator.take(t_ms, event);
                }
            }
        }
    }
}

fn hung_up(result: Result<(), CallError>) -> Result<(), HungUp> {
    result.map_err(|_| HungUp)
}

fn spoken(by: ClaimSource) -> impl Fn(&Narrator, &CallEvent) -> bool {
    move |seen, event| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => {
            seen.claim(claim).is_some_and(|c| c.source == by)
        }
        _ => false,
    }
}

/// Words alone: recognisers differ in capitals and stops.
fn plain(text: &str) -> String {
    let letters = text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ', "");
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}
