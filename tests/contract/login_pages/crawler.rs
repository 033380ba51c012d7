//! A program that reads mail follows each link, runs scripts and sends the forms that a script
//! sends. It uses up nothing (rules G46, U17).

use std::collections::BTreeSet;

use super::*;

/// The addresses of a text.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>'));
    words.filter(|word| word.starts_with("https://kith.example/")).map(str::to_owned).collect()
}

/// Reads every page that links lead to, a few steps far, and sends each form that the script of the
/// pages sends by itself.
async fn crawl(service: &Service, start: Vec<String>) -> usize {
    let browser = Browser::new(service);
    let (mut seen, mut waiting) = (BTreeSet::new(), start);
    while let Some(url) = waiting.pop() {
        let url = url.split('#').next().unwrap().replace("&amp;", "&");
        if !seen.insert(url.clone()) || seen.len() > 200 {
            continue;
        }
        let page = browser.get(&url).await;
        if page.location.is_some() {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&page.answer.body) else { continue };
        let found = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let own = found.filter(|path| path.starts_with('/') && !path.starts_with("/docs"));
        waiting.extend(own.map(str::to_owned));
        // `data-send` is the one mark by which the script sends a form.
        assert!(!text.contains(" data-send"), "a form that sends itself at {url}");
    }
    seen.len()
}

#[tokio::test]
async fn u17_a_crawler_of_mails_uses_up_no_link() {
    let (service, jan) = start().await;
    let crm = service.crm().await;
    let piet = crm.create("/identity/users", tests::person("piet")).await;
    crm.act(&piet.below("invite")).await.is(204);
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(ACCOUNT).await.is(200);
    let fields = [("email", "new@example.org")];
    browser.submit_form(&page, "/idhub/account/address", &fields).await.is(200);
    let page = browser.get(&format!("/idhub/login/forgot?tenant={TENANT}")).await.is(200);
    browser.submit(&page, &[("username", "jan")]).await.is(200);
    let mails = service.deliver_mails().await;
    let links: Vec<_> = mails.iter().filter_map(|mail| mail.link.clone()).collect();
    assert_eq!(links.len(), 4, "{mails:?}");
    let versions = (service.version_of(&jan.id).await, service.version_of(&piet.id).await);
    for mail in &mails {
        let mut start = addresses(&mail.text);
        start.extend(addresses(&mail.html));
        assert!(crawl(&service, start).await > 1, "{}", mail.text);
    }
    assert_eq!(versions, (service.version_of(&jan.id).await, service.version_of(&piet.id).await));
    let mut live = 0;
    for link in &links {
        let token = link.split_once('#').unwrap().1.parse().unwrap();
        live += usize::from(service.table.find_link(&token).await.unwrap().is_some());
    }
    assert_eq!(live, 4);
    // And the people use them.
    for (kind, act) in [(MailKind::Invitation, "password"), (MailKind::AddressConfirm, "confirm")] {
        let link = mails.iter().find(|mail| mail.kind == kind).unwrap().link().to_owned();
        let person = Browser::new(&service);
        let page = open(&person, &link).await.is(200);
        let fields = [("act", act), ("new_password", NEW)];
        person.submit_form(&page, LINK, &fields).await.is(200);
    }
}

#[test]
fn u17_the_script_sends_no_form_but_the_answer_to_an_application() {
    let script = include_str!("../../../functions/login/src/assets/script.js");
    assert_eq!(script.matches("requestSubmit").count(), 1, "one form is sent by the script");
    assert!(script.contains("form[data-send]") && !script.contains(".submit()"));
    // The secret of a link leaves the address before anything else happens.
    assert!(script.contains("history.replaceState"));
    assert!(!script.contains("fetch(") && !script.contains("localStorage"));
}
