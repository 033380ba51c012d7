//! Sign-out (OpenID Connect RP-Initiated Logout 1.0, rule G25).

use http::HeaderValue;
use http::header::{HeaderName, SET_COOKIE};
use serde::{Deserialize, Serialize};
use shared::app::SignedIn;
use shared::auth::id_token::{IdTokenHint, subject_for};
use shared::axum::extract::Request;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::client::{Client, RedirectUri};
use shared::domain::error::Result;
use shared::domain::id::{ClientId, TenantId};
use shared::http::Route;
use shared::http::cookies::{self, Cookie};

use crate::account::end_one;
use crate::fields::{Fields, with_query};
use crate::pages::{self, Failure, Form, SignOut};
use crate::respond::{Refusal, secured, see_other};
use crate::state::{Goal, PageState};
use crate::visit::Visit;

/// The path of the sign-out.
pub(crate) const PATH: &str = "/idhub/oidc/v1/logout";

/// The routes of the sign-out.
pub(crate) const ROUTES: [Route; 2] = [
    Route::page(PATH, "end_session", || secured(get(show))).summary("Sign out"),
    Route::form_page(PATH, "post_end_session", || secured(post(submit)))
        .summary("Sign out, asked for by a form"),
];

/// The longest request by a form, in bytes: a redirect repeats it in a path.
const MAX_REQUEST: usize = 6 * 1024;

/// Where a person goes after the sign-out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WayOut {
    /// The name of the client that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The address at the client, with its `state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// The origin of the address; none of an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

/// Signs out, or asks whether the person wants to.
async fn show(visit: Visit) -> Result<Response, Refusal> {
    let fields = &visit.query;
    if fields.repeated().is_some() {
        return Err(Refusal::of(Failure::RedirectUri));
    }
    let hint = match fields.get("id_token_hint") {
        Some(hint) => IdTokenHint::verify(hint, visit.app.public_keys(), &visit.base_url).await?,
        None => None,
    };
    let (client, way_out) = way_out(&visit, fields, hint.as_ref()).await?;
    let Some(signed_in) = visit.signed_in().await? else {
        return Ok(forget_cookie(&visit, leave(&visit, &way_out))?);
    };
    if let (Some(hint), Some(client)) = (&hint, &client)
        && is_of(&visit, &signed_in, hint, client).await?
    {
        return Ok(sign_out(&visit, &signed_in, leave(&visit, &way_out)).await?);
    }
    Ok(ask(&visit, &signed_in, way_out).await?)
}

/// Takes the person's answer, or the form of a client. A browser sends no cookies with a form of
/// another site, so that is asked for once more by GET.
async fn submit(visit: Visit, request: Request) -> Result<Response, Refusal> {
    let fields = visit.read_form(request).await?;
    if fields.get("form_token").is_none() {
        // The redirect would lose a repetition, and repeats everything in a path.
        if fields.repeated().is_some() {
            return Err(Refusal::of(Failure::RedirectUri));
        }
        if fields.size() > MAX_REQUEST {
            return Err(Refusal::of(Failure::TooLarge));
        }
        return Ok(see_other(&with_query(PATH, &fields.pairs())));
    }
    let state = visit.check_form(&fields).await?;
    let Some(PageState { goal: Goal::SignOut(way_out), .. }) = state else {
        return Err(Refusal::of(Failure::Expired));
    };
    if fields.get("answer") != Some("yes") {
        return Ok(see_other("/idhub/account"));
    }
    let answer = leave(&visit, &way_out);
    match visit.signed_in().await? {
        Some(signed_in) => Ok(sign_out(&visit, &signed_in, answer).await?),
        None => Ok(forget_cookie(&visit, answer)?),
    }
}

