//! Passwords and tokens are nowhere but where they belong (rules G32, G44, G71), and people are told
//! what happened to their accounts (rule G38).

use crate::audit::entries;
use crate::edge::logs;

use super::*;

/// The operations that the audit has of a user, oldest first.
pub async fn operations(service: &Service, user: &Resource) -> Vec<String> {
    let entries = entries(service, &user.id).await;
    entries.iter().map(|entry| entry.entry.operation.to_string()).collect()
}

#[tokio::test]
async fn g32_a_password_is_in_no_item_no_log_line_and_no_answer() {
    logs::keep();
    let (service, jan) = start().await;
    let typed = [PASSWORD, NEW, "a wrong phrase, typed once", "kort"];
    let browser = service.browser_of("jan", PASSWORD).await;
    Browser::new(&service).sign_in(TENANT, "jan", typed[2]).await.is(422);
    let account = browser.get(ACCOUNT).await.is(200);
    let change = async |current, new| {
        let fields = [("current_password", current), ("new_password", new)];
        browser.submit_form(&account, "/idhub/account/password", &fields).await
    };
    let mut pages =
        vec![change(typed[2], NEW).await.is(422), change(PASSWORD, "kort").await.is(422)];
    pages.push(change(PASSWORD, NEW).await.is(200));
    let link = reset_link(&service, &browser, "jan").await;
    let page = open(&browser, &link).await.is(200);
    pages.push(set(&browser, &page, "kort").await.is(422));
    pages.push(set(&browser, &page, PASSWORD).await.is(200));
    let secret = link.rsplit_once('.').unwrap().1;
    let items = service.items().await;
    for text in typed.iter().take(3).chain([&secret, &"$argon2"]) {
        assert!(items.iter().all(|item| !item.contains(text)), "{text} in the table");
        assert!(logs::lines_with(text).is_empty(), "{text} in the log");
        // The page of a link carries the link on, and nothing else does.
        let shown = pages.iter().any(|page| page.text().contains(text));
        assert!(!shown || **text == *secret, "{text} in a page");
    }
    for mail in service.deliver_mails().await {
        assert!(typed.iter().all(|text| !mail.mime.contains(text)), "{}", mail.mime);
    }
    assert!(operations(&service, &jan).await.contains(&"user.password_set".to_owned()));
    service.check().await;
}

#[tokio::test]
async fn g71_the_log_names_neither_username_nor_address_of_a_person() {
    logs::keep();
    let service = Service::start().await;
    let user = service.member("zeearend", PASSWORD).await;
    let browser = service.browser_of("zeearend", PASSWORD).await;
    Browser::new(&service).sign_in(TENANT, "zeearend", "a wrong phrase here").await.is(422);
    let page = browser.get(ACCOUNT).await.is(200);
    let fields = [("email", "zeearend.new@example.org")];
    browser.submit_form(&page, "/idhub/account/address", &fields).await.is(200);
    reset_link(&service, &browser, "zeearend").await;
    assert!(logs::lines_with("zeearend").is_empty());
    assert!(!user.id.is_empty());
}

#[tokio::test]
async fn g38_the_person_is_told_of_each_change_of_a_credential_or_an_address() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let kinds = async || -> Vec<(MailKind, String)> {
        let mails = service.deliver_mails().await;
        mails.into_iter().map(|mail| (mail.kind, mail.to)).collect()
    };
    kinds().await;
    let own = |kind| (kind, "jan@example.org".to_owned());
    let page = browser.get(ACCOUNT).await.is(200);
    let fields = [("current_password", PASSWORD), ("new_password", NEW)];
    browser.submit_form(&page, "/idhub/account/password", &fields).await.is(200);
    assert_eq!(kinds().await, [own(MailKind::PasswordChanged)]);
    let page = browser.get(ACCOUNT).await.is(200);
    let fields = [("email", "new@example.org")];
    browser.submit_form(&page, "/idhub/account/address", &fields).await.is(200);
    let told = kinds().await;
    assert!(told.contains(&own(MailKind::AddressNotice)), "{told:?}");
    assert!(told.contains(&(MailKind::AddressConfirm, "new@example.org".to_owned())), "{told:?}");
    let link = reset_link(&service, &browser, "jan").await;
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, PASSWORD).await.is(200);
    assert_eq!(kinds().await, [own(MailKind::PasswordChanged)]);
    // Five failures, then a success from a new browser.
    for _ in 0..5 {
        assert!(!signs_in(&service, "jan", "a wrong phrase here").await);
    }
    assert!(signs_in(&service, "jan", PASSWORD).await);
    let told = kinds().await;
    assert!(told.contains(&own(MailKind::Failures)), "{told:?}");
    assert!(told.contains(&own(MailKind::NewDevice)), "{told:?}");
}
