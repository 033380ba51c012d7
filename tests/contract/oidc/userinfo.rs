//! Userinfo for tokens of this service: GET and POST, and claims by scope (OpenID Connect Core
//! §5.3, §5.4).

use serde_json::{Value, json};
use tests::{Answer, Call, GiveCode, KeyPair};

use super::{Scene, claims};

const USERINFO: &str = "/idhub/oidc/v1/userinfo";

/// What userinfo answers to a token with these scopes.
async fn answered(scene: &Scene, scope: &str) -> Value {
    let token = scene.sign_in(scope).await.field("access_token");
    scene.app.userinfo(&token).await.is(200).json()
}

fn post(scene: &Scene) -> Call {
    scene.service.call("POST", USERINFO)
}

#[tokio::test]
async fn g8_oidcc_userinfo_get_has_the_subject_of_the_id_token() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid").await;
    let userinfo = scene.app.userinfo(&answer.field("access_token")).await.is(200);
    assert_eq!(userinfo.header("content-type"), Some("application/json"));
    assert_eq!(userinfo.json(), json!({ "sub": claims(&answer, "id_token")["sub"] }));
}

#[tokio::test]
async fn g8_oidcc_userinfo_post_header_takes_the_token_in_the_header() {
    let scene = Scene::open().await;
    let token = scene.sign_in("openid email").await.field("access_token");
    let due = scene.app.userinfo(&token).await.is(200).json();
    for call in [post(&scene), post(&scene).form(&[]), post(&scene).form(&[("other", "x")])] {
        assert_eq!(call.token(&token).await.is(200).json(), due);
    }
}

#[tokio::test]
async fn g8_oidcc_userinfo_post_body_takes_the_token_in_the_form() {
    let scene = Scene::open().await;
    let token = scene.sign_in("openid email").await.field("access_token");
    let due = scene.app.userinfo(&token).await.is(200).json();
    let form = [("access_token", token.as_str())];
    assert_eq!(post(&scene).form(&form).await.is(200).json(), due);
    // Once, in one place (RFC 6750 §2).
    post(&scene).form(&form).token(&token).await.is(400);
    post(&scene).form(&[form[0], form[0]]).await.is(400);
    post(&scene).form(&[("access_token", "")]).await.is(401);
    post(&scene).form(&[("access_token", "x")]).await.is(401);
    post(&scene).form(&[("access_token", "é\u{1}")]).await.is(401);
    // Not in the query (RFC 9700 §4.3.2), nor in JSON.
    scene.service.call("GET", &format!("{USERINFO}?access_token={token}")).await.is(401);
    post(&scene).json(json!({ "access_token": token })).await.is(401);
    // A token that is bound to a key is no bearer token, wherever it stands.
    let key = KeyPair::es256();
    let proof = key.proof("POST", "/idhub/oidc/v1/token", json!({}), json!({}));
    let code = scene.service.give_code(&scene.app.code_of(&scene.jan.id, "openid")).await;
    let bound = scene.app.exchange(&code).header("dpop", proof).await.is(200);
    post(&scene).form(&[("access_token", &bound.field("access_token"))]).await.is(401);
}

/// Defines these attributes in `common`, each with a value, and gives Jan the values.
async fn give(scene: &Scene, attributes: &[(&str, Value, Value)]) {
    let mut values = json!({});
    for (name, more, value) in attributes {
        scene.admin.define(name, more.clone()).await;
        values[name] = value.clone();
    }
    let tag = scene.admin.tag_of(&scene.jan.path).await;
    let body = json!({ "attributes": { "common": values } });
    scene.admin.patch(&scene.jan.path, body).if_match(&tag).await.is(200);
}

