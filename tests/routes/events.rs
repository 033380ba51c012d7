//! The events in `events/`: requests as API Gateway sends them to a function (payload 2.0). In
//! `events/stream/` and `events/mailer/` are records as the table's stream and other services send
//! them.
//!
//! A file is named by the operation that it calls, and by what is special about it:
//! `patch_user.base64.json`.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use shared::http::{Callers, Route};

use crate::tables::{file, gateway_path, read, routes, table_of};

/// The functions that no route calls.
const BACKGROUND: [&str; 2] = ["mailer", "stream"];

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The function that it is for.
    pub function: String,
    /// Its file, without folder and ending.
    pub name: String,
    /// Its content.
    pub content: Value,
}

impl Event {
    /// The event of this name.
    pub fn named(function: &str, name: &str) -> Self {
        let text =
            std::fs::read_to_string(file(&format!("events/{function}/{name}.json"))).unwrap();
        Self {
            function: function.to_owned(),
            name: name.to_owned(),
            content: serde_json::from_str(&text).unwrap(),
        }
    }

    /// The route that it calls.
    pub fn route(&self) -> &'static Route {
        let operation = self.name.split('.').next().unwrap();
        let route = table_of(&self.function).iter().find(|route| route.name == operation);
        route.unwrap_or_else(|| panic!("`{}` has no operation `{operation}`", self.function))
    }

    /// Whether people alone call the route of its file.
    pub fn is_of_people(&self) -> bool {
        !self.name.is_empty() && matches!(self.route().callers, Callers::People(_))
    }

    /// The name of its special case, or an empty text.
    pub fn case(&self) -> &str {
        self.name.split_once('.').map_or("", |(_, case)| case)
    }

    /// The body's bytes.
    pub fn body(&self) -> Option<Vec<u8>> {
        let body = self.content["body"].as_str()?;
        Some(if self.is_encoded() {
            STANDARD.decode(body).unwrap()
        } else {
            body.as_bytes().to_vec()
        })
    }

    /// Whether the body is in base64.
    pub fn is_encoded(&self) -> bool {
        self.content["isBase64Encoded"].as_bool().unwrap()
    }

    /// The same request with its body in the other form: base64 instead of plain, plain instead of
    /// base64.
    pub fn recoded(&self) -> Self {
        let mut other = self.clone();
        let body = self.body().unwrap();
        let text = if self.is_encoded() {
            String::from_utf8(body).unwrap()
        } else {
            STANDARD.encode(body)
        };
        other.content["body"] = text.into();
        other.content["isBase64Encoded"] = (!self.is_encoded()).into();
        other
    }
}

/// Every event of API Gateway.
pub fn all() -> Vec<Event> {
    let mut events = Vec::new();
    for folder in std::fs::read_dir(file("events")).unwrap().map(Result::unwrap) {
        let function = folder.file_name().into_string().unwrap();
        if BACKGROUND.contains(&function.as_str()) || !folder.path().is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            events.push(Event::named(&function, name.strip_suffix(".json").unwrap()));
        }
    }
    events.sort_by(|a, b| (&a.function, &a.name).cmp(&(&b.function, &b.name)));
    events
}

#[test]
fn g72_the_mailer_reads_its_events() {
    for (name, told) in [
        ("outbox", "OUTBOX#2"),
        ("schedule", "records: []"),
        ("bounce", "jan@example.org"),
        ("complaint", "complainedRecipients"),
    ] {
        let text = read(&format!("events/mailer/{name}.json"));
        let event: mailer::MailerEvent = serde_json::from_str(&text).unwrap();
        assert!(format!("{event:?}").contains(told), "{name}: {event:?}");
    }
}

#[test]
fn every_route_has_an_event() {
    let events: BTreeSet<_> = all().iter().map(|event| event.route().name).collect();
    let operations: BTreeSet<_> = routes().map(|(_, route)| route.name).collect();
    assert_eq!(events, operations);
}

#[test]
fn events_call_the_route_that_their_file_names() {
    for event in all() {
        let (route, content) = (event.route(), &event.content);
        let context = &content["requestContext"];
        assert_eq!(content["version"], "2.0", "{}", event.name);
        let key = gateway_path(route.path);
        assert_eq!(content["routeKey"], format!("ANY {key}"), "{}", event.name);
        assert_eq!(context["routeKey"], content["routeKey"], "{}", event.name);
        let method = if event.case() == "head" { "HEAD" } else { route.method };
        assert_eq!(context["http"]["method"], method, "{}", event.name);
        assert_eq!(context["http"]["path"], content["rawPath"], "{}", event.name);
        assert_eq!(context["stage"], "$default", "{}", event.name);
        let parameters = content["pathParameters"].as_object().into_iter().flatten();
        let path = parameters.fold(key, |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value.as_str().unwrap())
        });
        assert_eq!(content["rawPath"], path, "{}", event.name);
    }
}

#[test]
fn h8_events_come_as_api_gateway_sends_them() {
    for event in all() {
        let headers = event.content["headers"].as_object().unwrap();
        assert!(headers.keys().all(|name| *name == name.to_lowercase()), "{}", event.name);
        let mut joined = BTreeMap::<String, String>::new();
        for (name, value) in form(event.content["rawQueryString"].as_str().unwrap()) {
            joined
                .entry(name)
                .and_modify(|values| *values = format!("{values},{value}"))
                .or_insert(value);
        }
        let given: BTreeMap<_, _> = event.content["queryStringParameters"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(given, joined, "{}", event.name);
        let length = event.body().map(|body| body.len().to_string());
        assert_eq!(
            headers.get("content-length").and_then(Value::as_str),
            length.as_deref(),
            "{}",
            event.name
        );
    }
}

#[test]
fn h8_forms_and_merge_patches_come_in_base64_too() {
    let encoded: BTreeSet<_> =
        all().iter().filter(|event| event.is_encoded()).map(|event| event.route().name).collect();
    for (_, route) in routes().filter(|(_, route)| route.method == "PATCH") {
        assert!(encoded.contains(route.name), "{}", route.name);
        let event = all()
            .into_iter()
            .find(|event| event.is_encoded() && event.route().name == route.name)
            .unwrap();
        assert_eq!(event.content["headers"]["content-type"], "application/merge-patch+json");
    }
    assert!(encoded.contains("issue_token"));
}

#[test]
fn events_hold_no_credentials() {
    for event in all() {
        let due = match (event.route().is_guarded(), event.function.as_str(), event.route().method)
        {
            (true, _, _) => Some("Bearer <token>"),
            (false, "token", "POST") => Some("Basic <credentials>"),
            _ => None,
        };
        assert_eq!(event.content["headers"]["authorization"].as_str(), due, "{}", event.name);
        assert!(!event.content.to_string().contains("kith_"), "{}", event.name);
        assert!(!event.content.to_string().contains("kith-session"), "{}", event.name);
    }
}

/// The pairs of a query string.
fn form(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(text.as_bytes()).into_owned()
}
