//! Routes: one table per function, from which its router, the checks before each handler and
//! `openapi.json` are made.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::routing::MethodRouter;

use super::rejection::Rejection;
use crate::app::App;
use crate::auth::{Caller, Subject};
use crate::domain::error::{Error, Result};
#[cfg(doc)]
use crate::domain::import::MAX_BYTES;
use crate::domain::{Scope, View};

/// The body that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None; what is sent is not looked at.
    None,
    /// `application/json`, and on PATCH also `application/merge-patch+json`. Names the schema in
    /// `openapi.json`.
    Json(&'static str),
    /// `application/json`, or nothing, which is read as an empty object. Names the schema in
    /// `openapi.json`.
    OptionalJson(&'static str),
    /// `application/x-www-form-urlencoded`; read by the route itself. Names the schema in
    /// `openapi.json`.
    Form(&'static str),
    /// `text/csv` or `application/x-ndjson`, up to [`MAX_BYTES`]; read by the route itself. Names
    /// the schema in `openapi.json`.
    Rows(&'static str),
}

/// What a request to the route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It writes: a POST may carry an Idempotency-Key.
    Writes,
    /// It writes what a repeat finds written: an Idempotency-Key has nothing to do.
    Repeatable,
    /// It answers with a secret, which no record may keep: an Idempotency-Key is refused.
    Secret,
}

/// Who may call a route.
///
/// A scope is granted by this service, in an access token of its own, to a client or to a local
/// person. External persons come with tokens of issuers that the tenant trusts: nothing is granted
/// to them, and they act on their own profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Anyone, without a token; the OAuth endpoints among them authenticate the client themselves.
    Anyone,
    /// A client or a local person to whom this scope is granted.
    Granted(Scope),
    /// A person, local or external, about the own profile; with a token that has this scope, if
    /// there is one.
    People(Option<Scope>),
    /// A client or a local person to whom this scope is granted; and any other person, as far as
    /// the route concerns that person.
    GrantedOrPeople(Scope),
    /// A client to which this scope is granted and which is marked as the CRM or the IAM system;
    /// and any person, about the own profile.
    IntegrationsOrPeople(Scope),
}

impl Callers {
    /// The scope that has to be granted to a client; `None` where no client calls with a token.
    #[must_use]
    pub const fn granted(self) -> Option<Scope> {
        match self {
            Self::Granted(scope)
            | Self::GrantedOrPeople(scope)
            | Self::IntegrationsOrPeople(scope) => Some(scope),
            Self::Anyone | Self::People(_) => None,
        }
    }

    /// Whether people call without a grant: external persons do, and local ones.
    #[must_use]
    pub const fn include_people(self) -> bool {
        matches!(self, Self::People(_) | Self::GrantedOrPeople(_) | Self::IntegrationsOrPeople(_))
    }

    /// The scope that a person's token needs, if it needs one.
    #[must_use]
    pub const fn scope_of_people(self) -> Option<Scope> {
        if let Self::People(scope) = self { scope } else { None }
    }

    /// Checks that the caller may call, and says what the caller sees of profiles and may set.
    pub fn check(self, caller: &Caller) -> Result<View, Rejection> {
        match (&caller.subject, self) {
            (Subject::Client { .. }, Self::People(_)) => {
                Err(not_allowed("this route takes user tokens, not client tokens"))
            }
            (Subject::External(_), Self::Granted(_)) => {
                Err(Rejection::BadToken("this route takes client tokens, not user tokens"))
            }
            (Subject::Client { .. } | Subject::Local { .. }, Self::Granted(scope))
            | (Subject::Client { .. }, Self::GrantedOrPeople(scope)) => {
                check_scope(caller, scope).map(|()| View::Administrative)
            }
            (Subject::Client { integration, .. }, Self::IntegrationsOrPeople(scope)) => {
                check_scope(caller, scope)?;
                if integration.is_none() {
                    let detail = "only clients with the `integration` `crm` or `iam` may do this";
                    return Err(not_allowed(detail));
                }
                Ok(View::Administrative)
            }
            (Subject::Local { .. }, Self::GrantedOrPeople(scope))
                if caller.grants.scopes.allows(scope) =>
            {
                Ok(View::Administrative)
            }
            (Subject::Local { .. } | Subject::External(_), Self::People(Some(scope))) => {
                check_scope(caller, scope).map(|()| View::SelfService)
            }
            (_, Self::Anyone)
            | (
                Subject::Local { .. } | Subject::External(_),
                Self::People(None) | Self::GrantedOrPeople(_) | Self::IntegrationsOrPeople(_),
            ) => Ok(View::SelfService),
        }
    }
}

/// Checks that the caller's token has a scope (RFC 6750 §3.1).
fn check_scope(caller: &Caller, scope: Scope) -> Result<(), Rejection> {
    if caller.has_scope(scope) {
        Ok(())
    } else {
        Err(Rejection::InsufficientScope { scope, bound: caller.jkt.is_some() })
    }
}

fn not_allowed(detail: &str) -> Rejection {
    Error::NotAllowed(detail.to_owned()).into()
}

/// One method of one path.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method, in capitals. GET stands for HEAD too.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// The operation's name, unique in the service.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Who may call it.
    pub callers: Callers,
    /// Whether it is about the profiles of the system that its path names.
    pub within_system: bool,
    /// The body that it takes.
    pub body: Body,
    /// The query parameters that it takes.
    pub query: &'static [&'static str],
    /// What it does.
    pub effect: Effect,
    /// The status and the schema of a good answer.
    pub answer: (u16, &'static str),
    /// Other good statuses: 202 where the change may become a change request instead, 200 where
    /// what it creates may be there already.
    pub also: &'static [u16],
    /// Whether it answers as `text/csv` too, to whoever prefers that.
    pub csv: bool,
    /// Whether `openapi.json` lists it. Pages and files for browsers are not listed.
    pub listed: bool,
    /// The handler.
    pub handler: fn() -> MethodRouter<App>,
}

