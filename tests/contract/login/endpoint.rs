//! Requests at the authorization endpoint (rules G1 to G5), and the modules of the OpenID
//! Foundation's suite that are about them.

use serde_json::{Value, json};
use shared::domain::client::Client;
use tests::{Browser, REDIRECT_URI, Service, base64url, escape};

use super::{
    AUTHORIZE, ISSUER, PASSWORD, asks_to_sign_in, id_token, native_client, refused, request,
    sign_in, start,
};

#[tokio::test]
async fn g1_a_person_signs_in_and_the_client_gets_a_code() {
    let (service, jan, client) = start().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await;
    assert!(page.sent_to().starts_with(&format!("{REDIRECT_URI}?code=")), "{}", page.sent_to());
    assert_eq!(page.parameter("state").as_deref(), Some("of the client"));
    assert_eq!(page.parameter("iss").as_deref(), Some(ISSUER));
    assert_eq!(page.code().len(), 43);
    let claims = id_token(&client, &page).await;
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_ne!(claims["sub"], jan.id.as_str(), "the subject is the base profile id");
    service.check().await;
}

#[tokio::test]
async fn g1_oidcc_ensure_post_request_succeeds() {
    let (service, _, client) = start().await;
    let parameters = request(&client, &[]);
    let query = parameters.split_once('?').unwrap().1.to_owned();
    let form = "application/x-www-form-urlencoded";
    // A form of the client's site brings no cookies with it.
    let answer = service.call("POST", AUTHORIZE).body(form, query).await.is(303);
    let location = answer.header("location").unwrap().to_owned();
    assert!(location.starts_with(&format!("{AUTHORIZE}?")), "{location}");
    let browser = Browser::new(&service);
    let page = browser.get(&location).await.is(200);
    browser.enter(&page, "jan", PASSWORD).await.code();
    // The repetition by GET finds the session.
    assert!(!browser.get(&location).await.code().is_empty());
}

#[tokio::test]
async fn g1_a_repeated_parameter_is_refused_and_an_unknown_one_is_ignored() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let twice = format!("{}&nonce=a&nonce=b", request(&client, &[]));
    refused(&browser.get(&twice).await, "invalid_request");
    let form = "application/x-www-form-urlencoded";
    let query = twice.split_once('?').unwrap().1.to_owned();
    let posted = browser.request("POST", AUTHORIZE).body(form, query).await.is(303);
    let location = posted.header("location").unwrap();
    assert!(location.starts_with(REDIRECT_URI) && location.contains("error=invalid_request"));
}

#[tokio::test]
async fn g1_oidcc_ensure_request_with_unknown_parameter_succeeds() {
    let (service, _, client) = start().await;
    sign_in(&Browser::new(&service), &client, &[("extra", "foobar")]).await.code();
}

#[tokio::test]
async fn g1_oidcc_ensure_other_scope_order_succeeds() {
    let (service, _, client) = start().await;
    let page = sign_in(&Browser::new(&service), &client, &[("scope", "email openid")]).await;
    let tokens = client.exchange(&page.code()).await.is(200);
    assert!(!tokens.field("id_token").is_empty());
    let mut scopes: Vec<_> = tokens.field("scope").split(' ').map(str::to_owned).collect();
    scopes.sort();
    assert_eq!(scopes, ["email", "openid"]);
}

#[tokio::test]
async fn g1_oidcc_display_page() {
    let (service, _, client) = start().await;
    sign_in(&Browser::new(&service), &client, &[("display", "page")]).await.code();
}

#[tokio::test]
async fn g1_oidcc_display_popup() {
    let (service, _, client) = start().await;
    sign_in(&Browser::new(&service), &client, &[("display", "popup")]).await.code();
}

#[tokio::test]
async fn g2_oidcc_ensure_registered_redirect_uri() {
    let (service, _, client) = start().await;
    let page = Browser::new(&service)
        .get(&request(&client, &[("redirect_uri", "https://app.example/callback/other")]))
        .await
        .is(400);
    assert_eq!(page.location, None);
    assert!(page.forms.is_empty());
}

#[tokio::test]
async fn g2_an_unknown_client_or_redirect_uri_gets_a_page_and_nobody_is_sent_away() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let absent = format!("acme.{}", "0".repeat(32));
    let wrong: &[&[(&str, &str)]] = &[
        &[("client_id", "")],
        &[("client_id", "x")],
        &[("client_id", &absent)],
        &[("redirect_uri", "")],
        &[("redirect_uri", "https://app.example/callback?x=1")],
        &[("redirect_uri", "https://app.example/callback/")],
        &[("redirect_uri", "https://APP.example/callback")],
        &[("redirect_uri", "https://app.example:443/callback")],
        &[("redirect_uri", "https://app.example/x/../callback")],
        &[("redirect_uri", "https://evil.example/callback")],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", "http://127.0.0.1/callback")],
        // Even if more is wrong, and even if no page may be shown.
        &[("client_id", &absent), ("response_type", ""), ("prompt", "none")],
    ];
    for more in wrong {
        let page = browser.get(&request(&client, more)).await.is(400);
        assert_eq!(page.location, None, "{more:?}");
        assert!(!page.text().contains("evil.example"), "{more:?}");
    }
    for name in ["client_id", "redirect_uri"] {
        let value = if name == "client_id" { client.id.as_str() } else { REDIRECT_URI };
        let twice = format!("{}&{name}={}", request(&client, &[]), escape(value));
        assert_eq!(browser.get(&twice).await.is(400).location, None, "{name}");
    }
}

