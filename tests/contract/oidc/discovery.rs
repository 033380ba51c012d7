//! The metadata says exactly what works (rules G5, G16).

use serde_json::{Value, json};
use tests::BASE;

use super::{ISSUER, Scene};

const METADATA: &str = "/idhub/oidc/.well-known/openid-configuration";

async fn metadata(scene: &Scene) -> Value {
    scene.service.call("GET", METADATA).await.is(200).json()
}

#[tokio::test]
async fn g5_the_metadata_names_the_issuer_and_promises_iss_in_responses() {
    let scene = Scene::open().await;
    let metadata = metadata(&scene).await;
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn g16_the_metadata_is_exact() {
    let scene = Scene::open().await;
    let metadata = metadata(&scene).await;
    let url = |path: &str| json!(format!("{BASE}/idhub/oidc/v1/{path}"));
    for (member, value) in [
        ("authorization_endpoint", url("authorize")),
        ("token_endpoint", url("token")),
        ("userinfo_endpoint", url("userinfo")),
        ("end_session_endpoint", url("logout")),
        ("jwks_uri", url("jwks")),
        ("introspection_endpoint", url("introspect")),
        ("revocation_endpoint", url("revoke")),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "form_post"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "client_credentials", "refresh_token"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["ES256", "RS256"])),
        ("prompt_values_supported", json!(["none", "login", "consent", "select_account"])),
        ("ui_locales_supported", json!(["en", "nl", "fr", "de"])),
        ("acr_values_supported", json!(["1", "2"])),
        ("claims_parameter_supported", json!(true)),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]),
        ),
    ] {
        assert_eq!(metadata[member], value, "{member}");
    }
    for absent in [
        "registration_endpoint",
        "pushed_authorization_request_endpoint",
        "check_session_iframe",
        "backchannel_logout_supported",
        "frontchannel_logout_supported",
    ] {
        assert!(metadata.get(absent).is_none(), "{absent} does not work yet");
    }
}

#[tokio::test]
async fn g16_every_claim_that_a_token_or_userinfo_has_is_listed() {
    let scene = Scene::open().await;
    let listed = metadata(&scene).await["claims_supported"].as_array().cloned().unwrap();
    let answer = scene.sign_in("openid profile email").await;
    let userinfo = scene.app.userinfo(&answer.field("access_token")).await.is(200).json();
    for said in [super::claims(&answer, "id_token"), userinfo] {
        for name in said.as_object().unwrap().keys().filter(|name| *name != "at_hash") {
            assert!(listed.contains(&json!(name)), "{name}");
        }
    }
}
