//! `openapi.json`: what the service says about itself.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::http::Route;

use crate::tables::{read, routes};

/// The description as it is in the repository.
pub fn description() -> Value {
    serde_json::from_str(&read("openapi.json")).unwrap()
}

/// The routes that the description lists.
fn listed() -> impl Iterator<Item = &'static Route> {
    routes().map(|(_, route)| route).filter(|route| route.listed)
}

/// The operations of the description: method, path and operation id.
fn operations() -> Vec<(String, String, String)> {
    let description = description();
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(method, operation)| {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                (method.to_uppercase(), path.clone(), id)
            })
        })
        .collect()
}

#[test]
fn the_description_has_exactly_the_operations_of_the_tables() {
    let of_tables: BTreeSet<_> =
        listed().map(|r| (r.method.to_owned(), r.path.to_owned(), r.name.to_owned())).collect();
    assert_eq!(operations().into_iter().collect::<BTreeSet<_>>(), of_tables);
}

#[test]
fn every_reference_leads_somewhere() {
    let description = description();
    let mut due = vec![&description];
    while let Some(value) = due.pop() {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{target}");
        }
        match value {
            Value::Array(items) => due.extend(items),
            Value::Object(members) => due.extend(members.values()),
            _ => {}
        }
    }
}

#[test]
fn every_operation_that_needs_a_token_names_its_scope() {
    let description = description();
    for route in listed() {
        let operation = &description["paths"][route.path][route.method.to_lowercase()];
        let named = operation["security"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|one| one.get("access_token"));
        let scope = route.callers.granted().map(|scope| serde_json::json!([scope.name()]));
        assert_eq!(named, scope.as_ref(), "{}", route.name);
    }
}

#[test]
fn every_operation_that_people_call_says_so() {
    let description = description();
    for route in listed() {
        let operation = &description["paths"][route.path][route.method.to_lowercase()];
        let named =
            operation["security"].as_array().unwrap().iter().find_map(|one| one.get("user_token"));
        let scopes: Vec<_> =
            route.callers.scope_of_people().iter().map(|scope| scope.name()).collect();
        assert_eq!(
            named,
            route.callers.include_people().then(|| serde_json::json!(scopes)).as_ref(),
            "{}",
            route.name
        );
    }
}

/// Asserts that the members of an answer are those that its schema names: none unknown, none
/// missing. A schema may leave open which others there are.
#[track_caller]
pub fn assert_described(schema: &str, answer: &Value) {
    let description = description();
    let schema = &description["components"]["schemas"][schema];
    let members = answer.as_object().unwrap();
    for name in members.keys() {
        let described = schema["properties"].get(name).is_some();
        assert!(described || schema["additionalProperties"] == true, "`{name}` is not described");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{name} is missing");
    }
    let of = &schema["properties"]["items"]["items"];
    // Of several shapes the first is that of what is there.
    let of = of["$ref"]
        .as_str()
        .or(of["oneOf"][0]["$ref"].as_str())
        .and_then(|target| target.rsplit('/').next());
    for item in answer["items"].as_array().into_iter().flatten() {
        assert_described(of.unwrap(), item);
    }
}
