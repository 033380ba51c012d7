//! Arriving at a system with one's own token.

use serde_json::json;
use tests::{Answer, Person};
use tests::{Service, TENANT, profiles};
use tokio::task::JoinSet;

use super::{base_id, by_base, service, told, users};

#[tokio::test]
async fn a_system_profile_is_created_from_the_users_own_token_once_and_then_found() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person(
        "jan-1",
        json!({ "given_name": "Jan", "family_name": "Janssen", "email": "jan@example.org",
        "email_verified": true, "locale": "nl_BE", "preferred_username": "jan", "shoe_size": "44" }),
    );
    let made = jan.sign_in("shop").await.created();
    assert_eq!(made.path, format!("{}/{}", profiles("shop"), made.id));
    assert_eq!(made.body["given_name"], "Jan");
    assert_eq!(made.body["ui_locales"], "nl-BE");
    assert_eq!(made.body["email_verified"], true);
    assert_eq!(made.body["tenant_id"], TENANT);
    assert_eq!(made.body["system_id"], "shop");
    assert_eq!(made.body["overrides"], json!([]));
    let again = jan.sign_in("shop").await.is(200);
    assert_eq!((again.json(), again.tag()), (made.body.clone(), made.tag.clone()));
    assert_eq!(again.header("location"), None);

    let user = crm.read(&by_base("jan-1", &idp.url)).await;
    assert_eq!(user["username"], "jan");
    assert_eq!(user["preferred_email"], "jan@example.org");
    assert_eq!(user["attributes"], json!({}), "claims that nothing is mapped to are dropped");
    assert!(!service.items().await.concat().contains("shoe_size"));
    service.check().await;
}

#[tokio::test]
async fn a_base_profile_id_is_accepted_wherever_a_user_id_is() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("jan-1", json!({})).sign_in("shop").await.is(201);
    let path = by_base("jan-1", &idp.url);
    let user = crm.get(&path).await.is(200);
    crm.define_persona("employee", json!({})).await;
    crm.post(&format!("{path}/personas"), json!({ "name": "employee" })).await.is(201);
    crm.patch(&path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    crm.act(&format!("{path}/block")).await.is(200);
    crm.act(&format!("{path}/unblock")).await.is(200);
    assert_eq!(
        crm.read(&format!("/identity/users/{}", user.field("id"))).await["given_name"],
        "Jan"
    );
    let other = format!("/identity/users/{}", base_id("jan-2", &idp.url));
    crm.get(&other).await.is(404);
    crm.get(&path.to_uppercase().replace("/IDENTITY/USERS", "/identity/users")).await.is(200);
    crm.delete(&path).await.is(204);
    crm.get(&path).await.is(404);
    service.check().await;
}

