//! Until the call is answered: it rings, and maybe the other side is heard already.

use std::path::PathBuf;
use std::time::Duration;

use media_core::hearing::EarConfig;
use media_core::{LineId, NegotiatedMedia};
use media_engine::{Carrier, Engine, Line, LineEvent, LineMode, LineSpec, RtpPort};
use sip_bridge::BridgeEvent;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Before, CallError, EVENTS_MAX};

type Opened = (Line, mpsc::Receiver<LineEvent>);

/// A call that is not answered yet, and where its sound will go.
pub(super) struct Reaching<'a> {
    engine: &'a Engine,
    port: Option<RtpPort>,
    record: Option<PathBuf>,
    began: Instant,
    opened: Option<Opened>,
    before: Before,
}

impl<'a> Reaching<'a> {
    pub fn new(engine: &'a Engine, port: RtpPort, record: Option<PathBuf>, began: Instant) -> Self {
        let (port, before) = (Some(port), Before::default());
        Self { engine, port, record, began, opened: None, before }
    }

    /// Waits until the other side answers. What it lets us hear before that is in the recording.
    pub async fn answered(
        mut self,
        signals: &mut mpsc::Receiver<BridgeEvent>,
        within: Duration,
    ) -> Result<(Line, mpsc::Receiver<LineEvent>, Before), CallError> {
        let wait = tokio::time::timeout(within, self.follow(signals)).await;
        let result = wait.unwrap_or(Err(CallError::NotAnswered(within)));
        match (result, self.opened) {
            (Ok(()), Some((line, events))) => Ok((line, events, self.before)),
            (Ok(()), None) => Err(CallError::Setup("answered without media".into())),
            (Err(error), _) => Err(error),
        }
    }

    async fn follow(&mut self, signals: &mut mpsc::Receiver<BridgeEvent>) -> Result<(), CallError> {
        loop {
            match signals.recv().await {
                Some(BridgeEvent::Ringing { .. }) => {
                    self.before.rang.get_or_insert(self.began.elapsed());
                }
                Some(BridgeEvent::EarlyMedia { media, .. }) => {
                    self.before.heard.get_or_insert(self.began.elapsed());
                    self.hear(media)?;
                }
                Some(BridgeEvent::Established { media, .. }) => return self.hear(media),
                Some(BridgeEvent::Ended { outcome, .. }) => return Err(CallError::Ended(outcome)),
                Some(_) => {}
                None => return Err(CallError::Setup("the bridge is gone".into())),
            }
        }
    }

    /// From now on the sound is where `media` says.
    fn hear(&mut self, media: NegotiatedMedia) -> Result<(), CallError> {
        self.before.protection = media.srtp.as_ref().map(|keys| keys.profile.suite_name());
        if let Some((line, _)) = &self.opened {
            line.update_media(media);
            return Ok(());
        }
        let Some(port) = self.port.take() else { return Ok(()) };
        let opened = open_line(self.engine, port, media, self.record.take());
        let failed = |error: media_engine::OpenError| CallError::Setup(error.to_string());
        self.opened = Some(opened.map_err(failed)?);
        Ok(())
    }
}

fn open_line(
    engine: &Engine,
    port: RtpPort,
    media: NegotiatedMedia,
    record: Option<PathBuf>,
) -> Result<Opened, media_engine::OpenError> {
    let (to_us, events) = mpsc::channel(EVENTS_MAX);
    let ear = EarConfig::new(media.codec.sample_rate());
    let spec = LineSpec {
        id: LineId(1),
        carrier: Carrier::Rtp { port, media },
        mode: LineMode::Player,
        record,
        ear,
    };
    // A softphone that does not read has ended; nobody misses the event.
    let sink = Box::new(move |event| drop(to_us.try_send(event)));
    Ok((engine.open_line(spec, sink)?, events))
}
