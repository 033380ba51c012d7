//! Versions of OpenAPI. The description is made as 3.1; tools that read 3.0 alone get a copy.

use std::collections::BTreeSet;

use shared::domain::Json;
use shared::domain::json::Object;
use shared::object;

use super::security::{SESSION, USER_TOKEN};

/// A version of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// OpenAPI 3.1, whose schemas are JSON Schema 2020-12.
    V3_1,
    /// OpenAPI 3.0, whose schemas are a dialect of their own.
    V3_0,
}

impl Version {
    /// Every version.
    pub const ALL: [Self; 2] = [Self::V3_1, Self::V3_0];

    /// The description, made as 3.1, in this version.
    pub(super) fn convert(self, document: Json) -> Json {
        match self {
            Self::V3_1 => document,
            Self::V3_0 => lowered_document(document),
        }
    }
}

const SCHEMAS: &str = "#/components/schemas/";

fn lowered_document(document: Json) -> Json {
    let mut nullable = BTreeSet::new();
    let mut document = lowered(document, &mut nullable);
    if let Json::Object(members) = &mut document {
        members.insert("openapi".to_owned(), Json::from("3.0.3"));
    }
    if let Some(schemas) = schemas(&mut document) {
        let copies: Vec<_> = nullable
            .into_iter()
            .filter_map(|name| Some((or_null(&name), with_null(schemas.get(&name)?.clone()))))
            .collect();
        schemas.extend(copies);
        schemas.sort_keys();
    }
    // Some are needed as copies alone.
    let whole = document.clone();
    let mut needed = BTreeSet::new();
    references(&whole, &mut needed);
    if let Some(schemas) = schemas(&mut document) {
        schemas.retain(|name, _| needed.contains(&*format!("{SCHEMAS}{name}")));
    }
    document
}

fn schemas(document: &mut Json) -> Option<&mut Object> {
    let Json::Object(document) = document else { return None };
    let Json::Object(components) = document.get_mut("components")? else { return None };
    let Json::Object(schemas) = components.get_mut("schemas")? else { return None };
    Some(schemas)
}

/// The name of the copy of a schema that allows `null`: beside a reference nothing may stand.
fn or_null(name: &str) -> String {
    format!("{name}OrNull")
}

fn with_null(mut schema: Json) -> Json {
    if let Json::Object(members) = &mut schema {
        members.insert("nullable".to_owned(), Json::Bool(true));
        if let Some(Json::Array(words)) = members.get_mut("enum") {
            words.push(Json::Null);
        }
    }
    schema
}

/// The value without what 3.0 does not have; adds the schemas to `nullable` that may be `null`.
fn lowered(value: Json, nullable: &mut BTreeSet<String>) -> Json {
    match value {
        Json::Array(items) => {
            Json::Array(items.into_iter().map(|item| lowered(item, nullable)).collect())
        }
        Json::Object(members) => {
            let mut lower = Object::new();
            for (name, value) in members {
                lower_member(name, value, &mut lower, nullable);
            }
            Json::Object(lower)
        }
        scalar => scalar,
    }
}

fn lower_member(name: String, value: Json, lower: &mut Object, nullable: &mut BTreeSet<String>) {
    match (name.as_str(), value) {
        // An example is no schema, even if a member is called like a keyword.
        ("example", example) => {
            lower.insert(name, example);
        }
        // Names of members cannot be limited.
        ("propertyNames", _) => {}
        // A license has an address in place of an SPDX identifier.
        ("identifier", Json::String(license)) => {
            let url = format!("https://spdx.org/licenses/{license}.html");
            lower.insert("url".to_owned(), Json::String(url));
        }
        // Only OAuth and OpenID Connect have scopes.
        (SESSION | USER_TOKEN, Json::Array(_)) => {
            lower.insert(name, Json::Array(Vec::new()));
        }
        ("type", Json::Array(kinds)) => {
            let kind = kinds.into_iter().find(|kind| *kind != Json::from("null"));
            lower.extend(kind.map(|kind| (name, kind)));
            lower.insert("nullable".to_owned(), Json::Bool(true));
        }
        ("oneOf", Json::Array(mut shapes)) => {
            let null = Json::from(object! { "type" => "null" });
            if let Some(at) = shapes.iter().position(|shape| *shape == null) {
                shapes.remove(at);
                if let Some((shape, schema)) = shapes.first_mut().and_then(referred) {
                    nullable.insert(schema.clone());
                    *shape = Json::String(format!("{SCHEMAS}{}", or_null(&schema)));
                }
            }
            match (shapes.pop(), shapes.is_empty()) {
                (Some(Json::Object(one)), true) => lower.extend(one),
                (last, _) => {
                    shapes.extend(last);
                    lower.insert(name, lowered(Json::Array(shapes), nullable));
                }
            }
        }
        (_, value) => {
            lower.insert(name, lowered(value, nullable));
        }
    }
}

/// A schema that is a reference, and the name of the schema that it refers to.
fn referred(schema: &mut Json) -> Option<(&mut Json, String)> {
    let Json::Object(members) = schema else { return None };
    let reference = members.get_mut("$ref")?;
    let name = reference.as_str()?.strip_prefix(SCHEMAS)?.to_owned();
    Some((reference, name))
}

/// The targets of all references in a value.
fn references<'j>(value: &'j Json, found: &mut BTreeSet<&'j str>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        Json::Object(members) => {
            found.extend(members.get("$ref").and_then(Json::as_str));
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_said_in_the_words_of_3_0() {
        for (given, expected) in [
            (r#"{"type":["string","null"]}"#, r#"{"type":"string","nullable":true}"#),
            (
                r##"{"oneOf":[{"$ref":"#/components/schemas/A"},{"type":"null"}]}"##,
                r##"{"$ref":"#/components/schemas/AOrNull"}"##,
            ),
            (r#"{"oneOf":[{"type":"string"},{}]}"#, r#"{"oneOf":[{"type":"string"},{}]}"#),
            (r#"{"example":{"type":["null"]}}"#, r#"{"example":{"type":["null"]}}"#),
            (r#"{"user_token":["openid"]}"#, r#"{"user_token":[]}"#),
            (r#"{"propertyNames":{},"type":"object"}"#, r#"{"type":"object"}"#),
        ] {
            let given = Json::parse(given.as_bytes()).unwrap();
            assert_eq!(lowered(given, &mut BTreeSet::new()).to_text(), expected);
        }
        for (given, expected) in [
            (
                r#"{"type":"string","enum":["A"]}"#,
                r#"{"type":"string","enum":["A",null],"nullable":true}"#,
            ),
            (r#"{"type":"object"}"#, r#"{"type":"object","nullable":true}"#),
        ] {
            let given = Json::parse(given.as_bytes()).unwrap();
            assert_eq!(with_null(given).to_text(), expected);
        }
    }
}