impl Route {
    /// A route that reads.
    #[must_use]
    pub const fn read(
        method: &'static str,
        path: &'static str,
        name: &'static str,
        answer: (u16, &'static str),
        handler: fn() -> MethodRouter<App>,
    ) -> Self {
        let (body, query, effect) = (Body::None, [].as_slice(), Effect::Reads);
        Self {
            method,
            path,
            name,
            summary: "",
            callers: Callers::Anyone,
            within_system: false,
            body,
            query,
            effect,
            answer,
            also: &[],
            csv: false,
            listed: true,
            handler,
        }
    }

    /// A route that writes.
    #[must_use]
    pub const fn write(
        method: &'static str,
        path: &'static str,
        name: &'static str,
        answer: (u16, &'static str),
        handler: fn() -> MethodRouter<App>,
    ) -> Self {
        let mut route = Self::read(method, path, name, answer, handler);
        route.effect = Effect::Writes;
        route
    }

    /// Sets who may call it.
    #[must_use]
    pub const fn callers(mut self, callers: Callers) -> Self {
        self.callers = callers;
        self
    }

    /// Lets those call it to whom this scope is granted.
    #[must_use]
    pub const fn scope(self, scope: Scope) -> Self {
        self.callers(Callers::Granted(scope))
    }

    /// Lets people call it about themselves.
    #[must_use]
    pub const fn people(self) -> Self {
        self.callers(Callers::People(None))
    }

    /// Whether it needs a token.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        !matches!(self.callers, Callers::Anyone)
    }

    /// Is about the profiles of the system that the path names as `{system_id}`: tokens that are
    /// bound to that system are good for it.
    #[must_use]
    pub const fn within_system(mut self) -> Self {
        self.within_system = true;
        self
    }

    /// Whether a request may carry an Idempotency-Key.
    #[must_use]
    pub const fn takes_idempotency_key(&self) -> bool {
        matches!(self.effect, Effect::Writes) && matches!(self.method.as_bytes(), b"POST")
    }

    /// Sets the line that says what it does.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Takes a JSON body of this schema.
    #[must_use]
    pub const fn json(mut self, schema: &'static str) -> Self {
        self.body = Body::Json(schema);
        self
    }

    /// Takes a JSON body of this schema, or none.
    #[must_use]
    pub const fn optional_json(mut self, schema: &'static str) -> Self {
        self.body = Body::OptionalJson(schema);
        self
    }

    /// Takes a form of this schema.
    #[must_use]
    pub const fn form(mut self, schema: &'static str) -> Self {
        self.body = Body::Form(schema);
        self
    }

    /// Takes rows of this schema.
    #[must_use]
    pub const fn rows(mut self, schema: &'static str) -> Self {
        self.body = Body::Rows(schema);
        self
    }

    /// Answers as `text/csv` too.
    #[must_use]
    pub const fn csv(mut self) -> Self {
        self.csv = true;
        self
    }

    /// A page or a file for browsers, which `openapi.json` does not list.
    #[must_use]
    pub const fn page(
        path: &'static str,
        name: &'static str,
        handler: fn() -> MethodRouter<App>,
    ) -> Self {
        let mut route = Self::read("GET", path, name, (200, ""), handler);
        route.listed = false;
        route
    }

    /// Takes these query parameters.
    #[must_use]
    pub const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// May find what it would create.
    #[must_use]
    pub const fn finds(mut self) -> Self {
        self.also = &[200];
        self
    }

    /// May answer with a change request.
    #[must_use]
    pub const fn approval(mut self) -> Self {
        self.also = &[202];
        self
    }

    /// May find what it would create, and change it or answer with a change request. A repeat finds
    /// it written, so it needs no If-Match.
    #[must_use]
    pub const fn upsert(mut self) -> Self {
        self.also = &[200, 202];
        self.repeatable()
    }

    /// Writes what a repeat finds written.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.effect = Effect::Repeatable;
        self
    }

    /// Answers with a secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.effect = Effect::Secret;
        self
    }
}

/// The route that the log line names; set once the request has reached one.
#[derive(Clone, Debug, Default)]
pub(super) struct LoggedRoute(Arc<OnceLock<&'static str>>);

impl LoggedRoute {
    /// Notes the route.
    fn set(&self, route: &'static Route) {
        // A request meets one route.
        let _ = self.0.set(route.name);
    }

    /// The name of the route; `-` before one is met.
    pub(super) fn name(&self) -> &'static str {
        self.0.get().copied().unwrap_or("-")
    }
}

/// The router of a function: its table, each request labelled with the route that it meets.
pub fn router(routes: &'static [Route], app: App) -> Router {
    let mut router = Router::new();
    for route in routes {
        let labelled = (route.handler)().layer(axum::middleware::map_request(
            move |mut request: Request| async move {
                if let Some(operation) = request.extensions().get::<LoggedRoute>() {
                    operation.set(route);
                }
                request.extensions_mut().insert(route);
                request
            },
        ));
        router = router.route(route.path, labelled);
    }
    router.with_state(app)
}
