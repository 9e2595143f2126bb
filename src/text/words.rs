//! The checkpoint's words in ours and the brain's, and back.

use std::time::Duration;

use brain_protocol::MessageEnding;
use queue_governor::{Channel, Message, Tag};

use super::message::{Outgoing, OutgoingChannel};

pub(super) fn message_of(id: String, tag: String, outgoing: Outgoing) -> Message {
    Message {
        tag: Tag::new(tag),
        trigger: outgoing.trigger,
        dedup_key: outgoing.dedup_key,
        ttl: outgoing.ttl_s.map(|s| Duration::from_secs(s.into())),
        ..Message::new(id, channel_of(outgoing.channel), outgoing.to, outgoing.text)
    }
}

pub(super) fn channel_of(channel: OutgoingChannel) -> Channel {
    match channel {
        OutgoingChannel::Chat => Channel::Chat,
        OutgoingChannel::Sms => Channel::Sms,
    }
}

pub(super) fn told(ending: &queue_governor::MessageEnding) -> (MessageEnding, Option<String>) {
    use queue_governor::MessageEnding as Ending;
    match ending {
        Ending::Sent => (MessageEnding::Sent, None),
        Ending::Duplicate => (MessageEnding::Duplicate, None),
        Ending::Superseded => (MessageEnding::Superseded, None),
        Ending::Expired => (MessageEnding::Expired, None),
        Ending::Withdrawn => (MessageEnding::Withdrawn, None),
        Ending::Refused(reason) => (MessageEnding::Refused, Some(reason.to_string())),
        Ending::Failed(reason) => (MessageEnding::Failed, Some(reason.to_string())),
    }
}
