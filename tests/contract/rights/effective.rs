//! Rights are those of the personas that are in force at the moment of the request (rule G62).

use serde_json::{Value, json};
use tests::{Resource, SignedIn, person};

use super::{ME, Tenant, USERS, persona_of};

const DAY: i64 = 86_400;

/// A person with a persona of the helpdesk, changed so, in a browser.
async fn with_persona(tenant: &Tenant, name: &str, more: Value) -> (Resource, SignedIn) {
    let mut body = person(name);
    body["personas"] = json!([tests::with(json!({ "name": "helpdesk" }), more)]);
    let user = tenant.admin.clone().with_token().await.create(USERS, body).await;
    let browser = tenant.service.signed_in(&user.id).await;
    (user, browser)
}

async fn has_right(browser: &SignedIn) -> bool {
    browser.get(ME).await.is(200);
    match browser.get(USERS).await.code() {
        200 => true,
        code => {
            assert_eq!(code, 403);
            false
        }
    }
}

#[tokio::test]
async fn g62_a_right_holds_while_its_persona_is_in_force() {
    let tenant = Tenant::open().await;
    for (i, (more, due)) in [
        (json!({}), true),
        (json!({ "status": "PENDING" }), false),
        (json!({ "status": "SUSPENDED" }), false),
        (json!({ "valid_from": "2026-11-21T10:00:00Z" }), true),
        (json!({ "valid_from": "2026-11-21T10:00:01Z" }), false),
        (json!({ "valid_until": "2026-11-21T10:00:01Z" }), true),
        (
            json!({ "valid_from": "2026-11-20T00:00:00Z", "valid_until": "2026-11-21T10:00:00Z" }),
            false,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, browser) = with_persona(&tenant, &format!("p{i}"), more.clone()).await;
        assert_eq!(has_right(&browser).await, due, "{more}");
    }
}

#[tokio::test]
async fn g62_a_right_begins_and_ends_during_a_session() {
    let tenant = Tenant::open().await;
    let dates =
        json!({ "valid_from": "2026-11-21T10:05:00Z", "valid_until": "2026-11-21T10:10:00Z" });
    let (_, browser) = with_persona(&tenant, "ida", dates).await;
    assert!(!has_right(&browser).await);
    tenant.service.clock.advance(299);
    assert!(!has_right(&browser).await);
    tenant.service.clock.advance(1);
    assert!(has_right(&browser).await);
    tenant.service.clock.advance(299);
    assert!(has_right(&browser).await);
    tenant.service.clock.advance(1);
    assert!(!has_right(&browser).await);
    tenant.service.clock.advance(DAY);
    assert!(!has_right(&browser).await);
}

#[tokio::test]
async fn g62_a_right_that_is_given_or_taken_holds_from_the_next_request_on() {
    let tenant = Tenant::open().await;
    let (ida, browser) = with_persona(&tenant, "ida", json!({})).await;
    let elsewhere = browser.on(&tenant.service.instance());
    let persona = persona_of(&ida);
    for (act, due) in [("suspend", false), ("activate", true), ("suspend", false)] {
        tenant.admin.act(&format!("{persona}/{act}")).if_match("*").await.is(200);
        assert_eq!(has_right(&browser).await, due, "{act}");
        assert_eq!(has_right(&elsewhere).await, due, "{act}");
    }
    tenant.admin.act(&format!("{persona}/activate")).if_match("*").await.is(200);
    tenant.admin.delete(&persona).if_match("*").await.is(204);
    assert!(!has_right(&browser).await);
}

#[tokio::test]
async fn g62_a_token_has_what_it_names_and_the_person_has() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let by =
        async |user: &Resource, scopes: &str| tenant.clerk.local_person(&user.id, scopes).await;
    let name = json!({ "family_name": "Smit" });
    // The token names more than the person has.
    let helpdesk = by(&tenant.hugo, "administrator users:write audit:read userdata").await;
    helpdesk.patch(&jan.path, name.clone()).if_match("*").await.is(200);
    for path in ["/config/clients", "/identity/config/attribute-definitions", "/identity/audit"] {
        assert_eq!(helpdesk.get(path).await.is(403).slug(), "insufficient-scope", "{path}");
    }
    // `administrator` of the token stands for what the person has.
    by(&tenant.hugo, "administrator").await.get(USERS).await.is(200);
    // The person has more than the token names.
    let reader = by(&tenant.boss, "users:read").await;
    reader.get(USERS).await.is(200);
    let denied = reader.patch(&jan.path, name.clone()).if_match("*").await.is(403);
    assert!(denied.header("www-authenticate").unwrap().contains("users:write"));
    reader.get(ME).await.is(403);
    // Neither persona nor token.
    let nobody = by(&jan, "users:read users:write administrator userdata").await;
    let denied = nobody.get(USERS).await.is(403);
    assert!(denied.text().contains("no persona of yours grants"), "{}", denied.text());
    nobody.get(ME).await.is(200);
    // A persona that ends during the life of the token.
    let persona = persona_of(&tenant.hugo);
    tenant.admin.act(&format!("{persona}/suspend")).if_match("*").await.is(200);
    helpdesk.patch(&jan.path, name).if_match("*").await.is(403);
    helpdesk.get(ME).await.is(200);
}

#[tokio::test]
async fn g62_what_a_person_may_is_bound_by_the_rights_of_the_moment_of_the_token_too() {
    let tenant = Tenant::open().await;
    let eve = json!({ "name": "administrator" });
    let jan = tenant.user("jan").await;
    let token = tenant.clerk.local_person(&tenant.hugo.id, "administrator").await;
    let add = token.call("POST", &jan.below("personas")).json(eve).if_match("*");
    super::refused(&add.await, "with the token of the helpdesk");
}
