//! The errors of the domain. Each edge renders errors in its own way: `http::rejection` for the
//! API, `token::error` for the OAuth endpoints.

mod violations;

use std::fmt;

pub use self::violations::{
    Code, MAX_DETAIL, MAX_NAME, MAX_VIOLATION_BYTES, MAX_VIOLATIONS, Violation, Violations,
    expected_not,
};
use super::json_syntax::SyntaxError;
use super::versioned::Tag;

/// The result of a rule or of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The errors of an operation.
#[derive(Debug)]
pub enum Error {
    /// A text cannot be read: broken JSON, a duplicate key, a filter that does not follow its
    /// grammar, a bad cursor, a parameter of the wrong form.
    Malformed(String),
    /// The filter is not allowed on that attribute.
    UnsupportedFilter(String),
    /// The issuer of the person's token is not trusted any more.
    Untrusted,
    /// The caller lacks what the operation needs beside a scope; says what.
    NotAllowed(String),
    /// The user is blocked.
    Blocked,
    /// The person signed out of every browser and application since the token was issued.
    SignedOut,
    /// The person did not authenticate recently enough for what is asked.
    Reauthenticate,
    /// The write would leave the tenant without an administrator.
    LastAdministrator,
    /// This many users match, and exactly one was expected.
    Several(usize),
    /// Absent, another tenant's, another system's, or an id of the wrong shape.
    NotFound,
    /// The person who calls has not signed in at any system yet.
    NoProfile,
    /// The write must say which version it expects, and does not.
    Unconditional,
    /// A precondition does not hold, before or during the write.
    PreconditionFailed {
        /// Which one, and what to do.
        detail: &'static str,
        /// The current tag, where there is one.
        current: Option<Tag>,
    },
    /// The content breaks a rule or a definition: every violation.
    Invalid(Vec<Violation>),
    /// Other users hold these values.
    NotUnique(Vec<Violation>),
    /// A definition that is in use. The text names its users and the next step.
    InUse(String),
    /// The state of the resource does not allow the operation.
    Conflict(String),
    /// The audit does not reach back to the requested time; the text says what to do.
    AuditEnded(&'static str),
    /// The tenant is under legal hold: no user is forgotten.
    LegalHold,
    /// The cached configuration is too old for this request; the caller reads the configuration
    /// again.
    Outdated,
    /// The idempotency record of this request was written by another request at the same time.
    AlreadyRecorded,
    /// The table does not take the operation now; the caller may try again after some seconds.
    Unavailable(String),
    /// A defect or an unforeseen fault. It is logged once, and no caller sees it.
    Unexpected(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(detail)
            | Self::UnsupportedFilter(detail)
            | Self::NotAllowed(detail)
            | Self::InUse(detail)
            | Self::Conflict(detail)
            | Self::Unavailable(detail)
            | Self::Unexpected(detail) => f.write_str(detail),
            Self::Untrusted => f.write_str("the tenant does not trust the issuer of the token"),
            Self::Blocked => f.write_str("the user is blocked; an administrator can unblock it"),
            Self::SignedOut => f.write_str("the person has signed out since; get a new token"),
            Self::Reauthenticate => f.write_str("sign in again, and repeat the request"),
            Self::LastAdministrator => f.write_str(
                "the user is the last administrator of the tenant; make another user administrator \
                 first, who has a password or a passkey",
            ),
            Self::Several(found) => write!(f, "{found} users match, expected exactly one"),
            Self::NotFound => f.write_str(
                "nothing in this tenant matches; check the ids, values and filters that you sent",
            ),
            Self::NoProfile => f.write_str(
                "you have no profile in this tenant yet; create it with `POST /identity/me`, or sign \
                 in at a system with `POST /api/v1/tenants/{tenant_id}/systems/{system_id}/users`",
            ),
            Self::Unconditional => f.write_str("the write does not say which version it expects"),
            Self::PreconditionFailed { detail, .. } | Self::AuditEnded(detail) => {
                f.write_str(detail)
            }
            Self::Invalid(violations) | Self::NotUnique(violations) => {
                for (i, violation) in violations.iter().enumerate() {
                    write!(f, "{}{violation}", if i > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
            Self::LegalHold => f.write_str(
                "the tenant is under legal hold, and nobody can be deleted; ask an administrator to \
                 end the hold at `PATCH /identity/config/audit`",
            ),
            Self::Outdated | Self::AlreadyRecorded => {
                f.write_str("another request is changing the same resource; try again")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<SyntaxError> for Error {
    fn from(error: SyntaxError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Error {
    /// Whether the same operation may succeed some seconds later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Outdated | Self::AlreadyRecorded)
    }

    /// One violation as an error.
    pub fn invalid(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(pointer, code, detail)])
    }

    /// The error with its violations pointing at other places; `place` says where, if it knows.
    #[must_use]
    pub fn pointing(mut self, place: impl Fn(&str) -> Option<String>) -> Self {
        if let Self::Invalid(violations) | Self::NotUnique(violations) = &mut self {
            for violation in violations {
                if let Some(place) = place(&violation.pointer) {
                    violation.pointer = place;
                }
            }
        }
        self
    }

    /// A fault that no rule foresees.
    pub fn unexpected(what: impl fmt::Display) -> Self {
        Self::Unexpected(what.to_string())
    }
}

#[cfg(test)]
mod tests;
