//! Definitions: which attributes and personas a tenant's profiles may hold, and the one shape all definitions share.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Code, Error, Result, Violations};
use super::field::Fields;
use super::id::DefinitionId;
use super::json::{Json, Object};
use super::schema::{Collection, Schema};
use super::scope::Scope;
use crate::object;
use crate::world::World;

/// The kinds of configuration that live in a tenant's definitions partition; each is the prefix of its sort keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Attribute categories.
    Category,
    /// Attribute definitions.
    Attribute,
    /// Persona definitions.
    Persona,
    /// Authentication servers.
    Server,
    /// Applications.
    Application,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Category, Self::Attribute, Self::Persona, Self::Server, Self::Application];

    /// The prefix in sort keys.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Category => "CATEGORY",
            Self::Attribute => "ATTRIBUTE",
            Self::Persona => "PERSONA",
            Self::Server => "SERVER",
            Self::Application => "APPLICATION",
        }
    }
}

/// A piece of configuration that is created, listed, read, replaced, patched and deleted over HTTP.
///
/// One shape serves every kind: a whole document comes in, the rules of the kind make a value of it or say all that is wrong.
pub trait Definition: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Which kind this is.
    const KIND: Kind;
    /// The path of the collection, for `Location`.
    const PATH: &'static str;
    /// The query parameters that narrow a list.
    const FILTERS: &'static [&'static str];

    /// The id, as the path and the table carry it.
    fn key(&self) -> String;
    /// Makes a new value, or the replacement of `current`, from a whole document.
    fn read(document: Json, current: Option<&Self>, schema: &Schema, world: &World) -> Result<Self>;
    /// The document that callers see.
    fn show(&self) -> Object;
    /// Whether the value of a list's filter matches.
    fn matches(&self, filter: &str, value: &str) -> bool;
    /// The field whose change from `current` to `self` is only possible while no user holds a value.
    fn bound_by_use(&self, _current: &Self) -> Option<&'static str> {
        None
    }
    /// Whether it takes no new assignments.
    fn is_deprecated(&self) -> bool {
        false
    }
    /// Says why the value cannot be deleted, going by the other definitions; whether users hold it is not known here.
    fn removable(&self, schema: &Schema) -> Result<()>;
    /// Where the values of this kind are in a schema.
    fn collection(schema: &Schema) -> &Collection<Self>;
    /// Where the values of this kind are in a schema, to fill it.
    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self>;
}

/// How the values of an attribute are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DataFormat {
    /// One of the values that the definition lists.
    Enumeration,
    /// A decimal number of at most 38 significant digits.
    Numeric,
    /// Any text.
    Text,
}

impl DataFormat {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Enumeration, "ENUMERATION"), (Self::Numeric, "NUMERIC"), (Self::Text, "TEXT")];
}

impl fmt::Display for DataFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(format, _)| format == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for DataFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(format, _)| *format).ok_or(())
    }
}

/// How an attribute can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// Not at all.
    #[default]
    None,
    /// By equality.
    Exact,
    /// By equality and by the first characters.
    Prefix,
}

impl Search {
    const NAMES: [(Self, &'static str); 3] = [(Self::None, "none"), (Self::Exact, "exact"), (Self::Prefix, "prefix")];
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(search, _)| search == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Search {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(search, _)| *search).ok_or(())
    }
}

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

const MAX_TEXT: usize = 1024;

fn is_name(text: &str, underscores: bool) -> bool {
    text.len() <= 63
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || (underscores && b == b'_'))
}

/// Takes the field `name`, whose form is fixed and which must be free among `others`.
fn take_name<'a>(
    fields: &mut Fields<'_>,
    underscores: bool,
    mut others: impl Iterator<Item = &'a str>,
) -> Result<Option<String>> {
    let Some(name) = fields.required_text("name", MAX_TEXT) else {
        return Ok(None);
    };
    if !is_name(&name, underscores) {
        let due = if underscores { "^[a-z][a-z0-9_-]{0,62}$" } else { "^[a-z][a-z0-9-]{0,62}$" };
        fields.refuse("name", Code::WrongFormat, format!("a name that matches `{due}` is due"));
        return Ok(None);
    }
    if others.any(|other| other == name) {
        return Err(Error::taken("name"));
    }
    Ok(Some(name))
}

/// Refuses a change of the id that was given when the definition was made.
fn keep_id(fields: &mut Fields<'_>, id: Option<String>) {
    let stored = id.map_or(Json::Null, Json::String);
    fields.unchanged("id", &stored, Code::Immutable, "ids are made by the service and never change");
}

