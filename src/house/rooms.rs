//! Rooms, in the house.

use media_engine::Clock;

use super::doors::Doors;
use crate::config::Config;
use crate::rooms::{KEY_VARIABLE, Rooms, RoomsParts, SECRET_VARIABLE, api_key};
use crate::text::TextHandle;
use crate::watch::Watch;

/// Starts to keep rooms, if the configuration names a server. A line without them still takes calls.
pub(super) fn start(
    config: &Config,
    doors: Doors,
    (text, watch): (TextHandle, Watch),
    clock: Clock,
) -> Option<Rooms> {
    let section = config.livekit.clone();
    let url = section.url.clone()?;
    let Some(api) = api_key() else {
        tracing::warn!(
            "no rooms: set {KEY_VARIABLE} and {SECRET_VARIABLE} where the line is started"
        );
        return None;
    };
    Some(Rooms::start(RoomsParts { section, api, doors, text, watch, clock }, url))
}
