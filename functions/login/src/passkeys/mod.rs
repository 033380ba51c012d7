//! Passkeys: credentials that an authenticator keeps and that sign a challenge of this service
//! (`WebAuthn` Level 3).
//!
//! They are verified here, on `ring`, as strictly as the standard allows (ADR 0069). A passkey is
//! always discoverable and always verifies its person, so it is two factors by itself and needs no
//! username (rules G42, G52, G53, G55).

mod answer;
mod assertion;
mod authenticator_data;
mod cbor;
mod challenge;
mod client_data;
mod cose;
mod manage;
mod refusal;
mod registration;
mod relying_party;
mod sign_in;
#[cfg(test)]
mod vectors;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::Value;
use shared::axum::body::Body;
use shared::axum::response::Response;
use shared::axum::routing::post;
use shared::domain::audit::Change;
use shared::domain::error::Error;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{LoginFacts, PasskeyFacts};
use shared::http::Route;
use shared::store::people::delete_passkey;
use shared::writing::{Account, AccountChange};

use self::refusal::Refusal;
pub(crate) use self::relying_party::RelyingParty;
use crate::respond::{form_alone, secured};

/// The routes of passkeys. Scripts ask for options; the browser sends the answers of authenticators
/// as forms.
pub(crate) const ROUTES: [Route; 6] = [
    Route::form_page("/idhub/login/passkey/options", "passkey_options", || {
        secured(post(sign_in::options))
    })
    .summary("Read a challenge for a passkey"),
    Route::form_page("/idhub/login/passkey", "sign_in_with_passkey", || {
        form_alone(post(sign_in::sign_in))
    })
    .summary("Sign in with a passkey"),
    Route::form_page("/idhub/account/passkeys/options", "passkey_creation_options", || {
        secured(post(manage::options))
    })
    .summary("Read the options of a new passkey"),
    Route::form_page("/idhub/account/passkeys", "add_passkey", || form_alone(post(manage::add)))
        .summary("Add a passkey"),
    Route::form_page("/idhub/account/passkeys/rename", "rename_passkey", || {
        form_alone(post(manage::rename))
    })
    .summary("Rename a passkey"),
    Route::form_page("/idhub/account/passkeys/remove", "remove_passkey", || {
        form_alone(post(manage::remove))
    })
    .summary("Remove a passkey"),
];

/// How long a browser waits for the person, in milliseconds. It is the life of a challenge.
const TIMEOUT: i64 = challenge::SECONDS * 1000;

/// What is known of the passkeys of an account.
pub(crate) fn held(account: &Account) -> &[PasskeyFacts] {
    account.login.as_ref().map(|login| &*login.value.passkeys).unwrap_or_default()
}

/// If the person chose so, takes all passkeys out of what is known of an account whose password is
/// replaced (rule G49). The change deletes them, and the audit tells how many they were.
pub(crate) fn remove_if(
    chosen: bool,
    tenant: &TenantId,
    user: UserId,
    facts: &mut LoginFacts,
) -> AccountChange {
    if !chosen {
        return AccountChange::default();
    }
    let removed = std::mem::take(&mut facts.passkeys);
    let count = (!removed.is_empty()).then(|| Value::from(removed.len()));
    let told = Change::of("/passkeys".to_owned(), count, None, false);
    let deletions = removed.iter().map(|passkey| delete_passkey(tenant, &passkey.id, user));
    AccountChange::default().writes(deletions).changes(told)
}

/// Why nothing was done.
enum Failed {
    /// The answer of the authenticator is refused.
    Refused(Refusal),
    /// A fault of the service.
    Fault(Error),
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

/// An answer for the script.
fn json(status: StatusCode, content: &Value) -> Response {
    let mut response = Response::new(Body::from(content.to_string()));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}
