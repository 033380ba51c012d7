//! A call: one request after everything that comes before its use case.
//!
//! The order of refusals is part of the contract (`401 → 403 → 406/413/415 → 400`, then what the
//! handler decides: `404 → 428 → 412 → 422 → 409`), so it is kept in one place and not in the order
//! of a handler's arguments.

use std::str::FromStr;

use axum::RequestPartsExt;
use axum::extract::{FromRequest, RawPathParams, Request};
use bytes::Bytes;
use http::request::Parts;

use super::answer::{Answer, HandlerResult, JSON};
use super::authorisation::{Authorised, authorise};
use super::body::{Payload, Received};
use super::edge::{RequestId, base_url};
use super::idempotency_key::IdempotencyKey;
use super::negotiation::preferred;
use super::precondition::Preconditions;
use super::reason;
use super::rejection::Rejection;
use super::route::Route;
use crate::app::App;
use crate::auth::{Caller, Subject};
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::import::Format;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::suggest::unknown;
use crate::domain::versioned::Tag;
use crate::domain::{View, WriteContext};
use crate::store::users::StoredUser;

const CSV: &str = "text/csv";

/// A request whose caller, scope, headers, query and body fulfil the demands of the route.
pub struct Call {
    /// The state of the function.
    pub app: App,
    /// The caller.
    pub caller: Caller,
    /// The body of the request.
    pub payload: Payload,
    /// The preconditions of the request.
    pub preconditions: Preconditions,
    pub(super) view: View,
    /// The user of a local person, where it was read to find out what the person may do.
    pub(super) user: Option<Box<StoredUser>>,
    pub(super) hashes: Hashes,
    pub(super) idempotency: Option<IdempotencyKey>,
    pub(super) request_id: String,
    pub(super) reason: Option<String>,
    base_url: Option<String>,
    prefers_csv: bool,
    pub(super) route: &'static Route,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl FromRequest<App> for Call {
    type Rejection = Rejection;

    /// The steps stand in the order of their refusals: 401 and 403, 406, 413 and 415, 400.
    async fn from_request(request: Request, app: &App) -> Result<Self, Rejection> {
        let (mut parts, body) = request.into_parts();
        let route = *parts
            .extensions
            .get::<&'static Route>()
            .ok_or_else(|| Error::unexpected("a route has no label"))?;
        let Authorised { caller, view, user } = authorise(app, &parts, route).await?;
        let offered: &[_] = if route.csv { &[JSON, CSV] } else { &[JSON] };
        let prefers_csv = preferred(&parts.headers, offered)? == CSV;
        let received = Received::read(&parts, body, route.body).await?;
        let Conditions { idempotency, preconditions, query, reason } =
            read_conditions(&parts, route, (&caller, view), &received)?;
        let payload = received.parse(route.body)?;
        let params = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let params =
            params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let base_url = base_url(app, &parts.extensions).ok();
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        Ok(Self {
            app: app.clone(),
            caller,
            payload,
            view,
            user,
            hashes: Hashes::default(),
            idempotency,
            request_id: request_id.unwrap_or_default(),
            reason,
            base_url,
            prefers_csv,
            route,
            params,
            query,
            preconditions,
        })
    }
}

/// The conditions and options from the headers and the query.
struct Conditions {
    idempotency: Option<IdempotencyKey>,
    preconditions: Preconditions,
    query: Vec<(String, String)>,
    reason: Option<String>,
}

/// Reads the Idempotency-Key, the preconditions, the query and the reason: 400.
fn read_conditions(
    parts: &Parts,
    route: &Route,
    caller: (&Caller, View),
    received: &Received,
) -> Result<Conditions> {
    let (headers, path) = (&parts.headers, parts.uri.path());
    let text = parts.uri.query().unwrap_or_default();
    Ok(Conditions {
        idempotency: IdempotencyKey::read(headers, route, caller, path, &received.content(text))?,
        preconditions: Preconditions::read(headers, &parts.method)?,
        query: query(text, route)?,
        reason: reason::read(headers)?,
    })
}

