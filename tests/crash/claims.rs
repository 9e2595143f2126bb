//! What was handed in, by whom, and what the line said of it. Everything that is to be heard has
//! words of its own, by which the journal knows it; what is ready sound has a sound of its own too,
//! by which the recording does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use tempfile::TempDir;

use crate::support::sound::FRAME;
use crate::tones::{CODES, RATE_HZ, STEP_PACKETS, sound};

/// Who wants to be heard, and how.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Ready sound by the socket.
    Sound,
    /// The same, not bound to be delivered: it may end with the line.
    Unbound,
    /// Ready sound by the spool.
    Dropped,
    /// An alert: ready sound that takes the floor from the others.
    Alert,
    /// The same sound again by name (`dedup_key`), under other words: heard once, whichever it is.
    Twin,
    /// Taken back a moment after it was accepted.
    Withdrawn,
    /// Another one takes its place.
    Superseded,
    /// That other one.
    Successor,
    /// Words for the voice, by the socket.
    Text,
    /// The same as an alert.
    Notice,
    /// Words for the voice that begin their clause again where they were cut.
    Restated,
    /// Ready sound that is not bound to be delivered and has a time to be: it waits for the next
    /// line, and expires.
    Timed,
    /// What the operator says into a call. The operator is heard with or without a journal.
    Operator,
    /// What the brain's responder says, of itself or to a caller.
    Reply,
    /// What the brain's worker reports.
    Report,
}

/// One claim.
#[derive(Clone, Debug)]
pub struct Claim {
    pub kind: Kind,
    /// As the journal has them.
    pub words: String,
    /// Which sound, and how many steps of it. `None`: the voice says it.
    pub sound: Option<(usize, usize)>,
    /// Those that share one are to be heard once.
    pub key: Option<usize>,
    /// It may not be skipped.
    pub bound: bool,
    /// Taken in: the line said so, or it lies in the spool.
    pub accepted: bool,
    /// Turned away because it could not be kept.
    pub refused: bool,
    /// The ending that was told.
    pub ended: Option<String>,
}

impl Claim {
    /// How many packets it sounds.
    pub fn packets(&self) -> usize {
        self.sound.map_or(0, |(_, steps)| steps * STEP_PACKETS)
    }
}

/// Everything that was handed in.
pub struct Claims {
    /// Their sounds.
    dir: TempDir,
    all: Mutex<Vec<Claim>>,
}

impl Claims {
    pub fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Arc::new(Claims { dir, all: Mutex::default() })
    }

    /// A claim for the voice; its number and its words.
    pub fn spoken(&self, kind: Kind, bound: bool) -> (usize, String) {
        self.add(kind, bound, None, None)
    }

    /// A claim with a sound of `steps`; its number, its words and its file. `key`: what it is the
    /// same as, if it is not itself the first of its name.
    pub fn sounding(
        &self,
        kind: Kind,
        steps: usize,
        key: Option<usize>,
    ) -> (usize, String, PathBuf) {
        let bound = !matches!(kind, Kind::Unbound | Kind::Timed);
        let (number, words) = self.add(kind, bound, Some(steps), key);
        let file = self.dir.path().join(format!("{number}.wav"));
        let (code, steps) = self.get(number).sound.expect("it has one");
        write(&file, &sound(code, steps * STEP_PACKETS * FRAME * 1_000 / RATE_HZ as usize));
        (number, words, file)
    }

    fn add(
        &self,
        kind: Kind,
        bound: bool,
        steps: Option<usize>,
        key: Option<usize>,
    ) -> (usize, String) {
        let mut all = self.lock();
        let number = all.len();
        let sounds = all.iter().filter(|claim| claim.sound.is_some()).count();
        assert!(sounds < CODES, "more claims than sounds: fewer CRASHES, or more tones");
        let digits = digit_by_digit(number);
        let words = match steps {
            Some(_) => format!("{kind:?} {number}").to_lowercase(),
            None if kind == Kind::Restated => format!("Now {digits}, then {digits}, that is all."),
            None => format!("{kind:?} {digits}."),
        };
        all.push(Claim {
            kind,
            words: words.clone(),
            sound: steps.map(|steps| (sounds, steps)),
            key: key.or((kind == Kind::Twin).then_some(number)),
            bound,
            accepted: false,
            refused: false,
            ended: None,
        });
        (number, words)
    }

    pub fn accepted(&self, number: usize) {
        self.lock()[number].accepted = true;
    }

    pub fn refused(&self, number: usize) {
        self.lock()[number].refused = true;
    }

    pub fn ended(&self, number: usize, ending: &str) {
        self.lock()[number].ended = Some(ending.to_owned());
    }

    pub fn get(&self, number: usize) -> Claim {
        self.lock()[number].clone()
    }

    pub fn all(&self) -> Vec<Claim> {
        self.lock().clone()
    }

    /// How many there are of each kind, accepted.
    pub fn kinds(&self) -> BTreeMap<Kind, usize> {
        let mut count = BTreeMap::new();
        for claim in self.lock().iter().filter(|claim| claim.accepted) {
            *count.entry(claim.kind).or_default() += 1;
        }
        count
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Claim>> {
        self.all.lock().expect("no panic")
    }
}

/// What is written down is words, and a large number is one that takes the voice seconds.
fn digit_by_digit(number: usize) -> String {
    number.to_string().chars().map(String::from).collect::<Vec<_>>().join(" ")
}

pub fn write(file: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).expect("a file");
    for sample in samples {
        writer.write_sample(*sample).expect("room for it");
    }
    writer.finalize().expect("room for it");
}
