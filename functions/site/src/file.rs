//! Files that are part of the program.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use shared::axum::body::Body;
use shared::axum::extract::Path;
use shared::axum::response::Response;
use shared::domain::error::{Error, Result};
use shared::domain::versioned::Tag;
use shared::http::cross_origin;
use shared::http::negotiation::accepts_gzip;
use shared::http::precondition::Preconditions;
use shared::http::rejection::Rejection;

/// A file, compressed when the program was built.
#[derive(Clone, Copy)]
pub(crate) struct File {
    name: &'static str,
    media: &'static str,
    /// A hash of the content.
    version: &'static str,
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The files that pages use.
const ASSETS: [File; 5] = [STYLE, ICON, REFERENCE, SWAGGER_UI, SWAGGER_UI_STYLE];

/// How long answers may be kept that change with a new version of the service.
pub(crate) const BRIEF: &str = "public, max-age=300";
/// The content of a path with the right version never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

impl File {
    /// Where pages find it; the path changes with the content.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}/{}", self.version, self.name)
    }

    /// Answers with the content, in gzip if the caller accepts that.
    fn answer(&self, headers: &HeaderMap, cache_control: &'static str) -> Result<Response> {
        let gzip = accepts_gzip(headers);
        // Each encoding is a representation of its own (RFC 9110 §8.8.3).
        let tag = Tag::stored(format!("{}{}", self.version, if gzip { "-gzip" } else { "" }));
        let preconditions = Preconditions::read(headers, &Method::GET)?;
        preconditions.check_match(&[&tag])?;
        let known = !preconditions.none_match_allows(Some(&tag));
        let mut response = Response::new(match (known, gzip) {
            (true, _) => Body::empty(),
            (false, true) => Body::from(self.gzip),
            (false, false) => Body::from(self.content()?),
        });
        let tag = HeaderValue::try_from(tag.to_string()).map_err(Error::unexpected)?;
        let mut set = |name: HeaderName, value: HeaderValue| {
            response.headers_mut().insert(name, value);
        };
        set(ETAG, tag);
        set(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        set(VARY, HeaderValue::from_static("Accept-Encoding"));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        set(CONTENT_TYPE, HeaderValue::from_static(self.media));
        if gzip {
            set(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }

    /// The content without compression, for the few callers that do not accept gzip.
    fn content(&self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        GzDecoder::new(self.gzip).read_to_end(&mut content).map_err(Error::unexpected)?;
        Ok(content)
    }
}

/// Reads the description of the service.
pub(crate) async fn description(headers: HeaderMap) -> Result<Response> {
    describe(OPENAPI, &headers)
}

/// Reads the description of the service in OpenAPI 3.0.
pub(crate) async fn description_3_0(headers: HeaderMap) -> Result<Response> {
    describe(OPENAPI_3_0, &headers)
}

fn describe(file: File, headers: &HeaderMap) -> Result<Response> {
    let mut response = file.answer(headers, BRIEF)?;
    cross_origin::open_to_all(response.headers_mut());
    Ok(response)
}

/// Reads a file that pages use. While traffic moves to a new version of the service, a page may ask
/// for a file of the other version: it gets the file of this one, and must not keep it.
pub(crate) async fn asset(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let file = ASSETS.into_iter().find(|file| file.name == name).ok_or(Rejection::NoRoute)?;
    Ok(file.answer(&headers, if file.version == version { FOREVER } else { "no-cache" })?)
}
