//! Decisions: what a caller says that a person decided, checked against the version that the person
//! read, and what it changes.

mod imported;

use std::collections::BTreeMap;

pub use self::imported::imported;
use super::definition::Consent;
use super::record::{ConsentEvent, ConsentRecord, Evidence, HistoryKind, Method, PurposeState};
use super::terms::{Needs, Terms, take_number};
use super::version::{
    ConsentVersion, MAX_VERSIONS, VersionContent, VersionStatus, take_digest, take_uri,
    unknown_version,
};
use super::{MAX_PURPOSES, PartyId, PurposeId};
use crate::domain::change_request::Actor;
use crate::domain::definition::COMMON;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::field::Fields;
use crate::domain::id::{ClientId, SHAPE};
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::domain::string_enum::one_of;
use crate::domain::suggest::unknown;
use crate::domain::text;
use crate::domain::user::User;
use crate::env::Timestamp;

/// The custom attribute of the category `common` that holds the day of birth.
const BIRTHDATE: &str = "birthdate";
const MAX_TEXT: usize = 256;
const DAY: i64 = 24 * 3600;

/// Who says that a person decided.
#[derive(Clone, Debug, Default)]
pub struct Speaker {
    /// The person, an administrator or a client.
    pub actor: Option<Actor>,
    /// The client through which it came.
    pub client: Option<ClientId>,
    /// Whether it is the person.
    pub is_person: bool,
}

/// A decision as a caller sends it.
#[derive(Clone, Debug)]
pub struct DecisionInput {
    /// The consent.
    pub consent: PartyId,
    /// The system for which it is decided.
    pub audience: Option<PartyId>,
    version: u32,
    locale: Option<String>,
    text_sha256: Option<String>,
    answers: BTreeMap<PurposeId, PurposeState>,
    method: Method,
    evidence_uri: Option<String>,
    guardian: Option<String>,
    given_at: Option<Timestamp>,
}

