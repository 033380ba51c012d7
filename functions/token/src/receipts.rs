//! Receipts of consents. This function alone has private keys, so it signs them (ADR 0063).

use shared::auth::access_token::issuer;
use shared::axum::routing::get;
use shared::domain::Scope::UsersRead;
use shared::domain::consent::receipt;
use shared::domain::error::{Error, Result};
use shared::domain::id::{PartyId, UserId, WrongShape};
use shared::domain::jwk::Algorithm;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::{Call, Route};
use shared::object;
use shared::store::consents::ConsentOf;

/// What the header of a receipt says that it is.
const MEDIA_TYPE: &str = "consent-receipt+jwt";

/// The routes of receipts.
pub(crate) const ROUTES: [Route; 2] = [
    Route::read(
        "GET",
        "/identity/users/{user_id}/consents/{consent_id}/receipt",
        "get_user_consent_receipt",
        (200, "ConsentReceipt"),
        || get(of_user),
    )
    .scope(UsersRead)
    .query(&["audience"])
    .summary("Read the receipt of a consent of a user")
    .description("Signed; the JWK Set of the service verifies it."),
    Route::read(
        "GET",
        "/identity/me/consents/{consent_id}/receipt",
        "get_own_consent_receipt",
        (200, "ConsentReceipt"),
        || get(of_caller),
    )
    .people()
    .query(&["audience"])
    .summary("Read the receipt of an own consent")
    .description("Signed; the JWK Set of the service verifies it."),
];

async fn of_user(call: Call) -> HandlerResult {
    let user = call.user("user_id").await?;
    answer(&call, user).await
}

/// Blocked people get theirs, too (rule CO-18).
async fn of_caller(call: Call) -> HandlerResult {
    let user = call.linked_user().await?;
    answer(&call, user).await
}

async fn answer(call: &Call, user: UserId) -> HandlerResult {
    let consent: PartyId = call.id("consent_id")?;
    let audience = call.query("audience").map(str::parse::<PartyId>).transpose();
    let audience = audience.map_err(|error: WrongShape| {
        Error::Malformed(format!("query parameter `audience`: {error}"))
    })?;
    let (table, tenant) = (call.app.table(), &call.caller.tenant);
    table.get_user(tenant, user).await?;
    let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
    let record = table.consent_of(tenant, of).await?.ok_or(Error::NotFound)?.value;
    let history = table.consent_history(tenant, of).await?;
    let schema = call.app.schema(tenant).await?;
    let now = call.app.env().clock.now();
    let read = history.iter().rev().find_map(|event| event.evidence.version);
    let current = || schema.consent(&consent)?.latest(now).map(|version| version.number);
    let number = read.or_else(current).ok_or(Error::NotFound)?;
    let text = table.consent_text(tenant, &consent, number).await?.ok_or(Error::NotFound)?;
    let base_url = call.base_url()?;
    let issuer = issuer(base_url);
    let said = (&record, history.as_slice());
    let claims = receipt((&issuer, base_url), user, said, &text.value, &schema, now);
    Ok(Answer::content(object! { "receipt" => sign(call, &claims).await? }))
}

async fn sign(call: &Call, claims: &shared::domain::json::Object) -> Result<String> {
    let key = call.app.signing_keys().current(Algorithm::Es256).await?;
    key.sign_as(MEDIA_TYPE, claims)
}