#[tokio::test]
async fn each_system_has_a_profile_of_its_own_under_an_unrelated_id() {
    let service = service().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("jan-1", json!({ "given_name": "Jan" }));
    let shop = jan.sign_in("shop").await.created();
    let fleet = jan.sign_in("fleet").await.created();
    assert_ne!(shop.id, fleet.id);
    assert!(
        [&shop, &fleet].iter().all(|profile| profile.id.as_bytes()[14] == b'4'),
        "random, without the time"
    );
    assert_ne!(shop.tag, fleet.tag);
    let user = service.crm().await.read(&by_base("jan-1", &idp.url)).await;
    for profile in [&shop, &fleet] {
        let text = profile.body.to_string();
        for secret in [
            "jan-1",
            &idp.url,
            &base_id("jan-1", &idp.url),
            user["id"].as_str().unwrap(),
            "username",
            "idp",
        ] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(!shop.body.to_string().contains(&fleet.id) && !shop.body.to_string().contains("fleet"));
}

#[tokio::test]
async fn a_user_has_several_base_profile_ids_one_per_issuer_the_person_came_from() {
    let service = service().await;
    let crm = service.crm().await;
    let (first, second) =
        (service.issuer("first", "email").await, service.issuer("second", "email").await);
    let claims = json!({ "email": "jan@example.org", "email_verified": true });
    let shop = first.person("a", claims.clone()).sign_in("shop").await.created();
    let same = second.person("b", claims).sign_in("shop").await.is(200);
    assert_eq!(same.field("id"), shop.id);
    let one = crm.read(&by_base("a", &first.url)).await;
    assert_eq!(one["id"], crm.read(&by_base("b", &second.url)).await["id"]);
    service.check().await;
}

/// The username is `preferred_username`, else the verified e-mail address, else the base profile
/// id; if one is taken, the next.
#[tokio::test]
async fn candidates_of_the_username_are_tried_in_order() {
    let service = service().await;
    let crm = service.crm().await;
    crm.create_user("jan").await;
    crm.create_user("els@example.org").await;
    let idp = service.issuer("idp", "predefined").await;
    let email =
        |address: &str, verified: bool| json!({ "email": address, "email_verified": verified });
    let cases = [
        (
            "1",
            json!({
                "preferred_username": "piet", "email": "p@example.org", "email_verified": true
            }),
            "piet".to_owned(),
        ),
        (
            "2",
            json!({
                "preferred_username": "JAN", "email": "j@example.org", "email_verified": true
            }),
            "j@example.org".to_owned(),
        ),
        ("3", email("q@example.org", true), "q@example.org".to_owned()),
        ("4", email("r@example.org", false), base_id("4", &idp.url)),
        ("5", email("els@example.org", true), base_id("5", &idp.url)),
        ("6", json!({ "preferred_username": "not a username" }), base_id("6", &idp.url)),
        (
            "7",
            json!({
                "preferred_username": "jan", "email": "els@example.org", "email_verified": true
            }),
            base_id("7", &idp.url),
        ),
        ("8", json!({}), base_id("8", &idp.url)),
    ];
    for (subject, claims, username) in cases {
        idp.person(subject, claims).sign_in("shop").await.is(201);
        assert_eq!(crm.read(&by_base(subject, &idp.url)).await["username"], username, "{subject}");
    }
    service.check().await;
}

#[tokio::test]
async fn required_attributes_are_not_checked_at_sign_in() {
    let service = service().await;
    let crm = service.crm().await;
    crm.define("size", json!({ "required": true })).await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("1", json!({})).sign_in("shop").await.is(201);
    crm.post("/identity/users", json!({ "username": "x" })).await.is(422);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_sent_beside_the_token_is_refused() {
    let service = service().await;
    service.create_tenant("globex").await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({}));
    for path in [
        profiles("nowhere"),
        profiles("Shop"),
        profiles("shop").replace(TENANT, "globex"),
        profiles("shop").replace(TENANT, "none"),
    ] {
        assert_eq!(told(&jan.call("POST", &path).await), (404, "not-found".to_owned()), "{path}");
    }
    let body = json!({ "user_id": "0192f3c1-0000-7000-8000-000000000001" });
    assert_eq!(jan.sign_in("shop").json(body).await.is(422).violations(), ["/user_id unknown"]);
    jan.sign_in("shop").json(json!({})).await.is(201);
    service.call("POST", &profiles("shop")).await.is(401);
    jan.sign_in("shop").if_match("\"x\"").await.is(412);
}

#[tokio::test]
async fn i1_a_repeat_with_the_key_is_answered_as_the_first_was() {
    let service = service().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({}));
    let first = jan.sign_in("shop").key("k").await.is(201);
    let again = jan.sign_in("shop").key("k").await.is(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    let els = idp.person("2", json!({}));
    assert_ne!(
        els.sign_in("shop").key("k").await.is(201).field("id"),
        first.field("id"),
        "another person's key"
    );
    // A sign-in of an existing person is recorded too.
    let found = jan.sign_in("shop").key("l").await.is(200);
    assert_eq!(
        jan.sign_in("shop").key("l").await.is(200).header("idempotency-replayed"),
        Some("true")
    );
    assert_eq!(found.field("id"), first.field("id"));
}

async fn at_once(people: Vec<Person>, system: &'static str) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for person in people {
        running.spawn(async move { person.sign_in(system).await });
    }
    running.join_all().await
}

