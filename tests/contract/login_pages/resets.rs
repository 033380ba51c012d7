//! The passkeys of an account whose password is replaced: somebody else may have added one (rule
//! G49).

use shared::domain::people::{PasswordFacts, SecretHash};
use shared::store::people::delete_passkey;

use super::*;

const NEW_PASSWORD: &str = "/idhub/login/new-password";
/// The box that removes all passkeys.
const BOX: &str = "remove_passkeys";

/// Jan, who has a password, a passkey, and a passkey that was added a day later.
async fn with_passkeys() -> (Service, Resource, [SecretHash; 2]) {
    let (service, jan) = start().await;
    let phone = service.give_passkey(&jan.id, "Phone <b>").await;
    service.clock.advance(86_400);
    let other = service.give_passkey(&jan.id, "Other").await;
    (service, jan, [phone, other])
}

/// How many passkeys the account names, and how many of these there are.
async fn left(service: &Service, user: &Resource, passkeys: &[SecretHash]) -> (usize, usize) {
    let mut found = 0;
    for passkey in passkeys {
        let passkey = service.table.find_passkey(&tenant(), passkey).await.unwrap();
        found += usize::from(passkey.is_some());
    }
    (facts(service, user).await.passkeys.len(), found)
}

/// Asserts that a page shows both passkeys, and that its form removes them or does not.
#[track_caller]
fn shows_both(page: &Page, action: &str, removes: bool) {
    for text in [
        "Passkeys of this account: 2.",
        "Phone &lt;b&gt;",
        "Added on 21 November 2026 at 10:00 UTC",
        "Added on 22 November 2026 at 10:00 UTC",
        "Tick this if you do not recognise one of them.",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert_eq!(page.form(action).value(BOX), removes.then_some("1"));
}

/// The page of a link that a person got, in another browser.
async fn open_link_for(service: &Service, jan: &Resource, kind: LinkKind) -> (Browser, Page) {
    let browser = Browser::new(service);
    let link = link_for(service, jan, kind).await;
    let page = open(&browser, &link).await.is(200);
    (browser, page)
}

#[tokio::test]
async fn g49_the_page_of_a_link_shows_the_passkeys_and_keeps_them_unless_asked() {
    for kind in [LinkKind::Reset, LinkKind::Invitation] {
        let (service, jan, passkeys) = with_passkeys().await;
        let (browser, page) = open_link_for(&service, &jan, kind).await;
        shows_both(&page, LINK, false);
        let done = set(&browser, &page, NEW).await.is(200);
        assert!(!done.text().contains("passkeys"), "{}", done.text());
        assert_eq!(left(&service, &jan, &passkeys).await, (2, 2), "{kind}");
        // The person is told that they work, and where to remove them.
        let told = mail(&service, MailKind::PasswordChanged).await;
        assert!(told.text.contains("Your passkeys still work. Remove those"), "{}", told.text);
        assert!(told.html.contains("Your passkeys still work."), "{}", told.html);
    }
}

#[tokio::test]
async fn g49_a_person_without_passkeys_reads_nothing_of_them() {
    for kind in [LinkKind::Reset, LinkKind::Invitation] {
        let (service, jan) = start().await;
        let (browser, page) = open_link_for(&service, &jan, kind).await;
        assert!(!page.text().contains("Passkey") && !page.text().contains(BOX), "{}", page.text());
        set(&browser, &page, NEW).await.is(200);
        let told = mail(&service, MailKind::PasswordChanged).await;
        assert!(!told.text.contains("passkey"), "{}", told.text);
    }
}

#[tokio::test]
async fn g49_a_link_removes_all_passkeys_if_the_person_asks_for_it() {
    for kind in [LinkKind::Reset, LinkKind::Invitation] {
        let (service, jan, passkeys) = with_passkeys().await;
        let (browser, page) = open_link_for(&service, &jan, kind).await;
        let fields = [("act", "password"), ("new_password", "kort"), (BOX, "1")];
        let page = browser.submit_form(&page, LINK, &fields).await.is(422);
        // Nothing is done yet, and the choice is kept.
        shows_both(&page, LINK, true);
        assert_eq!(left(&service, &jan, &passkeys).await, (2, 2), "{kind}");
        let done = set(&browser, &page, NEW).await.is(200);
        assert!(done.text().contains("all passkeys were removed"), "{}", done.text());
        assert_eq!(left(&service, &jan, &passkeys).await, (0, 0), "{kind}");
        let told = mail(&service, MailKind::PasswordChanged).await;
        assert!(told.text.contains("All passkeys of your account were removed."), "{}", told.text);
        assert!(!told.text.contains("still work"), "{}", told.text);
        assert!(signs_in(&service, "jan", NEW).await);
        service.check().await;
    }
}

#[tokio::test]
async fn g49_a_temporary_password_is_replaced_with_the_passkeys_or_without_them() {
    for removes in [false, true] {
        let (service, jan, passkeys) = with_passkeys().await;
        let now = service.clock.now();
        service.give_password_as(&jan.id, PASSWORD, PasswordFacts::temporary(now)).await;
        let browser = Browser::new(&service);
        let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
        shows_both(&page, NEW_PASSWORD, false);
        let mut page = page;
        // Refused by the policy, and as the present password.
        for refused in ["kort", PASSWORD] {
            let mut fields = vec![("new_password", refused)];
            fields.extend(removes.then_some((BOX, "1")));
            page = browser.submit_form(&page, NEW_PASSWORD, &fields).await.is(422);
            shows_both(&page, NEW_PASSWORD, removes);
            assert_eq!(left(&service, &jan, &passkeys).await, (2, 2));
        }
        let fields = [("new_password", NEW)];
        let done = browser.submit_form(&page, NEW_PASSWORD, &fields).await.is(200);
        assert_eq!(done.url, ACCOUNT, "{}", done.text());
        let due = if removes { (0, 0) } else { (2, 2) };
        assert_eq!(left(&service, &jan, &passkeys).await, due);
        let told = mail(&service, MailKind::PasswordChanged).await;
        assert_eq!(told.text.contains("All passkeys of your account were removed."), removes);
        assert_eq!(told.text.contains("Your passkeys still work."), !removes);
        service.check().await;
    }
}

/// Removes the passkeys of a person, as the account page does one by one.
async fn remove_all(service: &Service, user: &Resource, passkeys: &[SecretHash]) {
    let gone = passkeys.iter().map(|passkey| delete_passkey(&tenant(), passkey, id(user)));
    service.change_account(&user.id, gone.collect(), |login| login.passkeys.clear()).await;
}

#[tokio::test]
async fn g49_passkeys_that_are_gone_are_not_said_to_be_removed() {
    for kind in [LinkKind::Reset, LinkKind::Invitation] {
        let (service, jan, passkeys) = with_passkeys().await;
        let (browser, page) = open_link_for(&service, &jan, kind).await;
        remove_all(&service, &jan, &passkeys).await;
        let fields = [("act", "password"), ("new_password", NEW), (BOX, "1")];
        let done = browser.submit_form(&page, LINK, &fields).await.is(200);
        assert!(!done.text().contains("passkeys"), "{kind}: {}", done.text());
        let told = mail(&service, MailKind::PasswordChanged).await;
        assert!(!told.text.contains("passkey"), "{kind}: {}", told.text);
    }
    let (service, jan, passkeys) = with_passkeys().await;
    let now = service.clock.now();
    service.give_password_as(&jan.id, PASSWORD, PasswordFacts::temporary(now)).await;
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    remove_all(&service, &jan, &passkeys).await;
    let fields = [("new_password", NEW), (BOX, "1")];
    browser.submit_form(&page, NEW_PASSWORD, &fields).await.is(200);
    let told = mail(&service, MailKind::PasswordChanged).await;
    assert!(!told.text.contains("passkey"), "{}", told.text);
}

#[tokio::test]
async fn g49_the_box_makes_no_changed_password_of_a_first_one() {
    let service = Service::start().await;
    let jan = service.crm().await.create("/identity/users", tests::person("jan")).await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Invitation).await;
    let page = open(&browser, &link).await.is(200);
    let fields = [("act", "password"), ("new_password", NEW), (BOX, "1")];
    let done = browser.submit_form(&page, LINK, &fields).await.is(200);
    assert!(!done.text().contains("passkeys"), "{}", done.text());
    let mails = service.deliver_mails().await;
    assert!(mails.iter().all(|mail| mail.kind != MailKind::PasswordChanged), "{mails:?}");
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g65_the_audit_tells_how_many_passkeys_a_reset_removed() {
    let (service, jan, _) = with_passkeys().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    let (version, before) = (service.version_of(&jan.id).await, shown(&service, &jan).await);
    let fields = [("act", "password"), ("new_password", NEW), (BOX, "1")];
    browser.submit_form(&page, LINK, &fields).await.is(200);
    let auditor = service.client(TENANT, "audit:read audit:values").await;
    let path = format!("{}?attribute=passkeys", jan.below("audit"));
    let entries = auditor.read(&path).await["items"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(entries[0]["operation"], "user.password_reset");
    let due = json!([{ "pointer": "/passkeys", "from": 2, "to": null }]);
    assert_eq!(entries[0]["changes"], due);
    // They are no part of the profile: what it was is found across the entry.
    let was = auditor.read(&format!("{}?version={version}", jan.below("at"))).await;
    assert_eq!((&was["updated_at"], &was["unknown"]), (&before["updated_at"], &json!([])));
}
