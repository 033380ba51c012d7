//! The published keys and the metadata (rule O8).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tests::{BASE, Service};
use tokio::task::JoinSet;

pub const JWKS: &str = "/idhub/oidc/v1/jwks";
pub const DAY: i64 = 24 * 3600;

pub async fn kids(service: &Service) -> Vec<String> {
    let jwks = service.call("GET", JWKS).await.is(200).json();
    jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

pub fn kid_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn o8_keys_are_public_and_named_by_their_thumbprint() {
    let service = Service::start().await;
    let answer = service.call("GET", JWKS).await.is(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let jwks = answer.json();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    for key in keys {
        let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, key["x"], key["y"]);
        assert_eq!(key["kid"], json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))));
        assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
    }
    let token = service.crm().await.token;
    assert_eq!(kids(&service).await, [kid_of(&token)]);
}

#[tokio::test]
async fn o8_private_parts_stand_in_the_partition_of_the_token_function() {
    let service = Service::start().await;
    service.crm().await;
    let items = service.items().await;
    let private: Vec<_> = items.iter().filter(|item| item.contains("K#private")).collect();
    assert_eq!(private.len(), 2, "the signing key and the key of refresh tokens");
    let public = items.iter().find(|item| item.contains("K#public")).unwrap();
    assert!(!public.contains("secret"));
}

#[tokio::test]
async fn o8_keys_follow_each_other_and_an_old_one_stays_until_its_last_token_has_expired() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let reader = service.instance();
    let first = kid_of(&crm.token);
    crm.on(&reader).get("/config/persona-definitions").await.is(200);

    // A day before its end the successor is published, and does not sign yet.
    service.clock.advance(29 * DAY);
    let old = crm.with_token().await;
    assert_eq!(kid_of(&old.token), first);
    let published = kids(&service).await;
    assert_eq!(published.len(), 2);
    service.clock.advance(DAY - 1);
    let old = old.with_token().await;
    assert_eq!(kid_of(&old.token), first);
    old.on(&reader).get("/config/persona-definitions").await.is(200);

    // Then it signs; the tokens of the old key are good as long as they live.
    service.clock.advance(1);
    let new = old.clone().with_token().await;
    let second = kid_of(&new.token);
    assert_ne!(second, first);
    assert!(published.contains(&second));
    for crm in [&old, &new] {
        crm.on(&reader).get("/config/persona-definitions").await.is(200);
        crm.get("/config/persona-definitions").await.is(200);
    }
    assert_eq!(kids(&service).await.len(), 2);
    service.clock.advance(DAY + 59);
    assert_eq!(kids(&service).await.len(), 2);
    service.clock.advance(1);
    assert_eq!(kids(&service).await, [second]);
}

