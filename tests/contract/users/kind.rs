//! The kind of a profile (statement P1 of the source system), and names without blanks around them.

use serde_json::{Value, json};
use tests::{Service, person};

const USERS: &str = "/identity/users";

fn of_kind(username: &str, kind: &str) -> Value {
    let mut body = person(username);
    body["kind"] = json!(kind);
    body
}

#[tokio::test]
async fn p1_a_profile_is_of_a_person_unless_it_says_otherwise() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    assert_eq!(jan.body["kind"], "person");
    let till = crm.create(USERS, of_kind("till-4", "device")).await;
    assert_eq!(till.body["kind"], "device");
    let same = crm.create(USERS, of_kind("els", "person")).await;
    assert_eq!(same.body["kind"], "person");
    let refused = crm.post(USERS, of_kind("x", "robot")).await.is(422);
    assert_eq!(refused.violations(), ["/kind not-in-enumeration"]);

    let patched =
        crm.patch(&jan.path, json!({ "kind": "application" })).if_match("*").await.is(200);
    assert_eq!(patched.json()["kind"], "application");
    // Of what is sent back nothing changes; of a document without it, it is the usual one.
    let same = crm.put(&jan.path, patched.json()).if_match("*").await.is(200);
    assert_eq!((same.tag(), same.cost().1), (patched.tag(), 0.0));
    let put = crm.put(&jan.path, json!({ "username": "jan" })).if_match("*").await.is(200);
    assert_eq!(put.json()["kind"], "person");
    service.check().await;
}

#[tokio::test]
async fn p1_devices_and_applications_are_found_by_their_kind() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(USERS, person("jan")).await;
    let till = crm.create(USERS, of_kind("till-4", "device")).await;
    crm.create(USERS, of_kind("nightly", "application")).await;
    let found = async |filter: &str| {
        let items = crm.find(json!(filter)).await;
        items.iter().map(|user| user["username"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"kind eq "device""#).await, ["till-4"]);
    assert_eq!(found(r#"kind eq "Application""#).await, ["nightly"]);
    assert_eq!(found(r#"family_name eq "Janssen" and kind eq "person""#).await, ["jan"]);
    assert_eq!(found(r#"username eq "till-4" and kind ne "person""#).await, ["till-4"]);
    assert_eq!(found(r#"kind eq "person""#).await, ["jan"]);
    crm.patch(&till.path, json!({ "kind": null })).if_match("*").await.is(200);
    assert!(found(r#"kind eq "device""#).await.is_empty());
    service.check().await;
}

#[tokio::test]
async fn p1_people_do_not_change_their_own_kind() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create(USERS, of_kind("jan", "device")).await;
    let me = crm.local_person(&jan.id, "userdata").await;
    let read = me.get("/identity/me").await.is(200).json();
    assert_eq!(read["kind"], "device");
    me.patch("/identity/me", read).if_match("*").await.is(200);
    let set = me.patch("/identity/me", json!({ "kind": "person" })).if_match("*").await.is(422);
    assert_eq!(set.violations(), ["/kind read-only"]);
    let gone = me.patch("/identity/me", json!({ "kind": null })).if_match("*").await.is(422);
    assert_eq!(gone.violations(), ["/kind read-only"]);
}

#[tokio::test]
async fn blanks_around_names_are_not_kept() {
    let crm = Service::start().await.crm().await;
    let mut body = person("jan");
    (body["given_name"], body["family_name"]) = (json!("  Jan\u{a0}"), json!(" van  den Berg "));
    let jan = crm.create(USERS, body).await;
    assert_eq!(
        (&jan.body["given_name"], &jan.body["family_name"]),
        (&json!("Jan"), &json!("van  den Berg"))
    );
    let patched = crm.patch(&jan.path, json!({ "given_name": "Jan " })).if_match("*").await.is(200);
    assert_eq!((patched.tag(), patched.cost().1), (jan.tag, 0.0));
    let empty = crm.patch(&jan.path, json!({ "given_name": "  " })).if_match("*").await.is(422);
    assert_eq!(empty.violations(), ["/given_name wrong-format"]);
}
