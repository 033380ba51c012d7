//! Receipts of consents. This function alone has private keys, so it signs them (ADR 0063).

use std::collections::{BTreeMap, BTreeSet};

use shared::auth::access_token::issuer;
use shared::axum::routing::get;
use shared::domain::Scope::UsersRead;
use shared::domain::consent::{ConsentRecord, ReceiptOf};
use shared::domain::error::{Error, Result};
use shared::domain::id::{PartyId, ProfileName, UserId};
use shared::domain::json::{Json, Object};
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
    .for_audience()
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

/// A client that is bound to systems names people as its systems know them, and so does the receipt.
async fn of_user(call: Call) -> HandlerResult {
    if call.caller.grants.systems.is_empty() {
        let user = call.user("user_id").await?;
        return answer(&call, user, &user.to_string()).await;
    }
    let name: ProfileName = call.id("user_id")?;
    for system in &call.caller.grants.systems {
        let found = call.app.table().find_holder(&call.caller.tenant, system, &name).await?;
        if let Some(user) = found {
            return answer(&call, user, &call.id::<String>("user_id")?).await;
        }
    }
    Err(Error::NotFound)
}

/// Blocked people get theirs, too (rule CO-18).
async fn of_caller(call: Call) -> HandlerResult {
    let user = call.linked_user().await?;
    answer(&call, user, &user.to_string()).await
}

async fn answer(call: &Call, user: UserId, principal: &str) -> HandlerResult {
    let consent: PartyId = call.id("consent_id")?;
    let audience = call.asked_audience()?;
    let (table, tenant) = (call.app.table(), &call.caller.tenant);
    let stored = table.get_user(tenant, user).await?;
    if stored.value.check_active().is_ok() {
        call.caller.check_signed_in(&stored.value)?;
    }
    let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
    // Read once: the record is what the history makes of it.
    let history = table.consent_history(tenant, of).await?;
    if history.is_empty() {
        return Err(Error::NotFound);
    }
    let record = history.iter().fold(of.empty(), ConsentRecord::with);
    let schema = call.app.schema(tenant).await?;
    let now = call.app.env().clock.now();
    let mut numbers: BTreeSet<_> = record.purposes.values().filter_map(|p| p.version).collect();
    if numbers.is_empty() {
        numbers.extend(schema.consent(&consent).and_then(|c| Some(c.latest(now)?.number)));
    }
    let mut texts = BTreeMap::new();
    for number in numbers {
        let text = table.consent_text(tenant, &consent, number).await?;
        texts.extend(text.map(|text| (number, text.value)));
    }
    let base_url = call.base_url()?;
    let issuer = issuer(base_url);
    let receipt = ReceiptOf {
        service: (&issuer, base_url),
        principal,
        record: &record,
        history: &history,
        texts: &texts,
        schema: &schema,
        now,
    };
    Ok(Answer::content(object! { "receipt" => sign(call, receipt.claims()).await? }))
}

async fn sign(call: &Call, claims: Object) -> Result<String> {
    let key = call.app.signing_keys().current(Algorithm::Es256).await?;
    key.sign_as(MEDIA_TYPE, &Json::Object(claims))
}
