//! The definition of a consent: its terms as administrators edit them, and what every function
//! knows of its versions. The texts stand in items of their own, which the schema does not load.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::PurposeRef;
use super::content::{AskedPurpose, VersionContent};
use super::terms::Terms;
use super::version::{ConsentVersion, MAX_VERSIONS, Reconsent, VersionStatus};
use crate::domain::definition::{Definition, DefinitionKind, Noun};
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::{DefinitionId, PartyId, PurposeId};
use crate::domain::json::{Json, Object};
use crate::domain::schema::{Collection, Schema};
use crate::domain::sso::take_id;
use crate::domain::versioned::content;
use crate::env::{Env, Timestamp};
use crate::object;

/// The most bytes of a consent with what is known of its versions.
pub const MAX_CONSENT: usize = 256 * 1024;

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

    /// What holds now: the content of the latest version, else that of the terms.
    #[must_use]
    pub fn content_at(&self, now: Timestamp) -> Cow<'_, VersionContent> {
        self.latest(now).map_or_else(
            || Cow::Owned(VersionContent::of(&self.terms)),
            |version| Cow::Borrowed(&version.content),
        )
    }

    /// When a version that has begun stopped to be in effect, if it did.
    #[must_use]
    pub fn end_of(&self, version: &ConsentVersion, now: Timestamp) -> Option<Timestamp> {
        let next = self.versions.iter().find(|v| v.number > version.number && v.has_begun(now));
        let replaced_at = next.map(|next| next.effective_at);
        version.retired_at.into_iter().chain(replaced_at).min()
    }

    /// Whether grants of a version of it end.
    #[must_use]
    pub fn has_ends(&self) -> bool {
        self.versions.iter().any(|version| version.content.expires_after_days.is_some())
    }

    /// Whether the terms or a version have a purpose of this id.
    #[must_use]
    pub fn has_purpose(&self, id: &PurposeId) -> bool {
        self.terms.purpose(id).is_some() || self.asked().any(|purpose| purpose.id == *id)
    }

    /// Whether the terms or a version list this attribute.
    #[must_use]
    pub fn lists(&self, attribute: DefinitionId) -> bool {
        self.terms.purposes.iter().any(|purpose| purpose.attributes.contains(&attribute))
            || self.asked().any(|purpose| purpose.attributes.contains(&attribute))
    }

    /// Whether the terms or a version name this system as a recipient.
    #[must_use]
    pub fn names(&self, system: &PartyId) -> bool {
        self.terms.purposes.iter().any(|purpose| purpose.recipients.contains(system))
            || self.asked().any(|purpose| purpose.recipients.contains(system))
    }

    fn asked(&self) -> impl Iterator<Item = &AskedPurpose> {
        self.versions.iter().flat_map(|version| &version.content.purposes)
    }

    /// The consent with one more version.
    pub fn with_version(&self, version: ConsentVersion, now: Timestamp) -> Result<Self> {
        if self.versions.len() >= MAX_VERSIONS {
            let detail = format!(
                "expected at most {MAX_VERSIONS} versions of a consent; create another consent"
            );
            return Err(Error::invalid("", Code::TooMany, detail));
        }
        self.check_times(&version, now)?;
        let mut consent = self.clone();
        consent.versions.push(version);
        let size = content(&consent).len();
        if size > MAX_CONSENT {
            let detail = format!(
                "expected at most {MAX_CONSENT} bytes of terms of a consent and of what is kept of \
                 its versions, found {size}; retire drafts, list fewer attributes, or create \
                 another consent"
            );
            return Err(Error::invalid("", Code::TooLarge, detail));
        }
        Ok(consent)
    }

    /// Versions follow one another in time. The first one may have been in effect before it was made
    /// here, so that older decisions can be imported; a later one may not, because people agreed to
    /// the one before until now.
    fn check_times(&self, version: &ConsentVersion, now: Timestamp) -> Result<()> {
        let refuse = |at: &str, detail: String| Err(Error::invalid(at, Code::NotAllowed, detail));
        if let Reconsent::By(by) = version.reconsent
            && by <= version.effective_at
        {
            let detail = format!("expected a time after {}, when it begins", version.effective_at);
            return refuse("/reconsent/by", detail);
        }
        if let Some(last) = self.versions.iter().rev().find(|version| !version.is_dropped())
            && version.effective_at < last.effective_at
        {
            let detail = format!(
                "expected a time from {} on, when version {} takes effect; if that one has not \
                 begun, it can be retired first",
                last.effective_at, last.number
            );
            return refuse("/effective_at", detail);
        }
        if self.latest(now).is_some() && version.effective_at < now {
            let detail = "expected a time that is not over: only the first version may have taken \
                          effect before it was created";
            return refuse("/effective_at", detail.to_owned());
        }
        Ok(())
    }

    /// The consent with this version retired; the same if it is. Nobody can have decided about one
    /// that never was in effect, so nothing is kept of its content.
    #[must_use]
    pub fn with_retired(&self, number: u32, now: Timestamp) -> Self {
        let mut consent = self.clone();
        for version in &mut consent.versions {
            if version.number == number {
                version.retired_at.get_or_insert(now);
                if version.is_dropped() {
                    version.content = VersionContent::default();
                }
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

/// Refuses terms of which a purpose is missing to which an attribute is bound, or does not list it.
fn refuse_missing_purposes(id: &PartyId, terms: &Terms, schema: &Schema, fields: &mut Fields<'_>) {
    for attribute in schema.attributes.values() {
        let bound = attribute.consent.as_ref().filter(|bound| bound.consent == *id);
        let listed = |bound: &&PurposeRef| {
            terms
                .purpose(&bound.purpose)
                .is_some_and(|purpose| purpose.attributes.contains(&attribute.id))
        };
        if let Some(bound) = bound.filter(|bound| !listed(bound)) {
            let detail = format!(
                "the attribute `{}.{}` is bound to the purpose `{}`, which has to list it; change \
                 the attribute first",
                attribute.category, attribute.name, bound.purpose
            );
            fields.refuse("purposes", Code::NotAllowed, detail);
        }
    }
}
