//! Links that set a password (rules G44 to G49).

use futures_util::future::join_all;
use tests::Fault;

use super::*;

const DEAD: &str = "This link no longer works";

#[tokio::test]
async fn g44_the_newest_link_of_a_kind_alone_sets_a_password() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let first = link_for(&service, &jan, LinkKind::Reset).await;
    let second = link_for(&service, &jan, LinkKind::Reset).await;
    is_error(&open(&browser, &first).await.is(400), DEAD);
    let page = open(&browser, &second).await.is(200);
    set(&browser, &page, NEW).await.is(200);
    // A token of nobody, and one of another tenant.
    let (path, token) = second.split_once('#').unwrap();
    let (_, secret) = token.split_once('.').unwrap();
    for token in [format!("other.{secret}"), format!("acme.{}", "A".repeat(43))] {
        is_error(&open(&browser, &format!("{path}#{token}")).await.is(400), DEAD);
    }
    service.check().await;
}

#[tokio::test]
async fn g44_a_person_without_javascript_pastes_the_link_or_its_end() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = browser.get(LINK).await.is(200);
    assert!(page.text().contains("<label for=\"link\">"), "{}", page.text());
    let (_, token) = link.split_once('#').unwrap();
    for typed in [&*link, token, &format!(" {link}\r\n")] {
        let shown = browser.submit(&page, &[("link", typed)]).await.is(200);
        assert!(shown.text().contains("Your username is jan."), "{}", shown.text());
    }
    for typed in ["", "jan", "https://kith.example/", "https://kith.example/idhub/login/link#x"] {
        let again = browser.submit(&page, &[("link", typed)]).await.is(422);
        assert!(again.text().contains("aria-invalid=\"true\""), "{}", again.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g45_of_fifty_uses_of_a_link_one_sets_the_password() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    let passwords: Vec<_> = (0..50).map(|i| format!("{NEW} number {i}")).collect();
    let uses = passwords.iter().map(|password| set(&browser, &page, password));
    let pages = join_all(uses).await;
    let won: Vec<_> =
        pages.iter().enumerate().filter(|(_, page)| page.answer.code() == 200).collect();
    let [(winner, _)] = &*won else { panic!("{} won", won.len()) };
    for (_, page) in pages.iter().enumerate().filter(|(i, _)| i != winner) {
        is_error(&page.clone().is(400), DEAD);
    }
    assert!(signs_in(&service, "jan", &passwords[*winner]).await);
    assert!(!signs_in(&service, "jan", PASSWORD).await);
    service.check().await;
}

#[tokio::test]
async fn g45_a_refused_password_does_not_use_a_link_up() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let mut page = open(&browser, &link).await.is(200);
    for (weak, why) in [
        ("", "too short"),
        ("kort", "too short"),
        ("passwordpassword", "repeats"),
        ("jan janssen acme kith", "your username"),
    ] {
        page = set(&browser, &page, weak).await.is(422);
        let text = page.text();
        assert!(text.contains(why) && text.contains("role=\"alert\""), "{weak}: {text}");
        assert!(text.contains("aria-invalid=\"true\"") && text.contains(" autofocus"), "{text}");
        assert!(weak.is_empty() || !text.contains(weak), "the password is not sent back");
    }
    set(&browser, &page, NEW).await.is(200);
    is_error(&set(&browser, &page, NEW).await.is(400), DEAD);
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g45_a_reset_works_for_30_minutes_and_an_invitation_for_7_days() {
    for (kind, seconds) in [(LinkKind::Reset, 1800), (LinkKind::Invitation, 7 * 86_400)] {
        let (service, jan) = start().await;
        let browser = Browser::new(&service);
        let link = link_for(&service, &jan, kind).await;
        service.clock.advance(seconds - 1);
        let page = open(&browser, &link).await.is(200);
        service.clock.advance(1);
        is_error(&set(&browser, &page, NEW).await.is(400), DEAD);
        let page = open(&browser, &link).await.is(400);
        is_error(&page, DEAD);
        assert!(page.text().contains("/idhub/login/forgot?tenant=acme"), "{}", page.text());
        assert!(signs_in(&service, "jan", PASSWORD).await);
    }
}

#[tokio::test]
async fn g46_a_link_does_nothing_before_its_form_is_sent() {
    let (service, jan) = start().await;
    let link = link_for(&service, &jan, LinkKind::Invitation).await;
    let version = service.version_of(&jan.id).await;
    for _ in 0..3 {
        let browser = Browser::new(&service);
        open(&browser, &link).await.is(200);
    }
    assert_eq!(service.version_of(&jan.id).await, version);
    let browser = Browser::new(&service);
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, NEW).await.is(200);
    assert!(service.version_of(&jan.id).await > version);
}

#[tokio::test]
async fn g47_the_host_of_a_request_is_in_no_mail() {
    let (service, _) = start().await;
    let browser = Browser::new(&service);
    let path = format!("/idhub/login/forgot?tenant={TENANT}");
    let page = browser.get(&path).await.is(200);
    let form = page.form(&page.forms[0].action);
    let token = form.value("form_token").unwrap().to_owned();
    let sent = browser
        .call("POST", &path)
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .form(&[("form_token", &token), ("username", "jan")])
        .await;
    assert_eq!(sent.code(), 200, "{}", sent.text());
    let mail = mail(&service, MailKind::Reset).await;
    assert!(mail.link().starts_with("https://kith.example/idhub/login/link"), "{}", mail.link());
    assert!(!mail.mime.contains("evil"));
}

