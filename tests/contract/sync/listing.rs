//! The list by itself: order, pages, cursors, limits and cost.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Service, TENANT, person};

use super::{USERS, numbered, page, walk};

#[tokio::test]
async fn h7_users_come_in_the_order_of_their_last_change_as_whole_profiles() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut made = Vec::new();
    for i in 0..40 {
        made.push(numbered(&crm, i).await);
        service.clock.advance(1);
    }
    crm.patch(&made[3].path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    let (items, _) = walk(&crm, None, 7).await;
    let due: Vec<_> = (0..40).filter(|i| *i != 3).chain([3]).map(|i| format!("user{i}")).collect();
    let names: Vec<_> = items.iter().map(|item| item["username"].as_str().unwrap()).collect();
    assert_eq!(names, due);
    assert_eq!(items[39], crm.read(&made[3].path).await);
    // From a time on, that time included; whatever its offset.
    for since in ["2026-11-21T10:00:38.000Z", "2026-11-21T11:00:38+01:00"] {
        let names = page(&crm, Some(since), 100, None).await;
        assert_eq!(names.names(), ["user38", "user39", "user3"], "{since}");
    }
    assert_eq!(
        page(&crm, Some("2026-11-21T10:00:38.001Z"), 100, None).await.names(),
        ["user39", "user3"]
    );
}

