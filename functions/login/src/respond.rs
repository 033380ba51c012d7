//! Answers: pages with their security headers, redirects, and the pages of refusals.

use std::sync::Arc;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use maud::Markup;
use shared::app::App;
use shared::axum::body::Body;
use shared::axum::extract::Request;
use shared::axum::middleware::{Next, from_fn};
use shared::axum::response::{IntoResponse, Response};
use shared::axum::routing::MethodRouter;
use shared::domain::error::Error;
use shared::http::Rejection;
use shared::http::edge::RequestId;
use shared::http::problem::{Cause, LoggedError, RETRY_SECONDS};

use crate::fields::Fields;
use crate::pages::{self, ErrorPage, Failure, Shell};
use crate::texts::Locale;

/// Where a person goes on who came to a page that shows nothing by itself.
const ACCOUNT: &str = "/idhub/account";

/// A page that is to be answered.
#[derive(Debug)]
pub(crate) struct Page {
    status: StatusCode,
    content: Markup,
    /// Where its forms may lead, besides this service.
    form_action: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What the log line of the request says.
    logged: Option<&'static str>,
}

impl Page {
    /// A page with the status 200. `Visit::page` makes it and sets the cookie that binds its forms.
    pub(crate) const fn new(content: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            content,
            form_action: None,
            headers: Vec::new(),
            logged: None,
        }
    }

    /// Sets the status.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Lets a form of the page end at this origin. Browsers apply `form-action` to the redirects
    /// that follow a form, too (rule G11).
    pub(crate) fn form_action(self, origin: Option<String>) -> Self {
        Self { form_action: origin, ..self }
    }

    /// Sets a cookie.
    pub(crate) fn cookie(mut self, cookie: HeaderValue) -> Self {
        self.headers.push((SET_COOKIE, cookie));
        self
    }

    /// Names what went wrong in the log line of the request (rule G71).
    pub(crate) fn logged(self, error: &'static str) -> Self {
        Self { logged: Some(error), ..self }
    }

    /// Says after how many seconds a repeat is worth a try.
    pub(crate) fn retry_after(mut self, seconds: Option<i64>) -> Self {
        self.headers.extend(seconds.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.content.into_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::try_from(content_policy(self.form_action.as_deref())) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if let Some(error) = self.logged {
            response.extensions_mut().insert(LoggedError(error));
        }
        response
    }
}

/// The content security policy of a page whose forms may end at `origin`.
fn content_policy(origin: Option<&str>) -> String {
    let target = origin.map_or_else(String::new, |origin| format!(" {origin}"));
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
         form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// Sends the browser on with a GET (rule G11).
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    match HeaderValue::try_from(location) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(error) => Refusal::from(Error::unexpected(error)).into_response(),
    }
}

/// Why a request gets no answer of its own.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A page that says what is wrong and where to go on.
    Failure(FailurePage),
    /// Another answer in place of the expected one, mostly a redirect.
    Response(Box<Response>),
    /// A fault of the service.
    Fault(Error),
}

/// What the page of a refusal shows.
#[derive(Clone, Debug)]
pub(crate) struct FailurePage {
    /// What is wrong.
    pub(crate) failure: Failure,
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// The path at which the person starts again.
    pub(crate) restart: Option<String>,
    /// Where the person came from.
    pub(crate) back: Option<String>,
}

impl Refusal {
    /// A page for this failure.
    pub(crate) const fn of(failure: Failure) -> Self {
        Self::Failure(FailurePage {
            failure,
            status: status_of(failure),
            restart: None,
            back: None,
        })
    }

    /// A page for this failure, which leads to a path of this service.
    pub(crate) const fn restarting(failure: Failure, restart: Option<String>) -> Self {
        Self::Failure(FailurePage { failure, status: status_of(failure), restart, back: None })
    }

    /// A page for this failure, which leads back to the application.
    pub(crate) const fn leading_back(failure: Failure, back: Option<String>) -> Self {
        Self::Failure(FailurePage { failure, status: status_of(failure), restart: None, back })
    }
}

