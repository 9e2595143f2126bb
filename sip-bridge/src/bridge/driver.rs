//! The two small tasks beside the listeners: timers, and events that wait for their reader.

use std::sync::Arc;

use super::shared::Shared;
use crate::agent::{Command, Input};
use crate::event::HangupReason;

/// Wakes the agent when it wants to be.
pub(super) async fn timers(shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    loop {
        let alarm = shared.set_alarm().map(|at| shared.clock.instant(at));
        let sleep = async {
            match alarm {
                Some(at) => tokio::time::sleep_until(at).await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = shared.timer_wake.notified() => {}
            () = sleep => shared.handle(Input::Timeout),
        }
    }
}

/// Hands waiting events over as their reader takes them.
pub(super) async fn events(shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    loop {
        if !shared.has_backlog() {
            tokio::select! {
                _ = stop.changed() => return,
                () = shared.event_wake.notified() => continue,
                () = shared.events().closed() => return nobody_listens(&shared),
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            permit = shared.events().reserve() => match permit {
                Ok(permit) => shared.flush_one(permit),
                Err(_) => return nobody_listens(&shared),
            },
        }
    }
}

/// The line is gone: calls that nobody would hear are ended, and no new ones taken.
fn nobody_listens(shared: &Arc<Shared>) {
    tracing::warn!("the event channel is closed: hanging up, taking no more calls");
    shared.handle(Input::Command(Command::Drain));
    shared.handle(Input::Command(Command::HangupAll(HangupReason::Failure)));
}
