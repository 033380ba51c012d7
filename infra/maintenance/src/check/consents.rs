//! The verification of rule CO-05: a record of a consent is what its history makes of it, and each
//! version has its texts.

use std::collections::BTreeSet;

use shared::domain::Versioned;
use shared::domain::consent::{ConsentEvent, ConsentRecord};
use shared::domain::error::Result;
use shared::domain::id::{PartyId, UserId};
use shared::domain::schema::Schema;
use shared::store::Table;
use shared::store::consents::ConsentOf;
use shared::store::keys::NamedConsent;

/// How often a record is read again that is being written.
const TURNS: u32 = 5;

/// A record: the consent, and the system.
pub(super) type NamedRecord = (PartyId, Option<PartyId>);

/// The record to which a child of a user belongs, if it is about a consent.
pub(super) fn named(sort: &str) -> Option<NamedRecord> {
    let NamedConsent { consent, audience, .. } = NamedConsent::of(sort)?;
    Some((consent, audience))
}

/// What is wrong with the consents of a tenant.
pub(super) async fn check(
    table: &Table,
    schema: &Schema,
    records: BTreeSet<(UserId, NamedRecord)>,
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for consent in schema.consents.values() {
        for version in &consent.versions {
            let text = table.consent_text(&schema.tenant, &consent.id, version.number).await?;
            if text.is_none() {
                problems.push(format!(
                    "version {} of the consent `{}` has no texts",
                    version.number, consent.id
                ));
            }
        }
    }
    for (user, (consent, audience)) in records {
        let of = ConsentOf { user, consent: &consent, audience: audience.as_ref() };
        if !agrees(table, schema, of).await? {
            problems.push(format!(
                "user {user} has a record of the consent `{consent}` that its history does not make"
            ));
        }
    }
    Ok(problems)
}

/// Whether a record is the fold of its history. Both are written at once, so a record that did not
/// move between two readings was read with its history.
async fn agrees(table: &Table, schema: &Schema, of: ConsentOf<'_>) -> Result<bool> {
    let tenant = &schema.tenant;
    for _ in 0..TURNS {
        let before = table.consent_of(tenant, of).await?;
        let history = table.consent_history(tenant, of).await?;
        let after = table.consent_of(tenant, of).await?;
        let moved =
            before.as_ref().map(Versioned::version) != after.as_ref().map(Versioned::version);
        if !moved {
            return Ok(match before {
                None => history.is_empty(),
                Some(record) => {
                    let in_order = |(number, event): (u64, &ConsentEvent)| event.sequence == number;
                    (1..).zip(&history).all(in_order)
                        && history.iter().fold(of.empty(), ConsentRecord::with) == record.value
                }
            });
        }
    }
    // Somebody goes on writing it.
    Ok(true)
}
