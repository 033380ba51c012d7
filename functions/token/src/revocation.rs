//! Revocation (RFC 7009): the owner of a token gives it up.

use http::StatusCode;
use shared::auth::AuthError;
use shared::auth::access_token::VerifiedAccessToken;
use shared::auth::claims::LEEWAY;
use shared::auth::refresh;
use shared::axum::response::{IntoResponse, Response};
use shared::env::Timestamp;

use crate::call::OAuthCall;
use crate::error::{OAuthError, no_store};

/// Ends the family of a refresh token, or notes that an access token is revoked. Introspection
/// shows the revocation; resources accept the token until it expires. Only the caller's own tokens
/// are revoked; the answer is the same for every other token (rule O7).
pub(crate) async fn revoke(call: OAuthCall) -> Result<Response, OAuthError> {
    let token = call.form.get("token").ok_or(OAuthError::invalid_request("`token` is required"))?;
    let key = call.app.signing_keys().refresh_key().await?;
    if !refresh::revoke(call.app.table(), &key, &call.client.value.client_id, token).await? {
        access_token(&call, token).await?;
    }
    let mut response = StatusCode::OK.into_response();
    no_store(&mut response);
    Ok(response)
}

async fn access_token(call: &OAuthCall, token: &str) -> Result<(), OAuthError> {
    let verified =
        match VerifiedAccessToken::verify(token, call.app.public_keys(), &call.base_url).await {
            Ok(verified) => verified,
            Err(AuthError::BadToken(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
    let Ok(claims) = verified.claims(call.app.env().clock.now()) else { return Ok(()) };
    if claims.client_id == call.client.value.client_id {
        let until = Timestamp::from_millis(claims.exp.saturating_mul(1000)).plus_seconds(LEEWAY);
        call.app.table().revoke_access_token(&claims.tenant, &claims.jti, until).await?;
    }
    Ok(())
}
