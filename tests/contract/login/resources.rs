//! The services that an authorization request names (RFC 8707, rule EC10).

use serde_json::{Value, json};
use tests::{Answer, BASE, Browser, PersonClient, REDIRECT_URI, Service, VERIFIER, part};

use super::{AUTHORIZE, PASSWORD, refused, request};

const SHOP: &str = "https://shop.example";
const CRM: &str = "https://crm.example";

/// A client with tokens for two services, and a browser in which a person is signed in.
async fn set() -> (Service, PersonClient, Browser) {
    let service = Service::start().await;
    service.member("jan", PASSWORD).await;
    let client = service.person_client(|client| {
        client.first_party = true;
        client.audience = vec![SHOP.to_owned(), CRM.to_owned()];
    });
    let (client, browser) = (client.await, service.browser_of("jan", PASSWORD).await);
    (service, client, browser)
}

/// Exchanges a code, for these services.
async fn exchange(client: &PersonClient, code: &str, resources: &[&str]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    form.extend(resources.iter().map(|resource| ("resource", *resource)));
    client.token_for(&form).await
}

/// The audience of the access token.
fn aud(answer: &Answer) -> Value {
    part(&answer.field("access_token"), 1)["aud"].clone()
}

/// Asserts that the token endpoint refuses a service.
#[track_caller]
fn refused_target(answer: Answer) {
    assert_eq!(answer.is(400).json()["error"], "invalid_target");
}

/// What the authorization request names, what the exchange names, and the `aud` that is due.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str], Value);

#[tokio::test]
async fn ec10_the_tokens_of_a_code_are_for_what_the_authorization_request_names() {
    let (_, client, browser) = set().await;
    let cases: [Case<'_>; 6] = [
        (&[("resource", SHOP)], &[], json!(SHOP)),
        (&[("resource", SHOP), ("resource", "https://crm.example/")], &[], json!([SHOP, CRM])),
        (&[("audience", CRM)], &[], json!(CRM)),
        (&[("resource", SHOP), ("resource", CRM)], &[CRM], json!(CRM)),
        (&[("resource", BASE)], &[], json!(BASE)),
        (&[], &[], json!([SHOP, CRM, BASE])),
    ];
    for (named, resources, due) in cases {
        let code = browser.get(&request(&client, named)).await.code();
        let answer = exchange(&client, &code, resources).await.is(200);
        assert_eq!(aud(&answer), due, "{named:?} {resources:?}");
    }
}

#[tokio::test]
async fn ec10_a_code_gives_no_tokens_for_other_services() {
    let (_, client, browser) = set().await;
    let code = browser.get(&request(&client, &[("resource", SHOP)])).await.code();
    for other in [&[CRM][..], &[BASE], &[SHOP, CRM]] {
        refused_target(exchange(&client, &code, other).await);
    }
    // None of these used it up.
    assert_eq!(aud(&exchange(&client, &code, &[SHOP]).await.is(200)), SHOP);
}

#[tokio::test]
async fn ec10_a_refresh_token_is_for_all_that_the_authorization_request_names() {
    let (_, client, browser) = set().await;
    let named = [("resource", SHOP), ("resource", CRM), ("scope", "openid offline_access")];
    let code = browser.get(&request(&client, &named)).await.code();
    let first = exchange(&client, &code, &[SHOP]).await.is(200);
    assert_eq!(aud(&first), SHOP);
    let refresh = async |token: &str, resource: &str| {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", resource)];
        client.token_for(&form).await
    };
    let next = refresh(&first.field("refresh_token"), CRM).await.is(200);
    assert_eq!(aud(&next), CRM);
    let token = next.field("refresh_token");
    refused_target(refresh(&token, BASE).await);
    assert_eq!(aud(&client.refresh(&token).await.is(200)), json!([SHOP, CRM]));
}

#[tokio::test]
async fn ec10_a_service_that_the_client_has_no_tokens_for_is_refused() {
    let (_, client, browser) = set().await;
    for name in ["resource", "audience"] {
        for other in ["https://other.example", "https://shop.example/x", "shop"] {
            let page = browser.get(&request(&client, &[(name, other)])).await;
            refused(&page, "invalid_target");
        }
    }
    let both = [("resource", SHOP), ("resource", "https://other.example")];
    refused(&browser.get(&request(&client, &both)).await, "invalid_target");
}

#[tokio::test]
async fn ec10_the_services_travel_through_the_form_of_the_client_and_the_sign_in_page() {
    let (service, client, _) = set().await;
    let named = [("resource", SHOP), ("resource", CRM)];
    let query = request(&client, &named).split_once('?').unwrap().1.to_owned();
    let form = "application/x-www-form-urlencoded";
    let answer = service.call("POST", AUTHORIZE).body(form, query).await.is(303);
    let browser = Browser::new(&service);
    let page = browser.get(answer.header("location").unwrap()).await.is(200);
    let code = browser.enter(&page, "jan", PASSWORD).await.code();
    assert_eq!(aud(&exchange(&client, &code, &[]).await.is(200)), json!([SHOP, CRM]));
}

#[tokio::test]
async fn ec10_a_client_that_loses_the_service_meanwhile_gets_no_token() {
    let (service, client, browser) = set().await;
    let code = browser.get(&request(&client, &[("resource", SHOP)])).await.code();
    let id = client.id.parse().unwrap();
    let edit = |client: &mut shared::domain::client::Client| client.audience.clear();
    service.table.change_client(&id, edit).await.unwrap();
    // Clients are remembered for half a minute.
    service.clock.advance(31);
    refused_target(exchange(&client, &code, &[]).await);
}
