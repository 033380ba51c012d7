//! A reader of the fields of a JSON object that collects every violation instead of stopping at the
//! first (rule E1).
//!
//! Fields are taken one after another; what is left when [`Fields::finish`] is called is unknown
//! and refused by name, never dropped in silence.

use super::error::{Code, Violations};
use super::json::{Json, Object};
use super::string_enum::StringEnum;
use crate::env::Timestamp;

/// The fields of one object that were not taken yet.
pub struct Fields<'v> {
    members: Object,
    pointer: String,
    violations: &'v mut Violations,
}

impl<'v> Fields<'v> {
    /// Starts to read `value`, which stands at `pointer`; anything but an object is a violation and
    /// reads as empty.
    pub fn new(value: Json, pointer: impl Into<String>, violations: &'v mut Violations) -> Self {
        let pointer = pointer.into();
        let members = match value {
            Json::Object(members) => members,
            other => {
                violations.add(
                    &*pointer,
                    Code::WrongType,
                    format!("an object is due, not {}", other.kind()),
                );
                Object::new()
            }
        };
        Self { members, pointer, violations }
    }

    /// The JSON Pointer of the field `name`.
    #[must_use]
    pub fn at(&self, name: &str) -> String {
        pointer(&self.pointer, name)
    }

    /// Adds a violation at the field `name`.
    pub fn refuse(&mut self, name: &str, code: Code, detail: impl Into<String>) {
        let at = self.at(name);
        self.violations.add(at, code, detail);
    }

    /// Says that the value of the field `name` is held by somebody else.
    pub fn taken(&mut self, name: &str) {
        let at = self.at(name);
        self.violations.taken(at, format!("`{name}` is held by another resource of the tenant"));
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
    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.members.shift_remove(name)
    }

    /// Takes a field; `null` counts as absent.
    pub fn value(&mut self, name: &str) -> Option<Json> {
        self.take(name).filter(|value| *value != Json::Null)
    }

    /// Takes a string of at most `max` bytes without control characters; empty text is refused.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let value = self.value(name)?;
        let at = self.at(name);
        text(value, &at, max, self.violations)
    }

    /// Takes a string as [`Fields::text`] does; its absence is a violation.
    pub fn required_text(&mut self, name: &str, max: usize) -> Option<String> {
        if self.is_absent(name) {
            self.refuse(name, Code::Required, format!("`{name}` is required"));
        }
        self.text(name, max)
    }

    /// Takes a boolean.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Json::Bool(value) => Some(value),
            other => {
                self.refuse(
                    name,
                    Code::WrongType,
                    format!("true or false is due, not {}", other.kind()),
                );
                None
            }
        }
    }

    /// Takes an RFC 3339 time.
    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name, 64)?;
        let time = Timestamp::parse(&text);
        if time.is_none() {
            self.refuse(
                name,
                Code::WrongFormat,
                "an RFC 3339 time is due, as 2026-11-21T10:00:00.000Z",
            );
        }
        time
    }

    /// Takes an array of strings, each of at most `max` bytes, at most `count` of them.
    pub fn texts(&mut self, name: &str, count: usize, max: usize) -> Option<Vec<String>> {
        let at = self.at(name);
        match self.value(name)? {
            Json::Array(items) if items.len() > count => {
                let detail = format!("{} values, at most {count} are allowed", items.len());
                self.refuse(name, Code::TooMany, detail);
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
                self.refuse(
                    name,
                    Code::WrongType,
                    format!("an array of strings is due, not {}", other.kind()),
                );
                None
            }
        }
    }

    /// Takes an array of strings as [`Fields::texts`] does; its absence is a violation.
    pub fn required_texts(&mut self, name: &str, count: usize, max: usize) -> Option<Vec<String>> {
        if self.is_absent(name) {
            self.refuse(name, Code::Required, format!("`{name}` is required"));
        }
        self.texts(name, count, max)
    }

    /// Takes a field whose text parses into `T`; `due` says what would.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, due: &str) -> Option<T> {
        let text = self.text(name, 512)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(name, Code::WrongFormat, format!("{due} is due"));
        }
        value
    }

    /// Takes one of the texts of the enumeration `T`.
    pub fn string_enum<T: StringEnum>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name, 512)?;
        let word = text.parse().ok();
        if word.is_none() {
            let words: Vec<_> = T::ALL.iter().map(ToString::to_string).collect();
            self.refuse(
                name,
                Code::NotInEnumeration,
                format!("one of {} is due", words.join(", ")),
            );
        }
        word
    }

    /// Takes one of the texts of the enumeration `T`; its absence is a violation.
    pub fn required_string_enum<T: StringEnum>(&mut self, name: &str) -> Option<T> {
        if self.is_absent(name) {
            self.refuse(name, Code::Required, format!("`{name}` is required"));
        }
        self.string_enum(name)
    }

    fn is_absent(&self, name: &str) -> bool {
        self.members.get(name).is_none_or(|value| *value == Json::Null)
    }

    /// Refuses a field that differs from what is stored; sent unchanged it is accepted (rule P3).
    pub fn unchanged(&mut self, name: &str, stored: &Json, code: Code, detail: &str) {
        if let Some(sent) = self.take(name)
            && sent != *stored
        {
            self.refuse(name, code, detail);
        }
    }

    /// Refuses by name every field that was not taken.
    pub fn finish(self) {
        for name in self.members.keys() {
            let at = pointer(&self.pointer, name);
            self.violations.add(at, Code::Unknown, format!("there is no field `{name}`"));
        }
    }
}

/// The JSON Pointer of `name` below `parent` (RFC 6901 §3 escapes `~` and `/`).
#[must_use]
pub fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn text(value: Json, at: &str, max: usize, violations: &mut Violations) -> Option<String> {
    let text = match value {
        Json::String(text) => text,
        other => {
            violations.add(at, Code::WrongType, format!("a string is due, not {}", other.kind()));
            return None;
        }
    };
    if text.len() > max {
        violations.add(
            at,
            Code::TooLong,
            format!("{} bytes, at most {max} are allowed", text.len()),
        );
    } else if text.trim().is_empty() {
        violations.add(
            at,
            Code::WrongFormat,
            "an empty text is no value; leave the field out instead",
        );
    } else if text.chars().any(char::is_control) {
        violations.add(at, Code::WrongFormat, "control characters are not allowed");
    } else {
        return Some(text);
    }
    None
}
