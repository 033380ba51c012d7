//! Records are folds of their histories (rule CO-05), under random decisions.

use proptest::prelude::*;

use shared::domain::Json;
use shared::domain::consent::{
    Consent, ConsentEvent, ConsentRecord, Decision, DecisionInput, MAX_ENTRIES, PurposeRef,
    PurposeState, Speaker, Standing, VersionInput,
};
use shared::domain::definition::Definition as _;
use shared::domain::id::{PurposeId, UserId};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::env::{Env, Timestamp};

const DAY: i64 = 24 * 3600;

fn consent(needs: &str) -> Consent {
    let document = format!(
        r#"{{"id": "news", "kind": "processing", "jurisdiction": "BE", "needs": "{needs}",
            "expires_after_days": 5, "purposes": [
                {{"id": "letter", "name": "L", "legal_basis": "legitimate_interests"}},
                {{"id": "calls", "name": "C", "legal_basis": "legitimate_interests"}}],
            "controller": {{"name": "A", "contact": "A", "address": "A", "email": "A",
                "phone": "A"}}}}"#
    );
    let document = Json::parse(document.as_bytes()).unwrap();
    let schema = Schema::empty("acme".parse().unwrap());
    let consent = Consent::read(document, None, &schema, &Env::default()).unwrap();
    let body = br#"{"locales": {"en": {"title": "T", "text": "T"}}}"#;
    let input = VersionInput::read(Json::parse(body).unwrap()).unwrap();
    let now = Timestamp::from_millis(0);
    let (version, _) = input.version(None, &consent.terms, now);
    consent.with_version(version, now).unwrap()
}

/// One step: how much time passes, what is done, and to which purposes.
fn step() -> impl Strategy<Value = (i64, u8, bool, bool)> {
    (0..3 * DAY, 0..4_u8, any::<bool>(), any::<bool>())
}

/// What a step does, as an event of the record.
fn event(
    consent: &Consent,
    record: &ConsentRecord,
    (kind, letter, calls): (u8, bool, bool),
    now: Timestamp,
) -> Option<ConsentEvent> {
    let named: Vec<PurposeId> = [("letter", letter), ("calls", calls)]
        .into_iter()
        .filter(|(_, named)| *named)
        .map(|(id, _)| id.parse().unwrap())
        .collect();
    let id = || record.sequence.to_string();
    match kind {
        3 => record.expiry(id(), now),
        2 => {
            let records = std::slice::from_ref(record);
            let speaker = Speaker::default();
            let decision =
                Decision::withdrawal(consent, records, None, Some(&named), speaker, now).ok()?;
            decision.event(record, &[], id(), now)
        }
        kind => {
            let text = consent.effective(now)?.content.locales.get("en")?;
            let list = if kind == 0 { "purposes" } else { "denied" };
            let ids: Vec<_> = named.iter().map(|id| format!("\"{id}\"")).collect();
            let body = format!(
                r#"{{"consent": "news", "version": 1, "locale": "en", "text_sha256": "{text}",
                    "method": "api", "{list}": [{}]}}"#,
                ids.join(",")
            );
            let input = DecisionInput::read(Json::parse(body.as_bytes()).unwrap()).ok()?;
            let schema = Schema::empty("acme".parse().unwrap());
            let user = UserId::new(Env::default().new_uuid());
            let user = User::new(user, "jan".to_owned(), now);
            let decision = input.check(consent, &user, &schema, Speaker::default(), now).unwrap();
            decision.event(record, &[], id(), now)
        }
    }
}

proptest! {
    #[test]
    fn co05_a_record_is_the_fold_of_its_history(
        opt_out in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let consent = consent(if opt_out { "opt_out" } else { "explicit" });
        let empty = ConsentRecord::empty(consent.id.clone(), None);
        let (mut record, mut history, mut now) = (empty.clone(), Vec::new(), Timestamp::from_millis(0));
        for (seconds, kind, letter, calls) in steps {
            now = now.plus_seconds(seconds);
            let Some(event) = event(&consent, &record, (kind, letter, calls), now) else { continue };
            prop_assert_eq!(event.sequence, history.len() as u64 + 1);
            prop_assert!(!event.purposes.is_empty());
            let next = record.clone().with(&event);
            // The same again changes nothing.
            if kind != 3 {
                for (id, state) in &event.purposes {
                    prop_assert_eq!(next.purposes.get(id).unwrap().state(now), *state);
                }
            }
            record = next;
            history.push(event);
            // What is granted is what the last entry about it says, unless it is over.
            for (id, decided) in &record.purposes {
                let standing = Standing::of(&consent, std::slice::from_ref(&record), None, id, now);
                prop_assert_eq!(standing.granted, decided.state(now) == PurposeState::Granted);
            }
        }
        let folded = history.iter().fold(empty, ConsentRecord::with);
        prop_assert_eq!(&folded, &record);
        let stored = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<ConsentRecord>(&stored).unwrap(), record);
    }
}

#[test]
fn a_purpose_is_named_by_its_consent() {
    let named: PurposeRef = "news/letter".parse().unwrap();
    assert_eq!(named.to_string(), "news/letter");
    for wrong in ["news", "news/", "/letter", "news/letter/x", "N/letter"] {
        assert!(wrong.parse::<PurposeRef>().is_err(), "{wrong}");
    }
}

#[test]
fn co19_a_history_has_a_limit_and_withdrawals_have_none() {
    let consent = consent("explicit");
    let now = Timestamp::from_millis(0);
    let mut record = ConsentRecord::empty(consent.id.clone(), None);
    record.sequence = MAX_ENTRIES - 1;
    let grant = event(&consent, &record, (0, true, false), now).unwrap();
    record.check_room(&grant).unwrap();
    let record = record.with(&grant);
    let more = event(&consent, &record, (0, true, true), now).unwrap();
    record.check_room(&more).unwrap_err();
    let withdrawal = event(&consent, &record, (2, true, false), now).unwrap();
    record.check_room(&withdrawal).unwrap();
}
