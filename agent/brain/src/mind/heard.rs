use std::collections::VecDeque;

use brain_protocol::{ClaimEnding, ClaimId};
use jiff::{SignedDuration, Timestamp};

/// What the caller heard, and what not.
#[derive(Debug, Default)]
pub(super) struct HeardLog {
    open: VecDeque<Uttered>,
    last: Option<String>,
    rest: Option<(String, Timestamp)>,
}

/// Something said, whose ending is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Uttered {
    pub(super) claim: ClaimId,
    pub(super) text: String,
    pub(super) repeats: bool,
    pub(super) keep: bool,
}

impl HeardLog {
    pub(super) fn on_said(&mut self, uttered: Uttered) {
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(uttered);
    }

    /// Returns a text that is to be told another time, because nobody heard any of it.
    pub(super) fn on_ended(
        &mut self,
        now: Timestamp,
        claim: &ClaimId,
        ending: ClaimEnding,
        heard: String,
    ) -> Option<String> {
        let index = self.open.iter().position(|uttered| uttered.claim == *claim)?;
        let uttered = self.open.remove(index)?;
        if ending == ClaimEnding::Interrupted {
            let rest = rest_of(&uttered.text, &heard);
            if !rest.is_empty() {
                self.rest = Some((rest.to_owned(), now));
            }
        }
        let unheard = heard.trim().is_empty();
        if !unheard && !uttered.repeats {
            self.last = Some(heard.trim().to_owned());
        }
        let never_told = matches!(
            ending,
            ClaimEnding::Stale
                | ClaimEnding::Expired
                | ClaimEnding::Refused
                | ClaimEnding::Withdrawn
                | ClaimEnding::Failed
                | ClaimEnding::Unknown
        );
        (unheard && never_told && uttered.keep).then_some(uttered.text)
    }

    /// What was heard stays known; what was open has ended with its call.
    pub(super) fn in_another_call(self) -> Self {
        Self { open: VecDeque::new(), ..self }
    }

    /// What is open under that name.
    pub(super) fn text_of(&self, claim: &ClaimId) -> Option<&str> {
        self.open.iter().find(|uttered| uttered.claim == *claim).map(|it| it.text.as_str())
    }

    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    pub(super) fn take_rest(&mut self, now: Timestamp) -> Option<String> {
        let (rest, since) = self.rest.take()?;
        (now.duration_since(since) <= REST_KEPT).then_some(rest)
    }

    /// What is open and may be taken back.
    pub(super) fn open_claims(&self) -> Vec<ClaimId> {
        self.open.iter().map(|uttered| uttered.claim.clone()).collect()
    }

    /// What is open and is to be told another time.
    pub(super) fn kept(&self) -> impl Iterator<Item = String> {
        self.open.iter().filter(|uttered| uttered.keep).map(|uttered| uttered.text.clone())
    }
}

/// What follows the heard words. The line may have spaced them differently, so words are counted
/// where the texts differ.
pub(super) fn rest_of<'a>(text: &'a str, heard: &str) -> &'a str {
    if let Some(rest) = text.trim().strip_prefix(heard.trim()) {
        return rest.trim_start_matches(|c: char| c.is_whitespace() || ".,;:!?".contains(c));
    }
    let mut rest = text.trim();
    for _ in heard.split_whitespace() {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
    }
    rest
}

/// More claims cannot wait for one voice.
const OPEN_MAX: usize = 64;

/// After so long nobody remembers what was interrupted.
const REST_KEPT: SignedDuration = SignedDuration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_follows_the_heard_words() {
        let text = "The backup is done. It took four seconds. Three files were packed.";
        for (heard, rest) in [
            ("The backup is done.", "It took four seconds. Three files were packed."),
            ("The backup is done", "It took four seconds. Three files were packed."),
            ("The backup is done. It took", "four seconds. Three files were packed."),
            ("the  backup is", "done. It took four seconds. Three files were packed."),
            ("", text),
            (text, ""),
        ] {
            assert_eq!(rest_of(text, heard), rest, "after {heard:?}");
        }
    }
}
