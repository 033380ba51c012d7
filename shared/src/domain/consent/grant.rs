//! Decisions: what a caller says that a person decided, checked against the version that the person
//! read, and what it changes.

mod age;
mod imported;
mod withdrawal;

use std::collections::BTreeMap;

use self::age::is_of_age;
pub use self::imported::imported;
use super::content::VersionContent;
use super::definition::Consent;
use super::record::{
    ConsentEvent, ConsentRecord, Evidence, HistoryKind, Method, PurposeState, RecordedPurpose,
};
use super::terms::take_number;
use super::version::{
    ConsentVersion, MAX_VERSIONS, VersionStatus, take_digest, take_uri, unknown_version,
};
use super::{MAX_PURPOSES, PartyId, PurposeId};
use crate::domain::change_request::Actor;
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
    /// Whether it is a client that is bound to systems.
    pub by_system: bool,
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
        let content = &self.asked_version(consent, now)?.content;
        self.check_text(content)?;
        self.check_purposes(content, "")?;
        self.check_age(content, user, schema, (&speaker, ""), now)?;
        Ok(self.decision(content, speaker, now))
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

    fn check_purposes(&self, content: &VersionContent, at: &str) -> Result<()> {
        let mut violations = Violations::default();
        for (id, state) in &self.answers {
            let granted = *state == PurposeState::Granted;
            match content.purpose(id) {
                None => {
                    let list = if granted { "purposes" } else { "denied" };
                    let known = content.purposes.iter().map(|purpose| format!("`{}`", purpose.id));
                    let known = one_of(&known.collect::<Vec<_>>());
                    let detail = format!("the consent has no such purpose; use {known}");
                    violations.add(format!("{at}/{list}"), Code::NotFound, detail);
                }
                Some(purpose) if granted && !purpose.is_for(self.audience.as_ref()) => {
                    let detail = format!(
                        "the purpose `{id}` names its recipients, and this system is none of them"
                    );
                    violations.add(format!("{at}/audience"), Code::NotAllowed, detail);
                }
                Some(_) => {}
            }
        }
        violations.check(())
    }

    fn grants(&self) -> bool {
        self.answers.values().any(|state| *state == PurposeState::Granted)
    }

    /// Checks that the person was old enough when the decision was made.
    fn check_age(
        &self,
        content: &VersionContent,
        user: &User,
        schema: &Schema,
        (speaker, path): (&Speaker, &str),
        given_at: Timestamp,
    ) -> Result<()> {
        if speaker.is_person && self.guardian.is_some() {
            let detail = "a guardian decides through a client; omit it";
            return Err(Error::invalid("/guardian", Code::NotAllowed, detail));
        }
        let Some(age) = content.minimum_age.filter(|_| self.grants()) else { return Ok(()) };
        if self.guardian.is_some() || is_of_age(user, schema, age, given_at) {
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
        Err(Error::invalid(format!("{path}/guardian"), Code::Required, detail))
    }

    fn decision(&self, content: &VersionContent, speaker: Speaker, now: Timestamp) -> Decision {
        let given_at = self.given_at.unwrap_or(now);
        let days = content.expires_after_days;
        let known = || content.locales.get(self.locale.as_ref()?).cloned();
        Decision {
            answers: self.answers.clone(),
            until: days.map(|days| given_at.plus_seconds(i64::from(days) * DAY)),
            evidence: Evidence {
                version: Some(self.version),
                locale: self.locale.clone(),
                text_sha256: self.text_sha256.clone().or_else(known),
                method: Some(self.method),
                evidence_uri: self.evidence_uri.clone(),
                guardian: self.guardian.clone(),
                ..speaker.evidence(given_at)
            },
        }
    }
}

impl Speaker {
    /// The evidence of who spoke.
    fn evidence(self, given_at: Timestamp) -> Evidence {
        let Self { actor, client, by_system, .. } = self;
        Evidence { actor, client, by_system, ..Evidence::at(given_at) }
    }
}

/// A decision that may be recorded.
#[derive(Clone, Debug)]
pub struct Decision {
    answers: BTreeMap<PurposeId, PurposeState>,
    until: Option<Timestamp>,
    evidence: Evidence,
}

