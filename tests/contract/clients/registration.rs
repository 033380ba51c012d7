//! `POST /config/clients` and what may be said there.

use serde_json::{Value, json};
use tests::Service;

use super::{CLIENTS, administered, document, keys, register};

#[tokio::test]
async fn o9_a_registration_shows_the_secret_once_and_nothing_keeps_it() {
    let (service, admin) = administered().await;
    let answer = admin.post(CLIENTS, document(json!({}))).await.is(201);
    let made = answer.json();
    let (id, secret) = (answer.field("client_id"), answer.field("client_secret"));
    assert!(id.starts_with("acme.") && secret.starts_with("kith_") && secret.len() == 77);
    assert_eq!(answer.header("location"), Some(&*format!("{CLIENTS}/{id}")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let due = json!({
        "client_id": id, "name": "crm", "token_endpoint_auth_method": "client_secret_basic",
        "scopes": ["users:read"],
        "default_scopes": ["users:read"], "grant_types": ["client_credentials"],
        "redirect_uris": [], "post_logout_redirect_uris": [], "application_type": "web",
        "first_party": false, "application_id": null, "jwks": null, "jwks_uri": null,
        "systems": [], "integration": null, "max_classifier": "SENSITIVE",
        "access_token_lifetime": 900,
        "access_token_signing_alg": "ES256", "audience": [], "dpop_bound_access_tokens": false,
        "secrets": [{
            "id": made["secrets"][0]["id"], "created_at": "2026-11-21T10:00:00.000Z",
            "expires_at": null,
            "last_used_on": null,
        }],
        "client_secret": secret,
    });
    assert_eq!(made, due);

    let path = format!("{CLIENTS}/{id}");
    let read = admin.get(&path).await.is(200);
    let mut shown = made;
    shown.as_object_mut().unwrap().remove("client_secret");
    assert_eq!((read.json(), read.tag()), (shown.clone(), answer.tag()));
    assert_eq!(read.header("cache-control"), Some("private, no-cache"));
    assert_eq!(admin.get(&path).if_none_match(&read.tag()).await.is(304).text(), "");
    assert_eq!(admin.call("HEAD", &path).await.is(200).tag(), read.tag());
    let list = tests::without_tags(admin.get(CLIENTS).await.is(200).json());
    assert!(list["items"].as_array().unwrap().contains(&shown));
    assert!(!service.items().await.concat().contains(secret.trim_start_matches("kith_")));
}

#[tokio::test]
async fn a_client_gets_tokens_as_it_was_registered() {
    let (service, admin) = administered().await;
    let all = json!({
        "scopes": ["users:write", "users:read", "users:read"], "default_scopes": ["users:read"],
        "grant_types": ["refresh_token", "client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
        "jwks": keys(), "systems": ["webshop", "helpdesk"], "integration": "crm",
        "max_classifier": "LOW",
        "access_token_lifetime": 60, "access_token_signing_alg": "ES256",
        "audience": ["https://api.example.org/v1", "erp"],
    });
    let client = register(&admin, all.clone()).await;
    for name in ["default_scopes", "jwks", "systems", "integration", "max_classifier", "audience"] {
        assert_eq!(client.body[name], all[name], "{name}");
    }
    assert_eq!(client.body["scopes"], json!(["users:read", "users:write"]));
    assert_eq!(client.body["grant_types"], json!(["client_credentials", "refresh_token"]));
    let token = client.token(&service, &client.secret).await.is(200).json();
    assert_eq!((&token["scope"], &token["expires_in"]), (&json!("users:read"), &json!(60)));
    assert!(token["refresh_token"].is_string());
}

#[tokio::test]
async fn o9_a_client_that_signs_has_keys_and_no_secret() {
    let (_, admin) = administered().await;
    let by_key = |keys: Value| {
        let mut document = document(json!({ "token_endpoint_auth_method": "private_key_jwt" }));
        for (name, value) in keys.as_object().unwrap() {
            document[name] = value.clone();
        }
        admin.post(CLIENTS, document)
    };
    for keys in [json!({ "jwks": keys() }), json!({ "jwks_uri": "https://keys.example.org/jwks" })]
    {
        let made = by_key(keys).await.is(201);
        assert!(made.json().get("client_secret").is_none() && made.json()["secrets"] == json!([]));
        assert_eq!(made.header("cache-control"), Some("private, no-cache"));
    }
    assert_eq!(by_key(json!({})).await.is(422).violations(), ["/jwks required"]);
    let both = by_key(json!({ "jwks": keys(), "jwks_uri": "https://keys.example.org/jwks" }))
        .await
        .is(422);
    assert_eq!(both.violations(), ["/jwks_uri not-allowed"]);
    let broken = by_key(json!({ "jwks_uri": "http://keys.example.org" })).await.is(422);
    assert_eq!(broken.violations(), ["/jwks_uri wrong-format"]);
}

#[tokio::test]
async fn e1_every_violation_is_listed_at_once() {
    let (_, admin) = administered().await;
    let all_wrong = json!({
        "client_id": "acme.00000000000000000000000000000000", "secrets": [],
        "scopes": ["root", 1, "openid"],
        "default_scopes": ["users:read"], "grant_types": ["password"],
        "token_endpoint_auth_method": "tls_client_auth",
        "jwks": 1, "jwks_uri": "x", "systems": ["A", 1], "integration": "erp",
        "max_classifier": "TOP",
        "access_token_lifetime": "900", "access_token_signing_alg": "PS256", "audience": "x",
        "dpop_bound_access_tokens": 1, "client_secret": "x",
    });
    let due = [
        "/access_token_lifetime wrong-type",
        "/access_token_signing_alg not-in-enumeration",
        "/audience wrong-type",
        "/client_id not-editable",
        "/client_secret unknown",
        "/dpop_bound_access_tokens wrong-type",
        "/grant_types/0 not-in-enumeration",
        "/integration not-in-enumeration",
        "/jwks wrong-type",
        "/jwks_uri wrong-format",
        "/max_classifier not-in-enumeration",
        "/name required",
        "/scopes/0 not-in-enumeration",
        "/scopes/1 wrong-type",
        "/secrets not-editable",
        "/systems/1 wrong-type",
        "/token_endpoint_auth_method not-in-enumeration",
    ];
    assert_eq!(admin.post(CLIENTS, all_wrong).await.is(422).violations(), due);
    assert_eq!(
        admin.post(CLIENTS, json!({})).await.is(422).violations(),
        ["/name required", "/scopes required"]
    );
    assert_eq!(admin.post(CLIENTS, json!([])).await.is(422).violations()[0], " wrong-type");
}

#[tokio::test]
async fn e1_s1_each_rule_of_a_field_says_what_would_be_right() {
    let (_, admin) = administered().await;
    let many = |n: usize| (0..n).map(|i| format!("s{i}")).collect::<Vec<_>>();
    for (field, value, due, says) in [
        ("name", json!(""), "/name wrong-format", ""),
        ("name", json!("x".repeat(257)), "/name too-long", "256"),
        ("scopes", json!([]), "/scopes required", "at least one"),
        ("scopes", json!("users:read"), "/scopes wrong-type", "array"),
        ("scopes", json!(vec!["openid"; 15]), "/scopes too-many", "14"),
        ("default_scopes", json!([]), "/default_scopes required", "at least one"),
        (
            "default_scopes",
            json!(["users:read", "openid"]),
            "/default_scopes/1 not-allowed",
            "openid",
        ),
        ("grant_types", json!(["refresh_token"]), "/grant_types required", "client_credentials"),
        ("grant_types", json!([]), "/grant_types required", "client_credentials"),
        ("grant_types", json!(vec!["client_credentials"; 4]), "/grant_types too-many", "3"),
        ("systems", json!(many(51)), "/systems too-many", "50"),
        ("systems", json!(["shop", "shop"]), "/systems/1 not-unique", "shop"),
        ("systems", json!(["shop", "Shop"]), "/systems/1 wrong-format", "lower-case letters"),
        ("audience", json!(many(11)), "/audience too-many", "10"),
        ("audience", json!(["x".repeat(513)]), "/audience/0 too-long", "512"),
        ("audience", json!(["erp", "erp"]), "/audience/1 not-unique", "erp"),
        ("audience", json!(["two words"]), "/audience/0 wrong-format", "URI"),
        ("audience", json!(["//host:80"]), "/audience/0 wrong-format", "URI"),
        ("audience", json!(["https:"]), "/audience/0 wrong-format", "URI"),
        ("audience", json!(["https://x.example/#y"]), "/audience/0 wrong-format", "fragment"),
        ("audience", json!(["a".repeat(512), "b".repeat(512), "c"]), "/audience too-large", "1024"),
        ("access_token_lifetime", json!(59), "/access_token_lifetime not-allowed", "60"),
        ("access_token_lifetime", json!(86401), "/access_token_lifetime not-allowed", "86400"),
        ("access_token_lifetime", json!(-1), "/access_token_lifetime not-allowed", "60"),
        ("access_token_lifetime", json!(90.5), "/access_token_lifetime wrong-format", "whole"),
        (
            "access_token_signing_alg",
            json!("EdDSA"),
            "/access_token_signing_alg not-in-enumeration",
            "`ES256` or `RS256`",
        ),
        (
            "access_token_signing_alg",
            json!("none"),
            "/access_token_signing_alg not-in-enumeration",
            "`ES256` or `RS256`",
        ),
        (
            "integration",
            json!("CRM"),
            "/integration not-in-enumeration",
            "`crm` or `iam`; did you mean `crm`?",
        ),
        ("jwks", json!({ "keys": [] }), "/jwks required", "10"),
        (
            "jwks",
            json!({ "keys": [{ "kty": "oct", "k": "AA" }] }),
            "/jwks/keys/0 not-allowed",
            "public",
        ),
        ("jwks_uri", json!("https://x.example/#y"), "/jwks_uri wrong-format", "https"),
        ("jwks_uri", json!("https://localhost/x"), "/jwks_uri wrong-format", "public"),
        ("jwks_uri", json!("https://a.localhost:8443/x"), "/jwks_uri wrong-format", "public"),
        ("jwks_uri", json!("https://169.254.169.254/x"), "/jwks_uri wrong-format", "public"),
        ("jwks_uri", json!("https://[::1]/x"), "/jwks_uri wrong-format", "public"),
        ("jwks_uri", json!("https://u:p@x.example/"), "/jwks_uri wrong-format", "user name"),
        ("jwks_uri", json!("https://x.example:22/"), "/jwks_uri wrong-format", "1024"),
        ("jwks_uri", json!("https://x.example:99999/"), "/jwks_uri wrong-format", "65536"),
        (
            "jwks_uri",
            json!(format!("https://x.example/{}", "y".repeat(1024))),
            "/jwks_uri too-long",
            "1024",
        ),
    ] {
        let answer = admin.post(CLIENTS, document(json!({ field: value.clone() }))).await.is(422);
        assert_eq!(answer.violations(), [due], "{field}: {value}");
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    for (field, value) in [
        ("access_token_lifetime", json!(60)),
        ("access_token_lifetime", json!(86400)),
        ("systems", json!(many(50))),
        ("audience", json!(many(10))),
        ("audience", json!(["urn:example:erp", "https://x.example:8443/a?b=c", "erp.internal"])),
        ("name", json!("é".repeat(128))),
        ("integration", json!(null)),
        ("default_scopes", json!(null)),
    ] {
        admin.post(CLIENTS, document(json!({ field: value }))).await.is(201);
    }
}

#[tokio::test]
async fn i1_a_route_whose_answer_carries_a_secret_takes_no_idempotency_key() {
    let (_, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    admin.post(CLIENTS, document(json!({}))).key("k").await.is(400);
    admin.act(&client.secrets()).key("k").await.is(400);
    admin.post(CLIENTS, document(json!({}))).if_match("\"x\"").await.is(412);
}

#[tokio::test]
async fn clients_need_the_scope_administrator() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let crm = service.crm().await;
    let secret =
        format!("{}/{}", client.secrets(), client.body["secrets"][0]["id"].as_str().unwrap());
    for (method, path) in [
        ("POST", CLIENTS),
        ("GET", CLIENTS),
        ("GET", &client.path),
        ("PATCH", &client.path),
        ("DELETE", &client.path),
        ("POST", &client.secrets()),
        ("DELETE", &secret),
    ] {
        assert_eq!(
            crm.call(method, path).await.is(403).slug(),
            "insufficient-scope",
            "{method} {path}"
        );
        service.call(method, path).await.is(401);
    }
    assert_eq!(admin.get(&secret).await.is(405).header("allow"), Some("DELETE"));
    assert_eq!(admin.get(&client.path).await.is(200).tag(), client.tag);
}

#[tokio::test]
async fn s3_no_secret_and_no_hash_is_logged_or_shown_again() {
    crate::edge::logs::keep();
    let (service, admin) = administered().await;
    let made = admin.post(CLIENTS, document(json!({}))).await.is(201);
    let (path, secret) = (made.header("location").unwrap().to_owned(), made.field("client_secret"));
    let next = admin.act(&format!("{path}/secrets")).await.is(201);
    let second = next.field("client_secret");
    let (id, of_next) = (made.field("client_id"), next.header("location").unwrap().to_owned());
    let hash = |secret: &str| {
        let hash = shared::domain::client::HashedSecret::of(secret);
        serde_json::to_string(&hash).unwrap().trim_matches('"').to_owned()
    };
    let hashes = [hash(&secret), hash(&second)];
    let items = service.items().await.concat();
    assert!(hashes.iter().all(|hash| items.contains(hash)), "the hashes are what is stored");
    let answers = [
        admin.get(&path).await.is(200),
        admin.get(CLIENTS).await.is(200),
        admin.patch(&path, json!({ "name": "x" })).if_match("*").await.is(200),
        admin.patch(&path, json!({ "secrets": [{ "hash": "x" }] })).if_match("*").await.is(422),
        admin.act(&format!("{path}/secrets")).await.is(409),
        service
            .token(&[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                ("client_secret", &secret),
            ])
            .await,
        admin.delete(&of_next).await.is(204),
    ];
    for answer in answers.iter().chain([&made, &next]) {
        let log = format!("{:?}", crate::edge::logs::lines(answer));
        assert!(log.contains("operation"), "{log}");
        for hash in &hashes {
            assert!(!answer.text().contains(hash.as_str()) && !log.contains(hash.as_str()));
        }
        assert!(!log.contains("kith_"), "{log}");
    }
    assert!(answers.iter().all(|answer| !answer.text().contains("kith_")));
}

#[tokio::test]
async fn h5_the_contract_of_a_resource_holds_on_another_instance_too() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let elsewhere = admin.on(&Service::instance(&service));
    assert_eq!(elsewhere.get(&client.path).await.is(200).tag(), client.tag);
    assert_eq!(client.signs_in(&elsewhere.service, &client.secret).await, 200);
}
