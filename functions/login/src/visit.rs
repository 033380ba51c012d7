//! What each request of a browser brings: its cookies, its language, and where it comes from.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Extensions, HeaderMap, Uri};
use maud::Markup;
use ring::digest::{SHA256, digest};
use ring::hmac;
use shared::app::App;
use shared::app::SignedIn;
use shared::axum::extract::{FromRequest, FromRequestParts, Request};
use shared::axum::response::Response;
use shared::domain::error::{Error, Result};
use shared::domain::id::{ClientId, TenantId};
use shared::domain::people::{Browser, Session, SessionCookie};
use shared::domain::schema::Schema;
use shared::http::body::read_body;
use shared::http::cookies::{self, Cookie};
use shared::http::edge::{RequestId, address, base_url, name_caller};
use shared::http::negotiation::{is_plain, media_type};
use shared::http::same_origin::is_form_of_this_origin;
use shared::seal;
use shared::store::keys::LoginKey;

use crate::device::{network, place};
use crate::fields::{Fields, with_query};
use crate::pages::{Failure, Shell};
use crate::respond::{Page, Refusal, see_other};
use crate::state::{BoundState, OpenedState, PageState};
use crate::texts::Locale;

/// The largest form, in bytes: a sealed authorization request with a large `claims`, and a
/// passkey's answer.
const MAX_FORM: usize = 64 * 1024;
/// How long an authentication is good for sensitive acts, in seconds (rule G22).
const RECENT_SECONDS: i64 = 5 * 60;
/// What a sealed page state is sealed for.
const STATE: &str = "state";

/// A request of a browser.
pub(crate) struct Visit {
    /// The state of the function.
    pub(crate) app: App,
    /// The base URL of the service.
    pub(crate) base_url: String,
    /// The language of its pages.
    pub(crate) locale: Locale,
    /// The network that it comes from, by which attempts are counted.
    pub(crate) network: String,
    /// The parameters of its query.
    pub(crate) query: Fields,
    /// The cookie to which the forms of its pages are bound.
    pre_session: String,
    /// Whether the browser has that cookie already.
    has_pre_session: bool,
    /// Where a form of this path starts again, if a visit of a path shows it.
    start: Option<String>,
    headers: HeaderMap,
    extensions: Extensions,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let base_url = base_url(app, &parts.extensions)?;
        let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let sent = cookies::read(&parts.headers, Cookie::PreSession, &base_url);
        let sent = sent.filter(|value| is_pre_session(value)).map(str::to_owned);
        let has_pre_session = sent.is_some();
        let made = || URL_SAFE_NO_PAD.encode(app.env().random.bytes::<32>());
        Ok(Self {
            locale: Locale::choose(query.get("ui_locales"), &parts.headers),
            network: network(address(&parts.extensions)),
            pre_session: sent.unwrap_or_else(made),
            has_pre_session,
            start: start_of(&parts.uri),
            headers: parts.headers.clone(),
            extensions: parts.extensions.clone(),
            app: app.clone(),
            base_url,
            query,
        })
    }
}

/// The path that shows the form which is sent to a path, unless it comes after another page alone.
fn start_of(uri: &Uri) -> Option<String> {
    match uri.path() {
        path if path.starts_with("/idhub/account") => Some("/idhub/account".to_owned()),
        "/idhub/login/forgot" | "/idhub/login/forgot-username" | "/idhub/login/link" => {
            uri.path_and_query().map(ToString::to_string)
        }
        _ => None,
    }
}