#[tokio::test]
async fn o8_whenever_somebody_asks_there_is_a_key_that_signs_and_verifies() {
    for idle in
        [29 * DAY, 30 * DAY - 700, 30 * DAY - 100, 30 * DAY - 1, 30 * DAY, 40 * DAY, 400 * DAY]
    {
        let service = Service::start().await;
        let crm = service.crm().await;
        let reader = service.instance();
        crm.on(&reader).get("/config/persona-definitions").await.is(200);
        service.clock.advance(idle);
        for wait in [0, 1, 99, 101, 300, 400, 700, DAY] {
            service.clock.advance(wait);
            let answer = crm.token_for(&[("grant_type", "client_credentials")]).await;
            assert_eq!(answer.code(), 200, "{wait} s after {idle} s: {}", answer.text());
            let token = answer.field("access_token");
            assert!(kids(&service).await.contains(&kid_of(&token)), "{wait} s after {idle} s");
            reader.call("GET", "/config/persona-definitions").token(&token).await.is(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o8_functions_that_start_at_once_agree_on_one_key() {
    let service = Service::start().await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let service = service.instance();
        calls.spawn(async move { kids(&service).await });
    }
    let found = calls.join_all().await;
    assert!(found.iter().all(|kids| *kids == found[0] && kids.len() == 1), "{found:?}");
}

/// Where clients look for the metadata: RFC 8414 §3.1 puts the name of the document before the path
/// of the issuer, OpenID Connect Discovery §4 after it, and either is done with either name.
const METADATA: [&str; 4] = [
    "/.well-known/oauth-authorization-server/idhub/oidc",
    "/.well-known/openid-configuration/idhub/oidc",
    "/idhub/oidc/.well-known/oauth-authorization-server",
    "/idhub/oidc/.well-known/openid-configuration",
];

#[tokio::test]
async fn ec9_the_metadata_is_the_same_wherever_clients_look_for_it() {
    let service = Service::start().await;
    let openid = service.call("GET", METADATA[0]).await.is(200);
    for path in METADATA {
        let found = service.call("GET", path).await.is(200);
        assert_eq!(found.json(), openid.json(), "{path}");
        assert_eq!(found.header("cache-control"), Some("public, max-age=3600"), "{path}");
        service.call("HEAD", path).await.is(200);
    }
    service.call("GET", "/.well-known/openid-configuration").await.is(404);
    let metadata = openid.json();
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["protected_resources"], json!([BASE]));
    assert_eq!(metadata["issuer"], json!(format!("{BASE}/idhub/oidc")));
    assert_eq!(metadata["token_endpoint"], json!(format!("{BASE}/idhub/oidc/v1/token")));
    assert_eq!(metadata["userinfo_endpoint"], json!(format!("{BASE}/idhub/oidc/v1/userinfo")));
    assert_eq!(metadata["jwks_uri"], json!(format!("{BASE}{JWKS}")));
    let grants = json!(["authorization_code", "client_credentials", "refresh_token"]);
    assert_eq!(metadata["grant_types_supported"], grants);
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
    );
    assert_eq!(
        metadata["introspection_endpoint"],
        json!(format!("{BASE}/idhub/oidc/v1/introspect"))
    );
    assert_eq!(metadata["revocation_endpoint"], json!(format!("{BASE}/idhub/oidc/v1/revoke")));
    for algorithms in
        ["dpop", "token_endpoint_auth", "introspection_endpoint_auth", "revocation_endpoint_auth"]
    {
        let name = match algorithms {
            "dpop" => "dpop_signing_alg_values_supported".to_owned(),
            endpoint => format!("{endpoint}_signing_alg_values_supported"),
        };
        assert_eq!(
            metadata[&name],
            json!(["ES256", "RS256", "PS256", "EdDSA", "Ed25519"]),
            "{name}"
        );
    }
}

#[tokio::test]
async fn ec9_the_service_describes_itself_as_a_protected_resource() {
    let service = Service::start().await;
    let path = "/.well-known/oauth-protected-resource";
    let answer = service.call("GET", path).await.is(200);
    let algorithms = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"];
    let due = json!({
        "resource": BASE,
        "authorization_servers": [format!("{BASE}/idhub/oidc")],
        "scopes_supported": [
            "users:read", "users:write", "config:read", "config:write", "audit:read",
            "audit:values", "administrator", "userdata", "openid", "profile", "email", "address",
            "phone", "offline_access",
        ],
        "bearer_methods_supported": ["header"],
        "resource_name": "Kith",
        "resource_documentation": format!("{BASE}/docs"),
        "dpop_signing_alg_values_supported": algorithms,
        "dpop_bound_access_tokens_required": false,
    });
    assert_eq!(answer.json(), due);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    // Of the URL of a resource without a path, the metadata has no further one (RFC 9728 §3.1).
    service.call("GET", &format!("{path}/identity/me")).await.is(404);
    for path in ["/identity/me", "/identity/users", "/idhub/oidc/v1/userinfo"] {
        let refused = service.call("GET", path).await.is(401);
        let challenge = refused.header("www-authenticate").unwrap();
        let named = format!("resource_metadata=\"{BASE}/.well-known/oauth-protected-resource\"");
        assert_eq!(challenge.matches(&named).count(), 2, "{challenge}");
    }
}

#[tokio::test]
async fn ec8_pages_of_every_origin_read_what_is_the_same_for_everybody() {
    let service = Service::start().await;
    let public =
        [JWKS, "/.well-known/oauth-protected-resource", "/openapi.json", "/openapi-3.0.json"];
    for path in METADATA.into_iter().chain(public) {
        let answer =
            service.call("GET", path).header("origin", "https://app.example").await.is(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        if let Some(tag) = answer.header("etag") {
            let known = service.call("GET", path).if_none_match(tag).await.is(304);
            assert_eq!(known.header("access-control-allow-origin"), Some("*"), "{path}");
        }
    }
    let crm = service.crm().await;
    for path in ["/identity/users", "/health", "/", "/docs", "/problems/not-found"] {
        let answer = crm.get(path).header("origin", "https://app.example").await.is(200);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}
