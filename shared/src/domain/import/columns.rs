//! Columns: which field each cell of a row is about, and how values stand in cells.

use std::collections::{BTreeMap, HashSet};

use super::apply::CONSENTS;
use super::cells::{guarded, personas, personas_cell, place, unguarded, values, values_cell};
use super::width::MAX_COLUMNS;
use crate::domain::definition::{DataFormat, Predefined};
use crate::domain::error::{Code, Error, Result, Violation, Violations};
use crate::domain::field::pointer;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::domain::suggest::{did_you_mean, unknown};

/// The mapping of column names to fields; a column without a field is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<String, Option<String>>);

impl Mapping {
    /// Reads `{"<column>": "<field>" or null}`.
    pub fn read(document: &Json) -> Result<Self> {
        let mut violations = Violations::default();
        let Json::Object(members) = document else {
            violations.wrong_type("", "an object `{\"<column>\": \"<field>\"}`", document);
            return violations.check(Self::default());
        };
        let mut mapping = BTreeMap::new();
        for (column, field) in members {
            let field = match field {
                Json::Null => None,
                Json::String(field) if ColumnField::named(field).is_some() => Some(field.clone()),
                Json::String(field) => {
                    violations.add_with(pointer("", column), Code::Unknown, || {
                        unknown("field", field, ColumnField::names())
                    });
                    continue;
                }
                other => {
                    violations.wrong_type(
                        pointer("", column),
                        "the name of a field or null",
                        other,
                    );
                    continue;
                }
            };
            mapping.insert(column.clone(), field);
        }
        violations.check(Self(mapping))
    }

    /// The field of a column; `None` if the column is ignored.
    #[must_use]
    pub fn field<'a>(&'a self, column: &'a str) -> Option<&'a str> {
        self.0.get(column).map_or(Some(column), Option::as_deref)
    }

    /// The columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Refuses by its name each column that is mapped to an attribute that is not in the schema.
    pub(super) fn check(&self, schema: Option<&Schema>) -> Result<()> {
        let mut violations = Violations::default();
        for (column, field) in &self.0 {
            if let Some(ColumnField::Attribute(category, name, _)) =
                field.as_deref().and_then(ColumnField::named)
            {
                check_defined(column, &category, &name, schema, &mut violations);
            }
        }
        violations.check(())
    }

    /// The mapping as it is read.
    #[must_use]
    pub fn show(&self) -> Json {
        Json::Object(
            self.0
                .iter()
                .map(|(column, field)| (column.clone(), Json::from(field.clone())))
                .collect(),
        )
    }
}

/// Refuses a column of an attribute that is not in the schema, if there is one.
fn check_defined(
    column: &str,
    category: &str,
    name: &str,
    schema: Option<&Schema>,
    violations: &mut Violations,
) {
    let Some(schema) = schema.filter(|schema| schema.attribute_named(category, name).is_none())
    else {
        return;
    };
    violations.add_with(pointer("", column), Code::Unknown, || {
        let paths: Vec<_> = schema
            .custom_attributes()
            .map(|known| format!("attributes.{}.{}", known.category, known.name))
            .collect();
        let wrong = format!("attributes.{category}.{name}");
        let meant = did_you_mean(&wrong, paths.iter().map(String::as_str));
        format!("unknown attribute `{category}.{name}`{meant}")
    });
}

/// The field that a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ColumnField {
    /// A text, by the name of the field, and whether an empty cell clears it.
    Text(&'static str, bool),
    Verified,
    Personas,
    /// What the person decided about consents, as a JSON array.
    Consents,
    /// An attribute, by its category and name; whether its values are known to be JSON.
    Attribute(String, String, bool),
}

impl ColumnField {
    /// The names of the fields that are no attributes.
    fn names() -> impl Iterator<Item = &'static str> {
        let others = ["id", "kind", "email_verified", "personas", CONSENTS];
        Predefined::ALL.iter().map(|field| field.name()).chain(others)
    }

    fn named(name: &str) -> Option<Self> {
        if let Some(path) = name.strip_prefix("attributes.") {
            let (category, name) = path.split_once('.')?;
            return Some(Self::Attribute(category.to_owned(), name.to_owned(), false));
        }
        match name {
            "id" => Some(Self::Text("id", false)),
            "kind" => Some(Self::Text("kind", false)),
            "email_verified" => Some(Self::Verified),
            "personas" => Some(Self::Personas),
            CONSENTS => Some(Self::Consents),
            _ => name.parse().ok().map(|field: Predefined| Self::Text(field.name(), true)),
        }
    }
}

