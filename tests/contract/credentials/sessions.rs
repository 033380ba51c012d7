//! Sessions of people in the table.

use shared::domain::audit::Operation;
use shared::domain::people::{FamilyName, MAX_SESSIONS};
use shared::store::meter::CapacityMeter;
use shared::store::people::{keep_session, put_family_name};
use shared::writing::AccountChange;
use tests::{RecordedCall, Service};
use tokio::task::JoinSet;

use super::{Home, tenant};
use crate::edge::logs;

/// Names a family of refresh tokens that a session of the person started.
async fn start_family(home: &Home, sid: &str, family: &str) {
    let now = home.service.clock.now();
    let name = FamilyName {
        client: home.crm.id.parse().unwrap(),
        sid: sid.to_owned(),
        created_at: now,
        ends_at: now.plus_seconds(60),
    };
    let write = put_family_name(&tenant(), home.id, family, &name);
    home.service.table.commit(vec![write]).await.unwrap();
}

#[tokio::test]
async fn g18_another_sign_in_has_another_secret_and_the_old_session_is_gone() {
    let home = Home::start().await;
    let first = home.sign_in(None).await.unwrap().unwrap();
    let again = home.sign_in(Some(&first.hash())).await.unwrap().unwrap();
    assert_ne!(first.to_string(), again.to_string());
    assert!(home.is_alive(&again).await && !home.is_alive(&first).await);
    assert_eq!(home.sessions().await.len(), 1);
}

#[tokio::test]
async fn g18_the_table_holds_the_hash_of_a_secret_and_never_the_secret() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap().to_string();
    let secret = cookie.rsplit('.').next().unwrap();
    let items = home.service.items().await;
    assert!(!items.iter().any(|item| item.contains(secret)));
    let hash = cookie.parse::<shared::domain::people::SessionCookie>().unwrap().hash();
    assert!(items.iter().any(|item| item.contains(hash.as_str())));
}

#[tokio::test]
async fn g23_an_end_of_all_sessions_ends_each_of_them_by_one_write() {
    let home = Home::start().await;
    let mut cookies = Vec::new();
    for _ in 0..3 {
        cookies.push(home.sign_in(None).await.unwrap().unwrap());
    }
    let tag = home.crm.tag_of(&home.user.path).await;
    let (body, version) =
        (home.crm.read(&home.user.path).await, home.service.version_of(&home.user.id).await);
    let end = |_: &_| Ok(Some(AccountChange::default().sign_out()));
    home.change(Operation::UserSessionsEnd, end).await.unwrap().unwrap();
    assert_eq!(home.alive().await, 0);
    for cookie in &cookies {
        assert!(!home.is_alive(cookie).await);
    }
    // Nobody sees of the user that it happened.
    assert_eq!(home.service.version_of(&home.user.id).await, version + 1);
    assert_eq!(home.crm.tag_of(&home.user.path).await, tag);
    assert_eq!(home.crm.read(&home.user.path).await, body);
    let after = home.sign_in(None).await.unwrap().unwrap();
    assert!(home.is_alive(&after).await);
}

#[tokio::test]
async fn g23_the_end_of_all_sessions_outlasts_later_writes_of_the_user() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    let end = |_: &_| Ok(Some(AccountChange::default().sign_out()));
    home.change(Operation::UserSessionsEnd, end).await.unwrap().unwrap();
    let patch = serde_json::json!({ "given_name": "Piet" });
    home.crm.patch(&home.user.path, patch).if_match("*").await.is(200);
    let body = serde_json::json!({ "username": "jan", "family_name": "Peeters" });
    home.crm.put(&home.user.path, body).if_match("*").await.is(200);
    assert!(!home.is_alive(&cookie).await);
    home.sign_in(None).await.unwrap().unwrap();
    assert!(!home.is_alive(&cookie).await);
}

#[tokio::test]
async fn g23_one_session_goes_on_when_all_others_are_ended() {
    let home = Home::start().await;
    let other = home.sign_in(None).await.unwrap().unwrap();
    let own = home.sign_in(None).await.unwrap().unwrap();
    let table = &home.service.table;
    let stored = table.read_session(&tenant(), home.id, &own.hash()).await.unwrap().unwrap();
    let keep = |account: &shared::writing::Account| {
        let kept = keep_session(&tenant(), home.id, &own.hash(), &stored, account.next_version());
        Ok(Some(AccountChange::default().writes([kept]).sign_out()))
    };
    home.change(Operation::UserSessionsEnd, keep).await.unwrap().unwrap();
    assert!(home.is_alive(&own).await && !home.is_alive(&other).await);
}

