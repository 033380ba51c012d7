//! Values of custom attributes: what each data format takes, how a value is stored, compared and shown.
//!
//! A stored value is always text in the format's canonical form, under the id of its definition and never under a name, so a
//! definition can be renamed on screen without touching a profile.

use std::collections::BTreeMap;

use super::definition::{AttributeDefinition, DataFormat};
use super::error::{Code, Violations};
use super::id::DefinitionId;
use super::json::{Json, Object};
use super::schema::Schema;
use super::text;

/// The most values that one attribute holds.
pub const MAX_VALUES: usize = 100;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 16 * 1024;

/// The custom attributes of a user or a persona, by definition.
pub type Values = BTreeMap<DefinitionId, Vec<String>>;

/// Reads `attributes: {category: {name: [values]}}` as a whole.
///
/// An empty array means that the attribute has no value. What equals the value in `stored` is accepted as it is, so a
/// definition that became stricter does not stand in the way of other changes. `allowed` narrows the definitions to those of
/// a persona.
pub fn read(
    attributes: Option<Json>,
    at: &str,
    schema: &Schema,
    stored: &Values,
    allowed: Option<&[DefinitionId]>,
    violations: &mut Violations,
) -> Values {
    let mut values = Values::new();
    for (category, members, at) in objects(attributes, at, violations) {
        if members.is_empty() && !schema.categories.values().any(|known| known.name == category) {
            violations.add(&*at, Code::Unknown, format!("there is no attribute category `{category}`"));
        }
        for (name, value) in members {
            let at = super::field::pointer(&at, &name);
            let Some(definition) = schema.attribute_named(&category, &name) else {
                violations.add(
                    at,
                    Code::Unknown,
                    format!("no attribute `{name}` is defined in the category `{category}`"),
                );
                continue;
            };
            let unchanged = stored.get(&definition.id).is_some_and(|old| is_shown(&value, old, definition));
            if !unchanged && allowed.is_some_and(|allowed| !allowed.contains(&definition.id)) {
                violations.add(
                    at,
                    Code::NotAllowed,
                    format!("the persona definition has no attribute `{category}.{name}`"),
                );
                continue;
            }
            let old = stored.get(&definition.id);
            if let Some(read) = read_one(value, &at, definition, old.map(Vec::as_slice), violations)
                && !read.is_empty()
            {
                values.insert(definition.id, read);
            }
        }
    }
    values
}

fn objects(attributes: Option<Json>, at: &str, violations: &mut Violations) -> Vec<(String, Object, String)> {
    let mut found = Vec::new();
    let categories = match attributes {
        None => return found,
        Some(Json::Object(categories)) => categories,
        Some(other) => {
            violations.add(at, Code::WrongType, format!("an object of categories is due, not {}", other.kind()));
            return found;
        }
    };
    for (category, members) in categories {
        let at = super::field::pointer(at, &category);
        match members {
            Json::Object(members) => found.push((category, members, at)),
            other => {
                violations.add(at, Code::WrongType, format!("an object of attributes is due, not {}", other.kind()));
            }
        }
    }
    found
}

