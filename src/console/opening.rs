//! What takes its time: devices are opened and a seat is taken, and the terminal goes on meanwhile.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::attach::{Devices, NotSeated, Seated, Wanted};
use super::news::News;
use super::seat::Part;

/// What was opened.
pub(super) enum Opened {
    /// A seat at this line, in this part.
    Seat(Box<Seated>, u64, Part),
    /// Other devices, for the seat that there is.
    Devices(Devices),
}

/// What is on its way. Of several attempts only the last counts: what comes of the others is closed again.
pub(super) struct Opening {
    told: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
    attempt: u64,
}

type Told = (u64, Result<Opened, NotSeated>);

impl Opening {
    /// Nothing is.
    pub fn new() -> Self {
        Self { told: mpsc::channel(TOLD_MAX), attempt: 0 }
    }

    /// Sits down at a line. To be called in a runtime.
    pub fn sit(
        &mut self,
        socket: PathBuf,
        at: (u64, Part),
        wanted: Wanted,
        news: mpsc::Sender<News>,
    ) {
        self.begin(async move {
            let seated = Seated::sit(&socket, at, &wanted, news).await?;
            Ok(Opened::Seat(Box::new(seated), at.0, at.1))
        });
    }

    /// Opens other devices. To be called in a runtime.
    pub fn devices(&mut self, wanted: Wanted) {
        self.begin(async move { Devices::open(&wanted).await.map(Opened::Devices) });
    }

    /// What is on its way is not wanted any more.
    pub fn forget(&mut self) {
        self.attempt += 1;
    }

    /// What came of the last attempt. Cancel-safe.
    pub async fn next(&mut self) -> Result<Opened, NotSeated> {
        loop {
            match self.told.1.recv().await {
                Some((attempt, what)) if attempt == self.attempt => return what,
                Some(_) => {}
                // We hold a sender ourselves.
                None => std::future::pending().await,
            }
        }
    }

    fn begin(&mut self, work: impl Future<Output = Result<Opened, NotSeated>> + Send + 'static) {
        self.forget();
        let (attempt, tell) = (self.attempt, self.told.0.clone());
        // A console that has ended needs no answer.
        tokio::spawn(async move { drop(tell.send((attempt, work.await)).await) });
    }
}

/// Somebody who presses keys faster than devices open.
const TOLD_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn of_several_attempts_only_the_last_counts_however_late_the_others_are() {
        let mut opening = Opening::new();
        let (hangs, late) = oneshot::channel::<()>();
        opening.begin(async move {
            let _ = late.await;
            Err(NotSeated::SoundHangs)
        });
        opening.begin(async { Err(NotSeated::Refused("the second".into())) });
        let second = opening.next().await.err().expect("it was refused");
        assert_eq!(second.to_string(), "the second");
        drop(hangs);
        opening.begin(async { Err(NotSeated::Refused("the third".into())) });
        let third = opening.next().await.err().expect("it was refused");
        assert_eq!(third.to_string(), "the third");
        opening.begin(async { Err(NotSeated::SoundHangs) });
        opening.forget();
        tokio::select! {
            biased;
            _ = opening.next() => panic!("nobody wants it any more"),
            () = async { for _ in 0..100 { tokio::task::yield_now().await } } => {}
        }
    }
}
