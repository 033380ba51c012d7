//! RS256 beside ES256, rotation and revocation on command, with tokens in flight and with cold and
//! warm caches (rule O8).

mod faults;
mod life;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};
use shared::auth::SigningKeys;
use shared::domain::client;
use shared::domain::error::Error;
use shared::domain::jwk::Algorithm;
use tests::{Client, Service, TENANT};
use tokio::task::JoinSet;

use super::keys::{DAY, JWKS, kid_of, kids};

/// The path of a user that does not exist. The answer is 404 to a valid token, 401 to any other.
const PATH: &str = "/identity/users/0192f3c1-0000-7000-8000-000000000001";
const BOTH: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// A client whose tokens are signed with this algorithm and live a day, without a token yet.
async fn client_of(service: &Service, algorithm: Algorithm) -> Client {
    let (tenant, scopes) = (TENANT.parse().unwrap(), "users:read".parse().unwrap());
    let (mut client, secret) =
        client::Client::register(&tenant, "test", scopes, false, service.table.env());
    client.access_token_signing_alg = algorithm;
    client.access_token_lifetime = DAY;
    service.table.create_client(&client).await.unwrap();
    let (id, secret) = (client.client_id.to_string(), secret.reveal().to_owned());
    Client { service: service.clone(), id, secret, token: String::new() }
}

/// The operator's command, which holds no caches.
fn operator(service: &Service) -> SigningKeys {
    SigningKeys::new(service.table.clone())
}

fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap())
        .unwrap()
}

async fn jwks(service: &Service) -> Vec<Value> {
    service.call("GET", JWKS).await.is(200).json()["keys"].as_array().unwrap().clone()
}

/// Another service that verifies tokens, with a JWKS that it caches for its max-age.
struct Party {
    read_at: i64,
    keys: Vec<Value>,
}

impl Party {
    async fn verify(&mut self, service: &Service, token: &str) -> bool {
        let now = service.clock.now().seconds();
        if now - self.read_at >= 300 {
            (self.read_at, self.keys) = (now, jwks(&service.instance()).await);
        }
        let header = header(token);
        let Some(key) =
            self.keys.iter().find(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"])
        else {
            return false;
        };
        let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let (content, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        match key["kty"].as_str().unwrap() {
            "RSA" => RsaPublicKeyComponents { n: number("n"), e: number("e") }
                .verify(&RSA_PKCS1_2048_8192_SHA256, content.as_bytes(), &signature)
                .is_ok(),
            _ => UnparsedPublicKey::new(
                &ECDSA_P256_SHA256_FIXED,
                [vec![4], number("x"), number("y")].concat(),
            )
            .verify(content.as_bytes(), &signature)
            .is_ok(),
        }
    }
}

#[tokio::test]
async fn o8_rs256_tokens_are_for_clients_that_ask_for_them() {
    let service = Service::start().await;
    let es = client_of(&service, Algorithm::Es256).await.with_token().await;
    assert_eq!(jwks(&service).await.len(), 1, "no RSA key before somebody needs it");
    let rs = client_of(&service, Algorithm::Rs256).await.with_token().await;
    for (client, alg) in [(&es, "ES256"), (&rs, "RS256")] {
        assert_eq!(
            header(&client.token),
            json!({ "alg": alg, "typ": "at+jwt", "kid": kid_of(&client.token) })
        );
        client.get(PATH).await.is(404);
        client.on(&service.instance()).get(PATH).await.is(404);
    }
    let keys = jwks(&service).await;
    assert_eq!(
        keys.iter().map(|key| key["alg"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ES256", "RS256"]
    );
    let rsa = &keys[1];
    let mut names: Vec<_> = rsa.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"], "no private member");
    let members = format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, rsa["e"], rsa["n"]);
    assert_eq!(rsa["kid"], json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))));
    assert_eq!(rsa["kid"], json!(kid_of(&rs.token)));

    // Warm, a token needs nothing of the table.
    for client in [&es, &rs] {
        let answer = client.token_for(&[("grant_type", "client_credentials")]).await.is(200);
        assert_eq!(answer.cost(), (0.0, 0.0, 0.0));
    }
}

