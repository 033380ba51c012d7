//! A request, which is sent when awaited.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use axum::Router;
use axum::body::{Body, Bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use shared::http::edge::Address;
use shared::store::meter::Units;
use tower::ServiceExt as _;

use crate::answer::Answer;

/// A request that is not yet sent.
#[derive(Clone, Debug)]
pub struct Call {
    router: Router,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    address: Option<Address>,
}

impl Call {
    /// A request without headers and body.
    pub fn new(router: Router, method: &str, path: &str) -> Self {
        let method = method.parse().expect("a method");
        Self {
            router,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            address: None,
        }
    }

    /// Comes from this address.
    pub fn from(mut self, address: &str) -> Self {
        self.address = Some(Address(address.to_owned()));
        self
    }

    /// Adds a line of a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_ref()).expect("a header's value"));
        self
    }

    /// Takes a header away.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends an access token, in place of any other.
    pub fn token(self, token: &str) -> Self {
        self.without(AUTHORIZATION.as_str()).header("authorization", format!("Bearer {token}"))
    }

    /// Adds a line of If-Match.
    pub fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag)
    }

    /// Adds a line of If-None-Match.
    pub fn if_none_match(self, tag: &str) -> Self {
        self.header("if-none-match", tag)
    }

    /// Sends an Idempotency-Key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Sends JSON.
    #[expect(clippy::needless_pass_by_value, reason = "callers write `json!` in the argument")]
    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends a form.
    pub fn form(self, parameters: &[(&str, &str)]) -> Self {
        let body =
            parameters.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        let body = body.collect::<Vec<_>>().join("&");
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sends any body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_str(content_type).expect("a content type"));
        self.body = body.into();
        self
    }
}

/// Escapes everything in a form's value that is not plain.
pub fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut request = Request::new(Body::from(self.body));
            *request.method_mut() = self.method;
            *request.uri_mut() =
                self.path.parse().unwrap_or_else(|error| panic!("{error}: {}", self.path));
            *request.headers_mut() = self.headers;
            if let Some(address) = self.address {
                request.extensions_mut().insert(address);
            }
            let response = match self.router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (mut parts, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            let units = parts.extensions.remove::<Units>().unwrap_or_default();
            Answer { status: parts.status, headers: parts.headers, body, units }
        })
    }
}