/// Asserts that of all answers one made the profile and all show it.
#[track_caller]
fn assert_one(answers: &[Answer]) {
    let codes: Vec<_> = answers.iter().map(Answer::code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 201).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 200 | 201)), "{codes:?}");
    let ids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.field("id")).collect();
    assert_eq!(ids.len(), 1);
}

async fn race(service: &Service, people: impl Fn(&Service) -> Person) -> Vec<Answer> {
    let instances = [service.clone(), service.instance(), service.instance()];
    at_once((0..64).map(|i| people(&instances[i % 3])).collect(), "shop").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_simultaneous_first_accesses_by_one_user_one_makes_the_profile() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    let claims = json!({
        "email": "jan@example.org", "email_verified": true, "given_name": "Jan",
        "preferred_username": "jan"
    });
    let jan = idp.person("1", claims);
    assert_one(&race(&service, |service| jan.on(service)).await);
    assert_eq!(users(&crm, json!({ "preferred_email": "jan@example.org" })).await.len(), 1);
    // The user is there by now; the next system is a race of its own.
    service.system("depot", &[]).await;
    let answers = at_once((0..64).map(|_| jan.on(&service)).collect(), "depot").await;
    assert_one(&answers);
    assert_eq!(service.check().await.users, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_two_people_who_want_one_username_both_arrive() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let people = (0..32)
        .map(|i| idp.person(&format!("s{i}"), json!({ "preferred_username": "jan" })))
        .collect();
    let answers = at_once(people, "shop").await;
    assert!(answers.iter().all(|answer| answer.code() == 201));
    assert_eq!(users(&crm, json!({ "username": "jan" })).await.len(), 1);
    assert_eq!(service.check().await.users, 32);
}

#[tokio::test]
async fn a_username_that_is_somebodys_base_profile_id_keeps_nobody_out() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    crm.create_user(&base_id("victim", &idp.url)).await;
    idp.person("mallory", json!({ "preferred_username": base_id("other", &idp.url) }))
        .sign_in("shop")
        .await
        .is(201);
    for subject in ["victim", "other"] {
        idp.person(subject, json!({})).sign_in("shop").await.is(201);
        let user = crm.read(&by_base(subject, &idp.url)).await;
        assert_eq!(user["username"], user["id"]);
    }
    service.check().await;
}

#[tokio::test]
async fn h2_404_and_403_win_over_412() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({}));
    jan.sign_in("nowhere").if_match("\"x\"").await.is(404);
    jan.sign_in("shop").if_match("\"x\"").await.is(412);
    jan.sign_in("shop").await.is(201);
    crm.act(&format!("{}/block", by_base("1", &idp.url))).await.is(200);
    jan.sign_in("nowhere").await.is(404);
    assert_eq!(
        told(&jan.sign_in("shop").if_match("\"x\"").await),
        (403, "user-blocked".to_owned())
    );
}

#[tokio::test]
async fn what_another_tenant_reads_out_of_another_claim_keeps_nobody_out() {
    let service = service().await;
    service.create_tenant("globex").await;
    let idp = service.issuer("idp", "predefined").await;
    let admin = service.client("globex", "config:write").await;
    let server = json!({ "id": "idp", "name": "idp", "subject_type": "email", "issuer": idp.url,
        "audience": "kith", "tenant_claim": "locale",
        "jwks": { "keys": [idp.key.jwk()] } });
    admin.create("/api/v1/sso/authentication-servers", server).await;
    idp.person("1", json!({ "locale": "globex" })).sign_in("shop").await.is(201);
    // Without the usual claim it is the other's.
    let other = idp.person("1", json!({ "locale": "globex", "tenant": null }));
    assert_eq!(told(&other.sign_in("shop").await), (404, "not-found".to_owned()));
}
