//! The properties of attribute definitions: how complex properties are read, and which formats and
//! properties go together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::MAX_TEXT;
use super::attribute::AttributeDefinition;
use super::predefined::Predefined;
use crate::domain::consent::PurposeRef;
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::id::DefinitionId;
use crate::domain::json_schema::check_schema;
use crate::domain::schema::Schema;
use crate::domain::string_enum::string_enum;

/// The most workflows of a tenant that derive attributes: each write of a profile may have to run
/// all of them.
pub(super) const MAX_LINKED: usize = 10;

string_enum! {
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

    /// The `search` of a definition that does not say otherwise: what is hashed so that it can be
    /// searched is searched (rule A13).
    pub(super) const fn usual_search(self) -> Search {
        if matches!(self, Self::SearchableHash) { Search::Exact } else { Search::None }
    }
}

/// The workflow that derives the values of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedBy {
    /// The workflow that makes them.
    pub workflow_id: DefinitionId,
}

string_enum! {
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

/// How far the index entries are of an attribute whose `search` was raised (ADR 0054).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// How it could be searched before. Users keep the entries of then as long as this stands.
    pub from: Search,
    /// Whether every user has the entries of now.
    pub built: bool,
}

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
                "an ENUMERATION needs at least one value",
            );
        } else if !enumeration && !self.enumeration_values.is_empty() {
            fields.refuse(
                "enumeration_values",
                Code::NotAllowed,
                format!("only an ENUMERATION has values, not {format}; omit the field"),
            );
        }
        for (i, value) in self.deprecated_values.iter().enumerate() {
            if !self.enumeration_values.contains(value) {
                let detail =
                    "this value is not in `enumeration_values`; add it there or remove it here";
                fields.refuse_item("deprecated_values", i, Code::NotInEnumeration, detail);
            }
        }
        if self.json_schema.is_some() && format != DataFormat::Json {
            fields.refuse(
                "json_schema",
                Code::NotAllowed,
                format!("only JSON has a JSON Schema, not {format}; omit the field"),
            );
        }
        let comparable = !matches!(format, DataFormat::Hash | DataFormat::Json);
        if self.unique && !comparable {
            let detail = format!("values of {format} cannot be compared, so not `unique`");
            fields.refuse("unique", Code::NotAllowed, detail);
        }
        match self.search {
            Search::Exact if !comparable => {
                fields.refuse(
                    "search",
                    Code::NotAllowed,
                    format!("values of {format} cannot be searched; use `none`"),
                );
            }
            Search::Prefix if !comparable || format == DataFormat::SearchableHash => {
                fields.refuse(
                    "search",
                    Code::NotAllowed,
                    format!("values of {format} cannot be searched by their start"),
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
                fields.refuse(
                    "required",
                    Code::NotAllowed,
                    "every user needs a username; `required` must be true",
                );
            }
            if self.predefined() == Some(Predefined::Username) && self.consent.is_some() {
                let detail = "every user needs a username; it cannot be bound to a consent";
                fields.refuse("consent", Code::NotAllowed, detail);
            }
            if self.deprecated {
                fields.refuse(
                    "deprecated",
                    Code::NotAllowed,
                    "a predefined attribute cannot be deprecated",
                );
            }
        }
        if self.derived.is_none() {
            if self.ungoverned {
                let detail =
                    "only a derived attribute says that it needs no consent; omit the field";
                fields.refuse("consent", Code::NotAllowed, detail);
            }
            return;
        }
        if self.system || self.data_format == DataFormat::Hash {
            let detail = "predefined attributes and values of HASH cannot be derived";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if schema.personas.values().any(|p| p.attributes.contains(&self.id)) {
            let detail = "a persona definition lists this attribute, so it cannot be derived";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if schema.servers.values().any(|server| server.maps_to_attribute(self)) {
            let detail = "a claim of an authentication server feeds this attribute, so it cannot be \
                          derived";
            fields.refuse("derived", Code::NotAllowed, detail);
        }
        if self.required {
            fields.refuse(
                "required",
                Code::NotAllowed,
                "a derived attribute cannot be required; callers do not write it",
            );
        }
        if self.approval_policy.is_some() {
            fields.refuse(
                "approval_policy",
                Code::NotAllowed,
                "a derived attribute takes no approval policy; callers do not write it",
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
            fields.refuse(
                name,
                Code::Immutable,
                format!("`{name}` cannot be changed after creation"),
            );
        }
    }
}

/// Takes the field `scopes`: scopes of this service and of the issuers whose tokens people bring.
pub(super) fn take_scopes(fields: &mut Fields<'_>) -> Vec<String> {
    let scopes = fields.texts("scopes", 20, 64).unwrap_or_default();
    for (i, scope) in scopes.iter().enumerate() {
        // RFC 6749 §3.3.
        if !scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            let detail = "expected a scope of RFC 6749, e.g. payroll:read: ASCII characters without \
                          spaces, quotes and backslashes";
            fields.refuse_item("scopes", i, Code::WrongFormat, detail);
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
            inner.refuse(
                "workflow_id",
                Code::NotFound,
                format!("there is no workflow `{id}`; send the id of one"),
            );
        }
        found
    });
    let mut linked: BTreeSet<_> = found.into_iter().collect();
    let others = schema.custom_attributes().filter(|a| a.id != id && !a.deprecated);
    linked.extend(others.filter_map(|a| Some(a.derived.as_ref()?.workflow_id)));
    if linked.len() > MAX_LINKED {
        let detail = format!(
            "expected at most {MAX_LINKED} workflows that derive attributes, found {}",
            linked.len()
        );
        inner.refuse("workflow_id", Code::TooMany, detail);
    }
    inner.finish();
    found.map(|workflow_id| DerivedBy { workflow_id })
}

/// What a derived attribute says in the field `consent` that needs none.
pub(super) const NO_CONSENT: &str = "none";

/// Takes the field `consent` of the attribute with this id: a purpose of a consent of the tenant that
/// lists the attribute, or the word that a derived one needs none.
pub(super) fn take_consent(
    fields: &mut Fields<'_>,
    id: DefinitionId,
    schema: &Schema,
) -> (Option<PurposeRef>, bool) {
    const FIELD: &str = "consent";
    let Some(text) = fields.text(FIELD, MAX_TEXT) else { return (None, false) };
    if text == NO_CONSENT {
        return (None, true);
    }
    let Ok(bound) = text.parse::<PurposeRef>() else {
        fields.refuse(FIELD, Code::WrongFormat, "expected `<consent>/<purpose>`");
        return (None, false);
    };
    let consent = schema.consent(&bound.consent);
    match consent.and_then(|consent| consent.terms.purpose(&bound.purpose)) {
        Some(purpose) if purpose.attributes.contains(&id) => return (Some(bound), false),
        Some(_) => {
            let detail = format!(
                "the purpose `{bound}` does not list this attribute; add it to `attributes` of the \
                 purpose first"
            );
            fields.refuse(FIELD, Code::NotAllowed, detail);
        }
        None => {
            let detail = format!("there is no purpose `{bound}`; create the consent with it first");
            fields.refuse(FIELD, Code::NotFound, detail);
        }
    }
    (None, false)
}

/// Takes the field `source`, which knows one word: values come from the profile itself.
pub(super) fn take_source(fields: &mut Fields<'_>) {
    if fields.text("source", MAX_TEXT).is_some_and(|source| source != "repository") {
        fields.refuse("source", Code::NotInEnumeration, "expected `repository`");
    }
}
