//! JSON Schemas of attributes (draft 2020-12), restricted: no reference is fetched, patterns run in
//! linear time, and the cost of a schema is bounded before it is compiled.
//!
//! A few lines of schema can take hours: branches that refer to branches double with each level,
//! and `unevaluatedProperties` tries every path. So a schema is walked first as a validator would
//! expand it, references followed; what grows past [`MAX_EXPANDED`], refers to itself, or uses a
//! keyword whose cost this walk does not see, is refused. Patterns are few and small; what was
//! compiled is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use super::definition::AttributeDefinition;
use super::error::{Code, expected_not};
use super::format::Refusal;
use super::json::Json;

/// The longest JSON Schema, in bytes.
pub const MAX_SCHEMA: usize = 16 * 1024;
/// The most keywords of a schema, each counted as often as references lead to it.
pub const MAX_EXPANDED: usize = 1000;
/// The most patterns of a schema.
pub const MAX_PATTERNS: usize = 30;
/// The most bytes that a compiled pattern takes.
const MAX_PATTERN: usize = 1 << 18;
/// How many compiled schemas a process keeps.
const KEPT: usize = 16;
/// The longest message about a value that does not fit, in characters.
const MAX_MESSAGE: usize = 200;
/// The only draft.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Keywords that are not taken.
const REFUSED: [&str; 8] = [
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$id",
    "$anchor",
];

/// Checks the JSON Schema of a definition and gives the text to store.
pub(super) fn check_schema(schema: &Json) -> Result<String, Refusal> {
    let refuse = |detail: String| (Code::Schema, detail);
    if !matches!(schema, Json::Object(_) | Json::Bool(_)) {
        return Err((
            Code::WrongType,
            expected_not("a JSON Schema, which is an object or a boolean", schema),
        ));
    }
    let text = schema.to_text();
    if text.len() > MAX_SCHEMA {
        return Err((
            Code::TooLong,
            format!("expected at most {MAX_SCHEMA} bytes, found {}", text.len()),
        ));
    }
    let root: Value = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    let mut walk = SchemaWalk { root: &root, following: Vec::new(), expanded: 0, patterns: 0 };
    walk.schema(&root).map_err(refuse)?;
    compile(&root).map_err(refuse)?;
    Ok(text)
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(
            PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN),
        )
        .build(schema)
        .map_err(|error| {
            short(&format!(
                "the JSON Schema is not valid at `{}`: {}",
                error.instance_path(),
                error.masked()
            ))
        })
}

/// Checks a value against the schema of its definition, if it has one.
pub(super) fn check_against_schema(
    text: &str,
    definition: &AttributeDefinition,
) -> Result<(), Refusal> {
    let Some(schema) = &definition.json_schema else { return Ok(()) };
    let refuse = |detail: String| (Code::Schema, detail);
    let value: Value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
    compiled(schema).map_err(refuse)?.validate(&value).map_err(|error| {
        refuse(short(&format!(
            "the value does not fit the JSON Schema at `{}`: {}",
            error.instance_path(),
            error.masked()
        )))
    })
}

/// The compiled form of a stored schema, kept for the next value.
fn compiled(schema: &str) -> Result<Arc<Validator>, String> {
    static COMPILED: Mutex<VecDeque<(String, Arc<Validator>)>> = Mutex::new(VecDeque::new());
    let compiled = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, validator)) = compiled().iter().find(|(text, _)| text == schema) {
        return Ok(validator.clone());
    }
    let root: Value = serde_json::from_str(schema).map_err(|error| error.to_string())?;
    let validator = Arc::new(compile(&root)?);
    let mut compiled = compiled();
    compiled.truncate(KEPT - 1);
    compiled.push_front((schema.to_owned(), validator.clone()));
    Ok(validator)
}

fn short(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

/// A walk over a schema as a validator expands it.
struct SchemaWalk<'s> {
    root: &'s Value,
    /// The references that led here.
    following: Vec<&'s str>,
    expanded: usize,
    patterns: usize,
}

impl<'s> SchemaWalk<'s> {
    fn schema(&mut self, schema: &'s Value) -> Result<(), String> {
        self.expanded += 1;
        if self.expanded > MAX_EXPANDED {
            return Err(format!(
                "expected at most {MAX_EXPANDED} keywords in the JSON Schema, counted once per \
                 reference"
            ));
        }
        let Value::Object(keywords) = schema else { return Ok(()) };
        for (keyword, value) in keywords {
            self.expanded += 1;
            self.keyword(keyword, value)?;
        }
        Ok(())
    }

