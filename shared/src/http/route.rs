//! Routes: one table per function, from which its router, the checks before each handler and
//! `openapi.json` are made.

mod facts;
mod router;

use axum::routing::MethodRouter;

pub use self::facts::{Body, Conflict, Effect, Id};
pub(super) use self::router::LoggedRoute;
pub use self::router::router;
use super::callers::Callers;
use crate::app::App;
use crate::domain::Scope;
use crate::domain::audit::Operation;

/// A method of a path.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that no other fact implies")]
pub struct Route {
    /// The method, in capitals. GET includes HEAD.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// The operation's name, unique in the service.
    pub name: &'static str,
    /// A summary of a few words, unique in the service.
    pub summary: &'static str,
    /// More than the summary says, in sentences; may be empty.
    pub description: &'static str,
    /// The operation of which it is an older path.
    pub alias_of: Option<&'static str>,
    /// The callers that may call it.
    pub callers: Callers,
    /// Whether it is about the profiles of the system that its path names.
    pub within_system: bool,
    /// Whether clients that are bound to systems may call it: they see what is for their systems.
    pub for_audience: bool,
    /// The kind of id that `{id}` in its path is.
    pub id: Id,
    /// The body that it takes.
    pub body: Body,
    /// The query parameters that it takes.
    pub query: &'static [&'static str],
    /// The query parameters without which it answers nothing.
    pub required_query: &'static [&'static str],
    /// Whether a POST compares If-Match with the tag of what its path names, as PUT, PATCH and
    /// DELETE do.
    pub if_match: bool,
    /// The operation that audit entries of its writes name, unless the write itself tells.
    pub operation: Operation,
    /// Whether it writes a part of a user, and answers the tag of that user too.
    pub of_user: bool,
    /// Whether it takes a proof of possession from a caller without a token.
    pub proof: bool,
    /// Whether a person with a cookie must have signed in within the last five minutes.
    pub reauthenticate: bool,
    /// The effect of a request.
    pub effect: Effect,
    /// The status and the schema of a good answer.
    pub answer: (u16, &'static str),
    /// Other good statuses: 202 if it may leave a change request, 200 if the resource may exist.
    pub also: &'static [u16],
    /// Whether a good answer of a route that reads is one resource, with its tag.
    pub tagged: bool,
    /// Whether it answers 404 although its path names nothing.
    pub finds_nothing: bool,
    /// Why it refuses with 409.
    pub conflicts: &'static [Conflict],
    /// Whether it answers as `text/csv` too, to callers who prefer that.
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
            description: "",
            alias_of: None,
            callers: Callers::Anyone,
            within_system: false,
            for_audience: false,
            operation: Operation::UserChange,
            id: Id::Made,
            body,
            query,
            required_query: &[],
            if_match: false,
            of_user: false,
            proof: false,
            reauthenticate: false,
            effect,
            answer,
            also: &[],
            tagged: false,
            finds_nothing: false,
            conflicts: &[],
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

    /// Accepts callers that have been granted this scope.
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
    /// bound to that system are valid for it.
    #[must_use]
    pub const fn within_system(mut self) -> Self {
        self.within_system = true;
        self
    }

    /// Is about what is for a system: tokens that are bound to systems are good for it, and see what
    /// is for theirs.
    #[must_use]
    pub const fn for_audience(mut self) -> Self {
        self.for_audience = true;
        self
    }

    /// Whether a request may carry an Idempotency-Key.
    #[must_use]
    pub const fn takes_idempotency_key(&self) -> bool {
        matches!(self.effect, Effect::Writes) && matches!(self.method.as_bytes(), b"POST")
    }

    /// Sets the few words that name it.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Sets sentences that say more than the summary.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Is an older path of this operation.
    #[must_use]
    pub const fn alias_of(mut self, operation: &'static str) -> Self {
        self.alias_of = Some(operation);
        self
    }

    /// Sets what `{id}` in the path is.
    #[must_use]
    pub const fn id(mut self, id: Id) -> Self {
        self.id = id;
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

    /// A form of a page for browsers, which `openapi.json` does not list.
    #[must_use]
    pub const fn form_page(
        path: &'static str,
        name: &'static str,
        handler: fn() -> MethodRouter<App>,
    ) -> Self {
        let mut route = Self::write("POST", path, name, (200, ""), handler).repeatable();
        route.listed = false;
        route
    }

    /// Takes these query parameters.
    #[must_use]
    pub const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// Needs these query parameters, besides the optional ones.
    #[must_use]
    pub const fn required_query(mut self, names: &'static [&'static str]) -> Self {
        self.required_query = names;
        self
    }

    /// Compares If-Match with the tag of the resource in the path, although it is a POST.
    #[must_use]
    pub const fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// Writes a part of a user, and answers the tag of that user too.
    #[must_use]
    pub const fn of_user(mut self) -> Self {
        self.of_user = true;
        self
    }

    /// Takes a proof of possession from a caller without a token.
    #[must_use]
    pub const fn proof(mut self) -> Self {
        self.proof = true;
        self
    }

    /// Asks a person with a cookie for a sign-in within the last five minutes (rule G22).
    #[must_use]
    pub const fn reauthenticate(mut self) -> Self {
        self.reauthenticate = true;
        self
    }

    /// Names the operation in the audit entries of its writes.
    #[must_use]
    pub const fn audited_as(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
    }

    /// Reads one resource, whose tag it answers; a GET compares If-None-Match with it.
    #[must_use]
    pub const fn tagged(mut self) -> Self {
        self.tagged = true;
        self
    }

    /// Answers 404 if nothing matches.
    #[must_use]
    pub const fn finds_nothing(mut self) -> Self {
        self.finds_nothing = true;
        self
    }

    /// Refuses with 409 for these reasons.
    #[must_use]
    pub const fn conflicts(mut self, conflicts: &'static [Conflict]) -> Self {
        self.conflicts = conflicts;
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

    /// Writes, but a repeat has no further effect.
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
