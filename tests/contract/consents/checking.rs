//! `POST /identity/consents/check`, and who sees what.

use serde_json::json;

use super::{CHECK, DAY, Office};

#[tokio::test]
async fn co06_a_version_that_asks_anew_ends_grants_from_its_time_on() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let at = "2026-11-22T10:00:00.000Z";
    office.version(json!({ "effective_at": at, "reconsent": "required" })).await;
    office.service.clock.advance(31);
    assert_eq!(
        office.check(json!({})).await,
        json!({ "granted": true, "version": 1, "needs_reconsent": false, "until": at })
    );
    office.service.clock.advance(DAY);
    let crm = office.crm.clone().with_token().await;
    let question = json!({ "user": office.jan.id, "consent": "news", "purposes": ["letter"] });
    let asked = crm.post(CHECK, question.clone()).await.is(200).json();
    assert_eq!(
        asked,
        json!({ "granted": false, "version": 1, "needs_reconsent": true, "until": null })
    );
    let digest = crm.read("/identity/config/consents/news/versions/2").await;
    let yes = json!({
        "consent": "news", "version": 2, "locale": "en", "purposes": ["letter"],
        "text_sha256": digest["locales"]["en"]["sha256"], "method": "app"
    });
    crm.post(&office.jan.below("consents"), yes).await.is(200);
    let granted = crm.post(CHECK, question).await.is(200).json();
    assert_eq!((&granted["granted"], &granted["version"]), (&json!(true), &json!(2)));
}

#[tokio::test]
async fn co06_a_version_may_leave_time_to_agree_anew() {
    let office = Office::open().await;
    office.agree(json!({})).await;
    let by = "2026-11-21T10:05:00.000Z";
    office.version(json!({ "reconsent": { "by": by } })).await;
    // One more, which asks for nothing: what the one before asks still counts.
    office.version(json!({ "reconsent": "none" })).await;
    office.service.clock.advance(31);
    assert_eq!(
        office.check(json!({})).await,
        json!({ "granted": true, "version": 1, "needs_reconsent": true, "until": by })
    );
    office.service.clock.advance(300);
    assert_eq!(
        office.check(json!({})).await,
        json!({ "granted": false, "version": 1, "needs_reconsent": true, "until": null })
    );
}

#[tokio::test]
async fn co06_silence_counts_for_those_alone_who_decided_nothing() {
    let office =
        Office::with(super::with(super::silent(), json!({ "expires_after_days": 30 }))).await;
    let an = office.crm.create("/identity/users", tests::person("an")).await;
    let asks = json!({ "effective_at": "2026-11-22T10:00:00.000Z", "reconsent": "required" });
    office.agree(json!({})).await;
    office.version(asks.clone()).await;
    office.service.clock.advance(31);
    assert_eq!(office.check(json!({})).await["until"], asks["effective_at"]);
    office.service.clock.advance(31 * DAY);
    let office = Office { crm: office.crm.clone().with_token().await, ..office };
    let standing = office.check(json!({})).await;
    assert_eq!((&standing["granted"], &standing["needs_reconsent"]), (&json!(false), &json!(true)));
    assert_eq!(office.check(json!({ "user": an.id })).await["granted"], true);
    // Until a version asks.
    let terms = json!({ "needs": "explicit" });
    office.crm.patch("/identity/config/consents/news", terms).if_match("*").await.is(200);
    let at = json!({ "effective_at": "2026-12-24T10:00:00.000Z" });
    office.version(at.clone()).await;
    office.service.clock.advance(31);
    assert_eq!(office.check(json!({ "user": an.id })).await["until"], at["effective_at"]);
}

#[tokio::test]
async fn a_check_by_attributes_asks_the_purposes_that_use_them() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    let [shoe, hat] =
        [crm.define("shoe", json!({})).await, crm.define("hat", json!({})).await].map(|a| a.id);
    let given = super::predefined(&crm, "given_name").await;
    let purposes =
        json!([super::uses("letter", &[&shoe, &given]), super::uses("calls", &[&hat, &shoe])]);
    let office = Office::on(service, json!({ "purposes": purposes })).await;
    office.agree(json!({})).await;
    let by = async |attributes: &[&str]| {
        let asked = json!({ "purposes": null, "attributes": attributes });
        office.check(asked).await["granted"].as_bool().unwrap()
    };
    assert!(by(&["attributes.common.shoe"]).await);
    assert!(by(&[&shoe]).await);
    assert!(!by(&["attributes.common.hat"]).await);
    assert!(!by(&[&shoe, &hat]).await);
    assert!(by(&["given_name"]).await);
    assert!(!by(&["family_name"]).await);
    // Once it is bound to another purpose, that one is asked.
    let path = format!("/identity/config/attribute-definitions/{shoe}");
    office.crm.patch(&path, json!({ "consent": "news/calls" })).if_match("*").await.is(200);
    office.service.clock.advance(31);
    assert!(!by(&[&shoe]).await);
    let unknown = json!({ "user": office.jan.id, "consent": "news", "attributes": ["x"] });
    office.crm.post(CHECK, unknown).await.is(422);
}

