//! Forty days of tokens, keys and caches (rule O8).

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::jwk::Algorithm;
use tests::Service;

use super::{DAY, PATH, Party, client_of, jwks, kid_of, operator};

/// The alive tokens of a life: of each key the oldest and the newest.
#[derive(Default)]
struct InFlight(BTreeMap<String, Vec<(String, i64)>>);

impl InFlight {
    fn add(&mut self, token: String, now: i64) {
        let tokens = self.0.entry(kid_of(&token)).or_default();
        tokens.push((token, now + DAY));
    }

    fn alive(&mut self, now: i64) -> Vec<String> {
        for tokens in self.0.values_mut() {
            tokens.retain(|(_, expires_at)| *expires_at > now);
        }
        let ends =
            self.0.values().flat_map(|tokens| tokens.first().into_iter().chain(tokens.last()));
        ends.map(|(token, _)| token.clone()).collect()
    }
}

/// Forty days, in which the schedule changes the key and the operator does too: twice in a minute
/// for one key, and again while a successor waits for its turn.
async fn a_life_of(algorithm: Algorithm) {
    let service = Service::start().await;
    let warm = service.instance();
    let issuers = [
        client_of(&service, algorithm).await,
        client_of(&service, algorithm).await.on(&service.instance()),
    ];
    let start = service.clock.now().seconds();
    operator(&service).prepare(algorithm).await.unwrap();
    let rotations =
        [3 * DAY, 3 * DAY + 60, 12 * DAY, 12 * DAY + 43_200, 41 * DAY + 46_800, 43 * DAY];
    let mut parties = [
        Party { read_at: 0, keys: vec![] },
        Party { read_at: start - 120, keys: jwks(&warm).await },
    ];
    let mut in_flight = InFlight::default();
    let (mut rotated, mut watched_until) = (0, 0);
    let (mut scheduled, mut made) = (0, BTreeSet::new());
    loop {
        let now = service.clock.now().seconds();
        let age = now - start;
        if age > 45 * DAY {
            break;
        }
        if rotations.get(rotated).is_some_and(|due| age >= *due) {
            made.insert(operator(&service).rotate(algorithm).await.unwrap().new.kid);
            rotated += 1;
            watched_until = now + 700;
        }
        for issuer in &issuers {
            let answer = issuer.token_for(&[("grant_type", "client_credentials")]).await.is(200);
            in_flight.add(answer.field("access_token"), now);
        }
        let alive = in_flight.alive(now);
        let cold = service.instance();
        for token in &alive {
            for reader in [&warm, &cold] {
                let answer = reader.call("GET", PATH).token(token).await;
                assert_eq!(answer.code(), 404, "{algorithm}: {} after {age} s", kid_of(token));
            }
            for party in &mut parties {
                assert!(
                    party.verify(&service, token).await,
                    "{algorithm}: {} after {age} s",
                    kid_of(token)
                );
            }
        }
        let keys = operator(&service).list().await.unwrap();
        scheduled = scheduled.max(keys.len());
        // Near a change each moment counts, and the caches end at others than the steps.
        let changing =
            keys.iter().any(|key| (-200..400).contains(&(now - key.sign_from.seconds())));
        service.clock.advance(if now < watched_until || changing { 100 } else { 19_300 });
    }
    assert_eq!(rotated, rotations.len());
    assert_eq!(
        made.len(),
        rotations.len() - 1,
        "the second of two in a minute finds that of the first"
    );
    assert!(
        made.iter().all(|kid| in_flight.0.contains_key(kid)),
        "every key that was made has signed"
    );
    assert!(scheduled >= 3, "old, current and next were published at once");
    let published: Vec<_> =
        jwks(&service).await.iter().filter(|key| key["alg"] == algorithm.name()).cloned().collect();
    assert_eq!(published.len(), 1, "what is past its time is not published");
}

#[tokio::test]
async fn o8_each_es256_token_verifies_at_each_moment_of_its_life() {
    a_life_of(Algorithm::Es256).await;
}

#[tokio::test]
async fn o8_each_rs256_token_verifies_at_each_moment_of_its_life() {
    a_life_of(Algorithm::Rs256).await;
}
