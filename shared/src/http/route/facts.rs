//! The enums of the route table.

#[cfg(doc)]
use crate::domain::import::MAX_BYTES;

/// The body that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None; a body is ignored.
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

/// The kind of id that `{id}` in a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// An id that the service made.
    Made,
    /// An id that the caller chose.
    Chosen,
    /// The id of a system profile, or a base profile id of its person.
    SystemProfile,
}

/// Why a request that can be read is refused with 409, or with 410.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another resource holds a unique value.
    AlreadyExists,
    /// A definition is in use, or a property of it is fixed by use.
    InUse,
    /// Several match where one is expected.
    SeveralFound,
    /// The state of the resource does not allow it.
    State,
    /// The tenant would be without an administrator.
    LastAdministrator,
    /// The audit does not reach back that far: 410.
    AuditEnded,
}

impl Conflict {
    /// The slug of the problem.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::AlreadyExists => "already-exists",
            Self::InUse => "in-use",
            Self::SeveralFound => "several-found",
            Self::State => "conflict",
            Self::LastAdministrator => "last-administrator",
            Self::AuditEnded => "audit-ended",
        }
    }
}

/// The effect of a request to the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It writes: a POST may carry an Idempotency-Key.
    Writes,
    /// It writes, but a repeat has no further effect, so it needs no Idempotency-Key.
    Repeatable,
    /// It answers with a secret, which no record may keep: an Idempotency-Key is refused.
    Secret,
}
