//! Requests to a running service and its responses.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use shared::domain::Json;

use crate::failure::Failure;

/// A request that may be sent again: a GET, or a POST with an Idempotency-Key.
pub(crate) struct RemoteRequest<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, &'a str)>,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
}

impl<'a> RemoteRequest<'a> {
    pub(crate) const fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), headers: Vec::new(), body: None }
    }

    /// An idempotent change of a field, which needs no particular version of the resource.
    pub(crate) fn patch(path: &'a str, body: Vec<u8>) -> Self {
        Self {
            method: Method::PATCH,
            headers: vec![("if-match", "*")],
            body: Some(("application/json", body)),
            ..Self::get(path)
        }
    }

    pub(crate) fn delete(path: &'a str) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// A POST without a body that is worked on once, however often it is sent.
    pub(crate) fn act(path: &'a str, key: &'a str) -> Self {
        Self { method: Method::POST, headers: vec![("idempotency-key", key)], ..Self::get(path) }
    }

    /// A POST that is worked on once, however often it is sent.
    pub(crate) fn post(
        path: &'a str,
        key: &'a str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Self {
        Self { body: Some((content_type, body)), ..Self::act(path, key) }
    }

    /// Takes the key away: a POST whose answer has a secret takes none, and a repeat has an effect
    /// of its own.
    pub(crate) fn without_key(mut self) -> Self {
        self.headers.retain(|(name, _)| *name != "idempotency-key");
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The response of the service.
pub(crate) struct RemoteResponse {
    pub(crate) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl RemoteResponse {
    /// The text of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, with every digit.
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        Ok(Json::parse(&self.body)
            .map_err(|error| format!("the service did not answer with JSON: {error}"))?)
    }

    /// The body as JSON without numbers of many digits.
    pub(crate) fn value(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.body)
            .map_err(|error| format!("the service did not answer with JSON: {error}"))?)
    }

    /// The answer if it is a success, else what it says.
    pub(crate) fn good(self, path: &str) -> Result<Self, Failure> {
        if self.status.is_success() { Ok(self) } else { Err(self.problem(path)) }
    }

    fn problem(&self, path: &str) -> Failure {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut lines = vec![format!("{path}: {}: {}", self.status, text("detail"))];
        for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            lines.push(format!("  {} {}: {}", text("pointer"), text("code"), text("detail")));
        }
        lines.join("\n").into()
    }
}
