//! Client assertions (rule O3): what a client says of itself, and what others say in its name.

use serde_json::json;
use shared::domain::client::{Client as Registered, KeySource};
use tests::{ALGORITHMS, Answer, BASE, KeyPair, START, Service, TENANT, base64url, jwks, part};

use super::{CREDENTIALS, TOKEN, refused, send, signing as start};

const NOW: i64 = START.seconds();

const UNKNOWN: &str = "the client is unknown or its credentials are wrong";

/// Asserts that nothing is said but that the credentials are wrong (rule O2).
#[track_caller]
fn unknown(answer: &Answer, why: &str) {
    refused(answer, 401, "invalid_client");
    assert_eq!(answer.json()["error_description"], UNKNOWN, "{why}");
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn o3_every_algorithm_that_the_metadata_names_is_taken() {
    let service = Service::start().await;
    let metadata =
        service.call("GET", "/idhub/oidc/.well-known/openid-configuration").await.is(200).json();
    assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(ALGORITHMS));
    for alg in ALGORITHMS {
        let key = KeyPair::of(alg);
        let client = service.register_keys(TENANT, &[&key]).await;
        let answer = send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
        assert_eq!(answer.json()["token_type"], "Bearer", "{alg}");
        let claims = part(&answer.field("access_token"), 1);
        assert_eq!((&claims["client_id"], &claims["sub"]), (&json!(client.id), &json!(client.id)));
        service
            .call("GET", "/config/persona-definitions")
            .token(&answer.field("access_token"))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn o3_what_an_assertion_may_say() {
    let (service, client, key) = start().await;
    let (issuer, endpoint) = (format!("{BASE}/idhub/oidc"), format!("{BASE}{TOKEN}"));
    for (header, claims) in [
        (json!({}), json!({ "aud": endpoint })),
        (json!({}), json!({ "aud": [issuer] })),
        (json!({}), json!({ "aud": [endpoint, issuer] })),
        (json!({}), json!({ "iat": null })),
        (json!({}), json!({ "iat": NOW - 3600 })),
        (json!({}), json!({ "iat": NOW + 60, "exp": NOW + 360 })),
        (json!({}), json!({ "exp": NOW + 300 })),
        (json!({}), json!({ "exp": NOW - 59 })),
        (json!({}), json!({ "exp": 1_795_255_300.75 })),
        (json!({}), json!({ "nbf": NOW + 60 })),
        (json!({}), json!({ "unknown": { "deep": [1, null] } })),
        (json!({ "typ": null }), json!({})),
        (json!({ "typ": "jwt" }), json!({})),
        (json!({ "typ": "client-authentication+jwt" }), json!({})),
        (json!({ "kid": null }), json!({})),
    ] {
        let answer =
            send(&service, &key.assertion(&client.id, header.clone(), claims.clone())).await;
        assert_eq!(answer.code(), 200, "{header} {claims}: {}", answer.text());
    }
}

/// The signature is the client's own, so the client alone reads what is wrong; the leeway is 60
/// seconds (rule O5).
#[tokio::test]
async fn o3_what_an_assertion_may_not_say() {
    let (service, client, key) = start().await;
    let other = service.register_keys(TENANT, &[&KeyPair::es256()]).await;
    let issuer = format!("{BASE}/idhub/oidc");
    for (claims, word) in [
        (json!({ "iss": other.id }), "iss"),
        (json!({ "aud": BASE }), "aud"),
        (json!({ "aud": "https://evil.example" }), "aud"),
        (json!({ "aud": [issuer, "https://evil.example"] }), "aud"),
        (json!({ "aud": format!("{issuer}/") }), "aud"),
        (json!({ "aud": format!("{BASE}/idhub/oidc/v1/introspect") }), "aud"),
        (json!({ "aud": [] }), "aud"),
        (json!({ "aud": "" }), "aud"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "exp": -1 }), "expired"),
        (json!({ "exp": NOW + 301 }), "5 minutes"),
        (json!({ "exp": 8_999_999_999_999_999_i64 }), "5 minutes"),
        (json!({ "iat": NOW + 60, "exp": NOW + 361 }), "5 minutes"),
        (json!({ "iat": NOW + 61, "exp": NOW + 100 }), "not valid yet"),
        (json!({ "nbf": NOW + 61 }), "not valid yet"),
        (json!({ "jti": "" }), "jti"),
        (json!({ "jti": null }), "jti"),
        (json!({ "exp": null }), "exp"),
        (json!({ "aud": null }), "aud"),
    ] {
        let answer = service
            .asserted(TOKEN, &key.assertion(&client.id, json!({}), claims.clone()), &[CREDENTIALS])
            .from(&claims.to_string())
            .await;
        refused(&answer, 401, "invalid_client");
        let said = answer.field("error_description");
        assert!(said.contains(word), "{claims}: {said}");
    }
}