/// The client that asks, and where the person goes afterwards. An address that the client has not
/// registered is followed by nobody.
async fn way_out(
    visit: &Visit,
    fields: &Fields,
    hint: Option<&IdTokenHint>,
) -> Result<(Option<Client>, WayOut), Refusal> {
    let refused = || Refusal::of(Failure::RedirectUri);
    let named = fields.get("client_id").map(str::parse::<ClientId>);
    let named = named.transpose().map_err(|_| Refusal::of(Failure::UnknownClient))?;
    let hinted = hint.map(|hint| hint.client_id.clone());
    if named.is_some() && hinted.is_some() && named != hinted {
        return Err(Refusal::of(Failure::UnknownClient));
    }
    let asked = fields.get("post_logout_redirect_uri");
    let Some(id) = hinted.or(named) else {
        return if asked.is_some() { Err(refused()) } else { Ok((None, WayOut::default())) };
    };
    let fits = |client: &Client| match asked {
        Some(asked) => client.post_logout_redirect_uri(asked).map(Some),
        None => Some(None),
    };
    let Some((client, uri)) = visit.app.client(&id, fits).await? else { return Err(refused()) };
    let client = client.value.clone();
    let state = fields.get("state").map(|state| ("state", state));
    let with_state = |uri: &RedirectUri| uri.with(&state.into_iter().collect::<Vec<_>>());
    let way_out = WayOut {
        client: Some(client.name.clone()),
        origin: uri.as_ref().and_then(RedirectUri::origin),
        uri: uri.as_ref().map(with_state),
    };
    Ok((Some(client), way_out))
}

/// Whether a hint is about the session: it names the session or the person.
async fn is_of(
    visit: &Visit,
    signed_in: &SignedIn,
    hint: &IdTokenHint,
    client: &Client,
) -> Result<bool> {
    if *client.client_id.tenant() != signed_in.tenant {
        return Ok(false);
    }
    if hint.sid.as_ref() == Some(&signed_in.session.value.sid) {
        return Ok(true);
    }
    let subject = subject_for(&visit.app, &visit.base_url, client, &signed_in.user).await?;
    Ok(subject.as_ref() == Some(&hint.sub))
}

/// Asks whether the person wants to sign out.
async fn ask(visit: &Visit, signed_in: &SignedIn, way_out: WayOut) -> Result<Response> {
    let (client, origin) = (way_out.client.clone(), way_out.origin.clone());
    let state = PageState::of_sign_out(signed_in.tenant.clone(), way_out);
    let (state, token) = (visit.seal(&state).await?, visit.form_token().await?);
    let page = SignOut {
        form: Form { state: &state, token: &token },
        person: &signed_in.user.value.username,
        client: client.as_deref(),
    };
    let page = pages::sign_out(&visit.shell(Some(&signed_in.tenant)), &page);
    Ok(visit.page(page).form_action(origin).into_response())
}

/// The answer after the sign-out: the way to the client, or a page.
fn leave(visit: &Visit, way_out: &WayOut) -> Response {
    match way_out {
        WayOut { uri: Some(uri), origin: Some(_), .. } => see_other(uri),
        _ => left(visit, way_out.uri.as_deref()),
    }
}

/// The page of a person who is signed out. The query or the cookie says where to sign in again.
fn left(visit: &Visit, back: Option<&str>) -> Response {
    let named = visit.query.get("tenant").and_then(|tenant| tenant.parse().ok());
    let tenant: Option<TenantId> =
        named.or_else(|| visit.session_cookie().map(|cookie| cookie.tenant));
    let sign_in = tenant.as_ref().map(|tenant| format!("/idhub/login/{tenant}"));
    let shell = visit.shell(tenant.as_ref());
    visit.page(pages::signed_out(&shell, sign_in.as_deref(), back)).into_response()
}

/// Ends a session with the refresh tokens that it started, by its id: it may have another secret by
/// now (rule G24). Lets the browser forget what it keeps of this service.
pub(crate) async fn sign_out(
    visit: &Visit,
    signed_in: &SignedIn,
    answer: Response,
) -> Result<Response> {
    end_one(visit, signed_in, &signed_in.session.value.sid).await?;
    let mut answer = forget_cookie(visit, answer)?;
    let kept = HeaderValue::from_static("\"cache\", \"storage\"");
    answer.headers_mut().insert(CLEAR_SITE_DATA, kept);
    Ok(answer)
}

/// Lets the browser forget the cookie of a session that has ended.
fn forget_cookie(visit: &Visit, mut answer: Response) -> Result<Response> {
    if visit.cookie(Cookie::Session).is_some() {
        let gone = cookies::clear(Cookie::Session, &visit.base_url)?;
        answer.headers_mut().append(SET_COOKIE, gone);
    }
    Ok(answer)
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
