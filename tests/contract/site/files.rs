//! Files: the description of the service, and what its pages use.

use std::io::Read as _;

use flate2::read::GzDecoder;
use tests::{Answer, Service};

use super::{assert_secure, attributes};

/// The content of an answer in gzip.
fn unpacked(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut content = Vec::new();
    GzDecoder::new(&*answer.body).read_to_end(&mut content).unwrap();
    content
}

/// The assets that the page of the API reference uses.
async fn assets(service: &Service) -> Vec<String> {
    let page = service.call("GET", "/docs").await.is(200);
    let links = [attributes(page.text(), "src"), attributes(page.text(), "href")].concat();
    links.into_iter().filter(|link| link.starts_with("/assets/")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_description_is_that_of_the_repository() {
    let service = Service::start().await;
    for path in ["/openapi.json", "/openapi-3.0.json"] {
        let file = format!("{}/..{path}", env!("CARGO_MANIFEST_DIR"));
        let expected = std::fs::read(file).unwrap();
        let plain = service.call("GET", path).await.is(200);
        assert_eq!(plain.header("content-encoding"), None);
        assert!(plain.body == expected);
        let packed = service.call("GET", path).header("accept-encoding", "gzip").await;
        assert!(unpacked(&packed) == expected);
        assert!(packed.body.len() * 5 < plain.body.len());
        for answer in [plain, packed] {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
            assert_secure(&answer);
        }
    }
}

#[tokio::test]
async fn a_file_is_in_gzip_for_those_who_accept_it() {
    let service = Service::start().await;
    for (accepted, gzip) in [
        ("gzip", true),
        ("br;q=1.0, GZIP;q=0.8, *;q=0.1", true),
        ("*", true),
        ("gzip;q=0, *", false),
        ("identity", false),
        ("br", false),
        ("", false),
    ] {
        let call = service.call("GET", "/openapi.json").header("accept-encoding", accepted);
        let encoding = call.await.is(200).header("content-encoding").map(str::to_owned);
        assert_eq!(encoding.as_deref() == Some("gzip"), gzip, "{accepted}");
    }
}

#[tokio::test]
async fn h4_h5_each_encoding_has_a_tag_of_its_own() {
    let service = Service::start().await;
    let get =
        |encoding: &str| service.call("GET", "/openapi.json").header("accept-encoding", encoding);
    let (plain, packed) = (get("identity").await.tag(), get("gzip").await.tag());
    assert_ne!(plain, packed);
    for (encoding, own, other) in [("identity", &plain, &packed), ("gzip", &packed, &plain)] {
        let known = get(encoding).if_none_match(own).await.is(304);
        assert!(known.body.is_empty() && known.header("content-type").is_none());
        assert_eq!(&known.tag(), own);
        assert_eq!(known.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(known.header("vary"), Some("Accept-Encoding"));
        get(encoding).if_none_match(other).await.is(200);
        get(encoding).if_match(own).await.is(200);
        get(encoding).if_match(other).await.is(412);
        assert_eq!(get(encoding).if_none_match("x").await.is(400).slug(), "malformed-request");
    }
}

#[tokio::test]
async fn what_the_reference_uses_is_kept_for_ever_under_its_own_path() {
    let service = Service::start().await;
    let assets = assets(&service).await;
    assert_eq!(assets.len(), 4);
    for path in assets {
        let plain = service.call("GET", &path).await.is(200);
        let packed = service.call("GET", &path).header("accept-encoding", "gzip, br").await.is(200);
        assert!(unpacked(&packed) == plain.body, "{path}");
        // An answer of Lambda is JSON of at most 6 MB, in which text is escaped.
        let text = serde_json::to_string(plain.text()).unwrap();
        assert!(text.len() < 3_000_000, "{path}: {}", text.len());
        for answer in [plain, packed] {
            let kept = answer.header("cache-control");
            assert_eq!(kept, Some("public, max-age=31536000, immutable"), "{path}");
            assert_secure(&answer);
        }
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_the_one_of_this_version_and_is_not_kept() {
    let service = Service::start().await;
    for path in assets(&service).await {
        let name = path.rsplit('/').next().unwrap();
        let other = service.call("GET", &format!("/assets/0/{name}")).await.is(200);
        assert_eq!(other.header("cache-control"), Some("no-cache"));
        assert!(other.body == service.call("GET", &path).await.body);
    }
    for path in ["/assets/0/x", "/assets/0/openapi.json", "/assets/0/..%2fmain.rs"] {
        assert_secure(&service.call("GET", path).await.is(404));
    }
}
