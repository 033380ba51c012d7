//! One-time links in the table.

use shared::domain::audit::Operation;
use shared::domain::error::Error;
use shared::domain::people::{LinkKind, LinkToken, PasswordFacts, SetBy};
use shared::store::people::use_link;
use shared::writing::{Account, AccountChange};
use tokio::task::JoinSet;

use super::{Home, tenant};

/// Sets a password by a link, as the login function does: `None` if the link does not work.
async fn reset(home: &Home, token: &LinkToken) -> Option<()> {
    let table = &home.service.table;
    let link = table.find_link(token).await.unwrap()?;
    let put = table.password_write(&tenant(), home.id, "$argon2id$x").await.unwrap();
    let now = home.service.clock.now();
    let change = |account: &Account| {
        let mut facts = account.facts(&table.env().random);
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
        let writes = use_link(token, &link).into_iter().chain([put.clone()]);
        Ok(Some(AccountChange::default().login(facts).writes(writes).sign_out()))
    };
    match home.change(Operation::UserPasswordReset, change).await {
        Ok(written) => written.map(|_| ()),
        Err(Error::AlreadyRecorded) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn g44_the_token_of_a_link_is_nowhere_in_the_table() {
    let home = Home::start().await;
    let token = home.service.give_link(&home.user.id, LinkKind::Reset).await;
    let text = token.to_string();
    let secret = text.split_once('.').unwrap().1;
    assert!(!home.service.items().await.iter().any(|item| item.contains(secret)));
}

#[tokio::test]
async fn g44_only_the_newest_link_of_a_kind_works() {
    let home = Home::start().await;
    let (table, user) = (&home.service.table, &home.user.id);
    let first = home.service.give_link(user, LinkKind::Reset).await;
    let other = home.service.give_link(user, LinkKind::Invitation).await;
    assert!(table.find_link(&first).await.unwrap().is_some());
    let second = home.service.give_link(user, LinkKind::Reset).await;
    assert!(table.find_link(&first).await.unwrap().is_none());
    assert!(table.find_link(&second).await.unwrap().is_some());
    assert!(table.find_link(&other).await.unwrap().is_some());
    home.service.check().await;
}

#[tokio::test]
async fn g45_a_link_works_as_long_as_its_kind_and_no_second_longer() {
    for kind in LinkKind::ALL {
        let home = Home::start().await;
        let token = home.service.give_link(&home.user.id, kind).await;
        home.service.clock.advance(kind.seconds() - 1);
        assert!(home.service.table.find_link(&token).await.unwrap().is_some(), "{kind}");
        home.service.clock.advance(1);
        assert!(home.service.table.find_link(&token).await.unwrap().is_none(), "{kind}");
        home.service.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g45_of_fifty_uses_of_a_link_at_once_one_is_made() {
    let home = Home::start().await;
    let token = home.service.give_link(&home.user.id, LinkKind::Reset).await;
    let mut running = JoinSet::new();
    for _ in 0..50 {
        let (home, token) = (home.clone(), token.clone());
        running.spawn(async move { reset(&home, &token).await });
    }
    let used = running.join_all().await.into_iter().flatten().count();
    assert_eq!(used, 1);
    assert!(home.service.table.find_link(&token).await.unwrap().is_none());
    home.service.check().await;
}

#[tokio::test]
async fn g45_a_link_of_which_nothing_came_is_not_used_up() {
    let home = Home::start().await;
    let token = home.service.give_link(&home.user.id, LinkKind::Reset).await;
    // The new password was refused.
    let changed = home.change(Operation::UserPasswordReset, |_| Ok(None)).await.unwrap();
    assert!(changed.is_none());
    assert!(reset(&home, &token).await.is_some());
    assert!(reset(&home, &token).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g45_a_link_that_is_replaced_while_it_is_used_leaves_no_half() {
    for _ in 0..10 {
        let home = Home::start().await;
        let token = home.service.give_link(&home.user.id, LinkKind::Reset).await;
        let (using, replacing) = (home.clone(), home.clone());
        let replace = tokio::spawn(async move {
            let user = replacing.user.id.clone();
            // The mailer reads the name again if somebody was faster; the fixture gives up.
            let given = replacing.service.clone();
            tokio::spawn(async move { given.give_link(&user, LinkKind::Reset).await }).await.ok()
        });
        let used = reset(&using, &token).await;
        let newer = replace.await.unwrap();
        assert!(used.is_some() || newer.is_some());
        assert!(home.service.table.find_link(&token).await.unwrap().is_none());
        if let (Some(newer), None) = (&newer, used) {
            assert!(home.service.table.find_link(newer).await.unwrap().is_some());
        }
        home.service.check().await;
    }
}

#[tokio::test]
async fn g49_a_reset_ends_all_sessions_in_its_own_write() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    let token = home.service.give_link(&home.user.id, LinkKind::Reset).await;
    assert!(home.is_alive(&cookie).await);
    reset(&home, &token).await.unwrap();
    assert!(!home.is_alive(&cookie).await);
}
