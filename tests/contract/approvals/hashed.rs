//! Secrets that wait for an approval (rules A2, A5).

use serde_json::{Value, json};

use super::{Office, by_administrators, changes, common};

const SECRET: &str = "vuurtoren-7";

async fn with_secrets() -> Office {
    let office = Office::open().await;
    for (name, format, search) in [("pin", "HASH", "none"), ("code", "SEARCHABLE_HASH", "exact")] {
        let mut definition = by_administrators();
        definition["data_format"] = json!(format);
        definition["search"] = json!(search);
        office.crm.define(name, definition).await;
    }
    office
}

#[tokio::test]
async fn a2_hashed_values_are_redacted_in_requests_and_never_at_rest() {
    let office = with_secrets().await;
    let jan = office.user("jan").await;
    let patch = common(&json!({ "pin": [SECRET], "code": [SECRET] }));

    let request = office.ask(&jan, patch).await;

    let set = json!([{ "set": true }]);
    let due =
        [format!("/attributes/common/code [] {set}"), format!("/attributes/common/pin [] {set}")];
    assert_eq!(changes(&request.body), due);
    let at_rest = async || {
        office.service.items().await.into_iter().filter(|item| item.contains(SECRET)).count()
    };
    assert_eq!(at_rest().await, 0);
    let approved = office.boss.act(&request.below("approve")).key("k").await.is(200);
    assert_eq!(changes(&approved.json()), due);
    assert_eq!(at_rest().await, 0);
    // The approval stores the secret that was sent.
    assert_eq!(office.found("code", SECRET).await, 1);
    assert_eq!(
        office.now(&jan).await.body["attributes"],
        json!({ "common": { "pin": set, "code": set } })
    );
    for answer in [office.boss.get(&request.path).await, office.boss.get(super::REQUESTS).await] {
        assert!(
            !answer.text().contains(SECRET) && !answer.text().contains("argon2"),
            "{}",
            answer.text()
        );
    }
    office.service.check().await;
}

#[tokio::test]
async fn a5_a_secret_that_changed_meanwhile_makes_the_request_stale() {
    let office = with_secrets().await;
    let jan = office.user("jan").await;
    let pin = |value: &str| common(&json!({ "pin": [value] }));
    office.boss.patch(&jan.path, pin("old")).if_match("*").await.is(200);
    let request = office.ask(&jan, pin("new")).await;
    let set = json!([{ "set": true }]);
    assert_eq!(changes(&request.body), [format!("/attributes/common/pin {set} {set}")]);
    office.boss.patch(&jan.path, pin("other")).if_match("*").await.is(200);
    let now = office.now(&jan).await;
    office.approve(&request).await.is(409);
    assert_eq!(office.status(&request).await, "STALE");
    office.unchanged(&now, 3).await;
}

#[tokio::test]
async fn a5_the_removal_of_a_secret_is_asked_for_and_its_mark_is_sent_back_freely() {
    let office = with_secrets().await;
    let jan = office.user("jan").await;
    office.boss.patch(&jan.path, common(&json!({ "pin": ["old"] }))).if_match("*").await.is(200);
    let mut same = office.now(&jan).await.body;
    same["given_name"] = json!("Johan");
    office.crm.put(&jan.path, same).if_match("*").await.is(200);
    let patch = common(&json!({ "pin": null }));
    let request = office.ask(&jan, patch).await;
    assert_eq!(request.body["changes"][0]["to"], json!([]));
    office.approve(&request).await.is(200);
    assert_eq!(office.now(&jan).await.body["attributes"], json!({}));
}

#[tokio::test]
async fn i2_asking_twice_for_the_same_secret_is_answered_with_one_request() {
    let office = with_secrets().await;
    let jan = office.user("jan").await;
    for name in ["code", "pin"] {
        let patch: Value = common(&json!({ name: [SECRET] }));
        let first = office.ask(&jan, patch.clone()).await;
        assert_eq!(office.ask(&jan, patch).await.path, first.path, "{name}");
    }
}
