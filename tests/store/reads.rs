//! Reads: many at once, and pages of a partition.

use shared::store::table::Range;
use shared::store::{Condition, Item, Key, Write};

use crate::Store;

async fn fill(store: &Store, pk: &str, count: usize, size: usize) -> Vec<Key> {
    let keys: Vec<_> = (0..count)
        .map(|i| Key::stored(pk, &format!("{}#{i:03}", if i % 2 == 0 { "even" } else { "odd" })))
        .collect();
    for some in keys.chunks(25) {
        let put =
            |key: &Key| Write::Put(Item::at(key).text("doc", "x".repeat(size)), Condition::Absent);
        store.table.commit(some.iter().map(put).collect()).await.unwrap();
    }
    keys
}

#[tokio::test]
async fn more_than_a_hundred_items_are_read_and_absent_ones_left_out() {
    let store = Store::open().await;
    let mut keys = fill(&store, "T#acme#test", 230, 10).await;
    keys.insert(117, store.key("absent"));
    let mut found: Vec<_> =
        store.table.get_many(&keys).await.unwrap().iter().map(Item::key).collect();
    keys.remove(117);
    found.sort();
    keys.sort();
    assert_eq!(found, keys);
    assert!(store.table.get_many(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let store = Store::open().await;
    let mut keys = fill(&store, "T#acme#test", 50, 10).await;
    keys.sort();
    let mut visited = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page =
            store.table.query("T#acme#test", Range::All, after.as_deref(), Some(7)).await.unwrap();
        assert!(page.items.len() <= 7);
        visited.extend(page.items.iter().map(Item::key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(visited, keys);
}

#[tokio::test]
async fn a_partition_of_more_than_a_megabyte_is_read_whole() {
    let store = Store::open().await;
    let keys = fill(&store, "T#acme#test", 40, 40_000).await;
    let found = store.table.query_all("T#acme#test", Range::All).await.unwrap();
    assert_eq!(found.len(), keys.len());
}

#[tokio::test]
async fn a_range_starts_as_asked_and_stays_in_its_partition() {
    let store = Store::open().await;
    fill(&store, "T#acme#test", 20, 10).await;
    fill(&store, "T#acme#test2", 20, 10).await;
    let odd = store.table.query_all("T#acme#test", Range::StartsWith("odd#")).await.unwrap();
    assert_eq!(odd.len(), 10);
    assert!(
        odd.iter()
            .all(|item| item.key().sk().starts_with("odd#") && item.key().pk() == "T#acme#test")
    );
    assert!(
        store.table.query_all("T#acme#test", Range::StartsWith("none")).await.unwrap().is_empty()
    );
}
