//! The connections of `kith serve`. When the service is deployed, API Gateway has them.
//!
//! A connection is closed if its client does not finish the headers of a request, or sends no
//! further request. That ends connections of lost clients, and connections that an attacker opened
//! to block others. The number of connections stays below what the process may open. When it is
//! reached, the connection that has waited longest for a request makes room for a new one.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, getrlimit};
use shared::http::edge::Address;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tower::ServiceExt as _;

/// How long a client may take for the headers of a request, from their first byte on.
const HEADERS: Duration = Duration::from_secs(10);
/// How long a connection may wait for a request.
const IDLE: Duration = Duration::from_mins(1);
/// The most bytes of the request line and the headers together.
const BUFFER: usize = 64 * 1024;
/// The most connections.
const MAX_CONNECTIONS: u64 = 4096;
/// The number of open files that a process needs besides its connections, for the table and the
/// workers of scripts.
const OTHER_FILES: u64 = 64;
/// How long the listener rests when the process cannot open another file.
const REST: Duration = Duration::from_millis(200);

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for a request since then.
    Waiting(Instant),
    /// The first bytes of a request came then, and its headers are not complete.
    Headers(Instant),
    /// A request is under way. Limits of bodies and of work are those of the service.
    Busy,
    /// It is to be closed, because another one needs its place.
    Yields,
}

impl Phase {
    /// When the connection is to be closed, if nothing else happens.
    fn ends_at(self) -> Option<Instant> {
        match self {
            Self::Waiting(since) => Some(since + IDLE),
            Self::Headers(since) => Some(since + HEADERS),
            Self::Busy => None,
            Self::Yields => Some(Instant::now()),
        }
    }

    /// Since when the connection is idle; `None` while it is in use.
    const fn unused_since(self) -> Option<Instant> {
        match self {
            Self::Waiting(since) | Self::Headers(since) => Some(since),
            Self::Busy | Self::Yields => None,
        }
    }
}

type PhaseSender = Arc<watch::Sender<Phase>>;

/// The connections that are open.
struct Connections {
    places: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, PhaseSender>>,
}

impl Connections {
    fn new() -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = files.saturating_sub(OTHER_FILES).clamp(1, MAX_CONNECTIONS);
        let places = usize::try_from(most).unwrap_or(1);
        Self { places: Arc::new(Semaphore::new(places)), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, PhaseSender>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection. If none is free, the connection that was unused for longest
    /// gives up its place.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        loop {
            self.make_room();
            let free = self.places.clone().acquire_owned();
            if let Ok(place) = tokio::time::timeout(REST, free).await {
                return place.ok();
            }
        }
    }

    fn make_room(&self) {
        let open = self.open();
        let unused = open.values().filter_map(|phase| {
            let since = phase.borrow().unused_since()?;
            Some((since, phase))
        });
        if let Some((_, phase)) = unused.min_by_key(|(since, _)| *since) {
            phase.send_if_modified(|phase| {
                let unused = phase.unused_since().is_some();
                if unused {
                    *phase = Phase::Yields;
                }
                unused
            });
        }
    }
}

/// Serves until `stop` is done, then until the requests under way are answered.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    accept(listener, router, Connections::new(), stop).await;
}

async fn accept(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(connections);
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut number = 0;
    loop {
        // No connection loses its place before another one is there.
        let accepted = async {
            let accepted = listener.accept().await?;
            Ok((connections.place().await, accepted))
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Ok((Some(place), accepted)) => (place, accepted),
                Ok((None, _)) => break,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => {
                    tracing::error!(operation = "accept", cause = %error);
                    tokio::time::sleep(REST).await;
                    continue;
                }
            },
        };
        number += 1;
        let phase = Arc::new(watch::Sender::new(Phase::Waiting(Instant::now())));
        connections.open().insert(number, phase.clone());
        let (connections, router, stopped) = (connections.clone(), router.clone(), stopped.clone());
        tokio::spawn(async move {
            drive(stream, peer, phase, router, stopped).await;
            connections.open().remove(&number);
            drop(place);
        });
    }
    drop(listener);
    // The receivers may be gone already.
    let _ = stopping.send(true);
    drop(stopped);
    stopping.closed().await;
}

/// Whether only the connection that was to be accepted is at fault.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// Answers the requests of one connection.
async fn drive(
    stream: TcpStream,
    peer: SocketAddr,
    phase: PhaseSender,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut changed = phase.subscribe();
    let stream = TokioIo::new(WatchedStream { stream, phase: phase.clone() });
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        phase.send_replace(Phase::Busy);
        let (router, phase) = (router.clone(), phase.clone());
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Address(peer.ip().to_string()));
        async move {
            let response = router.oneshot(request).await?;
            Ok::<Response<_>, std::convert::Infallible>(
                response.map(|body| WatchedBody { body, _end: EndOfAnswer(phase) }),
            )
        }
    });
    let mut connection =
        pin!(http1::Builder::new().max_buf_size(BUFFER).serve_connection(stream, answer));
    loop {
        let ends_at = changed.borrow_and_update().ends_at();
        let end = async {
            match ends_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Only the client needs to know that its connection failed.
            _ = &mut connection => return,
            () = end => return,
            Ok(()) = changed.changed() => {}
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// A stream that says when a request begins.
struct WatchedStream {
    stream: TcpStream,
    phase: PhaseSender,
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.phase.send_if_modified(|phase| {
                let begins = matches!(phase, Phase::Waiting(_));
                if begins {
                    *phase = Phase::Headers(Instant::now());
                }
                begins
            });
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of an answer; when the connection has taken all of it, the connection waits again.
struct WatchedBody {
    body: Body,
    _end: EndOfAnswer,
}

struct EndOfAnswer(PhaseSender);

impl Drop for EndOfAnswer {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Waiting(Instant::now()));
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
