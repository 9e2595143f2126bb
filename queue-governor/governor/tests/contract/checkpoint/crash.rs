//! A checkpoint that dies between any two outputs, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use queue_governor::{
    Channel, Checkpoint, CheckpointConfig, Message, MessageBook, MessageEnding, MessageId,
    MessageInput, MessageOutput, MessageRecord,
};

use super::Post;
use crate::support::random::check;

fn messages() -> impl Strategy<Value = MessageInput> {
    let send = (0..12_u8, 0..3_u8, 0..4_u8, proptest::option::of(0..4_u8), 0..3_u8);
    let send = send.prop_map(|(id, to, text, trigger, ttl)| {
        MessageInput::Send(Message {
            trigger: trigger.map(|n| format!("t{n}")),
            ttl: (ttl == 0).then(|| Duration::from_secs(3)),
            supersedes: (ttl == 1).then(|| MessageId::new(format!("m{}", text))),
            ..Message::new(format!("m{id}"), Channel::Chat, format!("p{to}"), format!("x{text}"))
        })
    });
    let id = || (0..12_u8).prop_map(|id| MessageId::new(format!("m{id}")));
    prop_oneof![
        6 => send,
        3 => id().prop_map(MessageInput::Delivered),
        1 => id().prop_map(|id| MessageInput::Failed(id, "no".to_owned())),
        1 => id().prop_map(|id| MessageInput::Unsure(id, "perhaps".to_owned())),
        1 => id().prop_map(MessageInput::Withdraw),
    ]
}

fn lives() -> impl Strategy<Value = Vec<(Vec<(u64, MessageInput)>, Index)>> {
    let steps = prop::collection::vec((0..4_000_u64, messages()), 1..40);
    prop::collection::vec((steps, any::<Index>()), 1..4)
}

#[test]
fn after_a_crash_between_any_two_outputs_no_message_is_lost_and_none_leaves_twice() {
    check("checkpoint", &lives(), |lives| {
        let (mut post, mut audit) = (Post::new(), Audit::default());
        let mut number = 0;
        for (steps, crash) in lives {
            let mut latest: BTreeMap<String, MessageId> = BTreeMap::new();
            for (wait_ms, mut input) in steps {
                post.run(Duration::from_millis(wait_ms));
                let mut known = |id: &mut MessageId| {
                    *id = latest.get(id.as_str()).unwrap_or(id).clone();
                };
                match &mut input {
                    MessageInput::Send(message) => {
                        number += 1;
                        message.supersedes.iter_mut().for_each(&mut known);
                        let unique = MessageId::new(format!("{}-{number}", message.id));
                        latest.insert(message.id.to_string(), unique.clone());
                        message.id = unique;
                    }
                    MessageInput::Delivered(id)
                    | MessageInput::Failed(id, _)
                    | MessageInput::Unsure(id, _)
                    | MessageInput::Withdraw(id) => known(id),
                    MessageInput::Timeout => {}
                }
                post.tell(input);
            }
            post.outputs.truncate(crash.index(post.outputs.len() + 1));
            audit.read(&post.outputs)?;
            let checkpoint =
                Checkpoint::recover(CheckpointConfig::default(), audit.book.clone(), post.now);
            post = Post { checkpoint, now: post.now, outputs: Vec::new() };
        }
        post.tell(MessageInput::Timeout);
        post.run(Duration::from_secs(40 * 121));
        audit.read(&post.outputs)?;
        prop_assert_eq!(post.checkpoint.alive(), 0);
        prop_assert!(audit.accepted.is_subset(&audit.ended), "something is lost");
        Ok(())
    });
}

/// What must hold over all lives.
#[derive(Default)]
struct Audit {
    book: MessageBook,
    accepted: BTreeSet<MessageId>,
    written: BTreeSet<MessageId>,
    ended: BTreeSet<MessageId>,
    left: BTreeSet<MessageId>,
    /// All that may have left and is settled.
    gone: Vec<Message>,
}

impl Audit {
    fn read(&mut self, outputs: &[MessageOutput]) -> Result<(), TestCaseError> {
        for output in outputs {
            match output {
                MessageOutput::Journal(record) => {
                    match record {
                        MessageRecord::Accepted { message, .. } => {
                            self.written.insert(message.id.clone());
                        }
                        MessageRecord::Ended { id, ending, .. } => {
                            self.settle(id, ending);
                            prop_assert!(self.ended.insert(id.clone()), "{} ends twice", id);
                        }
                        MessageRecord::OnItsWay { .. } => {}
                    }
                    self.book.apply(record);
                }
                MessageOutput::Accepted(id) => {
                    prop_assert!(self.written.contains(id), "acknowledged unwritten");
                    self.accepted.insert(id.clone());
                }
                MessageOutput::Deliver(message) => self.leaves(message)?,
                MessageOutput::Ended { id, .. } if self.accepted.contains(id) => {
                    prop_assert!(self.ended.contains(id), "told unwritten");
                }
                MessageOutput::Ended { .. } => {}
            }
        }
        Ok(())
    }

    /// Everything happens within the window here, and what may have left is never sent again;
    /// only what the endpoint refused may.
    fn leaves(&mut self, message: &Message) -> Result<(), TestCaseError> {
        let on_its_way = self.book.unfinished().find(|it| it.message.id == message.id);
        prop_assert!(on_its_way.is_some_and(|it| it.on_its_way), "leaves unwritten");
        prop_assert!(self.left.insert(message.id.clone()), "{} leaves twice", message.id);
        let same = |gone: &Message| {
            let trigger = gone.trigger.is_some() && gone.trigger == message.trigger;
            let other = gone.trigger.is_some() && message.trigger.is_some() && !trigger;
            gone.to == message.to && (trigger || (gone.text == message.text && !other))
        };
        prop_assert!(!self.gone.iter().any(same), "{} says the same", message.id);
        Ok(())
    }

    fn settle(&mut self, id: &MessageId, ending: &MessageEnding) {
        let settled = self.book.unfinished().find(|it| it.message.id == *id);
        let gone = settled.filter(|_| ending.may_have_left());
        self.gone.extend(gone.map(|it| it.message.clone()));
    }
}
