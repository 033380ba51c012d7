//! The router of a function, made from its table of routes.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::Route;
use crate::app::App;
use crate::http::cookies::{self, Cookie};
use crate::http::edge::base_url;
use crate::http::problem::Challenge;

/// The route that the log line names; set once the request has reached one.
#[derive(Clone, Default)]
pub(in crate::http) struct LoggedRoute(Arc<OnceLock<&'static Route>>);

impl LoggedRoute {
    /// Notes the route.
    fn set(&self, route: &'static Route) {
        // A request matches one route.
        let _ = self.0.set(route);
    }

    /// The name and the path of the route, with its parameters' names; `-` before a route has
    /// matched.
    pub(in crate::http) fn name_and_path(&self) -> (&'static str, &'static str) {
        self.0.get().map_or(("-", "-"), |route| (route.name, route.path))
    }
}

/// The router of a function: its table, each request labelled with the route that it matches.
pub fn router(routes: &'static [Route], app: App) -> Router {
    let mut router = Router::new();
    for route in routes {
        let state = app.clone();
        let labelled = (route.handler)().layer(axum::middleware::from_fn(
            move |request: Request, next: Next| label(route, state.clone(), request, next),
        ));
        router = router.route(route.path, labelled);
    }
    router.with_state(app)
}

/// Hands a request to its route, and completes the challenge of a refusal, which says where the
/// service is. Nothing keeps the answer to a request with a session's cookie (rule G70).
async fn label(route: &'static Route, app: App, mut request: Request, next: Next) -> Response {
    if let Some(logged) = request.extensions().get::<LoggedRoute>() {
        logged.set(route);
    }
    request.extensions_mut().insert(route);
    let base_url = route.is_guarded().then(|| base_url(&app, request.extensions()).ok()).flatten();
    let session = base_url
        .as_deref()
        .is_some_and(|url| cookies::is_sent(request.headers(), Cookie::Session, url));
    let mut response = next.run(request).await;
    Challenge::ask(&mut response, base_url.as_deref());
    if session {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
