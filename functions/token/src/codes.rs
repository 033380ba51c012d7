//! The authorization code grant (RFC 6749 §4.1.3) with proof keys (RFC 7636).

use serde_json::Value;
use shared::auth::claims::LEEWAY;
use shared::auth::code_exchange::{Claim, Started, claim, session_of};
use shared::auth::dpop::Proof;
use shared::auth::pkce;
use shared::auth::refresh::{self, Family, Grant, NewFamily};
use shared::domain::Scope;
use shared::domain::client::Authorization;
use shared::domain::people::{CODE_SECONDS, Code, Exchanged, Secret};
use shared::env::Timestamp;

use crate::audience;
use crate::call::OAuthCall;
use crate::error::OAuthError;
use crate::person;
use crate::tokens::{Authorised, Issue, NewToken, sign};

const INVALID: &str =
    "the code is invalid, expired or used; start again at the authorization endpoint";

fn invalid_grant(detail: &'static str) -> OAuthError {
    OAuthError::Refused("invalid_grant", detail.into())
}

/// Exchanges a code for tokens. A request that is refused does not use the code up, except that a
/// second use ends what the first one got (rules G6, G7).
pub(crate) async fn exchange(call: &OAuthCall, proof: Option<&Proof>) -> Result<Value, OAuthError> {
    let (app, client) = (&call.app, &call.client.value);
    if !client.authorization_code {
        return Err(OAuthError::Refused(
            "unauthorized_client",
            "this client does not have the grant authorization_code".into(),
        ));
    }
    let required = |name: &'static str, missing: &'static str| {
        call.form.get(name).ok_or(OAuthError::invalid_request(missing))
    };
    let code = required("code", "`code` is required")?;
    let tenant = client.client_id.tenant();
    let hash = code.parse::<Secret>().map_err(|_| invalid_grant(INVALID))?.hash();
    let stored = app.table().find_code(tenant, &hash).await?;
    let stored = stored.filter(|stored| stored.value.client == client.client_id);
    let stored = stored.ok_or(invalid_grant(INVALID))?;
    let bound = stored.value.clone();
    if bound.exchanged.is_some() {
        return Err(end_tokens(call, &bound).await?);
    }
    let redirect_uri = required("redirect_uri", "`redirect_uri` is required")?;
    let verifier = required("code_verifier", "`code_verifier` is required")?;
    check(&bound, redirect_uri, verifier, proof, app.env().clock.now())?;
    let given = Authorization::of(&bound);
    let Some(person) = person::of(call, &given).await? else { return Err(invalid_grant(INVALID)) };
    if person.scopes.is_empty() {
        let detail = "none of the granted scopes is left; the person lost the rights";
        return Err(OAuthError::Refused("invalid_scope", detail.into()));
    }
    let Some(session) = session_of(app.table(), tenant, &bound).await? else {
        return Err(invalid_grant(INVALID));
    };
    let parties = audience::of_code(&bound, client, &call.base_url)?;
    let requested = audience::requested(&call.form, &parties)?;
    // Refresh tokens are for what the first request named.
    let named = if bound.audience.is_empty() { requested.clone() } else { parties.clone() };
    let audience = if requested.is_empty() { parties } else { requested };
    // What can fail is read before the code is used up.
    let keys = app.signing_keys();
    keys.current(client.access_token_signing_alg).await?;
    let family = if client.refresh_token && person.scopes.allows(Scope::OfflineAccess) {
        let jkt = proof.map(|proof| proof.jkt.as_str());
        let now = app.env().clock.now();
        let state = Family::of_person(client, given.clone(), named, jkt, now);
        Some(NewFamily::new(&*keys.refresh_key().await?, state, app.env()))
    } else {
        None
    };
    let token = NewToken::new(call, Some(&given));
    let exchanged = Exchanged {
        family: family.as_ref().map(|family| family.name.clone()),
        jti: token.jti.clone(),
        token_ends_at: Timestamp::from_millis(token.exp.saturating_mul(1000)),
    };
    let granted = client.needs_consent() && client.remembers_consent();
    let started = family.as_ref().map(|family| Started { family, session: &session, granted });
    match claim(app.table(), tenant, &hash, stored, &exchanged, started).await? {
        Claim::Claimed => {}
        Claim::Used(code) => return Err(end_tokens(call, &code).await?),
        Claim::Gone => return Err(invalid_grant(INVALID)),
    }
    let grant = Grant { scopes: person.scopes.clone(), audience };
    let by = Authorised { given: &given, person: &person, nonce: bound.nonce.as_deref() };
    let refresh_token = family.map(|family| family.token);
    sign(call, Issue { token, grant, by: Some(by), proof, refresh_token }).await
}

/// Checks what the code is bound to.
fn check(
    code: &Code,
    redirect_uri: &str,
    verifier: &str,
    proof: Option<&Proof>,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if code.created_at.plus_seconds(CODE_SECONDS) <= now {
        return Err(invalid_grant(INVALID));
    }
    if code.redirect_uri != redirect_uri {
        let detail = "the `redirect_uri` must be that of the authorization request";
        return Err(invalid_grant(detail));
    }
    if !pkce::fits(verifier, &code.challenge) {
        let detail = "the `code_verifier` does not fit the `code_challenge`";
        return Err(invalid_grant(detail));
    }
    if let Some(jkt) = &code.dpop_jkt
        && proof.is_none_or(|proof| proof.jkt != *jkt)
    {
        let detail = "the proof must be signed with the key that `dpop_jkt` named";
        return Err(OAuthError::Refused("invalid_dpop_proof", detail.into()));
    }
    Ok(())
}

/// Ends the tokens that a code was exchanged for, because the code was sent again: the family of
/// refresh tokens and the access token. Somebody else may have the code. A public client does not
/// authenticate, so its verifier shows that the request is not just anybody's. Returns the refusal.
async fn end_tokens(call: &OAuthCall, code: &Code) -> Result<OAuthError, OAuthError> {
    let (table, client) = (call.app.table(), &call.client.value);
    let verifier = call.form.get("code_verifier").unwrap_or_default();
    if let Some(got) = &code.exchanged
        && (!client.is_public() || pkce::fits(verifier, &code.challenge))
    {
        let tenant = client.client_id.tenant();
        let until = got.token_ends_at.plus_seconds(LEEWAY);
        table.revoke_access_token(tenant, &got.jti, until).await?;
        if let Some(family) = &got.family {
            refresh::end(table, family, &client.client_id).await?;
        }
    }
    Ok(invalid_grant(INVALID))
}
