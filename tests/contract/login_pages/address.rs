//! The e-mail address is changed by its owner and by nobody else (rules G50, U18).

use futures_util::future::join_all;

use super::*;

const DEAD: &str = "This link no longer works";
const ADDRESS: &str = "/idhub/account/address";

/// Asks for another address.
async fn ask(browser: &Browser, address: &str) -> Page {
    let page = browser.get(ACCOUNT).await.is(200);
    browser.submit_form(&page, ADDRESS, &[("email", address)]).await
}

/// Presses the button of a link.
async fn act(browser: &Browser, link: &str, act: &str) -> Page {
    let page = open(browser, link).await.is(200);
    browser.submit_form(&page, LINK, &[("act", act)]).await
}

/// The links of the two mails: to the new address and to the old one.
async fn links(service: &Service) -> (MailSeen, MailSeen) {
    let mails = service.deliver_mails().await;
    let of = |kind| {
        let found = mails.iter().find(|mail| mail.kind == kind);
        found.unwrap_or_else(|| panic!("{kind}: {mails:?}")).clone()
    };
    (of(MailKind::AddressConfirm), of(MailKind::AddressNotice))
}

#[tokio::test]
async fn u18_an_address_changes_when_its_new_owner_confirms_it_and_not_before() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let tag = service.crm().await.tag_of(&jan.path).await;
    let page = ask(&browser, "Jan.New@example.org").await.is(200);
    assert!(page.text().contains("A message is on its way"), "{}", page.text());
    assert!(page.text().contains("Jan.New@example.org waits for confirmation."));
    assert_eq!(service.crm().await.tag_of(&jan.path).await, tag, "the profile is as it was");
    assert_eq!(shown(&service, &jan).await["preferred_email"], "jan@example.org");
    let (confirm, notice) = links(&service).await;
    assert_eq!((&*confirm.to, &*notice.to), ("Jan.New@example.org", "jan@example.org"));
    // The link works in any browser, and says the address.
    let stranger = Browser::new(&service);
    let question = open(&stranger, confirm.link()).await.is(200);
    assert!(question.text().contains("Is Jan.New@example.org your new e-mail address?"));
    assert_eq!(shown(&service, &jan).await["preferred_email"], "jan@example.org");
    act(&stranger, confirm.link(), "confirm").await.is(200);
    let user = shown(&service, &jan).await;
    assert_eq!(user["preferred_email"], "Jan.New@example.org");
    assert_eq!(user["email_verified"], true);
    assert!(is_signed_in(&browser).await);
    is_error(&open(&stranger, confirm.link()).await.is(400), DEAD);
    let found = service.crm().await.get("/identity/users/by/preferred_email/jan.new@example.org");
    found.await.is(200);
    service.check().await;
}

#[tokio::test]
async fn g50_of_fifty_confirmations_one_succeeds() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "new@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    let stranger = Browser::new(&service);
    let page = open(&stranger, confirm.link()).await.is(200);
    let uses = (0..50).map(|_| stranger.submit_form(&page, LINK, &[("act", "confirm")]));
    let pages = join_all(uses).await;
    let done = pages.iter().filter(|page| page.answer.code() == 200).count();
    assert_eq!(done, 1);
    assert_eq!(shown(&service, &jan).await["preferred_email"], "new@example.org");
    service.check().await;
}

#[tokio::test]
async fn g50_a_change_needs_a_sign_in_of_the_last_five_minutes() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(ACCOUNT).await.is(200);
    service.clock.advance(301);
    let again = browser.submit_form(&page, ADDRESS, &[("email", "new@example.org")]).await.is(200);
    assert!(again.has_form("/idhub/login/password"), "{}", again.text());
    assert!(again.url.contains("prompt=login") && again.url.contains("return_to="));
    assert!(facts(&service, &jan).await.pending_address.is_none());
    // The sign-in leads back to the page.
    let back = browser.enter(&again, "jan", PASSWORD).await.is(200);
    assert_eq!(back.url, ACCOUNT);
    ask(&browser, "new@example.org").await.is(200);
    assert!(facts(&service, &jan).await.pending_address.is_some());
}

#[tokio::test]
async fn g50_the_old_address_stops_a_change_that_waits() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "thief@example.org").await.is(200);
    let (confirm, notice) = links(&service).await;
    let owner = Browser::new(&service);
    let done = act(&owner, notice.link(), "undo").await.is(200);
    assert!(done.text().contains("The change is stopped"), "{}", done.text());
    assert!(done.text().contains("/idhub/login/forgot?tenant=acme"), "{}", done.text());
    assert!(!is_signed_in(&browser).await, "who asked is signed out");
    is_error(&open(&owner, confirm.link()).await.is(400), DEAD);
    is_error(&open(&owner, notice.link()).await.is(400), DEAD);
    assert_eq!(shown(&service, &jan).await["preferred_email"], "jan@example.org");
    let facts = facts(&service, &jan).await;
    assert!(facts.pending_address.is_none() && facts.undo.is_none());
    service.check().await;
}

#[tokio::test]
async fn g50_the_old_address_takes_a_confirmed_change_back_for_72_hours() {
    for (waited, works) in [(72 * 3600 - 1, true), (72 * 3600, false)] {
        let (service, jan) = start().await;
        let address = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
        let admin = service.client(TENANT, "administrator").await;
        admin.post(&jan.below("verify"), address).await.is(200);
        let browser = service.browser_of("jan", PASSWORD).await;
        ask(&browser, "thief@example.org").await.is(200);
        let (confirm, notice) = links(&service).await;
        act(&Browser::new(&service), confirm.link(), "confirm").await.is(200);
        service.clock.advance(waited);
        let browser = service.browser_of("jan", PASSWORD).await;
        let owner = Browser::new(&service);
        if !works {
            is_error(&open(&owner, notice.link()).await.is(400), DEAD);
            assert_eq!(shown(&service, &jan).await["preferred_email"], "thief@example.org");
            continue;
        }
        act(&owner, notice.link(), "undo").await.is(200);
        let user = shown(&service, &jan).await;
        assert_eq!(user["preferred_email"], "jan@example.org");
        assert_eq!(user["email_verified"], true);
        assert!(!is_signed_in(&browser).await);
        service.check().await;
    }
}

