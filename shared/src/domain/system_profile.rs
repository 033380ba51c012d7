//! System profiles: a person as one system sees and knows them.
//!
//! A system profile inherits from the base profile whatever it does not override, and holds the attributes that its system declares. It
//! never tells who the person is elsewhere: no subject, no issuer, no base profile id, no id of another system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::definition::Predefined;
use super::id::{PartyId, ProfileId};
use super::user::User;
use super::value::Values;
use super::versioned::{Tag, Versioned};
use crate::world::{Timestamp, World};

/// The profile of a person in one system, beside what it inherits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemProfile {
    /// The id; random, and never given again.
    pub id: ProfileId,
    /// The system.
    pub system: PartyId,
    /// What it has in place of what the base profile has.
    #[serde(default)]
    pub overrides: Overrides,
    /// The attributes that the system declares, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed itself.
    pub updated_at: Timestamp,
}

/// What a system profile has in place of what the base profile has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Predefined attributes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predefined: BTreeMap<Predefined, String>,
    /// Custom attributes, by definition.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub attributes: Values,
}

impl SystemProfile {
    /// The predefined attributes that a system profile inherits and may override.
    pub const INHERITED: [Predefined; 4] =
        [Predefined::FamilyName, Predefined::GivenName, Predefined::UiLocales, Predefined::PreferredEmail];

    /// A new profile that inherits everything.
    #[must_use]
    pub fn new(system: PartyId, world: &World) -> Self {
        let now = world.clock.now();
        Self {
            id: ProfileId::new(world.random_uuid()),
            system,
            overrides: Overrides::default(),
            attributes: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The tag of the effective view: it moves with the profile itself and with the base profile. It is a hash, because the base profile's
    /// own tag is the same for every system.
    #[must_use]
    pub fn tag(profile: &Versioned<Self>, base: &Versioned<User>) -> Tag {
        Tag::of(format!("{}\n{}\n{}", profile.value.id, profile.tag(), base.tag()).as_bytes(), 0)
    }
}
