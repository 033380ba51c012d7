//! Look-ups: the items beside a user's own that find the user by a value, and that make a value
//! unique.
//!
//! A user's item stores the look-ups that it owns (`ix`), and a write compares the stored ones with
//! those of the new content; they are never recomputed from old values, so a changed normalisation
//! cannot orphan one (rule D1).

mod change;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

pub use self::change::{
    MAX_CHANGED, MAX_OWNED, after_change, is_one_step, missing, of, step, without,
};
use super::definition::{AttributeDefinition, DataFormat, Search};
use super::format;
use super::id::{DefinitionId, WrongShape};
use super::schema::Schema;
use super::text;
use super::user::{User, UserKind};

/// The most look-ups that one user owns.
pub const MAX_LOOKUPS: usize = 40;
/// The most bytes of a folded value that a prefix entry holds.
pub const MAX_PREFIX: usize = 256;
/// The characters that choose the bucket of a prefix entry; a prefix search needs as many.
pub const BUCKET_CHARS: usize = 2;

/// The URL-safe base64 of a SHA-256: how values that could identify a person stand in keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueHash(String);

impl ValueHash {
    /// Hashes a value in its comparable form.
    #[must_use]
    pub fn of(value: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, value.as_bytes())))
    }
}

impl fmt::Display for ValueHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A look-up that a user owns. Written as text in `ix`; the text never changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lookup {
    /// The value is unique: one item holds it.
    Unique {
        /// The attribute: a predefined field's name or a definition's id.
        attribute: String,
        /// The value.
        hash: ValueHash,
    },
    /// The e-mail address is shared by a set of users.
    Email {
        /// The value.
        hash: ValueHash,
    },
    /// The value is found by equality, among those of all users who have it.
    Exact {
        /// The attribute.
        attribute: String,
        /// The value.
        hash: ValueHash,
    },
    /// The value is found by equality and by its first characters.
    Prefix {
        /// The attribute.
        attribute: String,
        /// The value, folded and cut.
        folded: String,
    },
}

impl Lookup {
    /// A unique value.
    #[must_use]
    pub fn unique(attribute: impl fmt::Display, comparable: &str) -> Self {
        Self::Unique { attribute: attribute.to_string(), hash: ValueHash::of(comparable) }
    }

    /// A value that is found by equality.
    #[must_use]
    pub fn exact(attribute: impl fmt::Display, comparable: &str) -> Self {
        Self::Exact { attribute: attribute.to_string(), hash: ValueHash::of(comparable) }
    }

    /// A value that is found by its first characters.
    #[must_use]
    pub fn prefix(attribute: impl fmt::Display, folded: &str) -> Self {
        Self::Prefix { attribute: attribute.to_string(), folded: cut(folded).to_owned() }
    }

    /// An e-mail address.
    #[must_use]
    pub fn email(normalised: &str) -> Self {
        Self::Email { hash: ValueHash::of(normalised) }
    }

    /// Whether adding it can fail because of other users.
    #[must_use]
    pub const fn can_be_refused(&self) -> bool {
        matches!(self, Self::Unique { .. } | Self::Email { .. })
    }

    /// A persona of this definition, with this scope or with any.
    #[must_use]
    pub fn persona(definition: DefinitionId, scope: Option<&str>) -> Self {
        Self::exact(
            "persona",
            &scope.map_or_else(|| definition.to_string(), |scope| format!("{definition}#{scope}")),
        )
    }
}

/// The look-ups by which users with an e-mail address are found: in the current form and, where it
/// differs, in the earlier form.
#[must_use]
pub fn of_email(address: &str) -> Vec<Lookup> {
    let forms = [text::stored_email(address), text::earlier::email(address)];
    distinct(forms.iter().flatten().map(|form| Lookup::email(form)))
}

/// The hash of an e-mail address, as its look-up has it: a mail names by it where it goes.
#[must_use]
pub fn email_hash(address: &str) -> Option<String> {
    text::stored_email(address).map(|comparable| ValueHash::of(&comparable).to_string())
}

/// The look-ups by which the user with a customer's id is found, as [`of_email`].
#[must_use]
pub fn of_id_at_customer(id: &str) -> Vec<Lookup> {
    distinct([&text::nfc(id), id].map(|form| Lookup::unique("id_at_customer", form)))
}

fn distinct(lookups: impl IntoIterator<Item = Lookup>) -> Vec<Lookup> {
    let mut all: Vec<_> = lookups.into_iter().collect();
    all.dedup();
    all
}

/// The first [`MAX_PREFIX`] bytes of a folded value, cut between two characters.
#[must_use]
pub fn cut(folded: &str) -> &str {
    folded.get(..folded.floor_char_boundary(MAX_PREFIX)).unwrap_or(folded)
}

/// The bucket of a folded value: its first characters.
#[must_use]
pub fn bucket(folded: &str) -> &str {
    folded
        .char_indices()
        .nth(BUCKET_CHARS)
        .map_or(folded, |(end, _)| folded.get(..end).unwrap_or(folded))
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique { attribute, hash } => write!(f, "Q#{attribute}#{hash}"),
            Self::Email { hash } => write!(f, "E#{hash}"),
            Self::Exact { attribute, hash } => write!(f, "X#{attribute}#{hash}"),
            Self::Prefix { attribute, folded } => write!(f, "P#{attribute}#{folded}"),
        }
    }
}

const LOOKUP: WrongShape = WrongShape("a stored index entry");

