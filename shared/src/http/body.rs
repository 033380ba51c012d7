//! The body of a request: read up to the route's limit, and taken for what its media type says.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method};

use super::negotiation::{check_json, format_of_rows};
use super::rejection::Rejection;
use super::route;
use crate::domain::error::{Error, Result};
use crate::domain::import::{Format, MAX_BYTES};
use crate::domain::json::{Json, Object, without_mark};

/// The largest body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// How long a client may take to send a body. When the functions are deployed, API Gateway has the
/// body before a function sees the request.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The body of a request.
#[derive(Debug, Default)]
pub enum Payload {
    /// Nothing, or nothing more.
    #[default]
    None,
    /// A JSON document.
    Json(Json),
    /// Rows, and how they are written.
    Rows(Format, Bytes),
}

/// A body whose size and media type are as the route wants them.
pub(super) struct Received {
    bytes: Bytes,
    /// How its rows are written, if the route takes rows.
    format: Option<Format>,
}

impl Received {
    /// Reads the body as far as the route takes one.
    pub(super) async fn read(
        parts: &Parts,
        body: Body,
        takes: route::Body,
    ) -> Result<Self, Rejection> {
        let bytes = match takes {
            route::Body::None if parts.method != Method::POST => Bytes::new(),
            route::Body::None
            | route::Body::Json(_)
            | route::Body::OptionalJson(_)
            | route::Body::Form(_) => read_body(&parts.headers, body, MAX_BODY).await?,
            route::Body::Rows(_) => read_body(&parts.headers, body, MAX_BYTES).await?,
        };
        let format = match takes {
            route::Body::Rows(_) => Some(format_of_rows(&parts.headers)?),
            _ => None,
        };
        if matches!(takes, route::Body::Json(_) | route::Body::OptionalJson(_)) {
            check_json(&parts.headers, &parts.method, &bytes)?;
        }
        Ok(Self { bytes, format })
    }

    /// The parts that a repeat of the request must have in common with it: the bytes and, for rows,
    /// their format and the query.
    pub(super) fn content<'r>(&'r self, query: &'r str) -> Vec<&'r [u8]> {
        match self.format {
            Some(format) => {
                vec![format.name().as_bytes(), b"\n", query.as_bytes(), b"\n", &self.bytes]
            }
            None => vec![&self.bytes],
        }
    }

    /// Takes the body apart.
    pub(super) fn parse(self, takes: route::Body) -> Result<Payload> {
        Ok(match (takes, self.format) {
            (_, Some(format)) => Payload::Rows(format, self.bytes),
            (route::Body::OptionalJson(_), None) if self.bytes.is_empty() => {
                Payload::Json(Json::Object(Object::new()))
            }
            (route::Body::Json(_) | route::Body::OptionalJson(_), None) => {
                Payload::Json(Json::parse(without_mark(&self.bytes))?)
            }
            (route::Body::None, None) if !is_nothing(&self.bytes) => {
                let detail = "this route takes no body; send none, or `{}`";
                return Err(Error::Malformed(detail.to_owned()));
            }
            (route::Body::None | route::Body::Form(_) | route::Body::Rows(_), None) => {
                Payload::None
            }
        })
    }
}

/// Whether a body says nothing: many clients send an empty object with every POST.
fn is_nothing(bytes: &[u8]) -> bool {
    let mut visible = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    matches!(
        (visible.next(), visible.next(), visible.next()),
        (None, ..) | (Some(b'{'), Some(b'}'), None)
    )
}

/// Reads a body of at most `most` bytes, which arrives within `BODY_TIME`.
pub async fn read_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Rejection> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(Rejection::TooLarge(most));
    }
    let arrived = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, most)).await;
    let arrived = arrived.map_err(|_| {
        let seconds = BODY_TIME.as_secs();
        Error::Malformed(format!("the body did not arrive within {seconds} seconds"))
    })?;
    arrived.map_err(|error| {
        let broken = std::error::Error::source(&error)
            .is_none_or(|source| !source.is::<http_body_util::LengthLimitError>());
        if broken {
            Error::Malformed("the body ended before `Content-Length` was reached".to_owned()).into()
        } else {
            Rejection::TooLarge(most)
        }
    })
}
