//! What proves who a person is, and what does not (rule G57).

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Browser, Form, PersonClient, Service, TENANT};

use super::{id_token, request, sign_in, start};

/// A service whose person `jan` has a verified address and a telephone number, at which a code could
/// arrive.
async fn reachable() -> (Service, PersonClient) {
    let (service, jan, client) = start().await;
    let administrator = service.client(TENANT, "administrator").await;
    administrator.define("phone-number", json!({ "data_format": "SMS" })).await;
    let tag = administrator.tag_of(&jan.path).await;
    let values = json!({ "attributes": { "common": { "phone-number": ["+3225550123"] } } });
    administrator.patch(&jan.path, values).if_match(&tag).await.is(200);
    let verification = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    administrator.post(&jan.below("verify"), verification).await.is(200);
    (service, client)
}

/// Where a form goes, and what a person or an authenticator fills in.
fn asked(form: &Form) -> (&str, Vec<&str>) {
    let names = form.fields.iter().map(|(name, _)| name.as_str());
    let filled = names.filter(|name| !["state", "form_token", "keep"].contains(name));
    (form.action.as_str(), filled.collect())
}

#[tokio::test]
async fn g57_pages_ask_for_a_password_or_a_passkey_and_for_nothing_else() {
    let (service, client) = Box::pin(reachable()).await;
    let browser = Browser::new(&service);
    let due = [
        ("/idhub/login/password", vec!["username", "password"]),
        ("/idhub/login/passkey", vec!["credential"]),
    ];
    for more in [("prompt", "login"), ("acr_values", "2 1"), ("login_hint", "jan")] {
        let page = browser.get(&request(&client, &[more])).await.is(200);
        assert_eq!(page.forms.iter().map(asked).collect::<Vec<_>>(), due, "{more:?}");
        assert!(!page.text().contains("one-time-code"), "{more:?}");
    }
    let routes = local::serve::functions().into_iter().flatten();
    let ways: BTreeSet<_> =
        routes.map(|route| route.name).filter(|name| name.starts_with("sign_in_with")).collect();
    assert_eq!(ways, BTreeSet::from(["sign_in_with_passkey", "sign_in_with_password"]));
}

#[tokio::test]
async fn g57_a_mailbox_adds_no_factor_to_a_password() {
    let (service, client) = Box::pin(reachable()).await;
    let path = "/idhub/oidc/.well-known/openid-configuration";
    let metadata = service.call("GET", path).await.is(200).json();
    // One factor, and two: a password, and a passkey (rule G55).
    assert_eq!(metadata["acr_values_supported"], json!(["1", "2"]));
    service.deliver_mails().await;
    for _ in 0..2 {
        let page = sign_in(&Browser::new(&service), &client, &[("acr_values", "2")]).await;
        let claims = id_token(&client, &page).await;
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!("1"), &json!(["pwd"])));
    }
    // The person is told of the second browser, by a mail without anything that could be entered.
    let mails = service.deliver_mails().await;
    assert!(!mails.is_empty());
    for mail in mails {
        assert_eq!(mail.link, None, "{}", mail.text);
        let longest = mail.text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(longest < Some(6), "{}", mail.text);
    }
}
