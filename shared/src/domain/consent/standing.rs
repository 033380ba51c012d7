//! Whether a person agrees now: what was decided, by which version, and what later versions ask.

use super::content::AskedPurpose;
use super::definition::Consent;
use super::record::{ConsentRecord, PurposeState, RecordedPurpose};
use super::terms::Needs;
use super::version::{ConsentVersion, Reconsent};
use crate::domain::error::{Code, Result, Violations};
use crate::domain::id::{DefinitionId, PartyId, PurposeId};
use crate::domain::json::Object;
use crate::domain::schema::Schema;
use crate::env::Timestamp;
use crate::object;

/// Whether a person agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether data may be used.
    pub granted: bool,
    /// The version about which the person decided; the oldest of several.
    pub version: Option<u32>,
    /// Whether the person has to be asked anew.
    pub needs_reconsent: bool,
    /// Until when it stays so, as far as is known.
    pub until: Option<Timestamp>,
}

impl Standing {
    const fn plain(granted: bool) -> Self {
        Self { granted, version: None, needs_reconsent: false, until: None }
    }

    /// Whether the person agrees to one purpose, for an audience that the version names as a
    /// recipient, if it names some.
    #[must_use]
    pub fn of(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        purpose: &PurposeId,
        now: Timestamp,
    ) -> Self {
        let covers = |asked: &AskedPurpose| asked.is_for(audience);
        Self::that_covers(consent, records, audience, purpose, now, covers)
    }

    /// Whether the person agrees that an audience gets an attribute for a purpose: the version that
    /// the person read has to list it.
    #[must_use]
    pub fn of_attribute(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        (purpose, attribute): (&PurposeId, DefinitionId),
        now: Timestamp,
    ) -> Self {
        let covers =
            |asked: &AskedPurpose| asked.is_for(audience) && asked.attributes.contains(&attribute);
        Self::that_covers(consent, records, audience, purpose, now, covers)
    }

    fn that_covers(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        purpose: &PurposeId,
        now: Timestamp,
        covers: impl Fn(&AskedPurpose) -> bool,
    ) -> Self {
        let standing = match decision(&consent.id, records, audience, purpose) {
            None => Self::undecided(consent, now),
            Some(decided) => Self::of_decision(consent, decided, now),
        };
        let version = match standing.version {
            Some(number) => consent.version(number),
            None => consent.effective(now),
        };
        let asked = version.and_then(|version| version.content.purpose(purpose));
        if asked.is_some_and(covers) {
            standing
        } else {
            Self { granted: false, until: None, ..standing }
        }
    }

    /// Of those who decided nothing. Where silence is agreement, it is until a version asks.
    fn undecided(consent: &Consent, now: Timestamp) -> Self {
        let silent = |version: &ConsentVersion| version.content.needs == Needs::OptOut;
        if !consent.effective(now).is_some_and(silent) {
            return Self::plain(false);
        }
        let asks = coming(consent, now).find(|version| !silent(version));
        Self { until: asks.map(|version| version.effective_at), ..Self::plain(true) }
    }

    fn of_decision(consent: &Consent, decided: &RecordedPurpose, now: Timestamp) -> Self {
        let version = decided.version;
        match decided.state(now) {
            PurposeState::Denied | PurposeState::Withdrawn => {
                Self { version, ..Self::plain(false) }
            }
            PurposeState::Expired => Self { version, needs_reconsent: true, ..Self::plain(false) },
            PurposeState::Granted => {
                let mut standing =
                    Self { granted: true, version, needs_reconsent: false, until: decided.until };
                let later =
                    |other: &&ConsentVersion| version.is_some_and(|version| other.number > version);
                let begun = consent.versions.iter().filter(|version| version.has_begun(now));
                for asked in begun.filter(later) {
                    standing.ask(asked.reconsent, now);
                }
                if standing.granted {
                    for asked in coming(consent, now).filter(later) {
                        standing.expect(asked);
                    }
                }
                standing
            }
        }
    }

    /// Takes into account what a later version asks.
    fn ask(&mut self, reconsent: Reconsent, now: Timestamp) {
        match reconsent {
            Reconsent::None => {}
            Reconsent::By(by) if now < by => {
                self.needs_reconsent = true;
                self.ends(by);
            }
            Reconsent::By(_) | Reconsent::Required => {
                (self.granted, self.needs_reconsent, self.until) = (false, true, None);
            }
        }
    }

