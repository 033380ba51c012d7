//! Inputs that no client sends on purpose: random bytes, and valid inputs that were damaged. None
//! of them ends the process or causes a server error, and no damaged token is accepted.
//!
//! `PROPTEST_CASES=<n>` tries more of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::json;
use tests::{Answer, Client, KeyPair, Service, TENANT};

use super::damage::{case, damage, harm};
use super::{CREDENTIALS, TOKEN, about};
use crate::model::config;

const RESOURCE: &str = "/config/persona-definitions";
const ENDPOINTS: [&str; 3] = [TOKEN, "/idhub/oidc/v1/introspect", "/idhub/oidc/v1/revoke"];

/// Bytes as a header can carry them.
fn in_header(bytes: &[u8]) -> HeaderValue {
    let legal = |byte: &u8| if *byte < 0x20 || *byte == 0x7f { b'~' } else { *byte };
    HeaderValue::from_bytes(&bytes.iter().map(legal).collect::<Vec<_>>()).unwrap()
}

/// The service, a client with a secret and its keys, and a bound token.
struct World {
    service: Service,
    client: Client,
    key: KeyPair,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let key = KeyPair::es256();
        let (service, client) = runtime.block_on(async {
            let service = Service::start().await;
            let keys = shared::domain::client::KeySource::Jwks(tests::jwks(&[&key]));
            let client =
                service.register_as(TENANT, "config:read", |client| client.keys = Some(keys)).await;
            (service, client.with_token().await)
        });
        Self { service, client, key, runtime }
    }

    /// Tries many inputs, of which `meet` says how each was answered.
    fn try_all<S: Strategy>(
        self,
        cases: u32,
        strategy: &S,
        meet: &impl AsyncFn(&Self, &S::Value) -> Verdict,
    ) {
        let met = TestRunner::new(config(cases))
            .run(strategy, |input| self.runtime.block_on(meet(&self, &input)));
        assert_eq!(met.map_err(|failure| failure.to_string()), Ok(()));
    }
}

type Verdict = Result<(), TestCaseError>;

/// Asserts that the answer is not the service's own fault, and that an OAuth endpoint says no in
/// its own way.
fn sane(answer: &Answer) -> Verdict {
    prop_assert!(answer.code() < 500, "{}: {:?}", answer.code(), answer.body);
    prop_assert!(answer.headers.contains_key("x-request-id"));
    Ok(())
}

#[test]
fn o1_any_form_is_answered() {
    let strategy =
        (0usize..3, prop_oneof![vec(any::<u8>(), 0..300), Just(Vec::new())], vec(damage(), 0..6));
    World::start().try_all(150, &strategy, &async |world, (endpoint, bytes, damages)| {
        let client = &world.client;
        let good = format!(
            "grant_type=client_credentials&scope=config%3Aread&token={}&client_id={}&\
             client_secret={}",
            client.token, client.id, client.secret
        );
        let mut body = if bytes.is_empty() { good.into_bytes() } else { bytes.clone() };
        harm(&mut body, damages);
        let call = world.service.call("POST", ENDPOINTS[*endpoint]);
        let answer = call.body("application/x-www-form-urlencoded", body).await;
        prop_assert!(
            answer.code() == 200 || !bytes.is_empty() || !damages.is_empty(),
            "{}",
            answer.text()
        );
        sane(&answer)
    });
}

/// The form is read before the client authenticates, so the time must not grow with the square of
/// its length.
#[test]
fn o1_a_form_of_very_many_parameters_is_read_in_one_pass() {
    let world = World::start();
    let clock = shared::env::Env::default().clock;
    let started = clock.now();
    for (parameters, status) in [(4000, 401), (50_000, 400)] {
        let body = (0..parameters).map(|i| format!("{i:x}")).collect::<Vec<_>>().join("&");
        assert_eq!(body.len() < 16 * 1024, status == 401);
        let call = world.service.call("POST", TOKEN);
        let call = call.body("application/x-www-form-urlencoded", body);
        assert_eq!(world.runtime.block_on(call.into_future()).code(), status);
    }
    let took = clock.now().millis() - started.millis();
    assert!(took < 3_000, "{took} ms, where one pass takes less than 100");
}

#[test]
fn o1_any_basic_header_is_answered_and_none_but_the_right_one_is_taken() {
    let strategy = (any::<bool>(), vec(any::<u8>(), 0..200), vec(damage(), 0..4), any::<bool>());
    World::start().try_all(150, &strategy, &async |world, (random, bytes, damages, inside)| {
        let good = format!("{}:{}", world.client.id, world.client.secret).into_bytes();
        let mut content = if *random { bytes.clone() } else { good.clone() };
        if *inside {
            harm(&mut content, damages);
        }
        let mut header = format!("Basic {}", STANDARD.encode(&content)).into_bytes();
        if !*inside {
            harm(&mut header, damages);
        }
        let answer =
            world.service.token(&[CREDENTIALS]).header("authorization", in_header(&header)).await;
        sane(&answer)?;
        prop_assert!(answer.code() == 200 || *random || !damages.is_empty(), "{}", answer.text());
        if answer.code() == 200 {
            let sent = String::from_utf8(header).unwrap();
            let (_, sent) = sent.split_once(' ').unwrap();
            prop_assert_eq!(STANDARD.decode(sent.trim()).unwrap(), good);
        }
        Ok(())
    });
}

