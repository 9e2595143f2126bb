//! The engine's player, and what it reports into.

#[path = "../../../media/engine/src/audio/player.rs"]
mod player;

mod events {
    use crate::event::AudioEvent;

    /// Takes the player's reports.
    #[derive(Default)]
    pub struct EventPort(pub Vec<AudioEvent>);

    impl EventPort {
        pub fn push(&mut self, event: AudioEvent) {
            self.0.push(event);
        }
    }
}

pub use events::EventPort;
pub(crate) use player::{Player, Playout};

/// Named by the table of rings; no line is opened here.
pub struct AudioLine;
/// As [`AudioLine`].
pub struct Carriage;
/// As [`AudioLine`].
pub struct Guest;
/// As [`AudioLine`].
pub struct MediaUpdate;
/// As [`AudioLine`].
pub struct Table;
