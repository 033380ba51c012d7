//! People who stand in the way of others.

use serde_json::{Value, json};
use tests::{Resource, Service, TENANT};

use crate::approvals::{by_administrators, common, request_of};
use crate::lifecycle::{by_base, service};
use crate::people::{Home, ME};

const USERS: &str = "/identity/users";
const CEO: &str = "ceo@corp.example";

async fn claimed(service: &Service) -> tests::Issuer {
    let open = service.issuer("open", "predefined").await;
    for i in 0..101 {
        let claims = json!({ "email": CEO, "email_verified": false });
        open.person(&format!("claims-{i}"), claims).sign_in("shop").await.is(201);
    }
    open
}

#[tokio::test]
async fn wk7_an_address_that_a_hundred_people_claim_is_its_owners() {
    let service = service().await;
    let crm = service.crm().await;
    let open = claimed(&service).await;
    let owner = |name: &str, verified: bool| {
        let mut user = json!({ "username": name, "preferred_email": CEO });
        user["email_verified"] = json!(verified);
        user
    };
    let dry = "/identity/imports?dry_run=true";
    let dry = crm.call("POST", dry).body("text/csv", format!("username,preferred_email\nx,{CEO}"));
    let job = dry.await.created();
    let report = crm.read(&job.below("report")).await;
    assert_eq!(report["items"][0]["status"], "created", "{report}");
    crm.post(USERS, owner("by-client", false)).await.is(201);
    crm.post(USERS, owner("verified", true)).await.is(201);
    let other = crm.create_user("changed").await;
    crm.patch(&other.path, json!({ "preferred_email": CEO })).if_match("*").await.is(200);
    let corp = service.issuer("corp", "predefined").await;
    let claims = json!({ "email": CEO, "email_verified": true });
    corp.person("ceo", claims).sign_in("shop").await.is(201);
    let ceo = crm.read(&by_base("ceo", &corp.url)).await;
    assert_eq!((&ceo["preferred_email"], &ceo["email_verified"]), (&json!(CEO), &json!(true)));
    // A user who only claims the address loses it to an owner, and takes it from no user.
    let all = json!({ "filter": { "preferred_email": CEO }, "limit": 100 });
    let found = crm.post("/identity/users/query", all).await.is(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 100);
    let claims = json!({ "email": CEO, "email_verified": false });
    open.person("one-more", claims).sign_in("shop").await.is(201);
    assert_eq!(crm.read(&by_base("one-more", &open.url)).await["preferred_email"], Value::Null);
    service.check().await;
}

#[tokio::test]
async fn wk7_a_hundred_owners_are_the_most() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..100 {
        let user = json!({ "username": format!("u{i}"), "preferred_email": CEO });
        crm.post(USERS, user).await.is(201);
    }
    let more = json!({ "username": "more", "preferred_email": CEO, "email_verified": true });
    assert_eq!(crm.post(USERS, more).await.is(422).violations(), ["/preferred_email too-many"]);
}

#[tokio::test]
async fn wk9_a_subject_is_a_username_byte_by_byte() {
    const SERVERS: &str = "/api/v1/sso/authentication-servers";
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "username").await;
    assert_eq!(crm.read(&format!("{SERVERS}/idp")).await["subject_matching"], "exact");
    let kelvin = crm.create_user("kelvin").await;
    let resolve = async |subject: &str| {
        let question = json!({ "authentication_server_id": "idp", "subject": subject });
        crm.post("/api/v1/sso/authentication-server-subjects/resolve", question).await.code()
    };
    for other in ["KELVIN", "Kelvin", "\u{ff4b}\u{ff45}\u{ff4c}\u{ff56}\u{ff49}\u{ff4e}"] {
        assert_eq!(resolve(other).await, 404, "{other}");
        idp.person(other, json!({ "preferred_username": "kelvin" })).sign_in("shop").await.is(201);
        assert_ne!(crm.read(&by_base(other, &idp.url)).await["id"], json!(kelvin.id), "{other}");
    }
    assert_eq!(resolve("kelvin").await, 200);
    idp.person("kelvin", json!({})).sign_in("shop").await.is(201);
    assert_eq!(crm.read(&by_base("kelvin", &idp.url)).await["id"], json!(kelvin.id));

    // Up to the case of ASCII letters where the server says so.
    let changes = json!({ "subject_type": "username", "subject_matching": "ascii-case" });
    let second = service.issuer_with("second", changes).await;
    let boltzmann = crm.create_user("boltzmann").await;
    second.person("BOLTZMANN", json!({})).sign_in("shop").await.is(201);
    assert_eq!(crm.read(&by_base("BOLTZMANN", &second.url)).await["id"], json!(boltzmann.id));
    let planck = crm.create_user("planck").await;
    let wide = "\u{ff50}lanck";
    second.person(wide, json!({})).sign_in("shop").await.is(201);
    assert_ne!(crm.read(&by_base(wide, &second.url)).await["id"], json!(planck.id));
    service.check().await;
}

#[tokio::test]
async fn wk10_own_change_requests_do_not_stop_those_of_others() {
    let home = Home::open().await;
    home.crm.define("salary", by_administrators()).await;
    let ask = |value: usize| common(&json!({ "salary": [value.to_string()] }));
    for value in 0..5 {
        home.jan.patch(ME, ask(value)).if_match("*").await.is(202);
    }
    let refused = home.jan.patch(ME, ask(5)).if_match("*").await.is(422);
    assert_eq!(refused.violations(), [" too-many"]);
    // A repeat is none more.
    home.jan.patch(ME, ask(4)).if_match("*").await.is(202);
    let asked: Vec<Resource> = {
        let mut asked = Vec::new();
        for value in 10..25 {
            let answer = home.crm.patch(&home.user.path, ask(value)).if_match("*").await;
            asked.push(request_of(answer));
        }
        asked
    };
    assert_eq!(asked.len(), 15);
    home.crm.patch(&home.user.path, ask(25)).if_match("*").await.is(422);
    // When one is decided the person may ask again.
    let boss = home.service.client(TENANT, "administrator").await;
    let own = home.jan.patch(ME, ask(4)).if_match("*").await;
    boss.act(&request_of(own).below("reject")).await.is(200);
    home.jan.patch(ME, ask(6)).if_match("*").await.is(202);
}

#[tokio::test]
async fn wk13_a_system_that_is_ahead_of_the_clock_is_told_to_start_again() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create_user("jan").await;
    let list = async |since: &str| crm.get(&format!("{USERS}?updated_since={since}")).await;
    let refused = list("2026-11-21T12:00:00.000Z").await.is(400);
    assert!(refused.text().contains("in the future"), "{}", refused.text());
    list("2026-11-21T10:00:00.000Z").await.is(200);
    service.clock.advance(7200);
    let crm = crm.with_token().await;
    let list = async |since: &str| crm.get(&format!("{USERS}?updated_since={since}")).await;
    list("2026-11-21T12:00:00.000Z").await.is(200);
}
