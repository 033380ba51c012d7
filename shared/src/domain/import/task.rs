//! Tasks: rows as they wait, each with what was found out when the whole file was at hand.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::discreet::discreet;
use super::rows::{ImportRow, PersonKey, keys};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, Result, Violation};
use crate::domain::field::pointer;
use crate::domain::format;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::text;

/// The most bytes of one row, as JSON: as much as a request for one user.
pub const MAX_ROW: usize = 256 * 1024;
/// The most rows of one part.
pub const PART_ROWS: usize = 100;
/// The bytes past which a part is full; one row may be larger.
const PART_BYTES: usize = 150_000;
/// Of how many of the first rows, and of the last ones, that share a value with it a row knows.
const SHARING: usize = 8;

/// A row that waits to be processed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowTask {
    /// The row, counted from 1.
    pub row: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Violation>,
    /// Rows before it that name the same value of a unique attribute, and where this one does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<(String, u32)>,
}

/// The content of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowContent {
    /// A user with this document.
    User(Object),
    /// A user whose document is sealed.
    Sealed(String),
    /// No user, because the row has these violations.
    Nothing(Vec<Violation>),
}

impl RowTask {
    /// The content of the row.
    pub fn content(&self) -> Result<RowContent> {
        if let Some(sealed) = &self.sealed {
            return Ok(RowContent::Sealed(sealed.clone()));
        }
        match &self.document {
            Some(document) => document_of(document.get().as_bytes()).map(RowContent::User),
            None => Ok(RowContent::Nothing(self.errors.clone())),
        }
    }

    /// How many bytes it takes, near enough.
    fn size(&self) -> usize {
        let errors: usize =
            self.errors.iter().map(|error| error.pointer.len() + error.detail.len() + 50).sum();
        let document = self.document.as_ref().map_or(0, |document| document.get().len());
        document
            + self.sealed.as_ref().map_or(0, String::len)
            + errors
            + self.shares.len() * 80
            + 30
    }
}

/// Reads the document of a row that waited.
pub fn document_of(text: &[u8]) -> Result<Object> {
    match Json::parse(text) {
        Ok(Json::Object(document)) => Ok(document),
        _ => Err(Error::unexpected("cannot read a stored row of an import")),
    }
}

/// Makes the tasks of a file. Of two rows with one key the first wins; where the tenant has secret
/// attributes, each row is handed to `seal`.
pub fn tasks(
    rows: Vec<ImportRow>,
    schema: &Schema,
    mut seal: impl FnMut(u32, &str) -> Result<String>,
) -> Result<Vec<RowTask>> {
    let mut seen: HashMap<PersonKey, u32> = HashMap::new();
    let mut sharing: HashMap<String, Vec<u32>> = HashMap::new();
    let mut tasks = Vec::with_capacity(rows.len());
    // A secret may also stand where a row should not have it.
    let sealed = schema.custom_attributes().any(|attribute| attribute.data_format.is_hashed());
    for (row, ImportRow(read)) in (1..).zip(rows) {
        let mut task =
            RowTask { row, document: None, sealed: None, errors: Vec::new(), shares: Vec::new() };
        match read.and_then(|document| check(document, &seen)) {
            Err(errors) => task.errors = discreet(errors, schema),
            Ok((document, text)) => {
                seen.extend(keys(&document).into_iter().map(|key| (key, row)));
                for (place, value) in unique_values(&document, schema) {
                    let before = sharing.entry(value).or_default();
                    let late = before.len().saturating_sub(SHARING).max(SHARING.min(before.len()));
                    let some = before.iter().take(SHARING).chain(before.iter().skip(late));
                    task.shares.extend(some.map(|row| (place.clone(), *row)));
                    if before.last() != Some(&row) {
                        before.push(row);
                    }
                }
                if sealed {
                    task.sealed = Some(seal(row, &text)?);
                } else {
                    task.document = Some(RawValue::from_string(text).map_err(Error::unexpected)?);
                }
            }
        }
        tasks.push(task);
    }
    Ok(tasks)
}

