//! `GET /identity/audit`: the audit of a tenant (rule AU-10).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Client, Service, TENANT, person};

use super::USERS;

/// All pages of a search.
async fn all(client: &Client, query: &str, limit: usize) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.read(&format!("/identity/audit?limit={limit}{query}{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        found.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// What tells entries apart.
fn names(items: &[Value]) -> Vec<String> {
    let name = |item: &Value| {
        let of = item.get("user_id").or(item.get("chain")).unwrap();
        format!("{} {}", of.as_str().unwrap(), item["sequence"])
    };
    items.iter().map(name).collect()
}

fn assert_ordered(items: &[Value]) {
    let times: Vec<_> = items.iter().map(|item| item["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let distinct: BTreeSet<_> = names(items).into_iter().collect();
    assert_eq!(distinct.len(), items.len(), "an entry comes twice");
}

#[tokio::test]
async fn au10_a_search_finds_all_entries_newest_first_whatever_the_pages_are() {
    let service = Service::start().await;
    let (crm, other) = (service.crm().await, service.crm().await);
    let auditor = service.client(TENANT, "audit:read").await;
    let mut due = Vec::new();
    for n in 0..30 {
        let writer = if n % 3 == 0 { &other } else { &crm };
        let user = writer.create(USERS, json!({ "username": format!("u{n}") })).await;
        due.push((writer.id.clone(), format!("{} 1", user.id)));
        if n % 5 == 0 {
            writer.act(&user.below("block")).await.is(200);
            due.push((writer.id.clone(), format!("{} 2", user.id)));
        }
        if n % 4 == 0 {
            service.clock.advance(1);
        }
    }
    crm.define("note", json!({})).await;
    for client in [&crm, &other] {
        let wanted: BTreeSet<_> =
            due.iter().filter(|(id, _)| *id == client.id).map(|(_, name)| name.clone()).collect();
        for limit in [1, 3, 7, 100] {
            let found = all(&auditor, &format!("&actor={}", client.id), limit).await;
            assert_ordered(&found);
            let users: BTreeSet<_> =
                names(&found).into_iter().filter(|name| !name.starts_with("C ")).collect();
            assert_eq!(users, wanted, "{limit}");
        }
    }
    let found = all(&auditor, "&operation=config.create", 100).await;
    assert!(!found.is_empty() && found.iter().all(|item| item["chain"] == "C"), "{found:?}");
    let blocks = all(&auditor, "&operation=user.block", 2).await;
    assert_eq!(blocks.len(), 6);
    let whole: BTreeSet<_> = names(&all(&auditor, "", 9).await).into_iter().collect();
    assert!(due.iter().all(|(_, name)| whole.contains(name)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au10_pages_do_not_overlap_while_others_write() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let auditor = service.client(TENANT, "audit:read").await;
    let mut before = BTreeSet::new();
    for n in 0..20 {
        let user = crm.create(USERS, json!({ "username": format!("b{n}") })).await;
        before.insert(format!("{} 1", user.id));
        service.clock.advance(1);
    }
    let writers = (0..4).map(|w| {
        let crm = crm.on(&service.instance());
        tokio::spawn(async move {
            for n in 0..15 {
                crm.create(USERS, json!({ "username": format!("w{w}.{n}") })).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for limit in [1, 4, 100] {
        let found = all(&auditor, &format!("&actor={}", crm.id), limit).await;
        assert_ordered(&found);
        let found: BTreeSet<_> = names(&found).into_iter().collect();
        assert!(before.is_subset(&found), "{limit}: an acknowledged entry is missing");
    }
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let found = all(&auditor, &format!("&actor={}", crm.id), 10).await;
    assert_ordered(&found);
    assert_eq!(found.iter().filter(|item| item.get("user_id").is_some()).count(), 80);
}

#[tokio::test]
async fn au10_a_search_covers_the_last_day_or_the_days_that_it_names() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let crm = crm.clone().with_token().await;
        ids.push(crm.create(USERS, json!({ "username": format!("u{n}") })).await.id);
        service.clock.advance(20 * 3600);
    }
    let auditor = service.client(TENANT, "audit:read").await;
    let users = async |query: &str| -> Vec<String> {
        let found = all(&auditor, &format!("&operation=user.create{query}"), 2).await;
        found.iter().map(|item| item["user_id"].as_str().unwrap().to_owned()).collect()
    };
    let newest = |n: usize| ids.iter().rev().take(n).cloned().collect::<Vec<_>>();
    assert_eq!(users("").await, newest(1), "the last 24 hours");
    assert_eq!(users("&from=2026-11-21T00:00:00Z").await, newest(4));
    assert_eq!(users("&from=2026-11-21T10:00:00.000Z&to=2026-11-22T06:00:00Z").await, {
        ids[..2].iter().rev().cloned().collect::<Vec<_>>()
    });
    assert_eq!(users("&from=2026-11-21T10:00:00.001Z&to=2026-11-22T05:59:59Z").await, newest(0));
}

#[tokio::test]
async fn au10_forgotten_users_are_left_out_and_their_forgets_are_told() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let auditor = service.client(TENANT, "audit:read").await;
    let jan = crm.create(USERS, person("jan")).await;
    let els = crm.create(USERS, person("els")).await;
    crm.delete(&jan.path).await.is(204);
    let found = all(&auditor, "", 3).await;
    let of_jan: Vec<_> = found.iter().filter(|item| item["user_id"] == json!(jan.id)).collect();
    assert!(of_jan.is_empty(), "{of_jan:?}");
    assert!(found.iter().any(|item| item["user_id"] == json!(els.id)));
    let forgets = all(&auditor, "&operation=user.forget", 3).await;
    assert_eq!(forgets.len(), 1);
    assert_eq!(forgets[0]["target"], json!(jan.id));
    assert!(forgets[0]["chain"].as_str().unwrap().starts_with('F'));
}

#[tokio::test]
async fn au10_a_forget_that_is_under_way_hides_its_entries_at_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let auditor = service.client(TENANT, "audit:read").await;
    let jan = crm.create(USERS, person("jan")).await;
    let read = async || all(&auditor, "&operation=user.create", 10).await;
    let of_jan = |found: &[Value]| found.iter().any(|item| item["user_id"] == json!(jan.id));
    assert!(of_jan(&read().await));
    // The tombstone is written, and the entries are not taken away.
    service.faults.reset();
    service.faults.cut("Query", &jan.id);
    crm.delete(&jan.path).await.is(503);
    assert!(!of_jan(&read().await));
    service.faults.mend(&jan.id);
    crm.delete(&jan.path).await.is(204);
    assert!(!of_jan(&read().await));
}

#[tokio::test]
async fn au10_without_the_index_a_search_shows_the_ledger_alone() {
    let service = Service::start().await;
    service.set_audit(json!({ "search": false })).await;
    service.clock.advance(31);
    let crm = service.crm().await;
    crm.create(USERS, person("jan")).await;
    let auditor = service.client(TENANT, "audit:read").await;
    let found = all(&auditor, "", 10).await;
    assert!(!found.is_empty() && found.iter().all(|item| item.get("chain").is_some()), "{found:?}");
}