#[tokio::test]
async fn g48_an_invitation_verifies_the_address_to_which_it_went() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", tests::person("jan")).await;
    crm.act(&jan.below("invite")).await.is(204);
    let invitation = mail(&service, MailKind::Invitation).await;
    assert_eq!(shown(&service, &jan).await["email_verified"], false);
    let browser = Browser::new(&service);
    let page = open(&browser, invitation.link()).await.is(200);
    assert!(page.text().contains("<h1>Set your password</h1>"), "{}", page.text());
    let done = set(&browser, &page, NEW).await.is(200);
    assert!(done.text().contains(&format!("href=\"/idhub/login/{TENANT}")), "{}", done.text());
    assert_eq!(shown(&service, &jan).await["email_verified"], true);
    assert!(signs_in(&service, "jan", NEW).await);
    service.check().await;
}

#[tokio::test]
async fn g48_a_link_is_dead_once_the_address_to_which_it_went_has_changed() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create("/identity/users", tests::person("jan")).await;
    crm.act(&jan.below("invite")).await.is(204);
    let invitation = mail(&service, MailKind::Invitation).await;
    let browser = Browser::new(&service);
    let page = open(&browser, invitation.link()).await.is(200);
    move_to(&service, &jan, "other@example.org").await;
    is_error(&set(&browser, &page, NEW).await.is(400), DEAD);
    is_error(&open(&browser, invitation.link()).await.is(400), DEAD);
    assert_eq!(shown(&service, &jan).await["email_verified"], false);
    // The same address in another case is the same address.
    move_to(&service, &jan, "JAN@example.org").await;
    open(&browser, invitation.link()).await.is(200);
}

#[tokio::test]
async fn g49_a_reset_ends_all_sessions_is_told_and_signs_nobody_in() {
    let (service, jan) = start().await;
    let (one, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    service.deliver_mails().await;
    let browser = Browser::new(&service);
    let link = reset_link(&service, &browser, "jan").await;
    assert!(is_signed_in(&one).await && is_signed_in(&other).await);
    let page = open(&browser, &link).await.is(200);
    let done = set(&browser, &page, NEW).await.is(200);
    assert!(done.text().contains("signed out on all devices"), "{}", done.text());
    assert!(!is_signed_in(&one).await && !is_signed_in(&other).await);
    assert_eq!(browser.cookie("session"), None);
    assert_eq!(mail(&service, MailKind::PasswordChanged).await.to, "jan@example.org");
    assert!(!signs_in(&service, "jan", PASSWORD).await);
    assert!(signs_in(&service, "jan", NEW).await);
    let entries = super::secrets::operations(&service, &jan).await;
    assert!(entries.contains(&"user.password_reset".to_owned()), "{entries:?}");
}

#[tokio::test]
async fn g49_a_reset_opens_the_counter_that_strangers_closed() {
    let (service, _) = start().await;
    for _ in 0..6 {
        assert!(!signs_in(&service, "jan", "a wrong password, again").await);
    }
    // The right password is not even tried.
    assert!(!signs_in(&service, "jan", PASSWORD).await);
    let browser = Browser::new(&service);
    let link = reset_link(&service, &browser, "jan").await;
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, NEW).await.is(200);
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g39_a_blocked_person_gets_no_further_by_a_link() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    service.crm().await.act(&jan.below("block")).await.is(200);
    let refused = set(&browser, &page, NEW).await.is(403);
    assert!(refused.text().contains("<h1>This account is blocked</h1>"), "{}", refused.text());
    assert!(facts(&service, &jan).await.password.is_some());
    service.check().await;
}

#[tokio::test(start_paused = true)]
async fn i3_a_fault_at_any_store_call_sets_the_password_or_leaves_the_link() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    let snapshot = service.snapshot();
    let calls = {
        let copy = snapshot.start();
        copy.faults.reset();
        set(&browser.on(&copy), &page, NEW).await.is(200);
        copy.faults.operations().len()
    };
    for call in 0..calls {
        for fault in [Fault::Unreachable, Fault::Lost, Fault::Throttled] {
            let what = format!("{fault:?} at {call}");
            let copy = snapshot.start();
            let browser = browser.on(&copy);
            copy.faults.reset();
            copy.faults.at(call, fault);
            let answer = set(&browser, &page, NEW).await;
            copy.faults.reset();
            copy.check().await;
            let token = link.split_once('#').unwrap().1.parse().unwrap();
            let left = copy.table.find_link(&token).await.unwrap().is_some();
            // Either both are done or neither is.
            assert_eq!(signs_in(&copy, "jan", NEW).await, !left, "{what}");
            // And the answer never says that somebody else has used the link.
            let code = answer.answer.code();
            assert!(matches!((code, left), (200, false) | (503, _)), "{what}: {code} {left}");
        }
    }
}
