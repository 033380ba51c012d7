//! Attributes that a consent governs: a system gets them only while the person agrees (ADR 0062).

use std::collections::BTreeSet;

use super::PurposeRef;
use super::record::ConsentRecord;
use super::standing::Standing;
use crate::domain::definition::AttributeDefinition;
use crate::domain::error::{Code, Result, Violations};
use crate::domain::id::{DefinitionId, PartyId};
use crate::domain::schema::Schema;
use crate::domain::system_profile::{Overrides, SystemProfile};
use crate::domain::user::User;
use crate::env::Timestamp;

/// The attributes that are bound to a purpose, each with that.
pub fn governed(schema: &Schema) -> impl Iterator<Item = (&AttributeDefinition, &PurposeRef)> {
    schema.attributes.values().filter_map(|a| Some((a, a.consent.as_ref()?)))
}

/// The consents that govern attributes of the tenant; most tenants have none.
#[must_use]
pub fn governing(schema: &Schema) -> BTreeSet<&PartyId> {
    governed(schema).map(|(_, bound)| &bound.consent).collect()
}

/// The attributes of one person that one audience does not get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld(BTreeSet<DefinitionId>);

impl Withheld {
    /// What is withheld from an audience, by what the person decided.
    #[must_use]
    pub fn of(
        schema: &Schema,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        now: Timestamp,
    ) -> Self {
        let withheld = governed(schema).filter(|(attribute, bound)| {
            let consent = schema.consent(&bound.consent);
            let asked = (&bound.purpose, attribute.id);
            !consent.is_some_and(|consent| {
                Standing::of_attribute(consent, records, audience, asked, now).granted
            })
        });
        let mut withheld: BTreeSet<_> = withheld.map(|(attribute, _)| attribute.id).collect();
        if !withheld.is_empty() {
            // A script may have made it of what is withheld.
            let derived = schema
                .custom_attributes()
                .filter(|a| a.derived.is_some() && a.consent.is_none() && !a.ungoverned);
            withheld.extend(derived.map(|attribute| attribute.id));
        }
        Self(withheld)
    }

    /// What is withheld from one of two audiences.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing is withheld.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this attribute is withheld.
    #[must_use]
    pub fn contains(&self, attribute: DefinitionId) -> bool {
        self.0.contains(&attribute)
    }

    /// What a tag says of it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The user without what is withheld.
    #[must_use]
    pub fn mask_user(&self, user: &User) -> User {
        let mut masked = user.clone();
        if self.is_empty() {
            return masked;
        }
        masked.attributes.retain(|id, _| !self.contains(*id));
        for field in SystemProfile::INHERITED {
            if self.contains(field.id()) {
                masked.set(field, None);
            }
        }
        masked.retain_verified_addresses(user);
        masked
    }

    /// The system profile without what is withheld.
    #[must_use]
    pub fn mask_profile(&self, profile: &SystemProfile) -> SystemProfile {
        let (_, open) = self.divide(&profile.overrides);
        SystemProfile { overrides: open, ..profile.clone() }
    }

    /// A profile that was written by somebody who did not see what is withheld: that stays as it was
    /// `before`, and cannot be written.
    pub fn restore(&self, next: SystemProfile, before: &SystemProfile) -> Result<SystemProfile> {
        let (written, mut overrides) = self.divide(&next.overrides);
        let mut violations = Violations::default();
        let detail = "the person does not agree that the system gets this attribute; omit it";
        for field in written.predefined.keys() {
            violations.add(format!("/{field}"), Code::NotAllowed, detail);
        }
        if !written.attributes.is_empty() {
            violations.add("/attributes", Code::NotAllowed, detail);
        }
        violations.check(())?;
        let (kept, _) = self.divide(&before.overrides);
        overrides.predefined.extend(kept.predefined);
        overrides.attributes.extend(kept.attributes);
        Ok(SystemProfile { overrides, ..next })
    }

    /// Overrides that are withheld, and those that are not.
    fn divide(&self, overrides: &Overrides) -> (Overrides, Overrides) {
        let (mut withheld, mut open) = (Overrides::default(), overrides.clone());
        open.predefined.retain(|field, value| {
            let kept = !self.contains(field.id());
            if !kept {
                withheld.predefined.insert(*field, value.clone());
            }
            kept
        });
        open.attributes.retain(|id, values| {
            let kept = !self.contains(*id);
            if !kept {
                withheld.attributes.insert(*id, values.clone());
            }
            kept
        });
        (withheld, open)
    }
}
