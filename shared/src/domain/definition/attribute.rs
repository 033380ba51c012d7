//! Attribute definitions.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::policy::ApprovalPolicy;
use super::predefined::Predefined;
use super::properties::{
    DataFormat, DerivedBy, NO_CONSENT, Raise, Search, take_consent, take_derived, take_json_schema,
    take_scopes, take_source,
};
use super::{Definition, DefinitionKind, MAX_TEXT, Noun, SET_BY_SERVICE, open, take_name};
use crate::domain::consent::{Consent, PurposeRef};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::domain::string_enum::expected_word;
use crate::domain::suggest::did_you_mean;
use crate::domain::suggest::unknown;
use crate::env::Env;
use crate::object;

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
    /// Values that take no new assignments.
    #[serde(default)]
    pub deprecated_values: Vec<String>,
    /// The JSON Schema that JSON values fit, as JSON text.
    #[serde(default)]
    pub json_schema: Option<String>,
    /// The scopes of which userinfo needs one to show the attribute. If it is empty, a token of
    /// this service needs `profile` for a custom attribute; tokens of other issuers need no scope.
    pub scopes: Vec<String>,
    /// How the attribute can be searched; only raised once a value was stored.
    pub search: Search,
    /// Since it was raised: how far the index entries are.
    #[serde(default)]
    pub raise: Option<Raise>,
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
    /// The workflow that derives its values, if callers do not write them.
    #[serde(default)]
    pub derived: Option<DerivedBy>,
    /// Says who may write the attribute and approve changes of others. Without a policy a write
    /// needs no approval.
    #[serde(default)]
    pub approval_policy: Option<ApprovalPolicy>,
    /// The purpose of a consent without which systems do not get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<PurposeRef>,
    /// Whether it is derived from nothing that a consent governs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ungoverned: bool,
    /// Whether it takes no new values.
    pub deprecated: bool,
}

