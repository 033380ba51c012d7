//! A sample event: a request as API Gateway sends it to a function, with placeholders.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::serve::functions;
use serde_json::{Value, json};
use shared::env::Timestamp;
use shared::http::Route;

use crate::failure::Failure;

/// The placeholder of a bearer token.
const TOKEN: &str = "<token>";
/// The placeholder of the credentials of a client.
const CREDENTIALS: &str = "<credentials>";

/// An event that is being filled.
pub(super) struct SampleEvent {
    content: Value,
    /// The body as it is, also where the event has it in base64.
    body: Option<String>,
    /// The route that it calls.
    pub(super) route: &'static Route,
}

impl SampleEvent {
    /// Reads an event of the folder by its name, or another file.
    pub(super) fn read(event: &str, folder: &Path) -> Result<Self, Failure> {
        let named = folder.join(format!("{event}.json"));
        let path = if named.is_file() { named } else { PathBuf::from(event) };
        let text = fs::read(&path).map_err(|error| {
            format!(
                "there is no event `{event}` in `{}` ({error}); expected e.g. `users/get_user`, in \
                 the root of a checkout",
                folder.display()
            )
        })?;
        let broken = |why: &str| format!("`{}`: {why}", path.display());
        let mut content: Value =
            serde_json::from_slice(&text).map_err(|error| broken(&error.to_string()))?;
        let operation = path.file_name().and_then(|name| name.to_str()?.split('.').next());
        let route = functions().into_iter().flatten();
        let route = route.into_iter().find(|route| Some(route.name) == operation);
        let route = route
            .ok_or_else(|| broken("the name of the file names no operation of the service"))?;
        let encoded = content.get("isBase64Encoded") == Some(&Value::Bool(true));
        let body = match content.get_mut("body").map(Value::take) {
            Some(Value::String(body)) if encoded => {
                let bytes = STANDARD.decode(&body).map_err(|error| broken(&error.to_string()))?;
                Some(String::from_utf8(bytes).map_err(|error| broken(&error.to_string()))?)
            }
            Some(Value::String(body)) => Some(body),
            _ => None,
        };
        Ok(Self { content, body, route })
    }

    /// Whether the event speaks of something.
    pub(super) fn names(&self, text: &str) -> bool {
        self.body.as_ref().is_some_and(|body| body.contains(text)) || any(&self.content, text)
    }

    /// Puts a text in the place of another, wherever it stands.
    pub(super) fn replace(&mut self, old: &str, new: &str) {
        if let Some(body) = &mut self.body {
            *body = body.replace(old, new);
        }
        replace(&mut self.content, old, new);
    }

    /// Whether the event needs a bearer token.
    pub(super) fn needs_token(&self) -> bool {
        any(&self.content, TOKEN)
    }

    /// Whether the event needs the credentials of a client.
    pub(super) fn needs_credentials(&self) -> bool {
        any(&self.content, CREDENTIALS)
    }

    pub(super) fn set_token(&mut self, token: &str) {
        replace(&mut self.content, TOKEN, token);
    }

    pub(super) fn set_credentials(&mut self, id: &str, secret: &str) {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        replace(&mut self.content, CREDENTIALS, &credentials);
    }

    /// The event as text, sent now to the host of a URL.
    pub(super) fn finish(mut self, url: &str, now: Timestamp) -> String {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        if let Some(context) = self.content.get_mut("requestContext").and_then(Value::as_object_mut)
        {
            context.insert("domainName".to_owned(), host.into());
            let prefix = host.split('.').next().unwrap_or(host);
            context.insert("domainPrefix".to_owned(), prefix.into());
            context.insert("timeEpoch".to_owned(), now.millis().into());
            // API Gateway writes it in another form too, which nobody reads.
            context.remove("time");
        }
        if url.starts_with("http://") {
            // On this machine cookies have plain names.
            replace(&mut self.content, "__Host-Http-", "");
        }
        let encoded = self.content.get("isBase64Encoded") == Some(&Value::Bool(true));
        if let Some(headers) = self.content.get_mut("headers").and_then(Value::as_object_mut) {
            headers.insert("host".to_owned(), host.into());
            if let Some(origin) = headers.get_mut("origin") {
                *origin = url.into();
            }
            if let Some(body) = &self.body {
                headers.insert("content-length".to_owned(), body.len().to_string().into());
            }
        }
        if let Some(body) = self.body {
            let body = if encoded { STANDARD.encode(body) } else { body };
            if let Some(event) = self.content.as_object_mut() {
                event.insert("body".to_owned(), json!(body));
            }
        }
        format!("{:#}", self.content)
    }
}

/// Whether a text stands anywhere in a document.
fn any(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(items) => items.iter().any(|item| any(item, text)),
        Value::Object(members) => members.values().any(|member| any(member, text)),
        _ => false,
    }
}

fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(found) if found.contains(old) => *found = found.replace(old, new),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, old, new)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, old, new)),
        _ => {}
    }
}