#[tokio::test]
async fn g2_the_port_of_a_native_client_on_the_loopback_is_free() {
    let service = Service::start().await;
    service.member("jan", PASSWORD).await;
    let uri = "http://127.0.0.1/callback";
    let native = native_client(&service, uri, true).await;
    let asked = "http://127.0.0.1:51004/callback";
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &native, &[("redirect_uri", asked)]).await;
    assert!(page.sent_to().starts_with(&format!("{asked}?code=")));
    for other in ["http://localhost:51004/callback", "http://127.0.0.1:51004/other"] {
        browser.get(&request(&native, &[("redirect_uri", other)])).await.is(400);
    }
}

#[tokio::test]
async fn g2_an_address_that_the_client_loses_during_the_sign_in_gets_no_code() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[])).await.is(200);
    let id = client.id.parse().unwrap();
    let other = vec!["https://app.example/other".to_owned()];
    let edit = |client: &mut Client| client.redirect_uris.clone_from(&other);
    service.table.change_client(&id, edit).await.unwrap();
    // Clients are remembered for half a minute.
    service.clock.advance(60);
    let page = browser.enter(&page, "jan", PASSWORD).await.is(400);
    assert_eq!(page.location, None);
}

#[tokio::test]
async fn g3_oidcc_response_type_missing() {
    let (service, _, client) = start().await;
    let page = Browser::new(&service).get(&request(&client, &[("response_type", "")])).await;
    refused(&page, "invalid_request");
}

/// A request object without a signature.
fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims.to_string()))
}

#[tokio::test]
async fn g3_oidcc_request_uri_unsigned() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let uri = [("request_uri", "https://app.example/request.jwt")];
    refused(&browser.get(&request(&client, &uri)).await, "request_uri_not_supported");
}

#[tokio::test]
async fn g3_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let (service, _, client) = start().await;
    let object = unsigned(&json!({ "client_id": client.id, "state": "of the object" }));
    let ask = request(&client, &[("request", &object)]);
    refused(&Browser::new(&service).get(&ask).await, "request_not_supported");
}

#[tokio::test]
async fn g3_oidcc_ensure_request_object_with_redirect_uri() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    // Nobody is sent to the redirect URI of an object: not in place of another one, ...
    let object = unsigned(&json!({ "redirect_uri": "https://evil.example/callback" }));
    let ask = request(&client, &[("request", &object)]);
    refused(&browser.get(&ask).await, "request_not_supported");
    // ... and a registered one does not make up for one that is unknown or missing.
    let object = unsigned(&json!({ "redirect_uri": REDIRECT_URI }));
    for uri in ["https://app.example/callback/other", ""] {
        let ask = request(&client, &[("request", &object), ("redirect_uri", uri)]);
        assert_eq!(browser.get(&ask).await.is(400).location, None, "{uri}");
    }
}

#[tokio::test]
async fn g3_other_faults_go_back_with_their_codes() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    for (more, error) in [
        ([("response_type", "token")], "unsupported_response_type"),
        ([("response_type", "code token")], "unsupported_response_type"),
        ([("scope", "users:read")], "invalid_scope"),
        ([("scope", "nothing-of-ours")], "invalid_scope"),
        ([("response_mode", "fragment")], "invalid_request"),
        ([("code_challenge", "")], "invalid_request"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("code_challenge_method", "")], "invalid_request"),
        ([("prompt", "none login")], "invalid_request"),
        ([("max_age", "soon")], "invalid_request"),
        ([("claims", "{")], "invalid_request"),
    ] {
        refused(&browser.get(&request(&client, &more)).await, error);
    }
    let machine = service.person_client(|client| client.authorization_code = false).await;
    refused(&browser.get(&request(&machine, &[])).await, "unauthorized_client");
}

#[tokio::test]
async fn g4_a_confidential_client_needs_a_challenge_too() {
    let (service, _, _) = start().await;
    let client = service.confidential_client(|client| client.first_party = true).await;
    let browser = Browser::new(&service);
    refused(&browser.get(&request(&client, &[("code_challenge", "")])).await, "invalid_request");
    let page = sign_in(&browser, &client, &[]).await;
    client.exchange(&page.code()).await.is(200);
}

#[tokio::test]
async fn g5_each_response_names_the_issuer_of_the_metadata() {
    let (service, _, client) = start().await;
    let metadata = "/idhub/oidc/.well-known/openid-configuration";
    let metadata = service.call("GET", metadata).await.is(200).json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["authorization_endpoint"], format!("https://kith.example{AUTHORIZE}"));
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await;
    assert_eq!(page.parameter("iss").as_deref(), Some(ISSUER));
}

#[tokio::test]
async fn g1_a_request_that_is_too_large_gets_a_page() {
    let (service, _, client) = start().await;
    let long = "x".repeat(7000);
    let page = Browser::new(&service).get(&request(&client, &[("nonce", &long)])).await;
    assert_eq!((page.answer.code(), page.location), (413, None));
}

#[tokio::test]
async fn g1_the_endpoint_asks_a_browser_that_is_not_signed_in_to_sign_in() {
    let (service, _, client) = start().await;
    let page = Browser::new(&service).get(&request(&client, &[])).await.is(200);
    asks_to_sign_in(&page);
    assert!(page.text().contains("app"), "the page names the application");
}
