//! Content negotiation: what the caller accepts (RFC 9110 §12.5.1), and what it sends.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};

use super::answer::JSON;
use super::rejection::Rejection;
use crate::domain::import::Format;

const MERGE_PATCH: &str = "application/merge-patch+json";

/// The ranges of an Accept header or one of its kind, each with its weight.
struct Ranges<'a>(Vec<(&'a str, f32)>);

impl<'a> Ranges<'a> {
    fn read(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        let ranges = lines.flat_map(|line| line.split(',')).map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let q =
                parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            (range, q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
        });
        Self(ranges.filter(|(range, _)| !range.is_empty()).collect())
    }

    /// The weight of the first of these ranges that is there.
    fn weight(&self, ranges: &[&str]) -> Option<f32> {
        ranges.iter().find_map(|wanted| {
            let found = self.0.iter().find(|(range, _)| range.eq_ignore_ascii_case(wanted));
            found.map(|(_, weight)| *weight)
        })
    }
}

/// The caller's preferred media type among those that the route offers; the first of equal ones. Of
/// the ranges that cover a media type the most specific decides (RFC 9110 §12.5.1).
pub fn preferred(headers: &HeaderMap, offered: &[&'static str]) -> Result<&'static str, Rejection> {
    let ranges = Ranges::read(headers, &ACCEPT);
    let mut best = ("", 0.0);
    for media in offered {
        let family = media.split('/').next().unwrap_or_default();
        let weight = ranges.weight(&[media, &format!("{family}/*"), "*/*"]);
        let weight = weight.unwrap_or(if ranges.0.is_empty() { 1.0 } else { 0.0 });
        if weight > best.1 {
            best = (media, weight);
        }
    }
    if best.1 > 0.0 { Ok(best.0) } else { Err(Rejection::NotAcceptable) }
}

/// Whether the caller takes content in gzip (RFC 9110 §12.5.3).
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let ranges = Ranges::read(headers, &ACCEPT_ENCODING);
    ranges.weight(&["gzip", "*"]).is_some_and(|weight| weight > 0.0)
}

/// The media type of the body, lower-cased, without parameters; `None` when there is none or it is
/// not readable as UTF-8.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';');
    let essence = parts.next()?.trim().to_ascii_lowercase();
    let utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    utf8.then_some(essence)
}

/// Whether the body is sent uncompressed.
#[must_use]
pub fn is_plain(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Checks that a body is JSON, by its media type.
pub(super) fn check_json(
    headers: &HeaderMap,
    method: &Method,
    bytes: &Bytes,
) -> Result<(), Rejection> {
    let patch = method == Method::PATCH;
    let expected: &[_] = if patch { &[MERGE_PATCH, JSON] } else { &[JSON] };
    let fits = match media_type(headers).as_deref() {
        Some(media) => expected.contains(&media),
        None => false,
    };
    // An empty body has no media type, even if a gateway adds the header.
    match (bytes.is_empty(), is_plain(headers), fits) {
        (true, ..) | (_, true, true) => Ok(()),
        (_, false, _) => Err(Rejection::UnsupportedEncoding),
        (_, _, false) => Err(Rejection::UnsupportedMediaType { expected, patch }),
    }
}

/// How the rows of the body are written, by its media type.
pub(super) fn format_of_rows(headers: &HeaderMap) -> Result<Format, Rejection> {
    if !is_plain(headers) {
        return Err(Rejection::UnsupportedEncoding);
    }
    match media_type(headers).as_deref() {
        Some("text/csv") => Ok(Format::Csv),
        Some("application/x-ndjson" | "application/jsonl") => Ok(Format::Ndjson),
        _ => Err(Rejection::UnsupportedMediaType {
            expected: &["text/csv", "application/x-ndjson"],
            patch: false,
        }),
    }
}
