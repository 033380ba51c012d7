//! The site of the service: its description and API reference, the pages of its problem types, and
//! its health.

mod file;
mod health;
mod pages;
mod problem_types;

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use shared::app::App;
use shared::axum::extract::State;
use shared::axum::middleware::map_response;
use shared::axum::response::Response;
use shared::axum::routing::{MethodRouter, get};
use shared::http::Route;

pub use self::problem_types::{PROBLEM_TYPES, ProblemType};
use crate::health::Health;

/// The routes of this function.
pub static ROUTES: [Route; 7] = [
    Route::page("/", "get_service", || secured(get(pages::service))).summary("Show the start page"),
    Route::page("/docs", "get_reference", || secured(get(pages::reference)))
        .summary("Show the API reference"),
    Route::page("/assets/{version}/{name}", "get_asset", || secured(get(file::asset)))
        .summary("Read a file of the pages"),
    Route::page("/problems/{slug}", "get_problem_type", || secured(get(pages::problem_type)))
        .summary("Explain a problem type"),
    Route::read("GET", "/openapi.json", "get_description", (200, "OpenApiDocument"), || {
        secured(get(file::description))
    })
    .tagged()
    .summary("Read this description")
    .description("In OpenAPI 3.1."),
    Route::read(
        "GET",
        "/openapi-3.0.json",
        "get_description_3_0",
        (200, "OpenApiDocument"),
        || secured(get(file::description_3_0)),
    )
    .tagged()
    .summary("Read this description in OpenAPI 3.0"),
    Route::read("GET", "/health", "get_health", (200, "Health"), || {
        let health = Arc::<Health>::default();
        secured(get(move |State(app): State<App>| async move { health.check(&app).await }))
    })
    .summary("Check the health")
    .description("Asks the table, at most once a second."),
];

/// Scripts, styles and data come from the service alone, and no other site shows it in a frame.
const SECURITY_HEADERS: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// Adds the security headers to all answers of a route.
fn secured(route: MethodRouter<App>) -> MethodRouter<App> {
    route.layer(map_response(async |mut response: Response| {
        for (name, value) in SECURITY_HEADERS {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }))
}
