use std::collections::{BTreeMap, BTreeSet};

use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};

use super::file::{Action, Gene};
use super::slots::{Slot, Slots};
use super::words::{normalised, terms};

/// The genes, indexed by their phrases.
pub struct Library {
    genes: Vec<Gene>,
    follow_ups: Vec<Option<Library>>,
    phrases: Vec<Phrase>,
    embedder: Embedder<u64, Terms>,
    scorer: Scorer<usize, u64>,
    threshold: f32,
}

/// A gene that fits what was said.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Where it is in its library, for [`Library::follow_ups_of`].
    pub index: usize,
    /// The gene.
    pub gene: &'a Gene,
    /// What the caller filled in.
    pub slots: Slots,
    /// 1.0 for exactly a phrase, at least the threshold.
    pub confidence: f32,
}

impl Library {
    /// Indexes the genes. Of two with the same name the first counts, and of two
    /// phrases that fit equally well too, so a caller's own genes go first.
    ///
    /// `threshold`: the least confidence, 0 to 1.
    #[must_use]
    pub fn new(genes: Vec<Gene>, threshold: f32) -> Self {
        let mut unique = BTreeMap::new();
        for (order, gene) in genes.into_iter().enumerate() {
            unique.entry(gene.name.clone()).or_insert((order, gene));
        }
        let mut genes: Vec<_> = unique.into_values().collect();
        genes.sort_by_key(|(order, _)| *order);
        let genes: Vec<Gene> = genes.into_iter().map(|(_, gene)| gene).collect();

        let phrases: Vec<Phrase> = genes
            .iter()
            .enumerate()
            .flat_map(|(index, gene)| gene.phrases.iter().map(move |text| Phrase::new(index, text)))
            .collect();
        let average = phrases.iter().map(|it| it.terms.len()).sum::<usize>() as f32
            / phrases.len().max(1) as f32;
        let embedder = EmbedderBuilder::<u64, Terms>::with_avgdl(average).build();
        let mut scorer = Scorer::new();
        for (index, phrase) in phrases.iter().enumerate() {
            scorer.upsert(&index, embedder.embed(&phrase.terms.join(" ")));
        }
        let mut library =
            Self { follow_ups: Vec::new(), genes, phrases, embedder, scorer, threshold };
        library.note_best_scores();
        library.follow_ups = library
            .genes
            .iter()
            .map(|gene| {
                let follow_ups = gene.follow_ups.clone();
                (!follow_ups.is_empty()).then(|| Library::new(follow_ups, threshold))
            })
            .collect();
        library
    }

    /// The gene that fits best, if one fits well enough.
    #[must_use]
    pub fn find(&self, said: &str) -> Option<Found<'_>> {
        let words = normalised(said);
        let said_terms = distinct(terms(&words));
        if said_terms.is_empty() {
            return None;
        }
        let query = self.embedder.embed(&said_terms.join(" "));
        let mut best: Option<(f32, usize, Slots)> = None;
        for candidate in self.scorer.matches(&query).into_iter().take(CANDIDATES_MAX) {
            let phrase = &self.phrases[candidate.id];
            let confidence = phrase.confidence(candidate.score, &said_terms);
            // Of equals the earlier phrase, so that the answer does not depend on chance.
            let better = match &best {
                None => true,
                Some((so_far, index, _)) => {
                    confidence > so_far + EQUAL
                        || ((confidence - so_far).abs() <= EQUAL && candidate.id < *index)
                }
            };
            if confidence >= self.threshold
                && better
                && let Some(slots) = phrase.fill(&words)
            {
                best = Some((confidence, candidate.id, slots));
            }
        }
        best.map(|(confidence, phrase, slots)| self.found(phrase, slots, confidence))
    }

    /// What may come next after the gene at `index`.
    #[must_use]
    pub fn follow_ups_of(&self, index: usize) -> Option<&Library> {
        self.follow_ups.get(index)?.as_ref()
    }

    /// Like [`Library::find`], and else the gene without phrases, which takes anything.
    #[must_use]
    pub fn find_next(&self, said: &str) -> Option<Found<'_>> {
        self.find(said).or_else(|| {
            let index = self.genes.iter().position(|gene| gene.phrases.is_empty())?;
            let slots = Slots { text: Some(normalised(said).join(" ")), ..Slots::default() };
            Some(Found { index, gene: &self.genes[index], slots, confidence: 0.0 })
        })
    }

    /// All genes, in the order in which they were given.
    #[must_use]
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    fn found(&self, phrase: usize, slots: Slots, confidence: f32) -> Found<'_> {
        let index = self.phrases[phrase].gene;
        Found { index, gene: &self.genes[index], slots, confidence }
    }

    /// What each phrase scores for itself; BM25 scores mean nothing without it.
    fn note_best_scores(&mut self) {
        for (index, phrase) in self.phrases.iter_mut().enumerate() {
            let itself = self.embedder.embed(&phrase.terms.join(" "));
            phrase.best_score = self.scorer.score(&index, &itself).unwrap_or(0.0);
        }
    }
}

