//! Answers to clients: by redirect, by a form that the browser posts, or by a link that opens an
//! app (rules G3, G5, G11, G12).

use shared::auth::access_token::issuer;
use shared::axum::response::{IntoResponse as _, Response};
use shared::domain::client::Client;

use super::request::{ReplyTo, ResponseMode, Wrong};
use crate::pages;
use crate::respond::see_other;
use crate::visit::Visit;

/// The code's parameter.
pub(crate) const CODE: &str = "code";

/// Sends an error to the client.
pub(crate) fn refuse(visit: &Visit, client: &Client, to: &ReplyTo, wrong: Wrong) -> Response {
    let parameters = [("error", wrong.code), ("error_description", wrong.detail)];
    send(visit, client, to, &parameters)
}

/// Sends parameters to the client, with the `state` of its request and the issuer (RFC 9207).
pub(crate) fn send(
    visit: &Visit,
    client: &Client,
    to: &ReplyTo,
    parameters: &[(&str, &str)],
) -> Response {
    let issuer = issuer(&visit.base_url);
    let state = to.state.as_deref().map(|state| ("state", state));
    let parameters: Vec<_> =
        parameters.iter().copied().chain(state).chain([("iss", issuer.as_str())]).collect();
    let shell = visit.shell(Some(client.client_id.tenant()));
    match (to.redirect_uri.origin(), to.response_mode) {
        (Some(origin), ResponseMode::FormPost) => {
            let page = pages::form_post(&shell, to.redirect_uri.as_str(), &parameters);
            visit.page(page).form_action(Some(origin)).into_response()
        }
        (None, _) if !to.silent => {
            // A browser opens an app only when the person acts.
            let uri = to.redirect_uri.with(&parameters);
            visit.page(pages::open_application(&shell, &uri, &client.name)).into_response()
        }
        (_, _) => see_other(&to.redirect_uri.with(&parameters)),
    }
}

/// The address at which a person goes back to the client without signing in.
pub(crate) fn way_back(visit: &Visit, to: &ReplyTo) -> String {
    let issuer = issuer(&visit.base_url);
    let state = to.state.as_deref().map(|state| ("state", state));
    let parameters = [("error", "access_denied"), ("iss", issuer.as_str())];
    let parameters: Vec<_> = parameters.into_iter().chain(state).collect();
    to.redirect_uri.with(&parameters)
}
