//! `kith check` finds what disagrees between a user and its credentials.

use shared::domain::people::LinkKind;
use shared::store::keys::Child;
use shared::store::{Item, Key};

use super::{Home, PASSWORD, tenant};

/// The faults that a check finds, without the ids.
async fn problems(home: &Home) -> Vec<String> {
    let report = maintenance::check::verify(&home.service.table, &tenant()).await.unwrap();
    report.problems.iter().map(|problem| problem.replace(&home.user.id, "x")).collect()
}

async fn with_all() -> (Home, Vec<Key>) {
    let home = Home::start().await;
    let user = &home.user.id;
    home.service.give_password(user, PASSWORD).await;
    let passkey = home.service.give_passkey(user, "phone").await;
    let token = home.service.give_link(user, LinkKind::Reset).await;
    let keys = vec![
        Key::password(&tenant(), home.id),
        Key::passkey(&tenant(), &passkey),
        Key::link(&tenant(), &token.hash()),
    ];
    home.service.check().await;
    (home, keys)
}

#[tokio::test]
async fn g31_a_check_finds_a_credential_that_is_gone() {
    let (home, keys) = with_all().await;
    for (key, kind) in keys.iter().zip(["PW", "PK", "LK"]) {
        let item = home.service.table.get(key).await.unwrap().unwrap();
        home.service.delete_item(key).await;
        let due = format!("user x names a credential that does not exist: {kind}");
        assert_eq!(problems(&home).await, [due]);
        home.service.put_item(item.into_attributes()).await;
        home.service.check().await;
    }
}

#[tokio::test]
async fn g31_a_check_finds_a_credential_that_no_user_names() {
    let (home, _) = with_all().await;
    for (child, kinds) in
        [(Child::Login, &["PK", "PW"][..]), (Child::Link(LinkKind::Reset), &["LK"])]
    {
        let key = Key::child(&tenant(), home.id, child);
        let item = home.service.table.get(&key).await.unwrap().unwrap();
        home.service.delete_item(&key).await;
        let due: Vec<_> = kinds
            .iter()
            .map(|kind| format!("a credential names user x, who does not name it: {kind}"))
            .collect();
        assert_eq!(problems(&home).await, due);
        home.service.put_item(item.into_attributes()).await;
        home.service.check().await;
    }
}

#[tokio::test]
async fn g44_a_check_leaves_out_an_expired_link_that_a_newer_one_replaced() {
    let home = Home::start().await;
    let expired = home.service.give_link(&home.user.id, LinkKind::Reset).await;
    home.service.clock.advance(LinkKind::Reset.seconds() + 1);
    home.service.give_link(&home.user.id, LinkKind::Reset).await;
    // It stays until DynamoDB removes it, and works no more.
    let hash = expired.hash().to_string();
    assert!(home.service.items().await.iter().any(|item| item.contains(&hash)));
    assert!(home.service.table.find_link(&expired).await.unwrap().is_none());
    home.service.check().await;
}

#[tokio::test]
async fn d7_a_check_finds_a_session_of_a_deleted_user() {
    let home = Home::start().await;
    let cookie = home.sign_in(None).await.unwrap().unwrap();
    let key = Key::session(&tenant(), home.id, &cookie.hash());
    let item: Item = home.service.table.get(&key).await.unwrap().unwrap();
    home.crm.delete(&home.user.path).await.is(204);
    home.service.check().await;
    home.service.put_item(item.into_attributes()).await;
    assert_eq!(problems(&home).await, ["user x is deleted and still has an item: SE"]);
}
