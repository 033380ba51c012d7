//! The edge around every request: its ids, its cost, its one log line, and the bodies of errors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Method};

use super::correlation::Correlation;
use super::cross_origin::{answer_preflight, is_preflight};
use super::problem::{Cause, LoggedError, Problem};
use super::rejection::Rejection;
use super::route::LoggedRoute;
use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::env::Env;
use crate::store::meter::CapacityMeter;

/// The header that names the request in logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The base URL at which a request arrived, for functions to which none was set.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

/// The id that an adapter gives to a request. Without one, the service makes it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The base URL by which this request reached the service.
pub fn base_url(app: &App, extensions: &http::Extensions) -> Result<String> {
    let set = app.base_url().map(str::to_owned);
    let derived = || extensions.get::<BaseUrl>().map(|base| base.0.clone());
    set.or_else(derived).ok_or_else(|| Error::unexpected("the request names no base URL"))
}

/// The address that a request came from, as its adapter knows it.
#[derive(Clone, Debug)]
pub struct Address(pub String);

/// The address that a request came from.
#[must_use]
pub fn address(extensions: &http::Extensions) -> &str {
    extensions.get::<Address>().map_or("-", |address| &address.0)
}

/// The caller that the log line names; set once the caller is known.
#[derive(Clone, Debug, Default)]
struct LoggedCaller(Arc<OnceLock<(String, String)>>);

/// Names the caller of a request in its log line.
pub fn name_caller(extensions: &http::Extensions, tenant: &TenantId, client: &str) {
    if let Some(LoggedCaller(names)) = extensions.get::<LoggedCaller>() {
        // A request has one caller.
        let _ = names.set((tenant.to_string(), client.to_owned()));
    }
}

/// Finishes a router: answers for paths and methods that do not exist, and the edge around every
/// request.
pub fn serve(router: Router, env: Env) -> Router {
    router
        .fallback(async |request: Request| unserved(&request, Rejection::NoRoute))
        .method_not_allowed_fallback(async |request: Request| {
            unserved(&request, Rejection::WrongMethod)
        })
        .layer(axum::middleware::from_fn(move |request, next| handle(request, next, env.clone())))
}

/// Refuses a request that no route takes. A preflight request is answered with success: API Gateway
/// hands it to the function whose route takes any method, and adds CORS headers to the answer,
/// which browsers heed only in an answer of success. Without those headers they send no request.
fn unserved(request: &Request, refusal: Rejection) -> Response {
    if is_preflight(request.method(), request.headers()) {
        answer_preflight(request.uri().path(), request.headers())
    } else {
        refusal.into_response()
    }
}

static WARM: AtomicBool = AtomicBool::new(false);

async fn handle(mut request: Request, next: Next, env: Env) -> Response {
    let started = env.clock.now();
    let cold_start = !WARM.swap(true, Ordering::Relaxed);
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(|| env.new_uuid().to_string(), |id| id.0.clone());
    request.extensions_mut().insert(RequestId(id.clone()));
    let trace = LoggedCaller::default();
    request.extensions_mut().insert(trace.clone());
    let operation = LoggedRoute::default();
    request.extensions_mut().insert(operation.clone());
    let (method, correlation) =
        (known_method(request.method()), Correlation::read(request.headers()));
    let meter = CapacityMeter::default();
    let mut response = meter.measure(next.run(request)).await;
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    correlation.echo(response.headers_mut());
    if let Some(Cause(cause)) = response.extensions_mut().remove::<Cause>() {
        tracing::error!(request_id = id, cause, "fault");
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        // The router takes it from an answer to HEAD, and keeps its length (RFC 9110 §8.6).
        *response.body_mut() = Body::from(problem.with_request_id(&id));
    }
    let units = meter.units();
    let (tenant, client) = trace.0.get().map_or(("-", "-"), |(tenant, client)| (tenant, client));
    let (operation, route) = operation.name_and_path();
    let error = response.extensions_mut().remove::<LoggedError>().map(|LoggedError(error)| error);
    tracing::info!(
        request_id = id,
        correlation_id = correlation.id,
        trace_id = correlation.trace_id(),
        parent_id = correlation.parent_id(),
        tenant,
        client,
        operation,
        method,
        route,
        status = response.status().as_u16(),
        error,
        milliseconds = env.clock.now().millis() - started.millis(),
        read_units = units.read,
        write_units = units.write,
        index_write_units = units.index_write,
        cold_start,
        "request"
    );
    response.extensions_mut().insert(units);
    response
}

/// The method for the log. Callers may send any word as a method.
fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("-")
}
