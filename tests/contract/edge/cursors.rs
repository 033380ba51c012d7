//! Pages and cursors (rule H7).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona;
use tests::{Client, Service, TENANT};

const QUERY: &str = "/identity/users/query";

async fn page(crm: &Client, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let mut body = json!({ "filter": { "family_name": "Janssen" }, "limit": 3 });
    if let Some(cursor) = cursor {
        body["cursor"] = json!(cursor);
    }
    let answer = crm.post(QUERY, body).await.is(200).json();
    let names = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned());
    (names.collect(), answer["next_cursor"].as_str().map(str::to_owned))
}

async fn janssens(crm: &Client, names: impl IntoIterator<Item = String>) -> Vec<tests::Resource> {
    let mut made = Vec::new();
    for username in names {
        made.push(
            crm.create(
                "/identity/users",
                json!({ "username": username, "family_name": "Janssen" }),
            )
            .await,
        );
    }
    made
}

#[tokio::test]
async fn h7_following_the_cursors_visits_every_unchanged_item_once_while_others_come_and_go() {
    let crm = Service::start().await.crm().await;
    let stay: BTreeSet<_> = (0..10).map(|i| format!("stay{i}")).collect();
    janssens(&crm, stay.iter().cloned()).await;
    let mut go = janssens(&crm, (0..5).map(|i| format!("go{i}"))).await;

    let (mut visited, mut cursor) = page(&crm, None).await;
    for turn in 0.. {
        let Some(next) = cursor else { break };
        janssens(&crm, [format!("new{turn}")]).await;
        if let Some(gone) = go.pop() {
            crm.delete(&gone.path).await.is(204);
        }
        let (names, after) = page(&crm, Some(&next)).await;
        assert!(names.len() <= 3);
        assert!(!names.is_empty() || after.is_none(), "a page before the last is empty");
        visited.extend(names);
        cursor = after;
    }

    let seen: BTreeSet<_> = visited.iter().cloned().collect();
    assert_eq!(seen.len(), visited.len(), "something was visited twice");
    assert!(seen.is_superset(&stay));
}

#[tokio::test]
async fn h7_a_cursor_is_bound_to_tenant_client_and_filter() {
    let service = Service::start().await;
    let crm = service.crm().await;
    janssens(&crm, (0..4).map(|i| format!("jan{i}"))).await;
    let (_, cursor) = page(&crm, None).await;
    let cursor = cursor.unwrap();
    let body = |filter: Value| json!({ "filter": filter, "cursor": cursor });
    let janssen = json!({ "family_name": "Janssen" });

    let other = service.client(TENANT, "users:read").await;
    assert_eq!(other.post(QUERY, body(janssen.clone())).await.is(400).slug(), "malformed-request");
    service.create_tenant("globex").await;
    let stranger = service.client("globex", "users:read").await;
    stranger.post(QUERY, body(janssen.clone())).await.is(400);
    crm.post(QUERY, body(json!({ "family_name": "Peeters" }))).await.is(400);
    crm.get(&format!("/config/persona-definitions?cursor={cursor}")).await.is(400);
    // The same client's cursor is good at another instance, and with a new token.
    let elsewhere = crm.on(&service.instance()).with_token().await;
    elsewhere.post(QUERY, body(janssen)).await.is(200);
}

#[tokio::test]
async fn h7_a_cursor_that_was_tampered_with_is_malformed() {
    let crm = Service::start().await.crm().await;
    janssens(&crm, (0..4).map(|i| format!("jan{i}"))).await;
    let cursor = page(&crm, None).await.1.unwrap();
    assert!(!cursor.contains("janssen"));

    for i in (0..cursor.len()).step_by(5) {
        let mut forged = cursor.clone().into_bytes();
        forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let body = json!({ "filter": { "family_name": "Janssen" }, "cursor": forged });
        crm.post(QUERY, body).await.is(400);
    }
    for wrong in ["x", "AAAA", &cursor[1..], &format!("{cursor}A")] {
        crm.post(QUERY, json!({ "filter": { "family_name": "Janssen" }, "cursor": wrong }))
            .await
            .is(400);
    }
}

#[tokio::test]
async fn h7_lists_of_definitions_are_paged_too() {
    let crm = Service::start().await.crm().await;
    let mut due: Vec<_> = BuiltInPersona::ALL.map(|persona| persona.id().to_string()).into();
    for i in 0..5 {
        due.push(crm.define_persona(&format!("persona{i}"), json!({})).await.id);
    }
    let mut found = Vec::new();
    let mut path = "/config/persona-definitions?limit=2".to_owned();
    loop {
        let answer = crm.get(&path).await.is(200).json();
        found.extend(
            answer["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = answer["next_cursor"].as_str() else { break };
        path = format!("/config/persona-definitions?limit=2&cursor={next}");
    }
    // Ids of one millisecond come in any order, and each once.
    found.sort();
    due.sort();
    assert_eq!(found, due);
}

#[tokio::test]
async fn s1_a_page_has_no_more_members_than_asked_for() {
    let crm = Service::start().await.crm().await;
    for i in 0..7 {
        let body =
            json!({ "username": format!("jan{i}"), "preferred_email": "family@example.org" });
        crm.create("/identity/users", body).await;
    }
    let mut visited = BTreeSet::new();
    let mut body = json!({ "filter": { "preferred_email": "family@example.org" }, "limit": 3 });
    loop {
        let answer = crm.post(QUERY, body.clone()).await.is(200).json();
        let items = answer["items"].as_array().unwrap();
        assert!(items.len() <= 3, "{} members", items.len());
        visited.extend(items.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        match answer.get("next_cursor") {
            Some(next) => body["cursor"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(visited.len(), 7);
    for wrong in [json!(0), json!(101), json!("x"), json!(1.5)] {
        let refused = crm
            .post(QUERY, json!({ "filter": { "username": "jan0" }, "limit": wrong }))
            .await
            .is(422);
        assert!(refused.violations()[0].starts_with("/limit wrong-"), "{wrong}");
        assert!(refused.text().contains("100"));
    }
}
