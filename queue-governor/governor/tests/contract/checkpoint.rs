//! Messages leave once, whoever sends them and whatever fails.

mod crash;

use std::time::Duration;

use media_core::MonoTime;
use queue_governor::{
    Channel, Checkpoint, CheckpointConfig, Message, MessageBook, MessageEnding, MessageFailure,
    MessageId, MessageInput, MessageOutput, RefusalReason, Tag,
};

const PHONE: &str = "+1 555 010-0100";

fn sms(id: &str, text: &str) -> Message {
    Message::new(id, Channel::Sms, PHONE, text)
}

fn reaction(id: &str, trigger: &str, text: &str) -> Message {
    Message { trigger: Some(trigger.to_owned()), ..sms(id, text) }
}

/// A checkpoint and a record of all that it said.
struct Post {
    checkpoint: Checkpoint,
    now: MonoTime,
    outputs: Vec<MessageOutput>,
}

impl Post {
    fn new() -> Self {
        Self::with(CheckpointConfig::default())
    }

    fn with(config: CheckpointConfig) -> Self {
        let checkpoint = Checkpoint::new(config);
        Self { checkpoint, now: MonoTime::ZERO, outputs: Vec::new() }
    }

    /// The line dies, and another comes up with what the journal says.
    fn crashed(&self, config: CheckpointConfig) -> Self {
        let checkpoint = Checkpoint::recover(config, book_of(&self.outputs), self.now);
        let mut post = Self { checkpoint, now: self.now, outputs: Vec::new() };
        post.tell(MessageInput::Timeout);
        post
    }

    fn tell(&mut self, input: MessageInput) {
        self.checkpoint.handle(self.now, input);
        self.outputs.extend(std::iter::from_fn(|| self.checkpoint.poll_output()));
    }

    fn send(&mut self, message: Message) {
        self.tell(MessageInput::Send(message));
    }

    fn delivered(&mut self, id: &str) {
        self.tell(MessageInput::Delivered(MessageId::new(id)));
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.checkpoint.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tell(MessageInput::Timeout);
        }
        self.now = end;
    }

    fn left(&self) -> Vec<&str> {
        let left = self.outputs.iter().filter_map(|output| match output {
            MessageOutput::Deliver(message) => Some(message.id.as_str()),
            _ => None,
        });
        left.collect()
    }

    fn ending_of(&self, id: &str) -> &MessageEnding {
        let mut endings = self.outputs.iter().filter_map(|output| match output {
            MessageOutput::Ended { id: it, ending } if it.as_str() == id => Some(ending),
            _ => None,
        });
        let ending = endings.next().expect("has an ending");
        assert!(endings.next().is_none(), "{id} ends twice");
        ending
    }
}

fn book_of(outputs: &[MessageOutput]) -> MessageBook {
    let mut book = MessageBook::new();
    for output in outputs {
        if let MessageOutput::Journal(record) = output {
            book.apply(record);
        }
    }
    book
}

#[test]
fn two_producers_that_react_to_one_trigger_send_one_message() {
    let mut post = Post::new();
    post.send(reaction("responder", "sms:17", "I am on it."));
    post.send(reaction("worker", "sms:17", "Working on that now!"));
    post.delivered("responder");
    post.send(reaction("late", "sms:17", "Yes, in a moment."));
    assert_eq!(post.left(), ["responder"]);
    assert_eq!(*post.ending_of("responder"), MessageEnding::Sent);
    assert_eq!(*post.ending_of("worker"), MessageEnding::Duplicate);
    assert_eq!(*post.ending_of("late"), MessageEnding::Duplicate);
}

#[test]
fn who_asks_twice_is_answered_twice_also_in_the_same_words() {
    let mut post = Post::new();
    post.send(reaction("a", "sms:17", "Nothing is running."));
    post.delivered("a");
    post.send(reaction("b", "sms:18", "Nothing is running."));
    post.delivered("b");
    assert_eq!(post.left(), ["a", "b"]);
    post.send(sms("c", "Nothing is running."));
    assert_eq!(*post.ending_of("c"), MessageEnding::Duplicate, "nobody asked for that");
}

#[test]
fn the_same_words_to_the_same_number_are_one_message_however_they_are_written() {
    let mut post = Post::new();
    post.send(sms("a", "The backup is done."));
    post.send(Message { to: "+15550100100".to_owned(), ..sms("b", "the backup  is done") });
    post.send(Message { to: "+15550100199".to_owned(), ..sms("c", "The backup is done.") });
    assert_eq!(*post.ending_of("b"), MessageEnding::Duplicate);
    assert_eq!(post.left(), ["a", "c"], "somebody else gets the same");
}