    fn keyword(&mut self, keyword: &str, value: &'s Value) -> Result<(), String> {
        self.patterns += match (keyword, value) {
            ("pattern", _) => 1,
            ("patternProperties", Value::Object(patterns)) => patterns.len(),
            _ => 0,
        };
        if self.patterns > MAX_PATTERNS {
            return Err(format!(
                "expected at most {MAX_PATTERNS} patterns in the JSON Schema, counted once per \
                 reference"
            ));
        }
        match (keyword, value) {
            ("$schema", Value::String(draft)) if draft.trim_end_matches('#') == DRAFT => Ok(()),
            ("$schema", _) => Err(format!("expected the JSON Schema draft `{DRAFT}`")),
            ("$ref", Value::String(reference)) => self.reference(reference),
            // Data, not schemas.
            ("enum" | "const" | "default" | "examples", _) => Ok(()),
            // Names, not keywords.
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(named),
            ) => self.all(named),
            (keyword, _) if REFUSED.contains(&keyword) => {
                Err(format!("the JSON Schema keyword `{keyword}` is not supported"))
            }
            (_, Value::Object(_)) => self.schema(value),
            (_, Value::Array(items)) => {
                items.iter().filter(|item| item.is_object()).try_for_each(|item| self.schema(item))
            }
            _ => Ok(()),
        }
    }

    fn all(&mut self, named: &'s Map<String, Value>) -> Result<(), String> {
        named.values().try_for_each(|schema| self.schema(schema))
    }

    fn reference(&mut self, reference: &'s str) -> Result<(), String> {
        let target =
            reference.strip_prefix('#').filter(|path| path.is_empty() || path.starts_with('/'));
        let target = target.and_then(|path| self.root.pointer(path));
        let target = target.ok_or_else(|| {
            format!("`$ref` points to nothing in the JSON Schema: `{}`", short(reference))
        })?;
        if self.following.contains(&reference) {
            return Err(format!("the JSON Schema refers to itself: `{}`", short(reference)));
        }
        self.following.push(reference);
        self.schema(target)?;
        self.following.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str) -> Result<String, Refusal> {
        check_schema(&Json::parse(schema.as_bytes()).unwrap())
    }

    #[test]
    fn a1_a_schema_is_taken_or_says_why_not() {
        for right in [
            "true",
            "{}",
            r##"{"properties":{"unevaluatedItems":{"type":"string"},"$id":{"$ref":"#/$defs/a~1b"}},"$defs":{"a/b":{}}}"##,
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","enum":[{"$ref":"https://example.org/x"}]}"#,
            r#"{"pattern":"^[a-z]+$"}"#,
        ] {
            assert_eq!(check(right).unwrap(), right);
        }
        for (wrong, said) in [
            ("[]", "an object or a boolean"),
            (r#"{"type":"strin"}"#, "is not valid"),
            (r#"{"maxLength":-1}"#, "is not valid"),
            (r#"{"$ref":"https://example.org/schema"}"#, "points to nothing"),
            (r#"{"$ref":"file:///etc/passwd"}"#, "points to nothing"),
            (r#"{"properties":{"a":{"$ref":"other.json"}}}"#, "points to nothing"),
            (r##"{"$ref":"#/$defs/none"}"##, "points to nothing"),
            (r##"{"$ref":"#"}"##, "refers to itself"),
            (
                r##"{"$ref":"#/$defs/a","$defs":{"a":{"items":{"$ref":"#/$defs/b"}},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
                "refers to itself",
            ),
            (r#"{"unevaluatedProperties":false}"#, "is not supported"),
            (r#"{"allOf":[{"items":{"$dynamicRef":"x"}}]}"#, "is not supported"),
            (
                r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
                "expected the JSON Schema draft",
            ),
            (r#"{"pattern":"(?=a)b"}"#, "is not valid"),
            (r#"{"pattern":"((a{1000}){1000}){1000}"}"#, "is not valid"),
        ] {
            let (_, detail) = check(wrong).unwrap_err();
            assert!(detail.contains(said), "{wrong}: {detail}");
        }
        assert_eq!(
            check(&format!(r#"{{"description":"{}"}}"#, "x".repeat(MAX_SCHEMA))).unwrap_err().0,
            Code::TooLong
        );
    }

    #[test]
    fn a1_a_schema_that_would_take_hours_is_refused_at_once() {
        let branch = |i: usize| {
            format!(
                r##""{i}":{{"allOf":[{{"$ref":"#/$defs/{}"}},{{"$ref":"#/$defs/{}"}}]}}"##,
                i + 1,
                i + 1
            )
        };
        let levels: Vec<_> = (0..30).map(branch).collect();
        let bomb =
            format!(r##"{{"$ref":"#/$defs/0","$defs":{{{},"30":true}}}}"##, levels.join(","));
        assert!(check(&bomb).unwrap_err().1.contains("at most 1000 keywords"));
        let patterns: Vec<_> = (0..31).map(|i| format!(r#"{{"pattern":"^x{i}$"}}"#)).collect();
        let many = format!(r#"{{"anyOf":[{}]}}"#, patterns.join(","));
        assert!(check(&many).unwrap_err().1.contains("at most 30 patterns"));
    }
}
