//! A call: one request after everything that comes before its use case.
//!
//! The order of refusals is part of the contract (`401 → 403 → 406/413/415 → 400`, then what the
//! handler decides: `404 → 428 → 412 → 422 → 409`), so it is kept in one place and not in the order
//! of a handler's arguments.

use std::str::FromStr;

use axum::RequestPartsExt;
use axum::body::Body;
use axum::extract::{FromRequest, RawPathParams, Request};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};

use super::answer::{Answer, Answered};
use super::credentials;
use super::edge::{BaseUrl, RequestId, name_caller};
use super::idempotency::IdempotencyKey;
use super::precondition::Preconditions;
use super::rejection::Rejection;
use super::route::{self, Route};
use crate::app::App;
use crate::auth::{Caller, Subject};
use crate::domain::change_request::Actor;
use crate::domain::definition::PolicySubject;
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::import::{Format, MAX_BYTES};
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::Tag;
use crate::domain::{View, Writing};
use crate::store::users::LiveUser;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// The members of a page when the caller sets no limit.
pub const PAGE: usize = 50;
/// The most bytes of a page's content; it ends early rather than grow past them. The contract
/// allows 4 MB, and Lambda 6 MB for an answer in which each quote is escaped once more.
pub const MAX_PAGE_BYTES: usize = 2_500_000;
/// The most members of a page.
pub const MAX_PAGE: usize = 100;

/// A request whose caller, scope, headers, query and body are as the route wants them.
pub struct Call {
    /// The state of the function.
    pub app: App,
    /// Who calls.
    pub caller: Caller,
    /// The body; `null` where the route takes none.
    pub body: Json,
    /// The rows, where the route takes them, and how they are written.
    pub rows: Option<(Format, Bytes)>,
    view: View,
    /// The user of a local person who acts by what is granted.
    administrator: Option<LiveUser>,
    prefers_csv: bool,
    method: Method,
    route: &'static Route,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    preconditions: Preconditions,
    pub(super) idempotency: Option<IdempotencyKey>,
    pub(super) hashes: Hashes,
    pub(super) request_id: String,
}

impl FromRequest<App> for Call {
    type Rejection = Rejection;

    async fn from_request(request: Request, app: &App) -> Result<Self, Rejection> {
        let (mut parts, body) = request.into_parts();
        let route = *parts
            .extensions
            .get::<&'static Route>()
            .ok_or_else(|| Error::unexpected("a route has no label"))?;
        let caller = credentials::caller(app, &parts, route.callers.include_people()).await?;
        name_caller(&parts.extensions, &caller.tenant, caller.logged());
        let view = route.callers.check(&caller)?;
        if !caller.grants.systems.is_empty() && !route.within_system {
            let detail = "the client is bound to systems: it may call the routes of their \
                          profiles alone";
            return Err(Error::NotAllowed(detail.to_owned()).into());
        }
        let administrator = match (&caller.subject, view) {
            (Subject::Local { user, .. }, View::Administrative) => {
                Some(administrator(app, &caller, *user).await?)
            }
            _ => None,
        };
        let prefers_csv = acceptable(&parts.headers, route.csv)?;
        let bytes = match route.body {
            route::Body::None => Bytes::new(),
            route::Body::Json(_) | route::Body::OptionalJson(_) | route::Body::Form(_) => {
                read_body(&parts.headers, body, MAX_BODY).await?
            }
            route::Body::Rows(_) => read_body(&parts.headers, body, MAX_BYTES).await?,
        };
        let format = match route.body {
            route::Body::Rows(_) => Some(format(&parts.headers)?),
            _ => None,
        };
        if matches!(route.body, route::Body::Json(_) | route::Body::OptionalJson(_)) {
            json_media_type(&parts.headers, &parts.method, &bytes)?;
        }
        let asked = parts.uri.query().unwrap_or_default();
        let content: &[&[u8]] = match format {
            // What the query says is a part of what is asked for.
            Some(format) => &[format.name().as_bytes(), b"\n", asked.as_bytes(), b"\n", &bytes],
            None => &[&bytes],
        };
        let key = IdempotencyKey::read(
            &parts.headers,
            route,
            (&caller, view),
            parts.uri.path(),
            content,
        )?;
        let preconditions = Preconditions::read(&parts.headers)?;
        let query = query(asked, route.query)?;
        let body = match route.body {
            route::Body::OptionalJson(_) if bytes.is_empty() => Json::Object(Object::new()),
            route::Body::Json(_) | route::Body::OptionalJson(_) => {
                Json::parse(&bytes).map_err(Error::Malformed)?
            }
            route::Body::None | route::Body::Form(_) | route::Body::Rows(_) => Json::Null,
        };
        let params = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let params =
            params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let method = parts.method;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let request_id = request_id.unwrap_or_default();
        Ok(Self {
            app: app.clone(),
            caller,
            view,
            administrator,
            body,
            rows: format.map(|format| (format, bytes)),
            prefers_csv,
            method,
            route,
            params,
            query,
            preconditions,
            idempotency: key,
            hashes: Hashes::default(),
            request_id,
        })
    }
}