/// Whether a text has the form of a pre-session cookie, so that no other text is sent back.
fn is_pre_session(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Visit {
    /// What surrounds a page of a tenant.
    pub(crate) fn shell(&self, tenant: Option<&TenantId>) -> Shell {
        Shell::new(self.locale, tenant)
    }

    /// The configuration of a tenant.
    pub(crate) async fn schema(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        self.app.schema(tenant).await
    }

    /// Names tenant and client in the log line of the request.
    pub(crate) fn log_for(&self, tenant: &TenantId, client: Option<&ClientId>) {
        name_caller(&self.extensions, tenant, client.map_or("-", ClientId::as_str));
    }

    /// The id of the request, as logs and the audit have it.
    pub(crate) fn request_id(&self) -> Option<String> {
        self.extensions.get::<RequestId>().map(|RequestId(id)| id.clone())
    }

    /// The browser, if something is known of it.
    pub(crate) fn browser(&self) -> Option<Browser> {
        let agent = self.headers.get(USER_AGENT)?.to_str().ok()?;
        crate::device::browser(agent)
    }

    /// The network that the request comes from, as sessions and mails name it.
    pub(crate) fn place(&self) -> Option<String> {
        place(&self.network)
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, cookie: Cookie) -> Option<&str> {
        cookies::read(&self.headers, cookie, &self.base_url)
    }

    /// The session cookie as the browser sent it. The session may have ended.
    pub(crate) fn session_cookie(&self) -> Option<SessionCookie> {
        self.cookie(Cookie::Session)?.parse().ok()
    }

    /// The person who is signed in, and the session, which counts as used.
    pub(crate) async fn signed_in(&self) -> Result<Option<SignedIn>> {
        let Some(cookie) = self.session_cookie() else { return Ok(None) };
        let signed_in = self.app.signed_in(&cookie).await?;
        if let Some(signed_in) = &signed_in {
            self.app.see_again(signed_in).await?;
        }
        Ok(signed_in)
    }

    /// The person who is signed in. A browser without a session is sent to the sign-in page, if its
    /// cookie names a tenant.
    pub(crate) async fn required(&self) -> Result<SignedIn, Refusal> {
        if let Some(signed_in) = self.signed_in().await? {
            return Ok(signed_in);
        }
        Err(match self.session_cookie() {
            Some(cookie) => see_other(&format!("/idhub/login/{}", cookie.tenant)).into(),
            None => Refusal::of(Failure::SignedOut),
        })
    }

    /// Whether the person authenticated not long ago, so that sensitive acts are allowed.
    pub(crate) fn is_recent(&self, session: &Session) -> bool {
        session.is_recent(RECENT_SECONDS, self.app.env().clock.now())
    }

    /// Sends the person to the sign-in page, and afterwards to a path of this service.
    pub(crate) fn sign_in_again(tenant: &TenantId, return_to: &str) -> Response {
        let parameters = [("prompt", "login"), ("return_to", return_to)];
        see_other(&with_query(&format!("/idhub/login/{tenant}"), &parameters))
    }

    /// A page. Its forms are bound to the pre-session cookie, which is set if the browser has none.
    pub(crate) fn page(&self, content: Markup) -> Page {
        let page = Page::new(content);
        if self.has_pre_session {
            return page;
        }
        match cookies::set(Cookie::PreSession, &self.base_url, &self.pre_session, None) {
            Ok(cookie) => page.cookie(cookie),
            Err(_) => page,
        }
    }

    async fn page_key(&self) -> Result<[u8; 32]> {
        self.app.table().login_key(LoginKey::Page).await
    }

    /// The key of form tokens, derived from the one that seals pages, so that no key has two uses.
    async fn form_key(&self) -> Result<hmac::Key> {
        let page = hmac::Key::new(hmac::HMAC_SHA256, &self.page_key().await?);
        let derived = hmac::sign(&page, b"form token");
        Ok(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The hash of the pre-session cookie, to which page states are bound.
    fn browser_hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.pre_session.as_bytes()))
    }

    /// The token without which no form of this browser is taken: a MAC of the pre-session cookie.
    pub(crate) async fn form_token(&self) -> Result<String> {
        let key = self.form_key().await?;
        Ok(URL_SAFE_NO_PAD.encode(hmac::sign(&key, form_of(&self.pre_session).as_bytes())))
    }

    /// Whether a text is the form token of this browser.
    async fn is_form_token(&self, token: &str) -> Result<bool> {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return Ok(false) };
        let key = self.form_key().await?;
        Ok(hmac::verify(&key, form_of(&self.pre_session).as_bytes(), &tag).is_ok())
    }

    /// A page state as a hidden field carries it.
    pub(crate) async fn seal(&self, state: &PageState) -> Result<String> {
        let now = self.app.env().clock.now();
        let bound = BoundState::new(state.clone(), self.browser_hash(), now);
        let plain = serde_json::to_vec(&bound).map_err(Error::unexpected)?;
        let sealed = seal::seal(&self.page_key().await?, STATE, plain, self.app.env())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a page state; `None` if this service did not seal it.
    async fn open(&self, sealed: &str) -> Result<Option<OpenedState>> {
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
        let Some(plain) = seal::open(&self.page_key().await?, STATE, &sealed) else {
            return Ok(None);
        };
        let Ok(bound) = serde_json::from_slice::<BoundState>(&plain) else { return Ok(None) };
        Ok(Some(bound.open(&self.browser_hash(), self.app.env().clock.now())))
    }

    /// Seals a text for a purpose and for this browser.
    pub(crate) async fn seal_text(&self, purpose: &str, text: &[u8]) -> Result<String> {
        let bound = format!("{purpose}:{}", self.browser_hash());
        let key = self.page_key().await?;
        let sealed = seal::seal(&key, &bound, text.to_vec(), self.app.env())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a text that was sealed for this purpose and this browser.
    pub(crate) async fn open_text(&self, purpose: &str, sealed: &str) -> Result<Option<Vec<u8>>> {
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
        let bound = format!("{purpose}:{}", self.browser_hash());
        Ok(seal::open(&self.page_key().await?, &bound, &sealed))
    }

    /// Refuses a request that changes something unless a page of this service sent it (rule G19).
    fn check_origin(&self) -> Result<(), Refusal> {
        if is_form_of_this_origin(&self.headers, &self.base_url) {
            Ok(())
        } else {
            Err(Refusal::of(Failure::Foreign))
        }
    }

    /// Refuses a request of a script unless a page of this service sent it (rule G19).
    pub(crate) fn check_script_call(&self) -> Result<(), Refusal> {
        self.check_origin()?;
        if self.has_pre_session { Ok(()) } else { Err(Refusal::of(Failure::Cookies)) }
    }

    /// The parameters of a form in the body.
    pub(crate) async fn read_form(&self, request: Request) -> Result<Fields, Refusal> {
        let is_form =
            media_type(&self.headers).as_deref() == Some("application/x-www-form-urlencoded");
        if !is_form || !is_plain(&self.headers) {
            return Err(Refusal::of(Failure::Expired));
        }
        let body = read_body(&self.headers, request.into_body(), MAX_FORM).await?;
        Ok(Fields::parse(&body))
    }

    /// Takes the state out of a form of a page of this service, once every check of rule G19 holds.
    pub(crate) async fn check_form(&self, fields: &Fields) -> Result<Option<PageState>, Refusal> {
        self.check_origin()?;
        let opened = match fields.get("state") {
            Some(sealed) => self.open(sealed).await?,
            None => None,
        };
        let restart = match &opened {
            Some(OpenedState::Good(state) | OpenedState::Stale(state)) => Some(state.restart()),
            None => self.start.clone(),
        };
        if !self.has_pre_session {
            return Err(Refusal::restarting(Failure::Cookies, restart));
        }
        let token = fields.get("form_token").unwrap_or_default();
        if fields.repeated().is_some() || !self.is_form_token(token).await? {
            return Err(Refusal::restarting(Failure::Expired, restart));
        }
        match (opened, fields.get("state")) {
            (Some(OpenedState::Good(state)), _) => Ok(Some(state)),
            (None, None) => Ok(None),
            _ => Err(Refusal::restarting(Failure::Expired, restart)),
        }
    }
}

/// What a form token is the MAC of.
fn form_of(pre_session: &str) -> String {
    format!("form:{pre_session}")
}

/// A form of a page of this service.
pub(crate) struct Submission {
    /// The request.
    pub(crate) visit: Visit,
    /// The fields of the form.
    pub(crate) fields: Fields,
    /// The state of the page, if its form carries one.
    pub(crate) state: Option<PageState>,
}

impl FromRequest<App> for Submission {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let mut visit = Visit::from_request_parts(&mut parts, app).await?;
        let fields = visit.read_form(Request::from_parts(parts, body)).await?;
        let state = visit.check_form(&fields).await?;
        if let Some(state) = &state {
            visit.log_for(&state.tenant, state.request().map(|request| &request.client_id));
            visit.locale = state.locale().unwrap_or(visit.locale);
        }
        Ok(Self { visit, fields, state })
    }
}

impl Submission {
    /// The state of the page, which this form has to carry.
    pub(crate) fn state(&self) -> Result<&PageState, Refusal> {
        self.state.as_ref().ok_or(Refusal::of(Failure::Expired))
    }
}
