//! One talk, from the answer to its end.

use std::time::Duration;

use plugin_webrtc::{Session, SessionEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Command, Talks};
use crate::house::doors::{Doors, Entry, SeatEvent, Seated};

/// A browser on the same machine is there in a fraction of a second, one behind a relay in a few.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);

pub(super) struct Keeper {
    pub talks: Talks,
    pub name: String,
    pub session: Session,
    pub events: mpsc::Receiver<SessionEvent>,
    pub commands: mpsc::Receiver<Command>,
}

impl Keeper {
    /// Seats the browser when it is connected, and lets go of everything when the talk is over.
    pub(super) async fn keep(mut self, doors: Doors, entry: Entry) {
        let reason = match self.connected().await {
            Err(reason) => reason,
            Ok(()) => match doors.enter(entry).await {
                Err(refused) => refused.to_string(),
                Ok(seated) => {
                    self.talks.seated(&self.name, seated.line);
                    tracing::info!(line = %seated.line, "a browser talks");
                    self.talk(seated).await
                }
            },
        };
        // The seat is left by now; the browser is told goodbye.
        self.talks.over(&self.name, reason);
        self.session.close().await;
    }

    async fn connected(&mut self) -> Result<(), String> {
        let latest = Instant::now() + CONNECTED_WITHIN;
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(SessionEvent::Connected) => return Ok(()),
                    Some(SessionEvent::Interrupted) => {}
                    Some(SessionEvent::Lost | SessionEvent::Left) | None => {
                        return Err("the browser went away".to_owned());
                    }
                },
                command = self.commands.recv() => self.obey(command, None).await?,
                () = sleep_until(latest) => {
                    return Err("the browser did not find its way here; see [http] ice_servers".to_owned());
                }
            }
        }
    }

    async fn talk(&mut self, mut seated: Seated) -> String {
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(SessionEvent::Connected | SessionEvent::Interrupted) => {}
                    Some(SessionEvent::Lost) => return "the browser is gone".to_owned(),
                    Some(SessionEvent::Left) | None => return "the browser left".to_owned(),
                },
                event = seated.events.recv() => match event {
                    Some(SeatEvent::LineClosed { reason }) => return reason,
                    None => return "the line is over".to_owned(),
                    Some(SeatEvent::Part(part)) => self.talks.takes_part(&self.name, part),
                    Some(_) => {}
                },
                command = self.commands.recv() => {
                    if let Err(reason) = self.obey(command, Some(&seated)).await {
                        return reason;
                    }
                }
            }
        }
    }

    /// # Errors
    /// Why the talk is over.
    async fn obey(
        &mut self,
        command: Option<Command>,
        seated: Option<&Seated>,
    ) -> Result<(), String> {
        match command {
            None | Some(Command::End) => return Err("ended at the page".to_owned()),
            Some(Command::Part(part)) => {
                if let (Some(seated), Some(part)) = (seated, part.operator()) {
                    seated.set_part(part);
                }
            }
            Some(Command::Restart(offer, answer)) => {
                // Who asked and went away needs no answer.
                let _ = answer.send(self.session.take(&offer).await);
            }
        }
        Ok(())
    }
}
