//! The account page: the password, applications, and data that live in the session (rules G22,
//! G23).

use shared::domain::people::{KeptClaims, Life, PasswordFacts, Session, SetBy};

use super::*;

const PASSWORD_FORM: &str = "/idhub/account/password";

async fn change(browser: &Browser, current: &str, new: &str) -> Page {
    let page = browser.get(ACCOUNT).await.is(200);
    let fields = [("current_password", current), ("new_password", new)];
    browser.submit_form(&page, PASSWORD_FORM, &fields).await
}

#[tokio::test]
async fn u16_the_page_shows_who_the_person_is_and_leads_to_the_sign_in_else() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(ACCOUNT).await.is(200);
    for text in ["Jan Janssen", "jan@example.org", "not confirmed", "this device"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(page.text().contains("Firefox on Linux"), "{}", page.text());
    // Without a cookie nobody knows where to sign in, so the page says it in words.
    let stranger = Browser::new(&service).get(ACCOUNT).await.is(403);
    assert!(stranger.text().contains("Open the application that you want to use"));
    // An ended session leads to the sign-in page of its tenant.
    browser.submit_form(&page, "/idhub/account/sign-out", &[]).await.is(200);
    let other = service.browser_of("jan", PASSWORD).await;
    service.clock.advance(31 * 86_400);
    let ended = other.get(ACCOUNT).await.is(200);
    assert!(ended.has_form("/idhub/login/password"), "{}", ended.text());
}

#[tokio::test]
async fn g23_a_changed_password_ends_all_sessions_but_this_one() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let other = service.browser_of("jan", PASSWORD).await;
    // The session is used again after a while, so that the request writes it too.
    service.clock.advance(360);
    let page = change(&browser, PASSWORD, NEW).await.is(200);
    assert!(page.text().contains("Your password is changed."), "{}", page.text());
    assert!(is_signed_in(&browser).await && !is_signed_in(&other).await);
    assert!(signs_in(&service, "jan", NEW).await && !signs_in(&service, "jan", PASSWORD).await);
    let facts = facts(&service, &jan).await.password.unwrap();
    assert_eq!((facts.set_by, facts.set_at), (SetBy::Myself, service.clock.now()));
    service.check().await;
}

#[tokio::test]
async fn g22_the_present_password_is_asked_for_and_guesses_are_slowed_down() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let empty = change(&browser, "", NEW).await.is(422);
    assert!(empty.text().contains("Enter your present password."), "{}", empty.text());
    let unchanged = change(&browser, PASSWORD, PASSWORD).await.is(422);
    assert!(unchanged.text().contains("This is your present password."), "{}", unchanged.text());
    for _ in 0..6 {
        let wrong = change(&browser, "a wrong phrase here", NEW).await.is(422);
        assert!(wrong.text().contains("<a href=\"#current_password\">"), "{}", wrong.text());
        assert!(wrong.text().contains("<details open>"), "{}", wrong.text());
    }
    // Now the right one has to wait too; it can be used elsewhere meanwhile.
    let waits = change(&browser, PASSWORD, NEW).await.is(422);
    assert!(waits.text().contains("The present password is wrong."), "{}", waits.text());
    assert!(signs_in(&service, "jan", PASSWORD).await);
    service.clock.advance(2);
    change(&browser, PASSWORD, NEW).await.is(200);
}

