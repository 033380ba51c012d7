//! The erasure of what people sign in with (rule D7).

use shared::domain::people::LinkKind;
use tests::Service;

use super::{Home, PASSWORD};

/// A person with password, three passkeys, five sessions, two links, a consent to a client and a
/// family of refresh tokens.
async fn person(home: &Home) {
    let (service, user) = (&home.service, &home.user.id);
    service.give_password(user, PASSWORD).await;
    for name in ["phone", "laptop", "key"] {
        service.give_passkey(user, name).await;
    }
    for _ in 0..5 {
        service.give_session(user).await;
    }
    for kind in [LinkKind::Reset, LinkKind::Address] {
        service.give_link(user, kind).await;
    }
    service.give_client_consent(user, &home.crm.id, &["openid"]).await;
    service.give_family(user, &home.crm.id, "family").await;
}

/// The partitions of the table in which something of a person is, without ids.
async fn partitions(service: &Service) -> Vec<String> {
    let own = ["#SE#", "#PW#", "#PK#", "#LK#", "\"R#family\""];
    let items = service.items().await;
    let found = items.iter().filter_map(|item| own.iter().find(|kind| item.contains(**kind)));
    let mut found: Vec<_> = found.map(|kind| (*kind).to_owned()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[tokio::test]
async fn d7_nothing_is_left_of_what_a_forgotten_person_signed_in_with() {
    let home = Home::start().await;
    person(&home).await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    assert_eq!(partitions(&home.service).await, ["\"R#family\"", "#LK#", "#PK#", "#PW#", "#SE#"]);
    home.crm.delete(&home.user.path).await.is(204);
    assert!(!home.is_alive(&cookie).await);
    assert_eq!(partitions(&home.service).await, Vec::<String>::new());
    let report = home.service.check().await;
    assert_eq!(report.unfinished, 0);
}

#[tokio::test]
async fn d7_what_is_past_its_time_is_erased_too() {
    let home = Home::start().await;
    person(&home).await;
    // DynamoDB removes items days after their time.
    home.service.clock.advance(40 * 24 * 3600);
    let crm = home.crm.clone().with_token().await;
    crm.delete(&home.user.path).await.is(204);
    assert_eq!(partitions(&home.service).await, Vec::<String>::new());
}

#[tokio::test]
async fn d7_what_another_person_signs_in_with_stays() {
    let home = Home::start().await;
    person(&home).await;
    let other = home.crm.create_user("els").await;
    home.service.give_password(&other.id, PASSWORD).await;
    home.service.give_passkey(&other.id, "phone").await;
    let cookie = home.service.give_session(&other.id).await;
    home.service.give_link(&other.id, LinkKind::Reset).await;
    home.crm.delete(&home.user.path).await.is(204);
    assert_eq!(partitions(&home.service).await, ["#LK#", "#PK#", "#PW#", "#SE#"]);
    let els = Home { user: other.clone(), id: other.id.parse().unwrap(), ..home.clone() };
    assert!(els.is_alive(&cookie.parse().unwrap()).await);
    home.service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d7_sign_ins_that_race_an_erasure_leave_nothing() {
    for _ in 0..10 {
        let home = Home::start().await;
        person(&home).await;
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let home = home.clone();
            running.spawn(async move { drop(home.sign_in(None).await) });
        }
        let (user, service) = (home.user.id.clone(), home.service.clone());
        // The fixture gives up when the user is gone.
        let linked = tokio::spawn(async move { service.give_link(&user, LinkKind::Undo).await });
        home.crm.delete(&home.user.path).await.is(204);
        running.join_all().await;
        drop(linked.await);
        assert_eq!(home.alive().await, 0);
        assert_eq!(partitions(&home.service).await, Vec::<String>::new());
        home.service.check().await;
    }
}
