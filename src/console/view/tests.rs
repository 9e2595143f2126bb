//! The picture of a call, looked at in several sizes.

use plugin_console::{Figures, TalkMode};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::draw;
use crate::console::{
    Act, LinkNews, Model, News, OpenCall, Part, Queued, Seat, Seen, Sound, SoundLook,
};
use crate::control::Request;
use crate::report::{CallEvent, CallStats, ClaimSource, EndingKind, TurnTimes};

fn seen(model: &mut Model, t_ms: f64, what: CallEvent) {
    model.learn(News::Seen(Seen::Event { line: 3, t_ms, what }));
}

fn accepted(claim: &str, source: ClaimSource, text: &str) -> CallEvent {
    CallEvent::ClaimAccepted { claim: claim.into(), source, turn: None, text: text.into() }
}

fn floor(holder: Option<&str>, source: ClaimSource, why: &str) -> CallEvent {
    CallEvent::Floor {
        holder: holder.map(str::to_owned),
        source: holder.map(|_| source),
        why: why.into(),
        generation: None,
    }
}

fn ended(claim: &str, ending: EndingKind, heard: &str) -> CallEvent {
    CallEvent::ClaimEnded { claim: claim.into(), ending, reason: None, heard_text: heard.into() }
}

fn turn(turn: u64, text: &str, barged_in: bool) -> CallEvent {
    CallEvent::CallerTurn {
        turn,
        text: text.into(),
        barged_in,
        times: TurnTimes::default(),
        speaker: None,
    }
}

const REPORT: &str =
    "The backup is done. It copied four hundred and twelve files to the second disk.";

/// A greeting, a question, a report that is cut, and something that waits.
fn a_call(sound: Sound) -> Model {
    let mut model = Model::new(sound);
    model.learn(News::Link(LinkNews::Up));
    model.learn(News::Brain(true));
    let stats = CallStats { mos_estimated: 4.36, jitter_ms: 2.0, ..CallStats::default() };
    let open = OpenCall {
        line: 3,
        trunk: "telnyx".into(),
        caller: "+49301234567".into(),
        called: "+4980055".into(),
        seconds: 1,
        stats: Some(stats),
    };
    model.learn(News::Seen(Seen::Open(open)));
    seen(&mut model, 200.0, accepted("a-1", ClaimSource::Responder, "Hello, this is your line."));
    seen(&mut model, 210.0, floor(Some("a-1"), ClaimSource::Responder, "answer"));
    seen(&mut model, 300.0, CallEvent::FirstSample { claim: "a-1".into() });
    seen(&mut model, 2_000.0, ended("a-1", EndingKind::Spoken, "Hello, this is your line."));
    seen(&mut model, 4_000.0, turn(1, "run the backup and tell me how it went", false));
    seen(&mut model, 9_000.0, accepted("w-1", ClaimSource::Worker, REPORT));
    seen(&mut model, 9_010.0, floor(Some("w-1"), ClaimSource::Worker, "report"));
    seen(&mut model, 9_100.0, CallEvent::FirstSample { claim: "w-1".into() });
    seen(&mut model, 12_000.0, ended("w-1", EndingKind::Interrupted, "The backup is done."));
    seen(&mut model, 12_000.0, floor(None, ClaimSource::Worker, "caller speaks"));
    seen(&mut model, 13_000.0, turn(2, "stop", true));
    seen(&mut model, 13_500.0, accepted("r-2", ClaimSource::Responder, "All right, I stop here."));
    seen(&mut model, 13_510.0, accepted("x-1", ClaimSource::External, "The kettle boils."));
    seen(&mut model, 13_520.0, floor(Some("r-2"), ClaimSource::Responder, "answer"));
    seen(&mut model, 13_600.0, CallEvent::FirstSample { claim: "r-2".into() });
    seen(&mut model, 15_000.0, CallEvent::Partial { text: "what about".into(), speaker: None });
    let level = Seen::Level { line: 3, leg: 0, heard_dbov: -23, sent_dbov: -31, speech: true };
    model.learn(News::Seen(level));
    let queued = Queued {
        claim: "s-9".into(),
        source: "external".into(),
        text: "The washing machine is done.".into(),
        state: "waits".into(),
        age_s: 42,
        must_deliver: true,
    };
    model.learn(News::Queue(vec![queued], false));
    model
}