impl Call {
    /// An id from the path; one of the wrong shape is not found.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T> {
        let (_, text) =
            self.params.iter().find(|(param, _)| param == name).ok_or(Error::NotFound)?;
        text.parse().map_err(|_| Error::NotFound)
    }

    /// The body, to be taken apart.
    #[must_use]
    pub fn take_body(&mut self) -> Json {
        std::mem::replace(&mut self.body, Json::Null)
    }

    /// Whether the caller wants a table rather than JSON, where the route has both.
    #[must_use]
    pub const fn prefers_csv(&self) -> bool {
        self.prefers_csv
    }

    /// What a profile that the caller writes is read by, once: a turn that decides anew asks again.
    #[must_use]
    pub fn writing<'w>(&'w self, schema: &'w Schema) -> Writing<'w> {
        self.hashes.start_again();
        Writing { schema, world: self.app.world(), hashes: &self.hashes, view: self.view }
    }

    /// What the caller sees of profiles and may set in them.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// The caller as policies see it; `me` is the user of a person who calls in self-service.
    pub fn policy_subject<'a>(&'a self, me: Option<&'a User>) -> Result<PolicySubject<'a>> {
        let now = self.app.world().clock.now();
        let scopes = &self.caller.grants.scopes;
        match (&self.caller.subject, self.administrator(), me) {
            (Subject::Client { .. }, ..) => Ok(PolicySubject::client(scopes)),
            (_, Some(me), _) => Ok(PolicySubject::administrator(me, now, scopes)),
            (_, None, Some(me)) => Ok(PolicySubject::person(me, now)),
            (_, None, None) => Err(not_looked_up()),
        }
    }

    /// The caller as requests and decisions name it; `me` is the user of a person who calls in
    /// self-service.
    pub fn actor(&self, me: Option<&User>) -> Result<Actor> {
        match (&self.caller.subject, me) {
            (Subject::Client { id, .. }, _) => Ok(Actor::ClientId(id.clone())),
            (Subject::Local { user, .. }, _) => Ok(Actor::UserId(*user)),
            (Subject::External(_), Some(me)) => Ok(Actor::UserId(me.id)),
            (Subject::External(_), None) => Err(not_looked_up()),
        }
    }

    /// The user of a person who calls in self-service; `None` when a client calls, or a person by
    /// what is granted.
    pub async fn person(&self) -> Result<Option<LiveUser>> {
        if self.caller.is_person() && self.view == View::SelfService {
            self.me().await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// The user of a local person who acts by what is granted.
    #[must_use]
    pub fn administrator(&self) -> Option<&User> {
        self.administrator.as_ref().map(|user| &user.value)
    }

    /// The user whom the path names, by id or by base profile id; one that nobody holds is not
    /// found.
    pub async fn user(&self, name: &str) -> Result<UserId> {
        let named = self.id(name)?;
        self.app.table().resolve(&self.caller.tenant, &named).await?.ok_or(Error::NotFound)
    }

    /// The profile of the person who calls: not found before the first sign-in, refused once it is
    /// blocked or unlinked from the issuer.
    pub async fn me(&self) -> Result<LiveUser> {
        let user = self.app.table().get_user(&self.caller.tenant, self.linked().await?).await?;
        user.value.check_active()?;
        Ok(user)
    }

    /// The user of the person who calls, perhaps a tombstone by now. Of an external person it is not
    /// found before the first sign-in, and refused once it is unlinked from the issuer.
    pub async fn linked(&self) -> Result<UserId> {
        let person = match &self.caller.subject {
            Subject::Client { .. } => return Err(Error::NotFound),
            Subject::Local { user, .. } => return Ok(*user),
            Subject::External(person) => person,
        };
        let base = self
            .app
            .table()
            .find_base(&self.caller.tenant, &person.base)
            .await?
            .ok_or(Error::NotFound)?;
        base.check_linked()?;
        Ok(base.user)
    }

    /// A query parameter; an empty one counts as absent.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(param, value)| param == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The size of the page that the query asks for.
    pub fn page_size(&self) -> Result<usize> {
        page_size(self.query("limit"))
    }

    /// What a cursor of this call is bound to, beside `filter`.
    #[must_use]
    pub fn bound_to(&self, filter: &str) -> String {
        format!("{}\n{}\n{}\n{filter}", self.caller.tenant, self.caller.name(), self.route.name)
    }

    /// Checks the preconditions of a write against the tags that the write may be conditional on,
    /// the resource's own first: 428 for PUT and PATCH without If-Match, 412 for a stale tag.
    pub fn guard(&self, tags: &[&Tag]) -> Result<()> {
        if matches!(self.method, Method::PUT | Method::PATCH) && !self.preconditions.has_match() {
            return Err(Error::Unconditional);
        }
        let own = tags.first().copied();
        if self.preconditions.match_allows(tags) && self.preconditions.none_match_allows(own) {
            Ok(())
        } else {
            Err(Error::Stale(own.cloned()))
        }
    }

    /// Checks the preconditions of a PUT that creates what is not there, neither of which is
    /// required; `current` is the tag of what is.
    pub fn guard_upsert(&self, current: Option<&Tag>) -> Result<()> {
        if self.preconditions.match_allows(current.as_slice())
            && self.preconditions.none_match_allows(current)
        {
            Ok(())
        } else {
            Err(Error::Stale(current.cloned()))
        }
    }

    /// Checks the preconditions of a POST to a collection, which has no tag: a tag in If-Match
    /// cannot be current.
    pub fn guard_collection(&self) -> Result<()> {
        if self.preconditions.names_tags() { Err(Error::Stale(None)) } else { Ok(()) }
    }

    /// Shows a resource to GET or HEAD, or says that the caller has it (RFC 9110 §13.2.2).
    pub fn show(&self, tag: &Tag, content: impl FnOnce() -> Object) -> Answered {
        if !self.preconditions.match_allows(&[tag]) {
            return Err(Error::Stale(Some(tag.clone())));
        }
        if !self.preconditions.none_match_allows(Some(tag)) {
            return Ok(Answer::not_modified(tag));
        }
        Ok(Answer::resource(content(), tag))
    }
}

/// The user of a local person who acts by what is granted: refused once it is blocked or gone.
async fn administrator(app: &App, caller: &Caller, user: UserId) -> Result<LiveUser, Rejection> {
    let user = app.table().find_user(&caller.tenant, user).await?;
    let gone = "the user of the token is not there any more";
    let gone =
        if caller.jkt.is_some() { Rejection::BadBoundToken } else { Rejection::BadToken }(gone);
    let user = user.ok_or(gone)?;
    user.value.check_active()?;
    Ok(user)
}

pub(super) fn not_looked_up() -> Error {
    Error::unexpected("the user of a person who calls was not read")
}

/// The size of a page, from its text.
pub fn page_size(limit: Option<&str>) -> Result<usize> {
    let size = limit.map_or(Ok(PAGE), |text| text.parse::<usize>().map_err(|_| ()));
    match size {
        Ok(size) if (1..=MAX_PAGE).contains(&size) => Ok(size),
        _ => Err(Error::Malformed(format!("`limit` is a number from 1 to {MAX_PAGE}"))),
    }
}

/// The base URL of the service as this request reached it.
pub fn base_url(app: &App, extensions: &http::Extensions) -> Result<String> {
    let set = app.base_url().map(str::to_owned);
    let derived = || extensions.get::<BaseUrl>().map(|base| base.0.clone());
    set.or_else(derived).ok_or_else(|| Error::unexpected("no base URL is known"))
}

/// Reads a body of at most `most` bytes.
pub async fn read_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Rejection> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(Rejection::TooLarge(most));
    }
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let broken = std::error::Error::source(&error)
            .is_none_or(|source| !source.is::<http_body_util::LengthLimitError>());
        if broken {
            Error::Malformed("the body ends before its end".to_owned()).into()
        } else {
            Rejection::TooLarge(most)
        }
    })
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