impl Definition for Category {
    const KIND: Kind = Kind::Category;
    const PATH: &'static str = "/identity/config/attribute-categories";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, world: &World) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = current.map_or_else(|| DefinitionId::new(world.new_uuid()), |c| c.id);
        keep_id(&mut fields, current.map(Definition::key));
        let others = schema.categories.values().filter(|c| c.id != id).map(|c| c.name.as_str());
        let name = take_name(&mut fields, false, others)?;
        let display_name = fields.text("display_name", MAX_TEXT);
        if let (Some(current), Some(name)) = (current, &name)
            && *name != current.name
        {
            fields.refuse("name", Code::Immutable, "the name of a category never changes: profiles carry it");
        }
        fields.finish();
        violations.check(Self { id, name: name.unwrap_or_default(), display_name })
    }

    fn show(&self) -> Object {
        object! { "id" => self.id, "name" => &self.name, "display_name" => self.display_name.clone() }
    }

    fn matches(&self, _filter: &str, value: &str) -> bool {
        self.name == value
    }

    fn removable(&self, schema: &Schema) -> Result<()> {
        if self.name == COMMON {
            return Err(Error::InUse("the category `common` belongs to the system".to_owned()));
        }
        match schema.attributes.values().find(|a| a.category == self.name) {
            Some(held) => Err(Error::InUse(format!("the attribute definition {} is in this category", held.id))),
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
        let name = take_name(&mut fields, false, others)?;
        let data_format = take_format(&mut fields);
        let mut definition = Self {
            id,
            category: category.unwrap_or_default(),
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            data_format: data_format.unwrap_or(DataFormat::Text),
            enumeration_values: fields.texts("enumeration_values", 1000, 256).unwrap_or_default(),
            scopes: take_scopes(&mut fields),
            search: take_search(&mut fields),
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
        definition.enumeration_values.dedup();
        violations.check(definition)
    }

    fn show(&self) -> Object {
        object! {
            "id" => self.id,
            "category" => &self.category,
            "name" => &self.name,
            "display_name" => self.display_name.clone(),
            "description" => self.description.clone(),
            "data_format" => self.data_format.to_string(),
            "enumeration_values" => self.enumeration_values.clone(),
            "scopes" => self.scopes.clone(),
            "search" => self.search.to_string(),
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

fn take_format(fields: &mut Fields<'_>) -> Option<DataFormat> {
    let name = fields.required_text("data_format", MAX_TEXT)?;
    let format = name.parse().ok();
    if format.is_none() {
        fields.refuse("data_format", Code::NotInEnumeration, "one of ENUMERATION, NUMERIC, TEXT is due");
    }
    format
}

fn take_search(fields: &mut Fields<'_>) -> Search {
    let Some(name) = fields.text("search", MAX_TEXT) else {
        return Search::None;
    };
    name.parse().unwrap_or_else(|()| {
        fields.refuse("search", Code::NotInEnumeration, "one of none, exact, prefix is due");
        Search::None
    })
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

impl Definition for PersonaDefinition {
    const KIND: Kind = Kind::Persona;
    const PATH: &'static str = "/config/persona-definitions";
    const FILTERS: &'static [&'static str] = &["name"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, world: &World) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let id = current.map_or_else(|| DefinitionId::new(world.new_uuid()), |c| c.id);
        keep_id(&mut fields, current.map(Definition::key));
        let others = schema.personas.values().filter(|p| p.id != id).map(|p| p.name.as_str());
        let name = take_name(&mut fields, true, others)?;
        let definition = Self {
            id,
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            attributes: take_attributes(&mut fields, schema),
            scoped: fields.boolean("scoped").unwrap_or_default(),
            system: current.is_some_and(|c| c.system),
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        let system = Json::Bool(definition.system);
        fields.unchanged("system", &system, Code::NotEditable, "the property `system` is set by the service alone");
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

    fn removable(&self, _schema: &Schema) -> Result<()> {
        if self.system { Err(Error::InUse("a definition of the system cannot be deleted".to_owned())) } else { Ok(()) }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.personas
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.personas
    }
}

fn take_attributes(fields: &mut Fields<'_>, schema: &Schema) -> Vec<DefinitionId> {
    let ids = fields.texts("attributes", 200, 64).unwrap_or_default();
    let mut attributes = Vec::with_capacity(ids.len());
    for (i, id) in ids.iter().enumerate() {
        match id.parse().ok().filter(|id| schema.attribute(*id).is_some()) {
            Some(id) if attributes.contains(&id) => {
                fields.refuse_item("attributes", i, Code::NotAllowed, "the same attribute occurs twice");
            }
            Some(id) => attributes.push(id),
            None => {
                fields.refuse_item("attributes", i, Code::NotFound, format!("there is no attribute definition `{id}`"));
            }
        }
    }
    attributes
}
