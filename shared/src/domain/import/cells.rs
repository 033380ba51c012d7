//! Cells: how values and personas stand in them, and how a spreadsheet is kept from taking one for
//! a formula.

use crate::domain::error::expected_not;
use crate::domain::json::{Json, Object};
use crate::object;

/// The characters that begin a formula in spreadsheets, in the forms of East Asian keyboards too.
fn is_sign(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// The text as a cell that no spreadsheet takes for a formula.
#[must_use]
pub fn guarded(text: String) -> String {
    let risky = match text.strip_prefix('\'') {
        Some(rest) => rest.trim_start_matches('\'').starts_with(is_sign),
        None => text.starts_with(is_sign),
    };
    if risky { format!("'{text}") } else { text }
}

/// The text of a cell that may have been guarded.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(is_sign) => rest,
        _ => cell,
    }
}

/// The values of an attribute in one cell. A cell that only starts like JSON is a text, unless the
/// attribute expects JSON.
pub(super) fn values(cell: &str, is_json: bool) -> Result<Vec<Json>, String> {
    let starts_like_json = cell.starts_with(['[', '{']);
    if starts_like_json && !is_json && Json::parse(cell.as_bytes()).is_err() {
        return Ok(vec![Json::from(cell)]);
    }
    let parse = || {
        Json::parse(cell.as_bytes()).map_err(|error| {
            let (column, what) = (error.column, error.expectation());
            format!("the cell starts like JSON: at character {column}: {what}")
        })
    };
    match cell.chars().next() {
        None => Ok(Vec::new()),
        Some('[') => match parse()? {
            Json::Array(values) => Ok(values),
            other => Err(expected_not("an array of values", &other)),
        },
        Some('{') => Ok(vec![parse()?]),
        Some(_) => Ok(vec![Json::from(cell)]),
    }
}

pub(super) fn values_cell(values: &[Json]) -> String {
    match values {
        [Json::String(text)] if !text.is_empty() && !text.starts_with(['[', '{']) => text.clone(),
        [] => String::new(),
        values => Json::Array(values.to_vec()).to_text(),
    }
}

/// The personas in one cell.
pub(super) fn personas(cell: &str) -> Result<Vec<Json>, String> {
    if cell.starts_with('[') {
        return values(cell, true);
    }
    let each = cell.split(';').map(str::trim).filter(|persona| !persona.is_empty());
    each.map(|persona| {
        let Some((name, rest)) = persona.split_once('(') else {
            return Ok(Json::Object(object! { "name" => persona }));
        };
        let due = "expected personas, e.g. `member;buyer(shop-1,shop-2)`, or a JSON array";
        let scope =
            rest.strip_suffix(')').filter(|scope| !scope.contains(['(', ')'])).ok_or(due)?;
        let scope: Vec<_> = scope
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Json::from)
            .collect();
        Ok(Json::Object(object! { "name" => name.trim(), "scope" => scope }))
    })
    .collect()
}

/// The defaults of a persona that has only a name and a scope.
const PLAIN: [(&str, Json); 4] = [
    ("preferred", Json::Bool(false)),
    ("valid_from", Json::Null),
    ("valid_until", Json::Null),
    ("attributes", Json::Null),
];

pub(super) fn personas_cell(personas: &[Json]) -> String {
    let whole = || {
        personas.iter().filter_map(Json::as_object).map(|persona| Json::Object(importable(persona)))
    };
    let short: Option<Vec<_>> = personas.iter().map(short).collect();
    short.map_or_else(|| Json::Array(whole().collect()).to_text(), |short| short.join(";"))
}

/// A persona of which only name and scope are worth saying.
fn short(persona: &Json) -> Option<String> {
    let persona = persona.as_object()?;
    let empty = |value: &Json| value.as_object().is_some_and(Object::is_empty);
    let plain = PLAIN
        .iter()
        .all(|(name, plain)| persona.get(*name).is_none_or(|value| value == plain || empty(value)));
    let active =
        persona.get("status").and_then(Json::as_str).is_none_or(|status| status == "ACTIVE");
    let name = persona.get("name")?.as_str()?;
    let scope = match persona.get("scope") {
        Some(Json::Array(scope)) => scope.iter().map(Json::as_str).collect::<Option<Vec<_>>>()?,
        _ => Vec::new(),
    };
    let simple = |part: &&str| {
        !part.is_empty() && part.trim() == *part && !part.contains([',', ';', '(', ')'])
    };
    if !plain || !active || !scope.iter().all(simple) {
        return None;
    }
    Some(if scope.is_empty() { name.to_owned() } else { format!("{name}({})", scope.join(",")) })
}

/// The members of a persona that an import accepts.
fn importable(persona: &Object) -> Object {
    let kept =
        ["id", "name", "scope", "status", "preferred", "valid_from", "valid_until", "attributes"];
    let worth = |name: &str, value: &Json| {
        kept.contains(&name)
            && *value != Json::Null
            && !PLAIN.iter().any(|(plain, default)| *plain == name && value == default)
            && !value.as_object().is_some_and(Object::is_empty)
    };
    persona
        .iter()
        .filter(|(name, value)| worth(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Where the values of an attribute stand in a document; `null` until something is put there.
/// `None` when the document has something else than objects on the way.
pub(super) fn place<'a>(
    document: &'a mut Object,
    category: &str,
    name: &str,
) -> Option<&'a mut Json> {
    let mut members = document;
    for part in ["attributes", category] {
        let next = members.entry(part.to_owned()).or_insert_with(|| Json::Object(Object::new()));
        let Json::Object(inner) = next else { return None };
        members = inner;
    }
    Some(members.entry(name.to_owned()).or_insert(Json::Null))
}
