//! Routes: one table per function, from which its router, the checks before each handler and
//! `openapi.json` are made.

use axum::Router;
use axum::extract::Request;
use axum::routing::MethodRouter;

use super::edge::Operation;
use crate::app::App;
use crate::domain::Scope;
#[cfg(doc)]
use crate::domain::import::MAX_BYTES;

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
    /// The scope that a machine client's token needs; `None` for what no machine client calls with
    /// a token.
    pub scope: Option<Scope>,
    /// Whether people call it, with tokens of issuers that the tenant trusts.
    pub people: bool,
    /// Whether a machine client must be marked as the CRM or the IAM system.
    pub integrated: bool,
    /// The scope that a person's token needs, if it needs one.
    pub people_scope: Option<Scope>,
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
            scope: None,
            people: false,
            integrated: false,
            people_scope: None,
            body,
            query,
            effect,
            answer,
            also: &[],
            csv: false,
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

    /// Sets the scope that callers need.
    #[must_use]
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Lets people call it with their tokens, beside machine clients if a scope is set.
    #[must_use]
    pub const fn people(mut self) -> Self {
        self.people = true;
        self
    }

    /// Lets only machine clients call it that are marked as the CRM or the IAM system.
    #[must_use]
    pub const fn integrated(mut self) -> Self {
        self.integrated = true;
        self
    }

    /// Lets people call it with tokens that hold this scope.
    #[must_use]
    pub const fn people_with(mut self, scope: Scope) -> Self {
        self.people_scope = Some(scope);
        self.people()
    }

    /// Whether it needs a token.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        self.people || self.scope.is_some()
    }

    /// Whether it is about the profiles of a system.
    #[must_use]
    pub fn is_of_systems(&self) -> bool {
        self.path.contains("{system_id}")
    }

    /// Sets the line that says what it does.
    #[must_use]
    pub const fn about(mut self, summary: &'static str) -> Self {
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

/// The router of a function: its table, each request labelled with the route that it meets.
pub fn router(routes: &'static [Route], app: App) -> Router {
    let mut router = Router::new();
    for route in routes {
        let labelled = (route.handler)().layer(axum::middleware::map_request(
            move |mut request: Request| async move {
                if let Some(operation) = request.extensions().get::<Operation>() {
                    operation.met(route);
                }
                request.extensions_mut().insert(route);
                request
            },
        ));
        router = router.route(route.path, labelled);
    }
    router.with_state(app)
}
