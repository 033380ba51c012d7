//! The definition of a consent: its terms as administrators edit them, and what every function
//! knows of its versions. The texts stand in items of their own, which the schema does not load.

use serde::{Deserialize, Serialize};

use super::terms::Terms;
use super::version::{ConsentVersion, MAX_VERSIONS, VersionStatus};
use crate::domain::definition::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::PartyId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::domain::sso::take_id;
use crate::domain::versioned::content;
use crate::env::{Env, Timestamp};
use crate::object;

/// The most bytes of a consent with what is known of its versions.
pub const MAX_CONSENT: usize = 100 * 1024;

/// A consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The id, chosen by the caller.
    pub id: PartyId,
    /// The terms of the next version.
    pub terms: Terms,
    /// The versions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<ConsentVersion>,
}

impl Consent {
    /// The version of this number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&ConsentVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The newest version whose time has come, retired or not.
    #[must_use]
    pub fn latest(&self, now: Timestamp) -> Option<&ConsentVersion> {
        self.versions.iter().rev().find(|version| version.has_begun(now))
    }

    /// The version that people are asked for now.
    #[must_use]
    pub fn effective(&self, now: Timestamp) -> Option<&ConsentVersion> {
        self.latest(now).filter(|version| version.retired_at.is_none())
    }

    /// What became of a version.
    #[must_use]
    pub fn status(&self, version: &ConsentVersion, now: Timestamp) -> VersionStatus {
        let latest = self.latest(now).is_some_and(|latest| latest.number == version.number);
        if version.retired_at.is_none() && version.effective_at > now {
            VersionStatus::Draft
        } else if version.retired_at.is_none() && latest {
            VersionStatus::Effective
        } else {
            VersionStatus::Retired
        }
    }

    /// The terms that hold now: those of the latest version, else those that are edited.
    #[must_use]
    pub fn terms_at(&self, now: Timestamp) -> &Terms {
        let content = self.latest(now).and_then(|version| version.content.as_ref());
        content.map_or(&self.terms, |content| &content.terms)
    }

    /// The consent with one more version. What is over keeps no more than its times.
    pub fn with_version(&self, version: ConsentVersion, now: Timestamp) -> Result<Self> {
        let mut consent = self.clone();
        let latest = self.latest(now).map(|version| version.number);
        for old in &mut consent.versions {
            if latest.is_some_and(|latest| old.number < latest) {
                old.content = None;
            }
        }
        if consent.versions.len() >= MAX_VERSIONS {
            let detail = format!(
                "expected at most {MAX_VERSIONS} versions of a consent; create another consent"
            );
            return Err(Error::invalid("", Code::TooMany, detail));
        }
        if let Some(last) = consent.versions.last()
            && version.effective_at < last.effective_at
        {
            let detail = format!(
                "expected a time from {} on, when version {} takes effect",
                last.effective_at, last.number
            );
            return Err(Error::invalid("/effective_at", Code::NotAllowed, detail));
        }
        consent.versions.push(version);
        let size = content(&consent).len();
        if size > MAX_CONSENT {
            let detail = format!(
                "expected at most {MAX_CONSENT} bytes of terms of a consent and of its versions \
                 that are not over, found {size}; retire drafts, or list fewer attributes"
            );
            return Err(Error::invalid("", Code::TooLarge, detail));
        }
        Ok(consent)
    }

    /// The consent with this version retired; the same if it is.
    #[must_use]
    pub fn with_retired(&self, number: u32, now: Timestamp) -> Self {
        let mut consent = self.clone();
        for version in &mut consent.versions {
            if version.number == number {
                version.retired_at.get_or_insert(now);
            }
        }
        consent
    }
}

impl Definition for Consent {
    const KIND: DefinitionKind = DefinitionKind::Consent;
    const PATH: &'static str = "/identity/config/consents";
    const NOUN: Noun = Noun { one: "consent", many: "consents", title: "a consent" };
    const SCHEMA: &'static str = "Consent";
    const REPLACEABLE: bool = false;
    const CHOSEN_ID: bool = true;
    const FILTERS: &'static [&'static str] = &[];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(document: Json, current: Option<&Self>, schema: &Schema, _env: &Env) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(document, "", &mut violations);
        let others = schema.consents.values().map(|consent| &consent.id);
        let id = take_id(&mut fields, current.map(|c| &c.id), others);
        let terms = Terms::take(&mut fields, schema);
        if let (Some(id), Some(terms)) = (&id, &terms) {
            refuse_missing_purposes(id, terms, schema, &mut fields);
        }
        fields.finish();
        violations.check(())?;
        match (id, terms) {
            (Some(id), Some(terms)) => {
                let versions = current.map(|current| current.versions.clone()).unwrap_or_default();
                Ok(Self { id, terms, versions })
            }
            _ => Err(Error::unexpected("a consent without violations has an id and terms")),
        }
    }

    fn show(&self) -> Object {
        let mut shown = object! { "id" => &self.id };
        shown.extend(self.terms.show());
        shown
    }

    fn matches(&self, _filter: &str, _value: &str) -> bool {
        false
    }

    fn check_removable(&self, schema: &Schema) -> Result<()> {
        if !self.versions.is_empty() {
            let detail = "the consent has versions, and people may have decided about them; retire \
                          its versions instead";
            return Err(Error::InUse(detail.to_owned()));
        }
        let bound = schema.attributes.values().find(|attribute| {
            attribute.consent.as_ref().is_some_and(|named| named.consent == self.id)
        });
        match bound {
            Some(attribute) => Err(Error::InUse(format!(
                "the attribute `{}.{}` is bound to this consent; change the attribute first",
                attribute.category, attribute.name
            ))),
            None => Ok(()),
        }
    }

    fn collection(schema: &Schema) -> &Collection<Self> {
        &schema.consents
    }

    fn collection_mut(schema: &mut Schema) -> &mut Collection<Self> {
        &mut schema.consents
    }
}

/// Refuses terms without a purpose to which an attribute is bound.
fn refuse_missing_purposes(id: &PartyId, terms: &Terms, schema: &Schema, fields: &mut Fields<'_>) {
    for attribute in schema.attributes.values() {
        let bound = attribute.consent.as_ref().filter(|bound| bound.consent == *id);
        if let Some(bound) = bound.filter(|bound| terms.purpose(&bound.purpose).is_none()) {
            let detail = format!(
                "the attribute `{}.{}` is bound to the purpose `{}`; change the attribute first",
                attribute.category, attribute.name, bound.purpose
            );
            fields.refuse("purposes", Code::NotAllowed, detail);
        }
    }
}
