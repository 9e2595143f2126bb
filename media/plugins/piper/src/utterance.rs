//! A clause as a Piper network takes it, and how its words share its time.

use std::ops::Range;

use media_core::plugin::WordSpan;

use crate::config::VoiceConfig;
use crate::espeak::{EspeakError, Library};
use crate::text::{Clause, Mark};

/// A clause, ready for an engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Utterance {
    /// Phonemes with the marks between them.
    pub ipa: String,
    /// The network's input.
    pub ids: Vec<i64>,
    /// Who takes how much of the time, in order.
    shares: Vec<Share>,
}

/// A stretch of the clause and its length relative to the others.
#[derive(Clone, Debug)]
struct Share {
    /// The word it belongs to; `None` for a pause.
    word: Option<Range<usize>>,
    weight: f32,
    /// Which bytes of the phonemes are its own; `None` for a pause, and where words share theirs.
    ipa: Option<Range<usize>>,
    /// Which ids those became.
    ids: Option<Range<usize>>,
}

impl Share {
    /// Where it is, if ids end where `ends` says.
    fn place(&self, ends: Option<&[usize]>) -> Option<Range<usize>> {
        let (ids, ends) = (self.ids.as_ref()?, ends?);
        Some(*ends.get(ids.start.checked_sub(1)?)?..*ends.get(ids.end.checked_sub(1)?)?)
    }
}

/// What is spoken between two pauses: words, and how many spoken words each of them makes.
#[derive(Default)]
struct Piece {
    text: String,
    words: Vec<(Range<usize>, usize)>,
}

impl Utterance {
    /// Makes the phonemes of `clause` in the language of `config`.
    ///
    /// # Errors
    /// When espeak-ng does not know that language.
    pub(crate) fn new(
        clause: &Clause,
        config: &VoiceConfig,
        espeak: Library,
    ) -> Result<Self, EspeakError> {
        let mut utterance = Self::default();
        for piece in pieces(clause) {
            let ipa = espeak.phonemes(&config.espeak.voice, &piece.text)?;
            if ipa.is_empty() {
                continue;
            }
            if !utterance.ipa.is_empty() {
                utterance.ipa.push_str(PAUSE);
                let pause = Share { word: None, weight: PAUSE_WEIGHT, ipa: None, ids: None };
                utterance.shares.push(pause);
            }
            let before = utterance.ipa.len();
            utterance.shares.extend(shares(&piece, &ipa, before));
            utterance.ipa.push_str(&ipa);
        }
        if let Some(symbol) = clause.mark().symbol().filter(|_| !utterance.ipa.is_empty()) {
            utterance.ipa.push(symbol);
        }
        utterance.ids = config.ids(&utterance.ipa);
        let known = |upto: usize| {
            utterance.ipa[..upto].chars().filter(|symbol| config.id(*symbol).is_some()).count()
        };
        for share in &mut utterance.shares {
            let ids = share.ipa.as_ref().map(|ipa| id_of(known(ipa.start))..id_of(known(ipa.end)));
            share.ids = ids.filter(|ids| !ids.is_empty());
        }
        Ok(utterance)
    }

    /// Whether there is nothing to synthesise.
    pub(crate) fn is_empty(&self) -> bool {
        self.ipa.is_empty()
    }

    /// Where the words lie when the clause's speech occupies `speech`. `ends`: where the sound of
    /// each id ends, if the network says so; estimated otherwise: phonemes are taken as equally
    /// long, a long vowel as one and a half.
    pub(crate) fn spans(&self, speech: Range<usize>, ends: Option<&[usize]>) -> Vec<WordSpan> {
        let mut spans: Vec<WordSpan> = Vec::with_capacity(self.shares.len());
        let within = |at: usize| at.clamp(speech.start, speech.end.max(speech.start));
        let (mut at, mut rest) = (speech.start, &self.shares[..]);
        while !rest.is_empty() {
            let unknown = rest.iter().take_while(|share| share.place(ends).is_none()).count();
            let (estimated, placed) = rest.split_at(unknown);
            let place = placed.first().and_then(|share| share.place(ends));
            let until = place.as_ref().map_or(speech.end, |place| within(place.start)).max(at);
            estimate(estimated, at..until, &mut spans);
            if let (Some(share), Some(place)) = (placed.first(), place) {
                at = within(place.end).max(until);
                add(&mut spans, share, until..at);
            }
            rest = placed.get(1..).unwrap_or_default();
        }
        // What is heard first and last is theirs.
        if let Some(first) = spans.first_mut() {
            first.samples.start = speech.start;
        }
        if let Some(last) = spans.last_mut() {
            last.samples.end = speech.end.max(last.samples.start);
        }
        spans
    }
}

/// Shares `time` out by weight.
fn estimate(shares: &[Share], time: Range<usize>, spans: &mut Vec<WordSpan>) {
    let total: f32 = shares.iter().map(|share| share.weight).sum();
    let scale = time.len() as f32 / total.max(f32::EPSILON);
    let mut at = 0.0;
    for share in shares {
        let from = time.start + (at * scale) as usize;
        at += share.weight;
        let to = (time.start + (at * scale) as usize).clamp(from, time.end.max(from));
        add(spans, share, from..to);
    }
}

