//! The sets of users who share an e-mail address.

use shared::domain::id::UserId;
use shared::store::commit::MAX_SHARING;
use shared::store::{Condition, Item, Key, Write};

use crate::{Store, refused};

async fn members(store: &Store, key: &Key) -> Vec<String> {
    let mut users = store
        .table
        .get(key)
        .await
        .unwrap()
        .map(|item| item.get_set("users").to_vec())
        .unwrap_or_default();
    users.sort();
    users
}

fn with_company(store: &Store, write: Write) -> Vec<Write> {
    let company = Item::at(&store.key(&store.user().to_string())).text("doc", "x");
    vec![Write::Put(company, Condition::Absent), write]
}

#[tokio::test]
async fn users_join_and_leave_and_the_item_goes_with_the_last() {
    let store = Store::open().await;
    let key = store.key("email");
    let mut users: Vec<UserId> = (0..3).map(|_| store.user()).collect();
    users.sort();
    for user in &users {
        store.table.commit(with_company(&store, Write::Join(key.clone(), *user))).await.unwrap();
    }
    // Joining again changes nothing.
    store.table.commit(with_company(&store, Write::Join(key.clone(), users[0]))).await.unwrap();
    assert_eq!(
        members(&store, &key).await,
        users.iter().map(ToString::to_string).collect::<Vec<_>>()
    );

    for user in &users {
        store.table.commit(with_company(&store, Write::Leave(key.clone(), *user))).await.unwrap();
    }
    assert!(store.table.get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn who_is_no_member_does_not_leave() {
    let store = Store::open().await;
    let key = store.key("email");
    let (member, other) = (store.user(), store.user());
    assert_eq!(
        refused(store.table.commit(with_company(&store, Write::Leave(key.clone(), other))).await),
        [1]
    );
    store.table.commit(with_company(&store, Write::Join(key.clone(), member))).await.unwrap();
    assert_eq!(
        refused(store.table.commit(with_company(&store, Write::Leave(key.clone(), other))).await),
        [1]
    );
    assert_eq!(members(&store, &key).await, [member.to_string()]);
}

#[tokio::test]
async fn s1_a_set_has_at_most_100_members() {
    let store = Store::open().await;
    let key = store.key("email");
    let users: Vec<_> = (0..=MAX_SHARING).map(|_| store.user()).collect();
    assert_eq!(users.len(), 101);
    for user in &users[..100] {
        store.table.commit(with_company(&store, Write::Join(key.clone(), *user))).await.unwrap();
    }
    assert_eq!(
        refused(
            store.table.commit(with_company(&store, Write::Join(key.clone(), users[100]))).await
        ),
        [1]
    );
    store.table.commit(with_company(&store, Write::Leave(key.clone(), users[7]))).await.unwrap();
    store.table.commit(with_company(&store, Write::Join(key.clone(), users[100]))).await.unwrap();
    assert_eq!(members(&store, &key).await.len(), 100);
}

#[tokio::test]
async fn one_commit_leaves_one_set_and_joins_another() {
    let store = Store::open().await;
    let (old, new) = (store.key("old"), store.key("new"));
    let (one, two) = (store.user(), store.user());
    store
        .table
        .commit(vec![Write::Join(old.clone(), one), Write::Join(new.clone(), two)])
        .await
        .unwrap();
    store
        .table
        .commit(vec![Write::Join(new.clone(), one), Write::Leave(old.clone(), one)])
        .await
        .unwrap();
    assert!(store.table.get(&old).await.unwrap().is_none());
    assert_eq!(members(&store, &new).await.len(), 2);
    store
        .table
        .commit(vec![Write::Leave(new.clone(), one), Write::Join(old.clone(), one)])
        .await
        .unwrap();
    assert_eq!(members(&store, &new).await, [two.to_string()]);
}
