//! `/idhub/oidc/v1/userinfo` (OpenID Connect Core 1.0 §5.3).

use serde_json::{Value, json};
use tests::{Answer, TENANT};

use super::{Home, common};

const USERINFO: &str = "/idhub/oidc/v1/userinfo";

async fn with_scope(home: &Home, scope: Value) -> Answer {
    home.issuer.person("jan", json!({ "scope": scope })).get(USERINFO).await
}

#[tokio::test]
async fn userinfo_says_who_the_person_is() {
    let home = Home::open().await;
    home.crm.define("nick", json!({})).await;
    home.crm.define("pin", json!({ "data_format": "HASH" })).await;
    home.crm.define("code", json!({ "data_format": "SEARCHABLE_HASH" })).await;
    home.crm.define("amount", json!({ "data_format": "NUMERIC" })).await;
    home.write(json!({
        "ui_locales": "nl-BE fr",
        "attributes": {
            "common": { "nick": ["jj", "j"], "pin": ["1"], "code": ["2"], "amount": [1.5] }
        },
    }))
    .await;
    let administrator = home.service.client(TENANT, "administrator").await;
    let verification = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    administrator.post(&home.user.below("verify"), verification).await.is(200);
    let answer = home.jan.get(USERINFO).await.is(200);
    assert_eq!(
        answer.json(),
        json!({
            "sub": home.issuer.base("jan"), "preferred_username": "jan", "given_name": "Jan",
            "family_name": "Janssen",
            "name": "Jan Janssen", "email": "jan@example.org", "email_verified": true,
            "locale": "nl-BE",
            "updated_at": home.service.now(),
            "attributes": { "common": { "amount": ["1.5"], "nick": ["jj", "j"] } },
        })
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("etag"), None);
    assert!(!answer.text().contains(&home.user.id));
    assert!(home.jan.call("HEAD", USERINFO).await.is(200).body.is_empty());
    // OpenID Connect Core §5.3.1 wants POST too; a form without content is sent with it.
    let posted = home.jan.call("POST", USERINFO);
    assert_eq!(posted.clone().await.is(200).json(), answer.json());
    let form = posted.body("application/x-www-form-urlencoded", "");
    assert_eq!(form.await.is(200).json(), answer.json());
    // Absent values are omitted.
    home.write(json!({ "given_name": null, "ui_locales": null, "preferred_email": null })).await;
    let answer = home.jan.get(USERINFO).await.is(200).json();
    assert_eq!(answer["name"], "Janssen");
    for absent in ["given_name", "locale", "email", "email_verified"] {
        assert!(answer.get(absent).is_none(), "{absent}");
    }
    home.write(json!({ "family_name": null })).await;
    assert!(home.jan.get(USERINFO).await.is(200).json().get("name").is_none());
}

#[tokio::test]
async fn o10_userinfo_needs_the_scope_openid() {
    let home = Home::open().await;
    for scope in [
        Value::Null,
        json!(""),
        json!("profile"),
        json!("openid2 administrator"),
        json!("OPENID"),
        json!([]),
        json!(7),
    ] {
        let refused = with_scope(&home, scope.clone()).await.is(403);
        assert_eq!(refused.slug(), "insufficient-scope", "{scope}");
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("error=\"insufficient_scope\"")
                && challenge.contains("scope=\"openid\""),
            "{challenge}"
        );
    }
    for scope in [
        json!("openid"),
        json!("profile openid"),
        json!("profile  openid "),
        json!(["profile", "openid"]),
    ] {
        with_scope(&home, scope).await.is(200);
    }
    // It is refused before anything is read or looked up.
    let nobody = home.issuer.person("nobody", json!({ "scope": "profile" }));
    nobody.get(&format!("{USERINFO}?a=b")).await.is(403);
    home.issuer.person("nobody", json!({})).get(USERINFO).await.is(404);
    home.jan.get(&format!("{USERINFO}?a=b")).await.is(400);
    home.service.call("GET", USERINFO).await.is(401);
    assert_eq!(home.crm.get(USERINFO).await.is(403).slug(), "not-allowed");
}

#[tokio::test]
async fn a3_a38_userinfo_shows_what_the_scopes_of_the_token_open() {
    let home = Home::open().await;
    home.crm.define("open", json!({})).await;
    home.crm.define("data", json!({ "scopes": ["userdata"] })).await;
    home.crm.define("either", json!({ "scopes": ["userdata", "config:read"] })).await;
    home.crm.define("office", json!({ "scopes": ["users:read"] })).await;
    home.crm.define("secret", json!({ "hidden": true })).await;
    let values =
        json!({ "open": ["1"], "data": ["2"], "either": ["3"], "office": ["4"], "secret": ["5"] });
    home.write(common(&values)).await;
    home.redefine("family_name", json!({ "scopes": ["userdata"] })).await;
    home.redefine("preferred_email", json!({ "scopes": ["userdata"] })).await;
    home.redefine("username", json!({ "hidden": true })).await;
    let seen = async |scope: &str| {
        let answer = with_scope(&home, json!(scope)).await.is(200).json();
        let attributes = answer["attributes"]["common"].as_object().unwrap();
        let custom: Vec<_> = attributes.keys().cloned().collect();
        assert!(answer.get("preferred_username").is_none());
        assert_eq!(answer.get("email").is_some(), answer.get("email_verified").is_some());
        (custom.join(" "), answer["name"].clone(), answer.get("email").is_some())
    };
    assert_eq!(seen("openid").await, ("open".to_owned(), json!("Jan"), false));
    assert_eq!(
        seen("openid userdata").await,
        ("data either open".to_owned(), json!("Jan Janssen"), true)
    );
    assert_eq!(seen("openid config:read").await, ("either open".to_owned(), json!("Jan"), false));
    // A scope that implies others for machine clients implies nothing here.
    assert_eq!(seen("openid administrator").await, ("open".to_owned(), json!("Jan"), false));
    assert_eq!(
        seen("openid users:read unheard:of").await,
        ("office open".to_owned(), json!("Jan"), false)
    );
    // Scopes of the issuer are as good as those of the service (statement A38).
    home.crm.define("payroll", json!({ "scopes": ["https://idp.example/payroll"] })).await;
    home.write(common(&json!({ "payroll": ["6"] }))).await;
    assert_eq!(
        seen("openid https://idp.example/payroll").await,
        ("open payroll".to_owned(), json!("Jan"), false)
    );
    // Scopes are about userinfo alone.
    assert_eq!(
        home.jan.get(super::ME).await.is(200).json()["attributes"]["common"]["data"],
        json!(["2"])
    );
}
