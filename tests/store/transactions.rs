//! Several writes as one: all or none, and which conditions failed.

use shared::domain::versioned::Versioned;
use shared::store::{Condition, Item, Write};

use crate::{Store, item, refused};

#[tokio::test]
async fn all_of_a_commit_happens_or_nothing_of_it() {
    let store = Store::open().await;
    let keys: Vec<_> = (0..5).map(|i| store.key(&format!("k{i}"))).collect();
    let put = |i: usize, value: &'static str| {
        Write::Put(Item::at(&keys[i]).text("doc", value), Condition::Absent)
    };
    store.table.commit(vec![put(3, "old")]).await.unwrap();

    let writes = (0..5).map(|i| put(i, "new")).collect();
    assert_eq!(refused(store.table.commit(writes).await), [3]);
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(store.text(key).await.as_deref(), (i == 3).then_some("old"));
    }
    let writes = [0, 1, 2, 4].map(|i| put(i, "new")).to_vec();
    store.table.commit(writes).await.unwrap();
    let mut there = store.table.get_many(&keys).await.unwrap();
    there.sort_by_key(Item::key);
    assert_eq!(
        there.iter().filter_map(|item| item.get_text("doc")).collect::<Vec<_>>(),
        ["new", "new", "new", "old", "new"]
    );
}

#[tokio::test]
async fn every_condition_that_failed_is_named_with_what_stood_in_its_way() {
    let store = Store::open().await;
    let (a, b, c) = (store.key("a"), store.key("b"), store.key("c"));
    let (one, other) = (store.user(), store.user());
    let held = |key| Item::at(key).text("holder", one.to_string());
    store
        .table
        .commit(vec![
            Write::Put(held(&a), Condition::Absent),
            Write::Put(held(&c), Condition::Absent),
        ])
        .await
        .unwrap();

    let writes = vec![
        Write::Put(held(&a), Condition::Absent),
        Write::Put(held(&b), Condition::Absent),
        Write::Delete(c.clone(), Condition::Owner(other)),
    ];
    let failed = match store.table.commit(writes).await {
        Err(shared::store::CommitError::Conditions(failed)) => failed,
        other => panic!("{other:?}"),
    };
    let named: Vec<_> = failed
        .iter()
        .map(|(i, item)| (*i, item.as_ref().and_then(|item| item.get_text("holder"))))
        .collect();
    let holder = one.to_string();
    assert_eq!(named, [(0, Some(holder.as_str())), (2, Some(holder.as_str()))]);
    assert!(store.table.get(&b).await.unwrap().is_none());
}

#[tokio::test]
async fn a_hundred_writes_are_one() {
    let store = Store::open().await;
    let writes = |n: usize| {
        (0..n).map(|i| {
            Write::Put(Item::at(&store.key(&format!("k{i}"))).text("doc", "x"), Condition::Absent)
        })
    };
    store.table.commit(writes(100).collect()).await.unwrap();
    let keys: Vec<_> = (0..100).map(|i| store.key(&format!("k{i}"))).collect();
    assert_eq!(store.table.get_many(&keys).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_put_moves_its_entry_in_the_index_and_a_put_without_takes_it_away() {
    let store = Store::open().await;
    let key = store.key("a");
    let listed = async |shard: &str| {
        let found = store
            .table
            .client()
            .query()
            .table_name(store.table.name())
            .index_name("gsi1")
            .key_condition_expression("gsi1pk = :pk")
            .expression_attribute_values(
                ":pk",
                aws_sdk_dynamodb::types::AttributeValue::S(shard.to_owned()),
            )
            .send()
            .await
            .unwrap();
        found.items().len()
    };
    let first = Versioned::first("one");
    let second = first.changed_to("two");
    let third = second.changed_to("three");
    store
        .table
        .commit(vec![Write::Put(item(&key, &first).listed("A", "1"), Condition::Absent)])
        .await
        .unwrap();
    assert_eq!((listed("A").await, listed("B").await), (1, 0));
    store
        .table
        .commit(vec![Write::Put(
            item(&key, &second).listed("B", "2"),
            Condition::Version(first.version()),
        )])
        .await
        .unwrap();
    assert_eq!((listed("A").await, listed("B").await), (0, 1));
    store
        .table
        .commit(vec![Write::Put(item(&key, &third), Condition::Version(second.version()))])
        .await
        .unwrap();
    assert_eq!((listed("A").await, listed("B").await), (0, 0));
}
