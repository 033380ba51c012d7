//! What the problem types mean. `docs/reference/errors.md` says the same.

use shared::http::problem::ProblemKind;
use shared::http::rejection::KINDS;

/// A problem type.
#[derive(Clone, Copy, Debug)]
pub struct ProblemType {
    /// What its URI ends with.
    pub slug: &'static str,
    /// What causes it.
    pub cause: &'static str,
    /// What the caller can do.
    pub action: &'static str,
}

const fn problem_type(
    slug: &'static str,
    cause: &'static str,
    action: &'static str,
) -> ProblemType {
    ProblemType { slug, cause, action }
}

/// Every problem type, in the order of the statuses.
pub const PROBLEM_TYPES: [ProblemType; 24] = [
    problem_type(
        "malformed-request",
        "JSON that cannot be read, a duplicate key, a bad cursor, an unknown query \
         parameter, a bad `If-Match` or `Idempotency-Key`, a filter that cannot be \
         parsed",
        "correct the request; a retry will not help",
    ),
    problem_type(
        "unsupported-filter",
        "the field cannot be filtered, or not by this operator",
        "use another field or operator",
    ),
    problem_type(
        "unauthenticated",
        "no access token, an invalid or expired one, an invalid DPoP proof, or a session that has \
         ended",
        "get a new token, or sign in again; `WWW-Authenticate` says what is wrong",
    ),
    problem_type(
        "insufficient-scope",
        "the token lacks a scope, or no persona of the person grants it now",
        "ask for the scope that `WWW-Authenticate` names; the client must be registered \
         with it, and a person needs a persona that grants it",
    ),
    problem_type(
        "reauthenticate",
        "the person signed in longer ago than `max_age` seconds, and this takes a recent sign-in",
        "let the person sign in again, and repeat the request",
    ),
    problem_type("user-blocked", "the person is blocked", "unblock the user"),
    problem_type(
        "not-allowed",
        "the caller may not do this, whichever scopes it has: a client bound to systems, a \
         client without `integration`, an unlinked person, an own change request, a user with more \
         rights than the caller, a request with a cookie from another site",
        "use another client, link the person again, or ask somebody with the rights",
    ),
    problem_type(
        "not-found",
        "no such path, no such resource, nothing that matches, a resource of another \
         tenant or system, or an id of the wrong shape",
        "check path, ids, values and filters",
    ),
    problem_type(
        "method-not-allowed",
        "the path exists, the method does not",
        "use a method of `Allow`",
    ),
    problem_type("not-acceptable", "`Accept` excludes JSON", "accept `application/json`"),
    problem_type(
        "already-exists",
        "another resource holds a unique value; `errors` names the field",
        "choose another value, or change the resource that holds it",
    ),
    problem_type(
        "in-use",
        "the definition is in use, or a property is fixed by use",
        "follow `detail`, e.g. deprecate the definition first",
    ),
    problem_type(
        "several-found",
        "several match where exactly one may; `count` says how many",
        "make the filter or the data unambiguous",
    ),
    problem_type(
        "conflict",
        "the state does not allow the operation, e.g. a change request that is STALE, \
         a second subject of one authentication server, or a temporary password in a tenant that \
         does not allow temporary passwords",
        "read the resource again and decide",
    ),
    problem_type(
        "last-administrator",
        "the tenant would be without an administrator",
        "make another user administrator first, who has a password or a passkey",
    ),
    problem_type(
        "legal-hold",
        "the tenant is under legal hold: nobody is forgotten",
        "ask an administrator to end the hold at `PATCH /identity/config/audit`",
    ),
    problem_type(
        "audit-ended",
        "the audit does not reach back so far: entries have ended",
        "ask for a later version or time",
    ),
    problem_type(
        "precondition-failed",
        "the resource has changed since you read it; or `If-Match` is sent and nothing is \
         there; or `If-None-Match` is sent and something is there",
        "follow `detail`; after a change read the resource again and apply your change \
         again. `ETag` has the current tag",
    ),
    problem_type("too-large", "the body is larger than 256 KB (imports: 4 MB)", "send less"),
    problem_type(
        "unsupported-media-type",
        "another `Content-Type` than the route takes, or a `Content-Encoding`",
        "send `application/json`; on PATCH also `application/merge-patch+json`; imports \
         take `text/csv` or `application/x-ndjson`. Send it uncompressed",
    ),
    problem_type(
        "invalid-content",
        "the content breaks a rule or a definition",
        "correct every field of `errors`",
    ),
    problem_type(
        "precondition-required",
        "PUT or PATCH without `If-Match`",
        "send the `ETag` that you read, or `*`",
    ),
    problem_type(
        "unexpected",
        "a fault that no rule foresees; it was logged",
        "report it with the `request_id`",
    ),
    problem_type(
        "unavailable",
        "the table, or the key server of an identity provider, does not answer; or too \
         many writers change the same resource",
        "wait for `Retry-After`, then send the same request with the same \
         `Idempotency-Key`",
    ),
];

impl ProblemType {
    /// The problem type with this slug.
    pub(crate) fn named(slug: &str) -> Option<&'static Self> {
        PROBLEM_TYPES.iter().find(|known| known.slug == slug)
    }

    /// The status of answers with this problem.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        KINDS.into_iter().find(|kind| kind.slug() == self.slug).map(ProblemKind::status)
    }

    /// The title of its answers; the slug as words if they have several.
    pub(crate) fn title(&self) -> String {
        let mut kinds = KINDS.into_iter().filter(|kind| kind.slug() == self.slug);
        if let (Some(kind), None) = (kinds.next(), kinds.next()) {
            return kind.title().to_owned();
        }
        let words = self.slug.replace('-', " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    }
}
