//! Content negotiation: what the caller accepts (RFC 9110 §12.5.1), and what it sends.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};

use super::rejection::Rejection;
use crate::domain::import::Format;

/// Checks that the caller accepts JSON, or CSV where there is that too, and says whether CSV is
/// preferred: of the ranges that cover a media type the most specific decides (RFC 9110 §12.5.1).
pub(super) fn prefers_csv(headers: &HeaderMap, csv: bool) -> Result<bool, Rejection> {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<_> = lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    let weight = |wanted: &str| {
        ranges.iter().find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            parts.next().filter(|range| range.eq_ignore_ascii_case(wanted))?;
            let q =
                parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some(q.map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0)))
        })
    };
    let best = |of: [&str; 3]| of.into_iter().find_map(weight).unwrap_or(0.0);
    let json = best(["application/json", "application/*", "*/*"]);
    let csv = if csv { best(["text/csv", "text/*", "*/*"]) } else { 0.0 };
    if ranges.is_empty() || json.max(csv) > 0.0 {
        Ok(csv > json)
    } else {
        Err(Rejection::NotAcceptable)
    }
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

fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Checks that a body is JSON, by its media type.
pub(super) fn check_json(
    headers: &HeaderMap,
    method: &Method,
    bytes: &Bytes,
) -> Result<(), Rejection> {
    let patch = method == Method::PATCH;
    let due =
        if patch { "application/merge-patch+json, application/json" } else { "application/json" };
    let fits = match media_type(headers).as_deref() {
        Some("application/json") => true,
        Some("application/merge-patch+json") => patch,
        Some(_) => false,
        None => bytes.is_empty() && !headers.contains_key(CONTENT_TYPE),
    };
    if is_plain(headers) && fits {
        Ok(())
    } else {
        Err(Rejection::UnsupportedMediaType { due, patch })
    }
}

/// How the rows of the body are written, by its media type.
pub(super) fn format_of_rows(headers: &HeaderMap) -> Result<Format, Rejection> {
    match media_type(headers).as_deref().filter(|_| is_plain(headers)) {
        Some("text/csv") => Ok(Format::Csv),
        Some("application/x-ndjson" | "application/jsonl") => Ok(Format::Ndjson),
        _ => Err(Rejection::UnsupportedMediaType {
            due: "text/csv, application/x-ndjson",
            patch: false,
        }),
    }
}
