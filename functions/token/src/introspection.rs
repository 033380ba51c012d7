//! Introspection (RFC 7662): what a token is worth now, for resource servers of the tenant that do
//! not verify it themselves.

use serde_json::{Value, json};
use shared::auth::AuthError;
use shared::auth::access_token::{AccessTokenClaims, VerifiedAccessToken};
use shared::auth::refresh;
use shared::axum::response::Response;
use shared::domain::id::UserId;
use shared::domain::people::rights::portal_scopes;
use shared::domain::{Scopes, Version};

use crate::call::{OAuthCall, answer};
use crate::error::OAuthError;
use crate::refreshing;

/// Describes a token. If the token is not valid, or the caller may not see it, the answer says only
/// that it is inactive (rule O7).
pub(crate) async fn introspect(call: OAuthCall) -> Result<Response, OAuthError> {
    if call.client.value.is_public() {
        // Everybody can call in its name (RFC 7662 §2.1).
        let detail = "a public client may not introspect tokens";
        return Err(OAuthError::InvalidClient { basic: false, detail });
    }
    let token = call.form.get("token").ok_or(OAuthError::invalid_request("`token` is required"))?;
    let content = match refresh_token(&call, token).await? {
        Some(content) => Some(content),
        None => access_token(&call, token).await?,
    };
    Ok(answer(content.unwrap_or_else(|| json!({ "active": false }))))
}

/// A refresh token, which is shown to its own client alone, with what it would be granted for it
/// now.
async fn refresh_token(call: &OAuthCall, token: &str) -> Result<Option<Value>, OAuthError> {
    let (table, client) = (call.app.table(), &call.client.value);
    if !client.refresh_token {
        return Ok(None);
    }
    let key = call.app.signing_keys().refresh_key().await?;
    let Some(family) = refresh::find(table, &key, &client.client_id, token).await? else {
        return Ok(None);
    };
    let Some((grant, person)) = refreshing::grantable(call, &family).await? else {
        return Ok(None);
    };
    if grant.scopes.is_empty() || grant.audience.is_empty() {
        return Ok(None);
    }
    let sub = person.map_or_else(|| client.client_id.to_string(), |person| person.sub);
    Ok(Some(json!({
        "active": true,
        "client_id": client.client_id,
        "sub": sub,
        "scope": grant.scopes.to_string(),
        "tenant": client.client_id.tenant(),
        "iss": call.issuer(),
        "iat": family.reached_at.seconds(),
        "exp": family.ends_at.seconds(),
    })))
}

/// An access token of the same tenant, with any audience: a client's or a local person's.
async fn access_token(call: &OAuthCall, token: &str) -> Result<Option<Value>, OAuthError> {
    let now = call.app.env().clock.now();
    let verified =
        match VerifiedAccessToken::verify(token, call.app.public_keys(), &call.base_url).await {
            Ok(verified) => verified,
            Err(AuthError::BadToken(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
    let Ok(claims) = verified.claims(now) else { return Ok(None) };
    if &claims.tenant != call.client.value.client_id.tenant() || claims.exp <= now.seconds() {
        return Ok(None);
    }
    if call.app.table().is_revoked(&claims.tenant, &claims.jti).await? {
        return Ok(None);
    }
    let mut claims = claims.clone();
    if let Some(user) = claims.user_id {
        let Some(scopes) = scopes_of(call, &claims, user).await? else { return Ok(None) };
        claims.scope = scopes;
    }
    let bound = claims.cnf.is_some();
    let Ok(Value::Object(mut content)) = serde_json::to_value(claims) else { return Ok(None) };
    content.insert("active".to_owned(), true.into());
    content.insert("token_type".to_owned(), if bound { "DPoP" } else { "Bearer" }.into());
    Ok(Some(Value::Object(content)))
}

/// The scopes that the token of a person has now: of the rights among them, those that the person
/// has. `None` if the token is refused everywhere, because the person is blocked, deleted or signed
/// out of everything.
async fn scopes_of(
    call: &OAuthCall,
    claims: &AccessTokenClaims,
    user: UserId,
) -> Result<Option<Scopes>, OAuthError> {
    let app = &call.app;
    let Some(user) = app.table().find_user(&claims.tenant, user).await? else { return Ok(None) };
    let version = Version(claims.user_version.unwrap_or_default());
    if user.value.check_active().is_err() || user.value.has_signed_out(version) {
        return Ok(None);
    }
    let rights = claims.scope.administrative();
    if rights.is_empty() {
        return Ok(Some(claims.scope.clone()));
    }
    let schema = app.schema_of(&claims.tenant, [&user.value]).await?;
    let held = portal_scopes(&user.value, &schema, app.env().clock.now());
    Ok(Some(claims.scope.personal().with(&rights.common(&held))))
}