impl core::fmt::Debug for Library {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Library({} genes, {} phrases)", self.genes.len(), self.phrases.len())
    }
}

impl Gene {
    /// Whether the gene runs a command.
    #[must_use]
    pub fn is_command(&self) -> bool {
        matches!(self.action, Action::Command { .. })
    }
}

struct Phrase {
    gene: usize,
    parts: Vec<Part>,
    terms: Vec<String>,
    open_ended: bool,
    best_score: f32,
}

#[derive(Debug)]
enum Part {
    Word(String),
    Slot(Slot),
}

impl Phrase {
    fn new(gene: usize, text: &str) -> Self {
        let mut parts = Vec::new();
        let mut phrase_terms = Vec::new();
        let mut plain = String::new();
        for word in text.split_whitespace() {
            let Some(slot) = Slot::parse(word) else {
                plain.push_str(word);
                plain.push(' ');
                continue;
            };
            add_words(&mut plain, &mut parts, &mut phrase_terms);
            phrase_terms.extend(slot.terms().iter().map(|term| (*term).to_owned()));
            parts.push(Part::Slot(slot));
        }
        add_words(&mut plain, &mut parts, &mut phrase_terms);
        let phrase_terms = distinct(phrase_terms);
        let open_ended = matches!(parts.last(), Some(Part::Slot(Slot::Text)));
        Self { gene, parts, terms: phrase_terms, open_ended, best_score: 0.0 }
    }

    /// How much of the phrase was said, and how much of what was said is the phrase.
    fn confidence(&self, score: f32, said: &[String]) -> f32 {
        if self.best_score <= 0.0 {
            return 0.0;
        }
        let of_phrase = (score / self.best_score).min(1.0);
        if self.open_ended {
            return of_phrase - OPEN_ENDED_COST;
        }
        let known = said.iter().filter(|term| self.terms.contains(term)).count();
        let strange = said
            .iter()
            .filter(|term| !self.terms.contains(term) && !FILLERS.contains(&term.as_str()))
            .count();
        let of_said = known as f32 / (known + strange).max(1) as f32;
        of_phrase * (1.0 - STRANGERS_COST * (1.0 - of_said))
    }

    /// The slots' values, in their order. `None` if one is missing.
    fn fill(&self, words: &[String]) -> Option<Slots> {
        let mut slots = Slots::default();
        let mut at = 0;
        let mut previous: Option<&str> = None;
        for part in &self.parts {
            match part {
                Part::Word(word) => previous = Some(word),
                Part::Slot(slot) => {
                    // The rest begins behind the word before it.
                    if let (Slot::Text, Some(before)) = (slot, previous) {
                        at += words[at..].iter().position(|word| word == before)? + 1;
                    }
                    at = (at..words.len())
                        .find_map(|from| slot.take(&words[from..], &mut slots).map(|n| from + n))?;
                    previous = None;
                }
            }
        }
        Some(slots)
    }
}

/// Who stutters does not mean it twice.
fn distinct(mut terms: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    terms.retain(|term| seen.insert(term.clone()));
    terms
}

fn add_words(plain: &mut String, parts: &mut Vec<Part>, phrase_terms: &mut Vec<String>) {
    let words = normalised(plain);
    phrase_terms.extend(terms(&words));
    parts.extend(words.into_iter().map(Part::Word));
    plain.clear();
}

/// Terms are already separated by spaces. Nothing is stemmed and no word is left out: "do it" and
/// "what did you say" consist of nothing but words that are usually left out.
#[derive(Default)]
struct Terms;

impl Tokenizer for Terms {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }
}

/// What it costs if nothing of what was said belongs to the phrase. A short phrase within a long
/// sentence is mostly chance: "what is the capital of France" is not "what".
const STRANGERS_COST: f32 = 0.6;

/// Words that say nothing about what is wanted, where a phrase does not have them.
const FILLERS: [&str; 18] = [
    "please", "um", "uh", "er", "well", "so", "now", "just", "hey", "could", "would", "can", "you",
    "me", "tell", "the", "a", "okay",
];

/// A phrase that names what was said is better than one that leaves it open.
const OPEN_ENDED_COST: f32 = 0.05;

/// Confidences closer than this are equal.
const EQUAL: f32 = 1e-4;

/// Beyond the best few dozen no phrase reaches the threshold.
const CANDIDATES_MAX: usize = 40;
