//! The embedded table for other programs on this machine, over DynamoDB's protocol: functions that
//! `cargo lambda` runs, `kith --table` beside a running service, the AWS CLI.
//!
//! Credentials are not verified: every caller who reaches the port can read keys and personal data.
//! So the port listens on loopback alone and accepts only requests that name a loopback host. That
//! refuses a web page whose host name resolves to this machine.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;

use crate::Failure;
use crate::embedded::Embedded;

/// The most bytes of a request, as of DynamoDB.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// How DynamoDB calls its JSON.
const JSON: &str = "application/x-amz-json-1.0";

/// Listens for programs of this machine.
pub(crate) async fn listen(at: SocketAddr) -> Result<TcpListener, Failure> {
    if !at.ip().is_loopback() {
        return Err(format!(
            "cannot lend the table on {at}: expected a loopback address, e.g. 127.0.0.1:{}, because \
             credentials are not verified",
            at.port()
        )
        .into());
    }
    let listener = TcpListener::bind(at).await;
    Ok(listener.map_err(|error| {
        format!("cannot listen on {at}: {error}; use another address by --dynamodb")
    })?)
}

/// Answers with an engine.
pub(crate) fn router(engine: Embedded) -> Router {
    Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(engine)
}

async fn answer(State(engine): State<Embedded>, headers: HeaderMap, body: Bytes) -> Response {
    if !names_this_machine(&headers) {
        let why = "the table is lent to programs of this machine; expected a loopback `Host`";
        return failed(StatusCode::FORBIDDEN, "AccessDeniedException", why);
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let answered = engine.answer(target.unwrap_or_default().to_owned(), body).await;
    match answered.map(|(status, body)| (StatusCode::from_u16(status), body)) {
        Ok((Ok(status), body)) => (status, [(CONTENT_TYPE, JSON)], body).into_response(),
        Ok((Err(_), _)) => internal("the engine answered with a wrong status"),
        Err(error) => internal(&error.to_string()),
    }
}

/// Whether a request was sent to a loopback host, and not to a name that resolves to one.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|authority| is_this_machine(&authority))
}

/// Whether a host is loopback, and not a name that resolves to it.
pub(crate) fn is_this_machine(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host.eq_ignore_ascii_case("localhost")
}

fn internal(why: &str) -> Response {
    failed(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", why)
}

/// An error in the form of DynamoDB.
fn failed(status: StatusCode, kind: &str, why: &str) -> Response {
    let body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": why
    });
    (status, [(CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use shared::env::Env;
    use tower::ServiceExt as _;

    use super::*;
    use crate::table::{LOCAL, open_embedded};

    async fn list(host: &str) -> StatusCode {
        let (_, engine) = open_embedded(None, Env::default()).await.unwrap();
        let request = Request::post("/")
            .header("host", host)
            .header("x-amz-target", "DynamoDB_20120810.DescribeTable")
            .body(Body::from(json!({ "TableName": LOCAL }).to_string()));
        router(engine).oneshot(request.unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn the_table_is_lent_to_those_who_name_this_machine() {
        for host in ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"] {
            assert_eq!(list(host).await, StatusCode::OK, "{host}");
        }
        for host in ["evil.example:8000", "10.0.0.7", "localhost.evil.example", "127.0.0.1.nip.io"]
        {
            assert_eq!(list(host).await, StatusCode::FORBIDDEN, "{host}");
        }
    }

    #[tokio::test]
    async fn the_table_is_lent_on_loopback_alone() {
        for at in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8000"] {
            let refused = listen(at.parse().unwrap()).await.unwrap_err().to_string();
            assert!(refused.contains("expected a loopback address"), "{refused}");
        }
        listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    }
}
