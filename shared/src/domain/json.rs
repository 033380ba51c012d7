//! JSON as clients send it and as the service shows it, with every digit of every number kept.
//!
//! `serde_json` reads numbers into 64 bits and lets the last of two equal keys win; a profile may
//! lose neither a digit nor a key in silence (rule P1). So bodies are read by a strict streaming
//! reader into this tree, rules work on it, and answers are built as one. Objects keep their order,
//! and two objects with the same members in another order are equal.

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// The members of a JSON object, in the order in which they were written.
pub type Object = IndexMap<String, Json>;

/// A JSON value (RFC 8259); a number is kept as the text that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as text.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

/// A text without the byte order mark at its start, which a reader of JSON may ignore (RFC 8259
/// §8.1).
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

impl Json {
    /// The value as JSON text, without spaces.
    #[must_use]
    pub fn to_text(&self) -> String {
        // INVARIANT: a tree of strings, and of numbers that were read from JSON text, always
        // serializes.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The string in it, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// How deep arrays and objects nest in it; 0 for other values.
    #[must_use]
    pub fn depth(&self) -> usize {
        let deepest =
            |below: &mut dyn Iterator<Item = &Self>| 1 + below.map(Self::depth).max().unwrap_or(0);
        match self {
            Self::Array(items) => deepest(&mut items.iter()),
            Self::Object(members) => deepest(&mut members.values()),
            _ => 0,
        }
    }

    /// The kind of the value, for error messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// Applies a merge patch (RFC 7396 §2): members of `patch` replace, `null` removes, everything
    /// else replaces the whole.
    #[must_use]
    pub fn merge(self, patch: Self) -> Self {
        let Self::Object(changes) = patch else {
            return patch;
        };
        let mut members = if let Self::Object(members) = self { members } else { Object::new() };
        for (name, change) in changes {
            if change == Self::Null {
                members.shift_remove(&name);
            } else {
                let place = members.entry(name).or_insert(Self::Null);
                *place = std::mem::replace(place, Self::Null).merge(change);
            }
        }
        Self::Object(members)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => serializer.serialize_i64(number),
                _ => serde_json::value::RawValue::from_string(text.clone())
                    .map_err(serde::ser::Error::custom)?
                    .serialize(serializer),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    array.serialize_element(item)?;
                }
                array.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<Object> for Json {
    fn from(members: Object) -> Self {
        Self::Object(members)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! json_from_display {
    ($($type:ty),*) => {$(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                Self::String(value.to_string())
            }
        }
        impl From<&$type> for Json {
            fn from(value: &$type) -> Self {
                Self::String(value.to_string())
            }
        }
    )*};
}

json_from_display!(
    super::id::UserId,
    super::id::PersonaId,
    super::id::DefinitionId,
    super::id::SubjectId,
    super::id::ChangeRequestId,
    super::id::ImportId,
    super::id::ProfileId,
    super::id::PartyId,
    super::id::PurposeId,
    super::consent::PurposeRef,
    super::id::TenantId,
    super::id::ClientId,
    crate::env::Timestamp
);

/// Builds a JSON object: `object! { "name" => value, … }`; a value is anything that turns into
/// [`Json`].
#[macro_export]
macro_rules! object {
    ($($name:expr => $value:expr),* $(,)?) => {{
        let mut members = $crate::domain::json::Object::new();
        $(members.insert(($name).to_string(), $crate::domain::Json::from($value));)*
        members
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn p1_every_digit_is_kept() {
        let text = r#"{"a":12345678901234567890.12345678901234567890,"b":[1e400,-0],"c":"é\n"}"#;
        assert_eq!(parse(text).to_text(), text);
    }

    #[test]
    fn p1_what_would_lose_data_is_refused() {
        let deep = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Json::parse(deep(64).as_bytes()).is_ok());
        for wrong in [
            "",
            "{\"a\":1,\"a\":2}",
            "{\"a\":{\"b\":1,\"b\":1}}",
            "{\"a\":1,\"\\u0061\":2}",
            "[NaN]",
            "[Infinity]",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "[1,]",
            "{} {}",
            "01",
            "\u{feff}{}",
            "{'a':1}",
            "// x\n1",
            &deep(65),
        ] {
            assert!(Json::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn p2_all_cases_of_rfc_7396_appendix_a() {
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ];
        for (target, patch, result) in cases {
            assert_eq!(parse(target).merge(parse(patch)), parse(result), "{target} + {patch}");
        }
        let same = parse(r#"{"a":{"b":[1,null]}}"#);
        assert_eq!(same.clone().merge(parse("{}")), same);
    }
}