/// Reads the values of one attribute: an array, or a single value for an array of one. `None` when something is at fault.
pub fn read_one(
    value: Json,
    at: &str,
    definition: &AttributeDefinition,
    stored: Option<&[String]>,
    violations: &mut Violations,
) -> Option<Vec<String>> {
    if let Some(stored) = stored.filter(|stored| is_shown(&value, stored, definition)) {
        return Some(stored.to_vec());
    }
    let items = match value {
        Json::Array(items) => items,
        other => {
            violations.add(at, Code::WrongType, format!("an array of values is due, not {}", other.kind()));
            return None;
        }
    };
    if items.len() > MAX_VALUES {
        violations.add(at, Code::TooMany, format!("{} values, at most {MAX_VALUES} are allowed", items.len()));
        return None;
    }
    if definition.single_value && items.len() > 1 {
        violations.add(at, Code::TooMany, format!("{} values, the attribute takes a single one", items.len()));
        return None;
    }
    if definition.deprecated && !items.is_empty() {
        violations.add(at, Code::NotAllowed, "the attribute is deprecated and takes no new values");
        return None;
    }
    let due = items.len();
    let mut values = Vec::with_capacity(due);
    for (i, item) in items.into_iter().enumerate() {
        let at = format!("{at}/{i}");
        match read_value(&item, definition) {
            Ok(value) if value.len() > MAX_VALUE => {
                violations.add(at, Code::TooLong, format!("{} bytes, at most {MAX_VALUE} are allowed", value.len()));
            }
            Ok(value) if values.contains(&value) => {
                violations.add(at, Code::NotAllowed, "the same value occurs twice");
            }
            Ok(value) => values.push(value),
            Err((code, detail)) => violations.add(at, code, detail),
        }
    }
    (values.len() == due).then_some(values)
}

/// Whether `sent` is what callers see of the stored values.
fn is_shown(sent: &Json, stored: &[String], definition: &AttributeDefinition) -> bool {
    let Json::Array(items) = sent else { return false };
    items.len() == stored.len() && items.iter().zip(stored).all(|(new, old)| *new == show_value(old, definition))
}

fn read_value(item: &Json, definition: &AttributeDefinition) -> Result<String, (Code, String)> {
    match (definition.data_format, item) {
        (DataFormat::Text, Json::String(value)) if value.trim().is_empty() || value.contains('\0') => {
            Err((Code::WrongFormat, "a text with at least one character, and without U+0000, is due".to_owned()))
        }
        (DataFormat::Text, Json::String(value)) => Ok(value.clone()),
        (DataFormat::Numeric, Json::String(value) | Json::Number(value)) => text::decimal(value).ok_or_else(|| {
            (
                Code::WrongFormat,
                "a decimal number of at most 38 significant digits is due, as 42 or \"-1.50\"".to_owned(),
            )
        }),
        (DataFormat::Enumeration, Json::String(value)) => {
            if definition.enumeration_values.contains(value) {
                Ok(value.clone())
            } else {
                Err((Code::NotInEnumeration, format!("one of {} is due", definition.enumeration_values.join(", "))))
            }
        }
        (DataFormat::Numeric, other) => {
            Err((Code::WrongType, format!("a number or a decimal string is due, not {}", other.kind())))
        }
        (DataFormat::Text | DataFormat::Enumeration, other) => {
            Err((Code::WrongType, format!("a string is due, not {}", other.kind())))
        }
    }
}

/// The form in which a value is compared: for uniqueness, for look-ups and in filters.
#[must_use]
pub fn comparable(value: &str, format: DataFormat) -> String {
    match format {
        DataFormat::Numeric => text::plain_decimal(value).to_owned(),
        DataFormat::Text | DataFormat::Enumeration => text::folded(value).unwrap_or_else(|| value.to_lowercase()),
    }
}

/// Shows values as `{category: {name: [values]}}`, in the order of the definitions' names.
#[must_use]
pub fn show(values: &Values, schema: &Schema) -> Object {
    let mut categories = BTreeMap::<&str, BTreeMap<&str, Json>>::new();
    for (id, values) in values {
        if let Some(definition) = schema.attribute(*id) {
            let shown = values.iter().map(|value| show_value(value, definition)).collect();
            categories.entry(&definition.category).or_default().insert(&definition.name, Json::Array(shown));
        }
    }
    let members =
        |members: BTreeMap<&str, Json>| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    categories.into_iter().map(|(name, attributes)| (name.to_owned(), Json::Object(members(attributes)))).collect()
}

fn show_value(value: &str, definition: &AttributeDefinition) -> Json {
    match definition.data_format {
        DataFormat::Text | DataFormat::Numeric | DataFormat::Enumeration => Json::from(value),
    }
}
