//! The error answers of the embedded engine, in DynamoDB's shape.
//!
//! The engine writes the bodies of its own errors, with `Item` and
//! `CancellationReasons`. An input that does not parse is different: only its
//! HTTP server, which is not used here, knows how to answer. The class of such
//! an error stands as a marker before the message, or shows in its words.
//!
//! Invariant: no marker and no `at line 1 column 2` reaches the client, except
//! where the service itself would send the position.

use std::sync::{Mutex, PoisonError};

use dynoxide::DynoxideError::{
    self, InternalServerError, SerializationException, ValidationException,
};
use serde_json::json;

use super::FailedStep;

/// Returns the status and body that tell the client of `failure`.
pub(super) fn answer(operation: &str, failure: FailedStep) -> (u16, Vec<u8>) {
    let error = match failure {
        FailedStep::Unknown => return unknown(operation),
        FailedStep::Unreadable(error) => classify(operation, &error.to_string()),
        FailedStep::Engine(error) => error,
    };
    if let InternalServerError(message) = &error {
        log_once(message);
        if is_damage(message) {
            return damaged();
        }
    }
    (error.status_code(), error.to_json().into_bytes())
}

/// The last error of the engine, until a write succeeds again.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Logs why the engine fails, once for each reason: a full disk refuses every write.
fn log_once(message: &str) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last != message {
        message.clone_into(&mut last);
        tracing::error!(operation = "table", cause = message, "the table on this machine fails");
    }
}

/// Says that a write has succeeded.
pub(super) fn write_succeeded() {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Whether the engine cannot read its file, which another attempt does not change.
fn is_damage(message: &str) -> bool {
    ["database disk image is malformed", "file is not a database"]
        .iter()
        .any(|words| message.contains(words))
}

/// An error that no client repeats.
fn damaged() -> (u16, Vec<u8>) {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TableDamaged",
        "message": "the file of the table is damaged; restore the data folder from a copy",
    });
    (400, body.to_string().into_bytes())
}

/// Names the operation, unlike DynamoDB. A developer who sees this error has added a call to Kith
/// and not to the dispatch.
fn unknown(operation: &str) -> (u16, Vec<u8>) {
    let body = json!({
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": format!("the embedded engine does not serve `{operation}`"),
    });
    (400, body.to_string().into_bytes())
}

fn classify(operation: &str, message: &str) -> DynoxideError {
    if let Some(text) = message.strip_prefix("SERIALIZATION_AS_READ:") {
        return SerializationException(text.to_owned());
    }
    if let Some(text) = message.strip_prefix("VALIDATION_AS_READ:") {
        return ValidationException(text.to_owned());
    }
    let message = without_position(message);
    if let Some(text) = message.strip_prefix("SERIALIZATION:") {
        return SerializationException(text.to_owned());
    }
    if let Some(text) = message.strip_prefix("VALIDATION:") {
        return ValidationException(text.to_owned());
    }
    if let Some(text) = message.strip_prefix("VALIDATION_REQUEST:") {
        return ValidationException(match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                format!("1 validation error detected: {text}")
            }
            _ => text.to_owned(),
        });
    }
    unmarked(message)
}

fn unmarked(message: &str) -> DynoxideError {
    let says = |words: &str| message.contains(words);
    if says("empty AttributeValue") {
        let text =
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
        ValidationException(text.to_owned())
    } else if says("recursion limit exceeded") {
        ValidationException("Nesting Levels have exceeded supported limits".to_owned())
    } else if says("missing field")
        || says("unknown variant")
        || says("invalid type: null")
        || says("Supplied AttributeValue")
    {
        ValidationException(message.to_owned())
    } else {
        SerializationException(message.to_owned())
    }
}

fn without_position(message: &str) -> &str {
    match message.rsplit_once(" at line ") {
        Some((text, position)) if position.contains(" column ") => text,
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::super::FailedStep;
    use super::{answer, classify};

    #[test]
    fn wk17_a_damaged_file_is_an_error_that_no_client_repeats() {
        let failed = |message: &str| {
            let error = dynoxide::DynoxideError::InternalServerError(message.to_owned());
            answer("GetItem", FailedStep::Engine(error))
        };
        let (status, body) = failed("database disk image is malformed");
        assert_eq!(status, 400);
        assert!(String::from_utf8(body).unwrap().contains("TableDamaged"));
        assert_eq!(failed("database or disk is full").0, 500);
    }

    fn body(operation: &str, message: &str) -> String {
        classify(operation, message).to_json()
    }

    #[test]
    fn a_missing_field_is_a_validation_exception_without_a_position() {
        let body = body("TransactWriteItems", "missing field `Key` at line 1 column 90");
        assert_eq!(
            body,
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"missing field `Key`"}"#
        );
    }

    #[test]
    fn markers_choose_the_exception_and_are_not_shown() {
        for (marked, class) in [
            ("VALIDATION:no at line 1 column 2", "ValidationException"),
            ("VALIDATION_REQUEST:no at line 1 column 2", "ValidationException"),
            ("SERIALIZATION:no at line 1 column 2", "SerializationException"),
            ("VALIDATION_AS_READ:no", "ValidationException"),
            ("SERIALIZATION_AS_READ:no", "SerializationException"),
        ] {
            let body = body("GetItem", marked);
            assert!(body.contains(&format!("#{class}\"")), "{marked}: {body}");
            assert!(body.contains("essage\":\"no\""), "{marked}: {body}");
        }
    }

    #[test]
    fn only_single_writes_count_their_validation_errors() {
        let put = body("PutItem", "VALIDATION_REQUEST:no at line 1 column 2");
        assert!(put.contains("1 validation error detected: no"), "{put}");
        let get = body("TransactWriteItems", "VALIDATION_REQUEST:no");
        assert!(!get.contains("detected"), "{get}");
    }

    #[test]
    fn too_deep_for_the_parser_is_too_deep_for_the_table() {
        let deep = "[".repeat(200);
        let error = serde_json::from_str::<serde_json::Value>(&deep).unwrap_err();
        let body = body("PutItem", &error.to_string());
        assert!(body.contains("#ValidationException"), "{body}");
    }

    #[test]
    fn another_type_of_value_is_a_serialization_exception() {
        let message = "invalid type: integer `1`, expected a string at line 1 column 9";
        let body = body("GetItem", message);
        assert!(body.contains("#SerializationException"), "{body}");
        assert!(!body.contains("column"), "{body}");
    }
}
