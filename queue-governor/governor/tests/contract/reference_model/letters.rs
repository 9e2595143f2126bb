//! The same for messages: what may leave, in order, and what becomes of each, as a flat list that is
//! looked at anew each millisecond, compared with the checkpoint on random operations.

use std::time::Duration;

use media_core::MonoTime;
use proptest::prelude::*;
use queue_governor::{
    Channel, Checkpoint, CheckpointConfig, Message, MessageBook, MessageId, MessageInput,
    MessageOutput, Tag,
};

use crate::support::random::check;

const WINDOW_MS: u64 = 2_000;
const ANSWER_MS: u64 = 500;
const ON_THEIR_WAY_MAX: usize = 2;
const ALIVE_MAX: usize = 5;
const KNOWN_MAX: usize = 8;

/// `(at_ms, message, what became of it)`.
type Told = (u64, String, String);

#[derive(Clone, Debug)]
struct Letter {
    message: Message,
    expires: Option<u64>,
    /// Handed over now; or at some time, before the line died.
    answer_by: Option<u64>,
    may_have_left: bool,
}

/// What is known of the messages.
struct Letters {
    /// What may have left before a crash is handed over again.
    hands_over_again: bool,
    live: Vec<Letter>,
    sent: Vec<(Message, u64)>,
    left: Vec<Told>,
    ended: Vec<Told>,
}

impl Letters {
    fn millisecond(&mut self, now: u64, input: Option<&MessageInput>) {
        self.end_if(now, "Failed(NoAnswer)", |it| it.answer_by.is_some_and(|at| at <= now));
        self.end_if(now, "Expired", |it| {
            !it.may_have_left && it.expires.is_some_and(|at| at <= now)
        });
        self.sent.retain(|(_, until)| *until > now);
        match input {
            Some(MessageInput::Send(message)) => self.send(now, message),
            Some(MessageInput::Delivered(id)) => {
                self.end_if(now, "Sent", |it| it.message.id == *id && it.answer_by.is_some());
            }
            Some(MessageInput::Failed(id, _)) => {
                let failed = |it: &Letter| it.message.id == *id && it.answer_by.is_some();
                self.end_if(now, "Failed(Rejected(\"no\"))", failed);
            }
            Some(MessageInput::Unsure(id, _)) => {
                let unsure = |it: &Letter| it.message.id == *id && it.answer_by.is_some();
                self.end_if(now, "Failed(Unsure(\"perhaps\"))", unsure);
            }
            Some(MessageInput::Withdraw(id)) => {
                self.end_if(now, "Withdrawn", |it| it.message.id == *id && !it.may_have_left);
            }
            Some(MessageInput::Timeout) | None => {}
        }
        self.hand_over(now);
        self.ended.sort_unstable();
    }

    fn send(&mut self, now: u64, message: &Message) {
        let mut tell = |what: String| self.ended.push((now, message.id.to_string(), what));
        let live = || self.live.iter();
        if live().any(|it| it.message.id == message.id) {
            return tell("Refused(IdInUse)".to_owned());
        }
        match message.tag.as_str() {
            "" => return tell("Refused(Untagged)".to_owned()),
            "made-up" => return tell("Refused(UnknownTag(\"made-up\"))".to_owned()),
            _ => {}
        }
        let is_replaced =
            |it: &Letter| message.supersedes.as_ref() == Some(&it.message.id) && !it.may_have_left;
        let rest = live().filter(|it| !is_replaced(it)).map(|it| &it.message);
        let known = rest.chain(self.sent.iter().map(|(sent, _)| sent));
        if known.into_iter().any(|other| is_one_message(other, message)) {
            return tell("Duplicate".to_owned());
        }
        let known = self.live.len() + self.sent.len();
        let makes_room = live().any(is_replaced);
        for (is, max) in [(self.live.len(), ALIVE_MAX), (known, KNOWN_MAX)] {
            if is >= max && !makes_room {
                return tell(format!("Refused(QueueFull {{ max: {max} }})"));
            }
        }
        self.end_if(now, "Superseded", is_replaced);
        let expires = message.ttl.map(|ttl| now + ttl.as_millis() as u64);
        let message = message.clone();
        self.live.push(Letter { message, expires, answer_by: None, may_have_left: false });
    }

