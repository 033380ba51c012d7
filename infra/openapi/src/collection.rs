//! Collections of requests, which people open in a client such as Postman or Bruno.
//!
//! They are generated from the description: a folder for each function, and a request for each
//! operation with the example of its body. Ids are variables. The answer of a request that creates
//! a resource sets the variable of its id, so that later requests use the new resource.

mod bruno;
mod postman;

use shared::domain::Json;
use shared::domain::json::Object;

use crate::security::{ACCESS_TOKEN, CLIENT, USER_TOKEN};
use crate::writer::{self, Layout};
use crate::{Failure, Functions, Version, description};

/// The client that reads a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Postman: one file, a collection of version 2.1.
    Postman,
    /// Bruno: a folder with a file for each request.
    Bruno,
}

/// One file of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is in the folder of the collection, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// The variables that people set, and the initial values of the others.
const VARIABLES: [(&str, &str); 11] = [
    ("KITH_CLIENT_ID", ""),
    ("KITH_CLIENT_SECRET", ""),
    (TOKEN, ""),
    (PERSON, ""),
    ("tenant_id", "acme"),
    ("system_id", "webshop"),
    ("id_at_customer", "CRM-0043"),
    ("username", "kim.kok"),
    ("preferred_email", "kim@example.org"),
    ("authentication_server_id", "system"),
    ("change_request_id", ""),
];
/// The operation that sets the client's token.
const SIGN_IN: &str = "issue_token";
/// The order of the requests of a path: what is created is read and changed.
const METHODS: [&str; 5] = ["post", "get", "put", "patch", "delete"];
/// The variable of the base URL.
const URL: &str = "KITH_URL";
/// The variable of the client's token.
const TOKEN: &str = "access_token";
/// The variable of a person's token.
const PERSON: &str = "person_token";

const ABOUT: &str = "\
Set `KITH_URL`, `KITH_CLIENT_ID` and `KITH_CLIENT_SECRET`; `kith serve` writes them to \
`.kith/demo.env`. Send *Issue an access token* first: it sets `access_token`, which the other \
requests send. Requests about the caller's own profile send `person_token`; `kith token` prints one \
for `kith serve`. Configuration and clients need the credentials of an administrator.

Requests that create something set the variable of its id, e.g. `user_id`.";

/// A collection of all operations.
struct Collection {
    base_url: String,
    folders: Vec<Folder>,
}

/// The requests of one function.
struct Folder {
    name: String,
    about: String,
    requests: Vec<Request>,
}

/// A request of an operation.
struct Request {
    operation: String,
    name: String,
    about: String,
    method: String,
    /// With `{parameters}`.
    path: String,
    path_values: Vec<Parameter>,
    query: Vec<Parameter>,
    headers: Vec<Parameter>,
    body: Body,
    authorization: Authorization,
    /// The variable that the answer sets, and the member of the body.
    sets: Option<(String, &'static str)>,
}

/// A parameter and the value that it is sent with.
struct Parameter {
    name: String,
    value: String,
    enabled: bool,
}

enum Body {
    None,
    Json(String),
    Form(Vec<Parameter>),
    /// Text of a media type.
    Text(String, String),
}

/// How a request authenticates its sender.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authorization {
    None,
    Client,
    Token,
    PersonToken,
}

/// A collection of the operations of these functions. The same arguments always give the same
/// files.
pub fn collection(functions: Functions, tool: Tool, base_url: &str) -> Result<Vec<File>, Failure> {
    let document = description(functions, Version::V3_1, base_url)?;
    let collection = Collection::read(&document, base_url)?;
    Ok(match tool {
        Tool::Postman => vec![postman::file(&collection)],
        Tool::Bruno => bruno::files(&collection),
    })
}

