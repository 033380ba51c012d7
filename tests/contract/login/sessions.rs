//! Sessions of browsers: cookies, lives, devices (rules G17, G18, G21, G26, G38).

use serde_json::json;
use shared::domain::definition::BuiltInPersona;
use shared::domain::people::{MAX_SESSIONS, MailKind};
use tests::{Answer, Browser, Resource, Service, TENANT};

use super::{PASSWORD, asks_to_sign_in, request, session_of, sessions, sign_in, start};
use crate::audit::complete;

const DAY: i64 = 24 * 3600;

/// The `Set-Cookie` of a cookie in an answer.
fn line(answer: &Answer, name: &str) -> Option<String> {
    let start = format!("__Host-Http-kith-{name}=");
    let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    lines.into_iter().find(|line| line.starts_with(&start)).map(str::to_owned)
}

/// Signs a person in and gives the answer that sets the cookies.
async fn answer_of(browser: &Browser, more: &[(&str, &str)]) -> Answer {
    let page = browser.get("/idhub/login/acme?prompt=login").await.is(200);
    let form = page.form("/idhub/login/password");
    let mut fields = vec![("password", PASSWORD)];
    for name in ["state", "form_token"] {
        fields.push((name, form.value(name).unwrap()));
    }
    if !more.iter().any(|(name, _)| *name == "username") {
        fields.push(("username", "jan"));
    }
    fields.extend(more);
    let call = browser.request("POST", "/idhub/login/password");
    let call =
        call.header("origin", "https://kith.example").header("sec-fetch-site", "same-origin");
    call.form(&fields).await.is(303)
}

#[tokio::test]
async fn g17_the_session_cookie_is_the_hosts_own_and_dies_with_the_browser() {
    let (service, jan, _) = start().await;
    let answer = answer_of(&Browser::new(&service), &[]).await;
    let line = line(&answer, "session").unwrap();
    let (value, attributes) = line.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
    let value = value.split_once('=').unwrap().1;
    let parts: Vec<_> = value.split('.').collect();
    assert_eq!((parts.len(), parts[0], parts[1]), (3, TENANT, jan.id.as_str()));
    assert_eq!(parts[2].len(), 43, "G18: 256 bits");
    for item in service.items().await {
        assert!(!item.contains(parts[2]), "G18: the table has the hash alone: {item}");
    }
}

#[tokio::test]
async fn g17_g21_a_browser_that_is_to_stay_signed_in_keeps_the_cookie_for_thirty_days() {
    let (service, ..) = start().await;
    let browser = Browser::new(&service);
    let answer = answer_of(&browser, &[("keep", "1")]).await;
    assert!(line(&answer, "session").unwrap().ends_with("; Max-Age=2592000"));
    let device = line(&answer, "device").unwrap();
    assert!(device.ends_with("; Max-Age=31536000"), "{device}");
}

