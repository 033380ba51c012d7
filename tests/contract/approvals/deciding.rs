//! The decision about a change request: by whom, when, and how often.

use serde_json::json;
use tests::{Call, Resource, TENANT};

use super::{DAY, Office, REQUESTS, common, salary};

fn decisions(office: &Office, request: &Resource) -> [Call; 2] {
    ["approve", "reject"].map(|action| office.boss.act(&request.below(action)))
}

#[tokio::test]
async fn a5_nobody_decides_about_an_own_request() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    // From now on each client that may write users may approve.
    let policy =
        json!({ "approval_policy": { "statements": [{ "client_scope": "users:write" }] } });
    office.redefine("salary", policy).await.is(200);
    for action in ["approve", "reject"] {
        let refused = office.crm.act(&request.below(action)).await.is(403);
        assert_eq!(refused.slug(), "not-allowed");
        assert!(refused.text().contains("own"), "{}", refused.text());
    }
    office.unchanged(&jan, 1).await;
    // The same rights in another's hands.
    office.service.crm().await.act(&request.below("approve")).await.is(200);
}

#[tokio::test]
async fn a5_only_who_may_approve_every_guarded_attribute_decides() {
    let office = Office::open().await;
    office
        .crm
        .define(
            "grade",
            json!({ "approval_policy": { "statements": [
        { "client_scope": "config:write" }, { "client_scope": "administrator" },
    ] } }),
        )
        .await;
    let jan = office.user("jan").await;
    let asker = office.service.client(TENANT, "users:read users:write").await;
    let ask = async |patch| super::request_of(asker.patch(&jan.path, patch).if_match("*").await);
    let grade = ask(common(&json!({ "grade": ["1"] }))).await;
    let both = ask(common(&json!({ "grade": ["1"], "salary": ["5"] }))).await;
    let clerk = office.service.client(TENANT, "users:read users:write config:read").await;
    for request in [&grade, &both] {
        for action in ["approve", "reject"] {
            assert_eq!(clerk.act(&request.below(action)).await.is(403).slug(), "not-allowed");
        }
    }
    office.crm.act(&both.below("approve")).await.is(403);
    office.crm.act(&grade.below("reject")).await.is(200);
    office.approve(&both).await.is(200);
}

#[tokio::test]
async fn a5_rights_are_checked_by_the_policy_as_it_is_now() {
    let office = Office::open().await;
    let (_, request) = office.waiting().await;
    // The function that decides remembers the policy, and nothing of it is older than the decision.
    office.crm.act(&request.below("approve")).await.is(403);
    let policy = json!({ "approval_policy": { "statements": [{ "client_scope": "openid" }] } });
    office.elsewhere().redefine("salary", policy).await.is(200);
    assert_eq!(office.approve(&request).await.is(403).slug(), "not-allowed");
    assert_eq!(office.status(&request).await, "PENDING");
}

#[tokio::test]
async fn h2_refusals_of_a_decision_come_in_the_order_of_the_contract() {
    let office = Office::open().await;
    let (_, request) = office.waiting().await;
    let stale = request.tag.clone();
    office.approve(&request).await.is(200);
    let reject = || office.boss.act(&request.below("reject"));
    // Each of these breaks everything that comes after it too.
    office.service.call("POST", &request.below("reject")).if_match("x").await.is(401);
    let configurer = office.service.client(TENANT, "config:write").await;
    assert_eq!(
        configurer.act(&request.below("reject")).if_match("x").await.is(403).slug(),
        "insufficient-scope"
    );
    reject().if_match("x").await.is(400);
    office.boss.act(&format!("{}?a=b", request.below("reject"))).if_match(&stale).await.is(400);
    for id in ["0192f3c1-0000-7000-8000-0000000000aa", "x"] {
        office.boss.act(&format!("{REQUESTS}/{id}/reject")).if_match(&stale).await.is(404);
    }
    assert_eq!(
        office.crm.act(&request.below("reject")).if_match(&stale).await.is(403).slug(),
        "not-allowed"
    );
    let current = office.boss.tag_of(&request.path).await;
    assert_eq!(reject().if_match(&stale).await.is(412).tag(), current);
    assert_eq!(reject().if_none_match("*").await.is(412).tag(), current);
    assert_eq!(reject().if_match(&current).await.is(409).slug(), "conflict");
}

#[tokio::test]
async fn h1_if_match_is_honoured_when_somebody_decides() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    for call in decisions(&office, &request) {
        assert_eq!(call.clone().if_match("\"old\"").await.is(412).tag(), request.tag);
        call.if_match(&format!("W/{}", request.tag)).await.is(412);
    }
    // It is the request's tag that counts, not the profile's.
    office.boss.act(&request.below("approve")).if_match(&jan.tag).await.is(412);
    office.unchanged(&jan, 1).await;
    let approved = office.boss.act(&request.below("approve")).if_match(&request.tag).await.is(200);
    let read = office.boss.get(&request.path).await.is(200);
    assert_eq!((read.tag(), read.json()), (approved.tag(), approved.json()));
    office.boss.get(&request.path).if_none_match(&approved.tag()).await.is(304);
    office.boss.get(&request.path).if_none_match(&request.tag).await.is(200);
    assert!(office.boss.call("HEAD", &request.path).await.is(200).body.is_empty());
}

