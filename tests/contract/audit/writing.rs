//! One entry for each version, whatever wrote it (rules AU-01 to AU-03).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

use super::{Kept, USERS, complete, entries, everybody};

/// What the last entry of a user says, after a call.
async fn last(service: &Service, user: &Resource) -> Kept {
    complete(service, &user.id).await.pop().expect("an entry")
}

#[tokio::test]
async fn au01_each_write_of_a_profile_leaves_one_entry_with_its_operation() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    crm.define("note", json!({})).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let jan = crm.create(USERS, person("jan")).await;
    assert_eq!(last(&service, &jan).await.operation(), "user.create");
    let named = |path: &str| format!("{USERS}/by/username/jan{path}");
    let call = |client: &Client, method: &str, path: &str, body: Value| {
        let call = client.call(method, path).if_match("*");
        if body.is_null() { call } else { call.json(body) }
    };
    let verify = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    let mut replacement = person("jan");
    replacement["given_name"] = json!("Johan");
    for (client, method, path, body, operation, pointers) in [
        (
            &crm,
            "PATCH",
            jan.path.clone(),
            json!({ "given_name": "J" }),
            "user.change",
            "/given_name",
        ),
        (&crm, "PUT", jan.path.clone(), replacement, "user.change", "/given_name"),
        (&crm, "PATCH", named(""), json!({ "ui_locales": "nl" }), "user.change", "/ui_locales"),
        (&crm, "POST", jan.below("block"), Value::Null, "user.block", "/status"),
        (&crm, "POST", jan.below("unblock"), Value::Null, "user.unblock", "/status"),
        (&boss, "POST", jan.below("verify"), verify, "user.verify", "/email_verified"),
    ] {
        call(client, method, &path, body).await.is(200);
        let entry = last(&service, &jan).await;
        assert_eq!(
            (entry.operation().as_str(), entry.pointers().join(" ")),
            (operation, pointers.to_owned())
        );
        let actor = entry.entry.actor;
        assert_eq!(actor.id.as_deref(), Some(client.id.as_str()));
    }
    let persona = crm.add_persona(&jan, json!({ "name": "employee", "scope": ["a"] })).await;
    let at = format!("/personas/{}", persona.id);
    let made = last(&service, &jan).await;
    assert_eq!((made.operation().as_str(), made.pointers()), ("persona.create", vec![at.clone()]));
    for (method, below, body, operation, field) in [
        ("PATCH", "", json!({ "scope": ["b"] }), "persona.change", "scope"),
        ("POST", "/suspend", Value::Null, "persona.suspend", "status"),
        ("POST", "/activate", Value::Null, "persona.activate", "status"),
        ("POST", "/prefer", Value::Null, "persona.prefer", "preferred"),
    ] {
        call(&crm, method, &format!("{}{below}", persona.path), body).await.is(200);
        let entry = last(&service, &jan).await;
        assert_eq!(entry.operation(), operation);
        assert_eq!(entry.pointers(), [format!("{at}/{field}")]);
    }
    call(&crm, "DELETE", &persona.path, Value::Null).await.is(204);
    let gone = last(&service, &jan).await;
    assert_eq!((gone.operation().as_str(), gone.pointers()), ("persona.delete", vec![at]));
}

#[tokio::test]
async fn au01_an_upsert_and_an_import_leave_one_entry_for_each_user() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let path = format!("{USERS}/by/id_at_customer/7");
    let made = crm.put(&path, json!({ "username": "jan" })).await.is(201).field("id");
    crm.put(&path, json!({ "username": "jan", "given_name": "J" })).await.is(200);
    crm.put(&path, json!({ "username": "jan", "given_name": "J" })).await.is(200);
    let told: Vec<_> = complete(&service, &made).await.iter().map(Kept::operation).collect();
    assert_eq!(told, ["user.create", "user.change"]);

    let rows = "username,family_name\njan,Janssen\nels,Peeters\n";
    let import = crm.call("POST", "/identity/imports?mode=upsert").header("kith-reason", "move");
    let import = import.body("text/csv", rows).await.created();
    for user in everybody(&service).await {
        let entry = complete(&service, &user).await.pop().unwrap();
        let via = serde_json::to_value(&entry.entry.via).unwrap();
        assert_eq!((&via["kind"], &via["id"]), (&json!("import"), &json!(import.id)));
        let due = if user == made { "user.change" } else { "user.create" };
        assert_eq!(entry.operation(), due);
        assert_eq!(via["row"], json!(if user == made { 1 } else { 2 }));
        assert_eq!(entry.detail.reason.as_deref(), Some("move"));
    }
}

