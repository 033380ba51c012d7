//! Access tokens at the routes that take them (rules O5, O10).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::auth::signer::PrivateKey;
use shared::auth::signing::read_secret;
use shared::domain::jwk::Algorithm;
use shared::store::Key;
use tests::{Answer, Service, TENANT};

const PATH: &str = "/identity/users/0192f3c1-0000-7000-8000-000000000001";

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Signs with the service's own private key, as nobody outside of it can: what is refused is then
/// refused for its content.
struct Signer {
    key: aws_key::Pair,
    token: String,
}

mod aws_key {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    pub struct Pair(EcdsaKeyPair, SystemRandom);

    impl Pair {
        #[expect(clippy::disallowed_methods, reason = "an attacker has randomness of its own")]
        pub fn parse(pkcs8: &[u8]) -> Self {
            let random = SystemRandom::new();
            Self(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random)
                    .expect("a key"),
                random,
            )
        }

        pub fn sign(&self, text: &str) -> Vec<u8> {
            self.0.sign(&self.1, text.as_bytes()).expect("a signature").as_ref().to_vec()
        }
    }
}

impl Signer {
    async fn of(service: &Service) -> Self {
        let token = service.client(TENANT, "users:read").await.token;
        let kid = decode(&token, 0)["kid"].as_str().unwrap().to_owned();
        let pkcs8 = read_secret(&service.table, &Key::private_key(&kid)).await.unwrap();
        Self { key: aws_key::Pair::parse(&pkcs8), token }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let content = format!("{}.{}", encode(header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(&content));
        format!("{content}.{signature}")
    }

    /// The good token with changed members; `null` removes one.
    fn with(&self, header: Value, claims: Value) -> String {
        let merged = |index: usize, changes: Value| {
            let mut whole = decode(&self.token, index);
            for (name, value) in changes.as_object().unwrap() {
                if value.is_null() {
                    whole.as_object_mut().unwrap().remove(name);
                } else {
                    whole[name] = value.clone();
                }
            }
            whole
        };
        self.sign(&merged(0, header), &merged(1, claims))
    }
}

#[track_caller]
fn refused(answer: &Answer, why: &str) {
    assert_eq!((answer.code(), answer.slug().as_str()), (401, "unauthenticated"), "{why}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""),
        "{why}: {challenge}"
    );
}

#[tokio::test]
async fn o5_a_token_is_taken_for_its_content_only_when_all_of_it_is_right() {
    let service = Service::start().await;
    let signer = Signer::of(&service).await;
    let get = |token: String| service.call("GET", PATH).token(&token);
    get(signer.with(json!({}), json!({}))).await.is(404);
    get(signer.with(json!({ "typ": "application/at+jwt" }), json!({}))).await.is(404);
    get(signer.with(json!({ "typ": "AT+JWT" }), json!({}))).await.is(404);

    let now = 1_795_255_200;
    for (header, claims) in [
        (json!({ "typ": "JWT" }), json!({})),
        (json!({ "typ": null }), json!({})),
        (json!({ "typ": "id+jwt" }), json!({})),
        (json!({ "alg": "ES384" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({ "kid": null }), json!({})),
        (json!({ "kid": "other" }), json!({})),
        (json!({ "kid": "../../REFRESH" }), json!({})),
        (json!({ "kid": "x".repeat(4000) }), json!({})),
        (json!({ "crit": ["exp"] }), json!({})),
        (json!({ "crit": ["b64"], "b64": false }), json!({})),
        (json!({ "jku": "https://evil.example/jwks" }), json!({})),
        (json!({ "x5u": "https://evil.example/cert" }), json!({})),
        (json!({ "x5c": ["AA"] }), json!({})),
        (json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" } }), json!({})),
        (json!({}), json!({ "iss": "https://evil.example" })),
        (json!({}), json!({ "iss": null })),
        (json!({}), json!({ "aud": "https://other.example" })),
        (json!({}), json!({ "aud": null })),
        (json!({}), json!({ "exp": null })),
        (json!({}), json!({ "exp": now - 60 })),
        (json!({}), json!({ "exp": "never" })),
        (json!({}), json!({ "nbf": now + 61 })),
        (json!({}), json!({ "iat": now + 61 })),
        (json!({}), json!({ "sub": null })),
        (json!({}), json!({ "client_id": null })),
        (json!({}), json!({ "tenant": "globex" })),
        (json!({}), json!({ "tenant": null })),
        (json!({}), json!({ "scope": "root" })),
    ] {
        let why = format!("{header} {claims}");
        refused(&get(signer.with(header, claims)).await, &why);
    }
    get(signer.with(json!({}), json!({ "exp": now - 59, "nbf": now + 60 }))).await.is(404);
}

#[tokio::test]
async fn o5_forged_signatures_are_refused() {
    let service = Service::start().await;
    let signer = Signer::of(&service).await;
    let (header, claims) = (decode(&signer.token, 0), decode(&signer.token, 1));
    let get = |token: &str| service.call("GET", PATH).token(token);
    // A cached token does not make another token valid.
    get(&signer.token).await.is(404);
    let jwks = service.call("GET", "/idhub/oidc/v1/jwks").await.is(200).json();

    let none = |alg: &str| {
        let mut header = header.clone();
        header["alg"] = json!(alg);
        format!("{}.{}.", encode(&header), encode(&claims))
    };
    for alg in ["none", "None", "NONE", ""] {
        refused(&get(&none(alg)).await, alg);
    }
    // HS256 with what everybody knows as the key.
    let mut hs = header.clone();
    hs["alg"] = json!("HS256");
    let content = format!("{}.{}", encode(&hs), encode(&claims));
    let key = &jwks["keys"][0];
    let point = [key["x"].as_str().unwrap(), key["y"].as_str().unwrap()]
        .map(|c| URL_SAFE_NO_PAD.decode(c).unwrap());
    for secret in [
        key.to_string().into_bytes(),
        [vec![4], point[0].clone(), point[1].clone()].concat(),
        point[0].clone(),
    ] {
        let mac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret),
            content.as_bytes(),
        );
        refused(&get(&format!("{content}.{}", URL_SAFE_NO_PAD.encode(mac))).await, "HS256");
    }
    // Another key of the right kind, under the right id.
    let random = &service.table.env().random;
    let other = aws_key::Pair::parse(&PrivateKey::generate(Algorithm::Es256, random).unwrap());
    let content = format!("{}.{}", encode(&header), encode(&claims));
    refused(
        &get(&format!("{content}.{}", URL_SAFE_NO_PAD.encode(other.sign(&content)))).await,
        "another key",
    );

    let (content, signature) = signer.token.rsplit_once('.').unwrap();
    let mut claims = claims;
    claims["scope"] = json!("administrator");
    let raised = format!("{}.{}.{signature}", encode(&header), encode(&claims));
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let zero = URL_SAFE_NO_PAD.encode([0; 64]);
    for forged in [
        raised,
        format!("{content}."),
        format!("{content}.{flipped}{}", &signature[1..]),
        format!("{content}.{zero}"),
        format!("{content}.{signature}AAAA"),
        format!("{}.{signature}", content.replace('.', "..")),
        content.to_owned(),
        "x".to_owned(),
        "..".to_owned(),
        "é.é.é".to_owned(),
    ] {
        refused(&get(&forged).await, &forged);
    }
    get(&signer.token).await.is(404);
}

#[tokio::test]
async fn o5_a_token_over_8_kb_is_refused() {
    let service = Service::start().await;
    let signer = Signer::of(&service).await;
    let padded = |n: usize| signer.with(json!({}), json!({ "pad": "x".repeat(n) }));
    let (fits, long) = (padded(5000), padded(6200));
    assert!(fits.len() < 8192 && long.len() > 8192);
    service.call("GET", PATH).token(&fits).await.is(404);
    refused(&service.call("GET", PATH).token(&long).await, "long");
}

#[tokio::test]
async fn o5_a_token_expires_with_at_most_60_seconds_of_leeway() {
    let service = Service::start().await;
    let crm = service.crm().await;
    service.clock.advance(900 + 59);
    crm.get(PATH).await.is(404);
    service.clock.advance(1);
    refused(&crm.get(PATH).await, "expired");
}

#[tokio::test]
async fn o5_unknown_key_ids_cause_one_read_in_30_seconds() {
    let service = Service::start().await;
    let signer = Signer::of(&service).await;
    service.call("GET", PATH).token(&signer.token).await.is(404);
    let strange = signer.with(json!({ "kid": "other" }), json!({}));
    service.clock.advance(30);
    let mut reads = Vec::new();
    for _ in 0..4 {
        reads.push(service.call("GET", PATH).token(&strange).await.is(401).cost().0);
    }
    assert_eq!(reads, [1.0, 0.0, 0.0, 0.0]);
}

/// The end of each challenge.
const RESOURCE: &str =
    "resource_metadata=\"https://kith.example/.well-known/oauth-protected-resource\"";
/// How a caller without a token is asked for one: both ways of sending it, in one line.
fn challenge() -> String {
    format!(
        "Bearer realm=\"kith\", {RESOURCE}, DPoP realm=\"kith\", algs=\"ES256 RS256 PS256 EdDSA \
         Ed25519\", {RESOURCE}"
    )
}

#[tokio::test]
async fn o10_without_credentials_the_challenge_has_no_error() {
    let service = Service::start().await;
    let bare = service.call("GET", PATH).await.is(401);
    assert_eq!(bare.header("www-authenticate"), Some(&*challenge()));
    let mut problem = bare.problem();
    assert_eq!(problem["challenge"].take(), challenge());
    insta::assert_snapshot!(problem.to_string(), @r#"{"challenge":null,"detail":"send an access token as `Authorization: Bearer …`","status":401,"title":"No access token","type":"/problems/unauthenticated"}"#);
    for other in ["Basic eDp5", "Token x", "Bearer"] {
        let answer = service.call("GET", PATH).header("authorization", other).await.is(401);
        assert_eq!(answer.header("www-authenticate"), Some(&*challenge()), "{other}");
    }
    service.call("GET", &format!("{PATH}?access_token=x")).await.is(401);
}

#[tokio::test]
async fn o10_the_scheme_is_read_in_any_case_and_the_header_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let with = |scheme: &str| {
        service.call("GET", PATH).header("authorization", format!("{scheme} {}", crm.token))
    };
    with("bearer").await.is(404);
    with("BEARER").await.is(404);
    let token = format!("Bearer {}", crm.token);
    refused(&with("Bearer").header("authorization", &token).await, "twice");
}

#[tokio::test]
async fn o10_a_scope_that_lacks_is_named() {
    let service = Service::start().await;
    let reader = service.client(TENANT, "users:read").await;
    let none = service.client(TENANT, "openid").await;
    let config = "/config/persona-definitions";
    for (client, method, path, scope) in [
        (&none, "GET", PATH, "users:read"),
        (&reader, "PATCH", PATH, "users:write"),
        (&reader, "DELETE", PATH, "users:write"),
        (&reader, "POST", "/identity/users", "users:write"),
        (&reader, "GET", config, "config:read"),
        (&reader, "POST", config, "config:write"),
        (&reader, "GET", "/api/v1/sso/applications", "config:read"),
        (&none, "POST", "/identity/users/query", "users:read"),
        (&none, "GET", "/api/v1/sso/application-subjects", "users:read"),
    ] {
        let refused = client.call(method, path).await.is(403);
        assert_eq!(refused.slug(), "insufficient-scope");
        let challenge = refused.header("www-authenticate").unwrap();
        let due =
            format!("Bearer realm=\"kith\", error=\"insufficient_scope\", scope=\"{scope}\", ");
        assert_eq!(challenge.strip_prefix(&*due), Some(RESOURCE), "{method} {path}");
    }
}

#[tokio::test]
async fn the_administrator_may_what_the_four_scopes_allow() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    let jan = admin.create_user("jan").await;
    admin.get(&jan.path).await.is(200);
    let role = admin.define_persona("role", json!({})).await;
    admin.get(&role.path).await.is(200);
}
