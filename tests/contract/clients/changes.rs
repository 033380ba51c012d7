//! PATCH and DELETE of a client.

use serde_json::{Value, json};

use super::{CLIENTS, administered, document, keys, register};

#[tokio::test]
async fn a_change_is_known_here_at_once_and_elsewhere_within_30_seconds() {
    let (service, admin) = administered().await;
    let elsewhere = service.instance();
    let client = register(&admin, json!({})).await;
    let life = async |service: &tests::Service| {
        client.token(service, &client.secret).await.is(200).json()["expires_in"].as_u64().unwrap()
    };
    assert_eq!((life(&service).await, life(&elsewhere).await), (900, 900));
    let patched = admin
        .patch(&client.path, json!({ "access_token_lifetime": 300 }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(patched.json()["access_token_lifetime"], 300);
    assert_eq!(admin.get(&client.path).await.is(200).tag(), patched.tag());
    assert_eq!(life(&service).await, 300);
    service.clock.advance(30);
    assert_eq!(life(&elsewhere).await, 300);

    admin.delete(&client.path).await.is(204);
    admin.get(&client.path).await.is(404);
    admin.delete(&client.path).await.is(404);
    assert_eq!(client.signs_in(&service, &client.secret).await, 401);
    service.clock.advance(30);
    assert_eq!(client.signs_in(&elsewhere, &client.secret).await, 401);
}

#[tokio::test]
async fn h2_a_change_is_conditional_and_refusals_come_in_their_order() {
    let (_, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let patch = |body: Value| admin.patch(&client.path, body);
    let wrong = json!({ "name": 1 });
    let nobody = format!("{CLIENTS}/acme.{}", "0".repeat(32));
    admin.patch(&nobody, wrong.clone()).await.is(404);
    admin.call("POST", &format!("{nobody}/secrets")).json(json!({ "x": 1 })).await.is(404);
    patch(wrong.clone()).await.is(428);
    let stale = patch(wrong.clone()).if_match("\"x\"").await.is(412);
    assert_eq!(stale.tag(), client.tag);
    patch(json!({ "name": "x" })).if_match(&format!("W/{}", client.tag)).await.is(412);
    patch(wrong).if_match(&client.tag).await.is(422);
    admin.post(&client.secrets(), json!({ "x": 1 })).if_match("\"x\"").await.is(412);
    assert_eq!(
        admin.post(&client.secrets(), json!({ "x": 1 })).await.is(422).violations(),
        ["/x unknown"]
    );
    admin.delete(&client.path).if_match("\"x\"").await.is(412);
    let next = patch(json!({ "name": "next" })).if_match(&client.tag).await.is(200).tag();
    assert_ne!(next, client.tag);
    admin.delete(&client.path).if_match(&client.tag).await.is(412);
    admin.delete(&client.path).if_match(&next).await.is(204);
}

#[tokio::test]
async fn h4_p3_what_was_read_can_be_sent_back_and_changes_nothing() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({ "jwks": keys(), "audience": ["erp"] })).await;
    let read = admin.get(&client.path).await.is(200).json();
    for body in [read, json!({})] {
        let same = admin.patch(&client.path, body).if_match(&client.tag).await.is(200);
        assert_eq!((same.tag(), same.cost()), (client.tag.clone(), (1.0, 0.0, 0.0)));
    }
    for (body, due) in [
        (
            json!({ "client_id": "acme.00000000000000000000000000000000" }),
            "/client_id not-editable",
        ),
        (json!({ "client_id": null }), "/client_id not-editable"),
        (json!({ "secrets": [] }), "/secrets not-editable"),
        (json!({ "secrets": null }), "/secrets not-editable"),
        (json!({ "name": null }), "/name required"),
        (json!({ "scopes": null }), "/scopes required"),
        (json!({ "colour": null }), "/colour unknown"),
        (json!({ "jwks_uri": "https://keys.example.org" }), "/jwks_uri not-allowed"),
        (json!("x"), " wrong-type"),
    ] {
        assert_eq!(
            admin.patch(&client.path, body.clone()).if_match("*").await.is(422).violations(),
            [due],
            "{body}"
        );
    }
    assert_eq!(client.stored(&service).await.version().0, 1);
    let moved = json!({ "jwks": null, "jwks_uri": "https://keys.example.org", "audience": null });
    let moved = admin.patch(&client.path, moved).if_match("*").await.is(200).json();
    assert_eq!((&moved["jwks"], &moved["audience"]), (&json!(null), &json!([])));
}

#[tokio::test]
async fn e1_a_patch_is_told_all_that_is_wrong_with_it() {
    let (_, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let patch = json!({
        "colour": null, "client_id": null, "size": 1, "name": null, "access_token_lifetime": "x"
    });
    let answer = admin.patch(&client.path, patch).if_match("*").await.is(422);
    let due = [
        "/access_token_lifetime wrong-type",
        "/client_id not-editable",
        "/colour unknown",
        "/name required",
        "/size unknown",
    ];
    assert_eq!(answer.violations(), due);
}

#[tokio::test]
async fn default_scopes_that_are_all_scopes_stay_so_and_others_stay_what_they_are() {
    let (_, admin) = administered().await;
    let all = register(&admin, json!({ "scopes": ["users:read"] })).await;
    let two = json!({ "scopes": ["users:read", "users:write"] });
    let some = register(
        &admin,
        document(json!({ "scopes": ["users:read", "openid"], "default_scopes": ["openid"] })),
    )
    .await;
    let defaults = async |path: &str, body: &Value| {
        admin.patch(path, body.clone()).if_match("*").await.is(200).json()["default_scopes"].clone()
    };
    assert_eq!(defaults(&all.path, &two).await, two["scopes"]);
    assert_eq!(
        admin.patch(&some.path, two).if_match("*").await.is(422).violations(),
        ["/default_scopes/0 not-allowed"]
    );
    let both =
        json!({ "scopes": ["users:read", "users:write"], "default_scopes": ["users:write"] });
    assert_eq!(defaults(&some.path, &both).await, both["default_scopes"]);
    assert_eq!(defaults(&some.path, &json!({ "default_scopes": null })).await, both["scopes"]);
}

#[tokio::test]
async fn o9_signing_takes_the_secrets_away_and_a_change_back_brings_none() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let method = |name: &str| {
        admin.patch(&client.path, json!({ "token_endpoint_auth_method": name })).if_match("*")
    };
    assert_eq!(method("private_key_jwt").await.is(422).violations(), ["/jwks required"]);
    let signs = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys() });
    let signs = admin.patch(&client.path, signs).if_match("*").await.is(200).json();
    assert_eq!(signs["secrets"], json!([]));
    assert_eq!(client.signs_in(&service, &client.secret).await, 401);
    let refused = admin.act(&client.secrets()).await.is(409);
    assert_eq!(
        (refused.slug(), refused.text().contains("private_key_jwt")),
        ("conflict".to_owned(), true)
    );
    assert_eq!(method("client_secret_post").await.is(200).json()["secrets"], json!([]));
    assert_eq!(client.signs_in(&service, &client.secret).await, 401);
    let next = admin.act(&client.secrets()).await.is(201).field("client_secret");
    assert_eq!(client.signs_in(&service, &next).await, 200);
}

#[tokio::test]
async fn what_clients_cost() {
    let (service, admin) = administered().await;
    service.end_audit().await;
    admin.get(CLIENTS).await.is(200);
    let made = admin.post(CLIENTS, document(json!({}))).await.is(201);
    // One unit reads the settings of the audit.
    assert_eq!(made.cost(), (1.0, 1.0, 0.0));
    let path = made.header("location").unwrap();
    assert_eq!(admin.get(path).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(admin.get(CLIENTS).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(
        admin.patch(path, json!({ "name": "x" })).if_match("*").await.is(200).cost(),
        (2.0, 1.0, 0.0)
    );
    let next = admin.act(&format!("{path}/secrets")).await.is(201);
    assert_eq!(next.cost(), (2.0, 1.0, 0.0));
    assert_eq!(
        admin.delete(next.header("location").unwrap()).await.is(204).cost(),
        (2.0, 1.0, 0.0)
    );
    assert_eq!(
        admin.delete(path).await.is(204).cost(),
        (2.0, 2.0, 0.0),
        "a lone deletion is a transaction"
    );
}
