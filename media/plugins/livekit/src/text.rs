//! Texts on the data channel: what a room calls text streams. Pure, and bounded, because anybody in
//! the room may begin as many as they like.
//!
//! LiveKit's own crate for them is not used: it keeps what a stream brings without a limit, and brings
//! compression, which we do not offer.

use std::collections::{HashMap, VecDeque};

use livekit_protocol as proto;
use proto::DataPacket;
use proto::data_packet::Value;
use proto::data_stream::header::ContentHeader;
use proto::data_stream::{Chunk, CompressionType, Header, OperationType, TextHeader, Trailer};

/// Somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// Names it towards everybody in the room.
    pub id: String,
    /// Who wrote.
    pub identity: String,
    /// What it is: [`CHAT_TOPIC`], [`TRANSCRIPTION_TOPIC`].
    pub topic: String,
    /// Its words.
    pub text: String,
    /// What is said about it.
    pub attributes: HashMap<String, String>,
}

impl std::fmt::Debug for Text {
    /// Without words and names: they are somebody's, and a telephone's name is its number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Text { id, topic, text, .. } = self;
        write!(f, "Text {{ {id} on {topic}, {} bytes }}", text.len())
    }
}

/// Why a text was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextError {
    /// We are not in the room now; say it again when we are.
    #[error("not connected to the room")]
    NotConnected,
    /// It is longer than rooms read.
    #[error("a text of {bytes} bytes is longer than {max}")]
    TooLong {
        /// What was to be sent.
        bytes: usize,
        /// What is.
        max: usize,
    },
    /// More is being asked of the room than it does in time.
    #[error("too much waits to be done in the room")]
    Busy,
}

/// The packets of one text.
///
/// `sender`: whom it is of, if not of us, as a transcript of what somebody said is. `at_ms`: wall
/// clock.
///
/// # Errors
/// [`TextError::TooLong`].
pub fn packets(
    text: &Text,
    sender: Option<&str>,
    at_ms: i64,
) -> Result<Vec<DataPacket>, TextError> {
    if text.text.len() > TEXT_BYTES_MAX {
        return Err(TextError::TooLong { bytes: text.text.len(), max: TEXT_BYTES_MAX });
    }
    let id = &text.id;
    let packet = |value| DataPacket {
        participant_identity: sender.unwrap_or_default().to_owned(),
        value: Some(value),
        ..DataPacket::default()
    };
    let header = Header {
        stream_id: id.clone(),
        timestamp: at_ms,
        topic: text.topic.clone(),
        mime_type: "text/plain".to_owned(),
        total_length: Some(text.text.len() as u64),
        attributes: text.attributes.clone(),
        content_header: Some(ContentHeader::TextHeader(TextHeader {
            operation_type: OperationType::Create.into(),
            ..TextHeader::default()
        })),
        ..Header::default()
    };
    let mut packets = vec![packet(Value::StreamHeader(header))];
    for (index, piece) in pieces(&text.text).enumerate() {
        packets.push(packet(Value::StreamChunk(Chunk {
            stream_id: id.clone(),
            chunk_index: index as u64,
            content: piece.as_bytes().to_vec(),
            ..Chunk::default()
        })));
    }
    let trailer = Trailer { stream_id: id.clone(), ..Trailer::default() };
    packets.push(packet(Value::StreamTrailer(trailer)));
    Ok(packets)
}

/// Cut between characters, short enough for one message of the channel.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let cut = rest.floor_char_boundary(CHUNK_BYTES);
        let (piece, later) = rest.split_at(cut);
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Puts texts together again.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The oldest first.
    open: VecDeque<Open>,
    /// Streams that were given up.
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    text: Text,
    bytes: Vec<u8>,
    chunks: u64,
}

impl Assembler {
    /// Takes a packet; answers with a text that is now whole.
    pub fn take(&mut self, packet: DataPacket) -> Option<Text> {
        let identity = packet.participant_identity;
        match packet.value? {
            Value::StreamHeader(header) => self.begin(header, identity),
            Value::StreamChunk(chunk) => {
                self.add(&chunk, &identity);
                None
            }
            Value::StreamTrailer(trailer) => self.finish(&trailer, &identity),
            _ => None,
        }
    }

