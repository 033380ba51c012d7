//! The refresh grant (RFC 6749 §6): scopes and audience can only shrink.

use serde_json::Value;
use shared::auth::AuthError;
use shared::auth::dpop::Proof;
use shared::auth::refresh::{self, Family, Grant};
use shared::domain::{Result as DomainResult, Scopes};
use shared::store::Retry;

use crate::audience::{self, invalid_target};
use crate::call::OAuthCall;
use crate::endpoint::{asked_scopes, invalid_scope};
use crate::error::OAuthError;
use crate::person::{self, Person};
use crate::tokens::{Authorised, Issue, NewToken, sign};

/// Exchanges a refresh token for its successor and an access token. By default these have the
/// scopes and the audience that the family started with, and that the client may still have. A
/// request for more is refused.
///
/// A client that authenticates need not prove that the refresh token is its own (RFC 9449 §5). The
/// family of a public client is bound to the key of its first proof.
pub(crate) async fn exchange(call: &OAuthCall, proof: Option<&Proof>) -> Result<Value, OAuthError> {
    let (app, client) = (&call.app, &call.client.value);
    let wanted = asked_scopes(call)?;
    if !client.refresh_token {
        let detail = "this client does not have the grant refresh_token";
        return Err(OAuthError::Refused("unauthorized_client", detail.into()));
    }
    let token = call
        .form
        .get("refresh_token")
        .ok_or(OAuthError::invalid_request("`refresh_token` is required"))?;
    let (table, key) = (app.table(), app.signing_keys().refresh_key().await?);
    let mut retry = Retry::of(table);
    loop {
        let presented = refresh::read(table, &key, &client.client_id, token).await?;
        let presented = presented.ok_or_else(|| invalid_grant(call))?;
        let family = presented.family();
        check_proof(family, proof)?;
        if !presented.is_current(app.env().clock.now()) {
            if presented.end(table).await? {
                return Err(invalid_grant(call));
            }
            retry.again().await?;
            continue;
        }
        let Some((most, person)) = grantable(call, family).await? else {
            return Err(invalid_grant(call));
        };
        let scopes = wanted.clone().unwrap_or_else(|| most.scopes.clone());
        if scopes.is_empty() || !most.scopes.allows_all(&scopes) {
            return Err(invalid_scope(call.form.get("scope"), &client.scopes));
        }
        let requested = audience::requested(&call.form, &parties(call, family))?;
        let wrong = requested.iter().find(|party| !most.audience.contains(party));
        if most.audience.is_empty() || wrong.is_some() {
            return Err(invalid_target(wrong.map(String::as_str), &most.audience));
        }
        let audience = if requested.is_empty() { most.audience } else { requested };
        // What can fail is read before the token is used up.
        app.signing_keys().current(client.access_token_signing_alg).await?;
        let Some(next) = presented.rotate(table, &key).await? else {
            retry.again().await?;
            continue;
        };
        let given = family.person.as_ref();
        let by = given.zip(person.as_ref());
        let issue = Issue {
            token: NewToken::new(call, given),
            grant: Grant { scopes, audience },
            by: by.map(|(given, person)| Authorised { given, person, nonce: None }),
            proof,
            refresh_token: Some(next),
        };
        return sign(call, issue).await;
    }
}

fn invalid_grant(call: &OAuthCall) -> OAuthError {
    let detail = if call.client.value.client_credentials {
        "the refresh token is invalid, expired or revoked; use client_credentials"
    } else {
        "the refresh token is invalid, expired or revoked; the person has to sign in again"
    };
    OAuthError::Refused("invalid_grant", detail.into())
}

fn check_proof(family: &Family, proof: Option<&Proof>) -> Result<(), OAuthError> {
    let Some(jkt) = &family.jkt else { return Ok(()) };
    if proof.is_some_and(|proof| proof.jkt == *jkt) {
        return Ok(());
    }
    let detail = "the refresh token is bound to a key; send a proof of it in the header `DPoP`";
    Err(AuthError::BadProof(detail).into())
}

/// The audiences that tokens of the family's kind may have.
fn parties(call: &OAuthCall, family: &Family) -> Vec<String> {
    let client = &call.client.value;
    if family.person.is_some() {
        client.audience_of_people(&call.base_url)
    } else {
        audience::allowed(client, &call.base_url)
    }
}

/// The most that a family grants now, and its person. `None` if the family has ended: the client
/// has lost the grant that started it, or the person's sign-in has ended.
pub(crate) async fn grantable(
    call: &OAuthCall,
    family: &Family,
) -> DomainResult<Option<(Grant, Option<Person>)>> {
    let client = &call.client.value;
    let audience = parties(call, family);
    let Some(given) = &family.person else {
        let allowed = Grant { scopes: client.scopes.clone(), audience };
        return Ok(client.client_credentials.then(|| (family.grantable(&allowed), None)));
    };
    // The client may have been confidential when the family was started.
    let over = client.is_public() && given.session_ends_at <= call.app.env().clock.now();
    if !client.authorization_code || over {
        return Ok(None);
    }
    let Some(person) = person::of(call, given).await? else { return Ok(None) };
    let scopes: Scopes = person.scopes.clone();
    let grant = Grant { scopes, audience: family.audience_within(&audience) };
    Ok(Some((grant, Some(person))))
}
