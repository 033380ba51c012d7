//! A person who forgot the password or the username asks for a mail (rules G37, G40, G43).

use super::*;

fn path(what: &str) -> String {
    format!("/idhub/login/{what}?tenant={TENANT}")
}

/// The mails that wait in the outbox, as items of the table.
async fn outbox(service: &Service) -> Vec<String> {
    let items = service.items().await;
    items.into_iter().filter(|item| item.contains("OUTBOX#")).collect()
}

#[tokio::test]
async fn g40_the_answer_and_its_cost_are_the_same_for_all() {
    let (service, jan) = start().await;
    let blocked = service.member("blocked", PASSWORD).await;
    service.crm().await.act(&blocked.below("block")).await.is(200);
    service.crm().await.create_user("bare").await;
    for (what, field, typed) in [
        ("forgot", "username", ["jan", "nobody", "blocked", "bare", "not a username"]),
        (
            "forgot-username",
            "email",
            ["jan@example.org", "nobody@example.org", "blocked@example.org", "jan", "@"],
        ),
    ] {
        let browser = Browser::new(&service);
        let page = browser.get(&path(what)).await.is(200);
        let mut answers = Vec::new();
        for typed in typed {
            let answer = browser.submit(&page, &[(field, typed)]).await.is(200).answer;
            let mut headers: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| name.as_str() != "x-request-id")
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            headers.sort_by(|a, b| a.0.cmp(&b.0));
            answers.push((answer.text().to_owned(), headers, answer.cost()));
        }
        for other in &answers[1..] {
            assert_eq!(answers[0], *other, "{what}");
        }
    }
    // Only the known ones get a mail.
    let mails = service.deliver_mails().await;
    let seen: Vec<_> = mails.iter().map(|mail| (mail.kind, &*mail.to)).collect();
    let due =
        [(MailKind::Reset, "jan@example.org"), (MailKind::UsernameReminder, "jan@example.org")];
    assert_eq!(seen, due);
    assert!(mails[1].text.contains("jan"), "{}", mails[1].text);
    assert!(facts(&service, &jan).await.password.is_some(), "nothing has changed");
}

#[tokio::test]
async fn g40_the_outbox_holds_a_hash_of_the_username_and_no_address() {
    let (service, jan) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&path("forgot")).await.is(200);
    browser.submit(&page, &[("username", "JAN")]).await.is(200);
    let page = browser.get(&path("forgot-username")).await.is(200);
    browser.submit(&page, &[("email", "Jan@Example.org")]).await.is(200);
    let items = outbox(&service).await;
    assert_eq!(items.len(), 2);
    for item in &items {
        let lower = item.to_lowercase();
        assert!(!lower.contains("jan") && !lower.contains("example.org"), "{item}");
        assert!(!item.contains(&jan.id), "{item}");
    }
    assert_eq!(service.deliver_mails().await.len(), 2, "in any case of letters");
}

#[tokio::test]
async fn g37_a_network_is_heeded_thirty_times_an_hour_and_told_nothing() {
    let (service, _) = start().await;
    let browser = Browser::new(&service).from("192.0.2.7");
    let page = browser.get(&path("forgot")).await.is(200);
    let mut texts = Vec::new();
    for i in 0..32 {
        let answer = browser.submit(&page, &[("username", &format!("person{i}"))]).await.is(200);
        texts.push(answer.text().to_owned());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(outbox(&service).await.len(), 30);
    // Another network is not touched by that, and an hour later this one is not either.
    let other = Browser::new(&service).from("198.51.100.7");
    let page_of_other = other.get(&path("forgot")).await.is(200);
    other.submit(&page_of_other, &[("username", "jan")]).await.is(200);
    assert_eq!(outbox(&service).await.len(), 31);
    service.clock.advance(3600);
    let page = browser.get(&path("forgot")).await.is(200);
    browser.submit(&page, &[("username", "jan")]).await.is(200);
    assert_eq!(outbox(&service).await.len(), 32);
}

#[tokio::test]
async fn g37_a_person_gets_three_mails_an_hour_however_often_somebody_asks() {
    let (service, _) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&path("forgot")).await.is(200);
    for _ in 0..8 {
        browser.submit(&page, &[("username", "jan")]).await.is(200);
    }
    assert_eq!(service.deliver_mails().await.len(), 3);
}

#[tokio::test]
async fn g40_an_empty_field_and_an_unknown_tenant_are_told() {
    let (service, _) = start().await;
    let browser = Browser::new(&service);
    for what in ["forgot", "forgot-username"] {
        let page = browser.get(&path(what)).await.is(200);
        let again = browser.submit(&page, &[]).await.is(422);
        assert!(again.text().contains("Fill in this field."), "{}", again.text());
        assert!(again.text().contains(&format!("href=\"/idhub/login/{TENANT}")));
        for query in ["", "?tenant=other", "?tenant=%2F%2Fevil"] {
            let unknown = browser.get(&format!("/idhub/login/{what}{query}")).await.is(404);
            assert!(unknown.text().contains("This organisation is not known here"));
        }
    }
    assert!(outbox(&service).await.is_empty());
}
