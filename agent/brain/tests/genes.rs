//! What the brain knows is found by what people say, and nothing else is.

mod support;

use proptest::prelude::*;
use support::Call;
use xenline_brain::config::Config;
use xenline_brain::genes::{Library, builtin, read_text};

#[test]
fn every_builtin_gene_is_found_by_each_of_its_phrases() {
    let genes = builtin();
    let library = Library::new(genes.clone(), 0.6);
    let mut wrong = Vec::new();
    for gene in &genes {
        for phrase in &gene.phrases {
            let said = filled(phrase);
            let found = library.find(&said).map(|found| found.gene.name.clone());
            // Some phrases belong to two genes on purpose: the first one has them.
            let shared = genes.iter().find(|it| it.phrases.contains(phrase)).map(|it| &it.name);
            if found.as_ref() != shared {
                wrong.push(format!("{said:?} should be {:?}, is {found:?}", gene.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn most_of_what_the_recogniser_can_hear_is_answered() {
    let phrases = include_str!("../../../assets/models/phrases.txt");
    let library = Config::builtin().library().unwrap();
    let (mut known, mut unknown) = (0, Vec::new());
    for phrase in phrases.lines().filter(|line| !line.is_empty()) {
        // "<n> minutes" is what our genes call a duration.
        match library.find(&filled(phrase)) {
            Some(_) => known += 1,
            None => unknown.push(phrase),
        }
    }
    println!("{known} phrases are known, {} are not: {unknown:?}", unknown.len());
    assert!(unknown.len() * 20 <= known, "unknown: {unknown:?}");
}

#[test]
fn politeness_and_punctuation_around_a_phrase_do_not_hide_it() {
    let library = Config::builtin().library().unwrap();
    for (said, gene) in [
        ("Could you tell me what time it is, please?", "time"),
        ("What's the time?", "time"),
        ("um, what time is it", "time"),
        ("please set a timer for 25 minutes", "set timer"),
        ("can you run the backup please", "backup"),
        ("okay goodbye", "goodbye"),
        ("Stop!", "stop"),
        ("stop please", "stop"),
        ("how much disk space do we have left", "disk"),
        ("what's your name?", "who are you"),
    ] {
        let found = library.find(said).map(|found| found.gene.name.as_str());
        assert_eq!(found, Some(gene), "{said}");
    }
}

#[test]
fn what_it_does_not_know_is_not_guessed() {
    let library = Config::builtin().library().unwrap();
    for said in [
        "",
        "...",
        "purple elephants dance on the roof",
        "what is the capital of france",
        "read me the news about the election",
        "the quick brown fox jumps over the lazy dog",
        "is",
        "the the the the",
        "how many angels fit on the head of a pin",
        "delete all my files",
        "transfer one thousand dollars",
    ] {
        let found = library.find(said).map(|it| (it.gene.name.clone(), it.confidence));
        assert_eq!(found, None, "{said}");
    }
}

#[test]
fn the_callers_own_genes_come_before_the_builtin_ones() {
    let directory = tempfile::tempdir().unwrap();
    let genes =
        "[[gene]]\nname = \"time\"\nphrases = [\"what time is it\"]\nreply = \"Tea time.\"\n";
    std::fs::create_dir(directory.path().join("genes")).unwrap();
    std::fs::write(directory.path().join("genes/own.toml"), genes).unwrap();
    let file = directory.path().join("brain.toml");
    std::fs::write(&file, "genes_dir = \"genes\"\n").unwrap();
    let config = Config::read(&file).unwrap();
    let mut call = Call::before_the_call(config, Default::default());
    call.open();
    assert_eq!(call.says("what time is it"), "Tea time.");
}

#[test]
fn a_gene_file_that_cannot_be_used_says_where_and_why() {
    for (text, part) in [
        ("[[gene]]\nname = \"a\"\nphrases = [\"b\"]\n", "exactly one of reply"),
        ("[[gene]]\nname = \"a\"\nreply = \"b\"\n", "has no phrases"),
        ("[[gene]]\nname = \"a\"\nphrases = [\"b\"]\ntool = \"fly\"\n", "unknown variant `fly`"),
        (
            "[[gene]]\nname = \"a\"\nphrases = [\"b\"]\nreply = \"b\"\nsilent = true\n",
            "exactly one",
        ),
        ("what", "own.toml"),
    ] {
        let error = read_text("own.toml", text).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("own.toml"), "{error}");
    }
}

#[test]
fn a_lookup_takes_well_under_a_millisecond() {
    let library = Config::builtin().library().unwrap();
    let said = "could you tell me how much disk space is left on the machine please";
    let began = std::time::Instant::now();
    for _ in 0..200 {
        assert!(library.find(said).is_some());
    }
    let each = began.elapsed() / 200;
    println!("lookup: {each:?}");
    // A hundred times what it takes, for machines that do something else.
    assert!(each.as_millis() < 20, "{each:?}");
}

proptest! {
    #[test]
    fn whatever_is_said_never_panics(said in ".{0,400}") {
        let library = shared();
        if let Some(found) = library.find(&said) {
            prop_assert!(found.confidence >= 0.6 - 1e-3);
        }
    }

    #[test]
    fn words_of_the_domain_in_any_order_never_panic(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..12)
    ) {
        let _ = shared().find(&words.join(" "));
    }
}

fn shared() -> &'static Library {
    static LIBRARY: std::sync::OnceLock<Library> = std::sync::OnceLock::new();
    LIBRARY.get_or_init(|| Config::builtin().library().unwrap())
}

fn filled(phrase: &str) -> String {
    phrase
        .replace("<duration>", "ten minutes")
        .replace("<n>", "three")
        .replace("<time>", "seven thirty")
        .replace("<day>", "monday")
        .replace("<name>", "john")
        .replace("<digits>", "four zero seven")
        .replace("<text>", "buy some milk")
}

const WORDS: &[&str] = &[
    "set", "a", "timer", "for", "quarter", "to", "half", "past", "oh", "one", "twenty", "minutes",
    "in", "the", "morning", "at", "on", "monday", "john", "note", "remind", "me", "call",
    "hundred",
];
