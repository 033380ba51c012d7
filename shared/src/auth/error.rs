//! Why credentials are refused.

use std::fmt;

use crate::domain::Error;

/// The result of checking credentials.
pub type Result<T, E = AuthError> = std::result::Result<T, E>;

/// Faults of the credentials of a request.
#[derive(Debug)]
pub enum AuthError {
    /// The token is invalid; the text says what is wrong with it, never what it holds.
    BadToken(&'static str),
    /// The proof that a token is the caller's own is missing or invalid; the text says what is
    /// wrong.
    BadProof(&'static str),
    /// The credentials could not be checked.
    Unchecked(Error),
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken(detail) | Self::BadProof(detail) => f.write_str(detail),
            Self::Unchecked(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuthError {}

impl From<Error> for AuthError {
    fn from(error: Error) -> Self {
        Self::Unchecked(error)
    }
}
