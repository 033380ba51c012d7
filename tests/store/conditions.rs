//! Each condition, as a write of its own and in a transaction.

use shared::domain::Version;
use shared::domain::versioned::Versioned;
use shared::store::{CommitError, Condition, Item, Key, Write};

use crate::{Store, in_the_way, item, refused};

/// The write alone, or with a companion in a transaction.
fn forms(store: &Store, write: &Write) -> [Vec<Write>; 2] {
    let companion = Item::at(&store.key(&store.user().to_string())).text("doc", "x");
    [vec![write.clone()], vec![write.clone(), Write::Put(companion, Condition::Absent)]]
}

async fn holds(store: &Store, write: Write) {
    for writes in forms(store, &write) {
        store.table.commit(writes).await.unwrap();
    }
}

async fn fails(store: &Store, write: Write) {
    for writes in forms(store, &write) {
        assert_eq!(refused(store.table.commit(writes).await), [0]);
    }
}

#[tokio::test]
async fn absent_holds_once_and_shows_what_is_there() {
    let store = Store::open().await;
    let key = store.key("a");
    let first = Versioned::first("one");
    store.table.commit(vec![Write::Put(item(&key, &first), Condition::Absent)]).await.unwrap();

    fails(&store, Write::Put(item(&key, &Versioned::first("two")), Condition::Absent)).await;
    for writes in
        forms(&store, &Write::Put(item(&key, &Versioned::first("two")), Condition::Absent))
    {
        let there = in_the_way(store.table.commit(writes).await).unwrap();
        assert_eq!(there.read::<String>().unwrap().value, "one");
    }
    assert_eq!(store.text(&key).await.as_deref(), Some("\"one\""));
}

#[tokio::test]
async fn d8_an_item_past_its_time_is_absent_removed_or_not() {
    let store = Store::open().await;
    let (key, lasting) = (store.key("a"), store.key("b"));
    let until = store.clock.now().plus_seconds(10);
    let put = |key: &Key, value: &'static str| {
        Write::Put(item(key, &Versioned::first(value)).expiring(until), Condition::Absent)
    };
    store.table.commit(vec![put(&key, "one")]).await.unwrap();
    store.table.commit(vec![put(&lasting, "one"), put(&store.key("c"), "one")]).await.unwrap();

    store.clock.advance(9);
    assert!(store.text(&key).await.is_some());
    fails(&store, put(&key, "two")).await;
    store.clock.advance(1);
    assert_eq!(store.text(&key).await, None);
    assert!(store.table.get_many(&[key.clone(), lasting]).await.unwrap().is_empty());
    assert!(
        store.table.query_all(key.pk(), shared::store::table::Range::All).await.unwrap().is_empty()
    );
    let later = store.clock.now().plus_seconds(10);
    let again = Item::at(&key).text("doc", "three").expiring(later);
    store.table.commit(vec![Write::Put(again, Condition::Absent)]).await.unwrap();
    assert_eq!(store.text(&key).await.as_deref(), Some("three"));
}

#[tokio::test]
async fn d2_a_version_holds_for_one_writer() {
    let store = Store::open().await;
    let key = store.key("a");
    let first = Versioned::first("one");
    let second = first.changed_to("two");
    store.table.commit(vec![Write::Put(item(&key, &first), Condition::Absent)]).await.unwrap();
    fails(&store, Write::Put(item(&key, &second), Condition::Version(second.version()))).await;
    store
        .table
        .commit(vec![Write::Put(item(&key, &second), Condition::Version(first.version()))])
        .await
        .unwrap();
    fails(&store, Write::Put(item(&key, &second), Condition::Version(first.version()))).await;
    fails(&store, Write::Delete(key.clone(), Condition::Version(first.version()))).await;
    fails(&store, Write::Put(item(&store.key("b"), &second), Condition::Version(first.version())))
        .await;

    let read = store.table.get(&key).await.unwrap().unwrap().read::<String>().unwrap();
    assert_eq!(
        (read.value.as_str(), read.version(), read.tag()),
        ("two", second.version(), second.tag())
    );
    store
        .table
        .commit(vec![Write::Delete(key.clone(), Condition::Version(second.version()))])
        .await
        .unwrap();
    assert_eq!(store.text(&key).await, None);
}

