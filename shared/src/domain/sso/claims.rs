//! Which claims of an identity provider's tokens feed which fields of a profile.

use std::collections::BTreeMap;

use crate::domain::definition::{AttributeDefinition, Predefined};
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::field::{pointer, text};
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::domain::suggest::did_you_mean;

/// The most claims that one mapping names.
pub const MAX_CLAIMS: usize = 50;
/// The longest name of a claim or of the field that it is mapped to, in bytes.
const MAX_NAME: usize = 256;

/// The mapping of a server that names none: standard claims of `OpenID` Connect Core 1.0 §5.1.
const STANDARD: [(&str, &str); 6] = [
    ("given_name", "given_name"),
    ("family_name", "family_name"),
    ("email", "preferred_email"),
    ("email_verified", "email_verified"),
    ("locale", "ui_locales"),
    ("preferred_username", "username"),
];

/// The field of a profile that a claim is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimTarget<'t> {
    /// A predefined attribute.
    Predefined(Predefined),
    /// Whether the preferred e-mail address is verified.
    EmailVerified,
    /// A custom attribute: its category and its name.
    Attribute(&'t str, &'t str),
}

impl<'t> ClaimTarget<'t> {
    /// Reads a target as mappings name it: a field of profiles, or `<category>.<name>`.
    #[must_use]
    pub fn parse(text: &'t str) -> Option<Self> {
        if text == "email_verified" {
            return Some(Self::EmailVerified);
        }
        if let Some((category, name)) = text.split_once('.') {
            return Some(Self::Attribute(category, name));
        }
        text.parse().ok().map(Self::Predefined)
    }

    /// Why no claim may feed it, if none may.
    fn why_unmappable(self, schema: &Schema) -> Option<(Code, String)> {
        let Self::Attribute(category, name) = self else { return None };
        let Some(attribute) = schema.attribute_named(category, name) else {
            return Some((Code::NotFound, format!("there is no attribute `{category}.{name}`")));
        };
        let detail = if attribute.derived.is_some() {
            "a workflow derives this attribute; no claim can feed it"
        } else if attribute.data_format.is_hashed() {
            "the values of this attribute are secrets; no claim can feed it"
        } else if attribute.approval_policy.is_some() {
            "this attribute has an approval policy; no claim can feed it"
        } else {
            return None;
        };
        Some((Code::NotAllowed, detail.to_owned()))
    }

    /// Whether it is this custom attribute.
    pub(super) fn is(self, attribute: &AttributeDefinition) -> bool {
        match self {
            Self::Attribute(category, name) => {
                category == attribute.category && name == attribute.name
            }
            _ => false,
        }
    }
}

/// The claims of a mapping, each with the field that it is mapped to. A field that cannot be read
/// is omitted; a checked mapping has no such field.
pub(super) fn mapped_claims(
    claims: &BTreeMap<String, String>,
) -> impl Iterator<Item = (&str, ClaimTarget<'_>)> {
    claims.iter().filter_map(|(claim, target)| Some((claim.as_str(), ClaimTarget::parse(target)?)))
}

/// Takes the field `claims`: a whole mapping, or without it the standard one. Entries that
/// `current` has already are not checked again. So an attribute with a newer approval policy does
/// not block other changes.
pub(super) fn take_claims(
    fields: &mut Fields<'_>,
    current: Option<&BTreeMap<String, String>>,
    schema: &Schema,
) -> BTreeMap<String, String> {
    const FIELD: &str = "claims";
    let at = fields.at(FIELD);
    let members = match fields.value(FIELD) {
        None => {
            return STANDARD.map(|(claim, target)| (claim.to_owned(), target.to_owned())).into();
        }
        Some(Json::Object(members)) => members,
        Some(other) => {
            fields.wrong_type(FIELD, "an object `{\"<claim>\": \"<field>\"}`", &other);
            return BTreeMap::new();
        }
    };
    if members.len() > MAX_CLAIMS {
        fields.too_many(FIELD, members.len(), MAX_CLAIMS);
        return BTreeMap::new();
    }
    let violations = fields.violations();
    let mut claims = BTreeMap::<String, String>::new();
    for (claim, target) in members {
        let at = pointer(&at, &claim);
        if target == Json::Null {
            continue;
        }
        let Some(target) = text(target, &at, MAX_NAME, violations) else { continue };
        let known = current.is_some_and(|current| current.get(&claim) == Some(&target));
        let flaw = match ClaimTarget::parse(&target) {
            _ if claim.is_empty()
                || claim.chars().count() > MAX_NAME
                || claim.chars().any(char::is_control) =>
            {
                let detail =
                    "expected a claim's name of 1 to 256 characters without control characters";
                Some((Code::WrongFormat, detail.to_owned()))
            }
            _ if claims.values().any(|other| *other == target) => {
                let detail = format!("another claim feeds `{target}`; each field takes one claim");
                Some((Code::NotAllowed, detail))
            }
            _ if known => None,
            Some(target) => target.why_unmappable(schema),
            None => {
                let names = Predefined::ALL.iter().map(|field| field.name());
                let meant = did_you_mean(&target, names.chain(["email_verified"]));
                let expected = "a field of profiles or `<category>.<name>` of a custom attribute";
                Some((Code::NotFound, format!("expected {expected}{meant}")))
            }
        };
        match flaw {
            Some((code, detail)) => violations.add(at, code, detail),
            None => drop(claims.insert(claim, target)),
        }
    }
    claims
}
