//! The fields that a login changes.

use serde_json::{Value, json};
use tests::profiles;

use super::{by_base, service, told};

#[tokio::test]
async fn a_login_moves_last_login_at_and_updated_at_and_the_tag_but_not_twice_within_60_seconds() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("1", json!({})).sign_in("shop").await.is(201);
    let path = by_base("1", &idp.url);
    let first = crm.get(&path).await.is(200);
    assert_eq!(first.json()["last_login_at"], "2026-11-21T10:00:00.000Z");
    for (seconds, moves) in [(59, false), (1, true), (30, false), (29, false), (1, true)] {
        let before = crm.get(&path).await.is(200);
        service.clock.advance(seconds);
        idp.person("1", json!({})).sign_in("shop").await.is(200);
        let after = crm.get(&path).await.is(200);
        let changed = |name: &str| before.json()[name] != after.json()[name];
        assert_eq!(
            [changed("last_login_at"), changed("updated_at"), before.tag() != after.tag()],
            [moves; 3],
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn p14_a_login_that_brings_a_change_is_written_within_60_seconds_too() {
    let service = service().await;
    service.end_audit().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let called = |name: &str| json!({ "given_name": name });
    idp.person("1", called("Jan")).sign_in("shop").await.is(201);
    let path = by_base("1", &idp.url);
    service.clock.advance(20);
    // No claim has changed, so the sign-in writes nothing.
    let same = idp.person("1", called("Jan"));
    let tag = crm.tag_of(&path).await;
    same.sign_in("shop").await.is(200);
    assert_eq!(crm.tag_of(&path).await, tag);
    service.clock.advance(1);
    let changed = idp.person("1", called("Johan"));
    assert_eq!(changed.sign_in("shop").await.is(200).cost(), (3.0, 6.0, 2.0));
    let after = crm.read(&path).await;
    assert_eq!(after["given_name"], "Johan");
    assert_eq!(after["last_login_at"], "2026-11-21T10:00:21.000Z");
    // A token of before takes nothing back, and neither does one of before another's change.
    let tag = crm.tag_of(&path).await;
    same.sign_in("shop").await.is(200);
    assert_eq!(crm.tag_of(&path).await, tag);
    service.clock.advance(1);
    let waiting = idp.person("1", called("Johan"));
    service.clock.advance(1);
    crm.patch(&path, json!({ "given_name": "Jo" })).if_match("*").await.is(200);
    for person in [&waiting, &changed, &same] {
        person.sign_in("shop").await.is(200);
        assert_eq!(crm.read(&path).await["given_name"], "Jo");
    }
    service.clock.advance(1);
    idp.person("1", called("Jan")).sign_in("shop").await.is(200);
    assert_eq!(crm.read(&path).await["given_name"], "Jan");
    service.check().await;
}

#[tokio::test]
async fn a_login_is_a_token_whose_auth_time_is_newer_than_the_last_recorded_one() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let now = service.now();
    idp.person("1", json!({ "auth_time": now - 3600 })).sign_in("shop").await.is(201);
    let path = by_base("1", &idp.url);
    assert_eq!(crm.read(&path).await["last_login_at"], "2026-11-21T09:00:00.000Z");
    let token = idp.person("1", json!({ "auth_time": now - 3600 }));
    service.clock.advance(120);
    let tag = crm.tag_of(&path).await;
    // The same sign-in, though the token is newer; and one that was earlier still.
    for auth_time in [now - 3600, now - 7200] {
        idp.person("1", json!({ "auth_time": auth_time })).sign_in("shop").await.is(200);
    }
    token.sign_in("fleet").await.is(201);
    assert_eq!(crm.tag_of(&path).await, tag);
    // The clock of a provider that is ahead does not put the login into the future.
    idp.person("1", json!({ "auth_time": now + 10_000 })).sign_in("shop").await.is(200);
    assert_eq!(crm.read(&path).await["last_login_at"], "2026-11-21T10:02:00.000Z");
}

#[tokio::test]
async fn a_blocked_users_login_is_recorded_and_told_403() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("1", json!({})).sign_in("shop").await.is(201);
    let path = by_base("1", &idp.url);
    crm.act(&format!("{path}/block")).await.is(200);
    service.clock.advance(100);
    let before = crm.read(&path).await;
    for system in ["shop", "fleet"] {
        assert_eq!(
            told(&idp.person("1", json!({})).sign_in(system).await),
            (403, "user-blocked".to_owned())
        );
    }
    let after = crm.read(&path).await;
    assert_ne!(before["last_login_at"], after["last_login_at"]);
    crm.act(&format!("{path}/unblock")).await.is(200);
    idp.person("1", json!({})).sign_in("fleet").await.is(201);
    service.check().await;
}