#[tokio::test]
async fn g50_a_thief_cannot_get_rid_of_the_way_back_by_a_further_change() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "thief@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    act(&Browser::new(&service), confirm.link(), "confirm").await.is(200);
    service.clock.advance(3600);
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "thief.second@example.org").await.is(200);
    let (confirm, notice) = links(&service).await;
    assert_eq!(notice.to, "jan@example.org", "the first address, and not the thief's");
    act(&Browser::new(&service), confirm.link(), "confirm").await.is(200);
    act(&Browser::new(&service), notice.link(), "undo").await.is(200);
    assert_eq!(shown(&service, &jan).await["preferred_email"], "jan@example.org");
}

#[tokio::test]
async fn g50_an_address_that_an_administrator_has_set_since_is_not_taken_back() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "new@example.org").await.is(200);
    let (confirm, notice) = links(&service).await;
    act(&Browser::new(&service), confirm.link(), "confirm").await.is(200);
    move_to(&service, &jan, "set@example.org").await;
    act(&Browser::new(&service), notice.link(), "undo").await.is(200);
    assert_eq!(shown(&service, &jan).await["preferred_email"], "set@example.org");
}

#[tokio::test]
async fn g50_a_change_is_cancelled_by_the_person_and_by_a_reset() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "new@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    let page = browser.get(ACCOUNT).await.is(200);
    let page = browser.submit_form(&page, "/idhub/account/address/cancel", &[]).await.is(200);
    assert!(page.text().contains("is cancelled") && !page.text().contains("new@example.org"));
    is_error(&open(&browser, confirm.link()).await.is(400), DEAD);
    service.clock.advance(3600);
    let browser = service.browser_of("jan", PASSWORD).await;
    ask(&browser, "newer@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    let link = reset_link(&service, &browser, "jan").await;
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, NEW).await.is(200);
    is_error(&open(&browser, confirm.link()).await.is(400), DEAD);
    assert!(facts(&service, &jan).await.pending_address.is_none());
}

#[tokio::test]
async fn g49_a_temporary_password_and_its_replacement_drop_an_address_that_waits() {
    const GIVEN: &str = "gently rowing past nine herons";
    let (service, jan) = start().await;
    let thief = service.browser_of("jan", PASSWORD).await;
    ask(&thief, "thief@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    let crm = service.crm().await;
    let path = jan.below("temporary-password");
    crm.post(&path, json!({ "password": GIVEN })).await.is(200);
    is_error(&open(&Browser::new(&service), confirm.link()).await.is(400), DEAD);
    assert!(facts(&service, &jan).await.pending_address.is_none());
    // A passkey of the thief still signs in, until the person removes it.
    service.clock.advance(3600);
    thief.set_cookie("session", Some(&service.give_session(&jan.id).await));
    ask(&thief, "thief@example.org").await.is(200);
    let (confirm, _) = links(&service).await;
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", GIVEN).await.is(200);
    let fields = [("new_password", NEW)];
    browser.submit_form(&page, "/idhub/login/new-password", &fields).await.is(200);
    is_error(&open(&Browser::new(&service), confirm.link()).await.is(400), DEAD);
    assert!(facts(&service, &jan).await.pending_address.is_none());
    assert_eq!(shown(&service, &jan).await["preferred_email"], "jan@example.org");
    service.check().await;
}

#[tokio::test]
async fn g24_a_session_that_is_ended_meanwhile_asks_for_no_other_address() {
    let (service, jan) = start().await;
    let (thief, owner) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let page = thief.get(ACCOUNT).await.is(200);
    let gate = service.faults.hold("TransactWriteItems");
    let asking = thief.submit_form(&page, ADDRESS, &[("email", "thief@example.org")]);
    let ending = async {
        gate.reached().await;
        let of_owner = owner.get(ACCOUNT).await.is(200);
        owner.submit_form(&of_owner, "/idhub/account/sessions/end", &[]).await.is(200);
        gate.open();
    };
    let (asked, ()) = tokio::join!(asking, ending);
    is_error(&asked.is(409), "Something has changed meanwhile");
    assert!(facts(&service, &jan).await.pending_address.is_none());
    assert!(!is_signed_in(&thief).await && is_signed_in(&owner).await);
    service.check().await;
}

#[tokio::test]
async fn g50_what_is_no_address_and_the_present_one_are_refused_at_their_field() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    for (typed, why) in [
        ("", "Enter an e-mail address"),
        ("jan", "Enter an e-mail address"),
        ("Jan <jan@example.org>", "Enter an e-mail address"),
        ("JAN@EXAMPLE.ORG", "This is your present address."),
    ] {
        let page = ask(&browser, typed).await.is(422);
        assert!(page.text().contains(why), "{typed}: {}", page.text());
        assert!(page.text().contains("<a href=\"#email\">"), "{}", page.text());
        assert!(page.text().contains("<details open>"), "{}", page.text());
    }
    assert!(facts(&service, &jan).await.pending_address.is_none());
    assert!(service.deliver_mails().await.is_empty());
}
