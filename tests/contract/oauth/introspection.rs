//! Introspection (RFC 7662, rule O7).

use serde_json::{Value, json};
use tests::{BASE, Client, KeyPair, START, TENANT, part};

use super::{TOKEN, about, refused, tokens, with_secret as start};

const NOW: i64 = START.seconds();

async fn said(client: &Client, token: &str) -> Value {
    let answer = about(client, "introspect", token).await.is(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

#[track_caller]
fn inactive(content: &Value, why: &str) {
    assert_eq!(content.to_string(), r#"{"active":false}"#, "{why}");
}

#[tokio::test]
async fn o7_an_active_access_token_says_what_is_in_it() {
    let (service, client) = start().await;
    let (token, _) = tokens(&client).await;
    let due = tests::with(part(&token, 1), json!({ "active": true, "token_type": "Bearer" }));
    assert_eq!(said(&client, &token).await, due);
    assert_eq!(
        (&due["exp"], &due["aud"], &due["sub"]),
        (&json!(NOW + 900), &json!(BASE), &json!(client.id))
    );
    // A resource server of the tenant asks about the tokens that others send it.
    let server = service.register(TENANT, "openid".parse().unwrap(), false).await;
    assert_eq!(said(&server, &token).await, due);
    let hinted =
        [("token", &*token), ("token_type_hint", "refresh_token"), ("client_id", &client.id)];
    let form = [&hinted[..], &[("client_secret", &client.secret)]].concat();
    assert_eq!(
        service.call("POST", "/idhub/oidc/v1/introspect").form(&form).await.is(200).json(),
        due
    );

    let key = KeyPair::es256();
    let bound = client.clone().bound_to(&key).await.token;
    let content = said(&client, &bound).await;
    assert_eq!(
        (&content["token_type"], &content["cnf"]["jkt"]),
        (&json!("DPoP"), &json!(key.thumbprint()))
    );
}

#[tokio::test]
async fn o7_an_active_refresh_token_says_whose_it_is_to_its_own_client() {
    let (service, client) = start().await;
    service.clock.advance(100);
    let (_, token) = tokens(&client).await;
    let content = said(&client, &token).await;
    let due = json!({
        "active": true, "client_id": client.id, "sub": client.id, "scope": "users:read config:read",
        "tenant": TENANT,
        "iss": format!("{BASE}/idhub/oidc"), "iat": NOW + 100, "exp": NOW + 100 + 30 * 24 * 3600,
    });
    assert_eq!(content, due);
    let other = service.register(TENANT, "users:read config:read".parse().unwrap(), true).await;
    inactive(&said(&other, &token).await, "another client's");
}

#[tokio::test]
async fn o7_what_cannot_be_used_is_inactive_and_nothing_else() {
    let (service, client) = start().await;
    let (access, refresh) = tokens(&client).await;
    service.create_tenant("globex").await;
    let stranger =
        service.register("globex", "users:read config:read".parse().unwrap(), true).await;
    for theirs in [&access, &refresh] {
        inactive(&said(&stranger, theirs).await, "another tenant's");
    }
    let (content, mac) = refresh.rsplit_once('.').unwrap();
    let (signed, signature) = access.rsplit_once('.').unwrap();
    let key = KeyPair::es256();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": part(&access, 0)["kid"] });
    for wrong in [
        "x",
        "..",
        "é",
        "\0",
        content,
        signed,
        client.id.as_str(),
        client.secret.as_str(),
        &format!("{content}.{}", "A".repeat(mac.len())),
        &format!("{}.2.{mac}", content.split('.').next().unwrap()),
        &format!("{signed}."),
        &format!("{signed}.{}", "A".repeat(signature.len())),
        &key.jws(&header, &part(&access, 1)),
        &key.assertion(&client.id, json!({}), json!({})),
        &"x".repeat(9000),
        &format!("{access}.{}", "x".repeat(9000)),
    ] {
        inactive(&said(&client, wrong).await, wrong);
    }
    let empty = about(&client, "introspect", "").await;
    refused(&empty, 400, "invalid_request");

    // Resources give the clock a minute; here it is the token's own word that counts.
    service.clock.advance(899);
    assert_eq!(said(&client, &access).await["active"], true);
    service.clock.advance(1);
    inactive(&said(&client, &access).await, "expired");
    let bearer = service.call("GET", "/config/persona-definitions").token(&access);
    bearer.await.is(200);
    service.clock.advance(30 * 24 * 3600 - 900 - 1);
    assert_eq!(said(&client, &refresh).await["active"], true);
    service.clock.advance(1);
    inactive(&said(&client, &refresh).await, "the family has ended");
}

#[tokio::test]
async fn o7_a_refresh_token_of_the_past_is_inactive_once_it_is_not_taken() {
    let (service, client) = start().await;
    let (_, first) = tokens(&client).await;
    let exchange = |token: &str| {
        client.token_for(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let second = exchange(&first).await.is(200).field("refresh_token");
    for token in [&first, &second] {
        assert_eq!(
            said(&client, token).await["active"],
            true,
            "the one before is answered for ten seconds"
        );
    }
    service.clock.advance(10);
    inactive(&said(&client, &first).await, "the one before");
    // Asking is not using: the family lives.
    let third = exchange(&second).await.is(200).field("refresh_token");
    inactive(&said(&client, &first).await, "two before");
    assert_eq!(said(&client.on(&service.instance()), &third).await["active"], true);
}

#[tokio::test]
async fn o7_a_refresh_token_is_worth_what_its_client_may_still_ask_for() {
    let (service, client) = start().await;
    let (_, token) = tokens(&client).await;
    let id = client.id.parse().unwrap();
    let change = async |scopes: &str, grant: bool| {
        let scopes: shared::domain::Scopes = scopes.parse().unwrap();
        let edit = |client: &mut shared::domain::client::Client| {
            client.scopes = scopes.clone();
            client.refresh_token = grant;
        };
        service.table.change_client(&id, edit).await.unwrap();
        said(&client.on(&service.instance()), &token).await
    };
    assert_eq!(change("users:read openid", true).await["scope"], "users:read");
    inactive(&change("openid", true).await, "no scope is left");
    inactive(&change("users:read config:read", false).await, "the grant is gone");
    assert_eq!(change("users:read config:read", true).await["scope"], "users:read config:read");
}

#[tokio::test]
async fn o7_introspection_needs_a_client_and_stores_nothing() {
    let (service, client) = start().await;
    let (access, _) = tokens(&client).await;
    let path = "/idhub/oidc/v1/introspect";
    let before = service.items().await;
    refused(&service.call("POST", path).form(&[("token", &access)]).await, 401, "invalid_client");
    let with_token = service.call("POST", path).form(&[("token", &access)]).token(&access).await;
    refused(&with_token, 401, "invalid_client");
    refused(
        &service.call("POST", path).body("application/json", "{}").await,
        400,
        "invalid_request",
    );
    service.call("GET", path).await.is(405);
    let answer = about(&client, "introspect", &access).key("key").await.is(200);
    assert_eq!((answer.cost().1, answer.cost().2), (0.0, 0.0));
    assert_eq!(service.items().await, before);

    let key = KeyPair::of("PS256");
    let keyed = service.register_keys(TENANT, &[&key]).await;
    let assertion = key.assertion(&keyed.id, json!({}), json!({ "aud": format!("{BASE}{TOKEN}") }));
    assert_eq!(
        service.asserted(path, &assertion, &[("token", &access)]).await.is(200).json()["active"],
        true
    );
}

#[tokio::test(start_paused = true)]
async fn i3_a_table_that_is_down_says_nothing_of_a_token() {
    let (service, client) = start().await;
    let (access, refresh) = tokens(&client).await;
    for token in [&access, &refresh] {
        said(&client, token).await;
        service.faults.reset();
        service.faults.from(0, tests::Fault::Unreachable);
        let answer = about(&client, "introspect", token).await;
        service.faults.reset();
        refused(&answer, 503, "temporarily_unavailable");
    }
}
