//! `openapi.json`: what the service says about itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::http::Route;

use crate::tables::{read, routes};

/// The most bytes of the description: generators and people read it as a whole.
const MAX_BYTES: usize = 410_000;

/// The description as it is in the repository.
pub fn description() -> Value {
    serde_json::from_str(&read("openapi.json")).unwrap()
}

/// The routes that the description lists.
fn listed() -> impl Iterator<Item = &'static Route> {
    routes().map(|(_, route)| route).filter(|route| route.listed)
}

/// The operation of a route.
pub fn operation<'d>(description: &'d Value, route: &Route) -> &'d Value {
    &description["paths"][route.path][route.method.to_lowercase()]
}

/// The target of a reference, or the value itself.
pub fn resolved<'d>(description: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(target) => description.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// A JSON Schema that stands within the description, to which its references lead.
pub fn validator(description: &Value, schema: &Value) -> jsonschema::Validator {
    let schema = json!({ "components": description["components"], "allOf": [schema] });
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The operations of the description: method, path and the operation.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations
                .filter(|(member, _)| *member != "parameters")
                .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

/// Every value of the description with the pointer to it, examples left out.
fn values<'d>(pointer: &str, value: &'d Value, found: &mut Vec<(String, &'d Value)>) {
    found.push((pointer.to_owned(), value));
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                values(&format!("{pointer}/{i}"), item, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "example") {
                values(&format!("{pointer}/{}", name.replace('/', "~1")), member, found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_description_has_exactly_the_operations_of_the_tables() {
    let of_tables: BTreeSet<_> =
        listed().map(|r| (r.method.to_owned(), r.path.to_owned(), r.name.to_owned())).collect();
    let description = description();
    let described = operations(&description).into_iter().map(|(method, path, operation)| {
        (method, path, operation["operationId"].as_str().unwrap().to_owned())
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), of_tables);
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let description = description();
    let mut found = Vec::new();
    values("", &description, &mut found);
    let mut referred = BTreeSet::new();
    for (pointer, value) in &found {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').unwrap();
            assert!(description.pointer(target).is_some(), "{pointer}: {target}");
            referred.insert(target.to_owned());
        }
    }
    for (kind, components) in description["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            assert!(referred.contains(&format!("/components/{kind}/{name}")), "{kind}: {name}");
        }
    }
}

#[test]
fn every_operation_that_needs_a_token_names_its_scope() {
    let description = description();
    for route in listed() {
        let named = operation(&description, route)["security"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|one| one.get("access_token"));
        let scope = route.callers.granted().map(|scope| json!([scope.name()]));
        assert_eq!(named, scope.as_ref(), "{}", route.name);
    }
}

#[test]
fn every_operation_that_people_call_says_so() {
    let description = description();
    for route in listed() {
        let named = operation(&description, route)["security"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|one| one.get("user_token"));
        let scopes: Vec<_> =
            route.callers.scope_of_people().iter().map(|scope| scope.name()).collect();
        assert_eq!(
            named,
            route.callers.include_people().then(|| json!(scopes)).as_ref(),
            "{}",
            route.name
        );
    }
}

#[test]
fn g20_every_operation_that_needs_a_caller_takes_the_cookie_of_a_session_and_no_other_does() {
    let description = description();
    for route in listed() {
        let schemes = operation(&description, route)["security"].as_array().unwrap();
        let takes = schemes.iter().any(|one| one.get("session").is_some());
        assert_eq!(takes, route.is_guarded(), "{}", route.name);
    }
}

#[test]
fn g22_an_operation_that_asks_for_a_recent_sign_in_says_so() {
    let description = description();
    for route in listed() {
        let told = operation(&description, route)["description"].as_str().unwrap();
        assert_eq!(told.contains("`reauthenticate`"), route.reauthenticate, "{}", route.name);
    }
    assert!(listed().any(|route| route.reauthenticate));
}

#[test]
fn ec17_summaries_are_short_and_unique_and_every_operation_has_a_description() {
    let description = description();
    let mut summaries = BTreeMap::new();
    for (_, _, operation) in operations(&description) {
        let (id, summary) = (&operation["operationId"], operation["summary"].as_str().unwrap());
        assert!(summary.len() <= 60 && !summary.ends_with('.'), "{id}: {summary}");
        assert!(operation["description"].as_str().unwrap().ends_with('.'), "{id}");
        assert_eq!(summaries.insert(summary, id), None, "{summary}");
    }
}

#[test]
fn the_description_is_small() {
    assert!(read("openapi.json").len() <= MAX_BYTES);
}

/// Constructs from which generators make no types, or useless ones.
#[test]
fn ec1_ec2_ec6_ec7_schemas_have_nothing_that_generators_stumble_over() {
    let description = description();
    let mut found = Vec::new();
    values("", &description, &mut found);
    for (pointer, value) in found {
        if pointer.ends_with("/properties") {
            continue;
        }
        if let Some(kinds) = value.get("type").and_then(Value::as_array) {
            assert!(kinds.len() == 2 && kinds.contains(&json!("null")), "{pointer}: {kinds:?}");
        }
        if let Some(words) = value.get("enum").and_then(Value::as_array) {
            assert!(!words.is_empty() && words.iter().all(Value::is_string), "{pointer}");
        }
        assert!(value.get("allOf").is_none() && value.get("anyOf").is_none(), "{pointer}");
        // Clients take a field with a default for one that is always there.
        assert!(!pointer.contains("/properties/") || value.get("default").is_none(), "{pointer}");
    }
}

#[test]
fn ec2_a_body_of_json_has_one_media_type() {
    let description = description();
    for (method, path, operation) in operations(&description) {
        let media: Vec<_> = content(&operation["requestBody"]).map(|(media, _)| media).collect();
        let json = media.iter().any(|media| media.ends_with("json"));
        // Rows are files, each of its own form.
        assert!(
            media.len() <= 1 || (json && media.contains(&&"text/csv".to_owned())),
            "{method} {path}"
        );
    }
}

/// Clients make one type of the errors of an operation, of which each error must be one.
#[test]
fn ec5_every_error_has_one_form() {
    let description = description();
    for (method, path, operation) in operations(&description) {
        let mut forms = BTreeSet::new();
        for (status, answer) in operation["responses"].as_object().unwrap() {
            if status.starts_with(['4', '5']) {
                let contents: Vec<_> = content(resolved(&description, answer)).collect();
                assert_eq!(contents.len(), 1, "{method} {path}: {status}");
                forms.insert(contents[0].1["schema"]["$ref"].as_str().unwrap());
            }
        }
        assert_eq!(forms.len(), 1, "{method} {path}: {forms:?}");
    }
}

#[test]
fn ec16_lists_are_named_in_the_plural_and_schemas_hide_no_name_of_a_language() {
    let description = description();
    for (_, _, operation) in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(!id.starts_with("list_") || id.ends_with('s'), "{id}");
    }
    // C# has the first, clients of openapi-python-client the second, Python and Java the third.
    for taken in ["System", "Client", "Import", "Object", "Error", "Type", "Record", "File"] {
        assert!(description["components"]["schemas"].get(taken).is_none(), "{taken}");
    }
}

#[test]
fn ec18_the_copy_in_openapi_3_0_has_the_same_operations_and_no_word_of_3_1() {
    let (description, copy) =
        (description(), serde_json::from_str::<Value>(&read("openapi-3.0.json")));
    let copy = copy.unwrap();
    assert_eq!(copy["openapi"], "3.0.3");
    let ids = |description: &Value| -> BTreeSet<_> {
        let operations = operations(description).into_iter();
        operations
            .map(|(method, path, one)| (method, path, one["operationId"].to_string()))
            .collect()
    };
    assert_eq!(ids(&copy), ids(&description));
    let mut found = Vec::new();
    values("", &copy, &mut found);
    for (pointer, value) in found.into_iter().filter(|(at, _)| !at.ends_with("/properties")) {
        for word in ["const", "examples", "propertyNames", "prefixItems", "$defs", "identifier"] {
            assert!(value.get(word).is_none(), "{pointer}: {word}");
        }
        if let Some(kind) = value.get("type") {
            assert!(kind.is_string() && kind != "null", "{pointer}: {kind}");
        }
        assert!(value.get("$ref").is_none() || value.as_object().unwrap().len() == 1, "{pointer}");
    }
}

/// The content of a body or an answer, by its media types.
fn content(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value["content"].as_object().into_iter().flatten()
}

#[test]
fn ec17_every_write_has_an_example_of_its_body_and_answer_that_fits() {
    let description = description();
    for (_, _, operation) in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        let answers = operation["responses"].as_object().unwrap().iter();
        let good = answers.filter(|(status, _)| status.starts_with('2'));
        let shown = good.map(|(_, answer)| resolved(&description, answer));
        let writes = !operation["requestBody"].is_null();
        for whole in shown.chain(Some(&operation["requestBody"])) {
            for (media, content) in content(whole).filter(|(media, _)| *media != "text/csv") {
                let Some(example) = content.get("example") else {
                    assert!(!writes || id.contains("get_users") || id.contains("query"), "{id}");
                    continue;
                };
                let validator = validator(&description, &content["schema"]);
                let wrong: Vec<_> =
                    validator.iter_errors(example).map(|error| error.to_string()).collect();
                assert_eq!(wrong, [""; 0], "{id}, {media}");
            }
        }
    }
}

/// Asserts that an answer fits its schema, and that all its members are described.
#[track_caller]
pub fn assert_described(schema: &str, answer: &Value) {
    let description = description();
    let reference = json!({ "$ref": format!("#/components/schemas/{schema}") });
    let validator = validator(&description, &reference);
    let wrong: Vec<_> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0], "{schema}: {answer}");
    assert_members_are_named(&description, &description["components"]["schemas"][schema], answer);
}

/// Asserts that the members of an object are those that its schema names, and those of the objects
/// in it.
#[track_caller]
fn assert_members_are_named(description: &Value, schema: &Value, value: &Value) {
    let schema = resolved(description, schema);
    if let Some(shapes) = schema["oneOf"].as_array() {
        // If there are several schemas, the first describes the value and the other is `null`.
        if !value.is_null() {
            assert_members_are_named(description, &shapes[0], value);
        }
        return;
    }
    for item in value.as_array().into_iter().flatten() {
        assert_members_are_named(description, &schema["items"], item);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name).or(schema.get("additionalProperties")) {
            Some(of) => assert_members_are_named(description, of, member),
            None => assert!(schema.get("properties").is_none(), "`{name}` is not in {schema}"),
        }
    }
}
