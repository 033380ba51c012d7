//! Requests of web pages of other origins, as API Gateway answers them when the parameter
//! `AllowedOrigins` of `template.yaml` names the origins. A test compares the two.
//!
//! As API Gateway does, this answers preflight requests itself, so that no function sees them.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use shared::http::cross_origin::is_preflight;

/// The methods that pages may use.
pub const ALLOWED_METHODS: &str = "*";
/// The request headers that pages may set, besides the safelisted ones.
pub const ALLOWED_HEADERS: &str = "authorization,content-type,if-match,if-none-match,kith-reason,\
                                   idempotency-key,dpop,traceparent,tracestate,x-request-id,\
                                   x-correlation-id";
/// The response headers that pages may read, besides the safelisted ones.
pub const EXPOSED_HEADERS: &str = "etag,user-etag,location,retry-after,allow,accept-patch,\
                                   accept-encoding,idempotency-replayed,www-authenticate,\
                                   x-amzn-remapped-www-authenticate,traceparent,x-request-id,\
                                   x-correlation-id";
/// How long a browser may remember the answer to a preflight request, in seconds.
pub const MAX_AGE: &str = "7200";

/// Origins whose pages may call the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// All of them.
    Any,
    /// All origins of a scheme, such as `https://`.
    Scheme(String),
    /// One.
    One(String),
}

impl Origin {
    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Scheme(scheme) => origin.starts_with(scheme),
            Self::One(one) => origin == one,
        }
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected an origin, e.g. https://app.example.com, or `*`, `https://*` or `http://*`"
                .to_owned()
        };
        match text {
            "*" => return Ok(Self::Any),
            "https://*" | "http://*" => return Ok(Self::Scheme(text.replace('*', ""))),
            _ => {}
        }
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(expected)?;
        // Browsers write an origin in lower case, without user, path and slash (RFC 6454 §6.2).
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        // And without the port that the scheme has anyway.
        let usual =
            matches!((scheme, authority.port_u16()), ("https", Some(443)) | ("http", Some(80)));
        let known = matches!(scheme, "https" | "http");
        let plain = known && !usual && !authority.as_str().contains(['@', '*']);
        if plain && text.eq_ignore_ascii_case(&origin) {
            Ok(Self::One(origin))
        } else {
            Err(expected())
        }
    }
}

/// Lets pages of these origins call the router; without any it stays as it is.
pub fn allow(router: Router, origins: Vec<Origin>) -> Router {
    if origins.is_empty() {
        return router;
    }
    let origins: Arc<[Origin]> = origins.into();
    router.layer(from_fn(move |request: Request, next: Next| {
        let origins = origins.clone();
        async move { answer(&origins, request, next).await }
    }))
}

async fn answer(origins: &[Origin], request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let allowed = origin.to_str().is_ok_and(|text| origins.iter().any(|one| one.allows(text)));
    let origin =
        if origins.contains(&Origin::Any) { HeaderValue::from_static("*") } else { origin };
    if is_preflight(request.method(), request.headers()) {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if allowed {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOWED_METHODS));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
        return response;
    }
    let mut response = next.run(request).await;
    // API Gateway ignores what a function says of it.
    response.headers_mut().remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    if allowed {
        expose(response.headers_mut(), origin);
    }
    response
}

