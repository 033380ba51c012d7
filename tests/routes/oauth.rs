//! The facts that OAuth needs of a request beside its headers and its body: its source address and
//! its URL.

use serde_json::{Value, json};
use tests::{KeyPair, part};

use crate::events::Event;
use crate::gateway::{API, Answer, Gateway, request};

const TOKEN: &str = "/idhub/oidc/v1/token";
const RESOURCE: &str = "/identity/users/0192f3c1-5a00-7000-8000-000000000001";

/// A request for a token, changed.
async fn ask(gateway: &Gateway, change: impl FnOnce(&mut Value)) -> Answer {
    let mut event = Event::named("token", "issue_token");
    event.content["body"] = "grant_type=client_credentials".into();
    event.content["isBase64Encoded"] = false.into();
    change(&mut event.content);
    gateway.call(&event).await
}

/// An attempt with a wrong secret, from the address that API Gateway saw, with another one in
/// headers that anybody can write.
async fn fail(gateway: &Gateway, address: &str, said: &str) -> Answer {
    ask(gateway, |event| {
        event["headers"]["authorization"] = "Basic YWNtZS4wOndyb25n".into();
        for name in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"] {
            event["headers"][name] = said.into();
        }
        event["requestContext"]["http"]["sourceIp"] = address.into();
    })
    .await
}

#[tokio::test]
async fn o2_failures_count_for_the_address_that_api_gateway_saw() {
    let gateway = Gateway::start().await;
    for i in 0..10 {
        fail(&gateway, "192.0.2.1", &format!("198.51.100.{i}")).await.is(401);
    }
    let slowed = fail(&gateway, "192.0.2.1", "198.51.100.200").await.is(429);
    assert_eq!(slowed.header("retry-after"), Some("60"));
    assert_eq!(slowed.json()["error"], "temporarily_unavailable");
    fail(&gateway, "192.0.2.2", "192.0.2.1").await.is(401);
    fail(&gateway, "2001:db8::1", "192.0.2.1").await.is(401);
    ask(&gateway, |event| event["requestContext"]["http"]["sourceIp"] = "192.0.2.1".into())
        .await
        .is(200);
}

#[tokio::test]
async fn a_proof_is_for_the_url_at_which_the_request_arrived() {
    for base in [None, Some("https://id.example")] {
        let gateway = Gateway::at(base).await;
        let url = |path: &str| format!("{}{path}", base.unwrap_or(API));
        let key = KeyPair::es256();
        let token_proof = |htu: String| key.proof("POST", TOKEN, json!({}), json!({ "htu": htu }));
        let proved = async |proof: String| {
            ask(&gateway, |event| event["headers"]["dpop"] = proof.into()).await
        };
        let token = proved(token_proof(url(TOKEN))).await.is(200).json();
        assert_eq!(token["token_type"], "DPoP");
        let token = token["access_token"].as_str().unwrap();
        assert_eq!(part(token, 1)["cnf"]["jkt"], key.thumbprint());
        let elsewhere = if base.is_some() { API } else { "https://id.example" };
        let refused = proved(token_proof(format!("{elsewhere}{TOKEN}"))).await.is(400);
        assert_eq!(refused.json()["error"], "invalid_dpop_proof");
        // Two headers come as one line.
        let two = format!("{},{}", token_proof(url(TOKEN)), token_proof(url(TOKEN)));
        assert_eq!(proved(two).await.is(400).json()["error"], "invalid_dpop_proof");

        let send = async |path: &str, proof: &str| {
            let mut content = request("GET", path, None);
            content["headers"]["authorization"] = format!("DPoP {token}").into();
            content["headers"]["dpop"] = proof.into();
            gateway.send("users", &content).await
        };
        let proof = || key.proof_with("GET", RESOURCE, token, json!({ "htu": url(RESOURCE) }));
        let good = proof();
        send(RESOURCE, &good).await.is(200);
        send(RESOURCE, &good).await.is(401);
        // The gateway decodes the path, the proof has it as it was sent.
        let escaped = url(&RESOURCE.replace('-', "%2D"));
        send(RESOURCE, &key.proof_with("GET", RESOURCE, token, json!({ "htu": escaped })))
            .await
            .is(200);
        send(RESOURCE, &format!("{},{}", proof(), proof())).await.is(401);
        let other = key.proof_with(
            "GET",
            RESOURCE,
            token,
            json!({ "htu": format!("{elsewhere}{RESOURCE}") }),
        );
        send(RESOURCE, &other).await.is(401);
    }
}
