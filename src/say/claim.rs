//! From a wish to a claim.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lane_broker::intake::{Policy, Wish, WishSource};
use queue_governor::{Claim, ClaimId, Content, OnInterrupt, Source, Tag};

use super::caller_name;
use crate::clip::Clip;
use crate::config::ClaimDefaults;

/// Begins the names of what came by the socket.
pub const SAID: &str = "say-";
/// Begins the names of what was found in a spool; the rest names the file, so that one that is
/// found again after a crash is recognised.
pub const SPOOLED: &str = "spool-";
/// Begins the names of what the operator says.
pub const OPERATOR: &str = "op-";

/// Names for claims, of which no two are the same, also not across a restart of the line.
#[derive(Debug)]
pub struct Names {
    run: u64,
    next: u64,
}

impl Names {
    /// Names of a process that starts now.
    #[must_use]
    pub fn of_this_run() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Two starts are further apart than a hundredth of a second.
        Self { run: u64::try_from(since.as_millis() / 10).unwrap_or(u64::MAX), next: 1 }
    }

    /// The next name: `kind`, and a number that was never given before.
    pub fn next(&mut self, kind: &str) -> ClaimId {
        let id = ClaimId::new(format!("{kind}{:x}-{}", self.run, self.next));
        self.next += 1;
        id
    }
}

/// What is to be heard of a wish, with the sound that it named.
#[must_use]
pub fn content_of(wish: &Wish, sound: Option<Clip>) -> Content {
    let Some(clip) = sound else { return Content::Text(wish.text.clone()) };
    let name = wish.wav.as_ref().and_then(|path| path.file_stem());
    let label = match (wish.text.is_empty(), name) {
        (true, Some(name)) => name.to_string_lossy().into_owned(),
        _ => wish.text.clone(),
    };
    Content::Audio { label, samples: clip.samples.into(), rate: clip.rate }
}

/// What a claim's ready sound takes in memory.
#[must_use]
pub fn sound_bytes(content: &Content) -> usize {
    match content {
        Content::Audio { samples, .. } => size_of_val(&**samples),
        Content::Text(_) => 0,
    }
}

/// The claim that `wish` becomes under the name `id`. `defaults`: those of the line it is for.
#[must_use]
pub fn claim_of(id: ClaimId, wish: &Wish, content: Content, defaults: &ClaimDefaults) -> Claim {
    let source = match wish.source {
        WishSource::External => Source::External,
        WishSource::System => Source::System,
    };
    let ttl = wish.ttl_s.map(Duration::from_secs);
    Claim {
        tag: wish.tag.clone().map_or(Tag::XEN_OUT, Tag::new),
        content,
        priority: wish.priority,
        ttl: ttl.or(defaults.ttl(source, wish.must_deliver)),
        must_deliver: wish.must_deliver,
        supersedes: wish.supersedes.as_deref().map(ClaimId::new),
        dedup_key: wish.dedup_key.clone(),
        on_interrupt: match wish.on_interrupt {
            Some(Policy::Drop) => OnInterrupt::Drop,
            Some(Policy::Resume) => OnInterrupt::Resume,
            Some(Policy::Restate) => OnInterrupt::Restate,
            None if wish.must_deliver => OnInterrupt::Resume,
            None => defaults.on_interrupt(source),
        },
        to: wish.to.as_deref().map(caller_name),
        ..Claim::text(id.as_str(), source, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::SampleRate;

    #[test]
    fn what_must_be_delivered_goes_on_after_an_interruption_unless_it_says_otherwise() {
        let mut wish = Wish { must_deliver: true, ..Wish::text("hello") };
        let policy = |wish: &Wish| {
            let defaults = ClaimDefaults::default();
            claim_of(ClaimId::new("say-1"), wish, content_of(wish, None), &defaults).on_interrupt
        };
        assert_eq!(policy(&wish), OnInterrupt::Resume);
        wish.on_interrupt = Some(Policy::Restate);
        assert_eq!(policy(&wish), OnInterrupt::Restate);
        assert_eq!(policy(&Wish::text("hello")), OnInterrupt::Drop);
    }

    #[test]
    fn sound_without_words_is_known_by_its_file() {
        let wish = Wish { wav: Some("/sounds/door bell.wav".into()), ..Wish::default() };
        let clip = Clip { samples: vec![1, 2], rate: SampleRate::Hz8000 };
        assert_eq!(content_of(&wish, Some(clip)).words(), "door bell");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::of_this_run();
        let (one, other) = (names.next(SAID), names.next(SAID));
        assert!(one != other && one.as_str().starts_with(SAID));
    }
}
