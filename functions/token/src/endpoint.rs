//! The token endpoint (RFC 6749 §3.2).

use serde_json::Value;
use shared::auth::AuthError;
use shared::auth::dpop::Proof;
use shared::auth::refresh::{self, Grant};
use shared::axum::response::{IntoResponse as _, Response};
use shared::domain::{Scope, Scopes};
use shared::http::cross_origin;

use crate::call::{OAuthCall, answer};
use crate::error::{OAuthError, printable};
use crate::tokens::{Issue, NewToken, sign};
use crate::{audience, codes, refreshing};

/// Refuses the first scope in a text that the client may not request.
pub(crate) fn invalid_scope(requested: Option<&str>, allowed: &Scopes) -> OAuthError {
    let is_allowed = |word: &&str| {
        word.parse::<Scope>().is_ok_and(|scope| allowed.allows_all(&Scopes::new([scope])))
    };
    let wrong =
        requested.unwrap_or_default().split(' ').find(|word| !word.is_empty() && !is_allowed(word));
    let detail = match wrong {
        Some(wrong) => format!("this client may not request the scope `{}`", printable(wrong)),
        None => "expected at least one scope".to_owned(),
    };
    OAuthError::Refused("invalid_scope", format!("{detail}; it may request `{allowed}`").into())
}

/// The scopes that a request names, if it names any.
pub(crate) fn asked_scopes(call: &OAuthCall) -> Result<Option<Scopes>, OAuthError> {
    let Some(text) = call.form.get("scope") else { return Ok(None) };
    let scopes = text.parse().map_err(|_| invalid_scope(Some(text), &call.client.value.scopes))?;
    Ok(Some(scopes))
}

/// Issues a token. Pages of a public client may read the answer.
pub(crate) async fn token(call: OAuthCall) -> Response {
    let mut response = match issue(&call).await {
        Ok(content) => answer(content),
        Err(refused) => refused.into_response(),
    };
    let client = Some(&call.client.value);
    cross_origin::open_to_client(response.headers_mut(), call.origin(), client);
    response
}

async fn issue(call: &OAuthCall) -> Result<Value, OAuthError> {
    let proof = call.proof().await?;
    if proof.is_none() && call.client.value.dpop_bound_access_tokens {
        return Err(
            AuthError::BadProof("this client must send a proof in the header `DPoP`").into()
        );
    }
    match call.form.get("grant_type") {
        None => Err(OAuthError::invalid_request("`grant_type` is required")),
        Some("authorization_code") => codes::exchange(call, proof.as_ref()).await,
        Some("client_credentials") => client_credentials(call, proof.as_ref()).await,
        Some("refresh_token") => refreshing::exchange(call, proof.as_ref()).await,
        Some(_) => Err(OAuthError::Refused(
            "unsupported_grant_type",
            "expected `grant_type` authorization_code, client_credentials or refresh_token".into(),
        )),
    }
}

/// The client credentials grant (RFC 6749 §4.4). Clients that hold the refresh grant get a refresh
/// token with it.
async fn client_credentials(call: &OAuthCall, proof: Option<&Proof>) -> Result<Value, OAuthError> {
    let (app, client) = (&call.app, &call.client.value);
    let asked = asked_scopes(call)?;
    let parties = audience::allowed(client, &call.base_url);
    let requested = audience::requested(&call.form, &parties)?;
    if !client.client_credentials {
        let detail = "this client does not have the grant client_credentials";
        return Err(OAuthError::Refused("unauthorized_client", detail.into()));
    }
    let allowed = client.scopes.of_clients();
    let scopes = asked.unwrap_or_else(|| client.default_scopes.of_clients());
    if scopes.is_empty() || !allowed.allows_all(&scopes) {
        return Err(invalid_scope(call.form.get("scope"), &allowed));
    }
    let refresh_token = if client.refresh_token {
        let (table, key) = (app.table(), app.signing_keys().refresh_key().await?);
        Some(refresh::start(table, &key, &client.client_id, &scopes, &requested).await?)
    } else {
        None
    };
    let audience = if requested.is_empty() { parties } else { requested };
    let (token, grant) = (NewToken::new(call, None), Grant { scopes, audience });
    sign(call, Issue { token, grant, by: None, proof, refresh_token }).await
}
