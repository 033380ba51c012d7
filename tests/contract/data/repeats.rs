//! A repeated request gets the same answer as the first one.

use serde_json::{Value, json};
use tests::{Client, Service, TENANT};

use super::{USERS, service};

/// Sends one request twice.
async fn twice(crm: &Client, path: &str, body: &Value, method: &str) -> (u16, Vec<String>) {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = match method {
            "PATCH" => crm.patch(path, body.clone()).if_match("*").await,
            _ => crm.put(path, body.clone()).if_match("*").await,
        };
        let code = answer.code();
        answers.push((code, if code == 422 { answer.violations() } else { Vec::new() }));
    }
    assert_eq!(answers[0], answers[1], "{method} {path} {body}");
    answers.swap_remove(0)
}

#[tokio::test]
async fn dt5_a_repeated_request_is_answered_as_the_first() {
    let (service, crm) = service().await;
    let admin = service.client(TENANT, "administrator").await;
    let body = json!({
        "username": "v1", "preferred_email": "old@example.org", "email_verified": true,
        "attributes": { "common": { "mail": ["a@example.org"] } }
    });
    let by = format!("{USERS}/by/id_at_customer/V1");
    crm.put(&by, body).await.is(201);
    let found = crm.find(json!({ "username": "v1" })).await;
    let id = found[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{USERS}/{id}");
    let verify = json!({ "attribute": "common.mail", "value": "a@example.org" });
    admin.post(&format!("{path}/verify"), verify).await.is(200);
    let read = crm.read(&path).await;
    let user = |read: &Value, name: &str, verified: Value| {
        let mut user = read.clone();
        user["preferred_email"] = json!(format!("{name}@example.org"));
        user["email_verified"] = verified;
        user
    };
    // A new address is not verified: the first request says so already.
    let due = (422, vec!["/email_verified not-editable".to_owned()]);
    for (at, method) in [(&path, "PUT"), (&path, "PATCH"), (&by, "PUT")] {
        assert_eq!(twice(&crm, at, &user(&read, "new", json!(true)), method).await, due);
    }
    assert_eq!(crm.read(&path).await, read);
    for (i, (at, method)) in [(&path, "PUT"), (&path, "PATCH"), (&by, "PUT")].iter().enumerate() {
        let body = user(&crm.read(&path).await, &format!("new{i}"), json!(false));
        assert_eq!(twice(&crm, at, &body, method).await, (200, Vec::new()), "{method}");
        let mut body = user(&crm.read(&path).await, &format!("more{i}"), json!(false));
        body.as_object_mut().unwrap().remove("email_verified");
        assert_eq!(twice(&crm, at, &body, method).await, (200, Vec::new()), "{method}");
    }
}

#[tokio::test]
async fn dt5_states_follow_the_addresses_that_are_sent_with_them() {
    let (service, crm) = service().await;
    let admin = service.client(TENANT, "administrator").await;
    let body =
        json!({ "username": "v", "attributes": { "common": { "mail": ["a@example.org"] } } });
    let user = crm.create(USERS, body).await;
    let verify = json!({ "attribute": "common.mail", "value": "a@example.org" });
    admin.post(&user.below("verify"), verify).await.is(200);
    let mut read = crm.read(&user.path).await;
    assert_eq!(read["attribute_states"]["common"]["mail"], json!(["VERIFIED"]));
    // Another address in its place is not verified.
    read["attributes"]["common"]["mail"] = json!(["b@example.org"]);
    let due = (422, vec!["/attribute_states not-editable".to_owned()]);
    for method in ["PUT", "PATCH"] {
        assert_eq!(twice(&crm, &user.path, &read, method).await, due);
    }
    // An address that is added or removed needs no state.
    for mails in [json!(["a@example.org", "b@example.org"]), json!(["a@example.org"]), json!([])] {
        for method in ["PUT", "PATCH"] {
            let mut body = crm.read(&user.path).await;
            body["attributes"]["common"]["mail"] = mails.clone();
            assert_eq!(twice(&crm, &user.path, &body, method).await, (200, Vec::new()), "{body}");
        }
    }
}

#[tokio::test]
async fn dt5_a_row_of_an_import_is_answered_as_the_first_time() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let import = async |file: &str| {
        let query = "/identity/imports?mode=upsert";
        let job = crm.call("POST", query).body("text/csv", file.as_bytes().to_vec()).await;
        let job = job.created();
        let report = crm.read(&job.below("report")).await;
        report["items"][0]["status"].as_str().unwrap().to_owned()
    };
    let head = "username,preferred_email,email_verified\n";
    assert_eq!(import(&format!("{head}b15.i,b15i@example.org,true\n")).await, "created");
    for _ in 0..2 {
        assert_eq!(import(&format!("{head}b15.i,b15i.new@example.org,true\n")).await, "error");
    }
    for due in ["updated", "unchanged"] {
        assert_eq!(import(&format!("{head}b15.i,b15i.new@example.org,\n")).await, due);
    }
}

#[tokio::test]
async fn dt7_the_first_delta_after_a_whole_walk_is_small() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..30 {
        crm.create_user(&format!("u{i}")).await;
        service.clock.advance(10);
    }
    service.clock.advance(120);
    let (mut cursor, mut next, mut seen) = (String::new(), String::new(), 0);
    loop {
        let page = crm.read(&format!("{USERS}?limit=7{cursor}")).await;
        seen += page["items"].as_array().unwrap().len();
        next.clear();
        next.push_str(page["next_updated_since"].as_str().unwrap());
        match page["next_cursor"].as_str() {
            Some(after) => cursor = format!("&cursor={after}"),
            None => break,
        }
    }
    assert_eq!(seen, 30);
    let delta = crm.read(&format!("{USERS}?limit=100&updated_since={next}")).await;
    // The last entry of the listing, at most: nothing has changed for minutes.
    assert!(delta["items"].as_array().unwrap().len() <= 1, "{next}");
    // A walk does not miss a user that changes meanwhile.
    let first = crm.read(&format!("{USERS}?limit=10")).await;
    let id = first["items"][0]["id"].as_str().unwrap();
    crm.patch(&format!("{USERS}/{id}"), json!({ "given_name": "An" })).if_match("*").await.is(200);
    let since = first["next_updated_since"].as_str().unwrap();
    let delta = crm.read(&format!("{USERS}?limit=100&updated_since={since}")).await;
    assert!(delta["items"].as_array().unwrap().iter().any(|user| user["id"] == id));
}
