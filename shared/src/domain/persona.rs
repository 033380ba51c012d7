//! Personas: the roles that a person plays, each with its own scope, status, validity and
//! attributes.

mod read;

use serde::{Deserialize, Serialize};

pub use self::read::{MAX_SCOPE, MAX_TEXT, refuse_unknown};
use super::error::{Code, Violations};
use super::id::{DefinitionId, PersonaId};
use super::json::Object;
use super::schema::Schema;
use super::string_enum::string_enum;
use super::value::{self, Values, VerifiedAddresses};
use super::versioned::{Tag, content};
use super::view::View;
use crate::env::Timestamp;
use crate::object;

string_enum! {
    /// Whether a persona is in force.
    #[derive(Default)]
    PersonaStatus {
        /// In force between its validity dates.
        #[default]
        Active = "ACTIVE",
        /// Not yet in force.
        Pending = "PENDING",
        /// No longer in force until activated again.
        Suspended = "SUSPENDED",
    }
}

/// A role of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The id.
    pub id: PersonaId,
    /// Its definition.
    pub definition: DefinitionId,
    /// Whether it is in force.
    pub status: PersonaStatus,
    /// The set of things that the role is valid for.
    pub scope: Vec<String>,
    /// Whether it is the user's preferred persona; at most one is.
    pub preferred: bool,
    /// In force from this time on.
    pub valid_from: Option<Timestamp>,
    /// In force until this time.
    pub valid_until: Option<Timestamp>,
    /// Its own attributes.
    pub attributes: Values,
    /// The e-mail addresses among its attributes that are known to be the person's.
    #[serde(default, skip_serializing_if = "VerifiedAddresses::is_empty")]
    pub verified: VerifiedAddresses,
    /// The number of visible changes of this persona.
    pub rev: u64,
    /// The persona's own tag.
    #[serde(skip_serializing_if = "is_default", default)]
    pub tag: Tag,
}

fn is_default(tag: &Tag) -> bool {
    *tag == Tag::default()
}

impl Persona {
    /// Checks that what its definition requires is there: all of it for a new persona, else what
    /// was there `before`.
    fn check_required(
        &self,
        before: &Values,
        new: bool,
        at: &str,
        schema: &Schema,
        violations: &mut Violations,
    ) {
        let listed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        for attribute in
            listed.iter().filter_map(|id| schema.attribute(*id)).filter(|a| a.is_required())
        {
            let due = new || before.contains_key(&attribute.id);
            if due && !self.attributes.contains_key(&attribute.id) {
                violations.missing(&attribute.pointer_below(at), &attribute.name);
            }
        }
    }

    /// Checks an earlier change by the current definition of the persona.
    pub(super) fn recheck(&self, before: &Self, schema: &Schema, violations: &mut Violations) {
        const AT: &str = "/attributes";
        self.check_required(&before.attributes, false, AT, schema, violations);
        let listed =
            schema.persona(self.definition).map(|p| p.attributes.as_slice()).unwrap_or_default();
        let changed =
            self.attributes.iter().filter(|(id, values)| before.attributes.get(id) != Some(values));
        for attribute in
            changed.filter_map(|(id, _)| schema.attribute(*id)).filter(|a| !listed.contains(&a.id))
        {
            let detail = format!(
                "the persona definition does not list the attribute `{}.{}`",
                attribute.category, attribute.name
            );
            violations.add(attribute.pointer_below(AT), Code::NotAllowed, detail);
        }
    }

    /// Computes the entity tag of the present content.
    pub fn update_tag(&mut self) {
        self.tag = Tag::default();
        self.tag = Tag::of(&content(self), self.rev);
    }

    /// Whether two personas differ in anything that a reader can see.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let visible = |p: &Self| Self { rev: 0, tag: Tag::default(), ..p.clone() };
        visible(self) != visible(other)
    }

    /// The document that machine clients see.
    #[must_use]
    pub fn show(&self, schema: &Schema) -> Object {
        self.show_to(schema, View::Administrative)
    }

    /// The document that a caller with this view sees.
    #[must_use]
    pub fn show_to(&self, schema: &Schema, view: View) -> Object {
        object! {
            "id" => self.id,
            "persona_definition_id" => self.definition,
            "name" => schema.persona(self.definition).map(|p| p.name.clone()),
            "status" => self.status.name(),
            "scope" => self.scope.clone(),
            "preferred" => self.preferred,
            "valid_from" => self.valid_from,
            "valid_until" => self.valid_until,
            "attributes" => value::show(&self.attributes, schema, view),
            "attribute_states" => value::show_states(&self.attributes, &self.verified, schema, view),
        }
    }
}

/// The error message for a persona whose definition and scope another persona has.
pub const TWIN: &str = "the user has a persona of this definition with this scope already";

/// Checks the personas of one user against each other: ids and (definition, scope) occur once, at
/// most one is preferred.
pub fn check_together(personas: &[Persona], at: &str, violations: &mut Violations) {
    if personas.len() > super::user::MAX_PERSONAS {
        violations.too_many(at, personas.len(), super::user::MAX_PERSONAS);
    }
    for (i, persona) in personas.iter().enumerate() {
        let earlier = personas.get(..i).unwrap_or_default();
        if earlier.iter().any(|other| other.id == persona.id) {
            violations.add(format!("{at}/{i}/id"), Code::NotUnique, "two personas have this id");
        }
        if earlier
            .iter()
            .any(|other| other.definition == persona.definition && other.scope == persona.scope)
        {
            violations.taken(format!("{at}/{i}"), TWIN);
        }
    }
    if personas.iter().filter(|p| p.preferred).count() > 1 {
        violations.add(at, Code::NotAllowed, "expected at most one preferred persona");
    }
}
