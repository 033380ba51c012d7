//! Values of custom attributes: how they are read as a whole, stored and shown.
//!
//! A stored value is text in its format's form, under the id of its definition and never under a
//! name, so a definition can be renamed on screen without touching a profile.

mod addresses;

use std::collections::{BTreeMap, BTreeSet};

pub use self::addresses::{AddressState, VerifiedAddresses, show_states};
pub(super) use self::addresses::{retain_verified, states_agree, verify};
use super::definition::AttributeDefinition;
use super::error::{Code, MAX_NAME, Violations};
use super::format;
use super::id::DefinitionId;
use super::json::{Json, Object};
use super::schema::Schema;
use super::suggest::{self, did_you_mean};
use super::view::View;
use super::write_context::WriteContext;

/// The most values that one attribute holds.
pub const MAX_VALUES: usize = 100;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 16 * 1024;

/// The form in which attributes are sent.
const OBJECT: &str = "an object `{\"<category>\": {\"<name>\": […]}}`";

/// The custom attributes of a user or a persona, by definition.
pub type Values = BTreeMap<DefinitionId, Vec<String>>;

/// How to treat stored values that a document does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omitted {
    /// The caller removed them by name (PATCH): values that cannot be changed must not be missing.
    Removed,
    /// The caller did not name them (PUT): values that cannot be changed or read stay.
    Unnamed,
}

/// The context in which the attributes of a user or a persona are read.
pub struct AttributeReader<'r> {
    /// The definitions, hashes and view that the reading uses.
    pub context: &'r WriteContext<'r>,
    /// The stored values.
    pub stored: &'r Values,
    /// The attributes of a persona's definition; a user may hold every attribute.
    pub allowed: Option<&'r [DefinitionId]>,
    /// How to treat stored values that are not named.
    pub omitted: Omitted,
}

impl AttributeReader<'_> {
    /// Reads `attributes: {category: {name: [values]}}` as a whole.
    ///
    /// An empty array means that the attribute has no value. A value that equals the stored one is
    /// accepted unchecked. So a stricter definition does not block other changes.
    pub fn read(&self, attributes: Option<Json>, at: &str, violations: &mut Violations) -> Values {
        let schema = self.context.schema;
        let mut values = Values::new();
        let mut named = BTreeSet::new();
        for (category, members, at) in objects(attributes, at, violations) {
            if members.is_empty() && !schema.categories.values().any(|known| known.name == category)
            {
                violations
                    .add_with(&*at, Code::Unknown, || unknown_category(&category, self.context));
            }
            for (name, value) in members {
                if name.len() > MAX_NAME {
                    violations.long_name(&at, "attribute", &name);
                    continue;
                }
                let at = super::field::pointer(&at, &name);
                let shown = |definition: &&AttributeDefinition| self.context.view.shows(definition);
                let Some(definition) = schema.attribute_named(&category, &name).filter(shown)
                else {
                    violations
                        .add_with(at, Code::Unknown, || unknown(&category, &name, self.context));
                    continue;
                };
                named.insert(definition.id);
                if let Some(read) = self.read_allowed(value, &at, definition, violations)
                    && !read.is_empty()
                {
                    values.insert(definition.id, read);
                }
            }
        }
        self.keep_omitted(&named, at, &mut values, violations);
        values
    }

    fn read_allowed(
        &self,
        value: Json,
        at: &str,
        definition: &AttributeDefinition,
        violations: &mut Violations,
    ) -> Option<Vec<String>> {
        let stored = self.stored.get(&definition.id).map(Vec::as_slice);
        let unchanged = stored.is_some_and(|old| is_shown(&value, old, definition));
        if !unchanged && self.allowed.is_some_and(|allowed| !allowed.contains(&definition.id)) {
            let detail = format!(
                "the persona definition does not list the attribute `{}.{}`",
                definition.category, definition.name
            );
            violations.add(at, Code::NotAllowed, detail);
            return None;
        }
        read_one(value, at, definition, stored, self.context, violations)
    }

    /// Keeps stored values that the document does not name and that its writer could not have named
    /// or changed.
    fn keep_omitted(
        &self,
        named: &BTreeSet<DefinitionId>,
        at: &str,
        values: &mut Values,
        violations: &mut Violations,
    ) {
        for (id, stored) in self.stored.iter().filter(|(id, _)| !named.contains(id)) {
            let Some(definition) = self.context.schema.attribute(*id) else { continue };
            let refused = self.context.view.refuses(definition);
            let hidden = !self.context.view.shows(definition);
            let unnamed = self.omitted == Omitted::Unnamed;
            if hidden || (unnamed && (refused.is_some() || definition.data_format.is_hashed())) {
                values.insert(*id, stored.clone());
            } else if let Some((code, detail)) = refused {
                violations.add(definition.pointer_below(at), code, detail);
            }
        }
    }
}

/// The error message for an attribute that is not defined, or hidden from this writer.
pub(super) fn unknown(category: &str, name: &str, context: &WriteContext<'_>) -> String {
    if category == super::definition::COMMON
        && name.parse::<super::definition::Predefined>().is_ok()
    {
        return format!("`{name}` is a field of the profile; send it outside of `attributes`");
    }
    if !context.schema.category_names().any(|known| known == category) {
        return unknown_category(category, context);
    }
    let shown = context.shown_attributes().filter(|definition| definition.category == category);
    let meant = did_you_mean(name, shown.map(|definition| definition.name.as_str()));
    let (name, category) = (suggest::shown(name), suggest::shown(category));
    format!("unknown attribute `{name}` in the category `{category}`{meant}")
}

fn unknown_category(category: &str, context: &WriteContext<'_>) -> String {
    let shown = context.shown_attributes().map(|definition| definition.category.as_str());
    suggest::unknown("attribute category", category, shown)
}

