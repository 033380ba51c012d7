//! Passwords that the service takes, replaces and refuses (rules G27 to G33).

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use shared::domain::people::{PasswordFacts, SetBy};

use super::*;

const NEW_PASSWORD: &str = "/idhub/login/new-password";

async fn stored(service: &Service, user: &Resource) -> String {
    service.table.find_password(&tenant(), id(user)).await.unwrap().unwrap()
}

#[tokio::test]
async fn g31_a_hash_of_another_system_signs_in_once_and_is_replaced() {
    let (service, jan) = start().await;
    // A vector of py-bcrypt.
    let bcrypt = "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga";
    let write = service.table.password_write(&tenant(), id(&jan), bcrypt).await.unwrap();
    let now = service.clock.now();
    let imported = PasswordFacts::lasting(SetBy::Import, now);
    let edit = |login: &mut LoginFacts| login.password = Some(imported.clone());
    service.change_account(&jan.id, vec![write], edit).await;
    assert!(!signs_in(&service, "jan", "allmine2").await);
    assert_eq!(stored(&service, &jan).await, bcrypt);
    // Eight characters: the person keeps the password, the policy is for new ones.
    assert!(signs_in(&service, "jan", "allmine").await);
    let replaced = stored(&service, &jan).await;
    assert!(replaced.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{replaced}");
    assert!(signs_in(&service, "jan", "allmine").await);
    assert_eq!(stored(&service, &jan).await, replaced, "it is replaced once");
    let facts = facts(&service, &jan).await.password.unwrap();
    assert_eq!((facts.set_by, facts.last_used_at), (SetBy::Import, Some(service.clock.now())));
    service.check().await;
}

#[tokio::test]
async fn g31_weaker_parameters_are_raised_at_the_next_sign_in() {
    let (service, jan) = start().await;
    let before = stored(&service, &jan).await;
    assert!(signs_in(&service, "jan", PASSWORD).await);
    assert_eq!(stored(&service, &jan).await, before, "made with the present parameters");
    let params = Params::new(8192, 1, 1, Some(32)).unwrap();
    let (salt, mut hash) = ([7; 16], [0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(NEW.as_bytes(), &salt, &mut hash).unwrap();
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    let weak = format!("$argon2id$v=19$m=8192,t=1,p=1${salt}${hash}");
    let write = service.table.password_write(&tenant(), id(&jan), &weak).await.unwrap();
    service.change_account(&jan.id, vec![write], |_| {}).await;
    assert!(signs_in(&service, "jan", NEW).await);
    let raised = stored(&service, &jan).await;
    assert!(raised.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{raised}");
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g28_one_password_has_many_spellings() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, "brûlée wagon orbit").await.is(200);
    for same in ["brûlée wagon orbit", "bru\u{302}le\u{301}e wagon\u{a0}orbit"] {
        assert!(signs_in(&service, "jan", same).await, "{same:?}");
    }
    for other in ["Brûlée wagon orbit", "brulee wagon orbit", " brûlée wagon orbit"] {
        assert!(!signs_in(&service, "jan", other).await, "{other:?}");
    }
}

/// A person with a temporary password, and the page on which it is to be replaced.
async fn temporary() -> (Service, Resource, Browser, Page) {
    let (service, jan) = start().await;
    let now = service.clock.now();
    service.give_password_as(&jan.id, PASSWORD, PasswordFacts::temporary(now)).await;
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert!(page.has_form(NEW_PASSWORD), "{}", page.text());
    assert_eq!(browser.cookie("session"), None, "G33: nobody is signed in by it");
    (service, jan, browser, page)
}

#[tokio::test]
async fn g33_a_temporary_password_is_replaced_before_anybody_is_signed_in() {
    let (service, jan, browser, page) = temporary().await;
    let mut page = page;
    for (refused, why) in [
        ("", "too short"),
        ("passwordpassword", "repeats"),
        (PASSWORD, "This is your present password."),
    ] {
        page = browser.submit_form(&page, NEW_PASSWORD, &[("new_password", refused)]).await.is(422);
        assert!(page.text().contains(why), "{refused}: {}", page.text());
        assert_eq!(browser.cookie("session"), None);
    }
    let done = browser.submit_form(&page, NEW_PASSWORD, &[("new_password", NEW)]).await.is(200);
    assert_eq!(done.url, ACCOUNT, "{}", done.text());
    assert!(is_signed_in(&browser).await);
    let facts = facts(&service, &jan).await.password.unwrap();
    assert_eq!((facts.must_change, facts.ends_at, facts.set_by), (false, None, SetBy::Myself));
    assert!(signs_in(&service, "jan", NEW).await && !signs_in(&service, "jan", PASSWORD).await);
    // The page is good once.
    let again =
        browser.submit_form(&page, NEW_PASSWORD, &[("new_password", "another good phrase")]);
    is_error(&again.await.is(400), "This page has expired");
    assert!(signs_in(&service, "jan", NEW).await);
    service.check().await;
}

#[tokio::test]
async fn g33_a_temporary_password_is_good_for_72_hours() {
    let (service, jan) = start().await;
    let now = service.clock.now();
    service.give_password_as(&jan.id, PASSWORD, PasswordFacts::temporary(now)).await;
    service.clock.advance(72 * 3600 - 1);
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert!(page.has_form(NEW_PASSWORD));
    service.clock.advance(1);
    let over = Browser::new(&service).sign_in(TENANT, "jan", PASSWORD).await.is(403);
    assert!(over.text().contains("This temporary password has expired."), "{}", over.text());
    // A wrong one is told nothing.
    let wrong = Browser::new(&service).sign_in(TENANT, "jan", NEW).await.is(422);
    assert!(!wrong.text().contains("temporary"), "{}", wrong.text());
}

#[tokio::test]
async fn g33_the_page_of_a_temporary_password_is_over_when_the_account_has_changed() {
    let (service, jan, browser, page) = temporary().await;
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let other = Browser::new(&service);
    let of_link = open(&other, &link).await.is(200);
    set(&other, &of_link, NEW).await.is(200);
    let fields = [("new_password", "an intruder's good phrase")];
    is_error(
        &browser.submit_form(&page, NEW_PASSWORD, &fields).await.is(400),
        "This page has expired",
    );
    assert_eq!(browser.cookie("session"), None);
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g33_the_page_of_a_temporary_password_outlasts_sign_ins_and_changes_of_the_profile() {
    let (service, jan, browser, page) = temporary().await;
    // A passkey signs in beside it, and another system writes the profile.
    service.give_session(&jan.id).await;
    let crm = service.crm().await;
    crm.patch(&jan.path, json!({ "given_name": "Johannes" })).if_match("*").await.is(200);
    let weak = browser.submit_form(&page, NEW_PASSWORD, &[("new_password", "kort")]).await.is(422);
    service.give_session(&jan.id).await;
    let done = browser.submit_form(&weak, NEW_PASSWORD, &[("new_password", NEW)]).await.is(200);
    assert_eq!(done.url, ACCOUNT, "{}", done.text());
    assert!(signs_in(&service, "jan", NEW).await);
    service.check().await;
}

#[tokio::test]
async fn g33_the_page_of_a_temporary_password_is_over_with_the_next_temporary_password() {
    let (service, jan, browser, page) = temporary().await;
    let given = json!({ "password": "gently rowing past nine herons" });
    service.crm().await.post(&jan.below("temporary-password"), given).await.is(200);
    let fields = [("new_password", NEW)];
    let refused = browser.submit_form(&page, NEW_PASSWORD, &fields).await.is(400);
    is_error(&refused, "This page has expired");
    assert!(!signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g33_the_page_by_itself_leads_back_to_the_sign_in() {
    let (service, ..) = start().await;
    let page = Browser::new(&service).get(NEW_PASSWORD).await.is(400);
    assert!(page.text().contains("<h1>This page has expired</h1>"), "{}", page.text());
}

#[tokio::test]
async fn g27_and_g29_hold_wherever_a_password_is_set() {
    let (service, jan) = start().await;
    let now = service.clock.now();
    let weak = ["short", "passwordpassword", "abcdefghijklmnop"];
    let browser = service.browser_of("jan", PASSWORD).await;
    let account = browser.get(ACCOUNT).await.is(200);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let of_link = open(&browser, &link).await.is(200);
    for weak in weak {
        set(&browser, &of_link, weak).await.is(422);
        let fields = [("current_password", PASSWORD), ("new_password", weak)];
        browser.submit_form(&account, "/idhub/account/password", &fields).await.is(422);
    }
    service.give_password_as(&jan.id, PASSWORD, PasswordFacts::temporary(now)).await;
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    for weak in weak {
        browser.submit_form(&page, NEW_PASSWORD, &[("new_password", weak)]).await.is(422);
    }
}
