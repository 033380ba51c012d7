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
