//! The Lambda Runtime API as a function meets it: it asks for the next event, and posts the answer.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::Measurement;
use crate::process::now;

/// A call of a function to the Runtime API, with its time.
enum RuntimeCall {
    Next(Instant, oneshot::Sender<Bytes>),
    Answer(Instant, Bytes),
    Failure(Bytes),
}

/// A Runtime API for one function at a time.
pub(crate) struct RuntimeApi {
    /// Where it is reached.
    pub address: SocketAddr,
    calls: mpsc::Receiver<RuntimeCall>,
}

/// A function that waits for an event.
pub(crate) struct Idle {
    /// When it asked.
    pub since: Instant,
    event: oneshot::Sender<Bytes>,
}

impl RuntimeApi {
    /// Serves until the program ends.
    pub(crate) async fn serve() -> Measurement<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (seen, calls) = mpsc::channel(8);
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
            .route("/2018-06-01/runtime/init/error", post(failure))
            .with_state(seen);
        tokio::spawn(
            axum::serve(
                axum::serve::ListenerExt::tap_io(listener, |tcp| {
                    // Without this, answers wait for acknowledgements that the kernel delays.
                    let _ = tcp.set_nodelay(true);
                }),
                router,
            )
            .into_future(),
        );
        Ok(Self { address, calls })
    }

    async fn call(&mut self) -> Measurement<RuntimeCall> {
        Ok(self.calls.recv().await.ok_or("the Runtime API has ended")?)
    }

    /// Waits until the function asks for an event.
    pub(crate) async fn idle(&mut self) -> Measurement<Idle> {
        match self.call().await? {
            RuntimeCall::Next(since, event) => Ok(Idle { since, event }),
            RuntimeCall::Answer(..) => Err("an answer without an event".into()),
            RuntimeCall::Failure(text) => {
                Err(format!("the function failed: {}", String::from_utf8_lossy(&text)).into())
            }
        }
    }

    /// Hands an event to the function and waits for its answer.
    pub(crate) async fn invoke(
        &mut self,
        idle: Idle,
        event: &Bytes,
    ) -> Measurement<(Instant, Value)> {
        idle.event.send(event.clone()).map_err(|_| "the function has gone")?;
        match self.call().await? {
            RuntimeCall::Answer(when, answer) => Ok((when, serde_json::from_slice(&answer)?)),
            RuntimeCall::Next(..) => Err("a second request for an event before the answer".into()),
            RuntimeCall::Failure(text) => {
                Err(format!("the function failed: {}", String::from_utf8_lossy(&text)).into())
            }
        }
    }
}

type CallSender = State<mpsc::Sender<RuntimeCall>>;

async fn next(State(seen): CallSender) -> Response {
    let (event, waiting) = oneshot::channel();
    // When the program has stopped listening, the function is about to be ended.
    let _ = seen.send(RuntimeCall::Next(now(), event)).await;
    let Ok(event) = waiting.await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:kith",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        ),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn response(State(seen): CallSender, body: Bytes) -> StatusCode {
    let _ = seen.send(RuntimeCall::Answer(now(), body)).await;
    StatusCode::ACCEPTED
}

async fn failure(State(seen): CallSender, body: Bytes) -> StatusCode {
    let _ = seen.send(RuntimeCall::Failure(body)).await;
    StatusCode::ACCEPTED
}
