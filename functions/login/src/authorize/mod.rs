//! The authorization endpoint (OAuth 2.1 §4.1, OpenID Connect Core §3.1.2): a client asks, a person
//! signs in, and the client gets a code.

mod next;
mod reply;
mod request;
mod resume;

use std::sync::Arc;

use shared::app::SignedIn;
use shared::axum::extract::Request;
use shared::axum::response::{IntoResponse as _, Response};
use shared::axum::routing::{get, post};
use shared::domain::client::{Client, RedirectUri};
use shared::domain::error::Result;
use shared::domain::id::ClientId;
use shared::domain::versioned::Versioned;
use shared::http::Route;

pub(crate) use self::next::{Answers, Progress};
use self::reply::refuse;
pub(crate) use self::reply::way_back;
pub(crate) use self::request::{AuthorizationRequest, Wrong};
use self::request::{PATH, ReplyTo};
pub(crate) use self::resume::resume;
use crate::fields::{Fields, with_query};
use crate::pages::{self, AccountChoice, Failure, Form};
use crate::respond::{Refusal, secured, see_other};
use crate::sign_in;
use crate::state::PageState;
use crate::visit::Visit;

/// The routes of the authorization endpoint.
pub(crate) const ROUTES: [Route; 2] = [
    Route::page(PATH, "authorize", || secured(get(show))).summary("Sign in for an application"),
    Route::form_page(PATH, "post_authorize", || secured(post(repost)))
        .summary("Sign in for an application, asked for by a form"),
];

/// The longest request, in bytes: a page carries it, and a redirect repeats it in a path.
const MAX_REQUEST: usize = 6 * 1024;

/// Takes an authorization request by GET.
async fn show(visit: Visit) -> Result<Response, Refusal> {
    answer(visit).await
}

/// Takes an authorization request by POST. A browser sends no cookies with a form of another site,
/// so the request is asked for once more by GET.
async fn repost(mut visit: Visit, request: Request) -> Result<Response, Refusal> {
    let fields = visit.read_form(request).await?;
    if fields.repeated().is_some() || fields.size() > MAX_REQUEST {
        // The redirect would lose what is wrong with it.
        visit.query = fields;
        return answer(visit).await;
    }
    Ok(see_other(&with_query(PATH, &fields.pairs())))
}

async fn answer(mut visit: Visit) -> Result<Response, Refusal> {
    let fields = std::mem::take(&mut visit.query);
    if fields.size() > MAX_REQUEST {
        return Err(Refusal::of(Failure::TooLarge));
    }
    let (client, redirect_uri) = client(&visit, &fields).await?;
    let client = &client.value;
    visit.log_for(client.client_id.tenant(), Some(&client.client_id));
    let reply_to = ReplyTo::of(&fields, redirect_uri);
    let request = match AuthorizationRequest::read(&fields, client, &reply_to, &visit.base_url) {
        Ok(request) => request,
        Err(wrong) => return Ok(refuse(&visit, client, &reply_to, wrong)),
    };
    let tenant = client.client_id.tenant();
    let signed_in = visit.signed_in().await?.filter(|signed_in| signed_in.tenant == *tenant);
    let Some(signed_in) = signed_in else {
        return sign_in(&visit, client, request, None).await;
    };
    let progress = Progress { visit: &visit, client, request: &request, signed_in: &signed_in };
    if progress.is_too_old() {
        return sign_in(&visit, client, request, Some(&signed_in)).await;
    }
    if request.prompt.select_account {
        return Ok(choose_account(&progress).await?);
    }
    progress.next(Answers::default()).await
}

/// The client of a request and the redirect URI that it may use. Without both, the person gets a
/// page and is sent nowhere (rule G2).
async fn client(
    visit: &Visit,
    fields: &Fields,
) -> Result<(Arc<Versioned<Client>>, RedirectUri), Refusal> {
    let unknown = || Refusal::of(Failure::UnknownClient);
    if fields.is_repeated("client_id") {
        return Err(unknown());
    }
    let id: ClientId =
        fields.get("client_id").unwrap_or_default().parse().map_err(|_| unknown())?;
    let asked = fields.get("redirect_uri").filter(|_| !fields.is_repeated("redirect_uri"));
    let asked = asked.unwrap_or_default();
    if let Some(found) = visit.app.client(&id, |client| client.redirect_uri(asked)).await? {
        return Ok(found);
    }
    let known = visit.app.client(&id, |_| Some(())).await?.is_some();
    Err(if known { Refusal::of(Failure::RedirectUri) } else { unknown() })
}

/// Shows the sign-in page, unless the client forbids pages.
async fn sign_in(
    visit: &Visit,
    client: &Client,
    request: AuthorizationRequest,
    signed_in: Option<&SignedIn>,
) -> Result<Response, Refusal> {
    if request.prompt.none {
        return Ok(next::refuse_sign_in(visit, client, &request));
    }
    let hint = request.login_hint.clone();
    let username =
        hint.or_else(|| signed_in.map(|signed_in| signed_in.user.value.username.clone()));
    let state = PageState { username, ..PageState::of_request(request) };
    Ok(sign_in::show(visit, &state).await?)
}

/// Shows the page on which the person says which account it is (`prompt=select_account`).
async fn choose_account(progress: &Progress<'_>) -> Result<Response> {
    let Progress { visit, client, request, signed_in } = progress;
    let state = PageState::of_request((*request).clone()).of_person(signed_in.user.value.id);
    let (state, token) = (visit.seal(&state).await?, visit.form_token().await?);
    let page = AccountChoice {
        form: Form { state: &state, token: &token },
        person: &signed_in.user.value.username,
        application: Some(&client.name),
        action: crate::persona::PATH,
    };
    let shell = visit.shell(Some(client.client_id.tenant()));
    let page = visit.page(pages::choose_account(&shell, &page));
    Ok(page.form_action(request.redirect_uri.origin()).into_response())
}

/// Goes on with a request for a person who has just signed in.
pub(crate) async fn go_on(
    visit: &Visit,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
) -> Result<Response, Refusal> {
    // The page was good for half an hour: the client may have lost the address since.
    let uri = request.redirect_uri.as_str();
    let found = visit.app.client(&request.client_id, |client| client.redirect_uri(uri)).await?;
    let (client, _) = found.ok_or(Refusal::of(Failure::RedirectUri))?;
    let request = request.signed_in();
    let client = &client.value;
    let progress = Progress { visit, client, request: &request, signed_in };
    progress.next(Answers { redirect: true, ..Answers::default() }).await
}