fn add(spans: &mut Vec<WordSpan>, share: &Share, samples: Range<usize>) {
    let Some(text) = share.word.clone() else { return };
    match spans.last_mut() {
        // A word with a pause inside comes in two shares.
        Some(last) if last.text == text => last.samples.end = samples.end,
        _ => spans.push(WordSpan { text, samples }),
    }
}

/// The id of the `nth` phoneme: behind the start mark, each with its padding.
fn id_of(nth: usize) -> usize {
    2 + 2 * nth
}

/// `clause`, cut at every pause.
fn pieces(clause: &Clause) -> Vec<Piece> {
    let mut pieces = vec![Piece::default()];
    for word in &clause.words {
        for (i, part) in word.spoken.split(',').enumerate() {
            if i > 0 {
                pieces.push(Piece::default());
            }
            let count = part.split_whitespace().count();
            if let Some(piece) = pieces.last_mut().filter(|_| count > 0) {
                piece.text.push_str(if piece.text.is_empty() { "" } else { " " });
                piece.text.push_str(part.trim());
                piece.words.push((word.source.clone(), count));
            }
        }
        if word.mark != Mark::None {
            pieces.push(Piece::default());
        }
    }
    pieces.retain(|p| !p.words.is_empty());
    pieces
}

/// How the words of `piece` share the time of its phonemes `ipa`, which stand behind `before` bytes
/// of others.
fn shares(piece: &Piece, ipa: &str, before: usize) -> Vec<Share> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for group in ipa.split(' ') {
        let from = groups.last().map_or(0, |last| last.end + 1);
        groups.push(from..from + group.len());
    }
    let expected: usize = piece.words.iter().map(|(_, count)| count).sum();
    if groups.len() == expected {
        let mut groups = groups.into_iter();
        let share = |(word, count): &(Range<usize>, usize)| {
            let own: Vec<Range<usize>> = groups.by_ref().take(*count).collect();
            let weight = own.iter().map(|group| weight(&ipa[group.clone()])).sum();
            let ends = own.first().zip(own.last());
            let ipa = ends.map(|(first, last)| before + first.start..before + last.end);
            Share { word: Some(word.clone()), weight, ipa, ids: None }
        };
        return piece.words.iter().map(share).collect();
    }
    // espeak-ng has fused or parted words ("of the"): by letters then.
    let mut rest = piece.text.split(' ');
    let share = |(word, count): &(Range<usize>, usize)| Share {
        word: Some(word.clone()),
        weight: rest.by_ref().take(*count).map(|w| w.chars().count() as f32).sum(),
        ipa: None,
        ids: None,
    };
    piece.words.iter().map(share).collect()
}

fn weight(ipa: &str) -> f32 {
    ipa.chars()
        .map(|c| match c {
            'ˈ' | 'ˌ' | '-' | '\u{329}' | '\u{361}' => 0.0, // stress and ties last no time
            'ː' => 0.5,
            _ => 1.0,
        })
        .sum()
}

/// Tells a Piper voice to pause: verified for the built-in one to give about 0.2 s.
const PAUSE: &str = ", ";
const PAUSE_WEIGHT: f32 = 2.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::clauses;

    fn utterance(text: &str) -> Utterance {
        let config: VoiceConfig = serde_json::from_str(
            r#"{"audio":{"sample_rate":8000},"espeak":{"voice":"en-us"},
                "phoneme_id_map":{"_":[0],"^":[1],"$":[2]}}"#,
        )
        .unwrap();
        let espeak = Library::open(None).unwrap();
        Utterance::new(&clauses(text)[0], &config, espeak).unwrap()
    }

    #[test]
    fn clauses_keep_their_marks_and_never_fuse() {
        assert_eq!(utterance("hello thanks?").ipa, "həlˈoʊ θˈæŋks?");
        assert_eq!(utterance("hello,").ipa, "həlˈoʊ,");
        assert_eq!(utterance("5551234").ipa.matches(", ").count(), 1);
    }

    #[test]
    fn words_share_the_time_in_order_and_fill_it() {
        let text = "the end of the day";
        let spans = utterance(text).spans(100..1_100, None);
        let words: Vec<&str> = spans.iter().map(|s| &text[s.text.clone()]).collect();
        assert_eq!(words, ["the", "end", "of", "the", "day"]);
        assert_eq!((spans[0].samples.start, spans[4].samples.end), (100, 1_100));
        assert!(spans.windows(2).all(|w| w[0].samples.end <= w[1].samples.start));
    }

    #[test]
    fn a_number_read_in_groups_is_still_one_word() {
        let spans = utterance("call 5551234 now").spans(0..8_000, None);
        assert_eq!(spans.len(), 3);
        assert!(spans[1].samples.len() > 4 * spans[0].samples.len());
    }
}