    fn hand_over(&mut self, now: u64) {
        loop {
            let on_way: Vec<_> = self.live.iter().filter(|it| it.answer_by.is_some()).collect();
            if on_way.len() == ON_THEIR_WAY_MAX {
                return;
            }
            let may_go = |it: &Letter| {
                it.answer_by.is_none()
                    && on_way.iter().all(|other| !one_reader(&other.message, &it.message))
            };
            let Some(at) = self.live.iter().position(may_go) else { return };
            let letter = &mut self.live[at];
            (letter.answer_by, letter.may_have_left) = (Some(now + ANSWER_MS), true);
            let message = &letter.message;
            self.left.push((now, message.id.to_string(), message.text.clone()));
        }
    }

    fn crash(&mut self, now: u64) {
        if !self.hands_over_again {
            self.end_if(now, "Failed(InDoubt)", |it| it.may_have_left);
        }
        self.live.iter_mut().for_each(|it| it.answer_by = None);
        self.millisecond(now, None);
    }

    /// What may have left is not to leave again.
    fn end_if(&mut self, now: u64, ending: &str, is_over: impl Fn(&Letter) -> bool) {
        for letter in self.live.extract_if(.., |it| is_over(it)) {
            self.ended.push((now, letter.message.id.to_string(), ending.to_owned()));
            if letter.may_have_left && !ending.contains("Rejected") {
                self.sent.push((letter.message, now + WINDOW_MS));
            }
        }
    }
}

/// A phone number is the same however it is written.
fn one_reader(a: &Message, b: &Message) -> bool {
    let plain = |message: &Message| message.to.replace([' ', '-'], "");
    a.channel == b.channel && plain(a) == plain(b)
}

fn is_one_message(a: &Message, b: &Message) -> bool {
    let shared = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    let may_be_one_reaction = a.trigger.is_none() || b.trigger.is_none() || a.trigger == b.trigger;
    let words = |message: &Message| message.text.to_lowercase().replace('.', "");
    one_reader(a, b)
        && (shared(&a.trigger, &b.trigger)
            || shared(&a.dedup_key, &b.dedup_key)
            || may_be_one_reaction && words(a) == words(b))
}

/// The checkpoint, and what it said.
struct Post {
    config: CheckpointConfig,
    checkpoint: Checkpoint,
    book: MessageBook,
    left: Vec<Told>,
    ended: Vec<Told>,
}

impl Post {
    fn millisecond(&mut self, now_ms: u64, input: Option<&MessageInput>) {
        let now = MonoTime::from_millis(now_ms);
        let is_due = self.checkpoint.next_timeout().is_some_and(|at| at <= now);
        let timeout = is_due.then_some(&MessageInput::Timeout);
        if let Some(input) = input.or(timeout) {
            self.checkpoint.handle(now, input.clone());
            self.read(now_ms);
        }
    }

    fn crash(&mut self, now_ms: u64) {
        let now = MonoTime::from_millis(now_ms);
        self.checkpoint = Checkpoint::recover(self.config.clone(), self.book.clone(), now);
        self.checkpoint.handle(now, MessageInput::Timeout);
        self.read(now_ms);
    }

    fn read(&mut self, now_ms: u64) {
        while let Some(output) = self.checkpoint.poll_output() {
            match output {
                MessageOutput::Journal(record) => self.book.apply(&record),
                MessageOutput::Deliver(message) => {
                    self.left.push((now_ms, message.id.to_string(), message.text));
                }
                MessageOutput::Ended { id, ending } => {
                    self.ended.push((now_ms, id.to_string(), format!("{ending:?}")));
                }
                MessageOutput::Accepted(_) => {}
            }
        }
        self.ended.sort_unstable();
    }
}

