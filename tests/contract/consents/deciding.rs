//! Granting, refusing, withdrawing.

use serde_json::{Value, json};

use super::{CONSENTS, DAY, Office};

const OWN: &str = "/identity/me/consents";

#[tokio::test]
async fn co01_a_grant_names_the_version_in_effect_its_language_and_its_text() {
    let office = Office::open().await;
    for (change, status) in [
        (json!({ "text_sha256": "0".repeat(64) }), 409),
        (json!({ "locale": "fr" }), 422),
        (json!({ "version": 2 }), 422),
        (json!({ "version": 0 }), 422),
        (json!({ "purposes": ["none"] }), 422),
        (json!({ "purposes": [] }), 422),
        (json!({ "denied": ["letter"] }), 422),
        (json!({ "method": "import" }), 422),
        (json!({ "method": null }), 422),
        (json!({ "text_sha256": null }), 422),
        (json!({ "consent": "none" }), 422),
        (json!({ "audience": "nowhere" }), 422),
        (json!({ "given_at": "2026-11-01T10:00:00Z" }), 422),
        (json!({ "evidence_uri": "http://x.example" }), 422),
    ] {
        let body = office.yes(1, change.clone()).await;
        let answer = office.decide(body).await;
        assert_eq!(answer.code(), status, "{change}: {}", answer.text());
    }
    office.crm.get(&office.jan.below("consents/news")).await.is(404);
    let record = office.agree(json!({ "evidence_uri": "https://x.example/scan" })).await;
    assert_eq!(record["purposes"]["letter"]["state"], "GRANTED");
    assert_eq!(record["evidence"]["text_sha256"], office.digest(1).await.as_str());
    assert_eq!(record["evidence"]["actor"], json!({ "client_id": office.crm.id }));
    assert_eq!(record["evidence"]["given_at"], "2026-11-21T10:00:00.000Z");
    assert_eq!(record["already"], false);
}

#[tokio::test]
async fn co01_nobody_agrees_to_a_draft_or_to_what_is_retired() {
    let office = Office::open().await;
    office.version(json!({ "effective_at": "2026-11-22T10:00:00Z" })).await;
    let draft = office.yes(2, json!({})).await;
    office.decide(draft).await.is(409);
    office.crm.act(&format!("{CONSENTS}/news/versions/1/retire")).await.is(200);
    let retired = office.yes(1, json!({})).await;
    office.service.clock.advance(31);
    let refused = office.decide(retired).await.is(409);
    assert_eq!(refused.slug(), "conflict");
}

#[tokio::test]
async fn co03_withdrawing_takes_one_request_without_a_body() {
    let office = Office::open().await;
    office.agree(json!({ "purposes": ["letter", "calls"] })).await;
    office.service.clock.advance(1);
    let record = office.withdraw().await.is(200).json();
    for purpose in ["letter", "calls"] {
        assert_eq!(record["purposes"][purpose]["state"], "WITHDRAWN");
    }
    assert!(!office.granted().await);
    let again = office.withdraw().await.is(200).json();
    assert_eq!((&again["already"], &again["purposes"]), (&json!(true), &record["purposes"]));
    office.crm.act(&office.jan.below("consents/none/withdraw")).await.is(404);
}

#[tokio::test]
async fn co03_some_purposes_can_be_withdrawn_and_a_stale_tag_is_412() {
    let office = Office::open().await;
    office.agree(json!({ "purposes": ["letter", "calls"] })).await;
    let path = office.jan.below("consents/news");
    let tag = office.crm.tag_of(&path).await;
    let some = office.withdraw().json(json!({ "purposes": ["calls"] })).if_match(&tag).await;
    let record = some.is(200).json();
    assert_eq!(record["purposes"]["letter"]["state"], "GRANTED");
    assert_eq!(record["purposes"]["calls"]["state"], "WITHDRAWN");
    office.withdraw().if_match(&tag).await.is(412);
    assert!(office.granted().await);
}