impl Definition for AttributeDefinition {
    const KIND: DefinitionKind = DefinitionKind::Attribute;
    const PATH: &'static str = "/identity/config/attribute-definitions";
    const NOUN: Noun = Noun {
        one: "attribute_definition",
        many: "attribute_definitions",
        title: "an attribute definition",
    };
    const SCHEMA: &'static str = "AttributeDefinition";
    const FILTERS: &'static [&'static str] = &["name", "category"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let (mut fields, id) = open(document, current.map(|c| c.id), env, &mut violations);

        let category = fields.required_text("category", MAX_TEXT).filter(|category| {
            let known = schema.categories.values().any(|c| c.name == *category);
            if !known {
                fields.refuse(
                    "category",
                    Code::NotFound,
                    unknown("attribute category", category, schema.category_names()),
                );
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
        let data_format = fields.required_string_enum("data_format");
        let (consent, ungoverned) = take_consent(&mut fields, id, schema);
        let mut definition = Self {
            id,
            category: category.unwrap_or_default(),
            name: name.unwrap_or_default(),
            display_name: fields.text("display_name", MAX_TEXT),
            description: fields.text("description", MAX_TEXT),
            data_format: data_format.unwrap_or(DataFormat::Text),
            enumeration_values: fields.texts("enumeration_values", 1000, 256).unwrap_or_default(),
            deprecated_values: fields.texts("deprecated_values", 100, 256).unwrap_or_default(),
            json_schema: take_json_schema(&mut fields),
            scopes: take_scopes(&mut fields),
            search: fields
                .string_enum("search")
                .or_else(|| data_format.map(DataFormat::usual_search))
                .unwrap_or_default(),
            raise: None,
            single_value: fields.boolean("single_value").unwrap_or_default(),
            required: fields.boolean("required").unwrap_or_default(),
            read_only: fields.boolean("read_only").unwrap_or_default(),
            hidden: fields.boolean("hidden").unwrap_or_default(),
            overrides: fields.boolean("override").unwrap_or_default(),
            system,
            unique: fields.boolean("unique").unwrap_or_default(),
            derived: take_derived(&mut fields, id, schema),
            approval_policy: ApprovalPolicy::take(&mut fields, schema),
            consent,
            ungoverned,
            deprecated: fields.boolean("deprecated").unwrap_or_default(),
        };
        fields.unchanged("system", &Json::Bool(system), Code::NotEditable, SET_BY_SERVICE);
        take_source(&mut fields);
        definition.raise = current.filter(|c| c.search == definition.search).and_then(|c| c.raise);
        // The service raises it by itself, so a document may have the earlier value.
        let known = current.map_or(definition.search, |c| c.search.max(definition.search));
        if fields.string_enum("effective_search").is_some_and(|sent: Search| sent > known) {
            fields.refuse("effective_search", Code::NotEditable, SET_BY_SERVICE);
        }
        if data_format.is_some() {
            definition.check_format(&mut fields);
            definition.check_properties(&mut fields, schema);
        }
        if let Some(current) = current {
            definition.check_immutable(current, &mut fields, data_format);
        }
        fields.finish();
        for values in [&mut definition.enumeration_values, &mut definition.deprecated_values] {
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(value.clone()));
        }
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
            "deprecated_values" => self.deprecated_values.clone(),
            "json_schema" => self.json_schema.as_ref().and_then(|schema| Json::parse(schema.as_bytes()).ok()),
            "scopes" => self.scopes.clone(),
            "search" => self.search.name(),
            "effective_search" => self.effective_search().name(),
            "single_value" => self.single_value,
            "required" => self.required,
            "read_only" => self.read_only,
            "hidden" => self.hidden,
            "override" => self.overrides,
            "system" => self.system,
            "unique" => self.unique,
            "derived" => self.derived.as_ref().map(|d| Json::Object(object! {
                "workflow_id" => d.workflow_id
            })),
            "approval_policy" => self.approval_policy.as_ref().map(|policy| Json::Object(policy.show())),
            "consent" => self.consent.as_ref().map(ToString::to_string)
                .or_else(|| self.ungoverned.then(|| NO_CONSENT.to_owned())),
            "deprecated" => self.deprecated,
        }
    }

    fn matches(&self, filter: &str, value: &str) -> bool {
        if filter == "category" { self.category == value } else { self.name == value }
    }

    fn immutable_fields(&self) -> &'static [&'static str] {
        const FIXED: [&str; 6] =
            ["category", "name", "data_format", "single_value", "unique", "search"];
        let [custom @ .., _] = &FIXED;
        if self.system { &FIXED } else { custom }
    }

    fn once_used(self, current: &Self, unheld: &[String]) -> Result<Self> {
        if self.search < current.search {
            let detail = format!(
                "`search` can be raised but not lowered to `{}`: users have had values of this \
                 attribute",
                self.search
            );
            return Err(Error::InUse(detail));
        }
        let removed = current
            .enumeration_values
            .iter()
            .find(|value| !self.enumeration_values.contains(value) && !unheld.contains(value));
        if let Some(value) = removed {
            let detail = format!(
                "users may hold the value `{value}`; add it to `deprecated_values`, and remove it \
                 when the sweeper has found that no user holds it"
            );
            return Err(Error::InUse(detail));
        }
        let from = current.effective_search();
        let raised = self.search > current.search;
        Ok(if raised { Self { raise: Some(Raise { from, built: false }), ..self } } else { self })
    }

    fn still_unheld(&self, unheld: &[String]) -> Vec<String> {
        unheld.iter().filter(|value| self.deprecated_values.contains(value)).cloned().collect()
    }

    fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        if self.system {
            return Err(Error::InUse(
                "the service made this definition; it cannot be deleted".to_owned(),
            ));
        }
        if schema.profiles.values().any(|profile| profile.attributes.contains(&self.id)) {
            return Err(Error::InUse(
                "the user profile definition lists this attribute; remove it there first"
                    .to_owned(),
            ));
        }
        let used = |consent: &&Consent| consent.lists(self.id);
        if let Some(consent) = schema.consents.values().find(used) {
            return Err(Error::InUse(format!(
                "a purpose or a version of the consent `{}` lists this attribute; remove it from \
                 the purpose, or deprecate the attribute if a version lists it",
                consent.id
            )));
        }
        if let Some(server) = schema.servers.values().find(|server| server.maps_to_attribute(self))
        {
            return Err(Error::InUse(format!(
                "a claim of the authentication server `{}` feeds this attribute; remove the claim \
                 first",
                server.id
            )));
        }
        match schema.personas.values().find(|p| p.attributes.contains(&self.id)) {
            Some(holder) => Err(Error::InUse(format!(
                "the persona definition `{}` lists this attribute; remove it there first",
                holder.id
            ))),
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
    /// The definition of an attribute that takes any texts and has no other property.
    #[must_use]
    pub fn of_texts(name: &str) -> Self {
        let one = Predefined::GivenName.definition();
        Self {
            name: name.to_owned(),
            single_value: false,
            search: Search::None,
            system: false,
            ..one
        }
    }

    /// How filters can search it now: as before, until every user has the index entries of a raised
    /// `search`.
    #[must_use]
    pub fn effective_search(&self) -> Search {
        self.raise.filter(|raise| !raise.built).map_or(self.search, |raise| raise.from)
    }

    /// The ways of searching for which users have index entries.
    pub fn indexed(&self) -> impl Iterator<Item = Search> {
        [Some(self.search), self.raise.map(|raise| raise.from)].into_iter().flatten()
    }

    /// Why this value cannot be set on a user who does not have it; `None` if it can.
    #[must_use]
    pub fn refuses_new(&self, value: &String) -> Option<&'static str> {
        if self.deprecated {
            Some("the attribute is deprecated; it takes no new values")
        } else if self.deprecated_values.contains(value) {
            Some("the value is deprecated; choose another one")
        } else {
            None
        }
    }

    /// Which predefined attribute this is the definition of, if it is one's.
    #[must_use]
    pub fn predefined(&self) -> Option<Predefined> {
        self.name.parse().ok().filter(|_| self.system)
    }

    /// Whether profiles must have it. A deprecated attribute is never required, because it takes no
    /// new values.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required && !self.deprecated
    }

    /// The error message for a `text` that is no value of the enumeration. It lists all values, or
    /// the first ones with suggestions.
    #[must_use]
    pub fn expected_value(&self, text: &str) -> String {
        const NAMED: usize = 10;
        let values = &self.enumeration_values;
        if values.len() <= NAMED {
            return expected_word(values, text);
        }
        let some: Vec<_> = values.iter().take(NAMED).map(|value| format!("`{value}`")).collect();
        let meant = did_you_mean(text, values.iter().map(String::as_str));
        format!("expected one of {} values, e.g. {}{meant}", values.len(), some.join(", "))
    }

    /// How profiles and filters name it.
    #[must_use]
    pub fn path(&self) -> String {
        match self.predefined() {
            Some(field) => field.name().to_owned(),
            None => format!("attributes.{}.{}", self.category, self.name),
        }
    }

    /// Where its values stand in a profile: a JSON Pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.pointer_below("/attributes")
    }

    /// Where its values stand below the `attributes` that stand at `at`.
    #[must_use]
    pub fn pointer_below(&self, at: &str) -> String {
        format!("{at}/{}/{}", self.category, self.name)
    }

    /// Whether this workflow derives its values.
    #[must_use]
    pub fn is_derived_by(&self, workflow: DefinitionId) -> bool {
        self.derived.as_ref().is_some_and(|derived| derived.workflow_id == workflow)
    }
}