fn messages() -> impl Strategy<Value = Message> {
    let some = |n: u8| proptest::option::weighted(0.3, 0..n);
    let tag =
        prop_oneof![12 => Just("xen-out"), 1 => Just("sms"), 1 => Just(""), 1 => Just("made-up")];
    let who =
        (0..12_u8, prop::sample::select(vec!["+1 555 01", "+155501", "+1 555 02"]), any::<bool>());
    let text = prop::sample::select(vec!["Done.", "done", "It failed.", "Nothing runs."]);
    let how = (some(3), some(2), some(12), proptest::option::weighted(0.3, 0..900_u64));
    (who, tag, text, how).prop_map(|((id, to, by_chat), tag, text, how)| {
        let (trigger, key, supersedes, ttl) = how;
        let channel = if by_chat { Channel::Chat } else { Channel::Sms };
        Message {
            tag: Tag::new(tag),
            trigger: trigger.map(|n| format!("t{n}")),
            dedup_key: key.map(|n| format!("k{n}")),
            supersedes: supersedes.map(|id| MessageId::new(format!("m{id}"))),
            ttl: ttl.map(Duration::from_millis),
            // A name is the same only if it is written the same.
            ..Message::new(format!("m{id}"), channel, if by_chat { "home" } else { to }, text)
        }
    })
}

/// Operations after a while each; `None`: the line dies and comes back.
fn steps() -> impl Strategy<Value = Vec<(u64, Option<MessageInput>)>> {
    let id = || (0..12_u8).prop_map(|id| MessageId::new(format!("m{id}")));
    let then = prop_oneof![
        8 => messages().prop_map(|message| Some(MessageInput::Send(message))),
        6 => id().prop_map(|id| Some(MessageInput::Delivered(id))),
        2 => id().prop_map(|id| Some(MessageInput::Failed(id, "no".to_owned()))),
        2 => id().prop_map(|id| Some(MessageInput::Unsure(id, "perhaps".to_owned()))),
        2 => id().prop_map(|id| Some(MessageInput::Withdraw(id))),
        1 => Just(None),
    ];
    prop::collection::vec((prop_oneof![Just(0), 1..60_u64, 60..900_u64], then), 1..60)
}

#[test]
fn the_checkpoint_decides_as_the_reference_model() {
    check("reference model of messages", &(any::<bool>(), steps()), |(resend, steps)| {
        let config = CheckpointConfig {
            dedup_window: Duration::from_millis(WINDOW_MS),
            on_their_way_max: ON_THEIR_WAY_MAX,
            answer_max: Duration::from_millis(ANSWER_MS),
            messages_max: ALIVE_MAX,
            remembered_max: KNOWN_MAX,
            resend_in_doubt: resend,
            ..CheckpointConfig::default()
        };
        let (left, ended) = (Vec::new(), Vec::new());
        let (checkpoint, book) = (Checkpoint::new(config.clone()), MessageBook::new());
        let mut post = Post { config, checkpoint, book, left, ended };
        let (live, sent) = (Vec::new(), Vec::new());
        let (left, ended) = (Vec::new(), Vec::new());
        let mut letters = Letters { hands_over_again: resend, live, sent, left, ended };
        let mut now = 0;
        for (wait_ms, then) in steps {
            for _ in 0..wait_ms {
                now += 1;
                letters.millisecond(now, None);
                post.millisecond(now, None);
                same(&post, &letters, now)?;
            }
            if then.is_some() {
                letters.millisecond(now, then.as_ref());
                post.millisecond(now, then.as_ref());
            } else {
                letters.crash(now);
                post.crash(now);
            }
            same(&post, &letters, now)?;
        }
        Ok(())
    });
}

fn same(post: &Post, letters: &Letters, now: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(&post.left, &letters.left, "what leaves at {} ms", now);
    prop_assert_eq!(&post.ended, &letters.ended, "endings at {} ms", now);
    Ok(())
}
