//! Attribute definitions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::policy::ApprovalPolicy;
use super::predefined::Predefined;
use super::{Definition, Kind, MAX_TEXT, open, take_name};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::json_schema::check_schema;
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
        /// An e-mail address, with the state of its verification.
        Email = "EMAIL",
        /// A secret, kept as a salted Argon2id hash: write-only.
        Hash = "HASH",
        /// A secret that can be searched by equality, kept as a keyed hash: write-only.
        SearchableHash = "SEARCHABLE_HASH",
        /// A telephone number in the form of E.164.
        Sms = "SMS",
        /// Any JSON value but `null`, within a JSON Schema if the definition has one.
        Json = "JSON",
    }
}

impl DataFormat {
    /// Whether values are kept as hashes and never shown.
    #[must_use]
    pub const fn is_hashed(self) -> bool {
        matches!(self, Self::Hash | Self::SearchableHash)
    }
}

/// The most workflows of a tenant that derive attributes: each write of a profile may have to run all of them.
pub const MAX_LINKED: usize = 10;

/// How the values of an attribute come about without being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// The workflow that makes them.
    pub workflow_id: DefinitionId,
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
    /// The JSON Schema that JSON values fit, as JSON text.
    #[serde(default)]
    pub json_schema: Option<String>,
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
    /// What derives its values, if callers do not write them.
    #[serde(default)]
    pub derived: Option<Derived>,
    /// Who may write it and approve what others want to write; nobody is asked without one.
    #[serde(default)]
    pub approval_policy: Option<ApprovalPolicy>,
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
        let (mut fields, id) = open(document, current.map(|c| c.id), world, &mut violations);

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
        let system = current.is_some_and(|c| c.system);
        let name = take_name(&mut fields, system, others);
        let data_format = fields.required_word("data_format");
        let mut definition = Self {
            id,
            category: category.unwrap_or_default(),
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            data_format: data_format.unwrap_or(DataFormat::Text),
            enumeration_values: fields.texts("enumeration_values", 1000, 256).unwrap_or_default(),
            json_schema: take_json_schema(&mut fields),
            scopes: take_scopes(&mut fields),
            search: fields.word("search").unwrap_or_default(),
            single_value: fields.boolean("single_value").unwrap_or_default(),
            required: fields.boolean("required").unwrap_or_default(),
            read_only: fields.boolean("read_only").unwrap_or_default(),
            hidden: fields.boolean("hidden").unwrap_or_default(),
            overrides: fields.boolean("override").unwrap_or_default(),
            system,
            unique: fields.boolean("unique").unwrap_or_default(),
            derived: take_derived(&mut fields, id, schema),
            approval_policy: ApprovalPolicy::take(&mut fields, schema),
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        let due = "the property `system` is set by the service alone";
        fields.unchanged("system", &Json::Bool(system), Code::NotEditable, due);
        take_source(&mut fields);
        if data_format.is_some() {
            definition.check_format(&mut fields);
            definition.check_properties(&mut fields, schema);
        }
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
            "json_schema" => self.json_schema.as_ref().and_then(|schema| Json::parse(schema.as_bytes()).ok()),
            "scopes" => self.scopes.clone(),
            "search" => self.search.name(),
            "single_value" => self.single_value,
            "required" => self.required,
            "read_only" => self.read_only,
            "hidden" => self.hidden,
            "override" => self.overrides,
            "system" => self.system,
            "unique" => self.unique,
            "derived" => self.derived.as_ref().map(|d| Json::Object(object! { "workflow_id" => d.workflow_id })),
            "approval_policy" => self.approval_policy.as_ref().map(|policy| Json::Object(policy.show())),
            "deprecated" => self.deprecated,
        }
    }

    fn matches(&self, filter: &str, value: &str) -> bool {
        if filter == "category" { self.category == value } else { self.name == value }
    }

    fn fixed(&self) -> &'static [&'static str] {
        const FIXED: [&str; 6] = ["category", "name", "data_format", "single_value", "unique", "search"];
        let [custom @ .., _] = &FIXED;
        if self.system { &FIXED } else { custom }
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
        if schema.profiles.values().any(|profile| profile.attributes.contains(&self.id)) {
            return Err(Error::InUse("the user profile definition lists the attribute".to_owned()));
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
    /// Which predefined attribute this is the definition of, if it is one's.
    #[must_use]
    pub fn predefined(&self) -> Option<Predefined> {
        self.name.parse().ok().filter(|_| self.system)
    }

    /// Whether profiles must have it: what takes no new values cannot be asked for.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required && !self.deprecated
    }

    /// Says which values an enumeration takes: the first few.
    #[must_use]
    pub fn words_due(&self) -> String {
        const NAMED: usize = 10;
        let some: Vec<_> = self.enumeration_values.iter().take(NAMED).map(String::as_str).collect();
        match self.enumeration_values.len() {
            many if many > NAMED => format!("one of the {many} values is due, as {}", some.join(", ")),
            _ => format!("one of {} is due", some.join(", ")),
        }
    }

    /// Checks what belongs to one format alone.
    fn check_format(&self, fields: &mut Fields<'_>) {
        let format = self.data_format;
        let enumeration = format == DataFormat::Enumeration;
        let at = fields.at("enumeration_values");
        if enumeration && self.enumeration_values.is_empty() && !fields.violations().concern(&at) {
            fields.refuse("enumeration_values", Code::Required, "an enumeration lists at least one value");
        } else if !enumeration && !self.enumeration_values.is_empty() {
            fields.refuse("enumeration_values", Code::NotAllowed, format!("{format} has no enumeration values"));
        }
        if self.json_schema.is_some() && format != DataFormat::Json {
            fields.refuse("json_schema", Code::NotAllowed, format!("{format} has no JSON Schema"));
        }
        let comparable = !matches!(format, DataFormat::Hash | DataFormat::Json);
        if self.unique && !comparable {
            fields.refuse("unique", Code::NotAllowed, format!("values of {format} are not compared"));
        }
        match self.search {
            Search::Exact if !comparable => {
                fields.refuse("search", Code::NotAllowed, format!("values of {format} are not compared"));
            }
            Search::Prefix if !comparable || format == DataFormat::SearchableHash => {
                fields.refuse("search", Code::NotAllowed, format!("values of {format} have no first characters"));
            }
            _ => {}
        }
    }

    /// Checks what properties mean together.
    fn check_properties(&self, fields: &mut Fields<'_>, schema: &Schema) {
        if self.system {
            let username = self.predefined() == Some(Predefined::Username);
            if username && !self.required {
                fields.refuse("required", Code::NotAllowed, "every user has a username");
            }
            if self.deprecated {
                fields.refuse("deprecated", Code::NotAllowed, "a predefined attribute stays");
            }
        }
        if self.derived.is_none() {
            return;
        }
        if self.system || self.data_format == DataFormat::Hash {
            let detail = "a predefined attribute and a salted hash are not derived";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if schema.personas.values().any(|p| p.attributes.contains(&self.id)) {
            let detail = "a persona definition lists the attribute; a derived one belongs to the profile";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if self.required {
            fields.refuse("required", Code::NotAllowed, "nobody can be asked for a derived attribute");
        }
        if self.approval_policy.is_some() {
            fields.refuse("approval_policy", Code::NotAllowed, "nobody changes a derived attribute");
        }
    }

    fn check_immutable(&self, current: &Self, fields: &mut Fields<'_>, format: Option<DataFormat>) {
        let changed = [
            ("category", !self.category.is_empty() && self.category != current.category),
            ("name", !self.name.is_empty() && self.name != current.name),
            ("data_format", format.is_some_and(|format| format != current.data_format)),
            ("single_value", self.single_value != current.single_value),
            ("unique", self.unique != current.unique),
            ("search", self.system && self.search != current.search),
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

fn take_json_schema(fields: &mut Fields<'_>) -> Option<String> {
    let schema = fields.value("json_schema")?;
    match check_schema(&schema) {
        Ok(text) => Some(text),
        Err((code, detail)) => {
            fields.refuse("json_schema", code, detail);
            None
        }
    }
}

fn take_derived(fields: &mut Fields<'_>, id: DefinitionId, schema: &Schema) -> Option<Derived> {
    let document = fields.value("derived")?;
    let at = fields.at("derived");
    let mut inner = Fields::new(document, at, fields.violations());
    let workflow = inner.required_text("workflow_id", MAX_TEXT);
    let found = workflow.and_then(|id| {
        let found = schema.workflows.get(&id).map(|entry| entry.stored.value.id);
        if found.is_none() {
            inner.refuse("workflow_id", Code::NotFound, format!("there is no workflow `{id}`"));
        }
        found
    });
    let mut linked: BTreeSet<_> = found.into_iter().collect();
    let others = schema.custom_attributes().filter(|a| a.id != id && !a.deprecated);
    linked.extend(others.filter_map(|a| Some(a.derived.as_ref()?.workflow_id)));
    if linked.len() > MAX_LINKED {
        let detail = format!("{} workflows derive attributes, at most {MAX_LINKED} are allowed", linked.len());
        inner.refuse("workflow_id", Code::TooMany, detail);
    }
    inner.finish();
    found.map(|workflow_id| Derived { workflow_id })
}

/// Takes the field `source`, which knows one word: values come from the profile itself.
fn take_source(fields: &mut Fields<'_>) {
    if fields.text("source", MAX_TEXT).is_some_and(|source| source != "repository") {
        fields.refuse("source", Code::NotInEnumeration, "values come from the `repository`");
    }
}
