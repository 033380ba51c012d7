//! The changes of a change request: fields of a user or of a persona, in their stored form.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::definition::AttributeDefinition;
use crate::domain::error::{Error, Result};
use crate::domain::field::pointer;
use crate::domain::format;
use crate::domain::hashing::Hashes;
use crate::domain::id::DefinitionId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::object;

/// The change of one field, before and after, in the form in which profiles are stored; `null` is
/// no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FieldChange {
    pub field: ChangedField,
    pub from: Value,
    pub to: Value,
}

/// The field that a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangedField {
    /// A custom attribute.
    Attribute(DefinitionId),
    /// Any other field that callers edit.
    Named(String),
}

impl ChangedField {
    /// The definition of the attribute that it is, if it is one.
    pub(super) fn definition<'s>(&self, schema: &'s Schema) -> Option<&'s AttributeDefinition> {
        match self {
            Self::Attribute(id) => schema.attribute(*id),
            Self::Named(name) => schema.predefined(name.parse().ok()?),
        }
    }

    /// Where it stands in the profile.
    pub(super) fn pointer(&self, schema: &Schema) -> String {
        match self {
            Self::Named(name) => pointer("", name),
            Self::Attribute(id) => schema
                .attribute(*id)
                .map_or_else(|| format!("/attributes/{id}"), AttributeDefinition::pointer),
        }
    }
}

impl FieldChange {
    /// Whether the other, of whose hashes this request made the values, changes the same field in
    /// the same way: the hashes that would have to be of one value each, the other's first. `None`
    /// if it does not in any case.
    pub(super) fn compare<'c>(
        &'c self,
        other: &'c Self,
        hashes: &Hashes,
    ) -> Option<Vec<(&'c str, &'c str)>> {
        if self.field != other.field || self.from != other.from {
            return None;
        }
        let (Some(mine), Some(theirs)) = (self.to.as_array(), other.to.as_array()) else {
            return (self.to == other.to).then(Vec::new);
        };
        if mine.len() != theirs.len() {
            return None;
        }
        let different = mine.iter().zip(theirs).filter(|(mine, theirs)| mine != theirs);
        different
            .map(|(mine, theirs)| {
                let pair = (theirs.as_str()?, mine.as_str()?);
                hashes.may_be_same_value(pair.0, pair.1).then_some(pair)
            })
            .collect()
    }

    /// The document that callers see; hashed values show only that they are there.
    pub(super) fn show(&self, schema: &Schema) -> Object {
        object! {
            "pointer" => self.field.pointer(schema),
            "from" => shown(&self.field, &self.from, schema),
            "to" => shown(&self.field, &self.to, schema),
        }
    }
}

/// The named fields and the attributes of a user or a persona, in their stored form.
fn fields_of<T: Serialize>(value: &T, names: &[&str]) -> Vec<(ChangedField, Value)> {
    let Ok(Value::Object(mut members)) = serde_json::to_value(value) else { return Vec::new() };
    let attributes = match members.remove("attributes") {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    let named = names
        .iter()
        .filter_map(|name| Some((ChangedField::Named((*name).to_owned()), members.remove(*name)?)));
    let attributes = attributes
        .into_iter()
        .filter_map(|(id, v)| Some((ChangedField::Attribute(id.parse().ok()?), v)));
    named.chain(attributes).collect()
}

fn value_of(fields: &[(ChangedField, Value)], wanted: &ChangedField) -> Value {
    fields.iter().find(|(field, _)| field == wanted).map_or(Value::Null, |(_, value)| value.clone())
}

/// The fields of `after` that differ from `before`, except derived ones.
pub(super) fn differences<T: Serialize>(
    before: &T,
    after: &T,
    names: &[&str],
    schema: &Schema,
) -> Vec<FieldChange> {
    compare(&fields_of(before, names), &fields_of(after, names), schema)
}

fn compare(
    before: &[(ChangedField, Value)],
    after: &[(ChangedField, Value)],
    schema: &Schema,
) -> Vec<FieldChange> {
    let mut fields: Vec<_> = before.iter().chain(after).map(|(field, _)| field).collect();
    let mut seen = Vec::new();
    fields.retain(|field| {
        !seen.contains(field) && {
            seen.push(*field);
            true
        }
    });
    let derived = |field: &ChangedField| match field {
        ChangedField::Attribute(id) => schema.attribute(*id).is_some_and(|a| a.derived.is_some()),
        ChangedField::Named(_) => false,
    };
    let changes = fields.into_iter().filter(|field| !derived(field)).map(|field| FieldChange {
        field: field.clone(),
        from: value_of(before, field),
        to: value_of(after, field),
    });
    changes.filter(|change| change.from != change.to).collect()
}

/// The value with the changes applied. `None` when a field is no longer what it was.
pub(super) fn apply<T: Serialize + DeserializeOwned>(
    changes: &[FieldChange],
    value: &T,
    names: &[&str],
) -> Result<Option<T>> {
    let fields = fields_of(value, names);
    if changes.iter().any(|change| value_of(&fields, &change.field) != change.from) {
        return Ok(None);
    }
    let mut document = serde_json::to_value(value).map_err(Error::unexpected)?;
    let members =
        document.as_object_mut().ok_or_else(|| Error::unexpected("a profile is an object"))?;
    for change in changes {
        match &change.field {
            ChangedField::Named(name) => {
                members.insert(name.clone(), change.to.clone());
            }
            ChangedField::Attribute(id) => {
                let attributes =
                    members.entry("attributes").or_insert_with(|| Value::Object(Map::new()));
                let Some(attributes) = attributes.as_object_mut() else { continue };
                if change.to.is_null() {
                    attributes.remove(&id.to_string());
                } else {
                    attributes.insert(id.to_string(), change.to.clone());
                }
            }
        }
    }
    serde_json::from_value(document).map(Some).map_err(Error::unexpected)
}

fn shown(field: &ChangedField, stored: &Value, schema: &Schema) -> Json {
    match field {
        ChangedField::Named(_) => Json::parse(stored.to_string().as_bytes()).unwrap_or(Json::Null),
        ChangedField::Attribute(id) => {
            let texts: Vec<String> = serde_json::from_value(stored.clone()).unwrap_or_default();
            // Without its definition it is unknown whether a value is a secret.
            let Some(definition) = schema.attribute(*id) else { return Json::Null };
            Json::Array(
                texts.iter().map(|text| format::show(text, definition.data_format)).collect(),
            )
        }
    }
}
