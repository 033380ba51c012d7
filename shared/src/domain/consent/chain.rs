//! The digest of a history: a chain over its entries as receipts show them, so that who holds a
//! receipt can compute it (ADR 0063).

use ring::digest::{Context, SHA256};

use super::record::{ConsentEvent, ConsentRecord, Evidence, Method, PurposeState};
use crate::domain::json::{Json, Object};
use crate::domain::text::hex;
use crate::object;

/// The digest of the history of a record with one more entry: the SHA-256 of the digest before and
/// the entry as compact JSON. Before the first entry stand the ids of consent and system.
pub(super) fn digest(record: &ConsentRecord, event: &ConsentEvent) -> String {
    let audience = record.audience.as_ref().map(ToString::to_string).unwrap_or_default();
    let before = if record.digest.is_empty() {
        sha256(&[record.consent.as_str(), "\n", &audience])
    } else {
        record.digest.clone()
    };
    sha256(&[&before, &Json::Object(entry(event)).to_text()])
}

fn sha256(texts: &[&str]) -> String {
    let mut hash = Context::new(&SHA256);
    for text in texts {
        hash.update(text.as_bytes());
    }
    hex(hash.finish().as_ref())
}

/// An entry of a history as receipts show it. Names of guardians stay out of what is signed: a
/// receipt outlives the erasure of whom it names.
pub(super) fn entry(event: &ConsentEvent) -> Object {
    let Evidence { version, locale, text_sha256, method, given_at, guardian, .. } = &event.evidence;
    let states = event
        .purposes
        .iter()
        .map(|(id, state): (_, &PurposeState)| (id.to_string(), Json::from(state.name())));
    object! {
        "id" => &event.id,
        "time" => *given_at,
        "recorded_at" => event.at,
        "states" => states.collect::<Object>(),
        "valid_until" => event.until,
        "version" => version.map(u64::from),
        "language" => locale.clone(),
        "sha256" => text_sha256.clone(),
        "method" => method.map(Method::name).map(Json::from),
        "entity" => if guardian.is_some() { "guardian" } else { "pii_principal" },
    }
}
