//! Attribute definitions.

use serde::{Deserialize, Serialize};

use super::{Definition, Kind, MAX_TEXT, keep_id, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::domain::scope::Scope;
use crate::domain::word::words;
use crate::object;
use crate::world::World;

words! {
    /// How the values of an attribute are written.
    DataFormat {
        /// One of the values that the definition lists.
        Enumeration = "ENUMERATION",
        /// A decimal number of at most 38 significant digits.
        Numeric = "NUMERIC",
        /// Any text.
        Text = "TEXT",
    }
}

words! {
    /// How an attribute can be searched.
    #[derive(Default)]
    Search {
        /// Not at all.
        #[default]
        None = "none",
        /// By equality.
        Exact = "exact",
        /// By equality and by the first characters.
        Prefix = "prefix",
    }
}

/// The definition of one custom attribute.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own in the contract")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeDefinition {
    /// The id; never changes.
    pub id: DefinitionId,
    /// The name of its category; never changes.
    pub category: String,
    /// The name in profiles, unique in the category; never changes.
    pub name: String,
    /// The name on screens.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How values are written; never changes.
    pub data_format: DataFormat,
    /// The values of an enumeration.
    pub enumeration_values: Vec<String>,
    /// The scopes of which userinfo needs one to show the attribute; empty means that it always does.
    pub scopes: Vec<String>,
    /// How the attribute can be searched; fixed once a value was stored.
    pub search: Search,
    /// Whether it holds at most one value; never changes.
    pub single_value: bool,
    /// Whether users (or the personas that list it) must have it.
    pub required: bool,
    /// Whether self service cannot change it.
    pub read_only: bool,
    /// Whether self service does not show it.
    pub hidden: bool,
    /// Whether a value written here stays when a provider sends a newer one.
    #[serde(rename = "override")]
    pub overrides: bool,
    /// Whether the service made it; such a definition cannot be deleted.
    pub system: bool,
    /// Whether no two users of the tenant may hold the same value; never changes.
    pub unique: bool,
    /// Whether it takes no new values.
    pub deprecated: bool,
}

impl Definition for AttributeDefinition {
    const KIND: Kind = Kind::Attribute;
    const PATH: &'static str = "/identity/config/attribute-definitions";
    const FILTERS: &'static [&'static str] = &["category", "name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, world: &World) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = current.map_or_else(|| DefinitionId::new(world.new_uuid()), |c| c.id);
        keep_id(&mut fields, current.map(Definition::key));

        let category = fields.required_text("category", MAX_TEXT).filter(|category| {
            let known = schema.categories.values().any(|c| c.name == *category);
            if !known {
                fields.refuse("category", Code::NotFound, format!("there is no attribute category `{category}`"));
            }
            known
        });
        let others = schema
            .attributes
            .values()
            .filter(|a| a.id != id && Some(&a.category) == category.as_ref())
            .map(|a| a.name.as_str());
        let name = take_name(&mut fields, false, others);
        let data_format = fields.required_word("data_format");
        let mut definition = Self {
            id,
            category: category.unwrap_or_default(),
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            data_format: data_format.unwrap_or(DataFormat::Text),
            enumeration_values: fields.texts("enumeration_values", 1000, 256).unwrap_or_default(),
            scopes: take_scopes(&mut fields),
            search: fields.word("search").unwrap_or_default(),
            single_value: fields.boolean("single_value").unwrap_or_default(),
            required: fields.boolean("required").unwrap_or_default(),
            read_only: fields.boolean("read_only").unwrap_or_default(),
            hidden: fields.boolean("hidden").unwrap_or_default(),
            overrides: fields.boolean("override").unwrap_or_default(),
            system: current.is_some_and(|c| c.system),
            unique: fields.boolean("unique").unwrap_or_default(),
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        let system = Json::Bool(definition.system);
        fields.unchanged("system", &system, Code::NotEditable, "the property `system` is set by the service alone");
        definition.check_enumeration(&mut fields, data_format);
        if let Some(current) = current {
            definition.check_immutable(current, &mut fields, data_format);
        }
        fields.finish();
        let mut seen = std::collections::HashSet::new();
        definition.enumeration_values.retain(|value| seen.insert(value.clone()));
        violations.check(definition)
    }

    fn show(&self) -> Object {
        object! {
            "id" => self.id,
            "category" => &self.category,
            "name" => &self.name,
            "display_name" => self.display_name.clone(),
            "description" => self.description.clone(),
            "data_format" => self.data_format.name(),
            "enumeration_values" => self.enumeration_values.clone(),
            "scopes" => self.scopes.clone(),
            "search" => self.search.name(),
            "single_value" => self.single_value,
            "required" => self.required,
            "read_only" => self.read_only,
            "hidden" => self.hidden,
            "override" => self.overrides,
            "system" => self.system,
            "unique" => self.unique,
            "deprecated" => self.deprecated,
        }
    }

    fn matches(&self, filter: &str, value: &str) -> bool {
        if filter == "category" { self.category == value } else { self.name == value }
    }

    fn bound_by_use(&self, current: &Self) -> Option<&'static str> {
        if self.search != current.search {
            return Some("search");
        }
        let removed = current.enumeration_values.iter().any(|value| !self.enumeration_values.contains(value));
        removed.then_some("enumeration_values")
    }

    fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    fn removable(&self, schema: &Schema) -> Result<()> {
        if self.system {
            return Err(Error::InUse("a definition of the system cannot be deleted".to_owned()));
        }
        match schema.personas.values().find(|p| p.attributes.contains(&self.id)) {
            Some(holder) => Err(Error::InUse(format!("the persona definition {} lists the attribute", holder.id))),
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.attributes
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.attributes
    }
}

impl AttributeDefinition {
    fn check_enumeration(&self, fields: &mut Fields<'_>, format: Option<DataFormat>) {
        let Some(format) = format else { return };
        let enumeration = format == DataFormat::Enumeration;
        if enumeration && self.enumeration_values.is_empty() {
            fields.refuse("enumeration_values", Code::Required, "an enumeration lists at least one value");
        } else if !enumeration && !self.enumeration_values.is_empty() {
            fields.refuse("enumeration_values", Code::NotAllowed, format!("{format} has no enumeration values"));
        }
    }

    fn check_immutable(&self, current: &Self, fields: &mut Fields<'_>, format: Option<DataFormat>) {
        let changed = [
            ("category", !self.category.is_empty() && self.category != current.category),
            ("name", !self.name.is_empty() && self.name != current.name),
            ("data_format", format.is_some_and(|format| format != current.data_format)),
            ("single_value", self.single_value != current.single_value),
            ("unique", self.unique != current.unique),
        ];
        for (name, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            fields.refuse(name, Code::Immutable, format!("`{name}` never changes after creation"));
        }
    }
}

fn take_scopes(fields: &mut Fields<'_>) -> Vec<String> {
    let scopes = fields.texts("scopes", 20, 64).unwrap_or_default();
    for (i, scope) in scopes.iter().enumerate() {
        if scope.parse::<Scope>().is_err() {
            fields.refuse_item("scopes", i, Code::NotInEnumeration, format!("there is no scope `{scope}`"));
        }
    }
    scopes
}