fn with_sound() -> Sound {
    let mic = Figures { level_dbov: -27, drift_ppm: 12, delay_ms: 14, ..Figures::default() };
    let out = Figures { level_dbov: -30, drift_ppm: -31, delay_ms: 13, ..Figures::default() };
    let (microphone, speaker) = ("default".into(), "default".into());
    Sound::With(SoundLook {
        microphone,
        speaker,
        mic,
        out,
        mode: TalkMode::PushToTalk,
        open: false,
        opening: false,
        no_microphone: None,
    })
}

fn without_sound() -> Sound {
    Sound::Without("--no-audio".into())
}

fn shown(model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("no true terminal");
    terminal.draw(|frame| draw(model, frame)).expect("it is drawn");
    let picture = terminal.backend().to_string();
    println!("{picture}");
    picture
}

fn key(model: &mut Model, code: KeyCode) -> Option<Act> {
    model.key(KeyEvent::new(code, KeyModifiers::NONE), false)
}

fn typed(model: &mut Model, text: &str) {
    text.chars().for_each(|c| assert_eq!(key(model, KeyCode::Char(c)), None));
}

#[test]
fn a_call_is_seen_with_its_words_its_floor_and_who_waits() {
    let picture = shown(&a_call(with_sound()), 120, 40);
    for part in [
        "line 3",
        "+49301234567",
        "MOS 4.4",
        "brain ●",
        "responder",
        "run the backup and tell me how it went",
        "⌿ interrupted",
        "▸ All right, I stop here.",
        "what about …",
        "The kettle boils.",
        "! external waits 42 s",
        "-23",
        "mic",
    ] {
        assert!(picture.contains(part), "no {part:?}");
    }
}

#[test]
fn the_usual_terminal_has_room_for_all_of_it_but_the_ends_of_long_lines() {
    let picture = shown(&a_call(without_sound()), 80, 24);
    for part in
        ["▸ responder", "The kettle", "say-queue", "what about", "no sound: --no-audio", "l listen"]
    {
        assert!(picture.contains(part), "no {part:?}");
    }
}

#[test]
fn forty_by_twelve_still_says_who_calls_who_speaks_and_what_was_said() {
    let picture = shown(&a_call(without_sound()), 40, 12);
    for part in ["line 3", "floor ▸ responder", "1 wait", "what about"] {
        assert!(picture.contains(part), "no {part:?}");
    }
}

#[test]
fn what_a_call_has_taken_from_the_say_queue_is_shown_with_its_floor_alone() {
    let mut model = a_call(without_sound());
    let taken = Queued {
        claim: "x-1".into(),
        source: "external".into(),
        text: "The kettle boils.".into(),
        state: "on line 3".into(),
        ..Queued::default()
    };
    model.learn(News::Queue(vec![taken], false));
    let picture = shown(&model, 120, 40);
    assert_eq!(picture.matches("The kettle boils.").count(), 1, "once");
}

#[test]
fn who_is_on_the_air_sees_the_microphone_in_any_width_and_an_error_to_its_end() {
    let mut model = a_call(with_sound());
    model.learn(News::Seated { line: 3, part: Part::BargeIn });
    key(&mut model, KeyCode::Char(' '));
    let picture = shown(&model, 40, 12);
    assert!(picture.contains("ON AIR line 3") && picture.contains("● mic open"), "{picture}");
    let text = "the loudspeaker \"headset\" is taken by another program; close that, or choose \
                another one by its name";
    model.learn(News::Answer { done: false, text: text.into() });
    let picture = shown(&model, 40, 12);
    assert!(picture.contains("by its name"), "{picture}");
}

#[test]
fn no_size_is_too_small_and_no_size_too_large() {
    for model in [a_call(with_sound()), Model::default()] {
        for (width, height) in [(1, 1), (2, 3), (10, 2), (39, 11), (74, 14), (300, 100)] {
            shown(&model, width, height);
        }
    }
}