#[tokio::test]
async fn a_blocked_user_whom_a_crm_made_is_linked_and_told_403() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "username").await;
    let jan = crm.create_user("jan").await;
    crm.act(&jan.below("block")).await.is(200);
    assert_eq!(
        told(&idp.person("jan", json!({})).sign_in("shop").await),
        (403, "user-blocked".to_owned())
    );
    let linked = crm.read(&by_base("jan", &idp.url)).await;
    assert_eq!(
        (linked["id"].as_str(), linked["status"].as_str()),
        (Some(&*jan.id), Some("BLOCKED"))
    );
    assert_ne!(linked["last_login_at"], Value::Null);
    crm.get(&format!("{}/{}", profiles("shop"), super::base_id("jan", &idp.url))).await.is(404);
    service.check().await;
}

#[tokio::test]
async fn an_unlinked_sign_in_is_refused_until_it_is_linked_again() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "username").await;
    let jan = crm.create_user("jan").await;
    let els = crm.create_user("els").await;
    idp.person("jan", json!({})).sign_in("shop").await.is(201);
    for (user, name) in [(&jan, "jan"), (&els, "els")] {
        let principal = user.below("principals/idp");
        crm.act(&format!("{principal}/unlink")).await.is(200);
        assert_eq!(
            told(&idp.person(name, json!({})).sign_in("fleet").await),
            (403, "not-allowed".to_owned()),
            "{name}"
        );
        crm.act(&format!("{principal}/link")).await.is(200);
        idp.person(name, json!({})).sign_in("fleet").await.is(201);
        assert_eq!(crm.read(&by_base(name, &idp.url)).await["id"], user.id);
    }
    service.check().await;
}

#[tokio::test]
async fn whoever_may_not_sign_in_gets_no_answer_of_before_by_the_same_key() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({}));
    jan.sign_in("shop").key("k").await.is(201);
    let path = by_base("1", &idp.url);
    crm.act(&format!("{path}/block")).await.is(200);
    service.clock.advance(100);
    let jan = idp.person("1", json!({}));
    let before = crm.read(&path).await;
    assert_eq!(told(&jan.sign_in("shop").key("k").await), (403, "user-blocked".to_owned()));
    assert_ne!(
        crm.read(&path).await["last_login_at"],
        before["last_login_at"],
        "the login is recorded"
    );
    crm.act(&format!("{path}/unblock")).await.is(200);
    assert_eq!(
        jan.sign_in("shop").key("k").await.is(201).header("idempotency-replayed"),
        Some("true")
    );
    crm.act(&format!("{path}/principals/idp/unlink")).await.is(200);
    assert_eq!(told(&jan.sign_in("shop").key("k").await), (403, "not-allowed".to_owned()));
}

#[tokio::test]
async fn o5_times_before_1970_are_no_times_of_a_login() {
    let service = service().await;
    let idp = service.issuer("idp", "predefined").await;
    for claims in [
        json!({ "auth_time": -1 }),
        json!({ "auth_time": -99_999_999_999_i64 }),
        json!({ "auth_time": -1e15 }),
        json!({ "iat": -1 }),
        json!({ "iat": -8e15, "auth_time": 1 }),
    ] {
        assert_eq!(
            told(&idp.person("1", claims.clone()).sign_in("shop").await),
            (401, "unauthenticated".to_owned()),
            "{claims}"
        );
    }
    idp.person("1", json!({ "auth_time": 0 })).sign_in("shop").await.is(201);
    idp.person("1", json!({ "auth_time": 8e15 })).sign_in("shop").await.is(200);
    service.crm().await.get(&by_base("1", &idp.url)).await.is(200);
}
