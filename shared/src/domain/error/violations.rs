//! Fields at fault, and how they are collected.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Error, Result};
use crate::domain::json::Json;
use crate::domain::string_enum::string_enum;
use crate::domain::suggest::{cut, shown};

string_enum! {
    /// A stable word for the fault of a field.
    Code {
        /// The field must be present.
        Required = "required",
        /// No such field or attribute.
        Unknown = "unknown",
        /// The caller has changed a field that cannot be changed this way.
        NotEditable = "not-editable",
        /// The attribute is read only for this caller.
        ReadOnly = "read-only",
        /// Another JSON type was expected.
        WrongType = "wrong-type",
        /// The type is right, the text is not.
        WrongFormat = "wrong-format",
        /// Not one of the values that the definition lists.
        NotInEnumeration = "not-in-enumeration",
        /// The text has more characters or bytes than allowed.
        TooLong = "too-long",
        /// The list has more members than allowed.
        TooMany = "too-many",
        /// The whole is larger than allowed.
        TooLarge = "too-large",
        /// Another user holds the value.
        NotUnique = "not-unique",
        /// The field names something that does not exist.
        NotFound = "not-found",
        /// The field or value is not allowed here.
        NotAllowed = "not-allowed",
        /// The workflow that derives the attribute did not.
        DerivedFailed = "derived-failed",
        /// The value does not fit the JSON Schema of its definition, or the schema itself cannot be
        /// used.
        Schema = "schema",
        /// The field never changes after creation.
        Immutable = "immutable",
        /// A fault that no rule foresees; it was logged.
        Unexpected = "unexpected",
    }
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) into the request's body.
    pub pointer: String,
    /// What, for programs.
    pub code: Code,
    /// The message for people. It names the expected value.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.pointer, self.detail)
        }
    }
}

impl Violation {
    /// A violation of a field. A long pointer or detail is cut.
    pub fn new(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (cut(pointer.into(), MAX_POINTER), cut(detail.into(), MAX_DETAIL));
        Self { pointer, code, detail }
    }

    /// A field whose value another user holds.
    pub fn taken(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(pointer, Code::NotUnique, detail)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.pointer.len() + self.detail.len()
    }
}

/// The most violations that one answer lists.
pub const MAX_VIOLATIONS: usize = 200;
/// The bytes of pointers and details after which an answer lists no further violation.
pub const MAX_VIOLATION_BYTES: usize = 64 * 1024;
/// The longest pointer of a violation, in bytes.
pub(super) const MAX_POINTER: usize = 1024;
/// The longest detail of a violation, in bytes.
pub const MAX_DETAIL: usize = 4096;
/// The longest name that a field, a category or an attribute can have, in bytes.
pub const MAX_NAME: usize = 64;

/// The fields at fault that were found so far: every one is listed, not just the first (rule E1).
/// An invalid value wins over a value that is merely taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    broken: Vec<Violation>,
    taken: Vec<Violation>,
    bytes: usize,
}

impl Violations {
    /// Adds a field that breaks a rule. Drops it past [`MAX_VIOLATIONS`] or
    /// [`MAX_VIOLATION_BYTES`], so that the answer stays small.
    pub fn add(&mut self, pointer: impl Into<String>, code: Code, detail: impl Into<String>) {
        self.add_with(pointer, code, || detail.into());
    }

    /// As [`Violations::add`]; the detail is made only if the answer lists it. A suggestion of
    /// names compares many.
    pub fn add_with(
        &mut self,
        pointer: impl Into<String>,
        code: Code,
        detail: impl FnOnce() -> String,
    ) {
        if !self.is_full() {
            let violation = Violation::new(pointer, code, detail());
            self.bytes += violation.bytes();
            self.broken.push(violation);
        }
    }

    /// Whether further violations are not listed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.broken.len() >= MAX_VIOLATIONS || self.bytes >= MAX_VIOLATION_BYTES
    }

    /// Adds, once for each container, that the object at `container` has a member whose name is
    /// longer than any that can exist. A pointer to the member would repeat the whole name.
    pub fn long_name(&mut self, container: &str, what: &str, name: &str) {
        let end = format!("; expected names of at most {MAX_NAME} bytes");
        let known = |other: &Violation| other.pointer == container && other.detail.ends_with(&*end);
        if !self.is_full() && !self.broken.iter().any(known) {
            let detail = format!("unknown {what} `{}`{end}", shown(name));
            self.add(container, Code::Unknown, detail);
        }
    }

    /// Adds a field whose value has another JSON type than the expected one.
    pub fn wrong_type(&mut self, pointer: impl Into<String>, expected: &str, found: &Json) {
        self.add(pointer, Code::WrongType, expected_not(expected, found));
    }

    /// Adds an array that has more members than allowed.
    pub fn too_many(&mut self, pointer: impl Into<String>, found: usize, most: usize) {
        self.add(pointer, Code::TooMany, format!("expected at most {most} values, found {found}"));
    }

    /// Adds a text that has more bytes than allowed.
    pub fn too_long(&mut self, pointer: impl Into<String>, found: usize, most: usize) {
        self.add(
            pointer,
            Code::TooLong,
            format!("expected at most {most} characters, found {found}"),
        );
    }

    /// Whether there is a violation at `pointer` or within it.
    #[must_use]
    pub fn concern(&self, pointer: &str) -> bool {
        let within = |other: &str| {
            other.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.broken.iter().any(|violation| within(&violation.pointer))
    }

    /// Adds that a field is missing, unless there is a violation of the field or of its parent
    /// already. An invalid value is not missing.
    pub fn missing(&mut self, pointer: &str, name: &str) {
        let around =
            |other: &str| pointer.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
        let known = self.broken.iter().any(|violation| around(&violation.pointer));
        if !known && !self.concern(pointer) {
            self.add(pointer, Code::Required, format!("`{name}` is required"));
        }
    }

    /// Adds a field whose value another user holds.
    pub fn taken(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.taken.len() < MAX_VIOLATIONS && self.bytes < MAX_VIOLATION_BYTES {
            let violation = Violation::taken(pointer, detail);
            self.bytes += violation.bytes();
            self.taken.push(violation);
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.broken.len() + self.taken.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields that break a rule.
    #[must_use]
    pub fn into_broken(self) -> Vec<Violation> {
        self.broken
    }

    /// The value of `read`, if there are no violations here either. Else all violations of both.
    pub fn and<T>(self, read: Result<T>) -> Result<T> {
        match read {
            Ok(value) => self.check(value),
            Err(Error::Invalid(mut violations)) => {
                let mut bytes: usize = violations.iter().map(Violation::bytes).sum();
                for violation in self.broken {
                    if violations.len() >= MAX_VIOLATIONS || bytes >= MAX_VIOLATION_BYTES {
                        break;
                    }
                    bytes += violation.bytes();
                    violations.push(violation);
                }
                Err(Error::Invalid(violations))
            }
            Err(error) => Err(error),
        }
    }

    /// `value` when nothing is at fault, else [`Error::Invalid`] or [`Error::NotUnique`] with all
    /// that is.
    pub fn check<T>(self, value: T) -> Result<T> {
        match (self.broken.is_empty(), self.taken.is_empty()) {
            (false, _) => Err(Error::Invalid(self.broken)),
            (true, false) => Err(Error::NotUnique(self.taken)),
            (true, true) => Ok(value),
        }
    }
}

/// The error message for a value of another JSON type than the expected one.
#[must_use]
pub fn expected_not(expected: &str, found: &Json) -> String {
    format!("expected {expected}, found {}", found.kind())
}
