//! Why credentials are refused.

use std::fmt;

use crate::domain::Error;

/// The result of checking credentials.
pub type Result<T, E = AuthError> = std::result::Result<T, E>;

/// Faults of the credentials of a request.
#[derive(Debug)]
pub enum AuthError {
    /// The token is invalid. The text names the fault, never the content of the token.
    BadToken(&'static str),
    /// The proof of possession is missing or invalid. The text names the fault.
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