    /// Takes into account what a version will ask that has not begun.
    fn expect(&mut self, version: &ConsentVersion) {
        match version.reconsent {
            Reconsent::None => {}
            Reconsent::Required => self.ends(version.effective_at),
            Reconsent::By(by) => self.ends(by),
        }
    }

    fn ends(&mut self, at: Timestamp) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
    }

    fn and(self, other: Self) -> Self {
        let earlier = |one: Option<Timestamp>, other: Option<Timestamp>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            granted: self.granted && other.granted,
            version: match (self.version, other.version) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
            needs_reconsent: self.needs_reconsent || other.needs_reconsent,
            until: earlier(self.until, other.until),
        }
    }

    /// Whether the person agrees to all of these purposes and to the use of all of these
    /// attributes; to all purposes of the consent, if none is named.
    pub fn check(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        (purposes, attributes): (&[PurposeId], &[DefinitionId]),
        schema: &Schema,
        now: Timestamp,
    ) -> Result<Self> {
        let content = consent.content_at(now);
        let of = |purpose: &PurposeId| Self::of(consent, records, audience, purpose, now);
        let mut violations = Violations::default();
        for (i, purpose) in purposes.iter().enumerate() {
            let decided = decision(&consent.id, records, audience, purpose).is_some();
            if !decided && content.purpose(purpose).is_none() {
                let detail = format!("the consent has no purpose `{purpose}`");
                violations.add(format!("/purposes/{i}"), Code::NotFound, detail);
            }
        }
        violations.check(())?;
        let mut standings: Vec<_> = purposes.iter().map(of).collect();
        for attribute in attributes {
            let bound = schema.attribute(*attribute).and_then(|a| a.consent.as_ref());
            let bound = bound.filter(|bound| bound.consent == consent.id);
            let listing = content.purposes.iter().filter(|p| p.attributes.contains(attribute));
            let candidates: Vec<_> = match bound {
                Some(bound) => vec![&bound.purpose],
                None => listing.map(|purpose| &purpose.id).collect(),
            };
            let of = |purpose| {
                Self::of_attribute(consent, records, audience, (purpose, *attribute), now)
            };
            // One purpose that the person agrees to is enough.
            let all: Vec<_> = candidates.into_iter().map(of).collect();
            let best = all.iter().find(|standing| standing.granted).or_else(|| all.first());
            standings.push(best.copied().unwrap_or(Self::plain(false)));
        }
        if purposes.is_empty() && attributes.is_empty() {
            standings.extend(content.purposes.iter().map(|purpose| of(&purpose.id)));
        }
        let all = standings.into_iter().reduce(Self::and);
        Ok(all.unwrap_or(Self::plain(false)))
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        object! {
            "granted" => self.granted,
            "version" => self.version.map(u64::from),
            "needs_reconsent" => self.needs_reconsent,
            "until" => self.until,
        }
    }
}

/// The versions that will take effect, oldest first.
fn coming(consent: &Consent, now: Timestamp) -> impl Iterator<Item = &ConsentVersion> {
    consent
        .versions
        .iter()
        .filter(move |version| version.effective_at > now && !version.is_dropped())
}

/// What was decided about a purpose: for the audience or for the controller, whichever is newer. A
/// refusal for the controller is not overruled by what a system says for itself (rule CO-03).
pub(super) fn decision<'r>(
    consent: &PartyId,
    records: &'r [ConsentRecord],
    audience: Option<&PartyId>,
    purpose: &PurposeId,
) -> Option<&'r RecordedPurpose> {
    let of = |audience: Option<&PartyId>| {
        let record = records
            .iter()
            .find(|record| record.consent == *consent && record.audience.as_ref() == audience);
        record.and_then(|record| record.purposes.get(purpose))
    };
    let (own, general) = (audience.and_then(|audience| of(Some(audience))), of(None));
    match (own, general) {
        (Some(own), Some(general)) => {
            let refused = matches!(general.state, PurposeState::Denied | PurposeState::Withdrawn);
            let overrules = own.given_at >= general.given_at && !(refused && own.by_system);
            Some(if overrules { own } else { general })
        }
        (own, general) => own.or(general),
    }
}