#[tokio::test]
async fn o3_what_does_not_read_as_an_assertion_of_the_client_is_wrong_credentials() {
    let (service, client, key) = start().await;
    let elsewhere = ClientElsewhere::register(&service).await;
    let public = key.jwk();
    for (header, claims) in [
        (json!({}), json!({ "exp": "1795255300" })),
        (json!({}), json!({ "exp": 1e300 })),
        (json!({}), json!({ "aud": [1] })),
        (json!({}), json!({ "jti": 7 })),
        (json!({}), json!({ "iss": null })),
        (json!({}), json!({ "sub": null })),
        (json!({}), json!({ "sub": elsewhere.0 })),
        (json!({}), json!({ "iss": elsewhere.0, "sub": elsewhere.0 })),
        (json!({}), json!({ "iss": elsewhere.1, "sub": elsewhere.1 })),
        (json!({}), json!({ "sub": "acme", "iss": "acme" })),
        (json!({ "kid": "unknown" }), json!({})),
        (json!({ "kid": "" }), json!({})),
        (json!({ "kid": "x".repeat(3000) }), json!({})),
        (json!({ "kid": "../../K#private" }), json!({})),
        (json!({ "alg": "none" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({ "alg": "RS256" }), json!({})),
        (json!({ "alg": "ES384" }), json!({})),
        (json!({ "alg": "es256" }), json!({})),
        (json!({ "alg": null }), json!({})),
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "typ": "dpop+jwt" }), json!({})),
        (json!({ "typ": "" }), json!({})),
        (json!({ "jku": "https://evil.example/jwks" }), json!({})),
        (json!({ "x5u": "https://evil.example/cert" }), json!({})),
        (json!({ "x5c": ["AA"] }), json!({})),
        (json!({ "jwk": public }), json!({})),
        (json!({ "crit": ["exp"] }), json!({})),
        (json!({ "crit": ["b64"], "b64": false }), json!({})),
        (json!({}), json!({ "pad": "x".repeat(6200) })),
    ] {
        let assertion = key.assertion(&client.id, header.clone(), claims.clone());
        let answer = service
            .asserted(TOKEN, &assertion, &[CREDENTIALS])
            .from(&format!("{header} {claims}"))
            .await;
        unknown(&answer, &format!("{header} {claims}"));
    }
}

/// A client of another tenant and one of another key, whose ids do not help.
struct ClientElsewhere(String, String);

impl ClientElsewhere {
    async fn register(service: &Service) -> Self {
        service.create_tenant("globex").await;
        let of = async |tenant| service.register_keys(tenant, &[&KeyPair::es256()]).await.id;
        Self(of(TENANT).await, of("globex").await)
    }
}

#[tokio::test]
async fn o3_forged_signatures_are_wrong_credentials() {
    let (service, client, key) = start().await;
    let good = key.assertion(&client.id, json!({}), json!({}));
    let (content, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = content.split_once('.').unwrap();
    let stranger = KeyPair::es256();
    let hs = |secret: &[u8]| {
        let header = base64url(json!({ "alg": "HS256", "typ": "JWT", "kid": key.kid }).to_string());
        let content = format!("{header}.{claims}");
        let mac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret),
            content.as_bytes(),
        );
        format!("{content}.{}", base64url(mac))
    };
    let unsigned = |alg: &str| {
        format!("{}.{claims}.", base64url(json!({ "alg": alg, "kid": key.kid }).to_string()))
    };
    let mut cases = vec![
        format!("{content}."),
        content.to_owned(),
        format!("{content}.{}", base64url([0; 64])),
        format!("{content}.{}", base64url(key.sign_der(content.as_bytes()))),
        format!("{content}.{}", base64url(stranger.sign(content.as_bytes()))),
        format!("{content}.{signature}=="),
        format!("{content}.{signature}AAAA"),
        format!("{content}.{signature}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{good} "),
        good.replace('.', "%2E"),
        "x".to_owned(),
        "..".to_owned(),
        "é.é.é".to_owned(),
        unsigned("none"),
        unsigned("None"),
        unsigned("NONE"),
        unsigned("ES256"),
        hs(key.jwk().to_string().as_bytes()),
        hs(jwks(&[&key]).as_bytes()),
        hs(b""),
        stranger.jws(&json!({ "alg": "ES256", "kid": key.kid }), &part(&good, 1)),
    ];
    let mut raised = part(&good, 1);
    raised["jti"] = json!("another");
    cases.push(format!("{header}.{}.{signature}", base64url(raised.to_string())));
    for (i, forged) in cases.iter().enumerate() {
        let answer =
            service.asserted(TOKEN, forged, &[CREDENTIALS]).from(&format!("case {i}")).await;
        unknown(&answer, forged);
    }
    // None of all that used the good one up.
    send(&service, &good).await.is(200);
}

