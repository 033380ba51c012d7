//! The states of e-mail addresses among the values of custom attributes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Values, arrange};
use crate::domain::definition::DataFormat;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::string_enum::string_enum;
use crate::domain::text;
use crate::domain::view::View;

/// The verified e-mail addresses among the values, by definition, in their comparable form.
pub type VerifiedAddresses = BTreeMap<DefinitionId, BTreeSet<String>>;

string_enum! {
    /// Whether an e-mail address is known to be the person's.
    AddressState {
        /// It is not.
        Pending = "PENDING",
        /// It is.
        Verified = "VERIFIED",
    }
}

/// Shows the states of the e-mail addresses among the values, in the form in which values are
/// shown.
#[must_use]
pub fn show_states(
    values: &Values,
    verified: &VerifiedAddresses,
    schema: &Schema,
    view: View,
) -> Object {
    arrange(values, schema, view, |definition, values| {
        let known = verified.get(&definition.id);
        let state = |value: &String| {
            let verified = known.is_some_and(|known| {
                text::stored_email(value).is_some_and(|value| knows(known, &value))
            });
            Json::from(if verified { AddressState::Verified } else { AddressState::Pending }.name())
        };
        (definition.data_format == DataFormat::Email).then(|| values.iter().map(state).collect())
    })
}

/// Whether states that were sent say nothing else than these: those of addresses that the document
/// adds or removes need not be there.
pub(in crate::domain) fn states_agree(sent: &Json, states: &Json) -> bool {
    let Json::Object(categories) = sent else { return false };
    let now =
        |category: &str, name: &str| states.as_object()?.get(category)?.as_object()?.get(name);
    let agree = |sent: &Json, now: Option<&Json>| match (sent, now) {
        (Json::Array(sent), Some(Json::Array(now))) => {
            sent.iter().zip(now).all(|(sent, now)| sent == now)
        }
        (Json::Array(_), None) => true,
        _ => false,
    };
    sent == states
        || categories.iter().all(|(category, names)| {
            names.as_object().is_some_and(|names| {
                !names.is_empty()
                    && names.iter().all(|(name, sent)| agree(sent, now(category, name)))
            })
        })
}

/// Whether an address is among the known ones. An address that was verified earlier may be stored
/// in an earlier form.
fn knows(known: &BTreeSet<String>, address: &str) -> bool {
    known.contains(address)
        || known.iter().any(|known| text::stored_email(known).as_deref() == Some(address))
}

/// Whether a known address is one of these.
fn is_among(known: &str, held: &BTreeSet<String>) -> bool {
    held.contains(known) || text::stored_email(known).is_some_and(|known| held.contains(&known))
}

/// Forgets what was known of addresses that are no longer among the values.
pub(in crate::domain) fn retain_verified(verified: &mut VerifiedAddresses, values: &Values) {
    for (id, known) in &mut *verified {
        let held = values.get(id).into_iter().flatten();
        let held: BTreeSet<_> = held.filter_map(|value| text::stored_email(value)).collect();
        known.retain(|known| is_among(known, &held));
    }
    verified.retain(|_, known| !known.is_empty());
}

/// Marks an address as verified if it is among the values; whether it is.
pub(in crate::domain) fn verify(
    verified: &mut VerifiedAddresses,
    values: &Values,
    id: DefinitionId,
    address: &str,
) -> bool {
    let held = values
        .get(&id)
        .into_iter()
        .flatten()
        .any(|value| text::stored_email(value).as_deref() == Some(address));
    if held && !verified.get(&id).is_some_and(|known| knows(known, address)) {
        verified.entry(id).or_default().insert(address.to_owned());
    }
    held
}
