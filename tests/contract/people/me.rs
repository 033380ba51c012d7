//! `/identity/me`: who may call it, and what stands around it.

use serde_json::json;
use tests::{Answer, Call, Person, Resource};

use super::{Home, ME, USERS, refused};

fn calls(person: &Person) -> [Call; 3] {
    [
        person.get(ME),
        person.patch(ME, json!({ "given_name": "Johannes" })).if_match("*"),
        person.delete(ME),
    ]
}

/// Asserts that all three methods are refused in this way, and that the user is as it was.
async fn all_refused(home: &Home, user: &Resource, person: &Person, status: u16, slug: &str) {
    let version = home.service.version_of(&user.id).await;
    for call in calls(person) {
        assert_eq!(call.await.is(status).slug(), slug);
    }
    assert_eq!(home.service.version_of(&user.id).await, version);
}

#[tokio::test]
async fn people_read_their_own_profile_and_no_other() {
    let home = Home::open().await;
    let (els, els_herself) = home.other("els").await;
    let jan = home.jan.get(ME).await.is(200);
    assert_eq!(jan.json(), home.now().await);
    assert_eq!(jan.tag(), home.user.tag);
    assert_eq!(jan.header("cache-control"), Some("private, no-cache"));
    assert_eq!(jan.header("vary"), Some("Authorization, Accept"));
    assert_eq!(els_herself.get(ME).await.is(200).field("id"), els.id);
    // Jan's subject at one issuer names no user at another issuer.
    let other = home.service.issuer("other", "predefined").await;
    assert_eq!(other.person("jan", json!({})).get(ME).await.is(404).slug(), "not-found");
}

#[tokio::test]
async fn h4_the_tag_of_the_own_profile_is_that_of_the_profile() {
    let home = Home::open().await;
    let tag = home.jan.get(ME).await.is(200).tag();
    let unchanged = home.jan.get(ME).if_none_match(&tag).await.is(304);
    assert!(unchanged.body.is_empty() && unchanged.tag() == tag);
    home.jan.get(ME).if_none_match("\"old\"").await.is(200);
    home.jan.get(ME).if_match("\"old\"").await.is(412);
    assert!(home.jan.call("HEAD", ME).await.is(200).body.is_empty());
    let patch = json!({ "given_name": "Johannes" });
    assert_eq!(home.jan.patch(ME, patch.clone()).await.is(428).slug(), "precondition-required");
    assert_eq!(home.jan.patch(ME, patch.clone()).if_match("\"old\"").await.is(412).tag(), tag);
    home.jan.patch(ME, patch.clone()).if_match(&format!("W/{tag}")).await.is(412);
    let changed = home.jan.patch(ME, patch.clone()).if_match(&tag).await.is(200);
    assert_ne!(changed.tag(), tag);
    assert_eq!((changed.tag(), changed.json()), {
        let now = home.jan.get(ME).await;
        (now.tag(), now.json())
    });
    assert_eq!(changed.json(), home.now().await);
    home.jan.patch(ME, patch).if_match(&tag).await.is(412);
    // An unchanged document leaves the tag and writes nothing.
    for nothing in [json!({}), json!({ "given_name": "Johannes" }), changed.json()] {
        let same = home.jan.patch(ME, nothing).if_match(&changed.tag()).await.is(200);
        assert_eq!((same.tag(), same.cost().1), (changed.tag(), 0.0));
    }
    assert_eq!(home.service.version_of(&home.user.id).await, 2);
}

#[tokio::test]
async fn h2_refusals_of_the_own_profile_come_in_the_order_of_the_contract() {
    let home = Home::open().await;
    let wrong = json!({ "colour": "red" });
    let send = |token: &str| {
        home.service.call("PATCH", ME).token(token).json(wrong.clone()).if_match("\"old\"")
    };
    refused(&send("x").await, "401 before everything");
    assert_eq!(send(&home.crm.token).await.is(403).slug(), "not-allowed");
    let xml = home.jan.call("PATCH", ME).body("text/xml", "<a/>").if_match("\"old\"").await.is(415);
    assert!(xml.header("accept-patch").is_some());
    home.jan.call("PATCH", ME).body("application/json", "{").if_match("\"old\"").await.is(400);
    home.issuer
        .person("nobody", json!({}))
        .patch(ME, wrong.clone())
        .if_match("\"old\"")
        .await
        .is(404);
    home.jan.patch(ME, wrong.clone()).await.is(428);
    home.jan.patch(ME, wrong.clone()).if_match("\"old\"").await.is(412);
    assert_eq!(
        home.jan.patch(ME, wrong).if_match("*").await.is(422).violations(),
        ["/colour unknown"]
    );
    home.jan.call("PUT", ME).json(json!({})).await.is(405);
    home.jan.get(&format!("{ME}?a=b")).await.is(400);
    home.jan.get(&format!("{ME}/")).await.is(404);
}

