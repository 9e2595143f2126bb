//! An offer in a session that stands: it begins where the session is.

use media_core::NegotiatedMedia;

use super::Offer;
use super::secure::{self, CRYPTO_TAG};

impl Offer {
    /// The same offer to a peer with which `media` is agreed: everything may change, and nothing is
    /// taken away that the two agreed on. Sound that is protected stays so, with our key as it is
    /// (RFC 3261 §14.1 wants transports that overlap), and a number that stands for a format goes on
    /// to stand for it (RFC 3264 §8.3.2).
    #[must_use]
    pub(crate) fn keeping(mut self, media: Option<&NegotiatedMedia>) -> Self {
        let Some(media) = media else { return self };
        if media.srtp.is_some() {
            self.media.crypto = secure::line(media, CRYPTO_TAG);
        }
        let (codec, number) = (media.codec, media.receive_payload_type);
        let event = media.receive_telephone_event;
        let codecs = &mut self.media.codecs;
        codecs.retain(|it| it.0 == codec || (it.1 != number && Some(it.1) != event));
        codecs.iter_mut().filter(|it| it.0 == codec).for_each(|it| it.1 = number);
        let events = &mut self.media.telephone_events;
        if let Some(event) = event {
            let hz = media.telephone_event_hz;
            events.retain(|it| it.1 == hz || it.0 != event);
            events.iter_mut().filter(|it| it.1 == hz).for_each(|it| it.0 = event);
        }
        events.retain(|event| codecs.iter().all(|codec| codec.1 != event.0));
        self
    }
}
