//! Writes whose answer was lost (rule I2): repeated, they are neither refused by their own effect
//! nor applied twice.

use shared::domain::versioned::Versioned;
use shared::store::{Condition, Item, Write};
use tests::Fault;

use crate::{Store, item};

#[tokio::test]
async fn i2_a_put_whose_answer_was_lost_succeeds_when_it_is_repeated() {
    let store = Store::open().await;
    let key = store.key("a");
    let first = Versioned::first("one");
    let second = first.changed_to("two");
    store.faults.reset();
    store.faults.next("PutItem", Fault::Lost);
    store.table.commit(vec![Write::Put(item(&key, &first), Condition::Absent)]).await.unwrap();
    store.faults.next("PutItem", Fault::LostServerError);
    store
        .table
        .commit(vec![Write::Put(item(&key, &second), Condition::Version(first.version()))])
        .await
        .unwrap();
    assert_eq!(store.faults.operations(), ["PutItem"; 4]);
    let read = store.table.get(&key).await.unwrap().unwrap();
    assert_eq!(read.version(), Some(second.version()));
    assert_eq!(read.log().as_bytes().len(), 8, "the log of what was put, with one write more");
}

#[tokio::test]
async fn i2_a_transaction_is_repeated_under_its_own_token() {
    let store = Store::open().await;
    let (a, b, user) = (store.key("a"), store.key("b"), store.user());
    for lost in [Fault::Lost, Fault::LostServerError] {
        store.faults.reset();
        store.faults.next("TransactWriteItems", lost);
        let writes = vec![
            Write::Put(
                Item::at(&store.key(&store.user().to_string())).text("doc", "x"),
                Condition::Absent,
            ),
            Write::Join(a.clone(), user),
            Write::Put(Item::at(&b).text("holder", user.to_string()), Condition::Owner(user)),
        ];
        store.table.commit(writes).await.unwrap();
        let seen = store.faults.seen();
        assert_eq!(seen.len(), 2);
        assert!(seen[0].body["ClientRequestToken"].is_string());
        assert_eq!(seen[0].body, seen[1].body);
    }
    assert_eq!(store.table.get(&a).await.unwrap().unwrap().get_set("users").len(), 1);
}

#[tokio::test]
async fn i2_deletions_and_checks_are_replayed_too() {
    let store = Store::open().await;
    let (key, user) = (store.key("a"), store.user());
    store
        .table
        .commit(vec![Write::Join(key.clone(), user), Write::Join(store.key("b"), user)])
        .await
        .unwrap();
    store.faults.reset();
    store.faults.next("TransactWriteItems", Fault::Lost);
    store
        .table
        .commit(vec![
            Write::Leave(key.clone(), user),
            Write::Check(store.key("c"), Condition::Owner(user)),
        ])
        .await
        .unwrap();
    assert!(store.table.get(&key).await.unwrap().is_none());
    assert_eq!(store.faults.operations()[..2], ["TransactWriteItems"; 2]);
}

#[tokio::test]
async fn i2_a_lone_deletion_without_a_condition_needs_no_transaction_to_be_repeated() {
    let store = Store::open().await;
    let key = store.key("a");
    for lost in [Fault::Lost, Fault::LostServerError, Fault::Unreachable] {
        let item = Item::at(&key).text("doc", "x");
        store.table.commit(vec![Write::Put(item, Condition::Absent)]).await.unwrap();
        store.faults.reset();
        store.faults.next("DeleteItem", lost);
        let delete = Write::Delete(key.clone(), Condition::Guarded);
        store.table.commit(vec![delete]).await.unwrap();
        assert_eq!(store.faults.operations(), ["DeleteItem"; 2]);
        assert!(store.table.get(&key).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn two_commits_of_equal_content_have_two_tokens() {
    let store = Store::open().await;
    let user = store.user();
    store.faults.reset();
    for _ in 0..2 {
        store
            .table
            .commit(vec![Write::Join(store.key("a"), user), Write::Join(store.key("b"), user)])
            .await
            .unwrap();
    }
    let tokens: Vec<_> =
        store.faults.seen().iter().map(|seen| seen.body["ClientRequestToken"].clone()).collect();
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn a_throttled_write_is_waited_out() {
    let store = Store::open().await;
    for fault in [Fault::Throttled, Fault::Exceeded, Fault::ThrottledMember(1)] {
        let key = store.key(&store.user().to_string());
        store.faults.reset();
        store.faults.next("TransactWriteItems", fault);
        let writes = vec![
            Write::Put(Item::at(&key).text("doc", "x"), Condition::Absent),
            Write::Join(store.key("a"), store.user()),
        ];
        store.table.commit(writes).await.unwrap();
        assert_eq!(store.text(&key).await.as_deref(), Some("x"));
    }
}
