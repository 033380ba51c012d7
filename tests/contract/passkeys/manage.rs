//! How people look after their passkeys (rules G38, G55).

use shared::domain::people::MailKind;
use tests::{Authenticator, Page, person};

use super::{ACCOUNT, Home, REMOVE, RENAME, USERS, assert_signed_in, sign_in, signed_in};

async fn rename(home: &Home, id: &str, name: &str) -> Page {
    let page = home.browser.get(ACCOUNT).await.is(200);
    home.browser.submit_form(&page, RENAME, &[("id", id), ("name", name)]).await
}

async fn remove(home: &Home, id: &str) -> Page {
    let page = home.browser.get(ACCOUNT).await.is(200);
    home.browser.submit_form(&page, REMOVE, &[("id", id)]).await
}

async fn names(home: &Home) -> Vec<String> {
    home.passkeys().await.into_iter().map(|passkey| passkey.name).collect()
}

#[tokio::test]
async fn g55_passkeys_are_listed_and_renamed() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    home.try_add(&mut Authenticator::synced(), "  manager ", |_| ()).await.is(200);
    let page = home.browser.get(ACCOUNT).await.is(200);
    for part in ["phone", "on one device only", "manager", "kept by your passkey manager"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let id = home.passkeys().await[0].id.to_string();
    let page = rename(&home, &id, "  Jan's <phone> ").await.is(200);
    assert!(page.text().contains("Jan's &lt;phone&gt;"), "{}", page.text());
    assert_eq!(names(&home).await, ["Jan's <phone>", "manager"]);
    for wrong in ["", "   ", "a\nb", &"x".repeat(65)] {
        rename(&home, &id, wrong).await.is(422);
    }
    assert_eq!(rename(&home, &"A".repeat(43), "x").await.answer.code(), 404);
    assert_eq!(rename(&home, "x", "x").await.answer.code(), 404);
    assert_eq!(names(&home).await, ["Jan's <phone>", "manager"]);
    assert_signed_in(&sign_in(&home.stranger(), &mut phone).await);
}

#[tokio::test]
async fn g55_a_second_device_signs_in_and_the_first_goes() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let mut key = Authenticator::new("EdDSA");
    home.add(&mut key, "key").await;
    assert_signed_in(&sign_in(&home.stranger(), &mut phone).await);
    assert_signed_in(&sign_in(&home.stranger(), &mut key).await);
    let id = home.passkeys().await[0].id.to_string();
    remove(&home, &id).await.is(200);
    assert_eq!(names(&home).await, ["key"]);
    // What is removed already is done.
    remove(&home, &id).await.is(200);
    assert_signed_in(&sign_in(&home.stranger(), &mut key).await);
    home.service.check().await;
}

#[tokio::test]
async fn g55_the_last_way_in_is_not_removed() {
    let (home, mut phone) = Home::with(Authenticator::new("ES256")).await;
    let id = home.passkeys().await[0].id.to_string();
    let page = remove(&home, &id).await.is(422);
    assert!(page.text().contains("your only way to sign in"), "{}", page.text());
    assert_signed_in(&sign_in(&home.stranger(), &mut phone).await);
    // With a password it is not the last one.
    home.service.give_password(&home.user.id, super::PASSWORD).await;
    remove(&home, &id).await.is(200);
    assert_eq!(names(&home).await, [""; 0]);
    home.service.check().await;
}

#[tokio::test]
async fn g38_the_person_is_told_of_each_change() {
    let home = Home::with_password().await;
    home.mails().await;
    let mut phone = Authenticator::new("ES256");
    home.add(&mut phone, "phone").await;
    let told = home.service.deliver_mails().await;
    assert_eq!(told.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [MailKind::PasskeyAdded]);
    assert!(told[0].text.contains("phone"), "{}", told[0].text);
    let id = home.passkeys().await[0].id.to_string();
    rename(&home, &id, "key").await.is(200);
    assert!(home.mails().await.is_empty());
    remove(&home, &id).await.is(200);
    let told = home.service.deliver_mails().await;
    assert_eq!(told.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [MailKind::PasskeyRemoved]);
    assert!(told[0].text.contains("key"), "{}", told[0].text);
}

#[tokio::test]
async fn g22_removing_needs_a_sign_in_within_five_minutes() {
    let home = Home::with_password().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    let id = home.passkeys().await[0].id.to_string();
    let page = home.browser.get(ACCOUNT).await.is(200);
    home.service.clock.advance(301);
    let page = home.browser.submit_form(&page, REMOVE, &[("id", &id)]).await;
    assert!(page.url.contains("/idhub/login/acme?prompt=login"), "{}", page.url);
    assert_eq!(names(&home).await, ["phone"]);
    // Another name changes nothing of how the person signs in.
    rename(&home, &id, "key").await.is(200);
    assert_eq!(names(&home).await, ["key"]);
}

#[tokio::test]
async fn g55_nobody_touches_the_passkeys_of_others() {
    let home = Home::with_password().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    let id = home.passkeys().await[0].id.to_string();
    let an = home.service.crm().await.create(USERS, person("an")).await;
    let an = Home {
        service: home.service.clone(),
        browser: signed_in(&home.service, &an.id).await,
        user: an,
    };
    an.add(&mut Authenticator::new("ES256"), "an's").await;
    assert_eq!(rename(&an, &id, "stolen").await.answer.code(), 404);
    remove(&an, &id).await.is(200);
    assert_eq!((names(&home).await, names(&an).await), (vec!["phone".into()], vec!["an's".into()]));
}

#[tokio::test]
async fn g52_a_person_has_ten_passkeys_at_most() {
    let home = Home::open().await;
    for number in 0..10 {
        home.add(&mut Authenticator::new("EdDSA"), &number.to_string()).await;
    }
    let page = home.browser.get(ACCOUNT).await.is(200);
    assert!(page.text().contains("You have 10 passkeys"), "{}", page.text());
    assert!(!page.text().contains(r#"id="passkey-add""#));
    // A page that was open before gets no further.
    let answer = Authenticator::new("EdDSA").create(&home.creation_options().await);
    let token = page.form(RENAME).value("form_token").unwrap();
    let fields = [("credential", &*answer), ("name", "eleventh"), ("form_token", token)];
    home.browser.post(super::ADD, &fields).await.is(422);
    assert_eq!(names(&home).await.len(), 10);
}

#[tokio::test]
async fn g65_adding_and_removing_are_in_the_audit_without_values() {
    let home = Home::with_password().await;
    home.add(&mut Authenticator::new("ES256"), "phone").await;
    let id = home.passkeys().await[0].id.to_string();
    remove(&home, &id).await.is(200);
    let auditor = home.service.client("acme", "audit:read audit:values").await;
    let entries = auditor.read(&format!("{}/audit", home.user.path)).await;
    let operations: Vec<_> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["operation"].clone())
        .collect();
    for operation in ["user.passkey_add", "user.passkey_remove"] {
        assert!(operations.contains(&operation.into()), "{operations:?}");
    }
    assert!(!entries.to_string().contains("phone"), "{entries}");
}