fn objects(
    attributes: Option<Json>,
    at: &str,
    violations: &mut Violations,
) -> Vec<(String, Object, String)> {
    let mut found = Vec::new();
    let categories = match attributes {
        None => return found,
        Some(Json::Object(categories)) => categories,
        Some(other) => {
            violations.wrong_type(at, OBJECT, &other);
            return found;
        }
    };
    for (category, members) in categories {
        if category.len() > MAX_NAME {
            violations.long_name(at, "attribute category", &category);
            continue;
        }
        let at = super::field::pointer(at, &category);
        match members {
            Json::Object(members) => found.push((category, members, at)),
            other => {
                violations.wrong_type(at, "an object `{\"<name>\": […]}`", &other);
            }
        }
    }
    found
}

/// Reads the values of one attribute, an array. `None` when something is at fault.
pub fn read_one(
    value: Json,
    at: &str,
    definition: &AttributeDefinition,
    stored: Option<&[String]>,
    context: &WriteContext<'_>,
    violations: &mut Violations,
) -> Option<Vec<String>> {
    let stored = stored.unwrap_or_default();
    if is_shown(&value, stored, definition) {
        return Some(stored.to_vec());
    }
    if let Some((code, detail)) = context.view.refuses(definition) {
        violations.add(at, code, detail);
        return None;
    }
    read_values(value, at, definition, stored, context, violations)
}

/// Reads values of any caller.
pub(super) fn read_values(
    value: Json,
    at: &str,
    definition: &AttributeDefinition,
    stored: &[String],
    context: &WriteContext<'_>,
    violations: &mut Violations,
) -> Option<Vec<String>> {
    let items = match value {
        Json::Array(items) => items,
        other => {
            violations.wrong_type(at, "an array of values, e.g. `[\"42\"]`", &other);
            return None;
        }
    };
    if items.len() > MAX_VALUES {
        violations.too_many(at, items.len(), MAX_VALUES);
        return None;
    }
    if definition.single_value && items.len() > 1 {
        violations.add(
            at,
            Code::TooMany,
            format!("expected a single value, found {}", items.len()),
        );
        return None;
    }
    let count = items.len();
    let mut values = Vec::with_capacity(count);
    for (i, item) in items.iter().enumerate() {
        let at = format!("{at}/{i}");
        // A value that is only shown to be there can only be kept where it is.
        let kept =
            definition.data_format.is_hashed() && *item == format::show("", definition.data_format);
        // Two hashes of one secret differ.
        let twice = !kept && items.iter().take(i).any(|earlier| earlier == item);
        let read = match (kept, stored.get(i)) {
            (true, Some(stored)) => Ok(stored.clone()),
            (true, None) => Err((
                Code::NotFound,
                "there is no stored value in this place to keep; send a value".to_owned(),
            )),
            (false, _) => format::read(item, definition, context),
        };
        match read {
            Ok(value) => match definition.refuses_new(&value) {
                Some(detail) if !stored.contains(&value) => {
                    violations.add(at, Code::NotAllowed, detail);
                }
                _ if twice || values.contains(&value) => {
                    violations.add(at, Code::NotAllowed, "this value is sent twice");
                }
                _ => values.push(value),
            },
            Err((code, detail)) => violations.add(at, code, detail),
        }
    }
    (values.len() == count).then_some(values)
}

/// Checks stored values once more, by a definition that may have changed since they were read.
pub(super) fn recheck(
    before: &[String],
    values: &[String],
    at: &str,
    definition: &AttributeDefinition,
    violations: &mut Violations,
) {
    let mut gained = values.iter().filter(|value| !before.contains(value));
    if let Some(detail) = gained.find_map(|value| definition.refuses_new(value)) {
        violations.add(at, Code::NotAllowed, detail);
    }
    for (i, value) in values.iter().enumerate() {
        if let Err((code, detail)) = format::recheck(value, definition) {
            violations.add(format!("{at}/{i}"), code, detail);
        }
    }
}

/// Whether `sent` equals the shown form of the stored values.
fn is_shown(sent: &Json, stored: &[String], definition: &AttributeDefinition) -> bool {
    let Json::Array(items) = sent else { return false };
    items.len() == stored.len()
        && items
            .iter()
            .zip(stored)
            .all(|(new, old)| *new == format::show(old, definition.data_format))
}

/// Shows values as `{category: {name: [values]}}`, in the order of the definitions' names.
#[must_use]
pub fn show(values: &Values, schema: &Schema, view: View) -> Object {
    show_some(values, schema, view, |_| true)
}

/// Shows the values of some attributes in the form of [`show`].
#[must_use]
pub fn show_some(
    values: &Values,
    schema: &Schema,
    view: View,
    wanted: impl Fn(&AttributeDefinition) -> bool,
) -> Object {
    arrange(values, schema, view, |definition, values| {
        wanted(definition).then(|| {
            values.iter().map(|value| format::show(value, definition.data_format)).collect()
        })
    })
}

fn arrange(
    values: &Values,
    schema: &Schema,
    view: View,
    shown: impl Fn(&AttributeDefinition, &[String]) -> Option<Vec<Json>>,
) -> Object {
    let mut categories = BTreeMap::<&str, BTreeMap<&str, Json>>::new();
    for (id, values) in values {
        let definition = schema.attribute(*id).filter(|definition| view.shows(definition));
        if let Some((definition, shown)) = definition.and_then(|d| Some((d, shown(d, values)?))) {
            categories
                .entry(&definition.category)
                .or_default()
                .insert(&definition.name, Json::Array(shown));
        }
    }
    let members = |members: BTreeMap<&str, Json>| {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    categories
        .into_iter()
        .map(|(name, attributes)| (name.to_owned(), Json::Object(members(attributes))))
        .collect()
}
