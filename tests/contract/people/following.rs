//! Issuers whose keys change and whose trust ends.

use serde_json::{Value, json};
use tests::{Answer, Client, Issuer, KeyPair, Publisher, Reply, Service, jwks, part, person};

use super::{Home, ME, SERVERS, USERS, refused};

/// An issuer that publishes its keys at a URL, and Jan.
struct Published {
    publisher: Publisher,
    service: Service,
    crm: Client,
    issuer: Issuer,
}

impl Published {
    async fn start() -> Self {
        let publisher = Publisher::start().await;
        let service = Service::start().await;
        let issuer =
            service.issuer_with("corp", json!({ "jwks": null, "jwks_uri": publisher.url() })).await;
        let crm = service.crm().await;
        let jan = crm.create(USERS, person("jan")).await;
        issuer.link(&jan.id, "jan").await;
        publisher.reply(Reply::ok(&jwks(&[&issuer.key])));
        let service = service.fetching(&publisher.fetcher());
        Self { publisher, service, crm, issuer }
    }

    /// A new token, signed by any key in the issuer's name.
    fn token_of(&self, key: &KeyPair) -> String {
        let claims = part(&self.issuer.token_with("jan", json!({}), json!({})), 1);
        key.jws(&json!({ "alg": key.alg, "kid": key.kid }), &claims)
    }

    async fn me(&self, token: &str) -> Answer {
        self.service.call("GET", ME).token(token).await
    }
}

#[tokio::test]
async fn o5_published_keys_are_followed_when_they_rotate() {
    let mut home = Published::start().await;
    let old = home.token_of(&home.issuer.key);
    home.me(&old).await.is(200);
    home.me(&home.token_of(&home.issuer.key)).await.is(200);
    assert_eq!(home.publisher.count(), 1);
    let next = KeyPair::es256();
    home.publisher.reply(Reply::ok(&jwks(&[&home.issuer.key, &next])));
    home.me(&home.token_of(&next)).await.is(200);
    assert_eq!(home.publisher.count(), 2, "an unknown key is looked for at once");
    // Keys that nobody publishes cause one fetch in 30 seconds.
    for _ in 0..5 {
        refused(&home.me(&home.token_of(&KeyPair::es256())).await, "an unknown key");
    }
    assert_eq!(home.publisher.count(), 2);
    home.service.clock.advance(30);
    for _ in 0..5 {
        refused(&home.me(&home.token_of(&KeyPair::es256())).await, "an unknown key");
        home.me(&home.token_of(&next)).await.is(200);
    }
    assert_eq!(home.publisher.count(), 3);
    // A key that was withdrawn is believed for five minutes, and a token by it for as long as it is
    // remembered.
    let gone = std::mem::replace(&mut home.issuer.key, next);
    home.publisher.reply(Reply::ok(&jwks(&[&home.issuer.key])));
    home.service.clock.advance(300);
    refused(&home.me(&home.token_of(&gone)).await, "a key that was withdrawn");
    home.me(&home.token_of(&home.issuer.key)).await.is(200);
}

#[tokio::test]
async fn o5_while_keys_cannot_be_fetched_callers_are_told_that_it_is_not_their_token() {
    let home = Published::start().await;
    for reply in [Reply::status(500, ""), Reply::ok("<html>"), Reply::status(302, "")] {
        home.publisher.reply(reply);
        let service = home.service.fetching(&home.publisher.fetcher());
        let answer = service.call("GET", ME).token(&home.token_of(&home.issuer.key)).await.is(503);
        assert_eq!(
            (answer.slug().as_str(), answer.header("retry-after")),
            ("unavailable", Some("1"))
        );
        assert_eq!(answer.header("www-authenticate"), None);
        let detail = answer.problem()["detail"].to_string();
        for part in ["keys.example", "500", "302", "html", "issuer"] {
            assert!(!detail.contains(part), "`{part}` is shown to a caller: {detail}");
        }
        let count = home.publisher.count();
        service.call("GET", ME).token(&home.token_of(&home.issuer.key)).await.is(503);
        assert_eq!(home.publisher.count(), count, "a server that fails rests");
        // A token of an untrusted issuer is refused as such, also while other servers fail.
        let stranger =
            home.issuer.token_with("jan", json!({}), json!({ "iss": "https://stranger.example" }));
        refused(&service.call("GET", ME).token(&stranger).await, "a stranger");
        assert_eq!(home.publisher.count(), count);
        // It goes on by itself.
        home.publisher.reply(Reply::ok(&jwks(&[&home.issuer.key])));
        home.service.clock.advance(30);
        service.call("GET", ME).token(&home.token_of(&home.issuer.key)).await.is(200);
        // And the last keys stand in for those that cannot be fetched.
        home.publisher.reply(Reply::status(500, ""));
        home.service.clock.advance(3600);
        service.call("GET", ME).token(&home.token_of(&home.issuer.key)).await.is(200);
    }
}

