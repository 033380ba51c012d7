//! Persona definitions.

use serde::{Deserialize, Serialize};

use super::{Definition, DefinitionKind, MAX_TEXT, open, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// The definition of a role that a person may play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonaDefinition {
    /// The id; never changes.
    pub id: DefinitionId,
    /// The name, unique in the tenant.
    pub name: String,
    /// The name on screens.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The attributes that a persona of this definition may hold.
    pub attributes: Vec<DefinitionId>,
    /// Whether a persona names what it is valid for (its scope).
    pub scoped: bool,
    /// Whether the service made it; such a definition cannot be deleted.
    pub system: bool,
    /// Whether no new personas may be made of it.
    pub deprecated: bool,
}

impl Definition for PersonaDefinition {
    const KIND: DefinitionKind = DefinitionKind::Persona;
    const PATH: &'static str = "/config/persona-definitions";
    const ALIAS: Option<(&'static str, &'static str)> =
        Some(("/identity/config/persona-definitions", "identity_persona_definition"));
    const NOUN: &'static str = "persona_definition";
    const TITLE: &'static str = "a persona definition";
    const SCHEMA: &'static str = "PersonaDefinition";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let (mut fields, id) = open(document, current.map(|c| c.id), env, &mut violations);
        let others = schema.personas.values().filter(|p| p.id != id).map(|p| p.name.as_str());
        let name = take_name(&mut fields, true, others);
        if let (Some(current), Some(name)) = (current, &name)
            && *name != current.name
            && let Some(holder) = schema.approved_by(&current.name)
        {
            let detail = format!(
                "the approval policy of the attribute definition {} names the persona",
                holder.id
            );
            fields.refuse("name", Code::NotAllowed, detail);
        }
        let definition = Self {
            id,
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            attributes: take_allowed_attributes(&mut fields, schema),
            scoped: fields.boolean("scoped").unwrap_or_default(),
            system: current.is_some_and(|c| c.system),
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        let system = Json::Bool(definition.system);
        fields.unchanged(
            "system",
            &system,
            Code::NotEditable,
            "the property `system` is set by the service alone",
        );
        fields.finish();
        violations.check(definition)
    }

    fn show(&self) -> Object {
        object! {
            "id" => self.id,
            "name" => &self.name,
            "display_name" => self.display_name.clone(),
            "description" => self.description.clone(),
            "attributes" => self.attributes.iter().map(Json::from).collect::<Vec<_>>(),
            "scoped" => self.scoped,
            "system" => self.system,
            "deprecated" => self.deprecated,
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        if self.system {
            return Err(Error::InUse("a definition of the system cannot be deleted".to_owned()));
        }
        match schema.approved_by(&self.name) {
            Some(holder) => {
                let detail = format!(
                    "the approval policy of the attribute definition {} names the persona",
                    holder.id
                );
                Err(Error::InUse(detail))
            }
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.personas
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.personas
    }
}

/// Takes the attributes that a persona may hold: derived ones belong to the profile, whose fields
/// they are derived from.
fn take_allowed_attributes(fields: &mut Fields<'_>, schema: &Schema) -> Vec<DefinitionId> {
    let attributes = take_attributes(fields, schema);
    for (i, id) in attributes.iter().enumerate() {
        if schema.attribute(*id).is_some_and(|a| a.derived.is_some()) {
            let detail = "a derived attribute belongs to the profile and not to a persona";
            fields.refuse_item("attributes", i, Code::NotAllowed, detail);
        }
    }
    attributes
}

/// Takes the field `attributes`: the ids of custom attributes, each once.
pub(super) fn take_attributes(fields: &mut Fields<'_>, schema: &Schema) -> Vec<DefinitionId> {
    let ids = fields.texts("attributes", 200, 64).unwrap_or_default();
    let mut attributes = Vec::with_capacity(ids.len());
    for (i, id) in ids.iter().enumerate() {
        match id.parse().ok().and_then(|id| schema.attribute(id)).map(|a| (a.id, a.predefined())) {
            Some((_, Some(_))) => {
                let detail = "a predefined attribute belongs to every profile and is not listed";
                fields.refuse_item("attributes", i, Code::NotAllowed, detail);
            }
            Some((id, None)) if attributes.contains(&id) => {
                fields.refuse_item(
                    "attributes",
                    i,
                    Code::NotAllowed,
                    "the same attribute occurs twice",
                );
            }
            Some((id, None)) => attributes.push(id),
            None => {
                fields.refuse_item(
                    "attributes",
                    i,
                    Code::NotFound,
                    format!("there is no attribute definition `{id}`"),
                );
            }
        }
    }
    attributes
}
