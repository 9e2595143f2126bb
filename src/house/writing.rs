//! What is written, in the house: the thread behind it, and the door for programs.

use std::sync::Arc;

use brain_protocol::LineMessage;
use brain_supervisor::{SendError, SupervisorHandle};
use lane_broker::LaneStore;
use media_engine::Clock;
use plugin_webrtc::IceServer;

use super::doors::Doors;
use super::tap::OS;
use crate::config::{Config, LineMode};
use crate::http::{
    Behind, CarrierKey, Door, DoorSettings, Rate, TOKEN_BYTES_MIN, TOKEN_VARIABLE, Token,
};
use crate::rooms::Webhooks;
use crate::talk::{ICE_CREDENTIAL_VARIABLE, Talks};
use crate::text::{self, SMS_KEY_VARIABLE, SmsGateway, TextHandle, TextParts};

/// Starts what carries written messages.
pub(super) async fn start(
    config: &Config,
    store: Arc<dyn LaneStore>,
    brain: Option<SupervisorHandle>,
) -> std::io::Result<TextHandle> {
    let to_brain = move |message: &LineMessage| match &brain {
        Some(brain) => brain.send(message),
        None => Err(SendError::NotConnected),
    };
    let parts = TextParts {
        store,
        registered: config.text.tags.clone(),
        answered: answered(config),
        to_brain: Arc::new(to_brain),
        sms: gateway(config),
    };
    // It reads its journal, which may be on a disk.
    let started = tokio::task::spawn_blocking(move || text::start(parts)).await;
    started.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// What the configuration names, and what the tap has for the brain.
fn answered(config: &Config) -> Vec<String> {
    let mut answered = config.text.answered.clone();
    let tapped = config.tap.rule.iter().any(|rule| rule.brain);
    if tapped && !answered.iter().any(|tag| tag == OS) {
        answered.push(OS.to_owned());
    }
    answered
}

/// Opens the door. A line without one still takes calls, so a port that is taken is a warning.
pub(super) async fn open_door(
    config: &Config,
    behind: Behind,
    rooms: Option<Webhooks>,
) -> Option<Door> {
    let listen = config.http.listen?;
    let token = Token::from_environment();
    if token.is_none() {
        tracing::warn!(
            "the HTTP door refuses everybody: set {TOKEN_VARIABLE} to {TOKEN_BYTES_MIN} characters or more, or [http] listen to \"off\""
        );
    }
    let settings = DoorSettings {
        hosts: config.http.hosts.clone(),
        each: rate(config.http.per_source_minute),
        all: rate(config.http.per_minute),
        show: config.http.show,
        rooms,
        carrier: config.sms.public_key.as_deref().and_then(CarrierKey::new),
        ..DoorSettings::new(listen, token)
    };
    match Door::open(settings, behind).await {
        Ok(door) => {
            tracing::info!(address = %door.local_addr(), "the HTTP door is open");
            Some(door)
        }
        Err(error) => {
            tracing::warn!(%listen, %error, "no HTTP door: choose another [http] listen, or \"off\"");
            None
        }
    }
}

/// Who talks from a browser: with an agent, and where there is a door.
pub(super) fn talks(config: &Config, doors: &Doors, clock: Clock) -> Option<Talks> {
    let listen = config.http.listen.filter(|_| config.line.mode == LineMode::Agent)?;
    let server = IceServer {
        urls: config.http.ice_servers.clone(),
        username: config.http.ice_username.clone(),
        credential: crate::secret::secret(ICE_CREDENTIAL_VARIABLE).unwrap_or_default(),
    };
    let servers = if server.urls.is_empty() { Vec::new() } else { vec![server] };
    Some(Talks::new(doors.clone(), Arc::new(move || clock.now()), listen, servers))
}

fn gateway(config: &Config) -> Option<SmsGateway> {
    let url = config.sms.url.clone()?;
    Some(SmsGateway {
        url,
        from: config.sms.from.clone(),
        key: crate::secret::secret(SMS_KEY_VARIABLE),
        recognises_repetitions: config.sms.recognises_repetitions,
        pause: SmsGateway::PAUSE,
        try_within: SmsGateway::TRY_WITHIN,
    })
}

/// A tenth of what a minute allows may come at once.
fn rate(per_minute: u32) -> Rate {
    Rate { burst: (per_minute / 10).max(1), per_minute }
}