impl DecisionInput {
    /// Reads the body of a request.
    pub fn read(body: Json) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let method = fields.required_string_enum("method");
        if method == Some(Method::Import) {
            fields.refuse("method", Code::NotAllowed, "only an import can have this method");
        }
        for name in ["locale", "text_sha256"] {
            fields.require(name);
        }
        let input = Self::take(&mut fields, method.unwrap_or(Method::Api));
        fields.finish();
        violations.check(())?;
        input.ok_or_else(|| Error::unexpected("a decision without violations is complete"))
    }

    fn take(fields: &mut Fields<'_>, method: Method) -> Option<Self> {
        fields.require("consent");
        fields.require("version");
        let consent = fields.parsed("consent", SHAPE);
        let audience = fields.parsed("audience", SHAPE);
        let most = u32::try_from(MAX_VERSIONS).unwrap_or(u32::MAX);
        let version = take_number(fields, "version", most);
        let locale = fields.text("locale", MAX_TEXT);
        let text_sha256 = take_digest(fields, "text_sha256");
        let mut answers = BTreeMap::new();
        for (name, state) in [("purposes", PurposeState::Granted), ("denied", PurposeState::Denied)]
        {
            let ids = fields.texts(name, MAX_PURPOSES, 64).unwrap_or_default();
            for (i, id) in ids.iter().enumerate() {
                let Ok(id) = id.parse() else {
                    fields.refuse_item(name, i, Code::WrongFormat, format!("expected {SHAPE}"));
                    continue;
                };
                if answers.insert(id, state).is_some() {
                    fields.refuse_item(name, i, Code::NotAllowed, "this purpose is named twice");
                }
            }
        }
        if answers.is_empty() && fields.violations().is_empty() {
            let detail = "expected at least one purpose in `purposes` or `denied`";
            fields.refuse("purposes", Code::Required, detail);
        }
        let evidence_uri = take_uri(fields, "evidence_uri");
        let guardian = fields.text("guardian", MAX_TEXT);
        Some(Self {
            consent: consent?,
            audience,
            version: version?,
            locale: locale.map(|locale| text::locales(&locale).unwrap_or(locale)),
            text_sha256,
            answers,
            method,
            evidence_uri,
            guardian,
            given_at: None,
        })
    }

    /// Checks the decision against the version that people are asked for now (rule CO-01, CO-17),
    /// and whether the person may decide (rule CO-11).
    pub fn check(
        &self,
        consent: &Consent,
        user: &User,
        schema: &Schema,
        speaker: Speaker,
        now: Timestamp,
    ) -> Result<Decision> {
        let version = self.asked_version(consent, now)?;
        let content = version.content.as_ref();
        let content =
            content.ok_or_else(|| Error::unexpected("a version in effect has content"))?;
        self.check_text(content)?;
        self.check_purposes(&content.terms, "")?;
        self.check_age(&content.terms, user, schema, &speaker, now)?;
        Ok(self.decision(Some(content), speaker, now))
    }

    /// The version in effect, which has to be the one that the person read.
    fn asked_version<'c>(
        &self,
        consent: &'c Consent,
        now: Timestamp,
    ) -> Result<&'c ConsentVersion> {
        let named = consent.version(self.version).ok_or_else(|| unknown_version(self.version))?;
        let effective = consent.effective(now);
        if let Some(effective) = effective.filter(|effective| effective.number == named.number) {
            return Ok(effective);
        }
        let detail = match (consent.status(named, now), effective) {
            (VersionStatus::Draft, _) => format!(
                "version {} takes effect at {}; ask the person again then",
                named.number, named.effective_at
            ),
            (_, Some(effective)) => format!(
                "version {} is in effect, not version {}; show the person the version in effect",
                effective.number, named.number
            ),
            (_, None) => "no version of the consent is in effect; create one first".to_owned(),
        };
        Err(Error::Conflict(detail))
    }

    fn check_text(&self, content: &VersionContent) -> Result<()> {
        let locale = self.locale.as_deref().unwrap_or_default();
        let Some(digest) = content.locales.get(locale) else {
            let known = content.locales.keys().map(String::as_str);
            return Err(Error::invalid(
                "/locale",
                Code::NotFound,
                unknown("locale", locale, known),
            ));
        };
        if self.text_sha256.as_ref() == Some(digest) {
            return Ok(());
        }
        let detail = "the text of this version has another SHA-256; show the person the text as \
                      `GET …/versions/{version}` has it";
        Err(Error::Conflict(detail.to_owned()))
    }

    fn check_purposes(&self, terms: &Terms, at: &str) -> Result<()> {
        let mut violations = Violations::default();
        for (id, state) in &self.answers {
            if terms.purpose(id).is_none() {
                let list = if *state == PurposeState::Granted { "purposes" } else { "denied" };
                let known = terms.purposes.iter().map(|purpose| format!("`{}`", purpose.id));
                let known = one_of(&known.collect::<Vec<_>>());
                let detail = format!("the consent has no such purpose; use {known}");
                violations.add(format!("{at}/{list}"), Code::NotFound, detail);
            }
        }
        violations.check(())
    }

    fn check_age(
        &self,
        terms: &Terms,
        user: &User,
        schema: &Schema,
        speaker: &Speaker,
        now: Timestamp,
    ) -> Result<()> {
        if speaker.is_person && self.guardian.is_some() {
            let detail = "a guardian decides through a client; omit it";
            return Err(Error::invalid("/guardian", Code::NotAllowed, detail));
        }
        let grants = self.answers.values().any(|state| *state == PurposeState::Granted);
        let Some(age) = terms.minimum_age.filter(|_| grants) else { return Ok(()) };
        if is_of_age(user, schema, age, now) || self.guardian.is_some() {
            return Ok(());
        }
        if speaker.is_person {
            return Err(Error::NotAllowed(format!(
                "you have to be {age} years old to agree, and your date of birth has to be known; \
                 ask your guardian"
            )));
        }
        let detail =
            format!("the person is not known to be {age} years old; name the guardian who agrees");
        Err(Error::invalid("/guardian", Code::Required, detail))
    }

    fn decision(
        &self,
        content: Option<&VersionContent>,
        speaker: Speaker,
        now: Timestamp,
    ) -> Decision {
        let given_at = self.given_at.unwrap_or(now);
        let days = content.and_then(|content| content.terms.expires_after_days);
        Decision {
            answers: self.answers.clone(),
            until: days.map(|days| given_at.plus_seconds(i64::from(days) * DAY)),
            evidence: Evidence {
                version: Some(self.version),
                locale: self.locale.clone(),
                text_sha256: self
                    .text_sha256
                    .clone()
                    .or_else(|| content?.locales.get(self.locale.as_ref()?).cloned()),
                method: Some(self.method),
                actor: speaker.actor,
                client: speaker.client,
                given_at,
                evidence_uri: self.evidence_uri.clone(),
                guardian: self.guardian.clone(),
            },
        }
    }
}

