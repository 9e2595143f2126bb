//! An independent caller: baresip dials in with a WAV file as its microphone.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use xenline::report::{CallEvent, EndingKind, Utterance, draw};

use crate::support::baresip::{Baresip, dial, heard_file};
use crate::support::line::{Serving, Timed};
use crate::support::process::{gather, need, run, xenline};
use crate::support::sound::{channel, plain, recorded, synthesised, words_in};
use crate::support::{alone, figure};

const STEP: Duration = Duration::from_secs(30);
/// The greeting is over by then.
const BEFORE_SPEAKING_S: usize = 6;
/// And the first answer.
const BETWEEN_S: usize = 7;
/// Longer than what separates two utterances of a recording.
const PAUSE: Duration = Duration::from_secs(1);
const FIRST: &str = "what time is it";
/// Its answer is a sentence that the recogniser knows, so that the recording can be held against
/// it; the time of day, in all its forms, is not.
const SECOND: &str = "can you hear me";
/// Another such sentence, which the caller is told by a program.
const NEWS: &str = "I am still here.";

#[test]
fn baresip_is_heard_and_hears_the_answer_and_the_news() {
    let _machine = alone();
    need("baresip", "baresip-core");
    let line = Serving::agent(|config| config.sip.codecs = vec!["PCMU".into()]);
    let dir = set_up();
    let mut baresip = dial(dir.path(), &format!("sip:agent@{}", line.sip));
    let output = gather(baresip.child().stdout.take());
    line.turn(FIRST, 0);
    let time = answer_to(&line, FIRST);
    line.turn(SECOND, 0);
    let answer = answer_to(&line, SECOND);
    std::thread::sleep(PAUSE);
    let said = say(&line);
    std::thread::sleep(PAUSE);
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    let folder = line.folder();

    let words =
        words_in(&channel(&heard_file(dir.path()).expect("baresip recorded what it heard"), 0));
    figure(format!("baresip: told {time:?}, {answer:?}, {NEWS:?}; its recording says {words:?}"));
    assert!(said.contains("spoken"), "{said}");
    let baresip_said = output.lock().expect("no panic").clone();
    assert!(words.len() >= 4, "greeting, two answers, news: {words:?}\n{baresip_said}");
    for expected in [plain(&answer), plain(NEWS)] {
        assert!(words.contains(&expected), "{expected:?} is not in {words:?}");
    }
    transcript_is_right(&folder, &[(FIRST, &time), (SECOND, &answer)]);
    line.stop();
}

/// What the line answered to these words, once all of it was heard.
fn answer_to(line: &Serving, words: &str) -> String {
    line.wait(&format!("the answer to {words:?}"), 0, STEP, |_, event| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, heard_text, .. } => {
            answers(&line.events(), words, claim).then(|| heard_text.clone())
        }
        _ => None,
    })
}

/// Whether `claim` answers the turn with these words.
fn answers(events: &[Timed], words: &str, claim: &str) -> bool {
    let turn = events.iter().find_map(|(_, event)| match event {
        CallEvent::CallerTurn { turn, text, .. } if plain(text) == words => Some(*turn),
        _ => None,
    });
    turn.is_some()
        && events.iter().any(|(_, event)| {
            matches!(event, CallEvent::ClaimAccepted { claim: id, turn: of, .. } if id == claim && *of == turn)
        })
}

/// A directory of baresip's with the microphone in it.
fn set_up() -> TempDir {
    let silence = |seconds: usize| vec![0; seconds * 8_000];
    Baresip {
        account: ">;regint=0;audio_codecs=PCMU",
        modules: "module          g711.so",
        rate: 8_000,
        // Long enough that the file does not end before the call does.
        microphone: &[
            silence(BEFORE_SPEAKING_S),
            recorded(FIRST),
            silence(BETWEEN_S),
            synthesised(SECOND),
            silence(60),
        ],
    }
    .set_up()
}

/// `xenline say`, to the end of what is said.
fn say(line: &Serving) -> String {
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let mut command = xenline();
    command.args(["say", NEWS, "--wait", "--socket"]).arg(socket);
    let ran = run(command, STEP);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

/// The greeting, each question and its answer, the news: as text, in this order.
fn transcript_is_right(folder: &Path, questions: &[(&str, &str)]) {
    draw(folder).expect("the call is drawn");
    let text = std::fs::read_to_string(folder.join("transcript.jsonl")).expect("a transcript");
    let said = |line: &str| match serde_json::from_str(line).expect("an utterance") {
        Utterance::Caller { text, .. } => ("caller", plain(&text)),
        Utterance::Operator { text, .. } => ("operator", plain(&text)),
        Utterance::Line { heard, .. } => ("line", plain(&heard)),
    };
    let said: Vec<(&str, String)> = text.lines().map(said).collect();
    let both = |(asked, told): &(&str, &str)| [("caller", plain(asked)), ("line", plain(told))];
    let mut expected: Vec<_> = questions.iter().flat_map(both).collect();
    expected.push(("line", plain(NEWS)));
    assert_eq!(said.first().map(|first| first.0), Some("line"), "a greeting comes first");
    assert_eq!(said[1..], expected);
}
