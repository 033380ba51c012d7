//! Attribute categories.

use serde::{Deserialize, Serialize};

use super::{Definition, DefinitionKind, MAX_TEXT, Noun, open, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::env::Env;
use crate::object;

/// A group of attributes; the first level below `attributes` in a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The id.
    pub id: DefinitionId,
    /// The name in profiles, unique in the tenant.
    pub name: String,
    /// The name on screens.
    pub display_name: Option<String>,
}

/// The category that exists from the start and cannot be deleted.
pub const COMMON: &str = "common";

impl Definition for Category {
    const KIND: DefinitionKind = DefinitionKind::Category;
    const PATH: &'static str = "/identity/config/attribute-categories";
    const NOUN: Noun = Noun {
        one: "attribute_category",
        many: "attribute_categories",
        title: "an attribute category",
    };
    const SCHEMA: &'static str = "AttributeCategory";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let (mut fields, id) = open(document, current.map(|c| c.id), env, &mut violations);
        let others = schema.categories.values().filter(|c| c.id != id).map(|c| c.name.as_str());
        let name = take_name(&mut fields, false, others);
        let display_name = fields.text("display_name", MAX_TEXT);
        if let (Some(current), Some(name)) = (current, &name)
            && *name != current.name
        {
            fields.refuse(
                "name",
                Code::Immutable,
                "the name of a category cannot be changed; create another category",
            );
        }
        fields.finish();
        violations.check(Self { id, name: name.unwrap_or_default(), display_name })
    }

    fn show(&self) -> Object {
        object! {
            "id" => self.id, "name" => &self.name, "display_name" => self.display_name.clone()
        }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn immutable_fields(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        if self.name == COMMON {
            return Err(Error::InUse(
                "the service made the category `common`; it cannot be deleted".to_owned(),
            ));
        }
        match schema.attributes.values().find(|a| a.category == self.name) {
            Some(held) => Err(Error::InUse(format!(
                "the attribute definition `{}` is in this category; delete it first",
                held.id
            ))),
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.categories
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.categories
    }
}
