//! A collection for Bruno: a folder of files in Bru, Bruno's markup.

use std::fmt::Write as _;

use shared::domain::Json;
use shared::object;

use super::postman::in_colons;
use super::{
    ABOUT, Authorization, Body, Collection, File, Folder, PERSON, Parameter, Request, TOKEN,
};
use super::{URL, VARIABLES, braced};
use crate::writer::{self, Layout};

pub(super) fn files(collection: &Collection) -> Vec<File> {
    let settings = object! {
        "version" => "1", "name" => "Kith", "type" => "collection", "ignore" => vec![".git"],
    };
    let mut files = vec![
        file("bruno.json", writer::text(&Json::Object(settings), Layout::BODY) + "\n"),
        file("collection.bru", whole(collection)),
        file(
            "environments/kith serve.bru",
            format!(
                "vars {{\n  {URL}: {}\n  KITH_CLIENT_ID: \n}}\nvars:secret [\n  \
                 KITH_CLIENT_SECRET\n]\n",
                collection.base_url
            ),
        ),
    ];
    for (folder, number) in collection.folders.iter().zip(1_usize..) {
        files.push(file(&format!("{}/folder.bru", folder.name), of_folder(folder, number)));
        for (request, number) in folder.requests.iter().zip(1_usize..) {
            let path = format!("{}/{}.bru", folder.name, request.operation);
            files.push(file(&path, of_request(request, number)));
        }
    }
    files
}

fn file(path: &str, text: String) -> File {
    File { path: path.to_owned(), text }
}

fn whole(collection: &Collection) -> String {
    let mut bru = Bru::default();
    bru.pairs("auth", [("mode", "bearer".to_owned())]);
    bru.pairs("auth:bearer", [("token", braced(TOKEN))]);
    let variables = [(URL, collection.base_url.as_str())].into_iter().chain(VARIABLES);
    bru.pairs("vars:pre-request", variables.map(|(name, value)| (name, value.to_owned())));
    bru.text("docs", ABOUT);
    bru.0
}

fn of_folder(folder: &Folder, number: usize) -> String {
    let mut bru = Bru::default();
    bru.pairs("meta", [("name", folder.name.clone()), ("seq", number.to_string())]);
    bru.pairs("auth", [("mode", "inherit".to_owned())]);
    bru.text("docs", &folder.about);
    bru.0
}

fn of_request(request: &Request, number: usize) -> String {
    let mut bru = Bru::default();
    let meta =
        [("name", request.name.clone()), ("type", "http".to_owned()), ("seq", number.to_string())];
    bru.pairs("meta", meta);
    let body = match request.body {
        Body::None => "none",
        Body::Json(_) => "json",
        Body::Form(_) => "formUrlEncoded",
        Body::Text(..) => "text",
    };
    let authorization = match request.authorization {
        Authorization::None => "none",
        Authorization::Client => "basic",
        Authorization::Token => "inherit",
        Authorization::PersonToken => "bearer",
    };
    let sent = request.query.iter().filter(|parameter| parameter.enabled);
    let sent: Vec<_> = sent.map(|one| format!("{}={}", one.name, one.value)).collect();
    let mark = if sent.is_empty() { "" } else { "?" };
    let url = format!("{}{}{mark}{}", braced(URL), in_colons(&request.path), sent.join("&"));
    let pairs = [("url", url), ("body", body.to_owned()), ("auth", authorization.to_owned())];
    bru.pairs(&request.method.to_lowercase(), pairs);
    bru.parameters("params:query", &request.query);
    bru.parameters("params:path", &request.path_values);
    bru.parameters("headers", &request.headers);
    match request.authorization {
        Authorization::Client => bru.pairs(
            "auth:basic",
            [("username", braced("KITH_CLIENT_ID")), ("password", braced("KITH_CLIENT_SECRET"))],
        ),
        Authorization::PersonToken => bru.pairs("auth:bearer", [("token", braced(PERSON))]),
        Authorization::None | Authorization::Token => {}
    }
    match &request.body {
        Body::None => {}
        Body::Json(text) => bru.text("body:json", text),
        Body::Text(_, text) => bru.text("body:text", text),
        Body::Form(pairs) => bru.parameters("body:form-urlencoded", pairs),
    }
    if let Some((variable, member)) = &request.sets {
        let script = format!("if (res.status < 300) bru.setVar('{variable}', res.body.{member});");
        bru.text("script:post-response", &script);
    }
    bru.text("docs", &request.about);
    bru.0
}

/// A file in Bru.
#[derive(Default)]
struct Bru(String);

impl Bru {
    /// Adds a block of pairs.
    fn pairs<'n>(&mut self, name: &str, pairs: impl IntoIterator<Item = (&'n str, String)>) {
        let lines = pairs.into_iter().map(|(name, value)| format!("{name}: {value}"));
        self.text(name, &lines.collect::<Vec<_>>().join("\n"));
    }

    /// Adds a block of parameters, if there are any; those that are not sent are marked by `~`.
    fn parameters(&mut self, name: &str, parameters: &[Parameter]) {
        if parameters.is_empty() {
            return;
        }
        let line = |parameter: &Parameter| {
            let mark = if parameter.enabled { "" } else { "~" };
            format!("{mark}{}: {}", parameter.name, parameter.value)
        };
        self.text(name, &parameters.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    /// Adds a block of text.
    fn text(&mut self, name: &str, text: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        // INVARIANT: writing to a string does not fail.
        let _ = writeln!(self.0, "{gap}{name} {{");
        for line in text.trim_end().lines() {
            let _ = writeln!(self.0, "{}", format!("  {line}").trim_end());
        }
        self.0.push_str("}\n");
    }
}
