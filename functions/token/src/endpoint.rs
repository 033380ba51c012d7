//! The token endpoint (RFC 6749 §3.2).

use serde_json::json;
use shared::auth::AuthError;
use shared::auth::access_token::AccessTokenClaims;
use shared::auth::claims::{Audience, Confirmation};
use shared::auth::dpop::Proof;
use shared::auth::refresh::{self, Exchange, Grant};
use shared::axum::response::Response;
use shared::domain::{Scope, Scopes};

use crate::audience::{self, invalid_target};
use crate::call::{OAuthCall, answer};
use crate::error::{OAuthError, printable};

/// Refuses the first scope in a text that the client may not request.
fn invalid_scope(requested: Option<&str>, allowed: &Scopes) -> OAuthError {
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

/// Issues a token.
pub(crate) async fn token(call: OAuthCall) -> Result<Response, OAuthError> {
    let client = &call.client.value;
    let proof = call.proof().await?;
    if proof.is_none() && client.dpop_bound_access_tokens {
        return Err(
            AuthError::BadProof("this client must send a proof in the header `DPoP`").into()
        );
    }
    let asked = match call.form.get("scope").map(str::parse::<Scopes>) {
        None => None,
        Some(Ok(scopes)) => Some(scopes),
        Some(Err(_)) => return Err(invalid_scope(call.form.get("scope"), &client.scopes)),
    };
    let parties = audience::allowed(client, &call.base_url);
    let requested = audience::requested(&call.form, &parties)?;
    let (grant, refresh_token) = match call.form.get("grant_type") {
        None => return Err(OAuthError::invalid_request("`grant_type` is required")),
        Some("client_credentials") => client_credentials(&call, asked, requested, parties).await?,
        Some("refresh_token") => refresh(&call, asked, &requested, parties).await?,
        Some(_) => {
            return Err(OAuthError::Refused(
                "unsupported_grant_type",
                "expected `grant_type` client_credentials or refresh_token".into(),
            ));
        }
    };
    let mut content = json!({
        "access_token": sign(&call, &grant, proof.as_ref()).await?,
        "token_type": if proof.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": client.access_token_lifetime,
        "scope": grant.scopes.to_string(),
    });
    if let (Some(token), Some(members)) = (refresh_token, content.as_object_mut()) {
        members.insert("refresh_token".to_owned(), token.into());
    }
    Ok(answer(content))
}

/// The client credentials grant (RFC 6749 §4.4). Clients that hold the refresh grant get a refresh
/// token with it. The token is for the parties that are `requested`, or for all of `parties`.
async fn client_credentials(
    call: &OAuthCall,
    asked: Option<Scopes>,
    requested: Vec<String>,
    parties: Vec<String>,
) -> Result<(Grant, Option<String>), OAuthError> {
    let client = &call.client.value;
    let scopes = asked.unwrap_or_else(|| client.default_scopes.clone());
    if scopes.is_empty() || !client.scopes.allows_all(&scopes) {
        return Err(invalid_scope(call.form.get("scope"), &client.scopes));
    }
    let token = if client.refresh_token {
        let (table, key) = (call.app.table(), call.app.signing_keys().refresh_key().await?);
        Some(refresh::start(table, &key, &client.client_id, &scopes, &requested).await?)
    } else {
        None
    };
    let audience = if requested.is_empty() { parties } else { requested };
    Ok((Grant { scopes, audience }, token))
}

/// The refresh grant (RFC 6749 §6): scopes and audience can only shrink. The client is
/// authenticated, so the refresh token is not bound to the key of a proof (RFC 9449 §5).
async fn refresh(
    call: &OAuthCall,
    asked: Option<Scopes>,
    requested: &[String],
    parties: Vec<String>,
) -> Result<(Grant, Option<String>), OAuthError> {
    let client = &call.client.value;
    let detail = "the refresh token is invalid, expired or revoked; use client_credentials";
    let invalid_grant = OAuthError::Refused("invalid_grant", detail.into());
    if !client.refresh_token {
        return Err(OAuthError::Refused(
            "unauthorized_client",
            "this client does not have the grant refresh_token; use client_credentials".into(),
        ));
    }
    let token = call
        .form
        .get("refresh_token")
        .ok_or(OAuthError::invalid_request("`refresh_token` is required"))?;
    let (app, key) = (&call.app, call.app.signing_keys().refresh_key().await?);
    let allowed = Grant { scopes: client.scopes.clone(), audience: parties };
    match refresh::exchange(
        app.table(),
        &key,
        &client.client_id,
        token,
        &allowed,
        asked.as_ref(),
        requested,
    )
    .await?
    {
        Exchange::InvalidGrant => Err(invalid_grant),
        Exchange::InvalidScope => Err(invalid_scope(call.form.get("scope"), &client.scopes)),
        Exchange::InvalidTarget(parties) => {
            let wrong = requested.iter().find(|party| !parties.contains(party));
            Err(invalid_target(wrong.map(String::as_str), &parties))
        }
        Exchange::Granted(next, grant) => Ok((grant, Some(next))),
    }
}

async fn sign(
    call: &OAuthCall,
    grant: &Grant,
    proof: Option<&Proof>,
) -> Result<String, OAuthError> {
    let (app, client) = (&call.app, &call.client.value);
    let now = app.env().clock.now().seconds();
    let audience = match grant.audience.as_slice() {
        [party] => Audience::One(party.clone()),
        parties => Audience::Several(parties.to_vec()),
    };
    let claims = AccessTokenClaims {
        iss: call.issuer(),
        sub: client.client_id.to_string(),
        aud: audience,
        user_id: None,
        client_id: client.client_id.clone(),
        scope: grant.scopes.clone(),
        tenant: client.client_id.tenant().clone(),
        jti: app.env().new_uuid().to_string(),
        iat: now,
        exp: now + client.access_token_lifetime,
        nbf: None,
        systems: client.systems.clone(),
        integration: client.integration,
        max_classifier: client.max_classifier,
        cnf: proof.map(|proof| Confirmation { jkt: proof.jkt.clone() }),
    };
    let key = app.signing_keys().current(client.access_token_signing_alg).await?;
    Ok(key.sign(&claims)?)
}
