//! What the settings of a tenant's sign-in ask of a new password, on the pages and at the API (rules
//! G27, G33 and U11).

use shared::domain::people::PasswordFacts;

use super::*;

const SETTINGS: &str = "/identity/config/sign-in";
const CHANGE: &str = "/idhub/account/password";
const FORCED: &str = "/idhub/login/new-password";
/// A good password of 32 characters; [`PASSWORD`] has 28 and [`NEW`] 26.
const LONG: &str = "wagon lemon orbit thirteen kites";

/// Sets the fewest characters of a new password. Functions know it after half a minute.
async fn ask_for(service: &Service, length: u16) {
    let boss = service.client(TENANT, "administrator").await;
    let body = json!({ "minimum_password_length": length });
    boss.patch(SETTINGS, body).if_match("*").await.is(200);
}

/// The same, and lets half a minute pass.
async fn ask_everywhere_for(service: &Service, length: u16) {
    ask_for(service, length).await;
    service.clock.advance(31);
}

#[tokio::test]
async fn g27_the_minimum_of_the_tenant_holds_wherever_a_password_is_set() {
    let (service, jan) = start().await;
    ask_everywhere_for(&service, 29).await;
    let rules = "Use at least 29 characters.";
    let too_short = "The password is too short: use at least 29 characters.";

    // A change by the person.
    let browser = service.browser_of("jan", PASSWORD).await;
    let account = browser.get(ACCOUNT).await.is(200);
    assert!(account.text().contains(rules), "{}", account.text());
    let fields = [("current_password", PASSWORD), ("new_password", NEW)];
    let refused = browser.submit_form(&account, CHANGE, &fields).await.is(422);
    assert!(refused.text().contains(too_short), "{}", refused.text());

    // Links.
    for kind in [LinkKind::Reset, LinkKind::Invitation] {
        let link = link_for(&service, &jan, kind).await;
        let page = open(&browser, &link).await.is(200);
        assert!(page.text().contains(rules), "{}", page.text());
        let refused = set(&browser, &page, NEW).await.is(422);
        assert!(refused.text().contains(too_short), "{}", refused.text());
        assert!(refused.text().contains(rules), "{}", refused.text());
    }

    // A temporary password, given or made.
    let clerk = service.client(TENANT, "users:write").await;
    let path = jan.below("temporary-password");
    let refused = clerk.post(&path, json!({ "password": NEW })).await.is(422);
    assert_eq!(refused.violations(), ["/password wrong-format"]);
    assert!(refused.text().contains("use at least 29 characters"), "{}", refused.text());
    let made = clerk.act(&path).await.is(200).field("password");
    assert!(made.chars().count() >= 29, "{made}");

    // Its replacement.
    let browser = Browser::new(&service);
    let page = browser.sign_in(TENANT, "jan", &made).await.is(200);
    assert!(page.text().contains(rules), "{}", page.text());
    let refused = browser.submit_form(&page, FORCED, &[("new_password", NEW)]).await.is(422);
    assert!(refused.text().contains(too_short), "{}", refused.text());
    assert!(refused.text().contains(rules), "{}", refused.text());
    browser.submit_form(&refused, FORCED, &[("new_password", LONG)]).await.is(200);
    assert!(signs_in(&service, "jan", LONG).await);
    service.check().await;
}

#[tokio::test]
async fn g27_a_password_from_before_the_minimum_was_raised_stays_good() {
    let (service, jan) = start().await;
    let now = service.clock.now();
    let eve = service.member("eve", NEW).await;
    service.give_password_as(&eve.id, NEW, PasswordFacts::temporary(now)).await;
    ask_everywhere_for(&service, 64).await;
    assert!(signs_in(&service, "jan", PASSWORD).await);
    assert!(facts(&service, &jan).await.password.is_some_and(|facts| !facts.must_change));
    let page = Browser::new(&service).sign_in(TENANT, "eve", NEW).await.is(200);
    assert!(page.has_form(FORCED), "{}", page.text());
    // The longest passwords that the service makes.
    let clerk = service.client(TENANT, "users:write").await;
    let path = jan.below("temporary-password");
    let made = clerk.act(&path).await.is(200).field("password");
    assert!(made.chars().count() >= 64, "{made}");
    let page = Browser::new(&service).sign_in(TENANT, "jan", &made).await.is(200);
    assert!(page.has_form(FORCED), "{}", page.text());
}

#[tokio::test]
async fn g27_a_minimum_that_was_lowered_refuses_nothing_any_more() {
    let (service, jan) = start().await;
    ask_everywhere_for(&service, 40).await;
    let browser = Browser::new(&service);
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let page = open(&browser, &link).await.is(200);
    set(&browser, &page, NEW).await.is(422);
    // The function still remembers 40.
    ask_for(&service, 26).await;
    let refused = set(&browser, &page, "thirteen lemons in orbit").await.is(422);
    assert!(refused.text().contains("use at least 26 characters"), "{}", refused.text());
    set(&browser, &page, NEW).await.is(200);
    assert!(signs_in(&service, "jan", NEW).await);
}

#[tokio::test]
async fn u11_each_language_names_the_number_of_the_tenant() {
    let (service, jan) = start().await;
    ask_everywhere_for(&service, 33).await;
    for (language, due) in [
        ("en", "at least 33 characters"),
        ("nl", "minstens 33 tekens"),
        ("fr", "au moins 33 caractères"),
        ("de", "mindestens 33 Zeichen"),
    ] {
        let browser = Browser::new(&service).language(language);
        let link = link_for(&service, &jan, LinkKind::Reset).await;
        let page = open(&browser, &link).await.is(200);
        assert_eq!(page.text().matches(due).count(), 1, "{language}: {}", page.text());
        let refused = set(&browser, &page, LONG).await.is(422);
        assert_eq!(refused.text().matches(due).count(), 2, "{language}: {}", refused.text());
    }
}