#[test]
fn every_prompt_is_drawn_in_every_size() {
    let mut model = a_call(with_sound());
    let devices =
        (0..30).map(|n| plugin_console::Device { id: format!("d{n}"), name: "x".repeat(90) });
    for open in [KeyCode::Char('?'), KeyCode::Char('s'), KeyCode::Char('t'), KeyCode::Char('x')] {
        key(&mut model, open);
        for (width, height) in [(3, 3), (40, 12), (120, 40)] {
            shown(&model, width, height);
        }
        key(&mut model, KeyCode::Esc);
    }
    model.offer_devices(plugin_console::Direction::In, devices.collect());
    (0..20).for_each(|_| drop(key(&mut model, KeyCode::Down)));
    assert!(shown(&model, 80, 24).contains("d20"), "the list follows its cursor");
    assert_eq!(
        key(&mut model, KeyCode::Enter),
        Some(Act::UseDevice(plugin_console::Direction::In, "d20".into()))
    );
}

#[test]
fn what_a_caller_is_called_moves_no_cursor_and_turns_no_text_around() {
    let mut model = a_call(without_sound());
    let hostile = "\x1b[2J\x1b]0;pwned\x07\u{202e}evil\nline";
    seen(&mut model, 20_000.0, turn(3, hostile, false));
    seen(&mut model, 20_000.0, CallEvent::Note { text: hostile.into() });
    let open = OpenCall { line: 3, caller: hostile.into(), ..OpenCall::default() };
    model.learn(News::Seen(Seen::Open(open)));
    let picture = shown(&model, 120, 40);
    let harmful = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!picture.contains(harmful), "{picture:?}");
    assert!(picture.contains("evil line"));
}

#[test]
fn taking_over_and_handing_back_by_voice_is_a_seat_and_by_keyboard_a_claim() {
    let mut model = a_call(with_sound());
    assert_eq!(key(&mut model, KeyCode::Char('l')), Some(Act::Sit { line: 3, part: Part::Listen }));
    model.learn(News::Seated { line: 3, part: Part::Listen });
    assert_eq!(key(&mut model, KeyCode::Char(' ')), None, "nobody would hear it");
    assert_eq!(key(&mut model, KeyCode::Char('b')), Some(Act::Change(Part::BargeIn)));
    assert!(shown(&model, 80, 24).contains("YOU HAVE THE FLOOR"));
    assert_eq!(key(&mut model, KeyCode::Char(' ')), Some(Act::Talk(true)));
    assert_eq!(key(&mut model, KeyCode::Char(' ')), Some(Act::Talk(false)), "hit again");
    assert_eq!(key(&mut model, KeyCode::Char('h')), Some(Act::Change(Part::Listen)));
    assert_eq!(key(&mut model, KeyCode::Esc), Some(Act::Leave));
    assert_eq!(model.seat, Seat::Away);

    let mut model = a_call(without_sound());
    assert_eq!(key(&mut model, KeyCode::Char('l')), None);
    assert!(shown(&model, 80, 24).contains("cannot listen: --no-audio"), "and it says why");
    let take = Request::OperatorTake { line: Some(3) };
    assert_eq!(key(&mut model, KeyCode::Char('b')), Some(Act::Ask(take)));
    let release = Request::OperatorRelease { line: Some(3) };
    assert_eq!(key(&mut model, KeyCode::Char('h')), Some(Act::Ask(release)));
}

#[test]
fn who_hands_back_has_let_go_of_the_key_to_talk() {
    let mut model = a_call(with_sound());
    model.learn(News::Seated { line: 3, part: Part::BargeIn });
    assert_eq!(key(&mut model, KeyCode::Char(' ')), Some(Act::Talk(true)));
    key(&mut model, KeyCode::Char('h'));
    key(&mut model, KeyCode::Char('w'));
    assert!(!model.pressed, "what is said next is not whispered by mistake");
}

#[test]
fn sound_that_cannot_be_opened_is_told_and_keys_and_text_do_the_rest() {
    let mut model = a_call(with_sound());
    key(&mut model, KeyCode::Char('b'));
    model.learn(News::Left(None));
    model.learn(News::NoSound("no loudspeaker can be opened (busy)".into()));
    let picture = shown(&model, 120, 40);
    assert!(picture.contains("no sound: no loudspeaker can be opened (busy)"), "{picture}");
    let take = Request::OperatorTake { line: Some(3) };
    assert_eq!(key(&mut model, KeyCode::Char('b')), Some(Act::Ask(take)), "by keyboard");
    let out = plugin_console::Direction::Out;
    assert_eq!(key(&mut model, KeyCode::Char('D')), Some(Act::ListDevices(out)), "or another");
}

