//! Clients in which people sign in, as administrators register them (rules G2, G15).

use serde_json::{Value, json};
use shared::domain::client::RedirectUri;
use tests::{Answer, Client, TENANT};

use super::Scene;

const CLIENTS: &str = "/config/clients";

/// A document of a public client, and `more`; `null` removes a field.
fn document(more: Value) -> Value {
    let usual = json!({
        "name": "app", "scopes": ["openid", "profile"], "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://app.example/callback"],
    });
    tests::with(usual, more)
}

async fn create(admin: &Client, more: Value) -> Answer {
    admin.post(CLIENTS, document(more)).await
}

#[tokio::test]
async fn g2_a_public_client_is_registered_without_a_secret() {
    let scene = Scene::open().await;
    let more = json!({
        "grant_types": ["authorization_code", "refresh_token"],
        "post_logout_redirect_uris": ["https://app.example/"], "first_party": true,
    });
    let made = create(&scene.admin, more).await.is(201);
    let body = made.json();
    assert!(body.get("client_secret").is_none() && body["secrets"] == json!([]));
    assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(body["application_type"], "web");
    assert_eq!((&body["first_party"], &body["application_id"]), (&json!(true), &Value::Null));
    assert_eq!(body["redirect_uris"], json!(["https://app.example/callback"]));
    assert_eq!(body["post_logout_redirect_uris"], json!(["https://app.example/"]));
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(scene.admin.get(&path).await.is(200).json(), body);
    // It gets none later either.
    let secret = scene.admin.act(&format!("{path}/secrets")).if_match(&made.tag()).await;
    assert!(secret.is(409).field("detail").contains("`none`"));
    // By default it has the grant of its kind.
    let usual = create(&scene.admin, json!({})).await.is(201).json();
    assert_eq!(usual["grant_types"], json!(["authorization_code"]));
}

#[tokio::test]
async fn g2_each_rule_of_a_field_says_what_would_be_right() {
    let scene = Scene::open().await;
    let uris = |uri: &str| json!([uri]);
    let many: Vec<_> = (0..21).map(|n| format!("https://app.example/{n}")).collect();
    for (field, value, due, says) in [
        ("redirect_uris", json!([]), "/redirect_uris required", "authorization_code"),
        ("redirect_uris", Value::Null, "/redirect_uris required", "authorization_code"),
        ("redirect_uris", json!("https://app.example/"), "/redirect_uris wrong-type", "array"),
        ("redirect_uris", json!([1]), "/redirect_uris/0 wrong-type", "string"),
        ("redirect_uris", json!(many), "/redirect_uris too-many", "20"),
        (
            "redirect_uris",
            json!([format!("https://app.example/{}", "x".repeat(512))]),
            "/redirect_uris/0 too-long",
            "512",
        ),
        (
            "redirect_uris",
            json!(["https://app.example/", "https://app.example/"]),
            "/redirect_uris/1 not-unique",
            "twice",
        ),
        ("redirect_uris", uris("http://app.example/"), "/redirect_uris/0 wrong-format", "https"),
        ("redirect_uris", uris("http://localhost/"), "/redirect_uris/0 wrong-format", "https"),
        ("redirect_uris", uris("https://localhost/"), "/redirect_uris/0 wrong-format", "localhost"),
        ("redirect_uris", uris("http://127.0.0.1/"), "/redirect_uris/0 wrong-format", "native"),
        ("redirect_uris", uris("com.example:/x"), "/redirect_uris/0 wrong-format", "native"),
        (
            "redirect_uris",
            uris("https://a.example/#x"),
            "/redirect_uris/0 wrong-format",
            "fragment",
        ),
        ("redirect_uris", uris("https://*.example/"), "/redirect_uris/0 wrong-format", "wildcard"),
        ("redirect_uris", uris("https://a.example/?iss"), "/redirect_uris/0 wrong-format", "iss"),
        ("redirect_uris", uris("/callback"), "/redirect_uris/0 wrong-format", "absolute"),
        (
            "post_logout_redirect_uris",
            uris("http://app.example/"),
            "/post_logout_redirect_uris/0 wrong-format",
            "https",
        ),
        ("post_logout_redirect_uris", json!({}), "/post_logout_redirect_uris wrong-type", "array"),
        ("application_type", json!("spa"), "/application_type not-in-enumeration", "`web`"),
        ("application_type", json!(1), "/application_type wrong-type", "string"),
        ("first_party", json!("yes"), "/first_party wrong-type", "true or false"),
        ("application_id", json!(7), "/application_id wrong-type", "string"),
        ("application_id", json!("No Id"), "/application_id wrong-format", "lower-case"),
        ("application_id", json!("nothing"), "/application_id not-found", "create it"),
        (
            "grant_types",
            json!(["authorization_code", "client_credentials"]),
            "/grant_types not-allowed",
            "public client",
        ),
        ("grant_types", json!(["refresh_token"]), "/grant_types required", "authorization_code"),
        ("grant_types", json!(["implicit"]), "/grant_types/0 not-in-enumeration", "refresh_token"),
        ("jwks_uri", json!("https://keys.example/x"), "/jwks_uri not-allowed", "public client"),
        ("scopes", json!(["openid", "picture"]), "/scopes/1 not-in-enumeration", "offline_access"),
    ] {
        let answer = create(&scene.admin, json!({ field: value.clone() })).await.is(422);
        assert_eq!(answer.violations(), [due], "{field}: {value}");
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    let native = json!({
        "application_type": "native", "redirect_uris": [
            "http://127.0.0.1/cb", "http://[::1]:8080/cb", "com.example.app:/cb",
            "https://app.example/cb",
        ],
    });
    create(&scene.admin, native).await.is(201);
    // Redirect URIs of a machine client would do nothing.
    let machine = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let answer = create(&scene.admin, machine).await.is(422);
    assert_eq!(answer.violations(), ["/redirect_uris not-allowed"]);
}

#[tokio::test]
async fn g2_a_confidential_client_holds_the_grants_that_it_names() {
    let scene = Scene::open().await;
    let more = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
    });
    let made = create(&scene.admin, more).await.is(201).json();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", made["client_id"].as_str().unwrap()),
        ("client_secret", made["client_secret"].as_str().unwrap()),
    ];
    super::refused(&scene.service.token(&form).await, "unauthorized_client");
    let both = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "client_credentials"],
        "scopes": ["users:read", "openid", "profile", "offline_access"],
    });
    let made = create(&scene.admin, both).await.is(201).json();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", made["client_id"].as_str().unwrap()),
        ("client_secret", made["client_secret"].as_str().unwrap()),
    ];
    // Scopes of people mean nothing in its own token.
    let token = scene.service.token(&form).await.is(200);
    assert_eq!(token.json()["scope"], "users:read openid");
    let asked = scene.service.token(&[&form[..], &[("scope", "profile")]].concat()).await;
    super::refused(&asked, "invalid_scope");
}

