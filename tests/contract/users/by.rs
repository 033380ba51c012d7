//! `/identity/users/by/{field}/{value}`: reading, changing and forgetting the one user.

use serde_json::{Value, json};
use tests::{Service, escape, person};

const USERS: &str = "/identity/users";

fn by(field: &str, value: &str) -> String {
    format!("{USERS}/by/{field}/{}", escape(value))
}

fn jan() -> Value {
    let mut jan = person("jan");
    jan["id_at_customer"] = json!("CRM-1");
    jan
}

#[tokio::test]
async fn t43_a_user_is_read_by_each_field_as_by_the_id() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, jan()).await;
    for (field, value) in [
        ("id_at_customer", "CRM-1"),
        ("username", "jan"),
        ("username", "JAN"),
        ("preferred_email", "jan@example.org"),
        ("preferred_email", "JAN@Example.org"),
    ] {
        let path = by(field, value);
        let found = crm.get(&path).await.is(200);
        assert_eq!((found.json(), found.tag()), (jan.body.clone(), jan.tag.clone()), "{path}");
        assert_eq!(found.cost(), (2.0, 0.0, 0.0), "{path}");
        crm.get(&path).if_none_match(&jan.tag).await.is(304);
        crm.call("HEAD", &path).await.is(200);
    }
    for (field, value) in [
        ("id_at_customer", "crm-1"),
        ("username", "nobody"),
        ("username", "no body"),
        ("preferred_email", "nobody@example.org"),
        ("preferred_email", "no address"),
        ("username", &"x".repeat(3000)),
    ] {
        crm.get(&by(field, value)).await.is(404);
        crm.patch(&by(field, value), json!({})).await.is(404);
        crm.delete(&by(field, value)).await.is(404);
    }
    crm.get(&by("given_name", "Jan")).await.is(404);
    crm.put(&by("username", "jan"), json!({})).await.is(405);
}

#[tokio::test]
async fn t43_a_change_by_a_field_is_one_call() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, jan()).await;
    crm.patch(&by("username", "jan"), json!({ "given_name": "Johan" })).await.is(428);
    crm.patch(&by("username", "jan"), json!({})).if_match("\"old\"").await.is(412);
    let patched = crm
        .patch(&by("id_at_customer", "CRM-1"), json!({ "given_name": "Johan" }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(patched.field("given_name"), "Johan");
    assert_eq!(crm.get(&jan.path).await.is(200).tag(), patched.tag());
    // The value that names the user may change in the same call.
    let moved = json!({ "preferred_email": "johan@example.org" });
    let tag = patched.tag();
    let moved =
        crm.patch(&by("preferred_email", "jan@example.org"), moved).if_match(&tag).await.is(200);
    crm.get(&by("preferred_email", "jan@example.org")).await.is(404);
    crm.delete(&by("preferred_email", "johan@example.org")).if_match(&tag).await.is(412);
    crm.delete(&by("preferred_email", "johan@example.org")).if_match(&moved.tag()).await.is(204);
    crm.get(&jan.path).await.is(404);
    service.check().await;
}

#[tokio::test]
async fn t43_several_users_with_an_address_are_409_and_none_is_changed() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut users = Vec::new();
    for name in ["a", "b", "c"] {
        let body = json!({ "username": name, "preferred_email": "team@example.org" });
        users.push(crm.create(USERS, body).await);
    }
    let path = by("preferred_email", "team@example.org");
    for answer in [
        crm.get(&path).await,
        crm.patch(&path, json!({ "given_name": "X" })).if_match("*").await,
        crm.delete(&path).await,
    ] {
        let problem = answer.is(409);
        assert_eq!(problem.slug(), "several-found");
        assert_eq!(problem.json()["count"], 3);
    }
    for user in &users {
        assert_eq!(crm.get(&user.path).await.is(200).tag(), user.tag);
    }
}

#[tokio::test]
async fn t43_scopes_are_those_of_the_routes_by_id() {
    let service = Service::start().await;
    service.crm().await.create(USERS, jan()).await;
    let reader = service.client(tests::TENANT, "users:read").await;
    let path = by("username", "jan");
    reader.get(&path).await.is(200);
    reader.patch(&path, json!({})).if_match("*").await.is(403);
    reader.delete(&path).await.is(403);
    service.client(tests::TENANT, "users:write").await.get(&path).await.is(403);
    service.create_tenant("other").await;
    let other = service.client("other", "users:read users:write").await;
    other.get(&path).await.is(404);
    other.delete(&path).await.is(404);
}

/// A value that moves from one user to another while it is used to change a user: the change meets
/// one who has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t43_a_change_reaches_a_user_who_has_the_value() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..12 {
        let value = format!("C-{round}");
        let named = |name: &str, id: Option<&str>| {
            let username = format!("{name}{round}");
            json!({ "username": username, "id_at_customer": id })
        };
        let from = crm.create(USERS, named("from", Some(&value))).await;
        let to = crm.create(USERS, named("to", None)).await;
        let (mover, moved) = (crm.clone(), value.clone());
        let (from_path, to_path) = (from.path.clone(), to.path.clone());
        let moving = tokio::spawn(async move {
            let none = json!({ "id_at_customer": null });
            mover.patch(&from_path, none).if_match("*").await.is(200);
            let set = json!({ "id_at_customer": moved });
            mover.patch(&to_path, set).if_match("*").await.is(200);
        });
        let call = crm
            .patch(&by("id_at_customer", &value), json!({ "given_name": "Found" }))
            .if_match("*");
        let changing = tokio::spawn(async move { call.await });
        moving.await.unwrap();
        let answer = changing.await.unwrap();
        match answer.code() {
            200 => assert_eq!(answer.field("id_at_customer"), value),
            404 => {}
            other => panic!("{other}: {}", answer.text()),
        }
    }
    service.check().await;
}