#[test]
fn who_has_no_microphone_listens_and_is_told_why() {
    let mut model = a_call(with_sound());
    model.learn(News::Seated { line: 3, part: Part::Whisper });
    let Sound::With(look) = model.sound.clone() else { panic!("there is sound") };
    let no_microphone = Some("none is plugged in".to_owned());
    model.learn(News::Sound(SoundLook { no_microphone, ..look }));
    assert_eq!(key(&mut model, KeyCode::Char(' ')), None);
    let picture = shown(&model, 80, 24);
    assert!(picture.contains("you have no microphone: none is plugged in"), "{picture}");
}

#[test]
fn what_is_typed_is_said_to_all_or_told_to_the_agent_alone_and_hanging_up_is_asked_for_twice() {
    let mut model = a_call(without_sound());
    key(&mut model, KeyCode::Char('s'));
    typed(&mut model, "one moment, quit?");
    assert!(shown(&model, 80, 24).contains("say to everybody ▸ one moment"));
    let say = Request::OperatorSay { text: "one moment, quit?".into(), line: Some(3), wait: false };
    assert_eq!(key(&mut model, KeyCode::Enter), Some(Act::Ask(say)));
    key(&mut model, KeyCode::Char('w'));
    typed(&mut model, "she is a friend");
    let tell = Request::OperatorWhisper { text: "she is a friend".into(), line: Some(3) };
    assert_eq!(key(&mut model, KeyCode::Enter), Some(Act::Ask(tell)));
    key(&mut model, KeyCode::Char('x'));
    assert_eq!(key(&mut model, KeyCode::Char('n')), None);
    key(&mut model, KeyCode::Char('x'));
    assert_eq!(key(&mut model, KeyCode::Char('y')), Some(Act::Ask(Request::HangUp { line: 3 })));
}

#[test]
fn a_line_that_is_gone_is_told_and_a_seat_there_is_lost_and_both_come_back() {
    let mut model = a_call(with_sound());
    model.learn(News::Seated { line: 3, part: Part::BargeIn });
    model.learn(News::Link(LinkNews::Down("nobody answers at /run/x.sock".into())));
    let picture = shown(&model, 80, 24);
    assert!(picture.contains("✗ no line, trying again: nobody answers"), "{picture}");
    assert!(picture.contains("run the backup"), "what was seen stays");
    assert_eq!(model.seat, Seat::Away);
    model.learn(News::Link(LinkNews::Up));
    model.learn(News::Seen(Seen::OnlyThese(vec![])));
    assert!(model.call().is_some_and(|it| it.ended.is_some()), "and the call is over");
    assert!(shown(&model, 80, 24).contains("line 3"));
    seen(&mut model, 1.0, CallEvent::BrainDown { reason: "killed".into() });
    assert!(shown(&model, 80, 24).contains("the brain is gone"));
}

#[test]
fn an_hour_of_talk_is_bounded() {
    let mut model = a_call(without_sound());
    for n in 0..5_000u64 {
        let id = format!("c-{n}");
        let t_ms = n as f64 * 700.0;
        seen(&mut model, t_ms, turn(n, "what time is it", false));
        seen(&mut model, t_ms, accepted(&id, ClaimSource::Responder, "It is late."));
        seen(&mut model, t_ms, CallEvent::FirstSample { claim: id.clone() });
        seen(&mut model, t_ms, ended(&id, EndingKind::Spoken, "It is late."));
    }
    let call = model.call().expect("the call");
    assert!(call.entries.len() <= 600 && call.claims.len() <= 4, "{}", call.claims.len());
    key(&mut model, KeyCode::PageUp);
    assert!(shown(&model, 80, 24).contains("more lines"));
}

#[test]
fn a_line_that_never_answered_is_told_to_the_end_of_the_reason() {
    let mut model = Model::new(without_sound());
    let why = "nobody answers at /run/user/1000/xenline/say.sock (Permission denied (os error 13)); \
               is `xenline serve` running?";
    model.learn(News::Link(LinkNews::Down(why.into())));
    for (width, height) in [(40, 12), (80, 24)] {
        let picture = shown(&model, width, height);
        assert!(picture.contains("again every second"), "{picture}");
    }
}