#[test]
fn the_same_may_be_sent_again_after_the_window() {
    let mut post = Post::new();
    post.send(sms("a", "The disk is full."));
    post.delivered("a");
    post.run(Duration::from_secs(600));
    post.send(sms("b", "The disk is full."));
    assert_eq!(post.left(), ["a", "b"]);
}

#[test]
fn what_is_on_its_way_names_the_time_until_which_it_is_waited_for() {
    let mut post = Post::new();
    let answer_by = |post: &Post, id| post.checkpoint.answer_by(&MessageId::new(id));
    post.send(sms("a", "One."));
    post.send(sms("b", "Two."));
    let until = post.now + CheckpointConfig::default().answer_max;
    assert_eq!((answer_by(&post, "a"), answer_by(&post, "b")), (Some(until), None));
    post.delivered("a");
    assert_eq!(answer_by(&post, "a"), None);
}

#[test]
fn what_the_endpoint_did_not_take_may_be_sent_by_another() {
    let mut post = Post::new();
    post.send(sms("a", "The disk is full."));
    post.tell(MessageInput::Failed(MessageId::new("a"), "422".to_owned()));
    let failed = MessageFailure::Rejected("422".to_owned());
    assert_eq!(*post.ending_of("a"), MessageEnding::Failed(failed));
    post.send(sms("b", "The disk is full."));
    assert_eq!(post.left(), ["a", "b"]);
}

#[test]
fn what_the_endpoint_may_have_taken_is_sent_by_nobody_else() {
    let mut post = Post::new();
    let asked = |id: &str| Message { trigger: Some("t".to_owned()), ..sms(id, id) };
    post.send(asked("a"));
    post.tell(MessageInput::Unsure(MessageId::new("a"), "500".to_owned()));
    let unsure = MessageFailure::Unsure("500".to_owned());
    assert_eq!(*post.ending_of("a"), MessageEnding::Failed(unsure));
    post.send(asked("b"));
    assert_eq!(*post.ending_of("b"), MessageEnding::Duplicate);
    let mut after = post.crashed(CheckpointConfig::default());
    after.send(asked("c"));
    assert_eq!(*after.ending_of("c"), MessageEnding::Duplicate);
}

#[test]
fn what_may_have_left_is_not_sent_again() {
    let mut post = Post::new();
    post.send(sms("a", "The disk is full."));
    post.run(Duration::from_secs(120));
    assert_eq!(*post.ending_of("a"), MessageEnding::Failed(MessageFailure::NoAnswer));
    post.send(sms("b", "The disk is full."));
    assert_eq!(*post.ending_of("b"), MessageEnding::Duplicate);
}

#[test]
fn untagged_and_unknown_tags_are_refused_with_a_reason() {
    let mut post = Post::new();
    post.send(Message { tag: Tag::new(""), ..sms("a", "One.") });
    post.send(Message { tag: Tag::new("made-up"), ..sms("b", "Two.") });
    assert_eq!(*post.ending_of("a"), MessageEnding::Refused(RefusalReason::Untagged));
    let unknown = RefusalReason::UnknownTag("made-up".to_owned());
    assert_eq!(*post.ending_of("b"), MessageEnding::Refused(unknown));
    assert_eq!(post.left(), [""; 0]);
}

#[test]
fn bad_names_no_recipient_and_empty_or_endless_texts_are_refused() {
    let mut post = Post::new();
    post.send(sms("", "One."));
    assert_eq!(*post.ending_of(""), MessageEnding::Refused(RefusalReason::BadId));
    post.send(Message { to: "mother".to_owned(), ..sms("a", "One.") });
    assert_eq!(*post.ending_of("a"), MessageEnding::Refused(RefusalReason::NoRecipient));
    post.send(sms("b", " \n"));
    assert_eq!(*post.ending_of("b"), MessageEnding::Refused(RefusalReason::Empty));
    post.send(sms("c", &"long ".repeat(400)));
    let too_long = RefusalReason::TextTooLong { got: 2_000, max: 1_600 };
    assert_eq!(*post.ending_of("c"), MessageEnding::Refused(too_long));
    post.send(reaction("d", &"t".repeat(200), "One."));
    let too_long = RefusalReason::KeyTooLong { got: 200, max: 128 };
    assert_eq!(*post.ending_of("d"), MessageEnding::Refused(too_long));
}

#[test]
fn a_full_checkpoint_refuses_and_loses_nothing() {
    let mut post = Post::with(CheckpointConfig { messages_max: 2, ..CheckpointConfig::default() });
    for n in 0..3 {
        post.send(sms(&format!("m{n}"), &format!("Message {n}.")));
    }
    let full = RefusalReason::QueueFull { max: 2 };
    assert_eq!(*post.ending_of("m2"), MessageEnding::Refused(full));
    post.delivered("m0");
    post.delivered("m1");
    assert_eq!(post.left(), ["m0", "m1"]);
}