/// The error message for a first line that is not a header, if the start of another file format is
/// recognised.
fn no_header(first: &str) -> Option<&'static str> {
    if first.starts_with(['{', '[']) {
        Some(
            "expected a header with field names, found JSON; send one JSON object a line, as NDJSON",
        )
    } else if first.starts_with("sep=") {
        Some("expected a header with field names, found `sep=`; delete this line")
    } else {
        None
    }
}

/// The columns of a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Option<ColumnField>>);

impl Columns {
    /// Reads a header. A column that is no field, or a field twice, is refused by its name.
    pub fn read<'a>(header: impl IntoIterator<Item = &'a str>, mapping: &Mapping) -> Result<Self> {
        Self::read_known(header, mapping, None)
    }

    /// As [`Columns::read`]; a column of an attribute that is not in the schema is refused too.
    pub fn read_known<'a>(
        header: impl IntoIterator<Item = &'a str>,
        mapping: &Mapping,
        schema: Option<&Schema>,
    ) -> Result<Self> {
        let names: Vec<&str> = header.into_iter().collect();
        if let Some(detail) = names.first().and_then(|name| no_header(name)) {
            return Err(Error::invalid("", Code::WrongFormat, detail));
        }
        if names.len() > MAX_COLUMNS {
            let detail = format!("expected at most {MAX_COLUMNS} columns, found {}", names.len());
            return Err(Error::invalid("", Code::TooMany, detail));
        }
        let mut violations = Violations::default();
        let mut columns = Vec::with_capacity(names.len());
        let mut taken = HashSet::new();
        for name in names.iter().copied() {
            let Some(mapped) = mapping.field(name) else {
                columns.push(None);
                continue;
            };
            let mut field = ColumnField::named(mapped);
            let repeats = !matches!(field, Some(ColumnField::Attribute(..)));
            if field.is_none() {
                violations.add_with(pointer("", name), Code::Unknown, || {
                    unknown("field", mapped, ColumnField::names())
                });
            } else if repeats && !taken.insert(mapped) {
                violations.add(
                    pointer("", name),
                    Code::NotAllowed,
                    format!("another column is for `{mapped}` already; remove one"),
                );
            }
            if let Some(ColumnField::Attribute(category, attribute, is_json)) = &mut field {
                check_defined(name, category, attribute, schema, &mut violations);
                *is_json = schema
                    .and_then(|schema| schema.attribute_named(category, attribute))
                    .is_some_and(|definition| definition.data_format == DataFormat::Json);
            }
            columns.push(field);
        }
        let there: HashSet<_> = names.iter().copied().collect();
        for name in mapping.columns().filter(|name| !there.contains(name)) {
            violations.add(
                pointer("", name),
                Code::NotFound,
                "the mapping names this column, and the file does not have it",
            );
        }
        if columns.iter().all(Option::is_none) {
            violations.add(
                "",
                Code::Required,
                "expected a header with at least one field, e.g. `username`",
            );
        }
        violations.check(Self(columns))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes that the columns are of: category and name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flatten().filter_map(|field| match field {
            ColumnField::Attribute(category, name, _) => Some((category.as_str(), name.as_str())),
            _ => None,
        })
    }

    /// The document that a row's cells make.
    pub fn document<'a>(
        &self,
        cells: impl IntoIterator<Item = &'a str>,
    ) -> Result<Object, Vec<Violation>> {
        let mut violations = Violations::default();
        let mut document = Object::new();
        let mut count = 0;
        for (i, cell) in cells.into_iter().enumerate() {
            count += 1;
            let Some(Some(field)) = self.0.get(i) else { continue };
            let cell = unguarded(cell);
            match field {
                ColumnField::Text(name, clears) => {
                    if *clears || !cell.is_empty() {
                        document.insert((*name).to_owned(), some(cell));
                    }
                }
                ColumnField::Verified => match &*cell.to_ascii_lowercase() {
                    "" => {}
                    word @ ("true" | "false") => {
                        document.insert("email_verified".to_owned(), Json::Bool(word == "true"));
                    }
                    _ => violations.add(
                        "/email_verified",
                        Code::WrongFormat,
                        "expected `true` or `false`",
                    ),
                },
                ColumnField::Personas => match personas(cell) {
                    Ok(personas) if personas.is_empty() => {}
                    Ok(personas) => {
                        document.insert("personas".to_owned(), Json::Array(personas));
                    }
                    Err(detail) => violations.add("/personas", Code::WrongFormat, detail),
                },
                ColumnField::Consents if cell.trim().is_empty() => {}
                ColumnField::Consents => {
                    if let Ok(consents @ Json::Array(_)) = Json::parse(cell.as_bytes()) {
                        document.insert(CONSENTS.to_owned(), consents);
                    } else {
                        let detail = "expected a JSON array of consents";
                        violations.add("/consents", Code::WrongFormat, detail);
                    }
                }
                ColumnField::Attribute(category, name, is_json) => match values(cell, *is_json) {
                    Ok(values) => add_values(&mut document, category, name, values),
                    Err(detail) => {
                        let at = format!("/attributes/{category}/{name}");
                        violations.add(at, Code::WrongFormat, detail);
                    }
                },
            }
        }
        if count != self.len() {
            let detail = format!("expected {} cells, as the header has, found {count}", self.len());
            violations.add("", Code::WrongFormat, detail);
        }
        match violations.into_broken() {
            broken if broken.is_empty() => Ok(document),
            broken => Err(broken),
        }
    }

    /// The cells of a user, as its document shows it, that make the same document again. Of a
    /// persona's attributes those are kept that there are columns of.
    #[must_use]
    pub fn cells(&self, document: &Object) -> Vec<String> {
        let cell = |field: &Option<ColumnField>| match field {
            None => String::new(),
            Some(ColumnField::Consents) => match document.get(CONSENTS) {
                Some(consents @ Json::Array(some)) if !some.is_empty() => consents.to_text(),
                _ => String::new(),
            },
            Some(ColumnField::Text(name, _)) => {
                document.get(*name).and_then(Json::as_str).unwrap_or_default().to_owned()
            }
            Some(ColumnField::Verified) => {
                let verified = document.get("email_verified") == Some(&Json::Bool(true));
                if verified { "true".to_owned() } else { String::new() }
            }
            Some(ColumnField::Personas) => match document.get("personas") {
                Some(Json::Array(personas)) => {
                    personas_cell(&personas.iter().map(|p| self.kept(p)).collect::<Vec<_>>())
                }
                _ => String::new(),
            },
            Some(ColumnField::Attribute(category, name, _)) => {
                let values = document
                    .get("attributes")
                    .and_then(|a| member(a, category))
                    .and_then(|c| member(c, name));
                match values {
                    Some(Json::Array(values)) => values_cell(values),
                    _ => String::new(),
                }
            }
        };
        self.0.iter().map(cell).map(guarded).collect()
    }

    /// A persona without the attributes that there are no columns of.
    fn kept(&self, persona: &Json) -> Json {
        let mut persona = persona.clone();
        if let Json::Object(members) = &mut persona
            && let Some(Json::Object(categories)) = members.get_mut("attributes")
        {
            categories.retain(|category, attributes| {
                let Json::Object(attributes) = attributes else { return false };
                attributes.retain(|name, _| {
                    self.attributes().any(|known| known == (category.as_str(), name.as_str()))
                });
                !attributes.is_empty()
            });
        }
        persona
    }
}

fn member<'a>(value: &'a Json, name: &str) -> Option<&'a Json> {
    value.as_object()?.get(name)
}

fn some(cell: &str) -> Json {
    if cell.is_empty() { Json::Null } else { Json::from(cell) }
}

/// Adds what one column holds of an attribute. A column that is empty clears it, unless another one
/// has values.
fn add_values(document: &mut Object, category: &str, name: &str, values: Vec<Json>) {
    match place(document, category, name) {
        Some(Json::Array(there)) => there.extend(values),
        Some(there) if !values.is_empty() => *there = Json::Array(values),
        _ => {}
    }
}