#[tokio::test]
async fn co03_blocked_people_withdraw_and_so_do_those_of_retired_versions() {
    let office = Office::open().await;
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    let yes = office.yes(1, json!({})).await;
    jan.call("POST", OWN).json(yes.clone()).await.is(200);
    office.crm.act(&office.jan.below("block")).await.is(200);
    office.crm.act(&format!("{CONSENTS}/news/versions/1/retire")).await.is(200);
    jan.call("POST", OWN).json(yes).await.is(403);
    let record = jan.act(&format!("{OWN}/news/withdraw")).await.is(200).json();
    assert_eq!(record["purposes"]["letter"]["state"], "WITHDRAWN");
    assert_eq!(record["evidence"]["actor"], json!({ "user_id": office.jan.id }));
}

#[tokio::test]
async fn co03_who_agrees_by_silence_withdraws_from_what_nobody_recorded() {
    let office = Office::with(super::silent()).await;
    assert!(office.granted().await);
    office.withdraw().await.is(200);
    assert!(!office.granted().await);
    let other = json!({ "user": "0192f3c1-0000-7000-8000-000000000001" });
    let question = super::with(json!({ "consent": "news" }), other);
    office.crm.post(super::CHECK, question).await.is(422);
}

#[tokio::test]
async fn co03_a_withdrawal_that_names_nothing_of_the_consent_is_refused() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    for (purposes, at) in [(json!(["letter", "leter"]), "/purposes/1"), (json!([]), "/purposes")] {
        let refused = office.withdraw().json(json!({ "purposes": purposes })).await.is(422);
        assert!(refused.violations()[0].contains(at), "{}", refused.text());
    }
    assert!(office.granted().await);
    // One that was never granted is known, and nothing changes.
    let calls = office.withdraw().json(json!({ "purposes": ["calls"] })).await.is(200).json();
    assert_eq!(calls["already"], true);
}

#[tokio::test]
async fn co03_a_system_withdraws_what_was_agreed_to_in_general() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    office.agree(json!({})).await;
    office.service.clock.advance(1);
    let path = office.jan.below("consents/news/withdraw?audience=shop");
    let record = office.crm.act(&path).await.is(200).json();
    assert_eq!(record["purposes"]["letter"]["state"], "WITHDRAWN");
    assert_eq!(record["audience"], "shop");
    assert_eq!(office.check(json!({ "audience": "shop" })).await["granted"], false);
    assert!(office.granted().await);
}

#[tokio::test]
async fn co03_a_withdrawal_without_a_system_is_for_all_of_them() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    office.agree(json!({ "audience": "shop" })).await;
    office.service.clock.advance(1);
    let path = format!("{OWN}/news/withdraw");
    assert_eq!(jan.act(&path).await.is(200).json()["already"], false);
    let granted = async || office.check(json!({ "audience": "shop" })).await["granted"].clone();
    assert_eq!(granted().await, false);
    // So it is when the person agreed for the system since, and withdraws from all once more.
    office.service.clock.advance(1);
    let again = office.agree(json!({ "audience": "shop" })).await;
    assert_eq!(again["already"], false);
    assert_eq!(granted().await, true);
    office.service.clock.advance(1);
    assert_eq!(jan.act(&path).await.is(200).json()["already"], false);
    assert_eq!(granted().await, false);
    assert_eq!(jan.act(&path).await.is(200).json()["already"], true);
}

#[tokio::test]
async fn co03_a_system_does_not_overrule_what_the_person_took_back() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let profile = office.service.profile(&office.jan.id, "shop").await;
    let known_as = profile.rsplit('/').next().unwrap();
    let shop = office.bound(&["shop"]).await;
    office.agree(json!({})).await;
    office.service.clock.advance(1);
    office.withdraw().await.is(200);
    office.service.clock.advance(1);
    let yes = office.yes(1, json!({})).await;
    let path = format!("/identity/users/{known_as}/consents");
    shop.post(&path, yes.clone()).await.is(200);
    let granted = async || office.check(json!({ "audience": "shop" })).await["granted"].clone();
    assert_eq!(granted().await, false);
    // A back end of the tenant, or the person, does.
    office.service.clock.advance(1);
    office.decide(super::with(yes, json!({ "audience": "shop" }))).await.is(200);
    assert_eq!(granted().await, true);
}