#[test]
fn what_was_sent_is_not_forgotten_within_its_window_however_much_is_sent() {
    let number = |n: u64| Message { to: format!("+1555{n:07}"), ..sms(&format!("m{n}"), "Hello.") };
    let mut post = Post::new();
    for n in 0..1_000 {
        post.send(number(n));
        post.delivered(&format!("m{n}"));
    }
    let mut again = post.crashed(CheckpointConfig::default());
    for post in [&mut post, &mut again] {
        post.send(Message { id: MessageId::new("again"), ..number(0) });
        assert_eq!(*post.ending_of("again"), MessageEnding::Duplicate);
    }
}

#[test]
fn what_could_not_be_remembered_is_refused_until_there_is_room() {
    let config = CheckpointConfig { remembered_max: 2, ..CheckpointConfig::default() };
    let mut post = Post::with(config);
    for (id, text) in [("a", "One."), ("b", "Two."), ("c", "Three.")] {
        post.send(sms(id, text));
        post.delivered(id);
    }
    let full = RefusalReason::QueueFull { max: 2 };
    assert_eq!(*post.ending_of("c"), MessageEnding::Refused(full));
    post.send(sms("a again", "One."));
    assert_eq!(*post.ending_of("a again"), MessageEnding::Duplicate);
    post.run(Duration::from_secs(600));
    post.send(sms("d", "Three."));
    assert_eq!(post.left(), ["a", "b", "d"]);
}

#[test]
fn messages_to_one_recipient_leave_one_after_the_other_and_others_do_not_wait() {
    let mut post = Post::new();
    post.send(sms("a", "One."));
    post.send(sms("b", "Two."));
    post.send(Message { to: "+15550100199".to_owned(), ..sms("c", "Three.") });
    assert_eq!(post.left(), ["a", "c"]);
    post.delivered("a");
    assert_eq!(post.left(), ["a", "c", "b"]);
}

#[test]
fn a_waiting_message_can_expire_be_withdrawn_or_give_way_to_its_successor() {
    let mut post = Post::new();
    post.send(sms("a", "One."));
    post.send(Message { ttl: Some(Duration::from_secs(5)), ..sms("late", "Two.") });
    post.send(sms("back", "Three."));
    post.send(sms("old", "Four."));
    post.send(Message { supersedes: Some(MessageId::new("old")), ..sms("new", "Five.") });
    post.tell(MessageInput::Withdraw(MessageId::new("back")));
    post.run(Duration::from_secs(5));
    post.delivered("a");
    assert_eq!(*post.ending_of("late"), MessageEnding::Expired);
    assert_eq!(*post.ending_of("back"), MessageEnding::Withdrawn);
    assert_eq!(*post.ending_of("old"), MessageEnding::Superseded);
    assert_eq!(post.left(), ["a", "new"]);
}

#[test]
fn what_is_on_its_way_is_not_taken_back() {
    let mut post = Post::new();
    post.send(sms("a", "One."));
    post.tell(MessageInput::Withdraw(MessageId::new("a")));
    post.delivered("a");
    assert_eq!(*post.ending_of("a"), MessageEnding::Sent);
}

#[test]
fn what_was_on_its_way_at_a_crash_is_in_doubt_and_handled_as_configured() {
    let mut post = Post::new();
    post.send(sms("a", "One."));
    post.send(sms("b", "Two."));
    let mut careful = post.crashed(CheckpointConfig::default());
    assert_eq!(*careful.ending_of("a"), MessageEnding::Failed(MessageFailure::InDoubt));
    assert_eq!(careful.left(), ["b"], "what had not left leaves");
    careful.send(sms("again", "One."));
    assert_eq!(*careful.ending_of("again"), MessageEnding::Duplicate);
    let resend_in_doubt = true;
    let again = post.crashed(CheckpointConfig { resend_in_doubt, ..CheckpointConfig::default() });
    assert_eq!(again.left(), ["a"], "under the same name, which the endpoint takes once");
}

#[test]
fn what_may_have_left_before_a_crash_neither_expires_nor_is_replaced() {
    let mut post = Post::new();
    post.send(Message { ttl: Some(Duration::from_secs(1)), ..sms("a", "One.") });
    post.send(Message { supersedes: Some(MessageId::new("a")), ..sms("b", "Two.") });
    post.now = post.now + Duration::from_secs(2);
    let config = CheckpointConfig { resend_in_doubt: true, ..CheckpointConfig::default() };
    let mut again = post.crashed(config);
    assert_eq!(again.left(), ["a"], "who may have it already is told under the same name");
    again.delivered("a");
    assert_eq!(*again.ending_of("a"), MessageEnding::Sent);
    assert_eq!(again.left(), ["a", "b"]);
}
