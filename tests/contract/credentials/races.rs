//! Sign-ins that race what ends sessions (rule G23), and grants to clients that race each other
//! (rule G65).

use shared::domain::audit::Operation;
use shared::domain::people::{PasswordFacts, SetBy};
use shared::writing::{Account, AccountChange};
use tests::Service;
use tokio::task::JoinSet;

use super::Home;
use crate::audit::{Kept, entries};

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
        // A person who signs in after it stays signed in.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g65_of_many_equal_grants_and_withdrawals_at_once_one_is_written_and_told() {
    for service in [Service::start().await, Service::start_unaudited().await] {
        let home = Home::of(service).await;
        let audited = !entries(&home.service, &home.user.id).await.is_empty();
        for grants in [true, false] {
            let mut running = JoinSet::new();
            for _ in 0..6 {
                let home = home.clone();
                running.spawn(async move {
                    let done = if grants {
                        home.grant_to_client(&["openid"]).await
                    } else {
                        home.withdraw_from_client().await
                    };
                    done.unwrap()
                });
            }
            let done = running.join_all().await;
            assert_eq!(done.iter().filter(|done| **done).count(), 1, "{grants}");
        }
        let entries = entries(&home.service, &home.user.id).await;
        let told: Vec<_> = entries.iter().skip(1).map(Kept::operation).collect();
        let due = ["user.client_consent_grant", "user.client_consent_withdraw"];
        assert_eq!(told, if audited { due.to_vec() } else { Vec::new() });
        home.service.check().await;
    }
}

/// Homes in which the client has refresh tokens of the person and no consent: with an audit and
/// without.
async fn homes_with_tokens() -> [Home; 2] {
    let homes = [Home::start().await, Home::of(Service::start_unaudited().await).await];
    for home in &homes {
        home.service.give_family(&home.user.id, &home.crm.id, "family").await;
    }
    homes
}

/// Asserts that the tokens have ended, and that one withdrawal is told, if there is an audit.
async fn ended_and_told_once(home: &Home, audited: bool) {
    let names = home.service.table.family_names(&super::tenant(), home.id).await.unwrap();
    assert_eq!(names, []);
    let entries = entries(&home.service, &home.user.id).await;
    let told: Vec<_> = entries.iter().skip(1).map(Kept::operation).collect();
    assert_eq!(told, if audited { vec!["user.client_consent_withdraw"] } else { Vec::new() });
    home.service.check().await;
}

#[tokio::test]
async fn g65_a_withdrawal_of_refresh_tokens_that_another_one_overtakes_tells_nothing() {
    for (home, audited) in homes_with_tokens().await.into_iter().zip([true, false]) {
        let gate = home.service.faults.hold("TransactWriteItems");
        let first = tokio::spawn({
            let home = home.clone();
            async move { home.withdraw_from_client().await.unwrap() }
        });
        // It has read the names of the tokens.
        gate.reached().await;
        assert!(home.withdraw_from_client().await.unwrap());
        gate.open();
        assert!(!first.await.unwrap());
        ended_and_told_once(&home, audited).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g65_of_many_withdrawals_of_refresh_tokens_at_once_one_is_told() {
    for (home, audited) in homes_with_tokens().await.into_iter().zip([true, false]) {
        let mut running = JoinSet::new();
        for _ in 0..6 {
            let home = home.clone();
            running.spawn(async move { home.withdraw_from_client().await.unwrap() });
        }
        let done = running.join_all().await;
        assert_eq!(done.iter().filter(|done| **done).count(), 1);
        ended_and_told_once(&home, audited).await;
    }
}
