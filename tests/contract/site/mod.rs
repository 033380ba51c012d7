//! The pages, the API description and the health check of the service.

mod files;
mod health;
mod pages;

use tests::{Answer, Call, Service};

/// The `Accept` header of browsers.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A page as a browser reads it.
fn browse(service: &Service, path: &str) -> Call {
    service.call("GET", path).header("accept", BROWSER)
}

/// Asserts that the answer lets pages use what the service serves alone.
#[track_caller]
fn assert_secure(answer: &Answer) {
    let policy = answer.header("content-security-policy").unwrap();
    let mut directives: Vec<_> = policy.split("; ").collect();
    directives.sort_unstable();
    let expected = [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "script-src 'self'",
        "style-src 'self'",
    ];
    assert_eq!(directives, expected);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

/// The values of an attribute of a page's elements.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("{name}=\"");
    page.split(&*start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}
