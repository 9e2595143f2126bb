//! What is asked of a room.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

use super::Driver;
use crate::room::session::Session;
use crate::room::{Command, Segment, Whose, attributes};
use crate::text::{CHAT_TOPIC, TRANSCRIPTION_TOPIC, packets};
use crate::{Text, TextError};

impl Driver {
    pub(super) async fn obey(&mut self, command: Command) {
        match command {
            Command::Attributes(attributes) => {
                self.attributes.extend(attributes.clone());
                if let Some(session) = &self.session {
                    session.set_attributes(attributes).await;
                }
            }
            Command::Mute(muted) => self.mute(muted).await,
            Command::Chat(text, reply) => {
                let sent = self.write(CHAT_TOPIC, text, HashMap::new(), None).await;
                let _ = reply.send(sent);
            }
            Command::Transcript(segment, reply) => {
                let _ = reply.send(self.show(segment).await);
            }
        }
    }

    async fn mute(&mut self, muted: bool) {
        self.muted = muted;
        if muted {
            self.microphone.unplug();
        }
        let Some(session) = &self.session else { return };
        session.mute(muted).await;
        // Before the session is up there is nothing to plug in; it will be then.
        if !muted && self.trying.is_none() {
            let _ = self.microphone.plug(session.voice()).await;
        }
    }

    async fn show(&self, segment: Segment) -> Result<(), TextError> {
        let ours = self.session.as_ref().map_or("", Session::track);
        let attributes = attributes::of_segment(&segment, ours);
        let sender = match &segment.whose {
            Whose::Ours => None,
            Whose::Theirs { identity, .. } => Some(identity.as_str()),
        };
        self.write(TRANSCRIPTION_TOPIC, segment.text, attributes, sender).await
    }

    async fn write(
        &self,
        topic: &str,
        text: String,
        attributes: HashMap<String, String>,
        sender: Option<&str>,
    ) -> Result<(), TextError> {
        let session = self.session.as_ref().ok_or(TextError::NotConnected)?;
        let (id, topic, identity) = (random_id(), topic.to_owned(), self.config.identity.clone());
        let text = Text { id, identity, topic, text, attributes };
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        session.send(packets(&text, sender, at_ms)?).await
    }
}

/// Texts of one room must not have the same name; if there are no random numbers they may.
fn random_id() -> String {
    let mut bytes = [0; 12];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