#[tokio::test]
async fn co01_a_grant_is_for_a_recipient_of_the_version() {
    let service = tests::Service::start().await;
    for system in ["shop", "desk"] {
        service.system(system, &[]).await;
    }
    let mut purpose = super::uses("letter", &[]);
    purpose["recipients"] = json!(["shop"]);
    let office = Office::on(service, json!({ "purposes": [purpose] })).await;
    let yes = office.yes(1, json!({ "audience": "desk" })).await;
    assert!(office.decide(yes).await.is(422).violations()[0].contains("/audience"));
    office.agree(json!({})).await;
    let granted = async |audience: Value| {
        office.check(json!({ "audience": audience })).await["granted"].clone()
    };
    assert_eq!(granted(json!("shop")).await, true);
    assert_eq!(granted(json!("desk")).await, false);
    assert_eq!(granted(json!(null)).await, true);
}

#[tokio::test]
async fn co01_a_function_that_remembers_a_retired_version_grants_nothing() {
    let office = Office::open().await;
    let yes = office.yes(1, json!({})).await;
    // Another function knows the version, and not that it is retired.
    let other = office.crm.on(&office.service.instance());
    other.post(super::CHECK, json!({ "user": office.jan.id, "consent": "news" })).await.is(200);
    office.crm.act(&format!("{CONSENTS}/news/versions/1/retire")).await.is(200);
    other.post(&office.jan.below("consents"), yes).await.is(409);
}

#[tokio::test]
async fn co05_the_history_has_each_decision_in_order() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    office.service.clock.advance(1);
    office.withdraw().await.is(200);
    office.service.clock.advance(1);
    office.agree(json!({ "purposes": ["letter", "calls"], "denied": ["offers"] })).await;
    let history = office.history().await;
    let states: Vec<_> =
        history.iter().map(|event| (&event["sequence"], &event["purposes"])).collect();
    assert_eq!(
        states,
        [
            (&json!(1), &json!({ "letter": "GRANTED" })),
            (&json!(2), &json!({ "letter": "WITHDRAWN" })),
            (&json!(3), &json!({ "calls": "GRANTED", "letter": "GRANTED", "offers": "DENIED" })),
        ]
    );
    let path = office.jan.below("consents/news/history?limit=2");
    let page = office.crm.read(&path).await;
    assert_eq!(page["items"], json!(history[..2]));
    let next = format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(office.crm.read(&next).await, json!({ "items": history[2..] }));
}

#[tokio::test]
async fn co08_purposes_are_decided_one_by_one() {
    let office = Office::open().await;
    let record = office.agree(json!({ "purposes": ["letter"], "denied": ["calls"] })).await;
    assert_eq!(record["purposes"]["letter"]["state"], "GRANTED");
    assert_eq!(record["purposes"]["calls"]["state"], "DENIED");
    assert!(record["purposes"].get("offers").is_none());
    let granted = async |purposes: Value| {
        office.check(json!({ "purposes": purposes })).await["granted"].as_bool().unwrap()
    };
    assert!(granted(json!(["letter"])).await);
    for not in [json!(["calls"]), json!(["offers"]), json!(["letter", "offers"]), json!([])] {
        assert!(!granted(not.clone()).await, "{not}");
    }
}

