//! A reader of the fields of a JSON object that collects every violation instead of stopping at the
//! first (rule E1).
//!
//! Fields are taken one after another. A field that remains when [`Fields::finish`] is called is
//! unknown. It is refused by name, with a suggestion, and never dropped silently.

use super::error::{Code, MAX_NAME, Violations};
use super::json::{Json, Object};
use super::string_enum::{StringEnum, expected_word};
use super::suggest::unknown;
use crate::env::Timestamp;

/// The fields of one object that were not taken yet.
pub struct Fields<'v> {
    members: Object,
    pointer: String,
    /// Whether there is an object to read: of anything else no field is missing.
    is_object: bool,
    /// The names that were read, which are the valid ones.
    valid: Vec<&'static str>,
    violations: &'v mut Violations,
}

impl<'v> Fields<'v> {
    /// Starts to read `value`, which stands at `pointer`; anything but an object is a violation and
    /// reads as empty.
    pub fn new(value: Json, pointer: impl Into<String>, violations: &'v mut Violations) -> Self {
        let pointer = pointer.into();
        let (is_object, members) = match value {
            Json::Object(members) => (true, members),
            other => {
                violations.wrong_type(&*pointer, "an object", &other);
                (false, Object::new())
            }
        };
        Self { members, pointer, is_object, valid: Vec::new(), violations }
    }

    /// The JSON Pointer of the field `name`.
    #[must_use]
    pub fn at(&self, name: &str) -> String {
        pointer(&self.pointer, name)
    }

    /// Adds a violation at the field `name`. If the document is no object, no field is missing.
    pub fn refuse(&mut self, name: &str, code: Code, detail: impl Into<String>) {
        if code == Code::Required && !self.is_object {
            return;
        }
        let at = self.at(name);
        self.violations.add(at, code, detail);
    }

    /// Adds that the value of the field `name` has another JSON type than the expected one.
    pub fn wrong_type(&mut self, name: &str, expected: &str, found: &Json) {
        let at = self.at(name);
        self.violations.wrong_type(at, expected, found);
    }

    /// Adds that the field `name` has more members than allowed.
    pub fn too_many(&mut self, name: &str, found: usize, most: usize) {
        let at = self.at(name);
        self.violations.too_many(at, found, most);
    }

    /// Says that another resource holds the value of the field `name`.
    pub fn taken(&mut self, name: &str) {
        let at = self.at(name);
        let detail =
            format!("another resource of the tenant has this `{name}`; send another value");
        self.violations.taken(at, detail);
    }

    /// Adds a violation at the `index`-th member of the array `name`.
    pub fn refuse_item(&mut self, name: &str, index: usize, code: Code, detail: impl Into<String>) {
        let at = format!("{}/{index}", self.at(name));
        self.violations.add(at, code, detail);
    }

    /// The violations found so far.
    pub const fn violations(&mut self) -> &mut Violations {
        self.violations
    }

    /// Takes a field as it stands; `null` is a value.
    pub fn take(&mut self, name: &'static str) -> Option<Json> {
        self.valid.push(name);
        self.members.shift_remove(name)
    }

    /// Refuses a field that may not be sent here.
    pub fn refuse_sent(&mut self, name: &str, code: Code, detail: impl Into<String>) {
        if self.members.shift_remove(name).is_some() {
            self.refuse(name, code, detail);
        }
    }

    /// Takes a field; `null` counts as absent.
    pub fn value(&mut self, name: &'static str) -> Option<Json> {
        self.take(name).filter(|value| *value != Json::Null)
    }

    /// Takes a string of at most `max` characters without control characters; empty text is
    /// refused.
    pub fn text(&mut self, name: &'static str, max: usize) -> Option<String> {
        let value = self.value(name)?;
        let at = self.at(name);
        text(value, &at, max, self.violations)
    }

    /// Takes a string as [`Fields::text`] does; its absence is a violation.
    pub fn required_text(&mut self, name: &'static str, max: usize) -> Option<String> {
        self.require(name);
        self.text(name, max)
    }

