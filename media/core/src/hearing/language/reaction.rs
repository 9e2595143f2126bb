use super::lists::{BACKCHANNELS, COMMANDS, entries};
use super::words::{starts_with, words};

/// What words said into our own speech are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reaction {
    /// No words.
    Nothing,
    /// "mm-hm", "right": go on, I am listening.
    Backchannel,
    /// "stop", "wait": meant to interrupt, beyond doubt.
    Command,
    /// Anything else that was said to us.
    Speech,
}

/// Sorts what was said while we spoke.
///
/// ```
/// use media_core::hearing::{Reaction, reaction};
/// assert_eq!(reaction("uh huh"), Reaction::Backchannel);
/// assert_eq!(reaction("okay stop"), Reaction::Command);
/// assert_eq!(reaction("okay what about tuesday"), Reaction::Speech);
/// ```
#[must_use]
pub fn reaction(text: &str) -> Reaction {
    let words = words(text);
    let mut rest = words.as_slice();
    let mut backchannels = 0;
    while let Some(length) = entries(BACKCHANNELS)
        .find_map(|phrase| starts_with(rest, phrase).then(|| phrase.split(' ').count()))
    {
        rest = &rest[length..];
        backchannels += 1;
    }
    match (backchannels, rest) {
        (0, []) => Reaction::Nothing,
        (_, []) => Reaction::Backchannel,
        (_, rest) if entries(COMMANDS).any(|phrase| starts_with(rest, phrase)) => Reaction::Command,
        _ => Reaction::Speech,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sounds_alone_are_backchannels() {
        for text in ["mm-hm", "Uh huh.", "right", "Okay, I see.", "yeah yeah", "go on", "Got it!"] {
            assert_eq!(reaction(text), Reaction::Backchannel, "{text}");
        }
    }

    #[test]
    fn orders_to_be_quiet_are_commands_also_after_a_backchannel() {
        for text in ["stop", "Stop it.", "wait a minute", "no", "hold on", "be quiet", "okay stop"]
        {
            assert_eq!(reaction(text), Reaction::Command, "{text}");
        }
    }

    #[test]
    fn a_backchannel_that_goes_on_is_speech() {
        for text in ["right but what about tuesday", "what time is it", "notify mary"] {
            assert_eq!(reaction(text), Reaction::Speech, "{text}");
        }
    }

    #[test]
    fn no_words_are_nothing() {
        for text in ["", "  ", "…", "?!"] {
            assert_eq!(reaction(text), Reaction::Nothing, "{text:?}");
        }
    }
}