fn json_media_type(headers: &HeaderMap, method: &Method, bytes: &Bytes) -> Result<(), Rejection> {
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
fn format(headers: &HeaderMap) -> Result<Format, Rejection> {
    match media_type(headers).as_deref().filter(|_| is_plain(headers)) {
        Some("text/csv") => Ok(Format::Csv),
        Some("application/x-ndjson" | "application/jsonl") => Ok(Format::Ndjson),
        _ => Err(Rejection::UnsupportedMediaType {
            due: "text/csv, application/x-ndjson",
            patch: false,
        }),
    }
}

/// Checks that the caller accepts JSON, or CSV where there is that too, and says whether CSV is
/// preferred: of the ranges that cover a media type the most specific decides (RFC 9110 §12.5.1).
fn acceptable(headers: &HeaderMap, csv: bool) -> Result<bool, Rejection> {
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

fn query(text: &str, known: &[&str]) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if !known.contains(&&*name) {
            return Err(Error::Malformed(format!("there is no query parameter `{name}`")));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(Error::Malformed(format!("the query parameter `{name}` occurs twice")));
        }
        found.push((name.into_owned(), value.into_owned()));
    }
    Ok(found)
}

impl Call {
    /// Whether the request carries an Idempotency-Key.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.idempotency.is_some()
    }

    /// Does the effect of a POST once: a repeat with the same Idempotency-Key and body is answered
    /// as the first was (rule I1).
    ///
    /// `work` is handed what makes the record of its answer, to be committed in the transaction of
    /// the effect.
    pub async fn once<'c, W: Future<Output = Answered>>(
        &'c self,
        work: impl FnOnce(Recorder<'c>) -> W,
    ) -> Answered {
        let Some(key) = &self.idempotency else {
            return work(Recorder(None)).await;
        };
        if let Some(answer) = key.replay(&self.app, &self.caller).await? {
            return Ok(answer);
        }
        match work(Recorder(Some((key, self)))).await {
            // Of two at once the loser may find anything but the record first: the winner's effect
            // in its own way.
            Err(error) => key.replay(&self.app, &self.caller).await?.ok_or(error),
            answered => answered,
        }
    }
}

/// Makes the idempotency record of an answer, where the request asks for one.
#[derive(Clone, Copy)]
pub struct Recorder<'c>(Option<(&'c IdempotencyKey, &'c Call)>);

impl Recorder<'_> {
    /// Records nothing.
    pub const NONE: Self = Self(None);

    /// Whether the request asks for a record.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// The write that records the answer.
    pub fn of(&self, answer: &Answer) -> Result<Option<crate::store::Write>> {
        self.0.map(|(key, call)| key.record(&call.app, &call.caller, answer)).transpose()
    }
}