#[tokio::test]
async fn co11_who_is_too_young_needs_a_guardian() {
    let office = Office::with(json!({ "minimum_age": 16 })).await;
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    let born = async |date: &str| {
        let patch = json!({ "attributes": { "common": { "birthdate": [date] } } });
        office.crm.patch(&office.jan.path, patch).if_match("*").await.is(200);
    };
    let yes = office.yes(1, json!({})).await;
    let own = |body: &Value| jan.call("POST", OWN).json(body.clone());
    own(&yes).await.is(403);
    office.decide(yes.clone()).await.is(422);
    office.crm.define("birthdate", json!({})).await;
    office.service.clock.advance(31);
    born("9999-12-31").await;
    own(&yes).await.is(403);
    office.service.clock.advance(31);
    born("2010-11-22").await;
    own(&yes).await.is(403);
    let guarded = office.yes(1, json!({ "guardian": "Els Janssen, mother" })).await;
    own(&guarded).await.is(422);
    let refusal = office.yes(1, json!({ "purposes": [], "denied": ["letter"] })).await;
    own(&refusal).await.is(200);
    let record = office.decide(guarded).await.is(200).json();
    assert_eq!(record["evidence"]["guardian"], "Els Janssen, mother");
    office.withdraw().await.is(200);
    born("2010-11-21").await;
    own(&yes).await.is(200);
}

#[tokio::test]
async fn co17_the_same_again_changes_nothing_and_an_older_version_is_refused() {
    let office = Office::open().await;
    let first = office.agree(json!({})).await;
    office.service.clock.advance(60);
    let again = office.agree(json!({ "method": "app" })).await;
    assert_eq!(again["already"], true);
    assert_eq!(again["purposes"], first["purposes"]);
    assert_eq!(again["evidence"], first["evidence"]);
    let more = office.agree(json!({ "purposes": ["letter", "calls"] })).await;
    assert_eq!(more["already"], false);
    assert_eq!(more["purposes"]["letter"], first["purposes"]["letter"]);
    office.version(json!({})).await;
    office.service.clock.advance(31);
    let old = office.yes(1, json!({})).await;
    assert_eq!(office.decide(old).await.is(409).slug(), "conflict");
    let new = office.yes(2, json!({})).await;
    let record = office.decide(new).await.is(200).json();
    assert_eq!(record["purposes"]["letter"]["version"], 2);
    assert_eq!(office.history().await.len(), 3);
}

#[tokio::test]
async fn co07_a_grant_ends_by_itself() {
    let office = Office::with(json!({ "expires_after_days": 30 })).await;
    let record = office.agree(json!({})).await;
    assert_eq!(record["purposes"]["letter"]["until"], "2026-12-21T10:00:00.000Z");
    let path = office.jan.below("consents/news");
    let tag = office.crm.tag_of(&path).await;
    let standing = office.check(json!({})).await;
    assert_eq!(standing["until"], "2026-12-21T10:00:00.000Z");
    office.service.clock.advance(30 * DAY);
    let crm = office.crm.clone().with_token().await;
    let read = crm.get(&path).await.is(200);
    assert_ne!(read.tag(), tag);
    assert_eq!(read.json()["purposes"]["letter"]["state"], "EXPIRED");
    let question = json!({ "user": office.jan.id, "consent": "news" });
    let standing = crm.post(super::CHECK, question).await.is(200).json();
    assert_eq!((&standing["granted"], &standing["needs_reconsent"]), (&json!(false), &json!(true)));
    // Subscribers are told once.
    assert_eq!(office.service.sweep().await.expired, 1);
    assert_eq!(office.service.sweep().await.expired, 0);
    let history = crm.read(&office.jan.below("consents/news/history")).await;
    assert_eq!(history["items"][1]["purposes"], json!({ "letter": "EXPIRED" }));
}

#[tokio::test]
async fn co07_each_grant_that_ended_is_told_however_many_there_are() {
    let office = Office::with(json!({ "expires_after_days": 30 })).await;
    let yes = office.yes(1, json!({})).await;
    for i in 0..130 {
        let person = json!({ "username": format!("p{i}") });
        let person = office.crm.create("/identity/users", person).await;
        office.crm.post(&person.below("consents"), yes.clone()).await.is(200);
    }
    office.service.clock.advance(30 * DAY);
    assert_eq!(office.service.sweep().await.expired, 130);
    assert_eq!(office.service.sweep().await.expired, 0);
}