/// A function that has just read the keys knows the first key of another algorithm as soon as it
/// meets it.
#[tokio::test]
async fn o8_the_first_rs256_token_verifies_where_the_keys_were_just_read() {
    let service = Service::start().await;
    let reader = service.instance();
    let es = client_of(&service, Algorithm::Es256).await.with_token().await;
    es.on(&reader).get(PATH).await.is(404);
    let rs = client_of(&service, Algorithm::Rs256).await.with_token().await;
    rs.on(&reader).get(PATH).await.is(404);
}

#[tokio::test]
async fn o8_a_prepared_key_is_published_before_the_first_token() {
    let service = Service::start().await;
    operator(&service).prepare(Algorithm::Rs256).await.unwrap();
    let published = jwks(&service).await;
    assert_eq!(published.iter().filter(|key| key["alg"] == "RS256").count(), 1);
    operator(&service).prepare(Algorithm::Rs256).await.unwrap();
    let rs = client_of(&service, Algorithm::Rs256).await.with_token().await;
    assert!(published.iter().any(|key| key["kid"] == kid_of(&rs.token)));
    assert_eq!(jwks(&service).await, published);
}

#[tokio::test]
async fn o8_a_key_follows_on_schedule_for_each_algorithm_by_itself() {
    let service = Service::start().await;
    let es = client_of(&service, Algorithm::Es256).await.with_token().await;
    service.clock.advance(10 * DAY);
    let rs = client_of(&service, Algorithm::Rs256).await.with_token().await;
    service.clock.advance(19 * DAY);
    // The successor of the ES256 key is due, that of RS256 is not. Reading the JWKS makes it.
    let keys = jwks(&service).await;
    let count = |keys: &[Value], alg: &str| keys.iter().filter(|key| key["alg"] == alg).count();
    assert_eq!((count(&keys, "ES256"), count(&keys, "RS256")), (2, 1));
    service.clock.advance(10 * DAY);
    let keys = jwks(&service).await;
    assert_eq!((count(&keys, "ES256"), count(&keys, "RS256")), (1, 2));
    let (new_es, new_rs) = (es.clone().with_token().await, rs.clone().with_token().await);
    assert_ne!(kid_of(&new_es.token), kid_of(&es.token));
    assert_eq!(kid_of(&new_rs.token), kid_of(&rs.token));
    for client in [new_es, new_rs] {
        client.get(PATH).await.is(404);
    }
}

#[tokio::test]
async fn o8_a_rotation_says_when_what_happens() {
    for algorithm in BOTH {
        let service = Service::start().await;
        let client = client_of(&service, algorithm).await.with_token().await;
        let other = BOTH.into_iter().find(|other| *other != algorithm).unwrap();
        let untouched = client_of(&service, other).await.with_token().await;
        let now = service.clock.now();
        let rotated = operator(&service).rotate(algorithm).await.unwrap();
        let old = rotated.old.unwrap();
        assert_eq!(old.kid, kid_of(&client.token));
        assert_eq!(rotated.new.sign_from, now.plus_seconds(660));
        assert_eq!(
            (old.sign_until, old.drop_at),
            (now.plus_seconds(660), now.plus_seconds(660 + DAY + 60))
        );

        service.clock.advance(659);
        assert_eq!(kid_of(&client.clone().with_token().await.token), old.kid);
        service.clock.advance(1);
        let new = client.clone().with_token().await;
        assert_eq!(kid_of(&new.token), rotated.new.kid);
        assert_eq!(kid_of(&untouched.clone().with_token().await.token), kid_of(&untouched.token));
        service.clock.advance(DAY + 59);
        assert!(kids(&service).await.contains(&old.kid));
        service.clock.advance(1);
        assert!(!kids(&service).await.contains(&old.kid));
    }
}

