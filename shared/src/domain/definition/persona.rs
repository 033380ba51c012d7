//! Persona definitions.

use serde::{Deserialize, Serialize};

use super::{AttributeDefinition, SET_BY_SERVICE};

use super::{Definition, DefinitionKind, MAX_TEXT, Noun, open, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::people::rights::allows_all;
use crate::domain::schema::{Collection, Schema};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::string_enum::expected_word;
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
    /// The scopes that a persona in force grants to its person.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub portal_scopes: Scopes,
    /// Whether it is built in; such a definition cannot be changed or deleted.
    pub system: bool,
    /// Whether no new personas may be made of it.
    pub deprecated: bool,
}

impl Definition for PersonaDefinition {
    const KIND: DefinitionKind = DefinitionKind::Persona;
    const PATH: &'static str = "/identity/config/persona-definitions";
    const ALIAS: Option<(&'static str, Noun)> = Some((
        "/config/persona-definitions",
        Noun {
            one: "config_persona_definition",
            many: "config_persona_definitions",
            title: "a persona definition (older path)",
        },
    ));
    const NOUN: Noun = Noun {
        one: "persona_definition",
        many: "persona_definitions",
        title: "a persona definition",
    };
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
            fields.refuse("name", Code::NotAllowed, named_by(holder));
        }
        let definition = Self {
            id,
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            attributes: take_allowed_attributes(&mut fields, schema),
            scoped: fields.boolean("scoped").unwrap_or_default(),
            portal_scopes: take_portal_scopes(&mut fields, current),
            system: current.is_some_and(|c| c.system),
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        let system = Json::Bool(definition.system);
        fields.unchanged("system", &system, Code::NotEditable, SET_BY_SERVICE);
        fields.finish();
        if let Some(current) = current.filter(|current| current.system && **current != definition) {
            let detail = format!("`{}` is built in; make a definition of your own", current.name);
            violations.add("", Code::Immutable, detail);
        }
        violations.check(definition)
    }

    fn show(&self) -> Object {
        let portal_scopes = self.portal_scopes.iter().map(|scope| Json::from(scope.name()));
        object! {
            "id" => self.id,
            "name" => &self.name,
            "display_name" => self.display_name.clone(),
            "description" => self.description.clone(),
            "attributes" => self.attributes.iter().map(Json::from).collect::<Vec<_>>(),
            "scoped" => self.scoped,
            "portal_scopes" => portal_scopes.collect::<Vec<_>>(),
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

    fn grants(&self) -> Scopes {
        self.portal_scopes.clone()
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        if self.system {
            return Err(Error::InUse(
                "the definition is built in; it cannot be deleted".to_owned(),
            ));
        }
        match schema.approved_by(&self.name) {
            Some(holder) => Err(Error::InUse(named_by(holder))),
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

fn named_by(holder: &AttributeDefinition) -> String {
    let AttributeDefinition { category, name, .. } = holder;
    format!(
        "the approval policy of `{category}.{name}` names this persona; change the policy first"
    )
}

/// Takes the field `portal_scopes`: scopes that let a person administer, each once. A definition
/// never grants more than it did when it was made: a function that has not heard of a change yet
/// would not guard what it grants.
fn take_portal_scopes(fields: &mut Fields<'_>, current: Option<&PersonaDefinition>) -> Scopes {
    let rights: Vec<_> = Scope::ALL.into_iter().filter(|scope| !scope.is_personal()).collect();
    let texts = fields.texts("portal_scopes", rights.len(), 64).unwrap_or_default();
    let mut scopes = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let Some(scope) = rights.iter().find(|scope| scope.name() == text) else {
            let detail = expected_word(&rights, text);
            fields.refuse_item("portal_scopes", i, Code::NotInEnumeration, detail);
            continue;
        };
        if scopes.contains(scope) {
            let detail = "this scope is listed twice";
            fields.refuse_item("portal_scopes", i, Code::NotAllowed, detail);
        }
        scopes.push(*scope);
    }
    let scopes = Scopes::new(scopes);
    if current.is_some_and(|current| !allows_all(&current.portal_scopes, &scopes)) {
        let detail = "scopes can only be removed; make another definition for more";
        fields.refuse("portal_scopes", Code::Immutable, detail);
    }
    scopes
}

/// Takes the attributes that a persona may hold: derived ones belong to the profile, whose fields
/// they are derived from.
fn take_allowed_attributes(fields: &mut Fields<'_>, schema: &Schema) -> Vec<DefinitionId> {
    let attributes = take_attributes(fields, schema);
    for (i, id) in attributes.iter().enumerate() {
        if schema.attribute(*id).is_some_and(|a| a.derived.is_some()) {
            let detail = "a derived attribute belongs to the user; a persona cannot hold it";
            fields.refuse_item("attributes", i, Code::NotAllowed, detail);
        }
    }
    attributes
}

/// Takes the field `attributes`: the ids of custom attributes, each once.
pub(in crate::domain) fn take_attributes(
    fields: &mut Fields<'_>,
    schema: &Schema,
) -> Vec<DefinitionId> {
    let custom_only = |attribute: &AttributeDefinition| attribute.predefined().is_none();
    take_attributes_that(fields, schema, custom_only)
}

/// Takes the field `attributes`: the ids of attributes, predefined ones too, each once.
pub(in crate::domain) fn take_all_attributes(
    fields: &mut Fields<'_>,
    schema: &Schema,
) -> Vec<DefinitionId> {
    take_attributes_that(fields, schema, |_| true)
}

fn take_attributes_that(
    fields: &mut Fields<'_>,
    schema: &Schema,
    is_allowed: impl Fn(&AttributeDefinition) -> bool,
) -> Vec<DefinitionId> {
    let ids = fields.texts("attributes", 200, 64).unwrap_or_default();
    let mut attributes = Vec::with_capacity(ids.len());
    for (i, id) in ids.iter().enumerate() {
        let (code, detail) = match id.parse().ok().and_then(|id| schema.attribute(id)) {
            Some(attribute) if !is_allowed(attribute) => {
                let detail = "every profile has the predefined attributes; list custom ones only";
                (Code::NotAllowed, detail.to_owned())
            }
            Some(attribute) if attributes.contains(&attribute.id) => {
                (Code::NotAllowed, "this attribute is listed twice".to_owned())
            }
            Some(attribute) => {
                attributes.push(attribute.id);
                continue;
            }
            None => (Code::NotFound, format!("there is no attribute definition `{id}`")),
        };
        fields.refuse_item("attributes", i, code, detail);
    }
    attributes
}
