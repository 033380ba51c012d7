//! Systems: the software in which people have profiles of their own.

use serde::{Deserialize, Serialize};

use super::client::Classifier;
use super::consent::Consent;
use super::definition::{Definition, DefinitionKind, Noun, take_name};
use super::error::{Code, Error, Result, Violations};
use super::field::Fields;
use super::id::PartyId;
use super::json::{Json, Object};
use super::schema::{Collection, Schema};
use super::sso::take_id;
use crate::env::Env;
use crate::object;

/// The most attributes that one system declares.
pub const MAX_ATTRIBUTES: usize = 100;
const MAX_TEXT: usize = 1024;

/// A software system of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The name on screens.
    pub name: String,
    /// The attributes that its profiles hold beside what they inherit.
    pub attributes: Vec<SystemAttribute>,
}

/// An attribute that a system declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemAttribute {
    /// The name, unique in the system.
    pub name: String,
    /// How sensitive it is: clients see it up to their `max_classifier`.
    pub classifier: Classifier,
}

impl System {
    /// The attributes that a caller of this `max_classifier` sees.
    pub fn visible(&self, most: Classifier) -> impl Iterator<Item = &SystemAttribute> {
        self.attributes.iter().filter(move |attribute| attribute.classifier <= most)
    }
}

impl Definition for System {
    const KIND: DefinitionKind = DefinitionKind::System;
    const PATH: &'static str = "/identity/config/systems";
    const NOUN: Noun = Noun { one: "system", many: "systems", title: "a system" };
    const SCHEMA: &'static str = "DeclaredSystem";
    const CHOSEN_ID: bool = true;
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id =
            take_id(&mut fields, current.map(|c| &c.id), schema.systems.values().map(|s| &s.id));
        let name = fields.required_text("name", MAX_TEXT);
        let attributes = take_attributes(&mut fields);
        fields.finish();
        violations.check(())?;
        match (id, name) {
            (Some(id), Some(name)) => Ok(Self { id, name, attributes }),
            _ => Err(Error::unexpected("a system without violations has an id and a name")),
        }
    }

    fn show(&self) -> Object {
        let shown = |a: &SystemAttribute| {
            Json::Object(object! { "name" => &a.name, "classifier" => a.classifier.name() })
        };
        object! {
            "id" => &self.id,
            "name" => &self.name,
            "attributes_definition" => self.attributes.iter().map(shown).collect::<Vec<_>>(),
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        let receives = |consent: &&Consent| consent.names(&self.id);
        match schema.consents.values().find(receives) {
            Some(consent) => Err(Error::InUse(format!(
                "a purpose or a version of the consent `{}` names this system; remove it from the \
                 purpose, or keep the system if a version names it",
                consent.id
            ))),
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.systems
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.systems
    }
}

fn take_attributes(fields: &mut Fields<'_>) -> Vec<SystemAttribute> {
    const FIELD: &str = "attributes_definition";
    let at = fields.at(FIELD);
    let items = match fields.value(FIELD) {
        None => return Vec::new(),
        Some(Json::Array(items)) => items,
        Some(other) => {
            fields.wrong_type(FIELD, "an array of attributes", &other);
            return Vec::new();
        }
    };
    if items.len() > MAX_ATTRIBUTES {
        fields.too_many(FIELD, items.len(), MAX_ATTRIBUTES);
        return Vec::new();
    }
    let mut attributes = Vec::<SystemAttribute>::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let mut inner = Fields::new(item, format!("{at}/{i}"), fields.violations());
        let name = take_name(&mut inner, true, std::iter::empty());
        if name.as_ref().is_some_and(|name| attributes.iter().any(|a| a.name == *name)) {
            inner.refuse("name", Code::NotAllowed, "another attribute of the system has this name");
        }
        let classifier = inner.required_string_enum("classifier");
        inner.finish();
        if let (Some(name), Some(classifier)) = (name, classifier) {
            attributes.push(SystemAttribute { name, classifier });
        }
    }
    attributes
}
