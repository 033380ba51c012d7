//! The field that entries are searched for.

use std::collections::BTreeSet;

use super::entry::{ChangedField, Entry};
use super::render::Reader;
use crate::domain::definition::Predefined;
use crate::domain::error::{Error, Result};
use crate::domain::field::pointer;
use crate::domain::schema::Schema;
use crate::domain::suggest;
use crate::domain::view::View;

/// The field that entries are searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeFilter {
    /// The end of the pointer, or the whole one.
    tail: String,
    whole: bool,
}

/// The fields of a profile that are no attributes.
const FIELDS: [&str; 11] = [
    "clients",
    "consents",
    "email_verified",
    "status",
    "kind",
    "last_login_at",
    "passkeys",
    "personas",
    "principals",
    "subjects",
    "systems",
];

impl AttributeFilter {
    /// Reads a JSON Pointer, the name of a field, or category and name of an attribute with a dot
    /// between them, of those that this view shows.
    pub fn read(text: &str, schema: &Schema, view: View) -> Result<Self> {
        if text.starts_with('/') {
            return Ok(Self { tail: text.to_owned(), whole: true });
        }
        let shown = |field: &Predefined| {
            schema.predefined(*field).is_none_or(|definition| view.shows(definition))
        };
        if FIELDS.contains(&text) || text.parse::<Predefined>().is_ok_and(|field| shown(&field)) {
            return Ok(Self { tail: pointer("", text), whole: false });
        }
        let named = text.split_once('.');
        let definition = named.and_then(|(category, name)| schema.attribute_named(category, name));
        let definition = definition.filter(|definition| view.shows(definition));
        let Some(definition) = definition else {
            let custom = schema.custom_attributes().filter(|definition| view.shows(definition));
            let custom = custom.map(|a| format!("{}.{}", a.category, a.name));
            let fields = Predefined::ALL.into_iter().filter(shown).map(Predefined::name);
            let known: BTreeSet<_> =
                fields.chain(FIELDS).map(str::to_owned).chain(custom).collect();
            let meant = suggest::unknown("attribute", text, known.iter().map(String::as_str));
            return Err(Error::Malformed(format!("query parameter `attribute`: {meant}")));
        };
        Ok(Self { tail: definition.pointer_below("/attributes"), whole: false })
    }

    /// Whether an entry changes the field, what is in it, or what it is in.
    #[must_use]
    pub fn matches(&self, reader: &Reader<'_>, entry: &Entry) -> bool {
        let shown = |field: &ChangedField| reader.place(&field.pointer).map(|(shown, _)| shown);
        entry.changes.iter().filter_map(shown).any(|shown| self.covers(&shown))
    }

    fn covers(&self, shown: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if within(shown, &self.tail) || within(&self.tail, shown) {
            return true;
        }
        if self.whole {
            return false;
        }
        // A field of a persona or of a system, or a persona that comes or goes whole.
        let parts: Vec<_> = shown.splitn(4, '/').collect();
        match parts.as_slice() {
            ["", "personas", _] => self.tail.starts_with("/attributes/"),
            ["", "personas", _, rest] => within(&format!("/{rest}"), &self.tail),
            ["", "systems", _, rest] => {
                let rest = rest.strip_prefix("overrides/").unwrap_or(rest);
                within(&format!("/{rest}"), &self.tail)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_finds_what_lies_below_and_above_its_field() {
        let of = |tail: &str, whole| AttributeFilter { tail: tail.to_owned(), whole };
        let size = of("/attributes/common/size", false);
        for found in [
            "/attributes/common/size",
            "/personas/p/attributes/common/size",
            "/personas/p",
            "/systems/s/overrides/attributes/common/size",
        ] {
            assert!(size.covers(found), "{found}");
        }
        for other in ["/attributes/common/sizes", "/username", "/systems/s/attributes/size"] {
            assert!(!size.covers(other), "{other}");
        }
        let email = of("/preferred_email", false);
        assert!(email.covers("/systems/s/overrides/preferred_email"));
        assert!(!email.covers("/personas/p"));
        let persona = of("/personas/p/status", true);
        assert!(persona.covers("/personas/p") && persona.covers("/personas/p/status"));
        assert!(!persona.covers("/status") && !persona.covers("/personas/p/scope"));
        assert!(of("/personas", false).covers("/personas/p/status"));
    }
}
