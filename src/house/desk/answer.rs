//! How a call becomes a line.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use brain_protocol::{DialOutcome, Redial};
use media_core::hearing::EarConfig;
use media_core::{LineId, NegotiatedMedia};
use media_engine::{LineEvent, LineMode as MediaMode, LineSpec, RtpPort};
use queue_governor::Book;
use sip_bridge::{CallId, CallerIdentity, HangupReason, Rejection};
use tokio::sync::mpsc;

use super::quiet::{Arrived, falls_quiet};
use super::{Carrier, Desk, OpenCall, What};
use crate::config::LineMode;
use crate::house::media::ear_config;
use crate::house::redial::Party;
use crate::line::{
    ConversationConfig, JournalEntry, LineHandle, LineInput, LineParts, Opener, run,
};
use crate::replay::Header;
use crate::report::CallOpened;
use crate::say::named;

/// What is known of a call before it has a line.
pub(super) struct ToAnswer<'a> {
    pub call: String,
    pub line: LineId,
    pub outbound: bool,
    pub from: &'a str,
    pub identity: &'a CallerIdentity,
    pub to: &'a str,
    pub trunk: &'a str,
    /// In the words of the record.
    pub codec: &'a str,
    /// Who opens it, where that is somebody at a door.
    pub opener: Option<Opener>,
}

impl Desk {
    pub(super) fn incoming(&mut self, arrived: Arrived) {
        let Arrived { call, caller: (from, identity), to, trunk, media } = arrived;
        let port = match self.media.reserve_port() {
            Ok(port) => port,
            Err(error) => {
                tracing::warn!(%call, %error, "call refused");
                self.bridge.reject(call, Rejection::Overloaded);
                return;
            }
        };
        let line = LineId(self.next_line);
        self.next_line += 1;
        let local = port.local_addr();
        let folder = self.folder_of(line);
        let trunk_name = trunk.clone();
        let open = OpenCall {
            line,
            trunk,
            from,
            identity,
            to,
            since: Instant::now(),
            carrier: Carrier::Waiting(port),
            established: false,
            out: None,
            quiet: None,
            held: None,
            folder,
        };
        self.calls.insert(call, open);
        if self.config.trunk.iter().any(|it| it.name == trunk_name && it.early_media) {
            self.bridge.progress(call, local);
        }
        let ready = media.is_none_or(|media| self.open_waiting(call, media));
        if ready {
            self.bridge.answer(call, local);
        }
    }

    /// Gives a waiting call its line. `false`: it was refused.
    pub(super) fn open_waiting(&mut self, call: CallId, media: NegotiatedMedia) -> bool {
        let Some(mut open) = self.calls.remove(&call) else { return false };
        open.note_hold(&media);
        let Carrier::Waiting(port) = open.carrier else { return false };
        let opened = match self.config.line.mode {
            LineMode::Echo => self.open_echo(open.line, port, media),
            LineMode::Agent => self
                .open_agent(
                    ToAnswer {
                        call: call.to_string(),
                        line: open.line,
                        outbound: open.out.is_some(),
                        from: &open.from,
                        identity: &open.identity,
                        to: &open.to,
                        trunk: &open.trunk,
                        codec: media.codec.encoding_name(),
                        opener: None,
                    },
                    &mut open.folder,
                    media_engine::Carrier::Rtp { port, media },
                    LineInput::channel(),
                )
                .map(Carrier::Agent),
        };
        match opened {
            Ok(carrier) => {
                open.carrier = carrier;
                self.calls.insert(call, open);
                true
            }
            Err(error) => {
                tracing::warn!(%call, error, "call refused");
                self.bridge.reject(call, Rejection::Overloaded);
                if let Some(out) = open.out.take() {
                    self.came_to_nothing(out, DialOutcome::Failed, error);
                }
                false
            }
        }
    }

    /// Where this call's record goes, if there is one.
    pub(super) fn folder_of(&self, line: LineId) -> Option<PathBuf> {
        self.config.recording.dir.as_ref().map(|dir| dir.join(folder_name(line)))
    }

    /// The call that one with this party goes on with.
    fn redial_of(&mut self, from: &str, identity: &CallerIdentity, trunk: &str) -> Option<Redial> {
        let party = Party::of(from, identity, trunk);
        let window = Duration::from_secs(self.config.line.redial_s);
        let redial = self.redials.take(self.media.clock().now(), window, &party)?;
        tracing::info!(former = redial.line.0, "a call that was cut off goes on");
        Some(redial)
    }

    fn open_echo(
        &self,
        id: LineId,
        port: RtpPort,
        media: NegotiatedMedia,
    ) -> Result<Carrier, String> {
        let wishes = self.wishes.0.clone();
        let sink = Box::new(move |event| {
            if let LineEvent::MediaTimeout { .. } = event {
                // A full queue of hang-ups is being worked off; the peer's silence comes again.
                let _ = wishes.try_send((id, What::HangUp(HangupReason::MediaTimeout)));
            }
        });
        let ear = EarConfig::new(media.codec.sample_rate());
        let spec = LineSpec {
            id,
            carrier: media_engine::Carrier::Rtp { port, media },
            mode: MediaMode::Echo,
            record: None,
            ear,
        };
        self.media.open_line(spec, sink).map(Carrier::Echo).map_err(|error| error.to_string())
    }

