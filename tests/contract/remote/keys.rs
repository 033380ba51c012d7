//! Keys of others: remembered, followed when they rotate, and not fetched more often than an
//! attacker should be able to bring about.

use std::sync::Arc;

use shared::auth::RemoteKeys;
use shared::auth::remote_keys::MAX_URLS;
use shared::domain::jwk::{Algorithm, JwkSet};
use shared::env::Clock;
use shared::fetch::{FetchError, Fetcher, Network};
use tests::{Gate, Publisher, Reply, START};
use tokio::task::JoinSet;

use crate::edge::logs;

const DAY: i64 = 24 * 3600;

/// A set of keys with these ids.
fn set(kids: &[&str]) -> Reply {
    let point = concat!(
        r#""x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","#,
        r#""y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#,
    );
    let key = |kid: &&str| format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}",{point}}}"#);
    Reply::ok(&format!(r#"{{"keys":[{}]}}"#, kids.iter().map(key).collect::<Vec<_>>().join(",")))
}

/// A publisher, and somebody who remembers its keys.
struct Pair {
    publisher: Publisher,
    keys: RemoteKeys,
    clock: Clock,
}

impl Pair {
    async fn start(kids: &[&str]) -> Self {
        let publisher = Publisher::start().await;
        publisher.reply(set(kids));
        let clock = Clock::stopped_at(START);
        Self { keys: RemoteKeys::new(publisher.fetcher(), clock.clone()), clock, publisher }
    }

    async fn keys_for(&self, kid: &str) -> Result<Arc<JwkSet>, FetchError> {
        self.keys.keys_at(&self.publisher.url(), Some(kid)).await
    }

    /// Whether a signature that names this key finds it.
    async fn finds(&self, kid: &str) -> bool {
        self.keys_for(kid).await.unwrap().candidates(Some(kid), Algorithm::Es256).count() == 1
    }

    fn fetches(&self) -> usize {
        self.publisher.count()
    }
}

#[tokio::test]
async fn s2_a_set_is_fetched_once_in_five_minutes() {
    let pair = Pair::start(&["a", "b"]).await;
    for _ in 0..3 {
        assert!(pair.finds("a").await && pair.finds("b").await);
        let whole = pair.keys.keys_at(&pair.publisher.url(), None).await.unwrap();
        assert_eq!(whole.candidates(None, Algorithm::Es256).count(), 2);
        assert_eq!(whole.candidates(Some("a"), Algorithm::Rs256).count(), 0);
    }
    assert_eq!(pair.fetches(), 1);
    pair.clock.advance(299);
    assert!(pair.finds("a").await);
    assert_eq!(pair.fetches(), 1);
    // A key that was withdrawn is no longer believed.
    pair.publisher.reply(set(&["b"]));
    pair.clock.advance(1);
    assert!(pair.finds("b").await && !pair.finds("a").await);
    assert_eq!(pair.fetches(), 3, "one for the age, one for the key that is gone");
    pair.clock.advance(29);
    assert!(!pair.finds("a").await);
    assert_eq!(pair.fetches(), 3);
}

#[tokio::test]
async fn s2_a_new_key_is_found_at_once_and_unknown_ones_cause_one_fetch_in_thirty_seconds() {
    let pair = Pair::start(&["old"]).await;
    assert!(pair.finds("old").await);
    pair.publisher.reply(set(&["old", "new"]));
    assert!(pair.finds("new").await);
    assert_eq!(pair.fetches(), 2);
    for second in 0..30 {
        assert!(!pair.finds(&format!("guess-{second}")).await);
        assert!(pair.finds("old").await && pair.finds("new").await);
        pair.clock.advance(1);
    }
    assert_eq!(pair.fetches(), 2);
    assert!(!pair.finds("guess").await);
    assert_eq!(pair.fetches(), 3);
    // If the first fetch does not return the key, there is no second fetch.
    let other = Pair::start(&["old"]).await;
    assert!(!other.finds("guess").await && !other.finds("another").await);
    assert_eq!(other.fetches(), 1);
}

#[tokio::test]
async fn s2_a_failing_server_is_asked_again_after_thirty_seconds() {
    let pair = Pair::start(&["a"]).await;
    for (turn, (reply, error)) in [
        (Reply::status(500, ""), FetchError::Status(500)),
        (Reply::status(404, ""), FetchError::Status(404)),
        (Reply::ok("<html>"), FetchError::Content("expected a JWK set")),
        (Reply::ok("{}"), FetchError::Content("expected a JWK set")),
        (Reply::ok(r#"{"keys":[],"keys":[]}"#), FetchError::Content("expected a JWK set")),
    ]
    .into_iter()
    .enumerate()
    {
        pair.publisher.reply(reply);
        for kid in ["a", "b"] {
            assert_eq!(pair.keys_for(kid).await, Err(error.clone()));
        }
        assert_eq!(pair.keys.keys_at(&pair.publisher.url(), None).await, Err(error.clone()));
        pair.clock.advance(29);
        assert_eq!(pair.keys_for("a").await, Err(error));
        assert_eq!(pair.fetches(), turn + 1);
        pair.clock.advance(1);
    }
    pair.publisher.reply(set(&["a"]));
    assert!(pair.finds("a").await);
}

#[tokio::test]
async fn s2_the_last_set_goes_on_being_used_for_a_day_while_the_server_fails() {
    let pair = Pair::start(&["a"]).await;
    assert!(pair.finds("a").await);
    pair.publisher.reply(Reply::status(503, ""));
    // An unknown key asks; while the server rests, nobody does.
    assert!(!pair.finds("b").await && !pair.finds("c").await);
    assert_eq!(pair.fetches(), 2);
    pair.clock.advance(300);
    for _ in 0..3 {
        assert!(pair.finds("a").await && !pair.finds("b").await);
    }
    assert_eq!(pair.fetches(), 3);
    pair.clock.advance(30);
    assert!(pair.finds("a").await);
    assert_eq!(pair.fetches(), 4);
    pair.clock.advance(DAY - 331);
    assert!(pair.finds("a").await);
    pair.clock.advance(1);
    assert_eq!(pair.keys_for("a").await, Err(FetchError::Status(503)));
    assert_eq!(
        pair.fetches(),
        5,
        "at the end of the day the failure of a second before still counts"
    );
    // As soon as it answers, all is as before.
    pair.publisher.reply(set(&["b"]));
    pair.clock.advance(30);
    assert!(pair.finds("b").await && !pair.finds("a").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s2_callers_at_once_share_one_fetch() {
    let pair = Arc::new(Pair::start(&["a"]).await);
    for (fetches, kid) in [(1, "a"), (2, "b")] {
        // First nothing is known, then the key has rotated: each time all hundred look for the
        // same.
        let gate = Gate::closed();
        pair.publisher.reply(Reply::Held(gate.clone(), Box::new(set(&[kid]))));
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let pair = pair.clone();
            callers.spawn(async move { pair.finds(kid).await });
        }
        gate.reached().await;
        (0..100).for_each(|_| gate.open());
        assert!(callers.join_all().await.into_iter().all(|found| found));
        assert_eq!(pair.fetches(), fetches);
    }
    // A hundred different ones that nobody has.
    pair.clock.advance(30);
    let mut callers = JoinSet::new();
    for n in 0..100 {
        let pair = pair.clone();
        callers.spawn(async move { pair.finds(&format!("guess-{n}")).await });
    }
    assert!(!callers.join_all().await.into_iter().any(|found| found));
    assert_eq!(pair.fetches(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s2_callers_at_once_share_one_failure() {
    let pair = Arc::new(Pair::start(&[]).await);
    pair.publisher.reply(Reply::status(500, ""));
    let mut callers = JoinSet::new();
    for n in 0..100 {
        let pair = pair.clone();
        callers.spawn(async move { pair.keys_for(&format!("guess-{n}")).await });
    }
    assert!(
        callers.join_all().await.into_iter().all(|answer| answer == Err(FetchError::Status(500)))
    );
    assert_eq!(pair.fetches(), 1);
}

#[tokio::test]
async fn s2_known_keys_are_found_while_a_fetch_for_an_unknown_one_is_under_way() {
    let pair = Arc::new(Pair::start(&["a"]).await);
    assert!(pair.finds("a").await);
    let gate = Gate::closed();
    pair.publisher.reply(Reply::Held(gate.clone(), Box::new(set(&["a"]))));
    let asking = tokio::spawn({
        let pair = pair.clone();
        async move { pair.finds("guess").await }
    });
    gate.reached().await;
    assert!(pair.finds("a").await);
    assert!(!asking.is_finished());
    gate.open();
    assert!(!asking.await.unwrap());
}

#[tokio::test]
async fn s2_a_caller_who_leaves_neither_ends_a_fetch_nor_causes_another() {
    let pair = Arc::new(Pair::start(&["a"]).await);
    let gate = Gate::closed();
    pair.publisher.reply(Reply::Held(gate.clone(), Box::new(set(&["a"]))));
    let leaving = tokio::spawn({
        let pair = pair.clone();
        async move { pair.finds("a").await }
    });
    gate.reached().await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    gate.open();
    assert!(pair.finds("a").await);
    assert_eq!(pair.fetches(), 1);
}

#[tokio::test]
async fn s2_each_url_is_on_its_own_and_the_least_recently_used_gives_way() {
    let pair = Pair::start(&["a"]).await;
    let url = |n: usize| format!("{}/{n}", pair.publisher.url());
    for n in 0..MAX_URLS {
        pair.keys.keys_at(&url(n), Some("a")).await.unwrap();
        pair.clock.advance(1);
    }
    assert_eq!(pair.fetches(), MAX_URLS);
    pair.keys.keys_at(&url(0), Some("a")).await.unwrap();
    assert_eq!(pair.fetches(), MAX_URLS);
    pair.clock.advance(1);
    pair.keys.keys_at(&url(MAX_URLS), Some("a")).await.unwrap();
    for kept in [0, 2, MAX_URLS - 1, MAX_URLS] {
        pair.keys.keys_at(&url(kept), Some("a")).await.unwrap();
    }
    assert_eq!(pair.fetches(), MAX_URLS + 1);
    pair.keys.keys_at(&url(1), Some("a")).await.unwrap();
    assert_eq!(pair.fetches(), MAX_URLS + 2);
}

#[tokio::test]
async fn s2_what_cannot_be_fetched_at_all_is_an_error_with_its_reason() {
    let keys = RemoteKeys::new(Fetcher::within(Network::default()), Clock::stopped_at(START));
    let plain = keys.keys_at("http://keys.example/jwks", None).await.unwrap_err();
    assert_eq!(plain.to_string(), "expected an https URL");
    let private = keys.keys_at("https://169.254.169.254/jwks", None).await.unwrap_err();
    assert_eq!(private.to_string(), "the host has an address that is not public");
}

#[tokio::test]
async fn s3_a_fetch_that_failed_is_one_line_with_the_host_and_nothing_else_of_the_url() {
    logs::keep();
    let publisher = Publisher::start().await;
    publisher.reply(Reply::status(500, "kompas"));
    let keys = RemoteKeys::new(publisher.fetcher(), Clock::stopped_at(START));
    let url = format!("https://vuurtoren.example:{}/zwaardvis?key=zandloper", publisher.port);
    let network = Network { roots: Some(Vec::new()), ..publisher.network() };
    for keys in [keys, RemoteKeys::new(Fetcher::within(network), Clock::stopped_at(START))] {
        for _ in 0..3 {
            keys.keys_at(&url, None).await.unwrap_err();
        }
    }
    let lines = logs::lines_with("vuurtoren.example");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        let text = line.to_string();
        assert!(
            line["level"] == "WARN"
                && line["host"] == "vuurtoren.example"
                && line["cause"].is_string(),
            "{text}"
        );
        assert!(
            !["zwaardvis", "zandloper", "kompas"].iter().any(|word| text.contains(word)),
            "{text}"
        );
    }
}