/// Whether the date of birth of a user is known and this many years ago.
fn is_of_age(user: &User, schema: &Schema, age: u32, now: Timestamp) -> bool {
    let born = schema
        .attribute_named(COMMON, BIRTHDATE)
        .and_then(|definition| user.attributes.get(&definition.id)?.first());
    let Some((year, day)) = born.and_then(|born| born.get(..10)?.split_once('-')) else {
        return false;
    };
    let is_day = day.len() == 5 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let Some(year) = year.parse::<u32>().ok().filter(|_| is_day) else { return false };
    format!("{:04}-{day}", year + age).as_str() <= now.to_string().get(..10).unwrap_or_default()
}

/// A decision that may be recorded.
#[derive(Clone, Debug)]
pub struct Decision {
    answers: BTreeMap<PurposeId, PurposeState>,
    until: Option<Timestamp>,
    evidence: Evidence,
}

impl Decision {
    /// That a person withdraws: from all purposes that the person agreed to, or from these.
    #[must_use]
    pub fn withdrawal(
        consent: &Consent,
        record: &ConsentRecord,
        purposes: Option<&[PurposeId]>,
        speaker: Speaker,
        now: Timestamp,
    ) -> Self {
        let granted = record
            .purposes
            .iter()
            .filter(|(_, purpose)| purpose.state == PurposeState::Granted)
            .map(|(id, _)| id.clone());
        // Who agrees by saying nothing withdraws from what nobody recorded.
        let terms = consent.terms_at(now);
        let silent = terms.purposes.iter().map(|purpose| purpose.id.clone());
        let silent =
            silent.filter(|id| terms.needs == Needs::OptOut && !record.purposes.contains_key(id));
        let named = |id: &PurposeId| purposes.is_none_or(|purposes| purposes.contains(id));
        let answers = granted.chain(silent).filter(named);
        Self {
            answers: answers.map(|id| (id, PurposeState::Withdrawn)).collect(),
            until: None,
            evidence: Evidence {
                version: record.evidence.as_ref().and_then(|evidence| evidence.version),
                locale: None,
                text_sha256: None,
                method: None,
                actor: speaker.actor,
                client: speaker.client,
                given_at: now,
                evidence_uri: None,
                guardian: None,
            },
        }
    }

    /// The entry of the history that the decision makes; `None` if it changes nothing, as a repeat
    /// does (rule CO-17).
    #[must_use]
    pub fn event(
        &self,
        record: &ConsentRecord,
        id: String,
        now: Timestamp,
    ) -> Option<ConsentEvent> {
        let mut purposes = self.answers.clone();
        purposes.retain(|id, state| self.changes(record, id, *state, now));
        let was_granted = |id: &PurposeId| {
            record.purposes.get(id).is_some_and(|p| p.state(now) == PurposeState::Granted)
        };
        if purposes.is_empty() {
            return None;
        }
        let taken_back = purposes.iter().any(|(id, state)| {
            *state == PurposeState::Withdrawn
                || (*state != PurposeState::Granted && was_granted(id))
        });
        let kind = if taken_back {
            HistoryKind::Withdrawn
        } else if purposes.values().any(|state| *state == PurposeState::Granted) {
            HistoryKind::Granted
        } else {
            HistoryKind::Denied
        };
        Some(ConsentEvent {
            id,
            sequence: record.sequence + 1,
            kind,
            at: now,
            purposes,
            until: self.until,
            evidence: self.evidence.clone(),
        })
    }

    fn changes(
        &self,
        record: &ConsentRecord,
        id: &PurposeId,
        state: PurposeState,
        now: Timestamp,
    ) -> bool {
        let Some(recorded) = record.purposes.get(id) else { return true };
        // What is imported is older than what the person decided since.
        if self.evidence.method == Some(Method::Import)
            && recorded.given_at >= self.evidence.given_at
        {
            return false;
        }
        recorded.state(now) != state
            || (state != PurposeState::Withdrawn && recorded.version != self.evidence.version)
    }
}