#[tokio::test]
async fn au01_rows_that_exchange_a_username_leave_an_entry_each_with_its_own_row() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (username, customer) in [("jan", "1"), ("els", "2")] {
        crm.create(USERS, json!({ "username": username, "id_at_customer": customer })).await;
    }
    let rows = "id_at_customer,username\n1,els\n2,jan\n";
    crm.call("POST", "/identity/imports?mode=upsert").body("text/csv", rows).await.is(201);
    let mut told = Vec::new();
    for user in everybody(&service).await {
        let entry = complete(&service, &user).await.pop().unwrap();
        let via = serde_json::to_value(&entry.entry.via).unwrap();
        told.push((via["row"].as_u64().unwrap(), entry.values("/username")));
    }
    told.sort();
    let due = [(1, r#""jan" "els""#.to_owned()), (2, r#""els" "jan""#.to_owned())];
    assert_eq!(told, due);
}

#[tokio::test]
async fn au02_what_is_refused_or_changes_nothing_leaves_no_entry() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    crm.create_user("els").await;
    let patch = |body: Value, tag: &str| crm.patch(&jan.path, body).if_match(tag);
    patch(json!({ "given_name": "Piet" }), "\"old\"").await.is(412);
    patch(json!({ "username": "els" }), "*").await.is(409);
    patch(json!({ "shoe": 1 }), "*").await.is(422);
    patch(json!({ "given_name": "Jan" }), "*").await.is(200);
    crm.act(&jan.below("unblock")).await.is(200);
    crm.post(USERS, person("jan")).await.is(409);
    crm.patch(&jan.path, json!({ "given_name": "Piet" })).await.is(428);
    let long = "x".repeat(257);
    patch(json!({ "given_name": "Piet" }), "*").header("kith-reason", &long).await.is(400);
    assert_eq!(complete(&service, &jan.id).await.len(), 1);
    // A request that is repeated under its key is one write.
    for _ in 0..2 {
        crm.act(&jan.below("block")).key("k").await.is(200);
    }
    assert_eq!(complete(&service, &jan.id).await.len(), 2);
}

#[tokio::test]
async fn au03_from_and_to_are_the_stored_values_at_minimal_pointers() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let note = crm.define("note", json!({})).await.id;
    let role = crm.define("role", json!({})).await.id;
    crm.define_persona("employee", json!({ "scoped": true, "attributes": [role] })).await;
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "note": ["a", "b"] } });
    let jan = crm.create(USERS, body).await;
    let created = last(&service, &jan).await;
    assert_eq!(created.values("/username"), r#"- "jan""#);
    assert_eq!(created.values(&format!("/attributes/{note}")), r#"- ["a","b"]"#);
    assert!(!created.pointers().iter().any(|pointer| pointer.contains("_at")));

    let change = json!({ "given_name": null, "attributes": { "common": { "note": ["a"] } } });
    crm.patch(&jan.path, change).if_match("*").await.is(200);
    let changed = last(&service, &jan).await;
    assert_eq!(changed.pointers(), [format!("/attributes/{note}"), "/given_name".to_owned()]);
    assert_eq!(changed.values("/given_name"), r#""Jan" -"#);
    assert_eq!(changed.values(&format!("/attributes/{note}")), r#"["a","b"] ["a"]"#);

    let persona = json!({
        "name": "employee", "scope": ["x"], "attributes": { "common": { "role": ["r"] } }
    });
    let persona = crm.add_persona(&jan, persona).await;
    let attribute = json!({ "category": "common", "name": "role", "value": ["s"] });
    let set = crm.patch(&format!("{}/attribute", persona.path), attribute).if_match("*").await;
    set.is(200);
    let entry = last(&service, &jan).await;
    let at = format!("/personas/{}/attributes/{role}", persona.id);
    assert_eq!(entry.pointers(), std::slice::from_ref(&at));
    assert_eq!(entry.values(&at), r#"["r"] ["s"]"#);
}

#[tokio::test]
async fn au02_a_write_whose_answer_was_lost_leaves_one_entry() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    service.faults.reset();
    service.faults.next("TransactWriteItems", tests::Fault::Lost);
    crm.patch(&jan.path, json!({ "given_name": "Piet" })).if_match("*").await.is(200);
    assert_eq!(complete(&service, &jan.id).await.len(), 2);
    assert_eq!(entries(&service, &jan.id).await[1].values("/given_name"), r#""Jan" "Piet""#);
}
