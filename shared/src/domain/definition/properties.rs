//! The properties of attribute definitions: how the less simple ones are read, and what format and
//! properties mean together.

use std::collections::BTreeSet;

use super::MAX_TEXT;
use super::attribute::{AttributeDefinition, DataFormat, DerivedBy, Search};
use super::predefined::Predefined;
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json_schema::check_schema;
use crate::domain::schema::Schema;
use crate::domain::scope::Scope;

/// The most workflows of a tenant that derive attributes: each write of a profile may have to run
/// all of them.
pub(super) const MAX_LINKED: usize = 10;

impl AttributeDefinition {
    /// Checks what belongs to one format alone.
    pub(super) fn check_format(&self, fields: &mut Fields<'_>) {
        let format = self.data_format;
        let enumeration = format == DataFormat::Enumeration;
        let at = fields.at("enumeration_values");
        if enumeration && self.enumeration_values.is_empty() && !fields.violations().concern(&at) {
            fields.refuse(
                "enumeration_values",
                Code::Required,
                "an enumeration lists at least one value",
            );
        } else if !enumeration && !self.enumeration_values.is_empty() {
            fields.refuse(
                "enumeration_values",
                Code::NotAllowed,
                format!("{format} has no enumeration values"),
            );
        }
        if self.json_schema.is_some() && format != DataFormat::Json {
            fields.refuse("json_schema", Code::NotAllowed, format!("{format} has no JSON Schema"));
        }
        let comparable = !matches!(format, DataFormat::Hash | DataFormat::Json);
        if self.unique && !comparable {
            fields.refuse(
                "unique",
                Code::NotAllowed,
                format!("values of {format} are not compared"),
            );
        }
        match self.search {
            Search::Exact if !comparable => {
                fields.refuse(
                    "search",
                    Code::NotAllowed,
                    format!("values of {format} are not compared"),
                );
            }
            Search::Prefix if !comparable || format == DataFormat::SearchableHash => {
                fields.refuse(
                    "search",
                    Code::NotAllowed,
                    format!("values of {format} have no first characters"),
                );
            }
            _ => {}
        }
    }

    /// Checks what properties mean together.
    pub(super) fn check_properties(&self, fields: &mut Fields<'_>, schema: &Schema) {
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
            let detail =
                "a persona definition lists the attribute; a derived one belongs to the profile";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if schema.servers.values().any(|server| server.maps_to_attribute(self)) {
            let detail = "a claim of an authentication server feeds the attribute";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if self.required {
            fields.refuse(
                "required",
                Code::NotAllowed,
                "nobody can be asked for a derived attribute",
            );
        }
        if self.approval_policy.is_some() {
            fields.refuse(
                "approval_policy",
                Code::NotAllowed,
                "nobody changes a derived attribute",
            );
        }
    }

    /// Checks what never changes.
    pub(super) fn check_immutable(
        &self,
        current: &Self,
        fields: &mut Fields<'_>,
        format: Option<DataFormat>,
    ) {
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

/// Takes the field `scopes`.
pub(super) fn take_scopes(fields: &mut Fields<'_>) -> Vec<String> {
    let scopes = fields.texts("scopes", 20, 64).unwrap_or_default();
    for (i, scope) in scopes.iter().enumerate() {
        if scope.parse::<Scope>().is_err() {
            fields.refuse_item(
                "scopes",
                i,
                Code::NotInEnumeration,
                format!("there is no scope `{scope}`"),
            );
        }
    }
    scopes
}

/// Takes the field `json_schema`, in the form in which it is stored.
pub(super) fn take_json_schema(fields: &mut Fields<'_>) -> Option<String> {
    let schema = fields.value("json_schema")?;
    match check_schema(&schema) {
        Ok(text) => Some(text),
        Err((code, detail)) => {
            fields.refuse("json_schema", code, detail);
            None
        }
    }
}

/// Takes the field `derived` of the attribute with this id.
pub(super) fn take_derived(
    fields: &mut Fields<'_>,
    id: DefinitionId,
    schema: &Schema,
) -> Option<DerivedBy> {
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
        let detail = format!(
            "{} workflows derive attributes, at most {MAX_LINKED} are allowed",
            linked.len()
        );
        inner.refuse("workflow_id", Code::TooMany, detail);
    }
    inner.finish();
    found.map(|workflow_id| DerivedBy { workflow_id })
}

/// Takes the field `source`, which knows one word: values come from the profile itself.
pub(super) fn take_source(fields: &mut Fields<'_>) {
    if fields.text("source", MAX_TEXT).is_some_and(|source| source != "repository") {
        fields.refuse("source", Code::NotInEnumeration, "values come from the `repository`");
    }
}