#[tokio::test]
async fn co10_a_system_sees_and_writes_what_is_for_it_alone() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    office.service.system("desk", &[]).await;
    let profile = office.service.profile(&office.jan.id, "shop").await;
    let known_as = profile.rsplit('/').next().unwrap();
    let shop = office.bound(&["shop"]).await;
    office.agree(json!({})).await;
    office.agree(json!({ "audience": "desk" })).await;
    let path = format!("/identity/users/{known_as}/consents");
    assert_eq!(shop.read(&path).await, json!({ "items": [] }));
    shop.get(&format!("{path}/news")).await.is(404);
    shop.get(&format!("{path}/news?audience=desk")).await.is(404);
    shop.act(&format!("{path}/news/withdraw?audience=desk")).await.is(404);
    // By the user's own id it knows nobody.
    shop.get(&office.jan.below("consents")).await.is(404);
    let yes = office.yes(1, json!({})).await;
    shop.post(&path, super::with(yes.clone(), json!({ "audience": "desk" }))).await.is(404);
    let record = shop.post(&path, yes).await.is(200).json();
    assert_eq!(record["audience"], "shop");
    assert!(!shop.get(&format!("{path}/news")).await.text().contains(&office.jan.id));
    co10_evidence(&office, &shop, &path).await;
    let listed = shop.read(&path).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    shop.act(&format!("{path}/news/withdraw")).await.is(200);
    // What was decided for the system counts there before what was decided for the controller.
    let question = json!({ "user": known_as, "consent": "news", "purposes": ["letter"] });
    let standing = shop.post(CHECK, question.clone()).await.is(200).json();
    assert_eq!(standing["granted"], false);
    let foreign = super::with(question, json!({ "audience": "desk" }));
    shop.post(CHECK, foreign).await.is(404);
    assert!(office.granted().await);
    assert_eq!(office.check(json!({ "audience": "shop" })).await["granted"], false);
    assert_eq!(office.check(json!({ "audience": "desk" })).await["granted"], true);
    // The person and the tenant's own back ends see all.
    let issuer = office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan").await;
    for all in [
        jan.get("/identity/me/consents").await.is(200).json(),
        office.crm.read(&office.jan.below("consents")).await,
    ] {
        let items = all["items"].as_array().unwrap();
        let audiences: Vec<_> = items.iter().map(|item| &item["audience"]).collect();
        assert_eq!(audiences, [&json!(null), &json!("desk"), &json!("shop")]);
    }
    // A client of several systems says for which it calls.
    let both = office.bound(&["shop", "desk"]).await;
    both.get(&format!("{path}/news")).await.is(400);
    both.get(&format!("{path}/news?audience=shop")).await.is(200);
}

/// What a system sees of what the person and others decided for it: no user id, no other's client.
async fn co10_evidence(office: &Office, shop: &tests::Client, path: &str) {
    let issuer = office.service.issuer("home", "predefined").await;
    let jan = issuer.link(&office.jan.id, "jan-at-home").await;
    let no = json!({ "audience": "shop", "purposes": ["calls"], "denied": ["offers"] });
    let no = office.yes(1, no).await;
    jan.call("POST", "/identity/me/consents").json(no).await.is(200);
    let guarded = json!({
        "audience": "shop", "purposes": ["offers"], "guardian": "Els Janssen",
        "evidence_uri": "https://x.example/scan"
    });
    let guarded = office.yes(1, guarded).await;
    office.decide(guarded).await.is(200);
    let own = office.yes(1, json!({ "purposes": ["offers", "letter"] })).await;
    for answer in [
        shop.get(path).await,
        shop.get(&format!("{path}/news")).await,
        shop.get(&format!("{path}/news/history")).await,
        shop.post(path, own).await,
    ] {
        let answer = answer.is(200);
        let text = answer.text();
        for hidden in [office.jan.id.as_str(), office.crm.id.as_str(), "Els", "scan"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
    let receipt = shop.get(&format!("{path}/news/receipt")).await.is(200).field("receipt");
    let claims = super::receipts::claims(&receipt);
    assert!(!claims.to_string().contains(&office.jan.id));
    assert_eq!(claims["piiPrincipalId"], path.split('/').nth(3).unwrap());
}

#[tokio::test]
async fn co10_scopes_and_wrong_input() {
    let office = Office::open().await;
    let reader = office.service.client(tests::TENANT, "users:read").await;
    reader.post(&office.jan.below("consents"), json!({})).await.is(403);
    reader.act(&office.jan.below("consents/news/withdraw")).await.is(403);
    let config = office.service.client(tests::TENANT, "config:read").await;
    config.get(&office.jan.below("consents")).await.is(403);
    reader.get("/identity/me/consents").await.is(403);
    reader.get(&office.jan.below("consents/news?audience=X")).await.is(400);
    for wrong in [
        json!({ "user": office.jan.id }),
        json!({ "user": "x", "consent": "none" }),
        json!({ "user": office.jan.id, "consent": "news", "purposes": ["none"] }),
        json!({ "user": office.jan.id, "consent": "news", "purpose": "letter" }),
    ] {
        reader.post(CHECK, wrong.clone()).await.is(422);
    }
    let nobody = "0192f3c1-0000-7000-8000-000000000001";
    reader.get(&format!("/identity/users/{nobody}/consents")).await.is(404);
    let yes = office.yes(1, json!({})).await;
    office.crm.post(&format!("/identity/users/{nobody}/consents"), yes).await.is(404);
}
