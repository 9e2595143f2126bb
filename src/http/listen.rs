//! Connections: so many at once, each with so much patience.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower_service::Service;

use super::patience::Patient;

/// Connections at the same time; more wait in the kernel's backlog.
const CONNECTIONS_MAX: usize = 256;
/// A request's head comes within this.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Whoever takes nothing of an answer for so long is gone.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes; also the buffer of each connection.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after a connection that could not be taken.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// Serves until it is dropped; its connections end with it.
pub(super) async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // What has ended needs no place any more.
        while connections.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            // No file descriptor is free: that passes when a connection ends.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let router = router.clone();
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                router.clone().call(request)
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(Patient::new(stream, TAKEN_WITHIN)), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection of the HTTP door broke");
            }
            drop(place);
        });
    }
}