    /// Takes a boolean.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.value(name)? {
            Json::Bool(value) => Some(value),
            other => {
                self.wrong_type(name, "true or false", &other);
                None
            }
        }
    }

    /// Takes an RFC 3339 time.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name, 64)?;
        let time = Timestamp::parse(&text);
        if time.is_none() {
            self.refuse(name, Code::WrongFormat, format!("expected {TIME}"));
        }
        time
    }

    /// Takes an array of strings, each of at most `max` characters, at most `count` of them.
    pub fn texts(&mut self, name: &'static str, count: usize, max: usize) -> Option<Vec<String>> {
        let at = self.at(name);
        match self.value(name)? {
            Json::Array(items) if items.len() > count => {
                self.too_many(name, items.len(), count);
                None
            }
            Json::Array(items) => {
                let wanted = items.len();
                let texts: Vec<_> = items
                    .into_iter()
                    .enumerate()
                    .filter_map(|(i, item)| text(item, &format!("{at}/{i}"), max, self.violations))
                    .collect();
                (texts.len() == wanted).then_some(texts)
            }
            other => {
                self.wrong_type(name, "an array of strings", &other);
                None
            }
        }
    }

    /// Takes an array of strings as [`Fields::texts`] does; its absence is a violation.
    pub fn required_texts(
        &mut self,
        name: &'static str,
        count: usize,
        max: usize,
    ) -> Option<Vec<String>> {
        self.require(name);
        self.texts(name, count, max)
    }

    /// Takes a field whose text parses into `T`; `expected` describes such texts.
    pub fn parsed<T: std::str::FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
    ) -> Option<T> {
        let text = self.text(name, 512)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(name, Code::WrongFormat, format!("expected {expected}"));
        }
        value
    }

    /// Takes one of the texts of the enumeration `T`.
    pub fn string_enum<T: StringEnum>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name, 512)?;
        let word = text.parse().ok();
        if word.is_none() {
            self.refuse(name, Code::NotInEnumeration, expected_word(T::ALL, &text));
        }
        word
    }

    /// Takes one of the texts of the enumeration `T`; its absence is a violation.
    pub fn required_string_enum<T: StringEnum>(&mut self, name: &'static str) -> Option<T> {
        self.require(name);
        self.string_enum(name)
    }

    /// Refuses the absence of a field.
    pub fn require(&mut self, name: &str) {
        let absent = self.members.get(name).is_none_or(|value| *value == Json::Null);
        if absent {
            self.refuse(name, Code::Required, format!("`{name}` is required"));
        }
    }

    /// Refuses a field that differs from the stored value; an unchanged field is accepted (rule
    /// P3).
    pub fn unchanged(&mut self, name: &str, stored: &Json, code: Code, detail: &str) {
        if let Some(sent) = self.members.shift_remove(name)
            && sent != *stored
        {
            self.refuse(name, code, detail);
        }
    }

    /// Refuses by name every field that was not taken.
    pub fn finish(self) {
        self.finish_with(Vec::new);
    }

    /// As [`Fields::finish`]; `more` makes further paths for suggestions.
    pub fn finish_with(self, more: impl FnOnce() -> Vec<String>) {
        if self.members.is_empty() {
            return;
        }
        let more = more();
        for name in self.members.keys() {
            if self.violations.is_full() {
                return;
            }
            if name.len() > MAX_NAME {
                self.violations.long_name(&self.pointer, "field", name);
                continue;
            }
            let valid = self.valid.iter().copied().chain(more.iter().map(String::as_str));
            let at = pointer(&self.pointer, name);
            self.violations.add_with(at, Code::Unknown, || unknown("field", name, valid));
        }
    }
}

/// An example of a time.
pub const TIME: &str = "a time of RFC 3339, e.g. 2026-11-21T10:00:00.000Z";

/// The JSON Pointer of `name` below `parent` (RFC 6901 §3 escapes `~` and `/`).
#[must_use]
pub fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Reads a string as [`Fields::text`] does.
pub(super) fn text(
    value: Json,
    at: &str,
    max: usize,
    violations: &mut Violations,
) -> Option<String> {
    let text = match value {
        Json::String(text) => text,
        other => {
            violations.wrong_type(at, "a string", &other);
            return None;
        }
    };
    let length = text.chars().count();
    if length > max {
        violations.too_long(at, length, max);
    } else if text.trim().is_empty() {
        violations.add(at, Code::WrongFormat, "must not be empty; omit the field or send null");
    } else if text.chars().any(char::is_control) {
        violations.add(at, Code::WrongFormat, "must not contain control characters");
    } else {
        return Some(text);
    }
    None
}
