//! Clients that expect a certain person (rules G9, G10).

use tests::{Browser, PersonClient, Service};

use super::{PASSWORD, asks_to_sign_in, refused, request, sign_in, start};

/// The ID token of a person who signs in in a new browser.
async fn hint_of(service: &Service, client: &PersonClient, username: &str) -> String {
    let browser = Browser::new(service);
    let page = browser.get(&request(client, &[])).await.is(200);
    let page = browser.enter(&page, username, PASSWORD).await;
    client.exchange(&page.code()).await.is(200).field("id_token")
}

#[tokio::test]
async fn g10_oidcc_id_token_hint() {
    let (service, _, client) = start().await;
    service.member("eva", PASSWORD).await;
    let (jan, eva) =
        (hint_of(&service, &client, "jan").await, hint_of(&service, &client, "eva").await);
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    for prompt in ["", "none"] {
        let ask = |hint: &str| request(&client, &[("prompt", prompt), ("id_token_hint", hint)]);
        browser.get(&ask(&jan)).await.code();
        refused(&browser.get(&ask(&eva)).await, "login_required");
    }
    // A hint is good after the token has expired.
    service.clock.advance(3600);
    let ask = request(&client, &[("prompt", "none"), ("id_token_hint", &jan)]);
    browser.get(&ask).await.code();
}

#[tokio::test]
async fn g10_another_person_than_the_hinted_one_signs_in_in_vain() {
    let (service, _, client) = start().await;
    service.member("eva", PASSWORD).await;
    let eva = hint_of(&service, &client, "eva").await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[("id_token_hint", &eva)])).await.is(200);
    asks_to_sign_in(&page);
    refused(&browser.enter(&page, "jan", PASSWORD).await, "login_required");
}

#[tokio::test]
async fn g10_a_hint_that_is_not_ours_is_refused() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    let hint = hint_of(&service, &client, "jan").await;
    let mut forged = hint.clone();
    let last = if forged.ends_with('A') { "B" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    let access = {
        let page = browser.get(&request(&client, &[])).await;
        client.exchange(&page.code()).await.is(200).field("access_token")
    };
    for hint in [forged.as_str(), "x", "x.y.z", &access] {
        let ask = request(&client, &[("id_token_hint", hint)]);
        refused(&browser.get(&ask).await, "invalid_request");
    }
}

#[tokio::test]
async fn g10_a_hint_of_another_client_names_the_person_too() {
    let (service, _, client) = start().await;
    let other = service.person_client(|client| client.first_party = true).await;
    let hint = hint_of(&service, &other, "jan").await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    let ask = request(&client, &[("prompt", "none"), ("id_token_hint", &hint)]);
    browser.get(&ask).await.code();
}

#[tokio::test]
async fn g10_the_claims_parameter_may_name_the_subject() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let claims = super::id_token(&client, &sign_in(&browser, &client, &[]).await).await;
    let sub = claims["sub"].as_str().unwrap();
    let ask = |sub: &str| {
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
        request(&client, &[("claims", &claims), ("prompt", "none")])
    };
    browser.get(&ask(sub)).await.code();
    refused(&browser.get(&ask("somebody-else")).await, "login_required");
}

#[tokio::test]
async fn g9_a_person_without_a_subject_at_the_application_gets_a_page_and_no_code() {
    let (service, jan, _) = start().await;
    let administrator = service.crm().await;
    let application =
        serde_json::json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
    administrator.post("/api/v1/sso/applications", application).await.is(201);
    let client = service
        .person_client(|client| {
            client.first_party = true;
            client.application_id = Some("shop".parse().unwrap());
        })
        .await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await.is(403);
    assert_eq!(page.location, None);
    assert!(page.text().contains("error=access_denied"), "a link leads back to the client");
    refused(&browser.get(&request(&client, &[("prompt", "none")])).await, "access_denied");
    let subject = serde_json::json!({
        "application_id": "shop", "user_id": jan.id, "subject": "customer-7",
    });
    administrator.post("/api/v1/sso/application-subjects", subject).await.is(201);
    let page = browser.get(&request(&client, &[])).await;
    assert_eq!(super::id_token(&client, &page).await["sub"], "customer-7");
}