#[tokio::test]
async fn o8_the_first_key_by_command_signs_at_once_and_there_is_a_limit() {
    let service = Service::start().await;
    let first = operator(&service).rotate(Algorithm::Rs256).await.unwrap();
    assert_eq!(first.old, None);
    let client = client_of(&service, Algorithm::Rs256).await.with_token().await;
    assert_eq!(kid_of(&client.token), first.new.kid);
    for _ in 0..20 {
        if operator(&service).rotate(Algorithm::Es256).await.is_err() {
            break;
        }
        service.clock.advance(662);
    }
    let refused = operator(&service).rotate(Algorithm::Es256).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(why) if why.contains("20 keys")), "{refused:?}");
    assert_eq!(operator(&service).list().await.unwrap().len(), 21);
    // The schedule does not stop there.
    let es = client_of(&service, Algorithm::Es256).await;
    for wait in [0, 700, 28 * DAY, DAY, DAY, DAY] {
        service.clock.advance(wait);
        es.clone().with_token().await.get(PATH).await.is(404);
    }
    assert!(matches!(operator(&service).rotate(Algorithm::Ps256).await, Err(Error::Unexpected(_))));
}

#[tokio::test]
async fn o8_a_rotation_replaces_the_successor_that_waits_for_a_later_turn() {
    let service = Service::start().await;
    let client = client_of(&service, Algorithm::Es256).await.with_token().await;
    service.clock.advance(29 * DAY);
    let client = client.with_token().await;
    let waiting: Vec<_> =
        kids(&service).await.into_iter().filter(|kid| *kid != kid_of(&client.token)).collect();
    let rotated = operator(&service).rotate(Algorithm::Es256).await.unwrap();
    assert_eq!(kids(&service).await, [kid_of(&client.token), rotated.new.kid.clone()]);
    let items = service.items().await;
    assert!(
        !items.iter().any(|item| item.contains(&waiting[0])),
        "it never signs, so nothing of it stays"
    );
    service.clock.advance(660);
    assert_eq!(kid_of(&client.with_token().await.token), rotated.new.kid);
}

#[tokio::test]
async fn o8_a_revoked_key_is_gone_and_another_signs_at_once() {
    for algorithm in BOTH {
        let service = Service::start().await;
        let reader = service.instance();
        let client = client_of(&service, algorithm).await.with_token().await;
        let leaked = kid_of(&client.token);
        client.on(&reader).get(PATH).await.is(404);
        let revoked = operator(&service).revoke(&leaked).await.unwrap();
        assert_eq!(revoked.key.kid, leaked);
        let next = revoked.signing.unwrap().kid;
        assert!(!kids(&service).await.contains(&leaked));
        assert!(
            !service.items().await.iter().any(|item| item.contains(&leaked)),
            "nothing of it stays"
        );

        // A cold function signs with the next one, which verifies where the keys were just read;
        // where nothing is remembered the leaked key is refused.
        let cold = client.on(&service.instance()).with_token().await;
        assert_eq!(kid_of(&cold.token), next);
        cold.on(&reader).get(PATH).await.is(404);
        client.on(&service.instance()).get(PATH).await.is(401);

        // A warm one signs with the old one for a minute at most; within caches and the memory of
        // signatures all refuse it.
        service.clock.advance(59);
        assert_eq!(kid_of(&client.clone().with_token().await.token), leaked);
        service.clock.advance(1);
        let new = client.clone().with_token().await;
        assert_eq!(kid_of(&new.token), next);
        new.on(&reader).get(PATH).await.is(404);
        service.clock.advance(270);
        client.on(&reader).get(PATH).await.is(401);
        new.on(&reader).get(PATH).await.is(404);
        assert!(matches!(operator(&service).revoke(&leaked).await, Err(Error::NotFound)));
    }
}

/// The procedure of the documentation for a planned replacement of a key.
#[tokio::test]
async fn o8_a_rotation_before_the_revocation_interrupts_nobody() {
    let service = Service::start().await;
    let reader = service.instance();
    let client = client_of(&service, Algorithm::Es256).await.with_token().await;
    client.on(&reader).get(PATH).await.is(404);
    let rotated = operator(&service).rotate(Algorithm::Es256).await.unwrap();
    for _ in 0..11 {
        service.clock.advance(60);
        client.clone().with_token().await.on(&reader).get(PATH).await.is(404);
    }
    let revoked = operator(&service).revoke(&kid_of(&client.token)).await.unwrap();
    assert_eq!(revoked.signing.unwrap().kid, rotated.new.kid);
    for _ in 0..11 {
        let new = client.clone().with_token().await;
        assert_eq!(kid_of(&new.token), rotated.new.kid);
        new.on(&reader).get(PATH).await.is(404);
        service.clock.advance(60);
    }
    client.on(&reader).get(PATH).await.is(401);
}

