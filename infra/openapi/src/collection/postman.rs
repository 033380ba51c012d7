//! A collection for Postman (Collection Format 2.1).

use shared::domain::Json;
use shared::object;

use super::{
    ABOUT, Authorization, Body, Collection, File, Folder, PERSON, Parameter, Request, TOKEN,
};
use super::{URL, VARIABLES, braced};
use crate::writer::{self, Layout};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

pub(super) fn file(collection: &Collection) -> File {
    let variables = [(URL, collection.base_url.as_str())].into_iter().chain(VARIABLES);
    let document = object! {
        "info" => object! { "name" => "Kith", "description" => ABOUT, "schema" => SCHEMA },
        "auth" => bearer(TOKEN),
        "variable" => variables.map(|(key, value)| pair(key, value)).collect::<Vec<_>>(),
        "item" => collection.folders.iter().map(folder).collect::<Vec<_>>(),
    };
    File {
        path: "kith.json".to_owned(),
        text: writer::text(&Json::Object(document), Layout::BODY) + "\n",
    }
}

fn folder(folder: &Folder) -> Json {
    Json::Object(object! {
        "name" => folder.name.as_str(),
        "description" => folder.about.as_str(),
        "item" => folder.requests.iter().map(item).collect::<Vec<_>>(),
    })
}

fn item(request: &Request) -> Json {
    let mut sent = object! {
        "method" => request.method.as_str(),
        "description" => request.about.as_str(),
        "header" => parameters(&request.headers),
        "url" => url(request),
    };
    let authorization = match request.authorization {
        Authorization::Token => None,
        Authorization::None => Some(Json::Object(object! { "type" => "noauth" })),
        Authorization::PersonToken => Some(bearer(PERSON)),
        Authorization::Client => Some(Json::Object(object! {
            "type" => "basic",
            "basic" => vec![
                typed("username", "KITH_CLIENT_ID"), typed("password", "KITH_CLIENT_SECRET"),
            ],
        })),
    };
    sent.extend(authorization.map(|authorization| ("auth".to_owned(), authorization)));
    sent.extend(body(&request.body).map(|body| ("body".to_owned(), body)));
    let mut item = object! { "name" => request.name.as_str(), "request" => sent };
    if let Some((variable, member)) = &request.sets {
        let lines = [
            format!("const id = pm.response.code < 300 && pm.response.json().{member};"),
            format!("if (id) pm.collectionVariables.set('{variable}', id);"),
        ];
        let script = object! { "type" => "text/javascript", "exec" => lines.to_vec() };
        let event = object! { "listen" => "test", "script" => script };
        item.insert("event".to_owned(), Json::from(vec![event]));
    }
    Json::Object(item)
}

fn url(request: &Request) -> Json {
    let path = in_colons(&request.path);
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let sent = request.query.iter().filter(|parameter| parameter.enabled);
    let sent: Vec<_> = sent.map(|one| format!("{}={}", one.name, one.value)).collect();
    let mark = if sent.is_empty() { "" } else { "?" };
    let values = request.path_values.iter();
    Json::Object(object! {
        "raw" => format!("{}{path}{mark}{}", braced(URL), sent.join("&")),
        "host" => vec![braced(URL)],
        "path" => segments,
        "query" => parameters(&request.query),
        "variable" => values.map(|one| pair(&one.name, &one.value)).collect::<Vec<_>>(),
    })
}

/// A path with `:parameters`.
pub(super) fn in_colons(path: &str) -> String {
    let segment = |segment: &str| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.map_or_else(|| segment.to_owned(), |name| format!(":{name}"))
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn body(body: &Body) -> Option<Json> {
    let raw = |text: &str, language: &str| {
        let options = object! { "raw" => object! { "language" => language } };
        object! { "mode" => "raw", "raw" => text, "options" => options }
    };
    Some(Json::Object(match body {
        Body::None => return None,
        Body::Json(text) => raw(text, "json"),
        Body::Text(_, text) => raw(text, "text"),
        Body::Form(pairs) => object! {
            "mode" => "urlencoded",
            "urlencoded" => parameters(pairs),
        },
    }))
}

fn parameters(parameters: &[Parameter]) -> Vec<Json> {
    let read = |parameter: &Parameter| {
        let mut pair = object! { "key" => &parameter.name, "value" => &parameter.value };
        if !parameter.enabled {
            pair.insert("disabled".to_owned(), Json::from(true));
        }
        Json::Object(pair)
    };
    parameters.iter().map(read).collect()
}

fn pair(key: &str, value: &str) -> Json {
    Json::Object(object! { "key" => key, "value" => value })
}

fn bearer(variable: &str) -> Json {
    Json::Object(object! { "type" => "bearer", "bearer" => vec![typed("token", variable)] })
}

fn typed(key: &str, variable: &str) -> Json {
    Json::Object(object! { "key" => key, "value" => braced(variable), "type" => "string" })
}