#[tokio::test]
async fn g8_an_address_has_the_members_that_have_a_value_and_a_number_is_the_first_value() {
    let scene = Scene::open().await;
    // Without the attributes there are no such claims.
    assert_eq!(answered(&scene, "openid address phone").await, json!({ "sub": scene.base() }));
    let countries = json!({ "data_format": "ENUMERATION", "enumeration_values": ["BE", "NL"] });
    give(
        &scene,
        &[
            ("phone-number", json!({}), json!(["02 555 01 23", "02 555 01 24"])),
            ("locality", json!({}), json!(["Gent", "Brugge"])),
            ("postal-code", json!({ "data_format": "NUMERIC" }), json!([9000])),
            ("country", countries, json!(["BE"])),
            // What is no text cannot be a part of an address.
            ("region", json!({ "data_format": "JSON" }), json!([{ "code": "VOV" }])),
        ],
    )
    .await;
    let due = json!({
        "sub": scene.base(), "phone_number": "02 555 01 23", "phone_number_verified": false,
        "address": { "locality": "Gent", "postal_code": "9000", "country": "BE" },
    });
    assert_eq!(answered(&scene, "openid address phone").await, due);
    // The attributes themselves are custom attributes, told by the rules of these.
    let said = answered(&scene, "openid profile").await;
    assert_eq!(said["attributes"]["common"]["locality"], json!(["Gent", "Brugge"]));
    assert!(said.get("address").is_none() && said.get("phone_number").is_none());
}

#[tokio::test]
async fn g67_a_standard_claim_of_an_attribute_that_is_not_shown_is_not_told() {
    let scene = Scene::open().await;
    give(
        &scene,
        &[
            (
                "phone-number",
                json!({ "data_format": "SMS", "hidden": true }),
                json!(["+3225550123"]),
            ),
            ("formatted", json!({ "data_format": "SEARCHABLE_HASH" }), json!(["Kerkstraat 1"])),
            ("street-address", json!({ "hidden": true }), json!(["Kerkstraat 1"])),
            ("locality", json!({ "scopes": ["email"] }), json!(["Gent"])),
            ("country", json!({ "scopes": ["address", "users:read"] }), json!(["BE"])),
        ],
    )
    .await;
    let all = answered(&scene, "openid address phone email").await;
    assert_eq!(all["address"], json!({ "locality": "Gent", "country": "BE" }));
    assert!(all.get("phone_number").is_none() && all.get("phone_number_verified").is_none());
    assert_eq!(answered(&scene, "openid address").await["address"], json!({ "country": "BE" }));
}

#[tokio::test]
async fn g8_address_and_number_are_told_by_name_in_the_id_token_and_in_userinfo() {
    let scene = Scene::open().await;
    let number = json!(["+3225550123"]);
    give(
        &scene,
        &[
            ("phone-number", json!({ "data_format": "SMS" }), number),
            ("locality", json!({}), json!(["Gent"])),
        ],
    )
    .await;
    let asked = json!({
        "id_token": { "phone_number": null, "phone_number_verified": null },
        "userinfo": { "address": { "essential": true } },
    });
    let told = async |scopes: &str| {
        let app = scene.service.person_client(|c| c.scopes = scopes.parse().unwrap()).await;
        let give =
            GiveCode { claims: Some(asked.to_string()), ..app.code_of(&scene.jan.id, "openid") };
        let answer = app.sign_in_with(&give).await;
        let userinfo = app.userinfo(&answer.field("access_token")).await.is(200).json();
        (claims(&answer, "id_token"), userinfo)
    };
    let (id_token, userinfo) = told("openid address phone").await;
    assert_eq!(id_token["phone_number"], "+3225550123");
    assert_eq!(id_token["phone_number_verified"], false);
    assert!(id_token.get("address").is_none());
    assert_eq!(userinfo, json!({ "sub": scene.base(), "address": { "locality": "Gent" } }));
    // Within the scopes that the client may ask for.
    let (id_token, userinfo) = told("openid phone").await;
    assert_eq!(id_token["phone_number"], "+3225550123");
    assert_eq!(userinfo, json!({ "sub": scene.base() }));
    let (id_token, _) = told("openid address").await;
    assert!(id_token.get("phone_number").is_none());
}

