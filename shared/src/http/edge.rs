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
use super::route::Operation;
use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::store::meter::Meter;
use crate::world::World;

/// The header that names the request in logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The base URL at which a request arrived, for functions to which none was set.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

/// The id that a door gives to a request; a door that has none gets one made.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The base URL of the service as this request reached it.
pub fn base_url(app: &App, extensions: &http::Extensions) -> Result<String> {
    let set = app.base_url().map(str::to_owned);
    let derived = || extensions.get::<BaseUrl>().map(|base| base.0.clone());
    set.or_else(derived).ok_or_else(|| Error::unexpected("no base URL is known"))
}

/// The address that a request came from, as its door knows it.
#[derive(Clone, Debug)]
pub struct Address(pub String);

/// The address that a request came from.
#[must_use]
pub fn address(extensions: &http::Extensions) -> &str {
    extensions.get::<Address>().map_or("-", |address| &address.0)
}

/// Who the log line names; filled in once the caller is known.
#[derive(Clone, Debug, Default)]
struct Trace(Arc<OnceLock<(String, String)>>);

/// Names the caller of a request in its log line.
pub fn name_caller(extensions: &http::Extensions, tenant: &TenantId, client: &str) {
    if let Some(Trace(names)) = extensions.get::<Trace>() {
        // A request has one caller.
        let _ = names.set((tenant.to_string(), client.to_owned()));
    }
}

/// Finishes a router: answers for paths and methods that do not exist, and what stands around every
/// request.
pub fn serve(router: Router, world: World) -> Router {
    router
        .fallback(async || Rejection::NoRoute)
        .method_not_allowed_fallback(async || Rejection::WrongMethod)
        .layer(axum::middleware::from_fn(move |request, next| around(request, next, world.clone())))
}

static WARM: AtomicBool = AtomicBool::new(false);

async fn around(mut request: Request, next: Next, world: World) -> Response {
    let started = world.clock.now();
    let cold_start = !WARM.swap(true, Ordering::Relaxed);
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(|| world.new_uuid().to_string(), |id| id.0.clone());
    request.extensions_mut().insert(RequestId(id.clone()));
    let trace = Trace::default();
    request.extensions_mut().insert(trace.clone());
    let operation = Operation::default();
    request.extensions_mut().insert(operation.clone());
    let method = request.method().clone();
    let meter = Meter::default();
    let mut response = meter.around(next.run(request)).await;
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
        milliseconds = world.clock.now().millis() - started.millis(),
        read_units = units.read,
        write_units = units.write,
        index_write_units = units.index_write,
        cold_start,
        "request"
    );
    response.extensions_mut().insert(units);
    response
}
