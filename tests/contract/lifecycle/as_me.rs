//! `POST /identity/me`: a person arrives, and is refreshed, without a system (rule H2 of the source
//! system).

use serde_json::{Value, json};
use tests::{Client, Issuer, Service, person};
use tokio::task::JoinSet;

use super::{by_base, one, service, told, users};

const ME: &str = "/identity/me";
const USERS: &str = "/identity/users";

fn claims(name: &str) -> Value {
    json!({
        "email": format!("{name}@example.org"), "email_verified": true, "given_name": "Jan",
        "family_name": "Janssen", "preferred_username": name
    })
}

async fn home() -> (Service, Client, Issuer) {
    let service = service().await;
    service.end_audit().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    (service, crm, idp)
}

#[tokio::test]
async fn h2_a_person_is_created_and_refreshed_without_a_system() {
    let (service, crm, idp) = home().await;
    let jan = idp.person("1", claims("jan"));
    let missing = jan.get(ME).await.is(404);
    assert!(missing.field("detail").contains("POST /identity/me"), "{}", missing.text());

    let made = jan.act(ME).await.is(201);
    assert_eq!(made.header("location"), Some(ME));
    let read = jan.get(ME).await.is(200);
    assert_eq!((made.json(), made.tag()), (read.json(), read.tag()));
    assert_eq!(made.json()["given_name"], "Jan");
    assert_eq!(crm.read(&by_base("1", &idp.url)).await["username"], "jan");

    let again = jan.act(ME).await.is(200);
    assert_eq!((again.tag(), again.cost().1), (made.tag(), 0.0), "nothing new, nothing written");
    let mut renamed = claims("jan");
    renamed["family_name"] = json!("Peeters");
    service.clock.advance(1);
    let renamed = idp.person("1", renamed).act(ME).await.is(200);
    assert_eq!(renamed.json()["family_name"], "Peeters");
    // A system that the person comes to later knows the same person.
    jan.sign_in("shop").await.is(201);
    assert_eq!(one(&crm, json!({ "given_name": "Jan" })).await["id"], made.json()["id"]);
    service.check().await;
}

#[tokio::test]
async fn h2_somebody_whom_a_crm_made_is_recognised() {
    let (service, crm, idp) = home().await;
    let jan = crm.create(USERS, person("jan")).await;
    let me = idp.person("1", claims("jan")).act(ME).await.is(200);
    assert_eq!(me.field("id"), jan.id);
    assert_eq!(crm.read(&by_base("1", &idp.url)).await["id"], jan.id);
    service.check().await;
}

#[tokio::test]
async fn h2_who_may_not_sign_in_is_refused_and_nothing_is_written() {
    let (service, crm, idp) = home().await;
    let jan = idp.person("1", claims("jan"));
    let user = jan.act(ME).await.is(201).field("id");
    let path = format!("{USERS}/{user}");
    crm.act(&format!("{path}/block")).await.is(200);
    let version = service.version_of(&user).await;
    assert_eq!(told(&jan.act(ME).await), (403, "user-blocked".to_owned()));
    let keyed = jan.act(ME).header("idempotency-key", "k").await;
    assert_eq!(told(&keyed), (403, "user-blocked".to_owned()));
    assert_eq!(service.version_of(&user).await, version);
    crm.act(&format!("{path}/unblock")).await.is(200);
    crm.delete(&path).await.is(204);
    let new = jan.act(ME).await.is(201);
    assert_ne!(new.field("id"), user, "who was forgotten comes back as somebody new");
    service.check().await;
}

#[tokio::test]
async fn h2_clients_and_bodies_are_refused() {
    let (_, crm, idp) = home().await;
    crm.act(ME).await.is(403);
    let jan = idp.person("1", claims("jan"));
    let body = jan.call("POST", ME).json(json!({ "given_name": "X" })).await.is(400);
    assert!(body.field("detail").contains("takes no body"), "{}", body.text());
    jan.call("POST", ME).json(json!({})).await.is(201);
}

#[tokio::test]
async fn h2_a_local_person_is_shown_the_own_profile() {
    let (_, crm, _) = home().await;
    let jan = crm.create_user("jan").await;
    let me = crm.local_person(&jan.id, "userdata").await;
    assert_eq!(me.act(ME).await.is(200).json(), me.get(ME).await.is(200).json());
}

#[tokio::test]
async fn h2_i1_a_repeated_request_is_answered_as_the_first() {
    let (_, _, idp) = home().await;
    let jan = idp.person("1", claims("jan"));
    let first = jan.act(ME).header("idempotency-key", "once").await.is(201);
    let second = jan.act(ME).header("idempotency-key", "once").await.is(201);
    assert_eq!((first.json(), first.tag()), (second.json(), second.tag()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h2_d3_arrivals_with_and_without_a_system_at_once_make_one_user() {
    let (service, crm, idp) = home().await;
    for round in 0..8 {
        let name = format!("jan{round}");
        let person = idp.person(&name, claims(&name));
        let mut tasks = JoinSet::new();
        for i in 0..6 {
            let person = person.on(&service.instance());
            tasks.spawn(async move {
                let call = if i % 2 == 0 { person.act(ME) } else { person.sign_in("shop") };
                call.await.code()
            });
        }
        while let Some(code) = tasks.join_next().await {
            assert!([200, 201].contains(&code.unwrap()), "round {round}");
        }
        assert_eq!(users(&crm, json!({ "username": name })).await.len(), 1);
    }
    service.check().await;
}

#[tokio::test]
async fn h2_arriving_costs_what_it_costs_at_a_system_less_the_profile() {
    let (_, _, idp) = home().await;
    idp.person("warm", claims("warm")).act(ME).await.is(201);
    let made = idp.person("1", claims("jan")).act(ME).await.is(201);
    assert_eq!(made.cost(), (3.0, 16.0, 1.0));
    assert_eq!(idp.person("1", claims("jan")).act(ME).await.is(200).cost(), (2.0, 0.0, 0.0));
}
