//! The cookie, and requests that it must not serve (rules G17, G19 and G20).

use serde_json::json;
use shared::domain::definition::BuiltInPersona::Administrator;
use shared::http::Callers;
use shared::http::cookies::{self, Cookie};
use tests::{BASE, Call, SignedIn, person};

use super::{House, ME, USERS};

#[tokio::test]
async fn g17_the_functions_take_the_cookie_of_a_session() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let me = browser.get(ME).await.is(200);
    assert_eq!(me.field("id"), jan.id);
    assert_eq!(me.header("cache-control"), Some("no-store"), "G70");
    assert_eq!(me.header("set-cookie"), None);
    let patched = browser.patch(ME, json!({ "given_name": "Jan" })).if_match(&me.tag()).await;
    assert_eq!(patched.is(200).header("cache-control"), Some("no-store"));
    house.service.check().await;
}

#[tokio::test]
async fn g17_a_cookie_that_names_no_session_is_401() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let (eve, _) = house.guest("eve").await;
    let secret = browser.cookie.rsplit('.').next().unwrap().to_owned();
    let mut other: Vec<_> = secret.chars().collect();
    other[0] = if other[0] == 'A' { 'B' } else { 'A' };
    let other: String = other.into_iter().collect();
    for cookie in [
        String::new(),
        "x".to_owned(),
        secret.clone(),
        format!("acme.{}.", jan.id),
        format!("acme.{}.{other}", jan.id),
        // The secret of somebody else.
        format!("acme.{}.{secret}", eve.id),
        format!("other.{}.{secret}", jan.id),
        format!("acme.{}.{secret}.x", jan.id),
        format!("ACME.{}.{secret}", jan.id),
    ] {
        let answer = SignedIn { cookie: cookie.clone(), ..browser.clone() }.get(ME).await;
        assert_eq!((answer.code(), answer.slug()), (401, "unauthenticated".to_owned()), "{cookie}");
        assert!(answer.header("www-authenticate").is_some(), "{cookie}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.text().contains(&secret), "{cookie}");
    }
    let name = cookies::name(Cookie::Session, BASE);
    let twice = browser.get(ME).header("cookie", format!("{name}={}", browser.cookie));
    assert_eq!(twice.await.is(401).slug(), "unauthenticated");
    // Under the name that it has on this machine alone, it is no cookie of the service.
    let plain = house.service.call("GET", ME);
    let plain = plain.header("cookie", format!("kith-session={}", browser.cookie));
    plain.await.is(401);
}

#[tokio::test]
async fn g20_a_request_has_a_cookie_or_a_token() {
    let house = House::open().await;
    let (_, browser) = house.official("boss", Administrator).await;
    for path in [ME, USERS] {
        for authorization in [format!("Bearer {}", house.admin.token), "Bearer x".to_owned()] {
            let both = browser.get(path).header("authorization", authorization);
            assert_eq!(both.await.is(400).slug(), "malformed-request");
        }
    }
    // Also if the cookie is good for nothing.
    let dead = SignedIn { cookie: "x".to_owned(), ..browser };
    dead.get(ME).token(&house.admin.token).await.is(400);
}

#[tokio::test]
async fn g20_a_route_that_takes_no_people_reads_no_cookie() {
    let house = House::open().await;
    let dead = SignedIn { cookie: "x".to_owned(), service: house.service.clone() };
    let routes = local::serve::functions().into_iter().flatten();
    let mut called = 0;
    for route in routes.filter(|route| route.callers == Callers::Anyone && route.listed) {
        let path = route.path.replace("{slug}", "not-found");
        let with = dead.call(route.method, &path).token("x").await;
        let without = house.service.call(route.method, &path).token("x").await;
        assert_eq!(with.code(), without.code(), "{}", route.name);
        called += 1;
    }
    assert!(called > 5, "{called}");
}

/// The headers of a request of the service's own page; `None` leaves one out.
fn sent(browser: &SignedIn, headers: [(&str, Option<&str>); 3], method: &str, path: &str) -> Call {
    headers.into_iter().fold(browser.bare(method, path), |call, (name, value)| match value {
        Some(value) => call.header(name, value),
        None => call,
    })
}

#[tokio::test]
async fn g19_a_write_by_cookie_comes_from_a_page_of_the_service() {
    let house = House::open().await;
    let (_, browser) = house.official("boss", Administrator).await;
    let (portal, origin, site) = ("kith-portal", "origin", "sec-fetch-site");
    let good = [(portal, Some("1")), (origin, Some(BASE)), (site, Some("same-origin"))];
    let with = |name: &str, value| good.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
    let forged = [
        with(portal, None),
        with(portal, Some("")),
        with(portal, Some("0")),
        with(portal, Some("true")),
        with(origin, None),
        with(origin, Some("null")),
        with(origin, Some("https://evil.example")),
        with(origin, Some("http://kith.example")),
        with(origin, Some("https://kith.example.evil.example")),
        with(origin, Some("https://kith.example:8443")),
        with(site, Some("cross-site")),
        with(site, Some("same-site")),
        with(site, Some("none")),
        [(portal, None), (origin, None), (site, None)],
    ];
    for headers in forged {
        let create = sent(&browser, headers, "POST", USERS).json(person("forged"));
        assert_eq!(create.await.is(403).slug(), "not-allowed", "{headers:?}");
        let patch = sent(&browser, headers, "PATCH", ME).json(json!({ "given_name": "X" }));
        patch.if_match("*").await.is(403);
        sent(&browser, headers, "DELETE", ME).await.is(403);
        // Reading changes nothing, and no other site sees the answer.
        let read = sent(&browser, headers, "GET", ME).await.is(200);
        assert_eq!(read.header("access-control-allow-origin"), None);
        assert_ne!(read.field("given_name"), "X");
        sent(&browser, headers, "HEAD", ME).await.is(200);
    }
    let found = house.admin.find(json!({ "username": "forged" })).await;
    assert!(found.is_empty());
    // Not every browser says where it fetches from.
    let create = sent(&browser, with(site, None), "POST", USERS).json(person("made"));
    create.await.is(201);
    sent(&browser, good, "POST", USERS).json(person("made-too")).await.is(201);
    house.service.check().await;
}

#[tokio::test]
async fn g19_a_form_is_no_body_of_the_api() {
    let house = House::open().await;
    let (_, browser) = house.official("boss", Administrator).await;
    let body = person("jan").to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let form = browser.call("POST", USERS).body(media, body.clone());
        assert_eq!(form.await.is(415).slug(), "unsupported-media-type");
    }
}