impl Collection {
    fn read(document: &Json, base_url: &str) -> Result<Self, Failure> {
        let mut folders = Vec::new();
        for tag in items(document, "tags") {
            let (name, about) = (text(tag, "name").to_owned(), text(tag, "description").to_owned());
            folders.push(Folder { name, about, requests: Vec::new() });
        }
        for (path, item) in members(document, "paths") {
            let shared: Vec<_> = items(item, "parameters").collect();
            for method in METHODS {
                let Some(operation) = member(item, method) else { continue };
                let tag = items(operation, "tags").next().and_then(Json::as_str);
                let folder = folders.iter_mut().find(|folder| Some(folder.name.as_str()) == tag);
                let folder = folder.ok_or_else(|| format!("{method} {path} has no tag"))?;
                let request = Request::read(document, (path, method), operation, &shared)?;
                folder.requests.push(request);
            }
        }
        // A folder can be sent from its first request to its last.
        for folder in &mut folders {
            folder.requests.sort_by_key(|one| (one.operation != SIGN_IN, one.method == "DELETE"));
        }
        Ok(Self { base_url: base_url.to_owned(), folders })
    }
}

impl Request {
    fn read(
        document: &Json,
        (path, method): (&str, &str),
        operation: &Json,
        shared: &[&Json],
    ) -> Result<Self, Failure> {
        let mut request = Self {
            operation: text(operation, "operationId").to_owned(),
            name: text(operation, "summary").to_owned(),
            about: text(operation, "description").to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            path_values: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::read(path, operation),
            authorization: Authorization::read(operation),
            sets: None,
        };
        for reference in shared.iter().copied().chain(items(operation, "parameters")) {
            let parameter = resolve(document, reference)?;
            let read = Parameter::read(path, parameter);
            match text(parameter, "in") {
                "path" => request.path_values.push(read),
                "query" => request.query.push(read),
                _ => request.headers.push(read),
            }
        }
        if let Body::Text(media, _) = &request.body {
            let (name, value) = ("Content-Type".to_owned(), media.clone());
            request.headers.push(Parameter { name, value, enabled: true });
        }
        let creates = member(operation, "responses").and_then(|all| member(all, "201")).is_some();
        request.sets = match request.operation.as_str() {
            SIGN_IN => Some((TOKEN.to_owned(), "access_token")),
            "create_client" => Some(("client_id".to_owned(), "client_id")),
            _ if creates && method == "post" => Some((variable(path), "id")),
            _ => None,
        };
        Ok(request)
    }
}

impl Parameter {
    fn read(path: &str, parameter: &Json) -> Self {
        let (name, required) = (text(parameter, "name"), is(parameter, "required"));
        let schema = member(parameter, "schema");
        let default = schema.and_then(|schema| member(schema, "default"));
        let first = schema.and_then(|schema| items(schema, "enum").next());
        let value = match (text(parameter, "in"), name) {
            ("path", "id") => braced(&variable(before(path, "/{id}"))),
            ("path", "value") => braced(before(path, "/{value}").rsplit('/').next().unwrap_or("")),
            ("path", name) | (_, name @ "user_id") => braced(name),
            (_, "filter") => format!("preferred_email eq \"{}\"", braced("preferred_email")),
            (_, "If-Match" | "If-None-Match") => "*".to_owned(),
            (_, "Idempotency-Key") => braced("$guid"),
            _ => default.or(first).map(shown).unwrap_or_default(),
        };
        let enabled = required || name == "Idempotency-Key";
        Self { name: name.to_owned(), value, enabled }
    }
}

impl Body {
    fn read(path: &str, operation: &Json) -> Self {
        const FORM: &str = "application/x-www-form-urlencoded";
        let content = member(operation, "requestBody").and_then(|body| member(body, "content"));
        // Of several media types the last is the plainest: JSON alone, or CSV.
        let Some((media, content)) = content.and_then(|content| members(content, "").next_back())
        else {
            return Self::None;
        };
        match (media, member(content, "example")) {
            (FORM, example) => {
                let pairs = example.into_iter().flat_map(|example| members(example, ""));
                let read = |(name, value): (&str, &Json)| Parameter {
                    name: name.to_owned(),
                    value: if name == "token" { braced(TOKEN) } else { shown(value) },
                    // Without the first the token has all default scopes of the client. The second
                    // is in a header.
                    enabled: !matches!(name, "scope" | "access_token"),
                };
                Self::Form(pairs.map(read).collect())
            }
            (_, None) => Self::None,
            ("application/json", Some(example)) => {
                Self::Json(writer::text(&with_variables(path, "", example), Layout::BODY))
            }
            (media, Some(example)) => Self::Text(media.to_owned(), shown(example)),
        }
    }
}