#[test]
fn o3_any_assertion_is_answered_and_none_is_taken_that_the_key_did_not_sign() {
    World::start().try_all(200, &case(), &async |world, case| {
        let good = world.key.assertion(&world.client.id, json!({}), json!({}));
        let sent = case.of(&good, &world.key);
        let form = [
            b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
              client-assertion-type%3Ajwt-bearer&client_assertion="
                .to_vec(),
            sent.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect(),
        ];
        let call = world
            .service
            .call("POST", TOKEN)
            .body("application/x-www-form-urlencoded", form.concat());
        let answer = call.await;
        sane(&answer)?;
        prop_assert!(
            answer.code() != 200 || case.is_signed() || sent == good.as_bytes(),
            "{:?}",
            sent
        );
        prop_assert!(answer.code() == 200 || !case.is_whole(), "{}", answer.text());
        Ok(())
    });
}

#[test]
fn o5_any_access_token_is_answered_and_none_but_the_good_one_is_taken() {
    let stranger = KeyPair::es256();
    World::start().try_all(200, &case(), &async |world, case| {
        let good = &world.client.token;
        let sent = case.of(good, &stranger);
        let header = in_header(&[b"Bearer ", &sent[..]].concat());
        let answer = world.service.call("GET", RESOURCE).header("authorization", header).await;
        sane(&answer)?;
        prop_assert!(answer.code() != 200 || sent.trim_ascii() == good.as_bytes(), "{:?}", sent);
        prop_assert!(
            answer.code() == 200 || !case.is_whole() || case.is_signed(),
            "{}",
            answer.text()
        );
        let text = String::from_utf8_lossy(&sent);
        let said = about(&world.client, "introspect", &text).await;
        sane(&said)?;
        if text != *good && !text.is_empty() {
            prop_assert_eq!(said.text(), r#"{"active":false}"#);
        }
        Ok(())
    });
}

#[test]
fn o5_any_proof_is_answered_and_none_is_taken_that_the_key_did_not_sign() {
    let world = World::start();
    let bound = world.runtime.block_on(world.client.clone().bound_to(&world.key));
    let strategy = (case(), any::<bool>());
    world.try_all(200, &strategy, &async |world, (case, at_resource)| {
        let good = if *at_resource {
            world.key.proof_with("GET", RESOURCE, &bound.token, json!({}))
        } else {
            world.key.proof("POST", TOKEN, json!({}), json!({}))
        };
        let sent = case.of(&good, &world.key);
        let call = if *at_resource {
            world
                .service
                .call("GET", RESOURCE)
                .header("authorization", format!("DPoP {}", bound.token))
        } else {
            world.client.token_for(&[CREDENTIALS])
        };
        let answer = call.header("dpop", in_header(&sent)).await;
        sane(&answer)?;
        prop_assert!(
            answer.code() != 200 || case.is_signed() || sent == good.as_bytes(),
            "{:?}",
            sent
        );
        prop_assert!(answer.code() == 200 || !case.is_whole(), "{}", answer.text());
        Ok(())
    });
}

/// A refresh token is opaque: one that was damaged is forged, and the family stays.
#[test]
fn o6_any_refresh_token_is_answered_and_none_but_the_good_one_is_taken() {
    let world = World::start();
    let id = world.client.id.parse().unwrap();
    let token = world.runtime.block_on(async {
        world.service.table.change_client(&id, |client| client.refresh_token = true).await.unwrap();
        world.service.clock.advance(31);
        world.client.token_for(&[CREDENTIALS]).await.is(200).field("refresh_token")
    });
    world.try_all(100, &vec(damage(), 1..4), &async |world, damages| {
        let mut sent = token.clone().into_bytes();
        harm(&mut sent, damages);
        let text = String::from_utf8_lossy(&sent);
        if text == token {
            return Ok(());
        }
        let answer = world
            .client
            .token_for(&[("grant_type", "refresh_token"), ("refresh_token", &text)])
            .await;
        prop_assert_eq!(answer.code(), 400, "{}", answer.text());
        prop_assert_eq!(
            about(&world.client, "revoke", &text).await.code(),
            if text.is_empty() { 400 } else { 200 }
        );
        let said = about(&world.client, "introspect", &token).await.json();
        prop_assert_eq!(&said["active"], true);
        Ok(())
    });
}
