//! What a connection's own task runs on, and how its end is told.
//!
//! The stack moves every packet of a connection in one task. If that ends without having been asked to,
//! by an error or a panic inside the stack, nothing moves any more and nobody says so: the peer looks
//! merely silent. Here it is said, and what panicked takes nothing else with it.

use std::any::Any;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tracing::error;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use crate::again::Again;

/// Tokio, with sockets that say handshakes again, and a word after each task of the connection's.
pub(crate) struct Watched {
    ended: Arc<dyn Fn() + Send + Sync>,
}

impl Watched {
    /// `ended`: called in the runtime once a task has ended by itself. Must not wait.
    pub fn new(ended: impl Fn() + Send + Sync + 'static) -> Self {
        Self { ended: Arc::new(ended) }
    }
}

/// Does the work to its end, or to its panic, which is logged and goes no further.
pub(crate) async fn contained(work: impl Future<Output = ()>) -> Result<(), Panicked> {
    let mut work = std::pin::pin!(work);
    let done = std::future::poll_fn(|context| {
        // After a panic the work is dropped and nobody looks at what it held.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(Panicked(message(&*panic)))),
        }
    })
    .await;
    if let Err(panicked) = &done {
        error!(%panicked, "a door loses a task");
    }
    done
}

/// A task found that what it relies on does not hold.
#[derive(Debug, thiserror::Error)]
#[error("a bug of ours or of the WebRTC stack's: {0}")]
pub(crate) struct Panicked(String);

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

/// As the stack's trait has it.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for Watched {
    fn spawn(&self, work: Later<'static, ()>) -> Box<dyn JoinHandle> {
        let ended = Arc::clone(&self.ended);
        TOKIO.spawn(Box::pin(async move {
            // Whichever it was, packets do not move any more.
            let _ = contained(work).await;
            ended();
        }))
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Again::new(TOKIO.wrap_udp_socket(socket)?)))
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TOKIO.wrap_tcp_listener(listener)
    }

    fn connect_tcp(&self, to: SocketAddr) -> Later<'_, io::Result<Arc<dyn AsyncTcpStream>>> {
        TOKIO.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Later<'a, io::Result<Vec<SocketAddr>>> {
        TOKIO.resolve_host(host)
    }

    fn now(&self) -> Instant {
        TOKIO.now()
    }

    fn sleep(&self, duration: Duration) -> Later<'static, ()> {
        TOKIO.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TOKIO.interval(period)
    }

    fn block_on(&self, work: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TOKIO.block_on(work);
    }

    fn yield_now(&self) -> Later<'static, ()> {
        TOKIO.yield_now()
    }
}

/// What does most of the work.
static TOKIO: TokioRuntime = TokioRuntime;

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_connections_task_that_panics_is_told_of_and_nothing_else_ends() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let watched = Watched::new(move || assert!(tell.send(()).is_ok()));
        watched.spawn(Box::pin(async {
            tokio::task::yield_now().await;
            panic!("a transceiver is missing");
        }));
        assert_eq!(told.recv().await, Some(()));
        watched.spawn(Box::pin(async {}));
        assert_eq!(told.recv().await, Some(()), "and one that merely ends");
        let panicked = contained(async { panic!("number {}", 7) }).await.unwrap_err();
        assert!(panicked.to_string().ends_with("number 7"), "{panicked}");
    }
}
