//! What a sign-in with a passkey costs, without audit and once the function knows the tenant: read
//! units / write units of the table + of the index.

use serde_json::json;
use tests::{Answer, Authenticator, Browser, Page, Service, person};

use super::{Home, OPTIONS, PASSKEY, SIGN_IN, USERS, assert_signed_in, sign_in, signed_in};

/// Signs in with a passkey, and returns the answer to its form alone.
async fn form(browser: &Browser, authenticator: &mut Authenticator) -> Answer {
    let page = browser.get(SIGN_IN).await.is(200);
    let options = browser.call("POST", OPTIONS).await.is(200);
    // A challenge is no item.
    assert_eq!(options.cost(), (0.0, 0.0, 0.0));
    let answer = authenticator.get(&options.json());
    send(browser, &page, &answer).await
}

async fn send(browser: &Browser, page: &Page, answer: &str) -> Answer {
    let hidden = |name| page.form(PASSKEY).value(name).unwrap();
    let (state, token) = (hidden("state"), hidden("form_token"));
    let fields = [("state", state), ("form_token", token), ("credential", answer)];
    browser.call("POST", PASSKEY).form(&fields).await
}

#[tokio::test]
async fn g55_a_sign_in_with_a_passkey_costs_five_and_ten() {
    let service = Service::start_unaudited().await;
    let user = service.crm().await.create(USERS, person("jan")).await;
    let home = Home { browser: signed_in(&service, &user.id).await, service, user };
    let (mut synced, mut counting) = (Authenticator::synced(), Authenticator::new("ES256"));
    home.add(&mut synced, "synced").await;
    home.add(&mut counting, "counting").await;
    // The first sign-in stores the principal at this issuer.
    assert_signed_in(&sign_in(&home.stranger(), &mut synced).await);
    // Read: passkey, user, facts, principal, sessions. Written: the challenge; in a transaction the
    // user, the facts, the session and the mail about a browser that is not known; the end of the
    // counter of strangers.
    home.service.clock.advance(1);
    let answer = form(&home.stranger(), &mut synced).await.is(303);
    assert_eq!(answer.cost(), (5.0, 1.0 + 4.0 * 2.0 + 1.0, 2.0));
    // An authenticator that counts costs its passkey's item more.
    home.service.clock.advance(1);
    let answer = form(&home.stranger(), &mut counting).await.is(303);
    assert_eq!(answer.cost(), (5.0, 1.0 + 5.0 * 2.0 + 1.0, 2.0));
    // What is refused before the signature writes nothing.
    let browser = home.stranger();
    let page = browser.get(SIGN_IN).await.is(200);
    let options = json!({ "challenge": "AAAA", "rpId": "kith.example" });
    let answer = synced.get(&options);
    let refused = send(&browser, &page, &answer).await.is(422);
    assert_eq!(refused.cost(), (0.0, 0.0, 0.0));
}
