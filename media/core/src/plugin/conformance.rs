//! What every plugin, and every fake, must do. Called from the plugins' own tests.

use core::ops::ControlFlow;

use super::{SpeechChunk, SpeechSink, SpeechToText, TextToSpeech};

/// Checks a recogniser: silence and noise-free emptiness give empty text, too long audio is
/// refused, a state can be used again, two states do not disturb each other.
///
/// # Panics
/// When the plugin breaks the contract; the message says which part.
pub fn check_speech_to_text(engine: &dyn SpeechToText) {
    let caps = engine.capabilities();
    assert!(!caps.name.is_empty(), "a recogniser has a name");
    let rate = caps.sample_rate;
    let mut first = engine.open().expect("a first state opens");
    let mut second = engine.open().expect("a second state opens beside the first");
    let silence = vec![0i16; rate.samples_in_ms(1_000)];
    for stream in [&mut first, &mut second] {
        for _ in 0..2 {
            let heard = stream.decode(&silence).expect("silence decodes");
            assert_eq!(heard.text, "", "silence has no text");
        }
        assert_eq!(stream.decode(&[]).expect("nothing decodes").text, "", "nothing has no text");
    }
    let too_long = vec![0i16; rate.samples_in_ms(caps.utterance_ms_max + 1_000)];
    assert!(first.decode(&too_long).is_err(), "too long an utterance is refused");
    assert!(first.decode(&silence).is_ok(), "a refusal leaves the state usable");
}

/// Checks a voice: text gives audio, words lie in order inside text and audio, a sink that says
/// stop is obeyed, empty text is silence or nothing, too long text is refused.
///
/// # Panics
/// When the plugin breaks the contract; the message says which part.
pub fn check_text_to_speech(voice: &dyn TextToSpeech) {
    let caps = voice.capabilities();
    assert!(!caps.name.is_empty(), "a voice has a name");
    let text = "Hello there, the backup is done. It took four minutes.";
    let mut all = Collect { text, stop_after: usize::MAX, ..Collect::default() };
    voice.speak(text, &mut all).expect("plain text is spoken");
    assert!(all.chunks > 1, "clauses come one by one");
    assert!(
        all.samples >= caps.sample_rate.samples_in_ms(500),
        "ten words last longer than half a second"
    );
    assert!(all.words >= 9, "words are marked, {} were", all.words);
    let mut one = Collect { text, stop_after: 1, ..Collect::default() };
    voice.speak(text, &mut one).expect("stopping is not an error");
    assert_eq!(one.chunks, 1, "a sink that says stop is obeyed");
    for nothing in ["", "   ", "…", "\u{1F600}"] {
        let mut sink = Collect { text: nothing, stop_after: usize::MAX, ..Collect::default() };
        voice.speak(nothing, &mut sink).expect("nothing to say is not an error");
    }
    let long = "word ".repeat(caps.text_bytes_max / 5 + 2);
    let mut sink = Collect { text: &long, stop_after: usize::MAX, ..Collect::default() };
    assert!(voice.speak(&long, &mut sink).is_err(), "too long a text is refused");
}

#[derive(Default)]
struct Collect<'t> {
    text: &'t str,
    stop_after: usize,
    chunks: usize,
    samples: usize,
    words: usize,
}

impl SpeechSink for Collect<'_> {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        let mut at = 0;
        for word in chunk.words {
            assert!(self.text.get(word.text.clone()).is_some(), "a word lies in the text");
            assert!(word.samples.start >= at, "words are in order");
            assert!(word.samples.end <= chunk.samples.len(), "a word lies in the audio");
            at = word.samples.end;
        }
        self.chunks += 1;
        self.samples += chunk.samples.len();
        self.words += chunk.words.len();
        if self.chunks >= self.stop_after {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
