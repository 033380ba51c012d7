//! Pages: who gets HTML and who gets JSON, and what they explain.

use shared::http::rejection::KINDS;
use site::PROBLEM_TYPES;
use tests::Service;

use super::{assert_secure, attributes, browse};

/// The most bytes of a page and its style sheet.
const MOST: usize = 20_000;

#[tokio::test]
async fn the_root_is_html_for_browsers_and_json_for_programs() {
    let service = Service::start().await;
    let page = browse(&service, "/").await.is(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for accept in ["*/*", "application/json", "application/*;q=0.5, text/html;q=0.4"] {
        let facts = service.call("GET", "/").header("accept", accept).await.is(200);
        assert_eq!(facts.header("content-type"), Some("application/json"), "{accept}");
        assert_eq!(facts.field("reference"), "/docs");
    }
    let facts = service.call("GET", "/").await.is(200);
    assert_eq!(facts.field("name"), "Kith");
    for answer in [&page, &facts] {
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(answer.header("vary"), Some("Accept"));
        assert_eq!(answer.cost(), (0.0, 0.0, 0.0));
    }
    let refused = service.call("GET", "/").header("accept", "image/png").await.is(406);
    assert_eq!(refused.slug(), "not-acceptable");
}

#[tokio::test]
async fn what_the_root_names_is_there() {
    let service = Service::start().await;
    let facts = service.call("GET", "/").await.json();
    let mut paths: Vec<_> =
        facts.as_object().unwrap().values().filter_map(|v| v.as_str()).collect();
    paths.retain(|path| path.starts_with('/'));
    let page = browse(&service, "/").await;
    let links = attributes(page.text(), "href");
    assert!(paths.len() == 5 && links.len() > 8, "{paths:?} {links:?}");
    for path in paths.into_iter().chain(links) {
        browse(&service, path).await.is(200);
    }
}

#[tokio::test]
async fn every_problem_has_a_page_and_every_page_a_problem() {
    let service = Service::start().await;
    for kind in KINDS {
        let path = format!("/problems/{}", kind.slug());
        let facts = service.call("GET", &path).await.is(200).json();
        assert_eq!(facts["type"], path);
        assert_eq!(facts["status"], kind.status(), "{path}");
        let page = browse(&service, &path).await.is(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text().contains("What to do"), "{path}");
    }
    for known in PROBLEM_TYPES {
        assert!(KINDS.iter().any(|kind| kind.slug() == known.slug), "{}", known.slug);
    }
}

#[test]
fn the_reference_of_errors_says_what_the_pages_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/errors.md");
    let reference = std::fs::read_to_string(path).unwrap();
    for known in PROBLEM_TYPES {
        let (status, slug) = (known.status().unwrap(), known.slug);
        let row = format!("| {status} | `{slug}` | {} | {} |\n", known.cause, known.action);
        assert!(reference.contains(&row), "docs/reference/errors.md lacks the row\n{row}");
    }
}

#[tokio::test]
async fn h6_a_problem_that_does_not_exist_is_not_found() {
    let service = Service::start().await;
    for slug in ["x", "NOT-FOUND", "not-found%20", "%2e%2e"] {
        let answer = browse(&service, &format!("/problems/{slug}")).await.is(404);
        assert_eq!(answer.slug(), "not-found");
        assert_secure(&answer);
    }
}

#[tokio::test]
async fn pages_are_small_and_run_nothing() {
    let service = Service::start().await;
    let slugs = PROBLEM_TYPES.iter().map(|known| format!("/problems/{}", known.slug));
    for path in slugs.chain(["/".to_owned()]) {
        let page = browse(&service, &path).await.is(200);
        assert_secure(&page);
        let style = attributes(page.text(), "href").into_iter().find(|link| link.contains(".css"));
        let style = browse(&service, style.unwrap()).await.is(200);
        assert!(page.body.len() + style.body.len() < MOST, "{path}");
        assert!(!page.text().contains("<script") && !page.text().contains("style="), "{path}");
    }
}

#[tokio::test]
async fn the_api_reference_has_no_inline_script_or_style() {
    let service = Service::start().await;
    let page = service.call("GET", "/docs").await.is(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_secure(&page);
    assert_eq!(attributes(page.text(), "src").len(), 2);
    assert_eq!(
        page.text().matches("</script>").count(),
        page.text().matches("\"></script>").count()
    );
    assert!(!page.text().contains("style=") && !page.text().contains("<style"));
}

#[tokio::test]
async fn h5_h6_pages_are_read_and_nothing_else() {
    let service = Service::start().await;
    for path in ["/", "/docs", "/problems/not-found", "/openapi.json", "/health"] {
        let (get, head) =
            (service.call("GET", path).await.is(200), service.call("HEAD", path).await.is(200));
        for name in ["content-type", "cache-control", "vary", "etag", "content-security-policy"] {
            assert_eq!(get.header(name), head.header(name), "{path}");
        }
        assert!(head.body.is_empty());
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = service.call(method, path).await.is(405);
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method} {path}");
            assert_eq!(answer.slug(), "method-not-allowed");
        }
    }
}

#[tokio::test]
async fn an_error_shows_nothing_in_a_browser() {
    let service = Service::start().await;
    for (method, path, status) in [("GET", "/nowhere", 404), ("POST", "/docs", 405)] {
        let answer = service.call(method, path).await.is(status);
        let policy = answer.header("content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}