/// Lets the page read an answer. If every page may read the answer, caches need no `Vary`.
fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    if origin != "*" {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use shared::http::cross_origin::open_to_all;
    use tower::ServiceExt as _;

    use super::*;

    const APP: &str = "https://app.example";

    /// A service with a route and a document for everybody, for pages of these origins.
    fn service(origins: &[&str]) -> Router {
        let document = async || {
            let mut response = "document".into_response();
            open_to_all(response.headers_mut());
            response
        };
        let router = Router::new().route("/me", get(async || "me")).route("/keys", get(document));
        allow(router, origins.iter().map(|origin| origin.parse().unwrap()).collect())
    }

    async fn call(
        service: &Router,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn allowed(response: &Response) -> Option<&str> {
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn ec8_a_page_of_an_origin_that_is_named_reads_answers_and_their_headers() {
        let service = service(&[APP, "http://localhost:5173"]);
        for origin in [APP, "http://localhost:5173"] {
            let answer = call(&service, "GET", "/me", &[("origin", origin)]).await;
            assert_eq!((answer.status(), allowed(&answer)), (StatusCode::OK, Some(origin)));
            assert_eq!(answer.headers()["vary"], "origin");
            let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
            assert!(exposed.split(',').any(|name| name == "etag"), "{exposed}");
        }
        for other in [
            "https://app.example.evil.example",
            "https://app.example:8443",
            "http://app.example",
            "https://APP.example",
            "null",
        ] {
            let answer = call(&service, "GET", "/me", &[("origin", other)]).await;
            assert_eq!((answer.status(), allowed(&answer)), (StatusCode::OK, None), "{other}");
            assert!(!answer.headers().contains_key("access-control-expose-headers"), "{other}");
        }
        assert_eq!(allowed(&call(&service, "GET", "/me", &[]).await), None);
    }

    #[tokio::test]
    async fn ec8_preflight_requests_are_answered_before_any_route() {
        let service = service(&[APP]);
        let asks = ("access-control-request-method", "PATCH");
        for path in ["/me", "/nothing"] {
            let answer = call(&service, "OPTIONS", path, &[("origin", APP), asks]).await;
            assert_eq!((answer.status(), allowed(&answer)), (StatusCode::NO_CONTENT, Some(APP)));
            let header = |name: &str| answer.headers()[name].to_str().unwrap();
            assert_eq!(header("access-control-allow-methods"), ALLOWED_METHODS);
            assert_eq!(header("access-control-allow-headers"), ALLOWED_HEADERS);
            assert_eq!(header("access-control-max-age"), MAX_AGE);
        }
        let refused =
            call(&service, "OPTIONS", "/me", &[("origin", "https://evil.example"), asks]).await;
        assert_eq!((refused.status(), allowed(&refused)), (StatusCode::NO_CONTENT, None));
        // Without both headers it is another request, which the route refuses.
        for headers in [&[("origin", APP)][..], &[asks], &[]] {
            let other = call(&service, "OPTIONS", "/me", headers).await;
            assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn ec8_a_document_for_everybody_is_read_by_every_page_unless_origins_are_named() {
        let other = "https://other.example";
        for (origins, of_app, of_other) in [
            (&[][..], Some("*"), Some("*")),
            (&["*"], Some("*"), Some("*")),
            (&[APP], Some(APP), None),
        ] {
            for (origin, due) in [(APP, of_app), (other, of_other)] {
                let answer = call(&service(origins), "GET", "/keys", &[("origin", origin)]).await;
                assert_eq!(allowed(&answer), due, "{origins:?} {origin}");
            }
        }
        assert_eq!(allowed(&call(&service(&[]), "GET", "/me", &[("origin", APP)]).await), None);
        let all = call(&service(&["*"]), "GET", "/me", &[("origin", APP)]).await;
        assert_eq!(allowed(&all), Some("*"));
        let https = service(&["https://*"]);
        let mine = call(&https, "GET", "/me", &[("origin", APP)]).await;
        assert_eq!(allowed(&mine), Some(APP));
        let plain = call(&https, "GET", "/me", &[("origin", "http://app.example")]).await;
        assert_eq!(allowed(&plain), None);
    }

    #[test]
    fn ec8_an_origin_has_a_scheme_and_a_host_and_no_path() {
        for (text, origin) in [
            ("*", Origin::Any),
            ("https://*", Origin::Scheme("https://".to_owned())),
            ("https://App.Example", Origin::One(APP.to_owned())),
            ("http://[::1]:5173", Origin::One("http://[::1]:5173".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(origin), "{text}");
        }
        for wrong in [
            "",
            "app.example",
            "https://",
            "https://app.example/",
            "https://app.example/x",
            "https://app.example?x",
            "https://me@app.example",
            "https://*.example",
            "ftp://app.example",
            "null",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
