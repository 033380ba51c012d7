//! A system that continues from `next_updated_since` misses no change, as long as the index is less
//! than a minute behind.

use serde_json::json;
use tests::{Service, person};

use super::{USERS, numbered, page, walk};

#[tokio::test]
async fn h7_the_next_poll_goes_on_from_the_last_change_but_not_from_the_last_minute() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let next = async |since: Option<&str>| page(&crm, since, 2, None).await.next;
    // Without changes the next start is a minute ago, or the caller's own start.
    assert_eq!(next(None).await, "2026-11-21T09:59:00.000Z");
    assert_eq!(next(Some("2026-11-20T00:00:00Z")).await, "2026-11-20T00:00:00.000Z");
    assert_eq!(next(Some("2026-11-21T10:00:00Z")).await, "2026-11-21T09:59:00.000Z");
    for i in 0..3 {
        numbered(&crm, i).await;
        service.clock.advance(10);
    }
    assert_eq!(next(Some("2026-11-21T10:00:00Z")).await, "2026-11-21T09:59:30.000Z");
    service.clock.advance(600);
    // A page in the middle says how far it came.
    assert_eq!(next(Some("2026-11-21T10:00:00Z")).await, "2026-11-21T10:00:10.000Z");
    let (_, last) = walk(&crm, Some("2026-11-21T10:00:00Z"), 2).await;
    assert_eq!(last, "2026-11-21T10:00:20.000Z");
}

#[tokio::test]
async fn h7_what_a_slow_reader_went_past_before_it_showed_is_told_by_the_next_poll() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let since = Some("2026-11-21T10:00:00Z");
    // Hidden for 50 seconds, while others show at once.
    service.faults.lag(&service.clock, 1, 50_000..50_001);
    let hidden = crm.create(USERS, person("hidden")).await;
    service.faults.lag(&service.clock, 1, 0..1);
    service.clock.advance(1);
    numbered(&crm, 1).await;
    numbered(&crm, 2).await;
    let first = page(&crm, since, 1, None).await;
    assert_eq!(first.items.len(), 1);
    service.clock.advance(300);
    let mut rest = page(&crm, since, 1, first.cursor.as_deref()).await;
    while let Some(cursor) = rest.cursor {
        rest = page(&crm, since, 1, Some(&cursor)).await;
    }
    // The first page had not seen the last minute before it, however late the last one is.
    assert_eq!(rest.next, "2026-11-21T09:59:01.000Z");
    let (items, _) = walk(&crm, Some(&rest.next), 10).await;
    assert!(items.iter().any(|item| item["id"] == json!(hidden.id)));
}

#[tokio::test]
async fn h7_who_was_on_a_page_of_the_first_walk_and_was_forgotten_during_it_is_told_by_the_next_poll()
 {
    let service = Service::start().await;
    let crm = service.crm().await;
    let gone = numbered(&crm, 1).await;
    service.clock.advance(1);
    numbered(&crm, 2).await;
    service.clock.advance(600);
    let first = page(&crm, None, 1, None).await;
    assert_eq!(first.names(), ["user1"]);
    service.clock.advance(60);
    crm.delete(&gone.path).await.is(204);
    service.clock.advance(60);
    numbered(&crm, 3).await;
    service.clock.advance(600);
    let crm = crm.with_token().await;
    let mut rest = page(&crm, None, 1, first.cursor.as_deref()).await;
    while let Some(cursor) = &rest.cursor {
        rest = page(&crm, None, 1, Some(cursor)).await;
    }
    let (later, _) = walk(&crm, Some(&rest.next), 10).await;
    assert!(
        later.contains(&json!({ "id": gone.id, "deleted_at": "2026-11-21T10:11:01.000Z" })),
        "{later:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn d7_an_erasure_that_was_interrupted_and_finished_hours_later_is_still_told() {
    for finished_by in ["the sweeper", "a repetition"] {
        let service = Service::start().await;
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        service.clock.advance(120);
        service.faults.cut("PutItem", &jan.id);
        crm.delete(&jan.path).await.is(503);
        service.faults.mend(&jan.id);
        let deleted_at = "2026-11-21T10:02:00.000Z";
        // A system that polls meanwhile passes the time of the erasure, which the listing does not
        // show yet.
        service.clock.advance(3600);
        let crm = crm.with_token().await;
        numbered(&crm, 1).await;
        service.clock.advance(3600);
        let crm = crm.with_token().await;
        let (items, next) = walk(&crm, Some("2026-11-21T10:00:00Z"), 10).await;
        assert_eq!(items.len(), 1, "{items:?}");
        assert!(*next > *deleted_at);
        service.clock.advance(3600);
        let crm = crm.with_token().await;
        if finished_by == "the sweeper" {
            assert_eq!(service.sweep().await.erasures, 1);
        } else {
            crm.delete(&jan.path).await.is(204);
        }
        let (items, _) = walk(&crm, Some(&next), 10).await;
        assert!(
            items.contains(&json!({ "id": jan.id, "deleted_at": deleted_at })),
            "{finished_by}: {items:?}"
        );
        service.check().await;
    }
}

/// The premise of these tests: an index that is more than a minute behind loses changes, and the
/// harness can hide changes.
#[tokio::test]
async fn h7_an_index_that_is_more_than_a_minute_behind_would_lose() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let since = "2026-11-21T10:00:00.000Z".to_owned();
    for (late, lost) in [(59_999, false), (90_000, true)] {
        service.faults.lag(&service.clock, 1, late..late + 1);
        let hidden = crm.create(USERS, json!({ "username": format!("late{late}") })).await;
        let told =
            |items: &[serde_json::Value]| items.iter().any(|item| item["id"] == json!(hidden.id));
        assert!(!told(&walk(&crm, Some(&since), 10).await.0), "what is hidden shows");
        let (mut found, mut next) = (false, since.clone());
        for _ in 0..20 {
            service.clock.advance(10);
            service.faults.lag(&service.clock, 1, 0..1);
            crm.create(USERS, json!({ "username": format!("u{}", service.clock.now().millis()) }))
                .await;
            let (items, after) = walk(&crm, Some(&next), 10).await;
            found |= told(&items);
            next = after;
        }
        assert_eq!(found, !lost, "{late} ms");
    }
}