#[tokio::test]
async fn g8_oidcc_claims_essential_name_is_answered_without_its_scope() {
    let scene = Scene::open().await;
    let asked = json!({ "userinfo": { "name": { "essential": true }, "picture": null } });
    let give = GiveCode {
        claims: Some(asked.to_string()),
        ..scene.app.code_of(&scene.jan.id, "openid offline_access")
    };
    let answer = scene.app.sign_in_with(&give).await;
    let due = json!({ "sub": scene.base(), "name": "Jan Janssen" });
    let userinfo = async |answer: &Answer| {
        scene.app.userinfo(&answer.field("access_token")).await.is(200).json()
    };
    assert_eq!(userinfo(&answer).await, due);
    let refreshed = scene.app.refresh(&answer.field("refresh_token")).await.is(200);
    assert_eq!(userinfo(&refreshed).await, due);
    assert!(claims(&answer, "id_token").get("name").is_none());
}

#[tokio::test]
async fn g8_a_client_gets_no_claim_by_name_whose_scope_it_may_not_ask_for() {
    let scene = Scene::open().await;
    let app = scene.service.person_client(|c| c.scopes = "openid profile".parse().unwrap()).await;
    let asked =
        json!({ "userinfo": { "email": null, "name": null }, "id_token": { "email": null } });
    let give =
        GiveCode { claims: Some(asked.to_string()), ..app.code_of(&scene.jan.id, "openid email") };
    let answer = app.sign_in_with(&give).await;
    let due = json!({ "sub": scene.base(), "name": "Jan Janssen" });
    assert_eq!(app.userinfo(&answer.field("access_token")).await.is(200).json(), due);
    assert!(claims(&answer, "id_token").get("email").is_none());
}

#[tokio::test]
async fn g67_attributes_are_told_by_their_scopes_and_hidden_ones_never() {
    let scene = Scene::open().await;
    let defined = [
        ("open", json!({})),
        ("mail", json!({ "scopes": ["email"] })),
        ("office", json!({ "scopes": ["users:read"] })),
        ("secret", json!({ "hidden": true })),
        ("pin", json!({ "data_format": "HASH" })),
    ];
    for (name, more) in defined {
        scene.admin.define(name, more).await;
    }
    let values =
        json!({ "open": ["1"], "mail": ["2"], "office": ["3"], "secret": ["4"], "pin": ["5"] });
    let tag = scene.admin.tag_of(&scene.jan.path).await;
    let body = json!({ "attributes": { "common": values } });
    scene.admin.patch(&scene.jan.path, body).if_match(&tag).await.is(200);
    let seen = async |scope: &str| {
        let said = answered(&scene, scope).await;
        let common = said["attributes"]["common"].as_object().cloned().unwrap_or_default();
        common.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seen("openid").await, "");
    assert_eq!(seen("openid email").await, "mail");
    assert_eq!(seen("openid profile").await, "open");
    assert_eq!(seen("openid profile email").await, "mail open");
}

#[tokio::test]
async fn g8_personas_in_force_are_told_with_the_scope_profile() {
    let scene = Scene::open().await;
    scene.admin.define_persona("buyer", json!({ "scoped": true })).await;
    scene.admin.define_persona("guest", json!({})).await;
    let buyer = json!({ "name": "buyer", "scope": ["shop-1"], "preferred": true });
    let buyer = scene.admin.add_persona(&scene.jan, buyer).await;
    let guest = json!({ "name": "guest", "status": "SUSPENDED" });
    scene.admin.add_persona(&scene.jan, guest).await;
    let said = answered(&scene, "openid profile").await;
    assert_eq!(
        said["personas"],
        json!([{
            "id": buyer.id, "name": "buyer", "scope": ["shop-1"], "preferred": true,
            "attributes": {},
        }])
    );
    assert!(said.get("persona").is_none(), "the person signed in without a choice");
}

#[tokio::test]
async fn g20_a_cookie_and_a_token_in_the_form_are_refused_together() {
    let scene = Scene::open().await;
    let token = scene.sign_in("openid").await.field("access_token");
    let cookie = scene.service.give_session(&scene.jan.id).await;
    let call = post(&scene).form(&[("access_token", &token)]);
    call.header("cookie", format!("__Host-Http-kith-session={cookie}")).await.is(400);
}