#[tokio::test]
async fn o3_an_rsa_key_is_for_one_padding_and_a_key_id_for_one_key() {
    let service = Service::start().await;
    let (rs, ps, es) = (KeyPair::of("RS256"), KeyPair::of("PS256"), KeyPair::es256());
    let client = service.register_keys(TENANT, &[&rs, &es]).await;
    // The same numbers, which are registered for RS256.
    unknown(
        &send(&service, &ps.assertion(&client.id, json!({ "kid": rs.kid }), json!({}))).await,
        "PS256",
    );
    unknown(
        &send(&service, &ps.assertion(&client.id, json!({ "kid": null }), json!({}))).await,
        "PS256",
    );
    unknown(
        &send(
            &service,
            &ps.assertion(&client.id, json!({ "alg": "RS256", "kid": rs.kid }), json!({})),
        )
        .await,
        "PSS",
    );
    unknown(
        &send(&service, &es.assertion(&client.id, json!({ "kid": rs.kid }), json!({}))).await,
        "another key's id",
    );
    send(&service, &es.assertion(&client.id, json!({ "kid": null }), json!({}))).await.is(200);
    send(&service, &rs.assertion(&client.id, json!({}), json!({}))).await.is(200);
}

#[tokio::test]
async fn o2_an_unknown_client_answers_as_a_bad_signature_does() {
    let (service, client, key) = start().await;
    send(&service, &key.assertion(&client.id, json!({}), json!({}))).await.is(200);
    let stranger = KeyPair::es256();
    let absent = format!("{TENANT}.{}", "0".repeat(32));
    let secret = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let mut answers = Vec::new();
    for id in [&client.id, &absent, &secret.id, "globex.00000000000000000000000000000000"] {
        answers.push(
            send(&service, &stranger.assertion(id, json!({ "kid": key.kid }), json!({}))).await,
        );
    }
    let shown =
        |answer: &Answer| (answer.code(), answer.body.clone(), answer.cost(), answer.headers.len());
    assert!(answers.iter().all(|answer| shown(answer) == shown(&answers[0])), "{answers:#?}");
    unknown(&answers[0], "a bad signature");
}

#[tokio::test]
async fn o3_an_access_token_is_no_assertion() {
    let (service, client, key) = start().await;
    let token = send(&service, &key.assertion(&client.id, json!({}), json!({})))
        .await
        .field("access_token");
    unknown(&send(&service, &token).await, "an access token");
    let assertion = key.assertion(&client.id, json!({}), json!({}));
    service.call("GET", "/config/persona-definitions").token(&assertion).await.is(401);
}

#[tokio::test]
async fn o1_an_assertion_is_the_only_credential() {
    let service = Service::start().await;
    let key = KeyPair::es256();
    let both = |client: &mut Registered| client.keys = Some(KeySource::Jwks(jwks(&[&key])));
    let client = service.register_as(TENANT, "users:read", both).await;
    let fresh = || key.assertion(&client.id, json!({}), json!({}));
    let ask =
        |form: &[(&str, &str)]| service.asserted(TOKEN, &fresh(), &[&[CREDENTIALS], form].concat());

    // It has a secret and keys: either is good.
    ask(&[]).await.is(200);
    ask(&[("client_id", &client.id)]).await.is(200);
    client.token_for(&[CREDENTIALS]).await.is(200);
    refused(&ask(&[("client_secret", &client.secret)]).await, 400, "invalid_request");
    let basic = format!("Basic {}", base64url("x:y"));
    refused(&ask(&[]).header("authorization", basic).await, 400, "invalid_request");
    refused(&ask(&[("client_id", "acme.other")]).await, 400, "invalid_request");
    let other = service.register_keys(TENANT, &[&KeyPair::es256()]).await;
    refused(&ask(&[("client_id", &other.id)]).await, 400, "invalid_request");
    for kind in ["", "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let assertion = fresh();
        let form = [CREDENTIALS, ("client_assertion_type", kind), ("client_assertion", &assertion)];
        refused(&service.token(&form).await, 400, "invalid_request");
        send(&service, &assertion).await.is(200);
    }
}

#[tokio::test]
async fn o3_a_client_of_keys_has_no_secret() {
    let (service, client, key) = start().await;
    for secret in ["x", &client.secret] {
        let form = [CREDENTIALS, ("client_id", &*client.id), ("client_secret", secret)];
        unknown(&service.token(&form).await, "a secret");
    }
    let assertion = key.assertion(&client.id, json!({}), json!({}));
    let form = [CREDENTIALS, ("client_id", &*client.id), ("client_secret", &assertion)];
    unknown(&service.token(&form).await, "an assertion as a secret");
    send(&service, &assertion).await.is(200);
}
