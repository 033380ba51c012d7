//! The registered properties of a client, in its access tokens (RFC 9068) and at the routes that
//! take them.

use serde_json::{Value, json};
use shared::http::Route;
use tests::{Answer, BASE, Service, TENANT, part};

use super::{CREDENTIALS, about, refused};

const OTHER: &str = "https://api.example";
#[track_caller]
fn of_another_audience(answer: &Answer) {
    assert_eq!(answer.code(), 401);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer realm=\"kith\", error=\"invalid_token\"")
            && challenge.contains("audience")
    );
}

#[tokio::test]
async fn o5_a_token_is_good_where_its_audience_is() {
    let service = Service::start().await;
    for (audience, claim, here) in [
        (vec![], json!(BASE), true),
        (vec![BASE], json!(BASE), true),
        (vec![OTHER], json!(OTHER), false),
        (vec![OTHER, BASE], json!([OTHER, BASE]), true),
        (vec![OTHER, "urn:x"], json!([OTHER, "urn:x"]), false),
        (vec!["https://kith.example/"], json!("https://kith.example/"), false),
        (
            vec!["https://kith.example.evil.example"],
            json!("https://kith.example.evil.example"),
            false,
        ),
    ] {
        let client = service
            .register_as(TENANT, "users:read config:read", |client| {
                client.audience = audience.iter().map(|&party| party.to_owned()).collect();
            })
            .await
            .with_token()
            .await;
        assert_eq!(part(&client.token, 1)["aud"], claim);
        let answer = client.get("/config/persona-definitions").await;
        if here {
            answer.is(200);
        } else {
            of_another_audience(&answer);
        }
        // A client in the token's audience may introspect it.
        let said = about(&client, "introspect", &client.token).await.is(200).json();
        assert_eq!((&said["active"], &said["aud"]), (&json!(true), &claim));
    }
}

/// None was forgotten.
#[tokio::test]
async fn a_client_that_is_bound_to_systems_is_not_allowed_at_any_route_of_the_whole_tenant() {
    let service = Service::start().await;
    let scopes = "users:read users:write config:read config:write administrator userdata openid";
    let systems = || vec!["shop".parse().unwrap(), "crm".parse().unwrap()];
    let bound = service
        .register_as(TENANT, scopes, |client| client.systems = systems())
        .await
        .with_token()
        .await;
    assert_eq!(part(&bound.token, 1)["systems"], json!(["shop", "crm"]));
    let mut met = [0; 5];
    for (met, routes) in met.iter_mut().zip(local::serve::functions()) {
        let bars = |route: &&Route| !(route.within_system || route.for_audience);
        for route in routes.iter().filter(|route| route.is_guarded()).filter(bars) {
            let path = route
                .path
                .replace("{user_id}", "0192f3c1-0000-7000-8000-000000000001")
                .replace(['{', '}'], "");
            let answer = bound.call(route.method, &path).await;
            assert_eq!(
                (answer.code(), answer.slug().as_str()),
                (403, "not-allowed"),
                "{} {path}",
                route.method
            );
            assert_eq!(answer.header("www-authenticate"), None);
            service.call(route.method, &path).await.is(401);
            *met += 1;
        }
    }
    assert!(met[1..].iter().all(|met| *met > 5), "{met:?}");
    // A scope that lacks is named first.
    let narrow = service
        .register_as(TENANT, "openid", |client| client.systems = systems())
        .await
        .with_token()
        .await;
    assert_eq!(
        narrow.get("/config/persona-definitions").await.is(403).slug(),
        "insufficient-scope"
    );
    let free = service.client(TENANT, scopes).await;
    assert_eq!(part(&free.token, 1).get("systems"), None::<&Value>);
}

#[tokio::test]
async fn o4_default_scopes_and_the_life_of_tokens_are_the_clients() {
    let service = Service::start().await;
    let client = service
        .register_as(TENANT, "users:read users:write config:read", |client| {
            client.default_scopes = "users:read".parse().unwrap();
            client.access_token_lifetime = 60;
        })
        .await;
    let answer = client.token_for(&[CREDENTIALS]).await.is(200);
    assert_eq!(
        (answer.field("scope"), &answer.json()["expires_in"]),
        ("users:read".to_owned(), &json!(60))
    );
    let claims = part(&answer.field("access_token"), 1);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(claims["scope"], "users:read");
    let more = client.token_for(&[CREDENTIALS, ("scope", "config:read users:write")]).await.is(200);
    assert_eq!(more.field("scope"), "users:write config:read");
    refused(
        &client.token_for(&[CREDENTIALS, ("scope", "config:write")]).await,
        400,
        "invalid_scope",
    );
    refused(
        &client.token_for(&[CREDENTIALS, ("scope", "users:read root")]).await,
        400,
        "invalid_scope",
    );
    refused(&client.token_for(&[CREDENTIALS, ("scope", " ")]).await, 400, "invalid_scope");
    service.clock.advance(119);
    let get = || service.call("GET", "/identity/users/x").token(&answer.field("access_token"));
    get().await.is(404);
    service.clock.advance(1);
    get().await.is(401);
}