impl FromStr for Lookup {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let (kind, rest) = text.split_once('#').ok_or(LOOKUP)?;
        let pair = || rest.split_once('#').map(|(a, v)| (a.to_owned(), v.to_owned())).ok_or(LOOKUP);
        Ok(match kind {
            "Q" => {
                pair().map(|(attribute, hash)| Self::Unique { attribute, hash: ValueHash(hash) })?
            }
            "E" => Self::Email { hash: ValueHash(rest.to_owned()) },
            "X" => {
                pair().map(|(attribute, hash)| Self::Exact { attribute, hash: ValueHash(hash) })?
            }
            "P" => pair().map(|(attribute, folded)| Self::Prefix { attribute, folded })?,
            _ => return Err(LOOKUP),
        })
    }
}

impl TryFrom<String> for Lookup {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<Lookup> for String {
    fn from(lookup: Lookup) -> Self {
        lookup.to_string()
    }
}

/// The forms in which values are looked up.
pub(super) struct Form {
    pub(super) email: fn(&str) -> Option<String>,
    pub(super) name: fn(&str) -> Option<String>,
    pub(super) exact: fn(&str) -> Cow<'_, str>,
    pub(super) value: fn(&str, DataFormat) -> String,
}

/// The current forms.
pub(super) const CURRENT: Form = Form {
    email: text::stored_email,
    name: |name| Some(text::folded(name)),
    exact: text::nfc,
    value: format::comparable,
};

/// The earlier forms (ADR 0048).
pub(super) const EARLIER: Form = Form {
    email: text::earlier::email,
    name: text::earlier::name,
    exact: |text| Cow::Borrowed(text),
    value: format::earlier_comparable,
};

fn in_form(user: &User, schema: &Schema, form: &Form) -> BTreeSet<Lookup> {
    let mut lookups = BTreeSet::new();
    if let Some(username) = text::username(&user.username) {
        lookups.insert(Lookup::unique("username", &username));
    }
    if let Some(id) = &user.id_at_customer {
        lookups.insert(Lookup::unique("id_at_customer", &(form.exact)(id)));
    }
    if let Some(email) = user.preferred_email.as_deref().and_then(form.email) {
        lookups.insert(Lookup::email(&email));
    }
    for (field, name) in [("family_name", &user.family_name), ("given_name", &user.given_name)] {
        if let Some(folded) = name.as_deref().and_then(form.name) {
            lookups.insert(Lookup::prefix(field, &folded));
        }
    }
    if user.kind != UserKind::Person {
        lookups.insert(Lookup::exact("kind", user.kind.name()));
    }
    for persona in &user.personas {
        lookups.insert(Lookup::persona(persona.definition, None));
        let scopes = persona.scope.iter().map(|scope| (form.exact)(scope));
        lookups.extend(scopes.map(|scope| Lookup::persona(persona.definition, Some(&scope))));
    }
    let own = user.attributes.iter().map(|(id, values)| (id, values, true));
    let of_personas =
        user.personas.iter().flat_map(|p| &p.attributes).map(|(id, values)| (id, values, false));
    for (id, values, own) in own.chain(of_personas) {
        let Some(definition) = schema.attribute(*id) else {
            continue;
        };
        for comparable in values.iter().map(|v| (form.value)(v, definition.data_format)) {
            if definition.unique {
                lookups.insert(Lookup::unique(id, &comparable));
            }
            lookups.extend(definition.indexed().filter(|_| own).filter_map(
                |search| match search {
                    Search::Exact if !definition.unique => Some(Lookup::exact(id, &comparable)),
                    Search::Prefix => Some(Lookup::prefix(id, &comparable)),
                    Search::Exact | Search::None => None,
                },
            ));
        }
    }
    lookups
}

/// Where in a user the value of a unique attribute stands.
#[must_use]
pub fn place_of(user: &User, definition: &AttributeDefinition, hash: &ValueHash) -> String {
    let within = definition.pointer();
    let holds = |values: Option<&Vec<String>>| {
        let same = |value: &String| {
            [format::comparable, format::earlier_comparable]
                .iter()
                .any(|form| ValueHash::of(&form(value, definition.data_format)) == *hash)
        };
        values.into_iter().flatten().any(same)
    };
    if holds(user.attributes.get(&definition.id)) {
        return within;
    }
    let persona =
        user.personas.iter().position(|persona| holds(persona.attributes.get(&definition.id)));
    persona.map_or(within.clone(), |i| format!("/personas/{i}{within}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_lookup_reads_back() {
        let lookups = [
            Lookup::unique("username", "jan"),
            Lookup::email("jan@example.org"),
            Lookup::exact("persona", "x"),
            Lookup::prefix("family_name", "a#b#c"),
        ];
        for lookup in lookups {
            assert_eq!(lookup.to_string().parse::<Lookup>().unwrap(), lookup);
        }
    }

    #[test]
    fn the_form_of_lookups_at_rest_is_fixed() {
        let hash = ValueHash::of("jan");
        assert_eq!(hash.to_string().len(), 43);
        assert_eq!(Lookup::unique("username", "jan").to_string(), format!("Q#username#{hash}"));
        assert_eq!(Lookup::prefix("family_name", "janssen").to_string(), "P#family_name#janssen");
        assert_eq!(bucket("janssen"), "ja");
        assert_eq!(bucket("j"), "j");
        assert_eq!(bucket("åström"), "ås");
        assert_eq!(cut(&"é".repeat(200)).len(), 256);
    }
}
