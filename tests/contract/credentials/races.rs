//! Sign-ins that race what ends sessions (rule G23).

use shared::domain::audit::Operation;
use shared::domain::people::{PasswordFacts, SetBy};
use shared::writing::{Account, AccountChange};
use tokio::task::JoinSet;

use super::Home;

/// Signs the person in from several browsers while something else happens.
async fn sign_ins_around<F>(home: &Home, act: impl FnOnce(Home) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for n in 0..6 {
        let home = home.clone();
        running.spawn(async move {
            for _ in 0..n % 3 {
                tokio::task::yield_now().await;
            }
            // Too many writers at once is no sign-in.
            drop(home.sign_in(None).await);
        });
    }
    let acting = tokio::spawn(act(home.clone()));
    running.join_all().await;
    acting.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_a_block_that_races_sign_ins_leaves_no_session() {
    for _ in 0..8 {
        let home = Home::start().await;
        let before = home.sign_in(None).await.unwrap().unwrap();
        sign_ins_around(&home, |home| async move {
            home.crm.act(&home.user.below("block")).await.is(200);
        })
        .await;
        assert_eq!(home.alive().await, 0);
        assert!(!home.is_alive(&before).await);
        // The unblock brings none of them back.
        home.crm.act(&home.user.below("unblock")).await.is(200);
        assert_eq!(home.alive().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_a_reset_that_races_sign_ins_leaves_no_session_of_before() {
    for _ in 0..8 {
        let home = Home::start().await;
        sign_ins_around(&home, |home| async move {
            let now = home.service.clock.now();
            let reset = |account: &Account| {
                let mut facts = account.facts(&home.service.table.env().random);
                facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
                Ok(Some(AccountChange::default().login(facts).sign_out()))
            };
            home.change(Operation::UserPasswordReset, reset).await.unwrap().unwrap();
        })
        .await;
        let table = &home.service.table;
        let user = table.get_user(&super::tenant(), home.id).await.unwrap();
        let reset = user.value.signed_out;
        assert!(reset > 0);
        for (_, session) in home.sessions().await {
            let alive = !user.value.has_signed_out(session.value.user_version);
            assert_eq!(alive, session.value.user_version.0 >= reset);
        }
        // Whoever signs in after it stays.
        let after = home.sign_in(None).await.unwrap().unwrap();
        assert!(home.is_alive(&after).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g23_an_unlink_that_races_sign_ins_leaves_no_session() {
    for _ in 0..8 {
        let home = Home::start().await;
        sign_ins_around(&home, |home| async move {
            home.crm.act(&home.user.below("principals/system/unlink")).await.is(200);
        })
        .await;
        let user = home.service.table.get_user(&super::tenant(), home.id).await.unwrap();
        let unlinked = user.value.signed_out;
        assert!(unlinked > 0);
        for (_, session) in home.sessions().await {
            let version = session.value.user_version.0;
            assert_eq!(user.value.has_signed_out(session.value.user_version), version < unlinked);
        }
    }
}
