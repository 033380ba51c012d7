//! Whole sign-ins, from the authorization request to userinfo, and what their scopes open (OpenID
//! Connect Core §5.4): the modules of the OpenID Foundation's suite about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::{Browser, PersonClient, REDIRECT_URI, Service, VERIFIER, part};

use super::{ISSUER, request, sign_in, start};

/// The parts of an address, by the attributes that hold them.
const ADDRESS: [(&str, &str); 6] = [
    ("formatted", "Kerkstraat 1\n9000 Gent"),
    ("street-address", "Kerkstraat 1"),
    ("locality", "Gent"),
    ("region", "Oost-Vlaanderen"),
    ("postal-code", "9000"),
    ("country", "BE"),
];

/// A service whose person `jan` has a value for every claim that the service tells.
async fn complete() -> (Service, PersonClient) {
    let (service, jan, client) = start().await;
    let crm = service.crm().await;
    crm.define("phone-number", json!({ "data_format": "SMS" })).await;
    let mut values = json!({ "phone-number": ["+3225550123"] });
    for (name, value) in ADDRESS {
        crm.define(name, json!({})).await;
        values[name] = json!([value]);
    }
    let tag = crm.tag_of(&jan.path).await;
    let body = json!({ "ui_locales": "nl-BE fr", "attributes": { "common": values } });
    crm.patch(&jan.path, body).if_match(&tag).await.is(200);
    (service, client)
}

/// The claims of each scope about `jan`.
fn claims_of(service: &Service, scope: &str) -> Value {
    match scope {
        "profile" => json!({
            "name": "Jan Janssen", "given_name": "Jan", "family_name": "Janssen",
            "preferred_username": "jan", "locale": "nl-BE", "updated_at": service.now(),
        }),
        "email" => json!({ "email": "jan@example.org", "email_verified": false }),
        "address" => json!({
            "address": {
                "formatted": "Kerkstraat 1\n9000 Gent", "street_address": "Kerkstraat 1",
                "locality": "Gent", "region": "Oost-Vlaanderen", "postal_code": "9000",
                "country": "BE",
            },
        }),
        "phone" => json!({ "phone_number": "+3225550123", "phone_number_verified": false }),
        other => panic!("no claims of {other}"),
    }
}

/// Signs `jan` in with `openid` and these scopes. Asserts that userinfo answers the claims of these
/// scopes and no others, and that the ID token has none of them.
async fn open(scopes: &[&str]) {
    let (service, client) = Box::pin(complete()).await;
    let asked = format!("openid {}", scopes.join(" "));
    let page = sign_in(&Browser::new(&service), &client, &[("scope", &asked)]).await;
    let tokens = client.exchange(&page.code()).await.is(200);
    assert_eq!(tokens.field("scope"), asked);
    let id_token = part(&tokens.field("id_token"), 1);
    let mut userinfo = client.userinfo(&tokens.field("access_token")).await.is(200).json();
    let mut due = json!({ "sub": id_token["sub"] });
    for scope in scopes {
        for (name, value) in claims_of(&service, scope).as_object().unwrap() {
            assert!(id_token.get(name).is_none(), "{name} is asked for in userinfo alone");
            due[name] = value.clone();
        }
    }
    let members = userinfo.as_object_mut().unwrap();
    // What this service tells besides.
    let own = ["attributes", "personas"].map(|name| members.remove(name).is_some());
    assert_eq!(own, [scopes.contains(&"profile"); 2]);
    assert_eq!(userinfo, due);
}

#[tokio::test]
async fn g8_oidcc_scope_profile() {
    open(&["profile"]).await;
}

#[tokio::test]
async fn g8_oidcc_scope_email() {
    open(&["email"]).await;
}

#[tokio::test]
async fn g8_oidcc_scope_address() {
    open(&["address"]).await;
}

#[tokio::test]
async fn g8_oidcc_scope_phone() {
    open(&["phone"]).await;
}

#[tokio::test]
async fn g8_oidcc_scope_all() {
    let all = ["profile", "email", "address", "phone"];
    open(&all).await;
    // The metadata lists them, so no module of the suite is skipped.
    let service = Service::start().await;
    let path = "/idhub/oidc/.well-known/openid-configuration";
    let metadata = service.call("GET", path).await.is(200).json();
    for scope in all {
        let listed = |member: &str, name: &str| {
            let names = metadata[member].as_array().unwrap();
            assert!(names.contains(&json!(name)), "{member}: {name}");
        };
        listed("scopes_supported", scope);
        for name in claims_of(&service, scope).as_object().unwrap().keys() {
            listed("claims_supported", name);
        }
    }
}

#[tokio::test]
async fn g8_oidcc_server_a_person_signs_in_and_the_client_knows_who_it_is() {
    let (service, ..) = start().await;
    let client = service.confidential_client(|client| client.first_party = true).await;
    let page = sign_in(&Browser::new(&service), &client, &[("nonce", "n-0S6")]).await;
    assert_eq!(page.parameter("state").as_deref(), Some("of the client"));
    let code = page.code();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let secret = client.secret.as_deref().unwrap();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", client.id)));
    let tokens = service.token(&form).header("authorization", basic).await.is(200);
    assert_eq!(tokens.json()["token_type"], "Bearer");
    let id_token = part(&tokens.field("id_token"), 1);
    assert_eq!((&id_token["iss"], &id_token["nonce"]), (&json!(ISSUER), &json!("n-0S6")));
    assert_eq!(id_token["aud"], client.id);
    assert_eq!(id_token["auth_time"], service.now());
    assert!(id_token["exp"].as_i64() > Some(service.now()));
    let userinfo = client.userinfo(&tokens.field("access_token")).await.is(200).json();
    assert_eq!(userinfo, json!({ "sub": id_token["sub"] }));
}

#[tokio::test]
async fn g15_the_person_is_asked_before_address_and_number_are_told() {
    let (service, ..) = start().await;
    let client = service.person_client(|_| {}).await;
    let texts = [
        ("en", "read your postal address", "read your telephone number"),
        ("nl", "uw postadres lezen", "uw telefoonnummer lezen"),
        ("fr", "lire votre adresse postale", "lire votre numéro de téléphone"),
        ("de", "Ihre Postanschrift lesen", "Ihre Telefonnummer lesen"),
    ];
    let claims = r#"{"userinfo":{"phone_number":null},"id_token":{"address":null}}"#;
    for (language, address, number) in texts {
        for by in [("scope", "openid address phone"), ("claims", claims)] {
            let browser = service.browser_of("jan", super::PASSWORD).await;
            let ask = request(&client, &[by, ("ui_locales", language)]);
            let page = browser.get(&ask).await.is(200);
            assert!(page.has_form("/idhub/login/consent"), "{}", page.text());
            for text in [address, number] {
                assert!(page.text().contains(text), "{language}: {}", page.text());
            }
        }
    }
}
