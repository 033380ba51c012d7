//! Hostile content of a given size.

use serde_json::Value;
use shared::http::{Body, Route};

/// The values that are tried in each field.
const IN_FIELDS: &[&str] =
    if cfg!(debug_assertions) { &["numbers"] } else { &["accents", "numbers", "members"] };

/// Values of about so many bytes.
fn values(size: usize) -> impl Iterator<Item = (&'static str, String)> {
    let repeated = |part: &str| part.repeat(size / part.len());
    let list = |part: &str| format!("[{}{part}]", repeated(&format!("{part},")));
    let members = |value: &str| {
        let each = format!("\"a00000\":{value},");
        let members = (0..size / each.len()).map(|i| format!("\"a{i:05}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let nested = format!("{}{}", "[".repeat(50), "]".repeat(50));
    [
        ("letters", format!("\"{}\"", repeated("x"))),
        ("accents", format!("\"{}\"", repeated("e\u{301}"))),
        ("escapes", format!("\"{}\"", repeated("\\u00e9"))),
        ("numbers", list("0")),
        ("texts", list("\"\"")),
        ("objects", list("{\"\":0}")),
        ("nested", list(&nested)),
        ("members", members("0")),
        ("members of members", members("{\"b\":[\"c\"]}")),
        ("long number", repeated("1")),
    ]
    .into_iter()
}

/// Bodies of about so many bytes: whole ones, and ones in which one of the fields is large.
pub(crate) fn of(size: usize, fields: &[String]) -> impl Iterator<Item = (String, String)> {
    let half = size / 2 - 50;
    let long = "k".repeat(half);
    let inner = |count: usize| -> String {
        let members = (0..count).map(|i| format!("\"n{i:04}\":[\"x\"]"));
        members.collect::<Vec<_>>().join(",")
    };
    let many = inner(half / 15);
    let whole = [
        ("a long name".to_owned(), format!("{{\"{long}{long}\":1}}")),
        ("a long category".to_owned(), format!("{{\"attributes\":{{\"{long}\":{{{many}}}}}}}")),
        (
            "many attributes".to_owned(),
            format!("{{\"attributes\":{{\"common\":{{{many},{}}}}}}}", inner(0) + "\"z\":[\"x\"]"),
        ),
        (
            "many values".to_owned(),
            format!(
                "{{\"attributes\":{{\"common\":{{\"secret\":[\"x\"{}]}}}}}}",
                ",\"y\"".repeat(size / 4 - 20)
            ),
        ),
        (
            "a large tree".to_owned(),
            format!(
                "{{\"attributes\":{{\"common\":{{\"tree\":[[0{}]]}}}}}}",
                ",0".repeat(size / 2 - 50)
            ),
        ),
        ("open brackets".to_owned(), "[".repeat(size)),
        ("a name twice".to_owned(), format!("{{\"{long}\":1,\"{long}\":2}}")),
        ("blanks".to_owned(), format!("{}{{}}", " ".repeat(size - 2))),
    ];
    let values_of_body = values(size).map(|(name, value)| (name.to_owned(), value));
    let fields: Vec<_> = fields.to_vec();
    let fields = fields.into_iter().flat_map(move |field| {
        let some = values(size - 100).filter(|(name, _)| IN_FIELDS.contains(name));
        some.map(move |(name, value)| {
            (format!("{field}: {name}"), format!("{{\"{field}\":{value}}}"))
        })
    });
    whole.into_iter().chain(values_of_body).chain(fields)
}

/// The members that the description has of a route's body.
pub(crate) fn fields(description: &Value, route: &Route) -> Vec<String> {
    let (Body::Json(name) | Body::OptionalJson(name)) = route.body else { return Vec::new() };
    let mut found = Vec::new();
    collect(description, &description["components"]["schemas"][name], &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(description: &Value, schema: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        collect(description, &description["components"]["schemas"][name], found);
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            collect(description, schema, found);
        }
    }
    found.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
    );
}

/// Forms of about so many bytes.
pub(crate) fn forms(size: usize) -> Vec<(&'static str, String)> {
    let long = "x".repeat(size);
    let jwt = format!("{}.{}.{}", "a".repeat(size / 3), "b".repeat(size / 3), "c".repeat(size / 3));
    vec![
        ("many parameters", (0..size / 7).map(|i| format!("{i:x}=")).collect::<Vec<_>>().join("&")),
        ("a long secret", format!("client_id=acme.x&client_secret={long}")),
        ("a long scope", format!("grant_type=client_credentials&scope={}", "a+".repeat(size / 2))),
        ("escapes", "%41".repeat(size / 3)),
        (
            "a long assertion",
            format!(
                "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={jwt}"
            ),
        ),
        ("a long token", format!("token={long}")),
    ]
}
