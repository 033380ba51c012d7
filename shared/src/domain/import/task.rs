//! Tasks: rows that wait, each with the facts that only the whole file shows.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::discreet::discreet;
use super::rows::{ImportRow, PersonKey, keys};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, MAX_NAME, Result, Violation};
use crate::domain::field::pointer;
use crate::domain::format;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::text;
use crate::domain::value::MAX_VALUES;

/// The most bytes of one row, as JSON: as much as a request for one user.
pub const MAX_ROW: usize = 256 * 1024;
/// The most rows of one part.
pub const PART_ROWS: usize = 100;
/// The bytes past which a part is full; one row may be larger.
const PART_BYTES: usize = 150_000;
/// Of how many of the first rows, and of the last ones, that share a value with it a row knows.
const SHARING: usize = 8;

/// A row that waits to be processed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// Makes the tasks of a file, row by row. Of two rows with one key the first wins.
pub struct TaskMaker<'m> {
    schema: &'m Schema,
    /// Whether every row is sealed: a secret may be in the wrong column.
    sealed: bool,
    seen: HashMap<PersonKey, u32>,
    sharing: HashMap<String, Vec<u32>>,
    tasks: Vec<RowTask>,
}

impl<'m> TaskMaker<'m> {
    /// Of a file whose attributes are those of the schema.
    #[must_use]
    pub fn new(schema: &'m Schema) -> Self {
        let sealed = schema.custom_attributes().any(|attribute| attribute.data_format.is_hashed());
        let (seen, sharing) = (HashMap::new(), HashMap::new());
        Self { schema, sealed, seen, sharing, tasks: Vec::new() }
    }

    /// Makes the task of the next row. Where the tenant has secret attributes the row is handed to
    /// `seal`.
    pub fn add(
        &mut self,
        ImportRow(read): ImportRow,
        seal: impl FnOnce(u32, &str) -> Result<String>,
    ) -> Result<()> {
        let row = u32::try_from(self.tasks.len() + 1).unwrap_or(u32::MAX);
        let mut task =
            RowTask { row, document: None, sealed: None, errors: Vec::new(), shares: Vec::new() };
        match read.and_then(|document| check(document, &self.seen)) {
            Err(errors) => task.errors = discreet(errors, self.schema),
            Ok((document, text)) => {
                self.seen.extend(keys(&document).into_iter().map(|key| (key, row)));
                for (place, value) in unique_values(&document, self.schema) {
                    let before = self.sharing.entry(value).or_default();
                    let late = before.len().saturating_sub(SHARING).max(SHARING.min(before.len()));
                    let some = before.iter().take(SHARING).chain(before.iter().skip(late));
                    task.shares.extend(some.map(|row| (place.clone(), *row)));
                    if before.last() != Some(&row) {
                        before.push(row);
                    }
                }
                if self.sealed {
                    task.sealed = Some(seal(row, &text)?);
                } else {
                    task.document = Some(RawValue::from_string(text).map_err(Error::unexpected)?);
                }
            }
        }
        self.tasks.push(task);
        Ok(())
    }

    /// The tasks of the rows.
    #[must_use]
    pub fn into_tasks(self) -> Vec<RowTask> {
        self.tasks
    }
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
    let mut errors: Vec<_> = keys(&document).into_iter().filter_map(twice).collect();
    if attributes(&document).any(|found| found.category.len().max(found.name.len()) > MAX_NAME) {
        let detail = format!("expected categories and names of at most {MAX_NAME} bytes");
        errors.push(Violation::new("/attributes", Code::Unknown, detail));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let text = Json::Object(document.clone()).to_text();
    if let Some(detail) = too_large(text.len()) {
        return Err(vec![Violation::new("", Code::TooLarge, detail)]);
    }
    Ok((document, text))
}

/// The error message for a row of so many bytes, if they are too many.
pub(super) fn too_large(bytes: usize) -> Option<String> {
    (bytes > MAX_ROW).then(|| format!("expected a row of at most {MAX_ROW} bytes, found {bytes}"))
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

/// An attribute that a document names, of the user or of one of its personas.
struct NamedAttribute<'d> {
    persona: Option<usize>,
    category: &'d str,
    name: &'d str,
    value: &'d Json,
}

impl NamedAttribute<'_> {
    /// Its place. Computed on demand only, because a category can be as long as the document, and
    /// so can the list of its attributes.
    fn pointer(&self) -> String {
        let at = self.persona.map(|i| format!("/personas/{i}")).unwrap_or_default();
        pointer(&pointer(&format!("{at}/attributes"), self.category), self.name)
    }
}

/// The attributes that a document names, its own and those of its personas.
fn attributes(document: &Object) -> impl Iterator<Item = NamedAttribute<'_>> {
    let personas = match document.get("personas") {
        Some(Json::Array(personas)) => personas.as_slice(),
        _ => &[],
    };
    let personas = personas.iter().enumerate().filter_map(|(i, p)| Some((Some(i), p.as_object()?)));
    let holders = std::iter::once((None, document)).chain(personas);
    holders.flat_map(|(persona, holder)| {
        let categories = holder.get("attributes").and_then(Json::as_object).into_iter().flatten();
        categories.flat_map(move |(category, members)| {
            let members = members.as_object().into_iter().flatten();
            members.map(move |(name, value)| NamedAttribute { persona, category, name, value })
        })
    })
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
    attributes(document)
        .filter(|found| secret(found.category, found.name) && holds(found.value))
        .map(|found| found.pointer())
        .collect()
}

/// The values of unique attributes that a document names, each with its place, in a form in which
/// equal ones are equal.
fn unique_values(document: &Object, schema: &Schema) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for named in attributes(document) {
        let definition = schema.attribute_named(named.category, named.name);
        let definition = definition.filter(|definition| definition.unique);
        let (Some(definition), Json::Array(values)) = (definition, named.value) else { continue };
        let at = named.pointer();
        // More values than an attribute holds are refused when the row is worked.
        for value in values.iter().take(MAX_VALUES) {
            let (Json::String(text) | Json::Number(text)) = value else { continue };
            if let Some(comparable) = format::search_form(text, definition, schema) {
                found.push((at.clone(), format!("{}#{comparable}", definition.id)));
            }
        }
    }
    found
}

/// The values that a row contends for. Rows with one of them in common are processed one after
/// another.
#[must_use]
pub fn contended(document: &Object, schema: &Schema) -> Vec<String> {
    let email = document
        .get(Predefined::PreferredEmail.name())
        .and_then(Json::as_str)
        .and_then(text::email);
    let unique = unique_values(document, schema).into_iter().map(|(_, value)| value);
    // The outcome of a script is not known beforehand.
    let derives =
        schema.custom_attributes().any(|attribute| attribute.unique && attribute.derived.is_some());
    unique
        .chain(email.map(|address| format!("email#{address}")))
        .chain(derives.then(|| "derived".to_owned()))
        .collect()
}