impl Decision {
    /// The entry of the history that the decision makes; `None` if it changes nothing, as a repeat
    /// does (rule CO-17). `others` are the records of the same consent for other audiences.
    #[must_use]
    pub fn event(
        &self,
        record: &ConsentRecord,
        others: &[ConsentRecord],
        id: String,
        now: Timestamp,
    ) -> Option<ConsentEvent> {
        let mut purposes = self.answers.clone();
        purposes.retain(|id, state| self.changes(record, others, id, *state, now));
        if purposes.is_empty() {
            return None;
        }
        let was_granted = |id: &PurposeId| {
            record.purposes.get(id).is_some_and(|p| p.state(now) == PurposeState::Granted)
        };
        let taken_back = purposes.iter().any(|(id, state)| {
            *state == PurposeState::Withdrawn
                || (*state != PurposeState::Granted && was_granted(id))
        });
        let is_over = self.until.is_some_and(|until| until <= now);
        let kind = if taken_back {
            HistoryKind::Withdrawn
        } else if !is_over && purposes.values().any(|state| *state == PurposeState::Granted) {
            HistoryKind::Granted
        } else {
            HistoryKind::Denied
        };
        // What is older than what holds is kept beside what is not.
        let differs = |id: &PurposeId, state: PurposeState| {
            let is_new =
                |p: &RecordedPurpose| p.given_at > self.evidence.given_at || p.state != state;
            record.purposes.get(id).is_some_and(is_new)
        };
        let behind = self
            .answers
            .iter()
            .filter(|(id, state)| self.is_behind(record, id) && differs(id, **state));
        purposes.extend(behind.map(|(id, state)| (id.clone(), *state)));
        Some(self.entry(record, kind, purposes, id, now))
    }

    /// The entry that keeps a decision from an import of which each purpose was decided since, or at
    /// the same time. It changes nothing that holds.
    #[must_use]
    pub fn earlier_event(
        &self,
        record: &ConsentRecord,
        history: &[ConsentEvent],
        id: String,
        now: Timestamp,
    ) -> Option<ConsentEvent> {
        let known = |(id, state): (&PurposeId, &PurposeState)| {
            history.iter().any(|event| {
                event.purposes.get(id) == Some(state)
                    && event.evidence.given_at == self.evidence.given_at
                    && event.evidence.version == self.evidence.version
            })
        };
        let missing = self.answers.iter().filter(|answer| !known(*answer));
        let missing = missing.filter(|(id, _)| self.is_behind(record, id));
        let purposes: BTreeMap<_, _> = missing.map(|(id, state)| (id.clone(), *state)).collect();
        let some = !purposes.is_empty();
        some.then(|| self.entry(record, HistoryKind::Denied, purposes, id, now))
    }

    fn entry(
        &self,
        record: &ConsentRecord,
        kind: HistoryKind,
        purposes: BTreeMap<PurposeId, PurposeState>,
        id: String,
        now: Timestamp,
    ) -> ConsentEvent {
        ConsentEvent {
            id,
            sequence: record.sequence + 1,
            kind,
            at: now,
            purposes,
            until: self.until,
            evidence: self.evidence.clone(),
        }
    }

    /// Whether what is imported was decided before what holds of a purpose, or at the same time.
    fn is_behind(&self, record: &ConsentRecord, id: &PurposeId) -> bool {
        self.evidence.method == Some(Method::Import)
            && record.purposes.get(id).is_some_and(|p| p.given_at >= self.evidence.given_at)
    }

    fn changes(
        &self,
        record: &ConsentRecord,
        others: &[ConsentRecord],
        id: &PurposeId,
        state: PurposeState,
        now: Timestamp,
    ) -> bool {
        let Some(recorded) = record.purposes.get(id) else { return true };
        if self.is_behind(record, id) {
            return false;
        }
        // A decision for the controller and one for a system overrule each other by their times.
        let own_system = recorded.by_system && !self.evidence.by_system;
        let prevails = |other: &RecordedPurpose| {
            let refused = matches!(other.state, PurposeState::Denied | PurposeState::Withdrawn);
            other.given_at > recorded.given_at || (own_system && refused)
        };
        let mut newer = others.iter().filter_map(|other| {
            let meets = record.audience.is_none() || other.audience.is_none();
            other.purposes.get(id).filter(|_| meets)
        });
        recorded.state(now) != state
            || (state != PurposeState::Withdrawn && recorded.version != self.evidence.version)
            || newer.any(|other| prevails(other) && other.state(now) != state)
    }
}
