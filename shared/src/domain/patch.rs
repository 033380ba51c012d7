//! Merge patches of profiles: what they may not say, and the second form in which they name attributes.

use super::error::{Code, Error, Result, Violations};
use super::field::{Fields, pointer};
use super::json::{Json, Object};
use super::schema::Schema;

/// The longest text that is looked at as an id, in bytes.
const MAX_ID: usize = 256;

/// `null` for `attributes` or for a category would remove a whole group by accident: it is refused.
pub(super) fn refuse_nulls(patch: &Json) -> Result<()> {
    refuse_non_object(patch)?;
    let mut violations = Violations::default();
    if let Json::Object(members) = patch {
        match members.get("attributes") {
            Some(Json::Null) => {
                violations.add("/attributes", Code::NotAllowed, "name the attributes to remove, each with null or []");
            }
            Some(Json::Object(categories)) => {
                for (name, _) in categories.iter().filter(|(_, value)| **value == Json::Null) {
                    let at = pointer("/attributes", name);
                    violations.add(at, Code::NotAllowed, "name the attributes to remove, each with null or []");
                }
            }
            _ => {}
        }
    }
    violations.check(())
}

/// A merge patch that is no object would replace the whole resource: it is refused.
pub fn refuse_non_object(patch: &Json) -> Result<()> {
    match patch {
        Json::Object(_) => Ok(()),
        other => Err(Error::invalid("", Code::WrongType, format!("an object is due, not {}", other.kind()))),
    }
}

/// Where an attribute stands after `attribute_values` was spread, and where its value stood in the body.
pub(super) type Renamed = Vec<(String, String)>;

/// Rewrites `attribute_values: [{attribute_definition_id, value}]` into the `attributes` object.
pub(super) fn spread_attribute_values(mut patch: Json, schema: &Schema) -> Result<(Json, Renamed)> {
    let mut renamed = Renamed::new();
    let Json::Object(members) = &mut patch else {
        return Ok((patch, renamed));
    };
    let Some(list) = members.shift_remove("attribute_values") else {
        return Ok((patch, renamed));
    };
    let Json::Array(items) = list else {
        return Err(Error::invalid(
            "/attribute_values",
            Code::WrongType,
            format!("an array is due, not {}", list.kind()),
        ));
    };
    let mut violations = Violations::default();
    let attributes = members.entry("attributes".to_owned()).or_insert_with(|| Json::Object(Object::new()));
    for (i, item) in items.into_iter().enumerate() {
        let at = format!("/attribute_values/{i}");
        let mut fields = Fields::new(item, &*at, &mut violations);
        let id = fields.required_text("attribute_definition_id", MAX_ID);
        let value = fields.take("value");
        if value.is_none() {
            fields.refuse("value", Code::Required, "`value` is required");
        }
        let definition = id.and_then(|id| {
            let found = id.parse().ok().and_then(|id| schema.attribute(id));
            if found.is_none() {
                fields.refuse(
                    "attribute_definition_id",
                    Code::Unknown,
                    format!("there is no attribute definition `{id}`"),
                );
            }
            found
        });
        fields.finish();
        let (Some(definition), Some(value), Json::Object(categories)) = (definition, value, &mut *attributes) else {
            continue;
        };
        let category = categories.entry(definition.category.clone()).or_insert_with(|| Json::Object(Object::new()));
        let Json::Object(names) = category else {
            continue;
        };
        if names.contains_key(&definition.name) {
            violations.add(at, Code::NotAllowed, format!("`{}` is named twice in one patch", definition.name));
            continue;
        }
        names.insert(definition.name.clone(), value);
        let spread = pointer(&pointer("/attributes", &definition.category), &definition.name);
        renamed.push((spread, format!("{at}/value")));
    }
    violations.check((patch, renamed))
}

/// Points violations at the place where the caller wrote the value.
pub(super) fn point_back(error: Error, renamed: &Renamed) -> Error {
    let Error::Invalid(mut violations) = error else {
        return error;
    };
    for violation in &mut violations {
        if let Some((spread, sent)) = renamed.iter().find(|(spread, _)| violation.pointer.starts_with(spread.as_str()))
        {
            violation.pointer = violation.pointer.replacen(spread.as_str(), sent, 1);
        }
    }
    Error::Invalid(violations)
}
