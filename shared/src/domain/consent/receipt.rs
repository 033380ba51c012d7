//! Receipts: the record of a consent in the form of ISO/IEC TS 27560, with the fields that Kantara's
//! Consent Receipt 1.1 requires (ADR 0063). What is not signed here is made of stored items alone,
//! so one state of a record has one receipt.

use std::collections::BTreeSet;

use super::definition::Consent;
use super::purpose::Purpose;
use super::record::{ConsentEvent, ConsentRecord, Evidence, Method, PurposeState};
use super::terms::{Needs, Terms};
use super::version::{ConsentText, LocaleText};
use crate::domain::definition::Definition as _;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::env::Timestamp;
use crate::object;

/// The receipt of what a person decided. `history` has every entry, oldest first, and `text` is that
/// of the version about which the person decided last.
#[must_use]
pub fn receipt(
    (issuer, base_url): (&str, &str),
    user: UserId,
    (record, history): (&ConsentRecord, &[ConsentEvent]),
    text: &ConsentText,
    schema: &Schema,
    now: Timestamp,
) -> Object {
    let terms = &text.terms;
    let decided = history.iter().rev().find(|event| event.evidence.text_sha256.is_some());
    let evidence = decided.map(|event| &event.evidence);
    let named = evidence.and_then(|evidence| evidence.locale.as_ref());
    let locale = named.filter(|locale| text.locales.contains_key(*locale));
    let locale = locale.or_else(|| text.locales.keys().next());
    let shown = locale.and_then(|locale| text.locales.get(locale));
    let version_path =
        format!("{base_url}{}/{}/versions/{}", Consent::PATH, record.consent, text.number);
    let uri = shown.and_then(|shown| shown.uri.clone()).unwrap_or(version_path);
    let id = history.last().map(|event| event.id.clone()).unwrap_or_default();
    let given_at = evidence.or(record.evidence.as_ref()).map(|evidence| evidence.given_at);
    let seconds = given_at.map_or(0, Timestamp::seconds);
    let method = evidence.and_then(|evidence| evidence.method).map_or("unknown", Method::name);
    let sensitive = terms.purposes.iter().filter(|purpose| purpose.sensitive);
    let categories: Vec<_> = sensitive.clone().flat_map(|p| categories(p, schema)).collect();
    object! {
        "iss" => issuer,
        "version" => "KI-CR-v1.1.0",
        "jurisdiction" => &terms.jurisdiction,
        "consentTimestamp" => Json::Number(seconds.to_string()),
        "collectionMethod" => method,
        "consentReceiptID" => &id,
        "language" => locale.cloned(),
        "piiPrincipalId" => user,
        "piiControllers" => vec![Json::Object(controller(terms))],
        "policyUrl" => &uri,
        "services" => vec![Json::Object(object! {
            "service" => record.consent.as_str(),
            "purposes" => terms.purposes.iter()
                .map(|purpose| Json::Object(kantara_purpose(purpose, terms, schema)))
                .collect::<Vec<_>>(),
        })],
        "sensitive" => sensitive.count() > 0,
        "spiCat" => categories,
        "record" => iso_record(&id, user, (record, history), (text, shown, locale), &uri, now),
        "evidence_sha256" => &record.digest,
    }
}

fn controller(terms: &Terms) -> Object {
    let controller = &terms.controller;
    object! {
        "piiController" => &controller.name,
        "contact" => &controller.contact,
        "address" => object! { "streetAddress" => &controller.address },
        "email" => &controller.email,
        "phone" => &controller.phone,
    }
}

/// The attributes of a purpose, by their names.
fn categories(purpose: &Purpose, schema: &Schema) -> Vec<String> {
    let definitions = purpose.attributes.iter().filter_map(|id| schema.attribute(*id));
    definitions.map(|a| format!("{}.{}", a.category, a.name)).collect()
}

fn kantara_purpose(purpose: &Purpose, terms: &Terms, schema: &Schema) -> Object {
    let recipients: Vec<_> = purpose.recipients.iter().map(ToString::to_string).collect();
    let explicit = terms.needs == Needs::Explicit;
    let first = terms.purposes.first().is_some_and(|first| first.id == purpose.id);
    object! {
        "purpose" => &purpose.name,
        "purposeCategory" => vec![Json::from(terms.kind.name())],
        "consentType" => if explicit { "EXPLICIT" } else { "IMPLICIT" },
        "piiCategory" => categories(purpose, schema),
        "primaryPurpose" => first,
        "termination" => purpose.retention.clone().unwrap_or_else(|| "until withdrawn".to_owned()),
        "thirdPartyDisclosure" => !recipients.is_empty(),
        "thirdPartyName" => recipients.join(", "),
    }
}

fn iso_record(
    id: &str,
    user: UserId,
    (record, history): (&ConsentRecord, &[ConsentEvent]),
    (text, shown, locale): (&ConsentText, Option<&LocaleText>, Option<&String>),
    uri: &str,
    now: Timestamp,
) -> Object {
    let terms = &text.terms;
    let purposes = terms.purposes.iter().map(|purpose| {
        let state = record.purposes.get(&purpose.id).map(|recorded| recorded.state(now).name());
        let mut shown = purpose.show();
        shown.insert("state".to_owned(), Json::from(state.unwrap_or("UNDECIDED")));
        Json::Object(shown)
    });
    let recipients = terms.purposes.iter().flat_map(|purpose| &purpose.recipients);
    let recipients: BTreeSet<_> = recipients.collect();
    let parties = std::iter::once(object! {
        "role" => "controller", "name" => &terms.controller.name,
        "contact" => &terms.controller.contact
    })
    .chain(recipients.into_iter().map(|id| object! { "role" => "recipient", "name" => id }));
    let withdrawal = terms.withdrawal.as_ref();
    object! {
        "schema_version" => "ISO/IEC TS 27560:2023",
        "record_id" => id,
        "pii_principal_id" => user,
        "audience" => record.audience.as_ref(),
        "notice" => object! {
            "id" => &record.consent,
            "version" => u64::from(text.number),
            "language" => locale.cloned(),
            "title" => shown.map(|shown| shown.title.clone()),
            "uri" => uri,
            "sha256" => shown.map(|shown| shown.sha256.clone()),
            "created_at" => text.created_at,
        },
        "processing" => object! {
            "purposes" => purposes.collect::<Vec<_>>(),
            "jurisdiction" => &terms.jurisdiction,
            "withdrawal_method" => withdrawal.and_then(|withdrawal| withdrawal.how.clone()),
            "withdrawal_consequence" =>
                withdrawal.and_then(|withdrawal| withdrawal.consequence.clone()),
        },
        "parties" => parties.map(Json::Object).collect::<Vec<_>>(),
        "events" => history.iter().map(|event| Json::Object(iso_event(event))).collect::<Vec<_>>(),
    }
}

fn iso_event(event: &ConsentEvent) -> Object {
    let Evidence { guardian, method, given_at, .. } = &event.evidence;
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
        "method" => method.map(Method::name).map(Json::from),
        "entity" => guardian.clone().unwrap_or_else(|| "pii_principal".to_owned()),
    }
}
