//! Whether a person agrees now: what was decided, by which version, and what later versions ask.

use super::definition::Consent;
use super::record::{ConsentRecord, PurposeState, RecordedPurpose};
use super::terms::Needs;
use super::version::Reconsent;
use crate::domain::error::{Code, Result, Violations};
use crate::domain::id::{DefinitionId, PartyId, PurposeId};
use crate::domain::json::Object;
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

    /// Whether the person agrees to one purpose. A decision for the audience counts before one for
    /// the controller.
    #[must_use]
    pub fn of(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        purpose: &PurposeId,
        now: Timestamp,
    ) -> Self {
        match decision(consent, records, audience, purpose) {
            None => Self::undecided(consent, now),
            Some(decided) => Self::of_decision(consent, decided, now),
        }
    }

    fn undecided(consent: &Consent, now: Timestamp) -> Self {
        let opt_out = consent.terms_at(now).needs == Needs::OptOut;
        Self::plain(opt_out && consent.effective(now).is_some())
    }

    fn of_decision(consent: &Consent, decided: &RecordedPurpose, now: Timestamp) -> Self {
        let version = decided.version;
        match decided.state(now) {
            PurposeState::Denied | PurposeState::Withdrawn => {
                Self { version, ..Self::plain(false) }
            }
            PurposeState::Expired => {
                Self { version, needs_reconsent: true, ..Self::undecided(consent, now) }
            }
            PurposeState::Granted => {
                let mut standing =
                    Self { granted: true, version, needs_reconsent: false, until: decided.until };
                let later = consent.versions.iter().filter(|later| {
                    version.is_some_and(|version| later.number > version) && later.has_begun(now)
                });
                for asked in later.map(|later| later.reconsent) {
                    standing.ask(asked, now);
                }
                if !standing.granted {
                    standing.granted = Self::undecided(consent, now).granted;
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
                self.until = Some(self.until.map_or(by, |until| until.min(by)));
            }
            Reconsent::By(_) | Reconsent::Required => {
                (self.granted, self.needs_reconsent, self.until) = (false, true, None);
            }
        }
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
        now: Timestamp,
    ) -> Result<Self> {
        let terms = consent.terms_at(now);
        let of = |purpose: &PurposeId| Self::of(consent, records, audience, purpose, now);
        let mut violations = Violations::default();
        for (i, purpose) in purposes.iter().enumerate() {
            let decided = decision(consent, records, audience, purpose).is_some();
            if !decided && terms.purpose(purpose).is_none() {
                let detail = format!("the consent has no purpose `{purpose}`");
                violations.add(format!("/purposes/{i}"), Code::NotFound, detail);
            }
        }
        violations.check(())?;
        let mut standings: Vec<_> = purposes.iter().map(of).collect();
        for attribute in attributes {
            let users = terms.purposes.iter().filter(|p| p.attributes.contains(attribute));
            // One purpose that the person agrees to is enough.
            let all: Vec<_> = users.map(|purpose| of(&purpose.id)).collect();
            let best = all.iter().find(|standing| standing.granted).or_else(|| all.first());
            standings.push(best.copied().unwrap_or(Self::plain(false)));
        }
        if purposes.is_empty() && attributes.is_empty() {
            standings.extend(terms.purposes.iter().map(|purpose| of(&purpose.id)));
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

/// What was decided about a purpose: for the audience, else for the controller.
fn decision<'r>(
    consent: &Consent,
    records: &'r [ConsentRecord],
    audience: Option<&PartyId>,
    purpose: &PurposeId,
) -> Option<&'r RecordedPurpose> {
    let of = |audience: Option<&PartyId>| {
        let record = records
            .iter()
            .find(|record| record.consent == consent.id && record.audience.as_ref() == audience);
        record.and_then(|record| record.purposes.get(purpose))
    };
    audience.and_then(|audience| of(Some(audience))).or_else(|| of(None))
}