#[tokio::test]
async fn d6_unused_holds_until_the_definition_is_marked() {
    let store = Store::open().await;
    let key = store.key("a");
    let first = Versioned::first("one");
    let put = |condition| Write::Put(item(&key, &first), condition);
    store.table.commit(vec![put(Condition::Absent)]).await.unwrap();
    holds(&store, put(Condition::Unused(first.version()))).await;

    holds(&store, Write::MarkUsed(key.clone(), Version::FIRST)).await;
    assert!(store.table.get(&key).await.unwrap().unwrap().is_used());
    fails(&store, put(Condition::Unused(first.version()))).await;
    fails(&store, Write::Delete(key.clone(), Condition::Unused(first.version()))).await;
    holds(&store, put(Condition::Version(first.version()))).await;
}

#[tokio::test]
async fn d6_only_a_definition_that_exists_and_is_not_deprecated_is_marked() {
    let store = Store::open().await;
    let key = store.key("a");
    fails(&store, Write::MarkUsed(key.clone(), Version::FIRST)).await;
    assert!(store.table.get(&key).await.unwrap().is_none());
    let deprecated = item(&key, &Versioned::first("one")).marked("deprecated", true);
    store.table.commit(vec![Write::Put(deprecated, Condition::Absent)]).await.unwrap();
    fails(&store, Write::MarkUsed(key, Version::FIRST)).await;
}

#[tokio::test]
async fn an_owner_holds_for_what_is_its_own_or_nobodys() {
    let store = Store::open().await;
    let (key, own, other) = (store.key("a"), store.user(), store.user());
    let entry = |user: shared::domain::id::UserId| Item::at(&key).text("holder", user.to_string());
    holds(&store, Write::Put(entry(own), Condition::Owner(own))).await;
    fails(&store, Write::Put(entry(other), Condition::Owner(other))).await;
    fails(&store, Write::Delete(key.clone(), Condition::Owner(other))).await;
    fails(&store, Write::Check(key.clone(), Condition::Owner(other))).await;
    holds(&store, Write::Check(key.clone(), Condition::Owner(own))).await;
    holds(&store, Write::Delete(key.clone(), Condition::Owner(own))).await;
    holds(&store, Write::Delete(key, Condition::Owner(other))).await;
}

#[tokio::test]
async fn live_holds_for_a_user_and_not_for_its_tombstone() {
    let store = Store::open().await;
    let key = store.key("a");
    fails(&store, Write::Check(key.clone(), Condition::NotDeleted)).await;
    let first = Versioned::first("one");
    store.table.commit(vec![Write::Put(item(&key, &first), Condition::Absent)]).await.unwrap();
    holds(&store, Write::Check(key.clone(), Condition::NotDeleted)).await;
    let tombstone = Item::at(&key).text("deleted_at", "2026-11-21T10:00:00.000Z");
    store
        .table
        .commit(vec![Write::Put(tombstone, Condition::Version(first.version()))])
        .await
        .unwrap();
    fails(&store, Write::Check(key, Condition::NotDeleted)).await;
}

#[tokio::test]
async fn d1_a_users_own_item_is_put_by_the_pipeline_alone() {
    let store = Store::open().await;
    let key = Key::user(&store.tenant, store.user());
    let put = Write::Put(item(&key, &Versioned::first("one")), Condition::Absent);
    for writes in forms(&store, &put) {
        let refused = store.table.commit(writes).await;
        assert!(matches!(refused, Err(CommitError::Broken(_))), "{refused:?}");
    }
    assert!(store.table.get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn g34_a_counter_is_set_by_the_one_who_saw_its_count() {
    let store = Store::open().await;
    let key = store.key("a");
    let until = store.clock.now().plus_seconds(60);
    for _ in 0..2 {
        store.table.commit(vec![Write::Count(key.clone(), 2, until)]).await.unwrap();
    }
    let full = in_the_way(store.table.commit(vec![Write::Count(key.clone(), 2, until)]).await);
    assert!(full.is_some());
    let recount = |seen, count| Write::Recount {
        key: key.clone(),
        seen,
        count,
        next_at: store.clock.now(),
        until,
    };
    fails(&store, recount(1, 2)).await;
    store.table.commit(vec![recount(2, 3)]).await.unwrap();
    fails(&store, recount(2, 3)).await;
    store.table.commit(vec![recount(3, 1)]).await.unwrap();
    holds(&store, recount(1, 1)).await;
    store.table.commit(vec![Write::Count(key.clone(), 2, until)]).await.unwrap();
    fails(&store, recount(1, 2)).await;
}
