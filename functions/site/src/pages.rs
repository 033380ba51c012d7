//! Pages for browsers, and the same facts as JSON for programs.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Value, json};
use shared::axum::body::Body;
use shared::axum::extract::Path;
use shared::axum::response::Response;
use shared::http::Rejection;
use shared::http::negotiation::preferred;

use crate::file::{BRIEF, File, ICON, REFERENCE, STYLE, SWAGGER_UI, SWAGGER_UI_STYLE};
use crate::problem_types::ProblemType;

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Shows what the service is, and where to go on.
pub(crate) async fn service(headers: HeaderMap) -> Result<Response, Rejection> {
    let facts = || {
        json!({
            "name": "Kith",
            "version": VERSION,
            "description": "/openapi.json",
            "description_3_0": "/openapi-3.0.json",
            "reference": "/docs",
            "health": "/health",
            "authorization_server": "/.well-known/oauth-authorization-server/idhub/oidc",
        })
    };
    let content = || {
        html! {
            h1 { "Kith" }
            p { "Kith stores user profiles. Back ends create, search and synchronise them over an \
                 HTTP API; people manage their own." }
            p.quiet { "Version " (VERSION) }
            h2 { "For developers" }
            ul {
                li { a href="/docs" { "API reference" } ": every operation, with a form to try it" }
                li {
                    a href="/openapi.json" { "OpenAPI description" } " and "
                    a href="/openapi-3.0.json" { "its copy in OpenAPI 3.0" }
                    ", for generators of clients"
                }
                li {
                    a href="/.well-known/oauth-authorization-server/idhub/oidc" { "OAuth metadata" }
                    ": where to get a token, and by which methods"
                }
                li { a href="/idhub/oidc/v1/jwks" { "Public keys" } " of access tokens" }
            }
            h2 { "For operators" }
            ul {
                li { a href="/health" { "Health" } ": whether the service and its table answer" }
            }
        }
    };
    negotiated(&headers, facts, || layout("Kith", &content()))
}

/// Shows the API reference.
pub(crate) async fn reference() -> Response {
    let content = html! {
        noscript { "The API reference needs JavaScript. " a href="/openapi.json" { "The \
                    description" } " does not." }
        main #reference {}
        script src=(SWAGGER_UI.path()) {}
        script src=(REFERENCE.path()) {}
    };
    let page = document("API reference – Kith", &SWAGGER_UI_STYLE, &content);
    answer("text/html; charset=utf-8", page.into_string())
}

/// Explains a problem type.
pub(crate) async fn problem_type(
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let found = ProblemType::named(&slug).ok_or(Rejection::NoRoute)?;
    let (title, status) = (found.title(), found.status());
    let facts = || {
        json!({
            "type": format!("/problems/{}", found.slug),
            "title": title,
            "status": status,
            "cause": found.cause,
            "action": found.action,
        })
    };
    let content = || {
        html! {
            h1 { (title) }
            dl {
                dt { "Status" }
                dd { @if let Some(status) = status { (status) } }
                dt { "Type" }
                dd { code { "/problems/" (found.slug) } }
                dt { "Cause" }
                dd { (with_code(found.cause)) }
                dt { "What to do" }
                dd { (with_code(found.action)) }
            }
            p.quiet {
                "The answer has more: " code { "detail" } " says what is wrong with the request, "
                code { "errors" } " lists every field at fault, and " code { "request_id" }
                " finds the request in the log."
            }
        }
    };
    negotiated(&headers, facts, || layout(&format!("{title} – Kith"), &content()))
}

/// Answers with the page if the caller prefers HTML, and else with JSON.
fn negotiated(
    headers: &HeaderMap,
    facts: impl FnOnce() -> Value,
    page: impl FnOnce() -> Markup,
) -> Result<Response, Rejection> {
    let mut response = match preferred(headers, &[JSON, HTML])? {
        HTML => answer("text/html; charset=utf-8", page().into_string()),
        _ => answer(JSON, facts().to_string()),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

fn answer(media: &'static str, content: String) -> Response {
    let mut response = Response::new(Body::from(content));
    let mut set = |name: HeaderName, value| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, media);
    set(CACHE_CONTROL, BRIEF);
    response
}

/// A page of text.
fn layout(title: &str, content: &Markup) -> Markup {
    let body = html! {
        header { nav { a href="/" { "Kith" } " · " a href="/docs" { "API reference" } } }
        main { (content) }
    };
    document(title, &STYLE, &body)
}

/// A whole document.
fn document(title: &str, style: &File, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" href=(ICON.path());
                link rel="stylesheet" href=(style.path());
            }
            body { (body) }
        }
    }
}

/// Text in which backticks enclose code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}
