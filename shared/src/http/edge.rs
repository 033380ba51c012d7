//! What stands around every request: its id, its cost, its one log line, and the bodies of errors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method};

use super::problem::{Cause, Problem};
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

/// The base URL of the service as this request reached it.
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

/// Finishes a router: answers for paths and methods that do not exist, and what stands around every
/// request.
pub fn serve(router: Router, env: Env) -> Router {
    router
        .fallback(async || Rejection::NoRoute)
        .method_not_allowed_fallback(async || Rejection::WrongMethod)
        .layer(axum::middleware::from_fn(move |request, next| handle(request, next, env.clone())))
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
    let method = request.method().clone();
    let meter = CapacityMeter::default();
    let mut response = meter.measure(next.run(request)).await;
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(Cause(cause)) = response.extensions_mut().remove::<Cause>() {
        tracing::error!(request_id = id, cause, "fault");
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>()
        && method != Method::HEAD
    {
        *response.body_mut() = Body::from(problem.with_request_id(&id));
    }
    let units = meter.units();
    let (tenant, client) = trace.0.get().map_or(("-", "-"), |(tenant, client)| (tenant, client));
    tracing::info!(
        request_id = id,
        tenant,
        client,
        operation = operation.name(),
        status = response.status().as_u16(),
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