    /// Streams that were given up: too long, too many, or not understood.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn begin(&mut self, header: Header, identity: String) -> Option<Text> {
        let is_text = matches!(header.content_header, Some(ContentHeader::TextHeader(_)));
        let plain = header.compression == i32::from(CompressionType::None);
        if !is_text || !plain || header.total_length.is_some_and(|n| n > TEXT_BYTES_MAX as u64) {
            self.dropped += 1;
            return None;
        }
        let (id, topic) = (header.stream_id, header.topic);
        let text = Text { id, identity, topic, text: String::new(), attributes: header.attributes };
        if let Some(content) = header.inline_content {
            return self.whole(text, content);
        }
        if self.open.len() == OPEN_MAX {
            self.open.pop_front();
            self.dropped += 1;
        }
        self.open.push_back(Open { text, bytes: Vec::new(), chunks: 0 });
        None
    }

    fn add(&mut self, chunk: &Chunk, identity: &str) {
        let Some(index) = self.find(&chunk.stream_id, identity) else { return };
        let open = &mut self.open[index];
        let fits = open.bytes.len() + chunk.content.len() <= TEXT_BYTES_MAX;
        if !fits || chunk.chunk_index != open.chunks {
            self.open.remove(index);
            self.dropped += 1;
            return;
        }
        open.chunks += 1;
        open.bytes.extend_from_slice(&chunk.content);
    }

    fn finish(&mut self, trailer: &Trailer, identity: &str) -> Option<Text> {
        let open = self.open.remove(self.find(&trailer.stream_id, identity)?)?;
        if !trailer.reason.is_empty() {
            self.dropped += 1;
            return None;
        }
        let mut text = open.text;
        text.attributes.extend(trailer.attributes.clone());
        self.whole(text, open.bytes)
    }

    fn whole(&mut self, text: Text, bytes: Vec<u8>) -> Option<Text> {
        match String::from_utf8(bytes) {
            Ok(words) if words.len() <= TEXT_BYTES_MAX => Some(Text { text: words, ..text }),
            _ => {
                self.dropped += 1;
                None
            }
        }
    }

    /// Nobody may write into somebody else's text.
    fn find(&self, id: &str, identity: &str) -> Option<usize> {
        self.open.iter().position(|open| open.text.id == id && open.text.identity == identity)
    }
}

/// What people type.
pub const CHAT_TOPIC: &str = "lk.chat";
/// What people said.
pub const TRANSCRIPTION_TOPIC: &str = "lk.transcription";

/// Longer than any message that a person types or a turn that is spoken.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What LiveKit's clients send at a time.
const CHUNK_BYTES: usize = 15_000;

/// Texts that arrive at the same time: two of each of a full room.
const OPEN_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Text {
        let attributes = HashMap::from([("lk.segment_id".to_owned(), "s1".to_owned())]);
        let (id, topic) = ("t1".to_owned(), CHAT_TOPIC.to_owned());
        Text { id, identity: "ada".to_owned(), topic, text: words.to_owned(), attributes }
    }

    #[test]
    fn a_text_comes_back_as_it_was_sent() {
        for words in ["", "good morning", &"ä€🙂".repeat(1_700)] {
            let sent = text(words);
            let mut assembler = Assembler::default();
            let packets = packets(&sent, Some("ada"), 1).unwrap();
            let mut got = packets.into_iter().filter_map(|packet| assembler.take(packet));
            assert_eq!(got.next(), Some(sent));
        }
    }

    #[test]
    fn nobody_writes_into_the_text_of_another() {
        let mut assembler = Assembler::default();
        let ours = packets(&text("yes"), Some("ada"), 1).unwrap();
        let mut forged = packets(&text("no"), Some("eve"), 1).unwrap();
        assert_eq!(assembler.take(ours[0].clone()), None);
        assert_eq!(assembler.take(forged.remove(1)), None);
        assert_eq!(assembler.take(ours[1].clone()), None);
        assert_eq!(assembler.take(ours[2].clone()).map(|text| text.text), Some("yes".to_owned()));
    }

    #[test]
    fn what_is_too_much_is_dropped_and_counted() {
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert!(matches!(packets(&text(&long), None, 1), Err(TextError::TooLong { .. })));
        let mut assembler = Assembler::default();
        for n in 0..=OPEN_MAX {
            let begun = Text { id: n.to_string(), ..text("x") };
            assembler.take(packets(&begun, Some("ada"), 1).unwrap().swap_remove(0));
        }
        assert_eq!(assembler.dropped(), 1, "the oldest makes room");
        let mut skipped = packets(&Text { id: "5".into(), ..text("x") }, Some("ada"), 1).unwrap();
        if let Some(Value::StreamChunk(chunk)) = &mut skipped[1].value {
            chunk.chunk_index = 3;
        }
        assembler.take(skipped.remove(1));
        assert_eq!(assembler.dropped(), 2, "a piece is missing");
    }
}