#[tokio::test]
async fn h7_following_the_cursors_visits_every_unchanged_user_once_while_others_come_change_and_go()
{
    for since in [None, Some("2000-01-01T00:00:00Z")] {
        let crm = Service::start().await.crm().await;
        let stay: BTreeSet<_> = (0..60).map(|i| format!("user{i}")).collect();
        for i in 0..60 {
            numbered(&crm, i).await;
        }
        let mut go = Vec::new();
        for i in 60..90 {
            go.push(numbered(&crm, i).await);
        }
        let (mut visited, mut cursor, mut turn) = (Vec::new(), None, 0);
        loop {
            let page = page(&crm, since, 5, cursor.as_deref()).await;
            visited.extend(page.names().into_iter().map(str::to_owned));
            assert!(
                since.is_some() || !page.names().contains(&"-"),
                "a tombstone that nobody asked for"
            );
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
            turn += 1;
            numbered(&crm, 100 + turn).await;
            if let Some(user) = go.pop() {
                if turn % 2 == 0 {
                    crm.delete(&user.path).await.is(204);
                } else {
                    crm.patch(&user.path, json!({ "given_name": "Jan" }))
                        .if_match("*")
                        .await
                        .is(200);
                }
            }
        }
        for name in &stay {
            assert_eq!(visited.iter().filter(|visited| *visited == name).count(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn h7_a_cursor_is_bound_to_tenant_client_and_time_and_stays_short() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..100 {
        numbered(&crm, i).await;
    }
    let since = "2026-11-21T09:00:00.000Z";
    let cursor = page(&crm, Some(since), 90, None).await.cursor.unwrap();
    assert!(cursor.len() < 2048, "{} characters", cursor.len());
    let path = |rest: &str| format!("{USERS}?cursor={cursor}{rest}");
    let good = format!("&updated_since={since}");
    crm.get(&path(&good)).await.is(200);
    // The same time in other words, and another size of page.
    crm.get(&path("&updated_since=2026-11-21T10:00:00%2B01:00&limit=3")).await.is(200);
    crm.on(&service.instance()).with_token().await.get(&path(&good)).await.is(200);
    for other in ["", "&updated_since=2026-11-21T09:00:00.001Z"] {
        assert_eq!(crm.get(&path(other)).await.is(400).slug(), "malformed-request");
    }
    service.client(TENANT, "users:read").await.get(&path(&good)).await.is(400);
    service.create_tenant("globex").await;
    let stranger = service.client("globex", "users:read").await;
    stranger.get(&path(&good)).await.is(400);
    // D5: what another tenant lists is its own.
    assert!(page(&stranger, Some(since), 100, None).await.items.is_empty());
    for wrong in ["yesterday", "2026-11-21", "2026-11-21T10:00:00", "1795255200"] {
        assert_eq!(
            crm.get(&format!("{USERS}?updated_since={wrong}")).await.is(400).slug(),
            "malformed-request"
        );
    }
    for wrong in ["limit=0", "limit=101", "limit=x", "cursor=AAAA", "since=x"] {
        crm.get(&format!("{USERS}?{wrong}")).await.is(400);
    }
    service.client(TENANT, "users:write").await.get(USERS).await.is(403);
}

#[tokio::test]
async fn d4_a_page_shows_everybody_as_they_are_now() {
    let service = Service::start().await;
    service.faults.lag(&service.clock, 1, 30_000..30_001);
    let crm = service.crm().await;
    let (jan, els) =
        (crm.create(USERS, person("jan")).await, crm.create(USERS, person("els")).await);
    service.clock.advance(30);
    crm.patch(&jan.path, json!({ "given_name": "Johannes" })).if_match("*").await.is(200);
    crm.delete(&els.path).await.is(204);
    // The index shows both as they were.
    let (items, _) = walk(&crm, Some("2026-11-21T10:00:00Z"), 10).await;
    let jan_now = crm.read(&jan.path).await;
    let due: BTreeSet<_> =
        [&jan_now, &json!({ "id": els.id, "deleted_at": "2026-11-21T10:00:30.000Z" })]
            .map(Value::to_string)
            .into();
    assert_eq!(items.iter().map(Value::to_string).collect::<BTreeSet<_>>(), due);
    assert_eq!(walk(&crm, None, 10).await.0, [jan_now]);
}

#[tokio::test]
async fn s1_a_page_ends_early_rather_than_grow_past_its_bytes() {
    let crm = Service::start().await.crm().await;
    crm.define("note", json!({})).await;
    let mut due = BTreeSet::new();
    for i in 0..16 {
        let values: Vec<_> = (0..12).map(|i| format!("{i}{}", "x".repeat(16_000))).collect();
        let body = json!({
            "username": format!("large{i}"), "attributes": { "common": { "note": values } }
        });
        due.insert(crm.create(USERS, body).await.id);
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let path = cursor.map_or(format!("{USERS}?limit=100"), |cursor| {
            format!("{USERS}?limit=100&cursor={cursor}")
        });
        let answer = crm.get(&path).await.is(200);
        assert!(answer.body.len() < 4 * 1024 * 1024);
        pages += 1;
        let json = answer.json();
        seen.extend(
            json["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        match json["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert!(pages > 1);
    assert_eq!(seen.len(), 16);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), due);
}

#[tokio::test]
async fn h7_a_page_before_the_last_is_not_empty_however_many_were_forgotten() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..150 {
        let user = numbered(&crm, i).await;
        crm.delete(&user.path).await.is(204);
    }
    numbered(&crm, 200).await;
    service.clock.advance(1);
    numbered(&crm, 201).await;
    let first = page(&crm, None, 1, None).await;
    assert_eq!(first.names(), ["user200"]);
    assert_eq!(page(&crm, None, 1, first.cursor.as_deref()).await.names(), ["user201"]);
    let (with, _) = walk(&crm, Some("2026-11-21T10:00:00Z"), 100).await;
    assert_eq!(with.len(), 152);
}

#[tokio::test]
async fn d8_a_tombstone_is_told_for_90_days() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let user = numbered(&crm, 1).await;
    crm.delete(&user.path).await.is(204);
    let since = Some("2026-11-21T10:00:00Z");
    service.clock.advance(90 * 24 * 3600 - 1);
    let crm = crm.with_token().await;
    let tombstone = json!({ "id": user.id, "deleted_at": "2026-11-21T10:00:00.001Z" });
    assert_eq!(walk(&crm, since, 10).await.0, [tombstone]);
    service.clock.advance(1);
    assert!(walk(&crm.with_token().await, since, 10).await.0.is_empty());
}

#[tokio::test]
async fn a_page_costs_half_a_unit_for_each_shard_and_one_for_each_user() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..120 {
        numbered(&crm, i).await;
        service.clock.advance(1);
    }
    let first = async || crm.get(&format!("{USERS}?limit=50")).await.is(200);
    first().await;
    let first = first().await;
    assert_eq!(first.cost(), (8.0 + 50.0, 0.0, 0.0));
    let cursor = first.field("next_cursor");
    let second = crm.get(&format!("{USERS}?limit=50&cursor={cursor}")).await.is(200);
    assert_eq!(second.cost(), (8.0 + 50.0, 0.0, 0.0));
    let nothing = crm.get(&format!("{USERS}?updated_since=2026-11-21T10:02:00Z")).await.is(200);
    assert_eq!(nothing.cost(), (8.0, 0.0, 0.0));
}

#[tokio::test]
async fn a_first_walk_reads_no_tombstones() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for i in 0..5 {
        numbered(&crm, i).await;
    }
    for i in 5..65 {
        let user = numbered(&crm, i).await;
        crm.delete(&user.path).await.is(204);
    }
    numbered(&crm, 65).await;
    // The index of 16 shards, at half a unit an answer, and the users themselves.
    let whole = crm.get(&format!("{USERS}?limit=100")).await.is(200);
    assert_eq!(whole.json()["items"].as_array().unwrap().len(), 6);
    assert!(whole.cost().0 <= 6.0 + 16.0, "{}", whole.cost().0);
    // Page by page as well, and what was skipped is not read again.
    let (items, _) = walk(&crm, None, 2).await;
    assert_eq!(items.len(), 6);
    let (items, _) = walk(&crm, Some("2000-01-01T00:00:00Z"), 7).await;
    assert_eq!(items.iter().filter(|item| item.get("deleted_at").is_some()).count(), 60);
}
