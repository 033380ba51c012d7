//! The conditions of filters on personas.

use super::expression::Value;
use super::field::NamedField;
use super::value_form::ValueForm;
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::text;
use crate::env::Timestamp;

/// A field of a persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PersonaField {
    Id,
    Name,
    Definition,
    Scope,
    Status,
    Preferred,
    ValidFrom,
    ValidUntil,
}

impl PersonaField {
    const ALL: [(Self, &'static str, ValueForm); 8] = [
        (Self::Id, "id", ValueForm::Lower),
        (Self::Name, "name", ValueForm::Exact),
        (Self::Definition, "persona_definition_id", ValueForm::Lower),
        (Self::Scope, "scope", ValueForm::Exact),
        (Self::Status, "status", ValueForm::Lower),
        (Self::Preferred, "preferred", ValueForm::Boolean),
        (Self::ValidFrom, "valid_from", ValueForm::Time),
        (Self::ValidUntil, "valid_until", ValueForm::Time),
    ];

    /// The names of the fields.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(_, name, _)| name)
    }

    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<(Self, NamedField<'static>)> {
        let (field, name, form) =
            Self::ALL.into_iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name))?;
        Some((field, NamedField::plain(format!("personas.{name}"), form)))
    }

    /// The values of a persona; its name is that of its definition.
    pub(super) fn values(self, persona: &Persona, schema: &Schema) -> Vec<Value> {
        let time = |time: Option<Timestamp>| time.map(Value::Time).into_iter().collect();
        match self {
            Self::Id => vec![Value::Text(persona.id.to_string())],
            Self::Name => schema
                .persona(persona.definition)
                .map(|definition| Value::Text(definition.name.clone()))
                .into_iter()
                .collect(),
            Self::Definition => vec![Value::Text(persona.definition.to_string())],
            Self::Scope => {
                let scope = persona.scope.iter();
                scope.map(|part| Value::Text(text::nfc(part).into_owned())).collect()
            }
            Self::Status => vec![Value::Text(persona.status.name().to_lowercase())],
            Self::Preferred => vec![Value::Boolean(persona.preferred)],
            Self::ValidFrom => time(persona.valid_from),
            Self::ValidUntil => time(persona.valid_until),
        }
    }
}
