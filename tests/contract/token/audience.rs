//! The audience of a token: `resource` (RFC 8707) and `audience` at the token endpoint.

use serde_json::{Value, json};
use tests::{Answer, BASE, Client, Service, TENANT, part};

const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");
const SHOP: &str = "https://shop.example";
const CRM: &str = "urn:example:crm";

/// A client with this audience, which gets refresh tokens.
async fn client(service: &Service, audience: &[&str]) -> Client {
    let edit = |client: &mut shared::domain::client::Client| {
        client.audience = audience.iter().map(|&party| party.to_owned()).collect();
        client.refresh_token = true;
    };
    service.register_as(TENANT, "users:read", edit).await
}

/// The `aud` of the access token in an answer.
#[track_caller]
fn aud(answer: &Answer) -> Value {
    assert_eq!(answer.code(), 200, "{}", answer.text());
    part(&answer.field("access_token"), 1)["aud"].clone()
}

#[track_caller]
fn refused(answer: &Answer, detail: &str) {
    let body = answer.json();
    assert_eq!((answer.code(), &body["error"]), (400, &json!("invalid_target")), "{body}");
    assert_eq!(body["error_description"], detail);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

async fn ask(client: &Client, named: &[(&str, &str)]) -> Answer {
    client.token_for(&[&[CREDENTIALS], named].concat()).await
}

async fn refresh(client: &Client, token: &str, named: &[(&str, &str)]) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    client.token_for(&[&form, named].concat()).await
}

#[tokio::test]
async fn ec10_a_token_is_for_the_resource_that_is_asked_for() {
    let service = Service::start().await;
    let several = client(&service, &[SHOP, CRM, BASE]).await;
    let slash = format!("{SHOP}/");
    for (named, due) in [
        (&[][..], json!([SHOP, CRM, BASE])),
        (&[("resource", SHOP)], json!(SHOP)),
        (&[("audience", CRM)], json!(CRM)),
        (&[("resource", BASE)], json!(BASE)),
        // An empty path is a slash (RFC 3986 §6.2.3); the token has what is registered.
        (&[("resource", &*slash)], json!(SHOP)),
        (&[("resource", CRM), ("resource", SHOP)], json!([CRM, SHOP])),
        (&[("resource", SHOP), ("resource", SHOP), ("audience", SHOP)], json!(SHOP)),
        (&[("resource", ""), ("audience", "")], json!([SHOP, CRM, BASE])),
    ] {
        assert_eq!(aud(&ask(&several, named).await), due, "{named:?}");
    }
    // It is refused where it is not for.
    let token = ask(&several, &[("resource", SHOP)]).await.field("access_token");
    service.call("GET", "/identity/users").token(&token).await.is(401);
    let token = ask(&several, &[("resource", BASE)]).await.field("access_token");
    service.call("GET", "/identity/users").token(&token).await.is(200);
}

#[tokio::test]
async fn ec10_a_token_for_anybody_else_is_refused_and_never_issued_for_another() {
    let service = Service::start().await;
    let plain = client(&service, &[]).await;
    assert_eq!(aud(&ask(&plain, &[("resource", BASE)]).await), json!(BASE));
    assert_eq!(aud(&ask(&plain, &[("audience", BASE)]).await), json!(BASE));
    let detail = |name: &str| {
        format!("this client may not request the audience `{name}`; it may request `{BASE}`")
    };
    let written = service.items().await;
    for name in ["resource", "audience"] {
        let issuer = format!("{BASE}/idhub/oidc");
        let part = format!("{BASE}/identity/users");
        let slashes = format!("{BASE}//");
        for wrong in [SHOP, "x", &issuer, &part, &slashes, "https://kith.example.evil.example"] {
            refused(&ask(&plain, &[(name, wrong)]).await, &detail(wrong));
        }
    }
    refused(&ask(&plain, &[("resource", BASE), ("resource", SHOP)]).await, &detail(SHOP));
    refused(&ask(&plain, &[("resource", BASE), ("audience", SHOP)]).await, &detail(SHOP));
    assert_eq!(service.items().await, written);
    // A client that is registered for others gets no token for the service itself (ADR 0024).
    let other = client(&service, &[SHOP]).await;
    refused(
        &ask(&other, &[("resource", BASE)]).await,
        &format!("this client may not request the audience `{BASE}`; it may request `{SHOP}`"),
    );
    // `audience` occurs once, as every parameter but `resource` (RFC 6749 §3.2).
    let twice = ask(&plain, &[("audience", BASE), ("audience", BASE)]).await;
    assert_eq!((twice.code(), &twice.json()["error"]), (400, &json!("invalid_request")));
    // The client is authenticated first.
    let stranger = service.token(&[CREDENTIALS, ("resource", SHOP)]).await;
    assert_eq!((stranger.code(), &stranger.json()["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn ec10_the_audience_of_a_refresh_token_can_only_shrink() {
    let service = Service::start().await;
    let several = client(&service, &[SHOP, CRM, BASE]).await;
    let first = ask(&several, &[("resource", SHOP), ("resource", CRM)]).await;
    let next = refresh(&several, &first.field("refresh_token"), &[]).await;
    assert_eq!(aud(&next), json!([SHOP, CRM]));
    let next = refresh(&several, &next.field("refresh_token"), &[("resource", CRM)]).await;
    assert_eq!(aud(&next), json!(CRM));
    let token = next.field("refresh_token");
    let detail = format!(
        "this client may not request the audience `{BASE}`; it may request `{SHOP}`, `{CRM}`"
    );
    refused(&refresh(&several, &token, &[("resource", BASE)]).await, &detail);
    // The refresh token was not used up.
    let next = refresh(&several, &token, &[("audience", SHOP)]).await;
    assert_eq!(aud(&next), json!(SHOP));

    // A family that named nobody is for whomever the client is registered for.
    let all = ask(&several, &[]).await.field("refresh_token");
    assert_eq!(aud(&refresh(&several, &all, &[]).await), json!([SHOP, CRM, BASE]));
}

#[tokio::test]
async fn ec10_a_refresh_token_follows_the_registration_of_its_client() {
    let service = Service::start().await;
    let several = client(&service, &[SHOP, CRM]).await;
    let of_both = ask(&several, &[]).await.field("refresh_token");
    let of_crm = ask(&several, &[("resource", CRM)]).await.field("refresh_token");
    let id = several.id.parse().unwrap();
    let change = |client: &mut shared::domain::client::Client| client.audience.truncate(1);
    service.table.change_client(&id, change).await.unwrap();
    // A cached client is at most 30 seconds old.
    service.clock.advance(30);
    assert_eq!(aud(&refresh(&several, &of_both, &[]).await), json!(SHOP));
    let detail = "this client may not request the audience of the refresh token; use \
                  client_credentials";
    refused(&refresh(&several, &of_crm, &[]).await, detail);
    let introspected = service.call("POST", "/idhub/oidc/v1/introspect").form(&[
        ("token", &of_crm),
        ("client_id", &several.id),
        ("client_secret", &several.secret),
    ]);
    assert_eq!(introspected.await.is(200).json(), json!({ "active": false }));
}
