//! Passwords at rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use shared::store::Key;
use shared::store::keys::LoginKey;

use super::{Home, PASSWORD, tenant};

#[tokio::test]
async fn g31_nothing_of_the_hash_of_a_password_can_be_read_in_the_table() {
    let home = Home::start().await;
    home.service.give_password(&home.user.id, PASSWORD).await;
    let stored = home.service.table.find_password(&tenant(), home.id).await.unwrap().unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let hash = STANDARD_NO_PAD.decode(stored.rsplit('$').next().unwrap()).unwrap();
    // Items show bytes as a list of numbers.
    let bytes = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let forms = [
        PASSWORD.to_owned(),
        "argon2id".to_owned(),
        stored.rsplit('$').next().unwrap().to_owned(),
        bytes(b"argon2id"),
        bytes(&hash[..8]),
    ];
    let items = home.service.items().await;
    assert!(items.iter().any(|item| item.contains("#PW#")));
    for form in forms {
        assert!(!items.iter().any(|item| item.contains(&form)), "{form}");
    }
}

#[tokio::test]
async fn g31_the_seal_of_a_password_opens_for_its_person_alone() {
    let home = Home::start().await;
    home.service.give_password(&home.user.id, PASSWORD).await;
    let other = home.crm.create_user("els").await;
    let (table, els) = (&home.service.table, other.id.parse().unwrap());
    let item = table.get(&Key::password(&tenant(), home.id)).await.unwrap().unwrap();
    let moved = item.text("pk", Key::password(&tenant(), els).pk());
    home.service.put_item(moved.into_attributes()).await;
    assert!(table.find_password(&tenant(), els).await.is_err());
    assert!(table.find_password(&tenant(), home.id).await.unwrap().is_some());
}

#[tokio::test]
async fn g31_two_seals_of_one_password_have_nothing_in_common() {
    let home = Home::start().await;
    let mut seals = Vec::new();
    for name in ["els", "piet"] {
        let user = home.crm.create_user(name).await;
        home.service.give_password(&user.id, PASSWORD).await;
        let key = Key::password(&tenant(), user.id.parse().unwrap());
        let item = home.service.table.get(&key).await.unwrap().unwrap();
        seals.push(item.get_bytes("sealed").unwrap().to_vec());
    }
    let same = seals[0].iter().zip(&seals[1]).filter(|(one, other)| one == other).count();
    assert!(same < 16, "{same} bytes are equal");
}

#[tokio::test]
async fn g32_what_is_known_of_a_password_holds_no_hash() {
    let home = Home::start().await;
    home.service.give_password(&home.user.id, PASSWORD).await;
    let facts = home.service.table.login_facts(&tenant(), home.id).await.unwrap().unwrap();
    assert!(facts.value.password.is_some());
    let text = serde_json::to_string(&facts.value).unwrap();
    assert!(!text.contains("argon2"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g31_many_processes_that_need_a_key_first_make_one() {
    let home = Home::start().await;
    for key in LoginKey::ALL {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..8 {
            // A table that has read nothing.
            let table = home.service.table.another();
            let fresh = shared::store::Table::new(
                table.client().clone(),
                table.name(),
                table.env().clone(),
            );
            running.spawn(async move { fresh.login_key(key).await.unwrap() });
        }
        let keys = running.join_all().await;
        assert!(keys.iter().all(|other| *other == keys[0]), "{key:?}");
    }
    let [seal, device, page] = LoginKey::ALL;
    let table = &home.service.table;
    let all = [
        table.login_key(seal).await.unwrap(),
        table.login_key(device).await.unwrap(),
        table.login_key(page).await.unwrap(),
    ];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}
