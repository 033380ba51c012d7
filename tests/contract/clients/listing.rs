//! `GET /config/clients`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Client, TENANT};

use super::{CLIENTS, administered, document, register};

async fn page(admin: &Client, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let page = admin.get(&format!("{CLIENTS}?limit=3{cursor}")).await.is(200).json();
    let ids = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["client_id"].as_str().unwrap().to_owned());
    (ids.collect(), page["next_cursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn h7_pages_visit_every_client_once_while_others_come_and_go() {
    let (_, admin) = administered().await;
    let mut steady = BTreeSet::from([admin.id.clone()]);
    for _ in 0..6 {
        steady.insert(register(&admin, json!({})).await.id);
    }
    let mut passing = register(&admin, json!({})).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let (ids, next) = page(&admin, cursor.as_deref()).await;
        assert!(!ids.is_empty() && (next.is_none() || ids.len() == 3));
        seen.extend(ids.into_iter().filter(|id| steady.contains(id)));
        admin.delete(&passing.path).await.is(204);
        passing = register(&admin, json!({})).await;
        pages += 1;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, steady.into_iter().collect::<Vec<_>>(), "in the order of the ids");
    assert!(pages >= 3);
}

#[tokio::test]
async fn h7_the_last_page_has_no_cursor_and_a_cursor_is_its_clients_own() {
    let (service, admin) = administered().await;
    for _ in 0..5 {
        register(&admin, json!({})).await;
    }
    let (first, cursor) = page(&admin, None).await;
    let (second, end) = page(&admin, cursor.as_deref()).await;
    assert_eq!((first.len(), second.len(), end), (3, 3, None), "six clients are two pages");
    let other = service.client(TENANT, "administrator").await;
    let path = format!("{CLIENTS}?cursor={}", cursor.unwrap());
    other.get(&path).await.is(400);
    admin.get(&format!("{path}x")).await.is(400);
    for query in ["limit=0", "limit=101", "limit=x", "name=x"] {
        admin.get(&format!("{CLIENTS}?{query}")).await.is(400);
    }
}

#[tokio::test]
async fn s1_a_page_ends_early_rather_than_grow_past_its_size() {
    let (service, admin) = administered().await;
    // Clients as large as the rules allow are near 25 KB; the table holds them all the same if they
    // are larger.
    let made = document(json!({ "audience": ["x".repeat(512)] }));
    let mut large = super::register(&admin, made).await.stored(&service).await.value;
    large.audience = vec!["x".repeat(300_000)];
    let mut due = 2;
    for i in 0..9_u8 {
        large.client_id = shared::domain::id::ClientId::new(&TENANT.parse().unwrap(), [i; 16]);
        service.table.create_client(&large).await.unwrap();
        due += 1;
    }
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let answer = admin.get(&format!("{CLIENTS}?limit=100{cursor}")).await.is(200);
        assert!(answer.body.len() < 2_600_000);
        let page: Value = answer.json();
        seen += page["items"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, due);
    assert!(!cursor.is_empty());
}