#[tokio::test]
async fn a5_a_repeated_decision_changes_nothing_and_the_other_one_is_a_conflict() {
    for (first, other, status) in
        [("approve", "reject", "APPROVED"), ("reject", "approve", "REJECTED")]
    {
        let office = Office::open().await;
        let (jan, request) = office.waiting().await;
        let decided = office.boss.act(&request.below(first)).await.is(200);
        assert_eq!(decided.field("status"), status);
        let version = office.service.version_of(&jan.id).await;
        assert_eq!(version, if first == "approve" { 2 } else { 1 });
        let second = office.service.client(TENANT, "administrator").await;
        for boss in [&office.boss, &second] {
            let again = boss.act(&request.below(first)).await.is(200);
            assert_eq!((again.tag(), again.json()), (decided.tag(), decided.json()));
            assert_eq!(again.cost().1, 0.0);
            let refused = boss.act(&request.below(other)).await.is(409);
            assert_eq!(refused.slug(), "conflict");
            assert!(refused.text().contains(status), "{}", refused.text());
        }
        assert_eq!(office.service.version_of(&jan.id).await, version);
    }
}

#[tokio::test]
async fn a5_after_30_days_a_request_has_expired() {
    let mut office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.service.clock.advance(30 * DAY - 1);
    office.renew().await;
    assert_eq!(office.status(&request).await, "PENDING");
    office.service.clock.advance(1);
    assert_eq!(office.status(&request).await, "EXPIRED");
    for call in decisions(&office, &request) {
        let refused = call.await.is(409);
        assert!(refused.text().contains("EXPIRED"), "{}", refused.text());
    }
    office.unchanged(&jan, 1).await;
    // Asked again it is a new one.
    assert_ne!(office.ask(&jan, salary("5")).await.path, request.path);
}

#[tokio::test]
async fn h4_the_tag_of_a_request_moves_when_it_expires() {
    let mut office = Office::open().await;
    let (_, request) = office.waiting().await;
    office.days_later(30).await;
    let read = office.boss.get(&request.path).if_none_match(&request.tag).await;
    assert_eq!(read.code(), 200, "the person reads that it is EXPIRED");
    assert_ne!(read.tag(), request.tag);
}

#[tokio::test]
async fn d8_a_request_past_its_time_is_gone() {
    let mut office = Office::open().await;
    let (jan, request) = office.waiting().await;
    let els = office.user("els").await;
    let decided = office.ask(&els, salary("5")).await;
    office.approve(&decided).await.is(200);
    office.days_later(90).await;
    for request in [&request, &decided] {
        office.boss.get(&request.path).await.is(404);
        for call in decisions(&office, request) {
            call.await.is(404);
        }
    }
    for query in [String::new(), "?status=EXPIRED".to_owned(), format!("?user_id={}", jan.id)] {
        assert_eq!(
            office.boss.read(&format!("{REQUESTS}{query}")).await,
            json!({ "items": [] }),
            "{query}"
        );
    }
}

#[tokio::test]
async fn i1_a_decision_with_a_key_is_replayed() {
    for action in ["approve", "reject"] {
        let office = Office::open().await;
        let (jan, request) = office.waiting().await;
        let decide = |key: &str| office.boss.act(&request.below(action)).key(key);
        let first = decide("k").await.is(200);
        assert_eq!(first.header("idempotency-replayed"), None);
        let again = decide("k").await.is(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!((again.tag(), &again.body), (first.tag(), &first.body));
        office.crm.delete(&jan.path).await.is(204);
        decide("k").await.is(404);
    }
}

#[tokio::test]
async fn i1_a_repeated_decision_with_a_new_key_is_recorded_too() {
    let office = Office::open().await;
    let (_, request) = office.waiting().await;
    let approve = || office.boss.act(&request.below("approve")).key("k2");
    office.approve(&request).await.is(200);
    let first = approve().await.is(200);
    let again = approve().await.is(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn i1_a_refused_decision_is_not_recorded() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.boss.patch(&jan.path, salary("9")).if_match("*").await.is(200);
    let approve = |request: &Resource| office.boss.act(&request.below("approve")).key("k");
    approve(&request).await.is(409);
    approve(&request).await.is(409);
    let next = office.ask(&jan, salary("5")).await;
    assert_eq!(approve(&next).await.is(200).header("idempotency-replayed"), None);
}