/// The query parameters; the route must know each of them. An empty value is refused: it usually
/// comes from a variable that the caller did not set.
fn query(text: &str, route: &Route) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let known = route.query.iter().chain(route.required_query).copied();
        if !known.clone().any(|known| known == name) {
            return Err(Error::Malformed(unknown("query parameter", &name, known)));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(Error::Malformed(format!("the query parameter `{name}` is sent twice")));
        }
        if value.is_empty() {
            let detail = format!("the query parameter `{name}` is empty; give a value or omit it");
            return Err(Error::Malformed(detail));
        }
        found.push((name.into_owned(), value.into_owned()));
    }
    Ok(found)
}

impl Call {
    /// An id from the path. A malformed id is answered as not found.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T> {
        let (_, text) =
            self.params.iter().find(|(param, _)| param == name).ok_or(Error::NotFound)?;
        text.parse().map_err(|_| Error::NotFound)
    }

    /// The JSON document that the request brings, to be taken apart.
    #[must_use]
    pub fn take_body(&mut self) -> Json {
        match std::mem::take(&mut self.payload) {
            Payload::Json(mut body) => {
                self.preconditions.take_tag(&mut body);
                body
            }
            Payload::None | Payload::Rows(..) => Json::Null,
        }
    }

    /// The rows that the request brings, and how they are written.
    pub fn take_rows(&mut self) -> Result<(Format, Bytes)> {
        match std::mem::take(&mut self.payload) {
            Payload::Rows(format, bytes) => Ok((format, bytes)),
            Payload::None | Payload::Json(_) => Err(Error::unexpected("the route takes no rows")),
        }
    }

    /// The base URL of the service, as the caller knows it.
    pub fn base_url(&self) -> Result<&str> {
        let missing = || Error::unexpected("the request names no base URL");
        self.base_url.as_deref().ok_or_else(missing)
    }

    /// Whether the caller wants a table rather than JSON, where the route has both.
    #[must_use]
    pub const fn prefers_csv(&self) -> bool {
        self.prefers_csv
    }

    /// The context in which a profile that the caller writes is read. Each attempt asks for its
    /// own.
    #[must_use]
    pub fn write_context<'w>(&'w self, schema: &'w Schema) -> WriteContext<'w> {
        self.hashes.start_again();
        WriteContext { schema, env: self.app.env(), hashes: &self.hashes, view: self.view }
    }

    /// The user that the path names, by id or by base profile id. A base profile id that no user
    /// holds is not found.
    pub async fn user(&self, name: &str) -> Result<UserId> {
        let named = self.id(name)?;
        self.app.table().resolve(&self.caller.tenant, &named).await?.ok_or(Error::NotFound)
    }

    /// Why the caller calls, in the words of its `Kith-Reason`.
    #[must_use]
    pub const fn reason(&self) -> Option<&String> {
        self.reason.as_ref()
    }

    /// A query parameter, which is not empty.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(param, _)| param == name).map(|(_, value)| value.as_str())
    }

    /// The context that a cursor of this call is bound to, including `filter`.
    #[must_use]
    pub fn bound_to(&self, filter: &str) -> String {
        let (tenant, name, route) = (&self.caller.tenant, self.caller.name(), self.route.name);
        // The view of a local person follows from the grants of this token.
        let view = match &self.caller.subject {
            Subject::Local { .. } => format!(" {:?}", self.view),
            Subject::Client { .. } | Subject::External(_) => String::new(),
        };
        format!("{tenant}\n{name}{view}\n{route}\n{filter}")
    }

    /// Shows a resource to GET or HEAD, or says that the caller has it (RFC 9110 §13.2.2).
    pub fn show(&self, tag: &Tag, content: impl FnOnce() -> Object) -> HandlerResult {
        self.preconditions.check_match(&[tag])?;
        if !self.preconditions.none_match_allows(Some(tag)) {
            return Ok(Answer::not_modified(tag));
        }
        Ok(Answer::resource(content(), tag))
    }
}
