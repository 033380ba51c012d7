//! Introspection (RFC 7662): what a token is worth now, for resource servers of the tenant that do
//! not verify it themselves.

use serde_json::{Value, json};
use shared::auth::AuthError;
use shared::auth::access_token::VerifiedAccessToken;
use shared::auth::refresh::{self, Grant};
use shared::axum::response::Response;

use crate::audience;
use crate::call::{OAuthCall, answer};
use crate::error::OAuthError;

/// Describes a token. If the token is not valid, or the caller may not see it, the answer says only
/// that it is inactive (rule O7).
pub(crate) async fn introspect(call: OAuthCall) -> Result<Response, OAuthError> {
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
    let audience = audience::allowed(client, &call.base_url);
    let grant = family.grantable(&Grant { scopes: client.scopes.clone(), audience });
    if grant.scopes.is_empty() || grant.audience.is_empty() {
        return Ok(None);
    }
    Ok(Some(json!({
        "active": true,
        "client_id": client.client_id,
        "sub": client.client_id,
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
    if let Some(user) = claims.user_id {
        // The token of a person is refused everywhere once the person is blocked or deleted.
        let user = call.app.table().find_user(&claims.tenant, user).await?;
        if user.is_none_or(|user| user.value.check_active().is_err()) {
            return Ok(None);
        }
    }
    let Ok(Value::Object(mut content)) = serde_json::to_value(claims) else { return Ok(None) };
    content.insert("active".to_owned(), true.into());
    content.insert(
        "token_type".to_owned(),
        if claims.cnf.is_some() { "DPoP" } else { "Bearer" }.into(),
    );
    Ok(Some(Value::Object(content)))
}