fn check(
    document: Object,
    seen: &HashMap<PersonKey, u32>,
) -> Result<(Object, String), Vec<Violation>> {
    let twice = |key: PersonKey| {
        let first = seen.get(&key)?;
        let detail =
            format!("row {first} has the same `{}`; only the first of them is imported", key.0);
        Some(Violation::taken(pointer("", key.0), detail))
    };
    let errors: Vec<_> = keys(&document).into_iter().filter_map(twice).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let text = Json::Object(document.clone()).to_text();
    if text.len() > MAX_ROW {
        let detail = format!("expected a row of at most {MAX_ROW} bytes, found {}", text.len());
        return Err(vec![Violation { pointer: String::new(), code: Code::TooLarge, detail }]);
    }
    Ok((document, text))
}

/// Divides tasks into parts, each of which fits into an item.
#[must_use]
pub fn parts(tasks: Vec<RowTask>) -> Vec<Vec<RowTask>> {
    let mut parts: Vec<Vec<RowTask>> = Vec::new();
    let mut bytes = 0;
    for task in tasks {
        let size = task.size();
        match parts.last_mut() {
            Some(part) if part.len() < PART_ROWS && bytes + size <= PART_BYTES => {
                bytes += size;
                part.push(task);
            }
            _ => {
                bytes = size;
                parts.push(vec![task]);
            }
        }
    }
    parts
}

/// The attributes that a document names, its own and those of its personas: where, category, name,
/// values.
fn attributes(document: &Object) -> Vec<(String, &str, &str, &Json)> {
    fn of<'d>(holder: &'d Object, at: &str, found: &mut Vec<(String, &'d str, &'d str, &'d Json)>) {
        let categories = holder.get("attributes").and_then(Json::as_object);
        for (category, members) in categories.into_iter().flatten() {
            for (name, value) in members.as_object().into_iter().flatten() {
                let at = pointer(&pointer(&format!("{at}/attributes"), category), name);
                found.push((at, category, name, value));
            }
        }
    }
    let mut found = Vec::new();
    of(document, "", &mut found);
    if let Some(Json::Array(personas)) = document.get("personas") {
        for (i, persona) in personas.iter().enumerate() {
            if let Some(persona) = persona.as_object() {
                of(persona, &format!("/personas/{i}"), &mut found);
            }
        }
    }
    found
}

/// Where a document has values of secret attributes; what only says that there is one is none.
#[must_use]
pub(super) fn secrets(document: &Object, schema: &Schema) -> Vec<String> {
    let set = Json::Object(crate::object! { "set" => true });
    let holds = |value: &Json| match value {
        Json::Null => false,
        Json::Array(values) => values.iter().any(|value| *value != set),
        _ => true,
    };
    let secret = |category: &str, name: &str| {
        schema
            .attribute_named(category, name)
            .is_some_and(|definition| definition.data_format.is_hashed())
    };
    let found = attributes(document).into_iter();
    found
        .filter(|(_, category, name, value)| secret(category, name) && holds(value))
        .map(|(at, ..)| at)
        .collect()
}

/// The values of unique attributes that a document names, each with its place, in a form in which
/// equal ones are equal.
fn unique_values(document: &Object, schema: &Schema) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, category, name, value) in attributes(document) {
        let definition =
            schema.attribute_named(category, name).filter(|definition| definition.unique);
        let (Some(definition), Json::Array(values)) = (definition, value) else { continue };
        for value in values {
            let (Json::String(text) | Json::Number(text)) = value else { continue };
            if let Some(comparable) = format::search_form(text, definition, schema) {
                found.push((at.clone(), format!("{}#{comparable}", definition.id)));
            }
        }
    }
    found
}

/// What rows must not do at the same time, because the first of them may stand in the way of the
/// others.
#[must_use]
pub fn contended(document: &Object, schema: &Schema) -> Vec<String> {
    let email = document
        .get(Predefined::PreferredEmail.name())
        .and_then(Json::as_str)
        .and_then(text::email);
    let unique = unique_values(document, schema).into_iter().map(|(_, value)| value);
    // What a script makes of a row is not known before.
    let derives =
        schema.custom_attributes().any(|attribute| attribute.unique && attribute.derived.is_some());
    unique
        .chain(email.map(|address| format!("email#{address}")))
        .chain(derives.then(|| "derived".to_owned()))
        .collect()
}
