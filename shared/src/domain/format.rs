//! Data formats: what each takes, and the form in which a value is stored and compared (rule A1).
//!
//! A stored value is text in a form that the format reads again as the same text, hashes excepted.

use super::definition::{AttributeDefinition, DataFormat};
use super::error::{Code, expected_not};
use super::hashing::{self, HashDecision, MAX_HASHES};
use super::json::Json;
use super::json_schema::check_against_schema;
use super::schema::Schema;
use super::text::{self, EXPECTED_EMAIL};
use super::value::MAX_VALUE;
use super::write_context::WriteContext;

/// The deepest nesting of a JSON value. A whole profile, in which values stand deeper, can be sent
/// back within the limit of bodies.
pub const MAX_JSON_DEPTH: usize = 32;

/// The fault of a value: a code for programs, and the expected form.
pub type Refusal = (Code, String);

/// Reads one value into its stored form.
pub(super) fn read(
    item: &Json,
    definition: &AttributeDefinition,
    context: &WriteContext<'_>,
) -> Result<String, Refusal> {
    let format = definition.data_format;
    let stored = match (format, item) {
        (DataFormat::Json, Json::Null) => return Err(wrong_type("a JSON value", item)),
        (DataFormat::Json, value) => {
            if value.depth() > MAX_JSON_DEPTH {
                let detail = format!("expected a value of at most {MAX_JSON_DEPTH} nested levels");
                return Err((Code::WrongFormat, detail));
            }
            let text = value.to_text();
            check_length(&text)?;
            check_against_schema(&text, definition)?;
            return Ok(text);
        }
        (DataFormat::Numeric, Json::String(text) | Json::Number(text)) => text::decimal(text)
            .ok_or(
                "expected a decimal number of at most 38 significant digits, e.g. 42 or \"-1.50\"",
            ),
        (DataFormat::Numeric, other) => {
            return Err(wrong_type("a number or a decimal string", other));
        }
        // Back ends send numbers and flags as they have them (rule A10).
        (DataFormat::Text, Json::Number(text)) => {
            check_length(text)?;
            Ok(text.clone())
        }
        (DataFormat::Text, Json::Bool(value)) => Ok(value.to_string()),
        (_, Json::String(text)) => {
            check_length(text)?;
            match format {
                DataFormat::Enumeration if definition.enumeration_values.contains(text) => {
                    Ok(text.clone())
                }
                DataFormat::Enumeration => {
                    return Err((Code::NotInEnumeration, definition.expected_value(text)));
                }
                DataFormat::Email => text::email(text).map(|_| text.clone()).ok_or(EXPECTED_EMAIL),
                DataFormat::Sms => text::phone(text)
                    .ok_or("expected a telephone number in E.164 form, e.g. +3225550123"),
                _ if text.trim().is_empty() || text.contains('\0') => {
                    Err("expected a text that is not empty and has no U+0000")
                }
                DataFormat::Hash => return salted(text, definition, context),
                DataFormat::SearchableHash => hashing::searchable(text, definition, context.schema)
                    .ok_or("the key of hashes is missing"),
                DataFormat::Text | DataFormat::Numeric | DataFormat::Json => Ok(text.clone()),
            }
        }
        (DataFormat::Hash | DataFormat::SearchableHash, other) => {
            return Err(wrong_type(
                "a string, or `{\"set\": true}` to keep the stored value",
                other,
            ));
        }
        (DataFormat::Text, other) => {
            return Err(wrong_type("a string, a number, true or false", other));
        }
        (_, other) => return Err(wrong_type("a string", other)),
    };
    stored.map_err(|detail| (Code::WrongFormat, detail.to_owned()))
}

fn wrong_type(expected: &str, item: &Json) -> Refusal {
    (Code::WrongType, expected_not(expected, item))
}

fn check_length(text: &str) -> Result<(), Refusal> {
    if text.len() <= MAX_VALUE {
        return Ok(());
    }
    Err((Code::TooLong, format!("expected at most {MAX_VALUE} bytes, found {}", text.len())))
}

fn salted(
    text: &str,
    definition: &AttributeDefinition,
    context: &WriteContext<'_>,
) -> Result<String, Refusal> {
    match context.hashes.decide(text) {
        HashDecision::Keep => return Ok(text.to_owned()),
        HashDecision::Refuse(code, detail) => return Err((code, detail.to_owned())),
        HashDecision::Hash => {}
    }
    context.hashes.salted(text, definition, context.env).ok_or_else(|| {
        (Code::TooMany, format!("expected at most {MAX_HASHES} values of HASH in one request"))
    })
}

/// Checks a stored value once more, by a definition that may have changed since it was read.
pub(super) fn recheck(stored: &str, definition: &AttributeDefinition) -> Result<(), Refusal> {
    match definition.data_format {
        DataFormat::Enumeration
            if !definition.enumeration_values.iter().any(|value| value == stored) =>
        {
            Err((Code::NotInEnumeration, definition.expected_value(stored)))
        }
        DataFormat::Json => check_against_schema(stored, definition),
        _ => Ok(()),
    }
}

/// The form in which a stored value is compared: for uniqueness and for look-ups.
#[must_use]
pub fn comparable(stored: &str, format: DataFormat) -> String {
    match format {
        DataFormat::Numeric => text::plain_decimal(stored).to_owned(),
        DataFormat::Email => text::stored_email(stored).unwrap_or_else(|| text::email_part(stored)),
        DataFormat::Sms | DataFormat::Hash | DataFormat::SearchableHash | DataFormat::Json => {
            stored.to_owned()
        }
        DataFormat::Text | DataFormat::Enumeration => text::folded(stored),
    }
}

/// The form in which a stored value was compared before composed forms were.
#[must_use]
pub(super) fn earlier_comparable(stored: &str, format: DataFormat) -> String {
    match format {
        DataFormat::Email => text::earlier::email(stored).unwrap_or_else(|| stored.to_lowercase()),
        DataFormat::Text | DataFormat::Enumeration => text::earlier::folded(stored),
        _ => comparable(stored, format),
    }
}

/// The form in which a value of a search is compared with stored values. `None` if no stored value
/// can equal it.
#[must_use]
pub fn search_form(
    value: &str,
    definition: &AttributeDefinition,
    schema: &Schema,
) -> Option<String> {
    // No stored value is longer, in characters or in bytes.
    if value.len() > 4 * MAX_VALUE {
        return None;
    }
    let stored = match definition.data_format {
        DataFormat::Numeric => text::decimal(value)?,
        DataFormat::Sms => text::phone(value)?,
        DataFormat::SearchableHash => hashing::searchable(value, definition, schema)?,
        DataFormat::Hash | DataFormat::Json => return None,
        DataFormat::Email | DataFormat::Text | DataFormat::Enumeration => value.to_owned(),
    };
    Some(comparable(&stored, definition.data_format))
}

/// Shows a stored value; of a hash only that it is there (rule A2).
pub(super) fn show(stored: &str, format: DataFormat) -> Json {
    match format {
        DataFormat::Hash | DataFormat::SearchableHash => {
            Json::Object(crate::object! { "set" => true })
        }
        DataFormat::Json => Json::parse(stored.as_bytes()).unwrap_or(Json::Null),
        _ => Json::from(stored),
    }
}