#[tokio::test]
async fn g18_each_sign_in_has_a_new_secret_and_the_old_one_is_gone() {
    let (service, jan, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let (old, first) = (browser.copy(), session_of(&service, &browser).await.unwrap());
    service.clock.advance(60);
    browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert_ne!(browser.cookie("session"), old.cookie("session"));
    assert!(session_of(&service, &old).await.is_none());
    assert_eq!(sessions(&service, &jan).await, 1);
    let second = session_of(&service, &browser).await.unwrap();
    assert_eq!(second.sid, first.sid, "the session goes on under its id");
    asks_to_sign_in(&old.get("/idhub/login/acme").await.is(200));
    old.call("GET", "/identity/me").await.is(401);
    browser.call("GET", "/identity/me").await.is(200);
}

#[tokio::test]
async fn g21_a_session_of_self_service_lives_seven_days_unused_and_thirty_in_all() {
    let (service, ..) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    for _ in 0..4 {
        service.clock.advance(7 * DAY - 60);
        assert_eq!(browser.get("/idhub/login/acme").await.is(200).url, "/idhub/account");
    }
    service.clock.advance(2 * DAY + 240);
    asks_to_sign_in(&browser.get("/idhub/login/acme").await.is(200));
    let browser = service.browser_of("jan", PASSWORD).await;
    service.clock.advance(7 * DAY);
    asks_to_sign_in(&browser.get("/idhub/login/acme").await.is(200));
}

#[tokio::test]
async fn g21_a_person_with_rights_is_signed_in_for_half_an_hour_unused_and_twelve_hours_in_all() {
    let service = Service::start().await;
    let root = service.client(TENANT, "users:read users:write administrator").await;
    let eva = root.person_with("eva", &[BuiltInPersona::Auditor]).await;
    service.give_password(&eva.id, PASSWORD).await;
    let browser = Browser::new(&service);
    let answer = answer_of(&browser, &[("username", "eva"), ("keep", "1")]).await;
    assert!(!line(&answer, "session").unwrap().contains("Max-Age"), "never kept");
    let browser = service.browser_of("eva", PASSWORD).await;
    let session = session_of(&service, &browser).await.unwrap();
    assert_eq!(session.ends_at, service.clock.now().plus_seconds(12 * 3600));
    assert!(!session.keep);
    for _ in 0..24 {
        service.clock.advance(30 * 60 - 1);
        assert_eq!(browser.get("/idhub/login/acme").await.is(200).url, "/idhub/account");
    }
    service.clock.advance(24);
    asks_to_sign_in(&browser.get("/idhub/login/acme").await.is(200));
    let browser = service.browser_of("eva", PASSWORD).await;
    service.clock.advance(30 * 60);
    asks_to_sign_in(&browser.get("/idhub/login/acme").await.is(200));
}

#[tokio::test]
async fn g21_rights_that_come_after_the_sign_in_shorten_refresh_tokens_too() {
    let (service, jan, client) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let root = service.client(TENANT, "users:read users:write administrator").await;
    root.add_persona(&jan, json!({ "name": "auditor" })).await;
    let silent = [("scope", "openid offline_access"), ("prompt", "none")];
    let page = browser.get(&request(&client, &silent)).await;
    let token = client.exchange(&page.code()).await.is(200).field("refresh_token");
    service.clock.advance(12 * 3600 - 60);
    let token = client.refresh(&token).await.is(200).field("refresh_token");
    service.clock.advance(60);
    assert_eq!(client.refresh(&token).await.is(400).field("error"), "invalid_grant", "G14");
}

#[tokio::test]
async fn g26_the_oldest_of_more_than_twenty_sessions_ends() {
    let (service, jan, _) = start().await;
    let mut browsers = Vec::new();
    for _ in 0..=MAX_SESSIONS {
        service.clock.advance(1);
        browsers.push(service.browser_of("jan", PASSWORD).await);
    }
    assert_eq!(sessions(&service, &jan).await, MAX_SESSIONS);
    assert!(session_of(&service, &browsers[0]).await.is_none());
    assert!(session_of(&service, &browsers[1]).await.is_some());
}

#[tokio::test]
async fn g26_the_oldest_session_ends_with_the_refresh_tokens_that_it_started() {
    let (service, jan, client) = start().await;
    let (mut browsers, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..=MAX_SESSIONS {
        service.clock.advance(1);
        let browser = Browser::new(&service);
        let page = sign_in(&browser, &client, &[("scope", "openid offline_access")]).await;
        tokens.push(client.exchange(&page.code()).await.is(200).field("refresh_token"));
        browsers.push(browser);
    }
    assert_eq!(client.refresh(&tokens[0]).await.is(400).field("error"), "invalid_grant", "G14");
    let second = client.refresh(&tokens[1]).await.is(200).field("refresh_token");
    let (tenant, user) = (TENANT.parse().unwrap(), jan.id.parse().unwrap());
    let names = service.table.family_names(&tenant, user).await.unwrap();
    assert_eq!(names.len(), MAX_SESSIONS);
    // A session that goes on under another secret keeps what it started.
    service.clock.advance(1);
    browsers[1].sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert_eq!(sessions(&service, &jan).await, MAX_SESSIONS);
    client.refresh(&second).await.is(200);
    service.check().await;
}

#[tokio::test]
async fn g65_the_entry_of_a_sign_in_names_the_session_that_begins() {
    let (service, jan, _) = start().await;
    let (one, two) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    // The session goes on under its id.
    one.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    let mut sids = Vec::new();
    for browser in [&one, &two, &one] {
        sids.push(session_of(&service, browser).await.unwrap().sid);
    }
    assert_ne!(sids[0], sids[1]);
    let entries = complete(&service, &jan.id).await.into_iter();
    let actors = entries
        .filter(|entry| entry.operation() == "user.sign_in")
        .map(|entry| serde_json::to_value(&entry.entry.actor).unwrap());
    let due = sids.iter().map(|sid| json!({ "kind": "person", "id": jan.id, "session": sid }));
    assert_eq!(actors.collect::<Vec<_>>(), due.collect::<Vec<_>>());
}

#[tokio::test]
async fn g8_the_first_sign_in_binds_the_base_profile_id() {
    let (service, jan, _) = start().await;
    let crm = service.crm().await;
    let status = async || {
        let list = crm.read(&jan.below("principals")).await;
        let items = list["items"].as_array().unwrap().clone();
        let system = |item: &&serde_json::Value| item["authentication_server_id"] == "system";
        items.iter().find(system).unwrap()["status"].clone()
    };
    let before = status().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    assert_eq!(status().await, "ACTIVE", "before it was {before}");
    let base = shared::domain::id::BaseId::of(&jan.id, super::ISSUER, &TENANT.parse().unwrap());
    let found = service.table.find_base(&TENANT.parse().unwrap(), &base).await.unwrap().unwrap();
    assert_eq!(found.user.to_string(), jan.id);
    browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    let read = crm.read(&jan.path).await;
    assert!(read["last_login_at"].is_string());
    service.check().await;
}

#[tokio::test]
async fn g23_an_unlinked_person_signs_in_as_with_a_wrong_password() {
    let (service, jan, _) = start().await;
    let crm = service.crm().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    crm.act(&jan.below("principals/system/unlink")).await.is(200);
    browser.call("GET", "/identity/me").await.is(401);
    Browser::new(&service).sign_in(TENANT, "jan", PASSWORD).await.is(422);
    crm.act(&jan.below("principals/system/link")).await.is(200);
    browser.call("GET", "/identity/me").await.is(401);
    service.browser_of("jan", PASSWORD).await;
    service.check().await;
}

/// The mails that wait for a person, by kind.
async fn waiting(service: &Service, jan: &Resource) -> Vec<MailKind> {
    let mut kinds = Vec::new();
    for shard in 0..4 {
        let until = service.clock.now();
        for (_, mail) in service.table.mails(shard, until).await.unwrap() {
            assert_eq!(json!(mail.value.to), json!({ "user": jan.id }));
            kinds.push(mail.value.kind);
        }
    }
    kinds.sort();
    kinds
}

#[tokio::test]
async fn g38_a_new_device_is_told_and_a_known_one_is_not() {
    let (service, jan, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    assert_eq!(waiting(&service, &jan).await, [], "the first browser of all");
    browser.forget_session();
    browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert_eq!(waiting(&service, &jan).await, [], "a browser that is known");
    service.browser_of("jan", PASSWORD).await;
    assert_eq!(waiting(&service, &jan).await, [MailKind::NewDevice]);
}

#[tokio::test]
async fn g38_a_success_after_five_failures_is_told() {
    let (service, jan, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    browser.forget_session();
    for failures in [4, 5] {
        for _ in 0..failures {
            browser.sign_in(TENANT, "jan", "wrong").await.is(422);
        }
        browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
        browser.forget_session();
        let told = if failures == 5 { vec![MailKind::Failures] } else { Vec::new() };
        assert_eq!(waiting(&service, &jan).await, told, "{failures}");
    }
}

#[tokio::test]
async fn g33_a_temporary_password_is_good_for_72_hours_and_never_signs_in_by_itself() {
    let (service, jan, _) = start().await;
    let facts = shared::domain::people::PasswordFacts::temporary(service.clock.now());
    service.give_password_as(&jan.id, PASSWORD, facts).await;
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    assert!(page.has_form("/idhub/login/new-password"));
    assert_eq!(browser.cookie("session"), None);
    assert_eq!(sessions(&service, &jan).await, 0);
    asks_to_sign_in(&browser.get("/idhub/login/acme").await.is(200));
    service.clock.advance(72 * 3600);
    let page = browser.sign_in(TENANT, "jan", PASSWORD).await.is(403);
    assert!(!page.has_form("/idhub/login/new-password"));
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn g35_the_cookie_of_a_device_is_good_for_its_person_and_cannot_be_made() {
    let (service, jan, _) = start().await;
    service.member("eva", PASSWORD).await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let device = browser.cookie("device").unwrap();
    let forged = device.replace(&jan.id, &service.member("tom", PASSWORD).await.id);
    // Whoever is not known there is told of as a new device.
    for (username, cookie, known) in
        [("jan", &device, true), ("eva", &device, false), ("tom", &forged, false)]
    {
        service.browser_of(username, PASSWORD).await;
        let before = mails(&service).await;
        let other = Browser::new(&service);
        other.set_cookie("device", Some(cookie));
        other.sign_in(TENANT, username, PASSWORD).await.is(200);
        assert_eq!(mails(&service).await - before, usize::from(!known), "{username}");
    }
}

/// How many mails wait.
async fn mails(service: &Service) -> usize {
    let mut count = 0;
    for shard in 0..4 {
        count += service.table.mails(shard, service.clock.now()).await.unwrap().len();
    }
    count
}
