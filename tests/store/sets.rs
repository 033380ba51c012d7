//! The sets of users who share an e-mail address.

use std::future::ready;

use futures_util::future::join_all;
use shared::domain::id::UserId;
use shared::domain::versioned::Versioned;
use shared::store::write::MAX_SHARING;
use shared::store::{CommitError, Condition, Item, Key, Retry, Table, Write};

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

/// How many attempts simultaneous users need, and how many of them give up.
struct Load {
    attempts: u32,
    most: u32,
    gave_up: usize,
    time: std::time::Duration,
}

/// Lets so many users get one address at once, each with an item of its own in the transaction.
async fn simultaneous<F>(store: &Store, count: usize, writes: impl Fn(Table, UserId) -> F) -> Load
where
    F: Future<Output = Write> + Send,
{
    #[expect(clippy::disallowed_methods, reason = "a figure for people, on which nothing depends")]
    let now = std::time::Instant::now;
    let start = now();
    let one = async |user: UserId| {
        let mut retry = Retry::of(&store.table);
        loop {
            let write = writes(store.table.clone(), user).await;
            match store.table.commit(with_company(store, write)).await {
                Ok(()) => return (retry.attempt(), true),
                Err(CommitError::Contended | CommitError::Conditions(_)) => {
                    if retry.again().await.is_err() {
                        return (retry.attempt(), false);
                    }
                }
                Err(failed) => panic!("{failed:?}"),
            }
        }
    };
    let all = join_all((0..count).map(|_| one(store.user()))).await;
    Load {
        attempts: all.iter().map(|(attempts, _)| attempts).sum(),
        most: all.iter().map(|(attempts, _)| *attempts).max().unwrap_or_default(),
        gave_up: all.iter().filter(|(_, done)| !done).count(),
        time: now() - start,
    }
}

/// The figures of ADR 0036: users who get one address at the same moment, by a set that they join
/// without reading it, and by a list that is read and put under its version.
#[tokio::test]
async fn a_set_takes_simultaneous_users_in_one_attempt_each_and_a_versioned_list_does_not() {
    for count in [2, 8, 32, 64] {
        let store = Store::open().await;
        let set = store.key("set");
        let joined =
            simultaneous(&store, count, |_, user| ready(Write::Join(set.clone(), user))).await;
        let list = store.key("list");
        let listed = simultaneous(&store, count, |table, user| {
            let key = list.clone();
            async move {
                let found = table.get(&key).await.unwrap();
                let stored: Option<Versioned<Vec<UserId>>> = found.map(|item| item.read().unwrap());
                let (next, condition) = match stored {
                    None => (Versioned::first(vec![user]), Condition::Absent),
                    Some(stored) => {
                        let users = stored.value.iter().copied().chain([user]).collect();
                        let condition = Condition::Version(stored.version());
                        (stored.changed_to(users), condition)
                    }
                };
                Write::Put(Item::at(&key).versioned(&next), condition)
            }
        })
        .await;
        assert_eq!((joined.attempts, joined.gave_up), (u32::try_from(count).unwrap(), 0));
        assert!(count == 2 || listed.attempts > joined.attempts, "{count} users");
        for (name, load) in [("set", joined), ("list", listed)] {
            println!(
                "{count} users, {name}: {} attempts, at most {} of one user, {} gave up, {:?}",
                load.attempts, load.most, load.gave_up, load.time
            );
        }
    }
}
