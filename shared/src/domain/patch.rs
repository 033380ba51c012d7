//! Merge patches: what they may not say, and the second form in which patches of users name attributes.

use super::error::{Code, Error, Result, Violations};
use super::field::{Fields, pointer};
use super::json::{Json, Object};
use super::schema::Schema;
use super::user::MAX_ATTRIBUTES;

/// The longest text that is looked at as an id, in bytes.
const MAX_ID: usize = 256;

/// A merge patch that is no object would replace the whole resource: it is refused.
pub fn refuse_non_object(patch: &Json) -> Result<()> {
    match patch {
        Json::Object(_) => Ok(()),
        other => Err(Error::invalid("", Code::WrongType, format!("an object is due, not {}", other.kind()))),
    }
}

/// Refuses to remove a field that does not exist: merging would drop it in silence (rule P4). `shown` is the whole resource.
pub fn refuse_unknown_nulls(patch: &Json, shown: &Object, violations: &mut Violations) {
    for (name, value) in patch.as_object().into_iter().flatten() {
        if *value == Json::Null && !shown.contains_key(name) {
            violations.add(pointer("", name), Code::Unknown, format!("there is no field `{name}`"));
        }
    }
}

/// Refuses removals of attributes by accident and of attributes that do not exist: `null` for `attributes` or for a category would
/// take away a whole group.
pub(super) fn refuse_attribute_nulls(patch: &Json, schema: &Schema, violations: &mut Violations) {
    const HOW: &str = "name the attributes to remove, each with null or []";
    let categories = match patch.as_object().and_then(|members| members.get("attributes")) {
        Some(Json::Null) => return violations.add("/attributes", Code::NotAllowed, HOW),
        Some(Json::Object(categories)) => categories,
        _ => return,
    };
    for (category, members) in categories {
        let at = pointer("/attributes", category);
        if *members == Json::Null {
            violations.add(&*at, Code::NotAllowed, HOW);
        }
        for (name, value) in members.as_object().into_iter().flatten() {
            if *value == Json::Null && schema.attribute_named(category, name).is_none() {
                let detail = format!("no attribute `{name}` is defined in the category `{category}`");
                violations.add(pointer(&at, name), Code::Unknown, detail);
            }
        }
    }
}

/// Where an attribute stands after `attribute_values` was spread, and where its value stood in the body.
pub(super) type Renamed = Vec<(String, String)>;

/// Rewrites `attribute_values: [{attribute_definition_id, value}]` into the `attributes` object.
pub(super) fn spread_attribute_values(
    mut patch: Json,
    schema: &Schema,
    violations: &mut Violations,
) -> (Json, Renamed) {
    let mut renamed = Renamed::new();
    let Json::Object(members) = &mut patch else { return (patch, renamed) };
    let items = match members.shift_remove("attribute_values") {
        None => return (patch, renamed),
        Some(Json::Array(items)) if items.len() <= MAX_ATTRIBUTES => items,
        Some(Json::Array(items)) => {
            let detail = format!("{} attributes, at most {MAX_ATTRIBUTES} are allowed", items.len());
            violations.add("/attribute_values", Code::TooMany, detail);
            return (patch, renamed);
        }
        Some(other) => {
            violations.add("/attribute_values", Code::WrongType, format!("an array is due, not {}", other.kind()));
            return (patch, renamed);
        }
    };
    let attributes = members.entry("attributes".to_owned()).or_insert_with(|| Json::Object(Object::new()));
    for (i, item) in items.into_iter().enumerate() {
        let at = format!("/attribute_values/{i}");
        let Some((category, name, value)) = read_item(item, &at, schema, violations) else { continue };
        let Json::Object(categories) = &mut *attributes else { continue };
        let names = categories.entry(category.clone()).or_insert_with(|| Json::Object(Object::new()));
        let Json::Object(names) = names else { continue };
        if names.contains_key(&name) {
            violations.add(at, Code::NotAllowed, format!("`{name}` is named twice in one patch"));
            continue;
        }
        renamed.push((pointer(&pointer("/attributes", &category), &name), format!("{at}/value")));
        names.insert(name, value);
    }
    (patch, renamed)
}

/// Reads one member of `attribute_values`: category, name and value of the attribute.
fn read_item(item: Json, at: &str, schema: &Schema, violations: &mut Violations) -> Option<(String, String, Json)> {
    let mut fields = Fields::new(item, at, violations);
    let id = fields.required_text("attribute_definition_id", MAX_ID);
    let value = fields.take("value");
    if value.is_none() {
        fields.refuse("value", Code::Required, "`value` is required");
    }
    let definition = id.and_then(|id| {
        let found = id.parse().ok().and_then(|id| schema.attribute(id));
        if found.is_none() {
            let detail = format!("there is no attribute definition `{id}`");
            fields.refuse("attribute_definition_id", Code::Unknown, detail);
        }
        found
    });
    fields.finish();
    definition.zip(value).map(|(definition, value)| (definition.category.clone(), definition.name.clone(), value))
}

/// Points violations at the place where the caller wrote the value.
pub(super) fn point_back(error: Error, renamed: &Renamed) -> Error {
    let Error::Invalid(mut violations) = error else { return error };
    for violation in &mut violations {
        if let Some((spread, sent)) = renamed.iter().find(|(spread, _)| stands_at(&violation.pointer, spread)) {
            violation.pointer = violation.pointer.replacen(spread.as_str(), sent, 1);
        }
    }
    Error::Invalid(violations)
}

/// Whether a pointer points at `place` or into it.
fn stands_at(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