#[tokio::test]
async fn g23_a_blocked_person_has_no_session_and_gets_none_back_with_the_unblock() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    home.crm.act(&home.user.below("block")).await.is(200);
    assert!(!home.is_alive(&cookie).await);
    assert!(home.sign_in(None).await.unwrap().is_none());
    home.crm.act(&home.user.below("unblock")).await.is(200);
    assert!(!home.is_alive(&cookie).await);
    let again = home.sign_in(None).await.unwrap().unwrap();
    assert!(home.is_alive(&again).await);
}

#[tokio::test]
async fn g23_an_unlink_of_the_built_in_server_ends_all_sessions_with_an_audit_and_without() {
    for service in [Service::start().await, Service::start_unaudited().await] {
        let home = Home::of(service).await;
        let cookie = home.sign_in(None).await.unwrap().unwrap();
        home.crm.act(&home.user.below("principals/system/unlink")).await.is(200);
        assert!(!home.is_alive(&cookie).await);
        home.crm.act(&home.user.below("principals/system/link")).await.is(200);
        assert!(!home.is_alive(&cookie).await);
        home.service.check().await;
    }
}

#[tokio::test]
async fn g24_a_session_ends_with_the_refresh_tokens_that_it_started() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    let table = &home.service.table;
    let stored = table.read_session(&tenant(), home.id, &cookie.hash()).await.unwrap().unwrap();
    start_family(&home, &stored.value.sid, "own").await;
    // That of another session stays.
    home.service.give_family(&home.user.id, &home.crm.id, "family").await;
    assert!(table.delete_session(&tenant(), home.id, &cookie.hash()).await.unwrap());
    assert!(!table.delete_session(&tenant(), home.id, &cookie.hash()).await.unwrap());
    let left = table.family_names(&tenant(), home.id).await.unwrap();
    assert_eq!(left.iter().map(|(family, _)| family.as_str()).collect::<Vec<_>>(), ["family"]);
    assert_eq!(table.delete_sessions(&tenant(), home.id, None).await.unwrap(), 0);
    assert_eq!(table.family_names(&tenant(), home.id).await.unwrap(), []);
    let key = shared::store::Key::refresh_family("family");
    assert!(table.get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn g24_a_use_does_not_bring_an_ended_session_back() {
    let home = Home::start().await;
    let (table, cookie) = (&home.service.table, home.sign_in(None).await.unwrap().unwrap());
    let stored = table.read_session(&tenant(), home.id, &cookie.hash()).await.unwrap().unwrap();
    home.service.clock.advance(301);
    table.touch_session(&tenant(), home.id, &cookie.hash(), &stored).await.unwrap();
    let seen = table.read_session(&tenant(), home.id, &cookie.hash()).await.unwrap().unwrap();
    assert_eq!(seen.value.seen_at, home.service.clock.now());
    table.delete_session(&tenant(), home.id, &cookie.hash()).await.unwrap();
    table.touch_session(&tenant(), home.id, &cookie.hash(), &seen).await.unwrap();
    assert!(table.read_session(&tenant(), home.id, &cookie.hash()).await.unwrap().is_none());
}

#[tokio::test]
async fn g26_the_oldest_session_ends_when_a_twenty_first_begins() {
    let home = Home::start().await;
    let mut cookies = Vec::new();
    for _ in 0..=MAX_SESSIONS {
        home.service.clock.advance(1);
        cookies.push(home.sign_in(None).await.unwrap().unwrap());
    }
    assert_eq!(home.sessions().await.len(), MAX_SESSIONS);
    let mut alive = Vec::new();
    for cookie in &cookies {
        alive.push(home.is_alive(cookie).await);
    }
    assert!(!alive[0] && alive[1..].iter().all(|alive| *alive), "{alive:?}");
}

#[tokio::test]
async fn g26_sessions_that_are_over_go_before_the_oldest_one_that_is_alive() {
    let home = Home::start().await;
    let own = home.sign_in(None).await.unwrap().unwrap();
    for _ in 1..MAX_SESSIONS {
        home.service.clock.advance(1);
        home.sign_in(None).await.unwrap().unwrap();
    }
    // Another password ends all but the oldest; their items stay.
    let table = &home.service.table;
    let stored = table.read_session(&tenant(), home.id, &own.hash()).await.unwrap().unwrap();
    let keep = |account: &shared::writing::Account| {
        let kept = keep_session(&tenant(), home.id, &own.hash(), &stored, account.next_version());
        Ok(Some(AccountChange::default().writes([kept]).sign_out()))
    };
    home.change(Operation::UserPasswordSet, keep).await.unwrap().unwrap();
    assert_eq!((home.sessions().await.len(), home.alive().await), (MAX_SESSIONS, 1));
    start_family(&home, &stored.value.sid, "own").await;
    for alive in 2..=MAX_SESSIONS {
        home.service.clock.advance(1);
        let next = home.sign_in(None).await.unwrap().unwrap();
        assert!(home.is_alive(&own).await && home.is_alive(&next).await, "{alive}");
        assert_eq!((home.sessions().await.len(), home.alive().await), (MAX_SESSIONS, alive));
    }
    assert_eq!(table.family_names(&tenant(), home.id).await.unwrap().len(), 1);
    // Now it is the oldest of those that are alive.
    home.service.clock.advance(1);
    home.sign_in(None).await.unwrap().unwrap();
    assert!(!home.is_alive(&own).await);
    assert_eq!(table.family_names(&tenant(), home.id).await.unwrap(), []);
}

/// A person with as many sessions as there can be, of which the oldest has this id and started a
/// family of refresh tokens. The next sign-in comes later.
async fn full() -> (Home, String) {
    let home = Home::start().await;
    for _ in 0..MAX_SESSIONS {
        home.service.clock.advance(1);
        home.sign_in(None).await.unwrap().unwrap();
    }
    let (_, oldest) = home.sessions().await.pop().unwrap();
    start_family(&home, &oldest.value.sid, "own").await;
    home.service.clock.advance(1);
    (home, oldest.value.sid)
}

#[tokio::test(start_paused = true)]
async fn g26_a_crash_after_the_sign_in_leaves_no_refresh_tokens_of_the_oldest_session() {
    let (home, sid) = full().await;
    let (snapshot, user) = (home.service.snapshot(), format!("#U#{}", home.id));
    let copy = async || {
        let copy = home.at(&snapshot.start());
        copy.service.table.audit_key().await.unwrap();
        copy.service.faults.reset();
        copy
    };
    let clean = copy().await;
    clean.sign_in(None).await.unwrap().unwrap();
    let puts_user = |call: &RecordedCall| {
        call.operation == "TransactWriteItems" && call.body.to_string().contains(&user)
    };
    let put = clean.service.faults.seen().iter().position(puts_user).unwrap();
    let crashed = copy().await;
    crashed.service.faults.crash_after(put);
    assert!(crashed.sign_in(None).await.is_err_and(|error| error.is_temporary()));
    crashed.service.faults.reset();
    // The person is signed in, and the oldest session has ended.
    let sessions = crashed.sessions().await;
    assert_eq!(sessions.len(), MAX_SESSIONS);
    assert!(sessions.iter().all(|(_, session)| session.value.sid != sid));
    let table = &crashed.service.table;
    assert_eq!(table.family_names(&tenant(), home.id).await.unwrap(), []);
    crashed.service.check().await;
}

#[tokio::test(start_paused = true)]
async fn g26_refresh_tokens_of_the_oldest_session_that_cannot_be_ended_stop_no_sign_in() {
    logs::keep();
    let (home, _) = full().await;
    home.service.faults.cut("Query", "\"R#\"");
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    home.service.faults.mend("\"R#\"");
    assert!(home.is_alive(&cookie).await);
    assert!(!logs::lines_with("the refresh tokens of an ended session").is_empty());
    // The account page shows them.
    let left = home.service.table.family_names(&tenant(), home.id).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g26_of_many_sign_ins_at_once_no_more_than_twenty_sessions_stay() {
    let home = Home::start().await;
    for _ in 0..MAX_SESSIONS - 2 {
        home.sign_in(None).await.unwrap().unwrap();
    }
    home.service.clock.advance(1);
    let mut running = JoinSet::new();
    for _ in 0..6 {
        let home = home.clone();
        running.spawn(async move { home.sign_in(None).await.unwrap().unwrap() });
    }
    let begun = running.join_all().await;
    assert_eq!(home.sessions().await.len(), MAX_SESSIONS);
    for cookie in &begun {
        assert!(home.is_alive(cookie).await);
    }
}

#[tokio::test]
async fn a_sign_in_costs_few_units_and_a_call_by_cookie_two() {
    let home = Home::of(Service::start_unaudited().await).await;
    let (app, schema) = (home.service.app(), home.schema().await);
    home.sign_in_at(&app, &schema, None).await.unwrap().unwrap();
    home.service.clock.advance(1);
    let meter = CapacityMeter::default();
    let signed_in = meter.measure(Box::pin(home.sign_in_at(&app, &schema, None))).await;
    let cookie = signed_in.unwrap().unwrap();
    let units = meter.units();
    // The user, what is known of its credentials, and the sessions; the user and the session in a
    // transaction, and the listing.
    assert_eq!((units.read, units.write, units.index_write), (3.0, 4.0, 2.0));
    let meter = CapacityMeter::default();
    assert!(meter.measure(home.is_alive(&cookie)).await);
    assert_eq!(meter.units().read, 2.0);
}
