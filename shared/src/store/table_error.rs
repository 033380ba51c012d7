//! Translates errors of the SDK.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::domain::error::Error;

/// The domain error for an SDK error: try again later, or a defect. Says which operation and which
/// error code, never the service's message, which may quote values.
pub(super) fn classify<E: ProvideErrorMetadata, R>(
    operation: &str,
    error: &SdkError<E, R>,
) -> Error {
    match TableError::of(error) {
        TableError::Broken(code) => Error::Unexpected(format!("{operation}: {code}")),
        TableError::Throttled(code) | TableError::Unknown(code) => {
            Error::Unavailable(format!("{operation}: {code}"))
        }
    }
}

/// The kinds of error of an SDK call.
pub(super) enum TableError {
    /// The operation failed and would fail again.
    Broken(String),
    /// The table takes no more operations now; nothing was done.
    Throttled(String),
    /// The outcome is not known: no answer came, or a 5xx.
    Unknown(String),
}

impl TableError {
    pub(super) fn of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown").to_owned();
                match &*code {
                    "ThrottlingException"
                    | "ProvisionedThroughputExceededException"
                    | "RequestLimitExceeded" => Self::Throttled(code),
                    "InternalServerError"
                    | "ServiceUnavailable"
                    | "InternalFailure"
                    | "TransactionInProgressException"
                    // The first payload under this token may have been committed.
                    | "IdempotentParameterMismatchException"
                    | "unknown" => Self::Unknown(code),
                    _ => Self::Broken(code),
                }
            }
            SdkError::ConstructionFailure(_) => {
                Self::Broken("the request cannot be built".to_owned())
            }
            SdkError::TimeoutError(_) => Self::Unknown("no answer in time".to_owned()),
            SdkError::DispatchFailure(_) => Self::Unknown("no connection".to_owned()),
            _ => Self::Unknown("an answer that cannot be read".to_owned()),
        }
    }
}
