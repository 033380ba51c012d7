//! Cursors of queries (rule H7), whatever leads to the users.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Client, Service, TENANT};

use super::{QUERY, USERS, text};

/// Filters that all find the same people, in different ways.
const FILTERS: [&str; 6] = [
    "family_name eq \"Janssen\"",
    "family_name sw \"ja\"",
    "attributes.common.alias sw \"al\"",
    "attributes.common.alias sw \"alias 1\" or family_name eq \"janssen\" or \
     attributes.common.alias sw \"al\" or given_name sw \"ja\"",
    "family_name co \"nss\"",
    "not (family_name ne \"janssen\") and updated_at pr",
];

fn body(username: &str) -> Value {
    json!({
        "username": username, "family_name": "Janssen", "given_name": "Jan",
        "attributes": {
            "common": { "alias": ["alias 1", "alias 2", "alias 1#x", format!("al{username}")] }
        },
    })
}

async fn page(crm: &Client, filter: &str, cursor: &Value) -> (Vec<String>, Value) {
    let answer = crm.post(QUERY, json!({ "filter": filter, "limit": 3, "cursor": cursor })).await;
    assert_eq!(answer.code(), 200, "{filter}: {}", answer.text());
    let answer = answer.json();
    let names =
        answer["items"].as_array().unwrap().iter().map(|user| text(user, "username")).collect();
    (names, answer.get("next_cursor").cloned().unwrap_or_default())
}

#[tokio::test]
async fn h7_every_unchanged_user_comes_once_while_others_are_inserted_and_deleted() {
    for filter in FILTERS {
        let crm = Service::start().await.crm().await;
        crm.define("alias", json!({ "search": "prefix" })).await;
        let stay: BTreeSet<_> = (0..12).map(|i| format!("stay{i}")).collect();
        let mut go = Vec::new();
        for i in 0..12 {
            crm.create(USERS, body(&format!("stay{i}"))).await;
            go.push(crm.create(USERS, body(&format!("go{i}"))).await);
        }
        crm.create(USERS, json!({ "username": "other", "family_name": "Peeters" })).await;
        let (mut visited, mut cursor) = page(&crm, filter, &Value::Null).await;
        for turn in 0.. {
            if cursor.is_null() {
                break;
            }
            crm.create(USERS, body(&format!("new{turn}"))).await;
            if let Some(gone) = go.pop() {
                crm.delete(&gone.path).await.is(204);
            }
            let (names, next) = page(&crm, filter, &cursor).await;
            visited.extend(names);
            cursor = next;
        }
        let seen: BTreeSet<_> = visited.iter().cloned().collect();
        assert_eq!(seen.len(), visited.len(), "somebody comes twice: {filter}");
        assert!(seen.is_superset(&stay), "{filter}");
        assert!(!seen.contains("other"), "{filter}");
    }
}

#[tokio::test]
async fn h7_a_cursor_is_good_for_one_client_and_one_filter_and_as_it_is() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("alias", json!({ "search": "prefix" })).await;
    for i in 0..8 {
        crm.create(USERS, body(&format!("jan{i}"))).await;
    }
    let other = service.client(TENANT, "users:read").await;
    service.create_tenant("globex").await;
    let stranger = service.client("globex", "users:read").await;
    for filter in [
        "family_name sw \"ja\"",
        "family_name co \"ja\"",
        "family_name eq \"janssen\" or given_name eq \"jan\"",
    ] {
        let (_, cursor) = page(&crm, filter, &Value::Null).await;
        let with = |filter: &str, cursor: &str| json!({ "filter": filter, "cursor": cursor });
        let cursor = cursor.as_str().unwrap();
        for asking in [&other, &stranger] {
            assert_eq!(
                asking.post(QUERY, with(filter, cursor)).await.is(400).slug(),
                "malformed-request"
            );
        }
        for another in FILTERS.into_iter().filter(|another| *another != filter) {
            crm.post(QUERY, with(another, cursor)).await.is(400);
        }
        for i in (0..cursor.len()).step_by(17) {
            let mut forged = cursor.as_bytes().to_vec();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            crm.post(QUERY, with(filter, &String::from_utf8(forged).unwrap())).await.is(400);
        }
        crm.on(&service.instance()).post(QUERY, with(filter, cursor)).await.is(200);
    }
}

#[tokio::test]
async fn h7_a_cursor_ends_with_the_plan_that_it_was_made_for() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({})).await;
    for i in 0..6 {
        crm.create(
            USERS,
            json!({
                "username": format!("u{i}"), "family_name": "Janssen",
                "personas": [{ "name": "employee" }]
            }),
        )
        .await;
    }
    let filter = "personas[name eq \"employee\" or name eq \"guest\"]";
    let (_, cursor) = page(&crm, filter, &Value::Null).await;
    assert_eq!(page(&crm, filter, &cursor).await.0.len(), 3);
    crm.define_persona("guest", json!({})).await;
    let elsewhere = crm.on(&service.instance());
    let refused =
        elsewhere.post(QUERY, json!({ "filter": filter, "cursor": cursor })).await.is(400);
    assert_eq!(refused.slug(), "malformed-request");
    assert!(refused.field("detail").contains("start from the first page"));
}

#[tokio::test]
async fn s1_a_page_ends_before_it_grows_too_large_and_the_next_goes_on() {
    let crm = Service::start().await.crm().await;
    crm.define("note", json!({})).await;
    let note: Vec<_> = (0..11).map(|i| format!("{i}{}", "x".repeat(16_000))).collect();
    for i in 0..20 {
        let attributes = json!({ "common": { "note": note } });
        crm.create(
            USERS,
            json!({
                "username": format!("u{i}"), "family_name": "Janssen", "attributes": attributes
            }),
        )
        .await;
    }
    for filter in ["family_name eq \"janssen\"", "family_name sw \"ja\"", "family_name co \"ans\""]
    {
        let first = crm.post(QUERY, json!({ "filter": filter, "limit": 100 })).await.is(200);
        assert!(first.body.len() < 4_000_000, "{} bytes", first.body.len());
        assert!(first.json()["items"].as_array().unwrap().len() < 20);
        let all = super::follow(&crm, &json!(filter), || 100).await;
        let ids: BTreeSet<_> = all.iter().map(|user| text(user, "id")).collect();
        assert_eq!((ids.len(), all.len()), (20, 20), "{filter}");
    }
}
