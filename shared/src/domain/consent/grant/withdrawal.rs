//! Withdrawals: from what was agreed to for one audience or, without one, for any (rule CO-03).

use std::collections::BTreeSet;

use super::{Decision, Speaker};
use crate::domain::consent::definition::Consent;
use crate::domain::consent::record::{ConsentRecord, Evidence, PurposeState};
use crate::domain::consent::standing::{Standing, decision};
use crate::domain::consent::terms::Needs;
use crate::domain::error::{Code, Result, Violations};
use crate::domain::id::{PartyId, PurposeId};
use crate::env::Timestamp;

impl Decision {
    /// That a person withdraws: from all purposes that the person agreed to, or from these.
    /// `records` are those about the consent. A withdrawal that is for no system in particular
    /// overrules what was agreed to for each.
    pub fn withdrawal(
        consent: &Consent,
        records: &[ConsentRecord],
        audience: Option<&PartyId>,
        purposes: Option<&[PurposeId]>,
        speaker: Speaker,
        now: Timestamp,
    ) -> Result<Self> {
        check_named(consent, records, purposes)?;
        let content = consent.content_at(now);
        let asked = content.purposes.iter().map(|purpose| &purpose.id);
        let decided = records.iter().flat_map(|record| record.purposes.keys());
        let known: BTreeSet<&PurposeId> = asked.chain(decided).collect();
        let named = |id: &PurposeId| purposes.is_none_or(|purposes| purposes.contains(id));
        let granted = |id: &PurposeId| {
            let recorded = records.iter().any(|record| {
                let meets = audience.is_none() || record.audience.as_ref() == audience;
                let purpose = record.purposes.get(id).filter(|_| meets);
                purpose.is_some_and(|purpose| purpose.state == PurposeState::Granted)
            });
            recorded || Standing::of(consent, records, audience, id, now).granted
        };
        // Who agrees by saying nothing withdraws from what nobody recorded.
        let silent = |id: &PurposeId| {
            content.needs == Needs::OptOut && decision(&consent.id, records, audience, id).is_none()
        };
        let answers = known.into_iter().filter(|id| named(id) && (granted(id) || silent(id)));
        let latest = consent.latest(now).map(|version| version.number);
        Ok(Self {
            answers: answers.map(|id| (id.clone(), PurposeState::Withdrawn)).collect(),
            until: None,
            evidence: Evidence { version: latest, ..speaker.evidence(now) },
        })
    }
}

/// Refuses an empty list, and purposes that the consent never had: a withdrawal that withdraws
/// nothing must not look as if it did.
fn check_named(
    consent: &Consent,
    records: &[ConsentRecord],
    purposes: Option<&[PurposeId]>,
) -> Result<()> {
    let mut violations = Violations::default();
    if purposes.is_some_and(<[_]>::is_empty) {
        let detail = "expected at least one purpose; omit the field to withdraw from all";
        violations.add("/purposes", Code::Required, detail);
    }
    for (i, id) in purposes.unwrap_or_default().iter().enumerate() {
        let decided = records.iter().any(|record| record.purposes.contains_key(id));
        if !decided && !consent.has_purpose(id) {
            let detail = format!("the consent has no purpose `{id}`");
            violations.add(format!("/purposes/{i}"), Code::NotFound, detail);
        }
    }
    violations.check(())
}
