//! Outgoing fetches: https alone, bounded in time and size, no redirects, and nothing that is not
//! public.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use shared::fetch::{FetchError, Fetcher, MAX_BODY, Network, TIME_LIMIT};
use tests::{Publisher, Reply};

/// Where nothing but public addresses may be reached, and every name has these.
fn resolving_to(publisher: &Publisher, addresses: &[&str]) -> Fetcher {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Fetcher::within(Network {
        resolve: Some(Arc::new(move |_| addresses.clone())),
        reachable: Network::default().reachable,
        ..publisher.network()
    })
}

async fn failure(publisher: &Publisher) -> FetchError {
    publisher.fetcher().get(&publisher.url()).await.unwrap_err()
}

#[tokio::test]
async fn s2_an_https_url_is_fetched_with_one_request_that_says_little() {
    let publisher = Publisher::start().await;
    for reply in [Reply::ok(r#"{"keys":[]}"#), Reply::chunked(r#"{"keys":[]}"#)] {
        publisher.reply(reply);
        let url = format!("https://{}:{}/keys/1?v=2#part", Publisher::NAME, publisher.port);
        assert_eq!(publisher.fetcher().get(&url).await.unwrap(), r#"{"keys":[]}"#);
    }
    let requests = publisher.requests();
    assert_eq!(requests.len(), 2);
    let mut lines: Vec<_> = requests[0].trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "GET /keys/1?v=2 HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}:{}", Publisher::NAME, publisher.port);
    assert_eq!(
        lines,
        ["accept: application/json, application/jwk-set+json", host.as_str(), "user-agent: Kith"]
    );
}

#[tokio::test]
async fn s2_only_a_200_is_read_and_redirects_are_not_followed() {
    let publisher = Publisher::start().await;
    let other = Publisher::start().await;
    other.reply(Reply::ok("{}"));
    for status in [204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 404, 429, 500, 503] {
        publisher.reply(match status {
            300..=399 => {
                let location = format!("https://127.0.0.1:{}/", other.port);
                let head = format!(
                    "HTTP/1.1 {status} .\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
                );
                Reply::Raw(head.into_bytes())
            }
            204 => Reply::Raw(b"HTTP/1.1 204 .\r\n\r\n".to_vec()),
            _ => Reply::status(status, r#"{"keys":[]}"#),
        });
        assert_eq!(failure(&publisher).await, FetchError::Status(status));
    }
    assert_eq!(publisher.count(), 14);
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn s2_a_body_is_read_up_to_the_limit_and_not_further() {
    let publisher = Publisher::start().await;
    let (full, over) = ("x".repeat(MAX_BODY), "x".repeat(MAX_BODY + 1));
    for reply in [Reply::ok(&full), Reply::chunked(&full)] {
        publisher.reply(reply);
        assert_eq!(publisher.fetcher().get(&publisher.url()).await.unwrap().len(), MAX_BODY);
    }
    for reply in [Reply::ok(&over), Reply::chunked(&over)] {
        publisher.reply(reply);
        assert_eq!(failure(&publisher).await, FetchError::TooLarge);
    }
    // Neither a body nor a header without an end is waited for.
    let before = publisher.sent();
    publisher
        .reply(Reply::Endless(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(8192)).into_bytes()));
    assert_eq!(failure(&publisher).await, FetchError::TooLarge);
    let mut header = b"HTTP/1.1 200 OK\r\n".to_vec();
    header.extend(format!("a: {}\r\n", "x".repeat(8192)).repeat(8).into_bytes());
    publisher.reply(Reply::Endless(header));
    assert!(matches!(failure(&publisher).await, FetchError::Connection(_)));
    for (kilobytes, fits) in [(16, true), (64, false)] {
        let long = format!("a: {}\r\n", "x".repeat(kilobytes << 10));
        publisher.reply(Reply::Raw(
            format!("HTTP/1.1 200 OK\r\n{long}content-length: 2\r\n\r\n{{}}").into_bytes(),
        ));
        assert_eq!(
            publisher.fetcher().get(&publisher.url()).await.is_ok(),
            fits,
            "{kilobytes} KB of header"
        );
    }
    // More bytes may have been sent, but only as many as the buffers of the sockets hold.
    assert!(publisher.sent() - before < 32 << 20, "{} bytes were sent", publisher.sent() - before);
}

#[tokio::test]
async fn s2_what_is_cut_short_or_is_no_http_is_not_used() {
    let publisher = Publisher::start().await;
    for raw in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[]}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{\"keys\":[]}\r\n",
        "HTTP/1.1 200 OK\r\n",
        "{\"keys\":[]}",
        "",
    ] {
        publisher.reply(Reply::Raw(raw.as_bytes().to_vec()));
        let error = failure(&publisher).await;
        assert!(matches!(error, FetchError::Connection(_)), "{raw:?}: {error:?}");
        assert!(!error.to_string().contains("keys"), "{error}");
    }
}

#[tokio::test]
async fn s2_a_server_that_takes_its_time_is_left_at_every_stage() {
    assert_eq!(Network::default().time_limit, Duration::from_secs(3));
    assert_eq!(TIME_LIMIT, Duration::from_secs(3));
    let publisher = Publisher::start().await;
    let fetcher =
        Fetcher::within(Network { time_limit: Duration::from_millis(300), ..publisher.network() });
    for reply in [
        Reply::Mute,
        Reply::Stuck(Vec::new()),
        Reply::Stuck(b"HTTP/1.1 200 OK\r\nconte".to_vec()),
        Reply::Stuck(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\"".to_vec()),
    ] {
        publisher.reply(reply.clone());
        let patience = Duration::from_secs(10);
        let answer = tokio::time::timeout(patience, fetcher.get(&publisher.url())).await;
        assert_eq!(answer.expect("the limit"), Err(FetchError::TooSlow), "{reply:?}");
    }
    publisher.reply(Reply::ok("{}"));
    assert!(fetcher.get(&publisher.url()).await.is_ok());
}

#[tokio::test]
async fn s2_both_versions_of_tls_that_are_in_use_are_spoken() {
    for version in [&TLS12, &TLS13] {
        let publisher = Publisher::speaking(version).await;
        publisher.reply(Reply::ok("{}"));
        assert!(publisher.fetcher().get(&publisher.url()).await.is_ok(), "{version:?}");
    }
}

#[tokio::test]
async fn s2_a_certificate_must_be_trusted_and_name_the_host() {
    let publisher = Publisher::start().await;
    publisher.reply(Reply::ok("{}"));
    let stranger = Publisher::start().await;
    let network = Network { roots: stranger.network().roots, ..publisher.network() };
    let untrusted = Fetcher::within(network).get(&publisher.url()).await.unwrap_err();
    assert!(untrusted.to_string().contains("invalid peer certificate"), "{untrusted}");
    let misnamed = publisher
        .fetcher()
        .get(&format!("https://other.example:{}/", publisher.port))
        .await
        .unwrap_err();
    assert!(misnamed.to_string().contains("not valid for name"), "{misnamed}");
    let rootless = Network { roots: Some(Vec::new()), ..publisher.network() };
    assert!(matches!(
        Fetcher::within(rootless).get(&publisher.url()).await,
        Err(FetchError::Connection(_))
    ));
    assert_eq!(publisher.count(), 0);
    // The same server with its own name and root is read, by address too.
    assert!(publisher.fetcher().get(&publisher.url()).await.is_ok());
    assert!(
        publisher.fetcher().get(&format!("https://127.0.0.1:{}/", publisher.port)).await.is_ok()
    );
}

#[tokio::test]
async fn s2_other_urls_are_refused_before_anything_is_resolved() {
    let publisher = Publisher::start().await;
    let resolved = Arc::new(AtomicUsize::new(0));
    let counter = resolved.clone();
    let resolve = Arc::new(move |_: &str| {
        counter.fetch_add(1, Ordering::SeqCst);
        Vec::new()
    });
    let fetcher = Fetcher::within(Network { resolve: Some(resolve), ..publisher.network() });
    for url in [
        "http://keys.example:8443/",
        "HTTP://keys.example:8443/",
        "ftp://keys.example:8443/",
        "file:///etc/passwd",
        "keys.example:8443",
        "//keys.example:8443/",
        "/jwks",
        "https:///jwks",
        "https://",
        "https://user@keys.example:8443/",
        "https://user:secret@keys.example:8443/",
        "https://public.example@127.0.0.1:8443/",
        "https://keys.example:0/",
        "https://keys.example:22/",
        "https://keys.example:80/",
        "https://keys.example:65536/",
        "https://keys.example:99999999999/",
        "https://keys.example:/",
        "https://keys.example:x/",
        "https://keys example/",
        "https://keys.example\\@127.0.0.1/",
        "https://kéys.example/",
        "https://keys..example/",
        "https://-keys.example/",
        "https://[::1/",
        "https://[fe80::1%25eth0]:8443/",
        "https://*.example/",
        "",
    ] {
        let error = fetcher.get(url).await.unwrap_err();
        assert!(matches!(error, FetchError::Url(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(resolved.load(Ordering::SeqCst), 0);
    for url in [
        "https://keys.example/",
        "HTTPS://keys.example/",
        "https://keys.example:8443/",
        "https://keys.example:443",
    ] {
        assert_eq!(fetcher.get(url).await, Err(FetchError::Unresolved), "{url}");
    }
    assert_eq!(publisher.connections(), 0);
}

#[tokio::test]
async fn s2_literal_addresses_that_are_not_public_are_not_reached() {
    let publisher = Publisher::start().await;
    let fetcher = resolving_to(&publisher, &["127.0.0.1"]);
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ] {
        let error = fetcher.get(&format!("https://{host}:{}/", publisher.port)).await;
        assert_eq!(error, Err(FetchError::NotPublic), "{host}");
    }
    assert_eq!(publisher.connections(), 0);
}

#[tokio::test]
async fn s2_other_spellings_of_addresses_do_not_slip_through() {
    let publisher = Publisher::start().await;
    // The functions' own network, with the system's resolver, which reads most of these as
    // 127.0.0.1.
    let fetcher =
        Fetcher::within(Network { roots: publisher.network().roots, ..Network::default() });
    for host in [
        "2130706433",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "0X7F000001",
        "127.0.0.1.",
        "127.0.0.0x1",
        "0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::ffff:0:127.0.0.1]",
    ] {
        let error = fetcher.get(&format!("https://{host}:{}/", publisher.port)).await.unwrap_err();
        let refused =
            matches!(error, FetchError::NotPublic | FetchError::Url(_) | FetchError::Unresolved);
        assert!(refused, "{host}: {error:?}");
    }
    let localhost = fetcher.get(&format!("https://localhost:{}/", publisher.port)).await;
    assert_eq!(localhost, Err(FetchError::NotPublic));
    assert_eq!(publisher.connections(), 0);
}

#[tokio::test]
async fn s2_a_name_with_any_address_that_is_not_public_is_not_reached() {
    let publisher = Publisher::start().await;
    for addresses in [
        ["127.0.0.1"].as_slice(),
        &["10.1.2.3"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00::1"],
        &["127.0.0.1", "192.0.2.1"],
        &["1.1.1.1", "127.0.0.1"],
        &["2606:4700:4700::1111", "127.0.0.1"],
    ] {
        let error = resolving_to(&publisher, addresses).get(&publisher.url()).await;
        assert_eq!(error, Err(FetchError::NotPublic), "{addresses:?}");
    }
    assert_eq!(
        resolving_to(&publisher, &[]).get(&publisher.url()).await,
        Err(FetchError::Unresolved)
    );
    assert_eq!(publisher.connections(), 0);
}

#[tokio::test]
async fn s2_a_name_is_resolved_once_and_what_was_checked_is_what_is_connected_to() {
    let publisher = Publisher::start().await;
    publisher.reply(Reply::ok("{}"));
    let turn = Arc::new(AtomicUsize::new(0));
    let counter = turn.clone();
    // 127.0.0.1 stands for what is public, 127.0.0.2 for what is not.
    let resolve = move |_: &str| {
        let first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        vec![if first { [127, 0, 0, 1] } else { [127, 0, 0, 2] }.into()]
    };
    let fetcher =
        Fetcher::within(Network { resolve: Some(Arc::new(resolve)), ..publisher.network() });
    assert!(fetcher.get(&publisher.url()).await.is_ok());
    assert_eq!(turn.load(Ordering::SeqCst), 1);
    assert_eq!(fetcher.get(&publisher.url()).await, Err(FetchError::NotPublic));
    assert_eq!((turn.load(Ordering::SeqCst), publisher.connections()), (2, 1));
}

#[tokio::test]
async fn s2_an_address_that_does_not_accept_gives_way_to_the_next() {
    let publisher = Publisher::start().await;
    publisher.reply(Reply::ok("{}"));
    let resolve = |_: &str| vec![[127, 0, 0, 2].into(), [127, 0, 0, 1].into()];
    let network = Network {
        resolve: Some(Arc::new(resolve)),
        reachable: |ip| ip.is_loopback(),
        ..publisher.network()
    };
    assert!(Fetcher::within(network).get(&publisher.url()).await.is_ok());
}

#[tokio::test]
async fn s2_the_functions_reach_nothing_but_what_is_public() {
    let network = Network::default();
    assert!(network.roots.is_none() && network.resolve.is_none());
    for address in ["127.0.0.1", "10.0.0.1", "::1", "1.1.1.1", "2606:4700:4700::1111"] {
        let address = address.parse().unwrap();
        assert_eq!(
            (network.reachable)(address),
            shared::domain::address::is_public(address),
            "{address}"
        );
    }
    let publisher = Publisher::start().await;
    let service = tests::Service::start().await;
    let app = local::serve::own_state(
        &service.table,
        tests::BASE,
        &tests::scripts(),
        &Fetcher::default(),
    );
    let url = format!("https://127.0.0.1:{}/", publisher.port);
    assert_eq!(app.remote_keys().keys_at(&url, None).await, Err(FetchError::NotPublic));
    assert_eq!(publisher.connections(), 0);
}