    /// Opens a line with an agent.
    pub(super) fn open_agent(
        &mut self,
        to_answer: ToAnswer<'_>,
        folder: &mut Option<PathBuf>,
        carrier: media_engine::Carrier,
        (inputs, inbox): (mpsc::Sender<LineInput>, mpsc::Receiver<LineInput>),
    ) -> Result<LineHandle, String> {
        let ToAnswer { call, line: id, outbound, from, identity, to, trunk, codec, opener } =
            to_answer;
        let Some(brain) = self.brain.clone() else {
            return Err("an agent needs a brain".into());
        };
        if let Some(error) = folder.as_ref().and_then(|dir| std::fs::create_dir_all(dir).err()) {
            tracing::warn!(%error, "this call is not recorded: make [recording] dir writable");
            *folder = None;
        }
        let record = folder
            .as_ref()
            .filter(|_| self.config.recording.audio)
            .map(|f| f.join(crate::report::RECORDING_FILE));
        let governor = self.config.governor_on(trunk);
        let handle = LineHandle {
            inputs: inputs.clone(),
            caller: named(from, identity),
            defaults: governor.claim_defaults(),
        };
        let (sink_handle, silences) = (handle.clone(), self.wishes.0.clone());
        let sink = Box::new(move |event| {
            if let Some(quiet) = falls_quiet(&event) {
                // A house that does not keep up takes the call for a live one, as long as it stands.
                let _ = silences.try_send((id, What::Quiet(quiet)));
            }
            sink_handle.put(LineInput::Media(event));
        });
        let traced = folder.is_some();
        let rate = carrier.sample_rate();
        let ear = EarConfig { traced, ..ear_config(&self.config, governor.decide_ms, rate) };
        let words = self.config.recording.words || self.config.log.show_pii;
        let header = Header::new(id.0, governor.governor_config(rate), ear.clone(), words);
        let spec = LineSpec { id, carrier, mode: MediaMode::Agent, record, ear: ear.clone() };
        let line = self.media.open_line(spec, sink).map_err(|error| error.to_string())?;
        let clock = self.media.clock();
        let (wishes, transfers) = (self.wishes.0.clone(), self.wishes.0.clone());
        let goes_on = self.wishes.0.clone();
        let redial = match opener {
            None => self.redial_of(from, identity, trunk),
            Some(_) => None,
        };
        let book = Arc::new(Mutex::new(Book::new()));
        let parts = LineParts {
            conversation: ConversationConfig {
                line: id,
                caller: from.to_owned(),
                called: to.to_owned(),
                identity: identity.clone(),
                answered: clock.now(),
                away_text: self.config.brain.away_text.clone(),
                governor: governor.governor_config(line.sample_rate()),
                defaults: handle.defaults,
            },
            opened: CallOpened {
                attestation: identity.attestation.name().into(),
                ..opened(&call, from, to, trunk, codec)
            },
            outbound,
            redial,
            line,
            media: self.media.clone(),
            ear,
            inputs,
            opener,
            keeps_log: folder.is_some(),
            journal: self.journal.clone(),
            brain,
            lanes: self.lanes.clone(),
            clock,
            account: self.saying.keeper.account(),
            run: self.saying.keeper.run().to_owned(),
            book: book.clone(),
            said: self.saying.said.clone(),
            hold_external: self.saying.is_paused(),
            news: self.saying.news(),
            transfer: Box::new(move |to| {
                if transfers.try_send((id, What::Transfer(to))).is_err() {
                    tracing::warn!(line = %id, "the house does not keep up; a transfer was dropped");
                }
            }),
            hang_up: Box::new(move |reason| {
                // A full queue of wishes is being worked off, and this one comes again.
                let _ = wishes.try_send((id, What::HangUp(reason)));
            }),
            goes_on: Box::new(move || {
                if goes_on.try_send((id, What::GoesOn)).is_err() {
                    tracing::warn!(line = %id, "the house does not keep up; it takes the line for over");
                }
            }),
        };
        self.saying.books.insert(id, book);
        self.journal.put(JournalEntry::Open(id, folder.clone()));
        if let Some(folder) = folder.clone() {
            self.journal.put(JournalEntry::OpenLog(id, folder, Box::new(header)));
        }
        // A task of its own, so that a fault in one call is that call's alone.
        let conversation = tokio::spawn(run(parts, inbox));
        self.lines.spawn(async move { (id, conversation.await.ok()) });
        Ok(handle)
    }
}

fn opened(call: &str, from: &str, to: &str, trunk: &str, codec: &str) -> CallOpened {
    CallOpened {
        call: call.to_owned(),
        caller: from.to_owned(),
        called: to.to_owned(),
        trunk: trunk.to_owned(),
        codec: codec.to_owned(),
        answered_unix_ms: unix_ms(),
        ..CallOpened::default()
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Sorts by time, and is unique in this process.
fn folder_name(line: LineId) -> String {
    format!("{:013}-{line}", unix_ms())
}