const fn status_of(failure: Failure) -> StatusCode {
    match failure {
        Failure::UnknownTenant | Failure::NotFound => StatusCode::NOT_FOUND,
        Failure::Foreign | Failure::Blocked | Failure::NoSubject | Failure::SignedOut => {
            StatusCode::FORBIDDEN
        }
        Failure::Taken | Failure::Changed => StatusCode::CONFLICT,
        Failure::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self::Response(Box::new(response))
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Domain(Error::Malformed(_)) => Self::of(Failure::Expired),
            Rejection::Domain(error) => Self::Fault(error),
            Rejection::TooLarge(_) => Self::of(Failure::TooLarge),
            _ => Self::of(Failure::Expired),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (page, cause) = match self {
            Self::Response(response) => return *response,
            Self::Failure(page) => (page, None),
            Self::Fault(error) => {
                let status = if error.is_temporary() {
                    StatusCode::SERVICE_UNAVAILABLE
                } else {
                    StatusCode::INTERNAL_SERVER_ERROR
                };
                let failure = Failure::Unavailable;
                let page = FailurePage { failure, status, restart: None, back: None };
                (page, Some(error))
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = page.status;
        if page.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = HeaderValue::from(u16::from(RETRY_SECONDS));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if let Some(cause) = cause.as_ref().and_then(Cause::of) {
            response.extensions_mut().insert(cause);
        }
        response.extensions_mut().insert(LoggedError(name_of(page.failure)));
        response.extensions_mut().insert(Arc::new(page));
        response
    }
}

/// The failure in the log line of its request.
const fn name_of(failure: Failure) -> &'static str {
    match failure {
        Failure::UnknownClient => "unknown_client",
        Failure::RedirectUri => "redirect_uri",
        Failure::Foreign => "foreign_form",
        Failure::Cookies => "no_cookie",
        Failure::Taken => "taken",
        Failure::Changed => "changed",
        Failure::Unavailable => "unavailable",
        Failure::Blocked => "blocked",
        Failure::NoSubject => "no_subject",
        Failure::SignedOut => "signed_out",
        Failure::Link => "link",
        Failure::UnknownTenant | Failure::NotFound => "not_found",
        _ => "refused_form",
    }
}

/// Adds what all answers of this function have: the security headers, and the page of a refusal in
/// the language of the request.
pub(crate) fn secured(route: MethodRouter<App>) -> MethodRouter<App> {
    route.layer(from_fn(secure))
}

/// A path that takes forms and nothing else. Who asks for it otherwise, by the address or after a
/// restart of the browser, gets a page that leads on.
pub(crate) fn form_alone(route: MethodRouter<App>) -> MethodRouter<App> {
    secured(route.fallback(async || {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Refusal::Failure(FailurePage {
            failure: Failure::Expired,
            status,
            restart: Some(ACCOUNT.to_owned()),
            back: None,
        })
    }))
}

async fn secure(request: Request, next: Next) -> Response {
    let fields = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let locale = Locale::choose(fields.get("ui_locales"), request.headers());
    let id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone());
    let loopback = is_loopback(request.headers());
    let mut response = next.run(request).await;
    if let Some(page) = response.extensions_mut().remove::<Arc<FailurePage>>() {
        let shell = Shell::new(locale, None);
        let shown = ErrorPage {
            failure: page.failure,
            restart: page.restart.as_deref(),
            back: page.back.as_deref(),
            request_id: id.as_deref(),
        };
        let answer = Page::new(pages::error(&shell, &shown)).status(page.status).into_response();
        let (parts, body) = answer.into_parts();
        *response.body_mut() = body;
        response.headers_mut().extend(parts.headers);
    }
    protect(response.headers_mut(), loopback);
    response
}

/// The headers of all answers. Pages send a `Referer` to this service alone; without any, browsers
/// would send `Origin: null` with the forms.
const HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), \
         publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
];

fn protect(headers: &mut HeaderMap, loopback: bool) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !loopback {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
}

/// Whether the request reached the service on this machine, where it has no TLS.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}