#[tokio::test]
async fn a_blocked_person_is_told_so() {
    let home = Home::open().await;
    home.crm.act(&home.user.below("block")).await.is(200);
    all_refused(&home, &home.user, &home.jan, 403, "user-blocked").await;
    for call in [
        home.jan.get("/idhub/oidc/v1/userinfo"),
        home.jan.get("/identity/change-requests"),
        home.jan.get("/identity/change-requests/0192f3c1-0000-7000-8000-0000000000aa"),
        home.jan.act("/identity/change-requests/0192f3c1-0000-7000-8000-0000000000aa/approve"),
    ] {
        assert_eq!(call.await.is(403).slug(), "user-blocked");
    }
    // Wins over a stale tag, as every 403 does.
    assert_eq!(home.jan.delete(ME).if_match("\"old\"").await.is(403).slug(), "user-blocked");
    home.crm.act(&home.user.below("unblock")).await.is(200);
    home.jan.get(ME).await.is(200);
}

#[tokio::test]
async fn an_unlinked_person_is_refused_and_one_who_never_signed_in_is_not_found() {
    let home = Home::open().await;
    let user = home.crm.create(USERS, json!({ "username": "els" })).await;
    let els = home.issuer.link_as(&user.id, "els", false).await;
    all_refused(&home, &user, &els, 403, "not-allowed").await;
    assert_eq!(els.get("/idhub/oidc/v1/userinfo").await.is(403).slug(), "not-allowed");
    for call in calls(&home.issuer.person("nobody", json!({}))) {
        assert_eq!(call.await.is(404).slug(), "not-found");
    }
}

#[tokio::test]
async fn d7_people_forget_themselves_everywhere() {
    let home = Home::open().await;
    home.crm.act(&home.user.below("block")).await.is(200);
    home.crm.act(&home.user.below("unblock")).await.is(200);
    home.jan.delete(ME).if_match("\"old\"").await.is(412);
    let tag = home.jan.get(ME).await.is(200).tag();
    let gone = home.jan.delete(ME).if_match(&tag).await.is(204);
    assert!(gone.body.is_empty());
    for call in calls(&home.jan) {
        call.await.is(404);
    }
    home.crm.get(&home.user.path).await.is(404);
    home.crm.get(&format!("{USERS}/{}", home.issuer.base("jan"))).await.is(404);
    home.crm.create_user("jan").await;
    let base = home.issuer.base("jan");
    assert!(
        home.service.items().await.iter().all(|item| !item.contains(&base)),
        "the base profile id is gone"
    );
    home.service.check().await;
}

#[tokio::test(start_paused = true)]
async fn d7_an_erasure_that_was_interrupted_goes_on_when_it_is_repeated() {
    // After each call to the table the function is gone; whatever it left, the person's repeat
    // completes it.
    for calls_before in 0..13 {
        let home = Home::open().await;
        home.jan.get(ME).await.is(200);
        home.service.faults.reset();
        home.service.faults.from(calls_before, tests::Fault::ServerError);
        let first = home.jan.delete(ME).await;
        home.service.faults.reset();
        let again = home.jan.delete(ME).await;
        assert!(
            matches!((first.code(), again.code()), (503, 204 | 404) | (204, 404)),
            "{calls_before}: {first:?} {again:?}"
        );
        home.service.sweep().await;
        home.crm.get(&home.user.path).await.is(404);
        let base = home.issuer.base("jan");
        assert!(
            home.service.items().await.iter().all(|item| !item.contains(&base)),
            "{calls_before}"
        );
        home.service.check().await;
    }
}

#[tokio::test]
async fn d2_of_many_who_write_with_one_tag_one_wins() {
    let home = Home::open().await;
    let tag = home.user.tag.clone();
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..16 {
        let (jan, crm, path, tag) =
            (home.jan.clone(), home.crm.clone(), home.user.path.clone(), tag.clone());
        let patch = json!({ "given_name": format!("J{turn}") });
        tasks.spawn(async move {
            if turn % 2 == 0 {
                jan.patch(ME, patch).if_match(&tag).await
            } else {
                crm.patch(&path, patch).if_match(&tag).await
            }
        });
    }
    let codes: Vec<_> = tasks.join_all().await.iter().map(Answer::code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 200).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 200 | 412)), "{codes:?}");
    assert_eq!(home.service.version_of(&home.user.id).await, 2);
}
