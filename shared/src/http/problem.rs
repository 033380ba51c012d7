//! Problem details (RFC 9457): the form in which rejections are answered.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};
use serde::Serialize;

use crate::domain::error::{Error, MAX_DETAIL, Violation};
use crate::domain::suggest::cut;

/// The seconds after which a request that failed temporarily may be repeated.
pub const RETRY_SECONDS: u8 = 1;

/// A kind of problem.
#[derive(Clone, Copy, Debug)]
pub struct ProblemKind {
    status: u16,
    slug: &'static str,
    title: &'static str,
}

impl ProblemKind {
    pub(super) const fn new(status: u16, slug: &'static str, title: &'static str) -> Self {
        Self { status, slug, title }
    }

    /// The status of its answers.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.status
    }

    /// The last part of its `type`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.slug
    }

    /// The title of its answers.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// A problem of this kind; `count` is how many resources were found, if that is the problem.
    pub(super) fn problem(
        self,
        detail: String,
        count: Option<usize>,
        errors: Vec<Violation>,
    ) -> Problem {
        Problem {
            slug: self.slug,
            kind: format!("/problems/{}", self.slug),
            title: self.title,
            status: self.status,
            detail: cut(detail, MAX_DETAIL),
            request_id: None,
            challenge: None,
            count,
            max_age: None,
            errors,
        }
    }
}

/// The body of an error, before the request's id is known.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(skip)]
    slug: &'static str,
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Violation>,
}

impl Problem {
    /// The same with how old the caller's sign-in may be, in seconds.
    #[must_use]
    pub(super) fn with_max_age(self, max_age: Option<i64>) -> Self {
        Self { max_age, ..self }
    }

    /// Writes the body with the request's id.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Vec<u8> {
        self.request_id = Some(id.to_owned());
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

/// The kind of an error in the log line of its request: the slug of a problem, or a code of OAuth.
#[derive(Clone, Copy, Debug)]
pub struct LoggedError(pub &'static str);

/// The credentials that the answer asks for: a challenge of each scheme (RFC 9110 §11.6.1).
#[derive(Clone, Debug)]
pub(super) struct Challenge(pub(super) Vec<String>);

impl Challenge {
    /// Asks for the credentials in an answer: in `WWW-Authenticate`, and in the problem, because a
    /// gateway may rename the header. Each challenge names the metadata of the resource at
    /// `base_url`, where clients find who issues tokens for it (RFC 9728 §5.1).
    pub(super) fn ask(response: &mut Response, base_url: Option<&str>) {
        let Some(Self(challenges)) = response.extensions_mut().remove::<Self>() else { return };
        let metadata = base_url.map_or_else(String::new, |url| {
            format!(", resource_metadata=\"{}\"", protected_resource_metadata(url))
        });
        let challenges: Vec<_> =
            challenges.into_iter().map(|challenge| challenge + &metadata).collect();
        let text = challenges.join(", ");
        if let Ok(value) = HeaderValue::try_from(&text) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
            problem.challenge = Some(text);
        }
    }
}

/// Where the metadata of the service as a protected resource is (RFC 9728 §3.1).
#[must_use]
pub fn protected_resource_metadata(base_url: &str) -> String {
    format!("{base_url}/.well-known/oauth-protected-resource")
}

/// The cause of an error that the log names and the answer does not.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

impl Cause {
    /// The cause to log for an error, if its answer does not name it.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Unavailable(what) | Error::Unexpected(what) => Some(Self(what.clone())),
            _ => None,
        }
    }
}

/// A header and its value.
pub(super) type Header = (HeaderName, String);

/// The answer with a problem and its headers. The edge writes the body, because it knows the
/// request's id.
pub(super) fn respond(problem: Problem, headers: Vec<Header>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fixed = [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "private, no-cache"),
        (VARY, "Authorization, Accept"),
        // Of paths that a browser may open, some have no page.
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(LoggedError(problem.slug));
    response.extensions_mut().insert(problem);
    response
}