#[tokio::test]
async fn g22_a_first_password_needs_a_recent_sign_in() {
    let service = Service::start().await;
    let jan = service.crm().await.create("/identity/users", tests::person("jan")).await;
    service.give_passkey(&jan.id, "Phone").await;
    let session = Session::begin(service.table.env(), Life::SelfService, &["swk", "user"], None);
    let browser = Browser::new(&service);
    let cookie = service.give_this_session(&jan.id, session).await;
    browser.set_cookie("session", Some(&cookie));
    let page = browser.get(ACCOUNT).await.is(200);
    assert!(page.text().contains("You have no password."), "{}", page.text());
    assert!(!page.text().contains("id=\"current_password\""), "{}", page.text());
    service.clock.advance(301);
    let again = browser.submit_form(&page, PASSWORD_FORM, &[("new_password", NEW)]).await.is(200);
    assert!(again.has_form("/idhub/login/password"), "{}", again.text());
    assert!(facts(&service, &jan).await.password.is_none());
    let session = Session::begin(service.table.env(), Life::SelfService, &["swk", "user"], None);
    let cookie = service.give_this_session(&jan.id, session).await;
    browser.set_cookie("session", Some(&cookie));
    browser.submit_form(&page, PASSWORD_FORM, &[("new_password", NEW)]).await.is(200);
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn g15_access_of_an_application_is_shown_and_withdrawn() {
    let (service, jan) = start().await;
    let client = service.person_client(|client| client.name = "Shop <b>".to_owned()).await;
    service.give_client_consent(&jan.id, &client.id, &["openid", "profile"]).await;
    service.give_family(&jan.id, &client.id, "family").await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(ACCOUNT).await.is(200);
    assert!(page.text().contains("Shop &lt;b&gt;"), "{}", page.text());
    assert!(page.text().contains("read your name, your username"), "{}", page.text());
    let page = browser.submit_form(&page, "/idhub/account/clients/withdraw", &[]).await.is(200);
    assert!(page.text().contains("No application has access."), "{}", page.text());
    let table = &service.table;
    assert!(table.client_consents(&tenant(), id(&jan)).await.unwrap().is_empty());
    assert!(table.family_names(&tenant(), id(&jan)).await.unwrap().is_empty());
    service.check().await;
}

#[tokio::test]
async fn g60_claims_that_live_in_the_session_are_shown_as_such() {
    let (service, jan) = start().await;
    let claims = [
        ("department".to_owned(), json!("R&D <script>")),
        ("groups".to_owned(), json!(["a", "b"])),
    ];
    let session = Session {
        claims: Some(KeptClaims { server: "fb-login".parse().unwrap(), claims: claims.into() }),
        ..Session::begin(service.table.env(), Life::SelfService, &["pwd"], Some("1"))
    };
    let browser = Browser::new(&service);
    let cookie = service.give_this_session(&jan.id, session).await;
    browser.set_cookie("session", Some(&cookie));
    let page = browser.get(ACCOUNT).await.is(200);
    for text in ["Data from your sign-in provider", "fb-login", "department", "[&quot;a&quot;"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(page.text().contains("R&amp;D &lt;script&gt;"), "{}", page.text());
    let other = service.browser_of("jan", PASSWORD).await;
    assert!(!other.get(ACCOUNT).await.is(200).text().contains("department"));
}

#[tokio::test]
async fn g33_the_page_says_until_when_a_password_is_temporary() {
    let (service, jan) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let now = service.clock.now();
    service.give_password_as(&jan.id, NEW, PasswordFacts::temporary(now)).await;
    let page = browser.get(ACCOUNT).await.is(200);
    let due = "Temporary until 24 November 2026 at 10:00 UTC.";
    assert!(page.text().contains(due), "{}", page.text());
}

#[tokio::test]
async fn g68_nothing_in_a_profile_becomes_html_on_the_page() {
    let service = Service::start().await;
    let mut body = tests::person("jan");
    body["given_name"] = json!("<img src=x onerror=alert(1)>");
    let jan = service.crm().await.create("/identity/users", body).await;
    service.give_password(&jan.id, PASSWORD).await;
    service.give_passkey(&jan.id, "\"><script>alert(1)</script>").await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let page = browser.get(ACCOUNT).await.is(200);
    assert!(page.text().contains("&lt;img src=x onerror=alert(1)&gt;"), "{}", page.text());
    assert!(!page.text().contains("<img") && !page.text().contains("<script>"));
}