#[tokio::test]
async fn g2_a_patch_keeps_what_it_does_not_name_and_is_checked_as_a_whole() {
    let scene = Scene::open().await;
    let made = create(&scene.admin, json!({ "first_party": true })).await.is(201);
    let path = made.header("location").unwrap().to_owned();
    let patch = async |patch: Value| {
        let tag = scene.admin.tag_of(&path).await;
        scene.admin.patch(&path, patch).if_match(&tag).await
    };
    let renamed = patch(json!({ "name": "shop" })).await.is(200).json();
    let mut due = made.json();
    due["name"] = json!("shop");
    assert_eq!(renamed, due);
    let refused = patch(json!({ "redirect_uris": [] })).await.is(422);
    assert_eq!(refused.violations(), ["/redirect_uris required"]);
    let refused = patch(json!({ "application_id": "nothing" })).await.is(422);
    assert_eq!(refused.violations(), ["/application_id not-found"]);
    let confidential = json!({ "token_endpoint_auth_method": "client_secret_post" });
    patch(confidential).await.is(200);
    let secret = scene.admin.act(&format!("{path}/secrets")).if_match("*").await.is(201);
    assert!(secret.field("client_secret").starts_with("kith_"));
    // Back to public, its secret goes.
    let public = patch(json!({ "token_endpoint_auth_method": "none" })).await.is(200).json();
    assert_eq!(public["secrets"], json!([]));
}

#[tokio::test]
async fn g2_a_redirect_uri_is_compared_as_a_text_but_for_the_port_of_native_loopback() {
    let scene = Scene::open().await;
    let find = async |id: &str| {
        let id = id.parse().unwrap();
        scene.service.table.find_client(&id).await.unwrap().unwrap().value
    };
    let web = find(&scene.app.id).await;
    let native = scene.service.person_client(|client| {
        client.application_type = shared::domain::client::ApplicationType::Native;
        client.redirect_uris = vec!["http://127.0.0.1/cb".to_owned(), "com.example:/cb".to_owned()];
        client.post_logout_redirect_uris = vec!["com.example:/bye".to_owned()];
    });
    let native = find(&native.await.id).await;
    let text = |uri: Option<RedirectUri>| uri.map(|uri| uri.to_string());
    for (client, asked, found) in [
        (&web, "https://app.example/callback", true),
        (&web, "https://app.example/callback?", false),
        (&web, "https://app.example/callback#", false),
        (&web, "https://app.example:443/callback", false),
        (&web, "HTTPS://app.example/callback", false),
        (&web, "https://app.example/Callback", false),
        (&web, "https://app.example/%63allback", false),
        (&native, "http://127.0.0.1:51004/cb", true),
        (&native, "http://localhost:51004/cb", false),
        (&native, "com.example:/cb", true),
        (&native, "com.example:/cb/", false),
    ] {
        let due = found.then(|| asked.to_owned());
        assert_eq!(text(client.redirect_uri(asked)), due, "{asked}");
    }
    assert!(native.post_logout_redirect_uri("com.example:/bye").is_some());
    assert!(native.post_logout_redirect_uri("com.example:/cb").is_none());
    assert!(web.post_logout_redirect_uri("https://app.example/callback").is_none());
    // Custom schemes have no origin that a page could name in its policy (rule G11).
    assert_eq!(native.redirect_uri("com.example:/cb").unwrap().origin(), None);
}

#[tokio::test]
async fn g15_clients_that_are_not_of_the_tenant_itself_need_a_consent() {
    let scene = Scene::open().await;
    let app = scene.service.person_client(|client| client.first_party = true).await;
    for (id, asks) in [(&scene.app.id, true), (&app.id, false)] {
        let client = scene.service.table.find_client(&id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(client.value.needs_consent(), asks);
        assert!(client.value.remembers_consent() && client.value.is_public());
        assert_eq!(client.value.client_id.tenant().as_str(), TENANT);
    }
}
