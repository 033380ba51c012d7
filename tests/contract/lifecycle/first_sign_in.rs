//! The first sign-in of a person whose user a CRM created.

use serde_json::{Value, json};
use tests::{Client, Issuer, Service, person};
use tokio::task::JoinSet;

use super::{by_base, one, service, told, users};

const USERS: &str = "/identity/users";

fn verified(address: &str) -> Value {
    json!({ "email": address, "email_verified": true })
}

async fn set(subject_type: &str) -> (Service, Client, Issuer) {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", subject_type).await;
    (service, crm, idp)
}

#[tokio::test]
async fn a_crm_made_user_has_no_base_profile_id_until_the_person_signs_in_and_is_linked_then() {
    let (service, crm, idp) = set("email").await;
    let jan = crm.create(USERS, person("jan")).await;
    crm.get(&by_base("1", &idp.url)).await.is(404);
    idp.person("1", verified("JAN@example.org")).sign_in("shop").await.is(201);
    let linked = crm.read(&by_base("1", &idp.url)).await;
    assert_eq!((linked["id"].as_str(), linked["username"].as_str()), (Some(&*jan.id), Some("jan")));
    assert_eq!(linked["email_verified"], true, "the provider proved it");
    assert_eq!(linked["last_login_at"], "2026-11-21T10:00:00.000Z");
    service.check().await;
}

#[tokio::test]
async fn only_a_verified_email_counts() {
    let (service, crm, idp) = set("email").await;
    let jan = crm.create(USERS, person("jan")).await;
    let claims = [
        json!({ "email": "jan@example.org" }),
        json!({ "email": "jan@example.org", "email_verified": false }),
        json!({ "email": "jan@example.org", "email_verified": "false" }),
        json!({ "email": "jan@example.org", "email_verified": 0 }),
        json!({ "email": ["jan@example.org"], "email_verified": true }),
        json!({ "email_verified": true }),
    ];
    for (i, claims) in claims.into_iter().enumerate() {
        let subject = format!("s{i}");
        idp.person(&subject, claims).sign_in("shop").await.is(201);
        assert_ne!(crm.read(&by_base(&subject, &idp.url)).await["id"], jan.id, "{i}");
    }
    service.check().await;
}

#[tokio::test]
async fn a_server_that_verifies_all_addresses_need_not_say_so_but_what_it_says_counts() {
    let service = service().await;
    let crm = service.crm().await;
    let changes = json!({ "subject_type": "email", "addresses_verified": true });
    let entra = service.issuer_with("entra", changes).await;
    let jan = crm.create(USERS, person("jan")).await;
    let said = json!({ "email": "jan@example.org", "email_verified": false });
    entra.person("1", said).sign_in("shop").await.is(201);
    assert_ne!(crm.read(&by_base("1", &entra.url)).await["id"], jan.id);
    let unsaid = json!({ "email": "JAN@example.org" });
    entra.person("2", unsaid).sign_in("shop").await.is(201);
    let linked = crm.read(&by_base("2", &entra.url)).await;
    assert_eq!((&linked["id"], &linked["email_verified"]), (&json!(jan.id), &json!(true)));
    service.check().await;
}

#[tokio::test]
async fn an_address_that_a_sign_in_or_the_person_brought_without_proof_gives_nobody_a_right_to_the_profile()
 {
    let (service, crm, idp) = set("email").await;
    let other = service.issuer("other", "email").await;
    // A person signs in with another person's address before that person does.
    idp.person("mallory", json!({ "email": "jan@example.org" })).sign_in("shop").await.is(201);
    let mallory = crm.read(&by_base("mallory", &idp.url)).await;
    assert_eq!(
        (mallory["preferred_email"].as_str(), mallory["email_verified"].as_bool()),
        (Some("jan@example.org"), Some(false))
    );
    other.person("jan", verified("jan@example.org")).sign_in("shop").await.is(201);
    let jan = crm.read(&by_base("jan", &other.url)).await;
    assert_ne!(jan["id"], mallory["id"]);
    // With the address proved there is one owner.
    idp.person("jan-2", verified("jan@example.org")).sign_in("shop").await.is(200);
    assert_eq!(crm.read(&by_base("jan-2", &idp.url)).await["id"], jan["id"]);
    service.check().await;
}

