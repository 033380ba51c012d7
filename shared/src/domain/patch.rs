//! Merge patches: what they may not say, and the second form in which patches of users name
//! attributes.

use super::definition::AttributeDefinition;
use super::error::{Code, Error, MAX_NAME, Result, Violations, expected_not};
use super::field::{Fields, pointer};
use super::json::{Json, Object};
use super::user::MAX_ATTRIBUTES;
use super::value;
use super::write_context::WriteContext;

/// The longest text that may be an id, in bytes.
const MAX_ID: usize = 256;

/// A merge patch that is no object would replace the whole resource: it is refused.
pub fn refuse_non_object(patch: &Json) -> Result<()> {
    match patch {
        Json::Object(_) => Ok(()),
        other => Err(Error::invalid("", Code::WrongType, expected_not("an object", other))),
    }
}

/// The resource that is `shown`, after a merge patch. A field that it removes and that does not
/// exist stays, as `null`: the reader of the document refuses unknown fields, while merging alone
/// would drop it in silence (rule P4).
#[must_use]
pub fn merged(shown: Object, patch: Json) -> Json {
    let removed =
        |(name, value): &(&String, &Json)| **value == Json::Null && !shown.contains_key(*name);
    let unknown: Vec<_> = patch.as_object().into_iter().flatten().filter(removed).collect();
    let unknown: Vec<_> = unknown.into_iter().map(|(name, _)| name.clone()).collect();
    let mut document = Json::Object(shown).merge(patch);
    if let Json::Object(members) = &mut document {
        members.extend(unknown.into_iter().map(|name| (name, Json::Null)));
    }
    document
}

/// Refuses removals of attributes by accident and of attributes that do not exist: `null` for
/// `attributes` or for a category would take away a whole group.
pub(super) fn refuse_attribute_nulls(
    patch: &Json,
    context: &WriteContext<'_>,
    violations: &mut Violations,
) {
    const HOW: &str = "cannot remove a whole group; name each attribute, with null or []";
    let categories = match patch.as_object().and_then(|members| members.get("attributes")) {
        Some(Json::Null) => return violations.add("/attributes", Code::NotAllowed, HOW),
        Some(Json::Object(categories)) => categories,
        _ => return,
    };
    for (category, members) in categories {
        if category.len() > MAX_NAME {
            violations.long_name("/attributes", "attribute category", category);
            continue;
        }
        let at = pointer("/attributes", category);
        if *members == Json::Null {
            violations.add(&*at, Code::NotAllowed, HOW);
        }
        for (name, value) in members.as_object().into_iter().flatten() {
            if name.len() > MAX_NAME {
                violations.long_name(&at, "attribute", name);
                continue;
            }
            let definition = context.schema.attribute_named(category, name);
            let is_there = definition.is_some_and(|definition| context.view.shows(definition));
            if *value == Json::Null && !is_there {
                violations.add_with(pointer(&at, name), Code::Unknown, || {
                    value::unknown(category, name, context)
                });
            }
        }
    }
}

/// Where an attribute stands after `attribute_values` was spread, and where its value stood in the
/// body.
pub(super) type Renamed = Vec<(String, String)>;

/// Rewrites `attribute_values: [{attribute_definition_id, value}]` into the `attributes` object,
/// and the predefined attributes among them, which have at most one value, into the fields that
/// they are.
pub(super) fn spread_attribute_values(
    mut patch: Json,
    context: &WriteContext<'_>,
    violations: &mut Violations,
) -> (Json, Renamed) {
    let mut renamed = Renamed::new();
    let Json::Object(members) = &mut patch else { return (patch, renamed) };
    let items = match members.shift_remove("attribute_values") {
        None => return (patch, renamed),
        Some(Json::Array(items)) if items.len() <= MAX_ATTRIBUTES => items,
        Some(Json::Array(items)) => {
            violations.too_many("/attribute_values", items.len(), MAX_ATTRIBUTES);
            return (patch, renamed);
        }
        Some(other) => {
            violations.wrong_type("/attribute_values", "an array", &other);
            return (patch, renamed);
        }
    };
    for (i, item) in items.into_iter().enumerate() {
        let at = format!("/attribute_values/{i}");
        let Some((definition, value)) = read_item(item, &at, context, violations) else { continue };
        let (place, members) = if let Some(field) = definition.predefined() {
            (pointer("", field.name()), Some(&mut *members))
        } else {
            let place = definition.pointer();
            let categories = members
                .entry("attributes".to_owned())
                .or_insert_with(|| Json::Object(Object::new()));
            (place, names_of(categories, &definition.category))
        };
        let Some(members) = members else { continue };
        if members.contains_key(&definition.name) {
            violations.add(
                at,
                Code::NotAllowed,
                format!("the patch names `{}` twice", definition.name),
            );
            continue;
        }
        let value = match (definition.predefined(), value) {
            (None, value) => value,
            (Some(_), Json::Null) => Json::Null,
            (Some(_), Json::Array(mut values)) if values.len() <= 1 => {
                values.pop().unwrap_or(Json::Null)
            }
            (Some(field), _) => {
                let detail = format!("expected an array of at most one value for `{field}`");
                violations.add(format!("{at}/value"), Code::WrongType, detail);
                continue;
            }
        };
        renamed.push((place, format!("{at}/value")));
        members.insert(definition.name.clone(), value);
    }
    (patch, renamed)
}

/// The members of one category of the `attributes` object, made if it is missing.
fn names_of<'a>(categories: &'a mut Json, category: &str) -> Option<&'a mut Object> {
    let Json::Object(categories) = categories else { return None };
    match categories.entry(category.to_owned()).or_insert_with(|| Json::Object(Object::new())) {
        Json::Object(names) => Some(names),
        _ => None,
    }
}

/// Reads one member of `attribute_values`: the attribute's definition and the value.
fn read_item<'s>(
    item: Json,
    at: &str,
    context: &WriteContext<'s>,
    violations: &mut Violations,
) -> Option<(&'s AttributeDefinition, Json)> {
    let mut fields = Fields::new(item, at, violations);
    let id = fields.required_text("attribute_definition_id", MAX_ID);
    let value = fields.take("value");
    if value.is_none() {
        fields.refuse("value", Code::Required, "`value` is required");
    }
    let definition = id.and_then(|id| {
        let found = id.parse().ok().and_then(|id| context.schema.attribute(id));
        let found = found.filter(|definition| context.view.shows(definition));
        if found.is_none() {
            let detail = format!("there is no attribute definition `{id}`");
            fields.refuse("attribute_definition_id", Code::Unknown, detail);
        }
        found
    });
    fields.finish();
    definition.zip(value)
}

/// Points violations at the place where the caller wrote the value.
pub(super) fn point_back(error: Error, renamed: &Renamed) -> Error {
    error.pointing(|pointer| {
        let (spread, sent) = renamed.iter().find(|(spread, _)| stands_at(pointer, spread))?;
        Some(pointer.replacen(spread.as_str(), sent, 1))
    })
}

/// Points violations that are found after the patch was read at the place where the caller wrote
/// the value.
#[must_use]
pub fn point_into(error: Error, patch: &Json, context: &WriteContext<'_>) -> Error {
    let (_, renamed) = spread_attribute_values(patch.clone(), context, &mut Violations::default());
    point_back(error, &renamed)
}

/// Whether a pointer points at `place` or into it.
fn stands_at(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
