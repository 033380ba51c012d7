//! Deprecated definitions and values, and which of them users hold.

use serde::{Deserialize, Serialize};
use shared::domain::Versioned;
use shared::domain::definition::{AttributeDefinition, DefinitionKind, PersonaDefinition};
use shared::domain::id::DefinitionId;
use shared::domain::schema::StoredDefinition;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::value::Values;

/// A definition that takes no new assignments, or a value that takes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deprecated {
    pub(super) kind: DefinitionKind,
    pub(super) id: DefinitionId,
    /// The value, if it is one.
    pub(super) value: Option<String>,
    /// Whether a user may hold it, according to the note at the definition.
    pub(super) open: bool,
}

impl Deprecated {
    /// The attribute itself if it is deprecated, and its deprecated values.
    pub(super) fn of_attribute(
        entry: &StoredDefinition<AttributeDefinition>,
    ) -> impl Iterator<Item = Self> {
        let definition = &entry.stored.value;
        let kind = DefinitionKind::Attribute;
        let whole = definition.deprecated.then_some(Self {
            kind,
            id: definition.id,
            value: None,
            open: entry.used,
        });
        let values = definition.deprecated_values.iter().map(move |value| Self {
            kind,
            id: definition.id,
            value: Some(value.clone()),
            open: entry.used && !entry.unheld.contains(value),
        });
        whole.into_iter().chain(values)
    }

    /// A deprecated persona definition.
    pub(super) fn persona(entry: &StoredDefinition<PersonaDefinition>) -> Self {
        let (kind, id) = (DefinitionKind::Persona, entry.stored.value.id);
        Self { kind, id, value: None, open: entry.used }
    }

    /// Whether a user holds it, in the base profile or in one of a system.
    pub(super) fn is_held(&self, user: &User, profiles: &[Versioned<SystemProfile>]) -> bool {
        if self.kind == DefinitionKind::Persona {
            return user.personas.iter().any(|persona| persona.definition == self.id);
        }
        let personas = user.personas.iter().map(|persona| &persona.attributes);
        let profiles = profiles.iter().map(|profile| &profile.value.overrides.attributes);
        std::iter::once(&user.attributes).chain(personas).chain(profiles).any(|all| self.is_in(all))
    }

    fn is_in(&self, attributes: &Values) -> bool {
        attributes.get(&self.id).is_some_and(|values| {
            self.value.as_ref().is_none_or(|deprecated| values.contains(deprecated))
        })
    }
}

/// For each deprecated definition or value, whether a user holds it. Stored as a text with one
/// character for each: a tenant has at most 200 000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct Held(Vec<bool>);

impl Held {
    pub(super) fn none(places: usize) -> Self {
        Self(vec![false; places])
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, place: usize) {
        if let Some(held) = self.0.get_mut(place) {
            *held = true;
        }
    }
}

impl From<String> for Held {
    fn from(text: String) -> Self {
        Self(text.bytes().map(|place| place == b'1').collect())
    }
}

impl From<Held> for String {
    fn from(held: Held) -> Self {
        held.0.into_iter().map(|held| if held { '1' } else { '0' }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_reads_back() {
        let mut held = Held::none(3);
        held.add(1);
        held.add(7);
        let text = String::from(held.clone());
        assert_eq!(text, "010");
        assert_eq!(Held::from(text), held);
        assert!(held.contains(1) && !held.contains(0) && !held.contains(7));
    }
}