#[tokio::test]
async fn o8_a_revocation_lets_the_published_successor_sign() {
    let service = Service::start().await;
    let client = client_of(&service, Algorithm::Es256).await.with_token().await;
    let rotated = operator(&service).rotate(Algorithm::Es256).await.unwrap();
    let revoked = operator(&service).revoke(&kid_of(&client.token)).await.unwrap();
    assert_eq!(revoked.signing.unwrap().kid, rotated.new.kid);
    assert_eq!(kids(&service).await, std::slice::from_ref(&rotated.new.kid));
    // Taking that one back too leaves a new one.
    let revoked = operator(&service).revoke(&rotated.new.kid).await.unwrap();
    assert_eq!(kids(&service).await, [revoked.signing.unwrap().kid]);
    client.on(&service.instance()).with_token().await.get(PATH).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o8_functions_that_need_a_key_at_once_agree_on_one() {
    for algorithm in BOTH {
        let service = Service::start().await;
        let client = client_of(&service, algorithm).await;
        for (wait, keys) in [(0, 1), (29 * DAY, 2), (DAY, 2)] {
            service.clock.advance(wait);
            let mut calls = JoinSet::new();
            for _ in 0..8 {
                let client = client.on(&service.instance());
                calls.spawn(async move { kid_of(&client.with_token().await.token) });
            }
            let found = calls.join_all().await;
            assert!(found.iter().all(|kid| *kid == found[0]), "{algorithm}: {found:?}");
            let published = operator(&service).list().await.unwrap();
            assert_eq!(published.len(), keys, "{algorithm} after {wait} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o8_rotations_and_requests_at_once_lose_no_key() {
    let service = Service::start().await;
    let clients = [client_of(&service, BOTH[0]).await, client_of(&service, BOTH[1]).await];
    let mut rotations = JoinSet::new();
    for i in 0..8 {
        let (keys, client) = (operator(&service), clients[i % 2].on(&service.instance()));
        rotations
            .spawn(async move { keys.rotate(BOTH[i % 2]).await.map(|rotated| rotated.new.kid) });
        rotations.spawn(async move {
            client.with_token().await;
            Ok(String::new())
        });
    }
    rotations.join_all().await.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    whole(&service).await;
    for wait in [0, 600, 59, 1, 60, 700] {
        service.clock.advance(wait);
        for client in &clients {
            let client = client.clone().with_token().await;
            client.get(PATH).await.is(404);
            client.on(&service.instance()).get(PATH).await.is(404);
        }
    }
}

/// Each published key that signs now or later has its private half, each turn follows the one
/// before, and no private key stands alone.
async fn whole(service: &Service) {
    let now = service.clock.now();
    let published = operator(service).list().await.unwrap();
    let items = service.items().await;
    let private: Vec<_> = items
        .iter()
        .filter(|item| item.contains("K#private") && !item.contains("REFRESH"))
        .collect();
    for key in published.iter().filter(|key| key.sign_until > now) {
        assert!(
            private.iter().any(|item| item.contains(&key.kid)),
            "{} has no private half",
            key.kid
        );
    }
    for item in private {
        assert!(
            published.iter().any(|key| item.contains(&key.kid)),
            "a private key without its public half"
        );
    }
    for algorithm in BOTH {
        let mut turns: Vec<_> = published.iter().filter(|key| key.algorithm == algorithm).collect();
        turns.sort_by_key(|key| key.sign_from);
        for pair in turns.windows(2) {
            assert!(pair[0].sign_until >= pair[1].sign_from, "a gap: {pair:?}");
        }
    }
}