#[tokio::test]
async fn several_with_the_address_are_a_conflict_with_their_number_and_never_the_first() {
    let (service, crm, idp) = set("email").await;
    for name in ["a", "b", "c"] {
        crm.create(USERS, json!({ "username": name, "preferred_email": "team@example.org" })).await;
    }
    let answer = idp.person("1", verified("team@example.org")).sign_in("shop").await;
    assert_eq!(told(&answer), (409, "several-found".to_owned()));
    assert_eq!(answer.problem()["count"], 3);
    crm.get(&by_base("1", &idp.url)).await.is(404);
    service.check().await;
}

#[tokio::test]
async fn a_recycled_mailbox_takes_over_nobody() {
    let (service, crm, idp) = set("email").await;
    crm.create(USERS, person("jan")).await;
    idp.person("old", verified("jan@example.org")).sign_in("shop").await.is(201);
    let answer = idp.person("new", verified("jan@example.org")).sign_in("shop").await;
    assert_eq!(told(&answer), (409, "conflict".to_owned()));
    assert!(!answer.text().contains("old"));
    crm.get(&by_base("new", &idp.url)).await.is(404);
    service.check().await;
}

#[tokio::test]
async fn the_subject_type_says_what_the_subject_is() {
    let (service, crm, by_name) = set("username").await;
    let by_id = service.issuer("by-id", "userid").await;
    let mapped = service.issuer("mapped", "predefined").await;
    let jan = crm.create(USERS, person("jan")).await;
    by_name.person("jan", json!({})).sign_in("shop").await.is(201);
    by_id.person(&jan.id.to_uppercase(), json!({})).sign_in("shop").await.is(200);
    let mapping =
        json!({ "authentication_server_id": "mapped", "subject": "S-17", "user_id": jan.id });
    crm.post("/api/v1/sso/authentication-server-subjects", mapping).await.is(201);
    mapped.person("S-17", json!({})).sign_in("shop").await.is(200);
    // No user has these subjects: each sign-in creates a user.
    by_name.person("els", json!({ "preferred_username": "els" })).sign_in("shop").await.is(201);
    by_id.person("0192f3c1-0000-7000-8000-000000000001", json!({})).sign_in("shop").await.is(201);
    by_id.person("not an id", json!({})).sign_in("shop").await.is(201);
    mapped.person("S-18", json!({})).sign_in("shop").await.is(201);
    assert_eq!(one(&crm, json!({ "username": "els" })).await["username"], "els");
    assert_eq!(service.check().await.users, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_simultaneous_first_sign_ins_make_one_user() {
    let (service, crm, idp) = set("email").await;
    let other = service.issuer("other", "email").await;
    for round in 0..8 {
        let address = format!("jan{round}@example.org");
        // Made by a CRM or not.
        if round % 2 == 0 {
            crm.create(
                USERS,
                json!({ "username": format!("jan{round}"), "preferred_email": address }),
            )
            .await;
        }
        let mut running = JoinSet::new();
        for i in 0..16 {
            let person = [&idp, &other][i % 2].person(&format!("s{round}"), verified(&address));
            running.spawn(async move {
                person.sign_in(if i % 3 == 0 { "fleet" } else { "shop" }).await
            });
        }
        let answers = running.join_all().await;
        assert!(
            answers.iter().all(|answer| matches!(answer.code(), 200 | 201)),
            "{:?}",
            answers.iter().map(tests::Answer::code).collect::<Vec<_>>()
        );
        assert_eq!(
            answers.iter().filter(|answer| answer.code() == 201).count(),
            2,
            "one for each system"
        );
        assert_eq!(users(&crm, json!({ "preferred_email": address })).await.len(), 1);
    }
    service.check().await;
}

/// A first sign-in and the CRM that creates the same address at once never leave the sign-in linked
/// to one of two users who were there before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_first_sign_in_and_the_crm_create_the_same_address_at_once() {
    let (service, crm, idp) = set("email").await;
    for round in 0..12 {
        let address = format!("jan{round}@example.org");
        let person = idp.person(&format!("s{round}"), verified(&address));
        let (creating, body) =
            (crm.clone(), json!({ "username": format!("crm{round}"), "preferred_email": address }));
        let (signed_in, created) = tokio::join!(
            tokio::spawn(async move { person.sign_in("shop").await }),
            tokio::spawn(async move { creating.post(USERS, body).await })
        );
        signed_in.unwrap().is(201);
        created.unwrap().is(201);
        // Either the CRM was first, and the person is the CRM's user; or the person was, and the
        // CRM's user came after.
        let found = users(&crm, json!({ "preferred_email": address })).await;
        assert!(matches!(found.len(), 1 | 2), "{found:?}");
    }
    service.check().await;
}

/// If a claim or the person chose the username, a server's subject of that name gets no right to
/// the profile.
#[tokio::test]
async fn a_chosen_username_gives_nobody_a_right_to_the_profile() {
    let (service, crm, by_name) = set("username").await;
    let other = service.issuer("other", "predefined").await;
    // By self service, by a claim at another server, and by a claim at the very server.
    let eve = other.person("eve", json!({}));
    eve.sign_in("shop").await.is(201);
    eve.patch("/identity/me", json!({ "username": "ceo" })).if_match("*").await.is(200);
    other.person("mallory", json!({ "preferred_username": "cfo" })).sign_in("shop").await.is(201);
    by_name.person("trudy", json!({ "preferred_username": "cto" })).sign_in("shop").await.is(201);
    for name in ["ceo", "cfo", "cto"] {
        let holder = one(&crm, json!({ "username": name })).await;
        let resolve = json!({ "authentication_server_id": "idp", "subject": name });
        crm.post("/api/v1/sso/authentication-server-subjects/resolve", resolve).await.is(404);
        by_name.person(name, json!({ "preferred_username": name })).sign_in("shop").await.is(201);
        assert_ne!(crm.read(&by_base(name, &by_name.url)).await["id"], holder["id"], "{name}");
    }
    // A server vouches for its own subjects, and a machine client for what it writes.
    by_name.person("els", json!({ "preferred_username": "els" })).sign_in("shop").await.is(201);
    let second = service.issuer("second", "username").await;
    second.person("els", json!({})).sign_in("shop").await.is(200);
    let eve = one(&crm, json!({ "username": "ceo" })).await;
    let path = format!("/identity/users/{}", eve["id"].as_str().unwrap());
    crm.patch(&path, json!({ "username": "eve" })).if_match("*").await.is(200);
    second.person("eve", json!({})).sign_in("shop").await.is(200);
    service.check().await;
}

#[tokio::test]
async fn an_address_stays_the_crms_when_a_claim_or_the_person_says_the_same() {
    let (service, crm, by_mail) = set("email").await;
    let other = service.issuer("other", "username").await;
    let jan = crm.create(USERS, person("jan")).await;
    let unproved = other.person("jan", json!({ "email": "JAN@example.org" }));
    unproved.sign_in("shop").await.is(201);
    unproved
        .patch("/identity/me", json!({ "preferred_email": "Jan@Example.org" }))
        .if_match("*")
        .await
        .is(200);
    by_mail.person("1", verified("jan@example.org")).sign_in("shop").await.is(200);
    let linked = crm.read(&by_base("1", &by_mail.url)).await;
    assert_eq!(
        (&linked["id"], &linked["email_verified"]),
        (&json!(jan.id), &json!(true)),
        "the second server proved it at once"
    );
    service.check().await;
}

#[tokio::test]
async fn a_principal_that_is_linked_again_lets_another_subject_take_the_place_once() {
    let (service, crm, idp) = set("email").await;
    let jan = crm.create(USERS, person("jan")).await;
    let old = idp.person("old", verified("jan@example.org"));
    old.sign_in("shop").await.is(201);
    let new = idp.person("new", verified("jan@example.org"));
    assert_eq!(told(&new.sign_in("shop").await), (409, "conflict".to_owned()));
    crm.act(&jan.below("principals/idp/unlink")).await.is(200);
    crm.act(&jan.below("principals/idp/link")).await.is(200);
    old.sign_in("shop").await.is(200);
    new.sign_in("shop").await.is(200);
    assert_eq!(crm.read(&by_base("new", &idp.url)).await["id"], jan.id);
    crm.get(&by_base("old", &idp.url)).await.is(404);
    // The replaced subject counts as another subject now, and the principal is taken.
    for person in [&old, &idp.person("third", verified("jan@example.org"))] {
        assert_eq!(told(&person.sign_in("shop").await), (409, "conflict".to_owned()));
    }
    service.check().await;
}

#[tokio::test]
async fn the_issuer_of_a_server_that_people_came_from_does_not_change() {
    let (_, crm, idp) = set("email").await;
    let path = "/api/v1/sso/authentication-servers/idp";
    crm.patch(path, json!({ "issuer": "https://moved.example/realm" })).if_match("*").await.is(200);
    crm.patch(path, json!({ "issuer": idp.url })).if_match("*").await.is(200);
    idp.person("1", json!({})).sign_in("shop").await.is(201);
    let answer =
        crm.patch(path, json!({ "issuer": "https://moved.example/realm" })).if_match("*").await;
    assert_eq!(told(&answer), (409, "in-use".to_owned()));
    crm.patch(path, json!({ "name": "Login", "audience": "kith" })).if_match("*").await.is(200);
}

#[tokio::test]
async fn an_application_is_told_no_address_or_name_that_the_person_made_up() {
    let (service, crm, idp) = set("email").await;
    crm.create(USERS, json!({ "username": "boss", "preferred_email": "boss@example.org" })).await;
    for (id, subject_type) in [("mail", "email"), ("names", "username")] {
        let application = json!({ "id": id, "name": id, "subject_type": subject_type });
        crm.create("/api/v1/sso/applications", application).await;
    }
    let claims =
        json!({ "email": "eve@example.org", "email_verified": true, "preferred_username": "eve" });
    let eve = idp.person("eve", claims);
    eve.sign_in("shop").await.is(201);
    let id = eve.get("/identity/me").await.is(200).field("id");
    let subject = async |application: &str, user: &str| {
        let body = json!({ "application_id": application, "user_id": user });
        let answer = crm.post("/api/v1/sso/application-subjects/resolve", body).await;
        if answer.code() == 200 { answer.field("subject") } else { answer.slug() }
    };
    assert_eq!(
        (subject("mail", &id).await, subject("names", &id).await),
        ("eve@example.org".to_owned(), "eve".to_owned())
    );
    let made_up = json!({ "preferred_email": "boss@example.org", "username": "root" });
    eve.patch("/identity/me", made_up).if_match("*").await.is(200);
    assert_eq!(
        (&*subject("mail", &id).await, &*subject("names", &id).await),
        ("not-found", "not-found")
    );
    let boss = one(&crm, json!({ "username": "boss" })).await;
    assert_eq!(
        subject("mail", boss["id"].as_str().unwrap()).await,
        "boss@example.org",
        "nobody else's to switch off"
    );
    let resolve = json!({ "authentication_server_id": "idp", "subject": "boss@example.org" });
    let found =
        crm.post("/api/v1/sso/authentication-server-subjects/resolve", resolve).await.is(200);
    assert_eq!(found.field("id"), boss["id"].as_str().unwrap());
    service.check().await;
}

#[tokio::test]
async fn an_approval_does_not_make_an_address_the_persons() {
    let (service, crm, idp) = set("email").await;
    let other = service.issuer("other", "predefined").await;
    let eve = other.person("eve", json!({}));
    eve.sign_in("shop").await.is(201);
    let definitions =
        crm.get("/identity/config/attribute-definitions?name=preferred_email").await.is(200).json();
    let path = format!(
        "/identity/config/attribute-definitions/{}",
        definitions["items"][0]["id"].as_str().unwrap()
    );
    let policy =
        json!({ "approval_policy": { "statements": [{ "client_scope": "users:write" }] } });
    crm.patch(&path, policy).if_match("*").await.is(200);
    let me = service.instance();
    let asked = eve
        .on(&me)
        .patch("/identity/me", json!({ "preferred_email": "jan@example.org" }))
        .if_match("*")
        .await
        .is(202);
    crm.on(&me)
        .act(&format!("/identity/change-requests/{}/approve", asked.field("id")))
        .await
        .is(200);
    assert_eq!(
        eve.on(&me).get("/identity/me").await.is(200).field("preferred_email"),
        "jan@example.org"
    );
    idp.person("jan", verified("jan@example.org")).on(&me).sign_in("shop").await.is(201);
    assert_ne!(
        crm.read(&by_base("jan", &idp.url)).await["id"],
        crm.read(&by_base("eve", &other.url)).await["id"]
    );
    service.check().await;
}