impl Authorization {
    fn read(operation: &Json) -> Self {
        let schemes: Vec<_> =
            items(operation, "security").flat_map(|one| members(one, "")).collect();
        let takes = |scheme: &str| schemes.iter().any(|(name, _)| *name == scheme);
        if takes(ACCESS_TOKEN) {
            Self::Token
        } else if takes(USER_TOKEN) {
            Self::PersonToken
        } else if takes(CLIENT) {
            Self::Client
        } else {
            Self::None
        }
    }
}

/// An example with variables in the place of ids that the service makes. The id of a new resource
/// is omitted: the service makes it.
fn with_variables(path: &str, name: &str, example: &Json) -> Json {
    match example {
        Json::Object(members) => {
            let kept = members.iter().filter(|(name, value)| *name != "id" || !is_uuid(value));
            let read =
                |(name, value): (&String, &Json)| (name.clone(), with_variables(path, name, value));
            Json::Object(kept.map(read).collect::<Object>())
        }
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| with_variables(path, name, item)).collect())
        }
        id if is_uuid(id) => Json::from(braced(&match name {
            "attributes" => "attribute_definition_id".to_owned(),
            "ids" if path.contains("/systems/") => "system_profile_id".to_owned(),
            "ids" => "user_id".to_owned(),
            other => other.to_owned(),
        })),
        other => other.clone(),
    }
}

fn is_uuid(value: &Json) -> bool {
    let parts = value.as_str().map(|text| text.split('-').map(str::len).collect::<Vec<_>>());
    parts.as_deref() == Some(&[8, 4, 4, 4, 12])
}

/// The variable of the id of a resource in a collection: `user_id` for `/identity/users`.
fn variable(path: &str) -> String {
    let many = path.rsplit('/').next().unwrap_or_default().replace('-', "_");
    let one = match many.strip_suffix("ies") {
        _ if path.ends_with("/systems/{system_id}/users") => "system_profile".to_owned(),
        Some(stem) => format!("{stem}y"),
        None => many.strip_suffix('s').unwrap_or(&many).to_owned(),
    };
    format!("{one}_id")
}

fn before<'p>(path: &'p str, end: &str) -> &'p str {
    path.split_once(end).map_or(path, |(before, _)| before)
}

/// A variable where its value belongs.
fn braced(variable: &str) -> String {
    format!("{{{{{variable}}}}}")
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_text(), str::to_owned)
}

fn resolve<'d>(document: &'d Json, reference: &Json) -> Result<&'d Json, Failure> {
    let path = text(reference, "$ref");
    let found = path.strip_prefix("#/").map(|path| path.split('/'));
    let found = found.and_then(|mut path| path.try_fold(document, member));
    found.ok_or_else(|| format!("`{path}` names nothing in the description"))
}

fn member<'j>(value: &'j Json, name: &str) -> Option<&'j Json> {
    value.as_object()?.get(name)
}

/// The members of a member, or of the value itself.
fn members<'j>(
    value: &'j Json,
    name: &str,
) -> impl DoubleEndedIterator<Item = (&'j str, &'j Json)> {
    let value = if name.is_empty() { Some(value) } else { member(value, name) };
    let members = value.and_then(Json::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn items<'j>(value: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    let found = match member(value, name) {
        Some(Json::Array(items)) => items.as_slice(),
        _ => &[],
    };
    found.iter()
}

fn text<'j>(value: &'j Json, name: &str) -> &'j str {
    member(value, name).and_then(Json::as_str).unwrap_or_default()
}

fn is(value: &Json, name: &str) -> bool {
    member(value, name) == Some(&Json::Bool(true))
}