#[tokio::test]
async fn s2_keys_at_an_address_that_is_not_public_are_not_fetched() {
    let home = Published::start().await;
    // The usual network, in which the publisher's name is nobody's and its address is out of reach.
    let service = home.service.instance();
    service.call("GET", ME).token(&home.token_of(&home.issuer.key)).await.is(503);
    assert_eq!(home.publisher.connections(), 0);
    for url in [
        "https://127.0.0.1/jwks",
        "http://keys.example/jwks",
        "https://localhost/jwks",
        "https://[::1]/jwks",
    ] {
        let patch = json!({ "jwks_uri": url });
        home.crm.patch(&format!("{SERVERS}/corp"), patch).if_match("*").await.is(422);
    }
}

/// Changes that end the trust in Jan's token.
fn ends() -> Vec<(&'static str, Value)> {
    let other: Value = serde_json::from_str(&jwks(&[&KeyPair::es256()])).unwrap();
    vec![
        ("DELETE", Value::Null),
        ("PATCH", json!({ "issuer": "https://other.example" })),
        ("PATCH", json!({ "issuer": null })),
        ("PATCH", json!({ "audience": "others" })),
        ("PATCH", json!({ "tenant_claim": "org" })),
        ("PATCH", json!({ "jwks": other })),
        ("PATCH", json!({ "jwks": null })),
    ]
}

async fn end(home: &Home, service: &Service, method: &str, patch: &Value) {
    let call = home.crm.on(service).call(method, &format!("{SERVERS}/corp")).if_match("*");
    let call = if patch.is_null() { call } else { call.json(patch.clone()) };
    assert!(call.await.code() < 300);
}

#[tokio::test]
async fn o5_trust_that_was_revoked_ends_within_thirty_seconds() {
    for (method, patch) in ends() {
        let home = Home::open().await;
        // The caches are filled at different times, and their ages do not add up.
        let token = home.jan.token.clone();
        home.jan.get(ME).await.is(200);
        home.service.clock.advance(20);
        let later = home.issuer.token_with("jan", json!({}), json!({ "jti": "later" }));
        home.me_with(&later).await.is(200);
        end(&home, &home.service.instance(), method, &patch).await;
        home.service.clock.advance(5);
        let last = home.issuer.token_with("jan", json!({}), json!({ "jti": "last" }));
        home.me_with(&last).await;
        home.service.clock.advance(25);
        for token in [&token, &later, &last] {
            refused(&home.me_with(token).await, &format!("{method} {patch}"));
        }
    }
}

#[tokio::test]
async fn o5_trust_that_was_revoked_ends_at_once_where_it_was_revoked() {
    for (method, patch) in ends() {
        let home = Home::open().await;
        let service = home.service.in_one();
        let get = || service.call("GET", ME).token(&home.jan.token);
        get().await.is(200);
        end(&home, &service, method, &patch).await;
        refused(&get().await, &format!("{method} {patch}"));
    }
}

#[tokio::test]
async fn o5_trust_that_was_given_back_is_good_again() {
    let home = Home::open().await;
    let service = home.service.in_one();
    let crm = home.crm.on(&service);
    let get = || service.call("GET", ME).token(&home.jan.token);
    let server = crm.read(&format!("{SERVERS}/corp")).await;
    get().await.is(200);
    crm.delete(&format!("{SERVERS}/corp")).await.is(204);
    refused(&get().await, "deleted");
    crm.post(SERVERS, server).await.is(201);
    get().await.is(200);
    // A change that has nothing to do with it ends nothing.
    crm.patch(&format!("{SERVERS}/corp"), json!({ "name": "Corporate" }))
        .if_match("*")
        .await
        .is(200);
    get().await.is(200);
}

#[tokio::test]
async fn o5_a_tenant_that_trusts_an_issuer_is_known_at_once_though_another_was_before() {
    let home = Home::open().await;
    home.jan.get(ME).await.is(200);
    home.service.create_tenant("globex").await;
    let globex = home.service.client("globex", "config:write").await;
    let token = home.issuer.token_with("jan", json!({}), json!({ "tenant": "globex" }));
    refused(&home.me_with(&token).await, "not yet");
    let keys: Value = serde_json::from_str(&jwks(&[&home.issuer.key])).unwrap();
    let server = json!({
        "id": "corp", "name": "corp", "subject_type": "email", "issuer": home.issuer.url,
        "audience": "kith", "jwks": keys,
    });
    globex.post(SERVERS, server).await.is(201);
    // No person has signed in at that tenant yet, and Jan of the first tenant is unknown there.
    home.me_with(&token).await.is(404);
    home.jan.get(ME).await.is(200);
}

#[tokio::test]
async fn o5_a_token_that_is_remembered_costs_what_a_machines_costs() {
    let home = Home::open().await;
    home.jan.get(ME).await.is(200);
    let read = home.jan.get(ME).await.is(200);
    // The base profile id and the user, each with one strongly consistent read.
    assert_eq!(read.cost(), (2.0, 0.0, 0.0));
}
