//! How `lambda_http` converts parts of requests that are easily lost between API Gateway and a
//! router.

use serde_json::{Value, json};

use crate::events::Event;
use crate::gateway::{API, Answer, Gateway, request};

const USER: &str = "/identity/users/0192f3c1-5a00-7000-8000-000000000001";

async fn send(change: impl FnOnce(&mut Value)) -> Answer {
    let mut event = Event::named("users", "get_user");
    change(&mut event.content);
    Gateway::start().await.call(&event).await
}

#[tokio::test]
async fn a_path_is_taken_as_the_gateway_decoded_it() {
    for (path, status) in [(USER.to_owned(), 200), (USER.replace('-', "%2D"), 404)] {
        let at = path.clone();
        assert_eq!(send(|event| event["rawPath"] = at.into()).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn h8_a_name_in_a_path_is_the_one_that_was_meant_whatever_signs_it_has() {
    let gateway = Gateway::start().await;
    for (i, id) in
        ["CRM#7", "CRM", "A%41", "A%2541", "AA", "a b", "a\\b", "é", "100%", "a+b", "[x]"]
            .into_iter()
            .enumerate()
    {
        let path = format!("/identity/users/by/id_at_customer/{id}");
        let content = request(
            "PUT",
            &path,
            Some(json!({ "username": format!("name.{i}"), "id_at_customer": id })),
        );
        let event = Event { function: "users".to_owned(), name: String::new(), content };
        let made = gateway.call(&event).await.is(201);
        assert_eq!(made.json()["id_at_customer"], *id);
    }
}

#[tokio::test]
async fn h6_a_path_that_no_route_has_is_a_problem_and_not_a_crash() {
    for id in [
        "a b",
        "é",
        "100%",
        "%FF",
        "%00",
        "a#b",
        "\"<>\"",
        "%2F",
        "..%2Fx",
        "\u{7f}",
        "{user_id}",
        "%",
        "",
    ] {
        let answer = send(|event| event["rawPath"] = format!("/identity/users/{id}").into()).await;
        assert_eq!(answer.status(), 404, "{id}: {}", answer.0);
        assert_eq!(answer.json()["type"], "/problems/not-found", "{id}");
    }
}

#[tokio::test]
async fn a_query_that_is_no_uri_is_a_problem_and_not_a_crash() {
    for query in [
        "a=\"b\"", "a=<b>", "a=b c", "a=é", "a=`", "a=\\", "a=^", "a={}", "a=|", "a=%", "a=%FF",
        "a=#b", "a=\u{1}",
    ] {
        let answer = send(|event| event["rawQueryString"] = query.into()).await;
        assert_eq!(answer.status(), 400, "{query}: {}", answer.0);
        assert_eq!(answer.json()["type"], "/problems/malformed-request", "{query}");
    }
}

#[tokio::test]
async fn h6_paths_are_exact() {
    for path in
        [format!("{USER}/"), USER.to_uppercase(), format!("/$default{USER}"), format!("/{USER}")]
    {
        let answer = send(|event| event["rawPath"] = path.clone().into()).await;
        assert_eq!(answer.status(), 404, "{path}: {}", answer.0);
    }
}

#[tokio::test]
async fn h8_a_header_that_was_sent_twice_comes_as_one_line() {
    let tag = send(|_| {}).await.header("etag").unwrap().to_owned();
    for (sent, status) in [
        (format!("\"a,b\",{tag}"), 200),
        (format!("{tag},\"x\""), 200),
        ("\"a\",\"b\"".to_owned(), 412),
    ] {
        let answer = send(|event| event["headers"]["if-match"] = sent.clone().into()).await;
        assert_eq!(answer.status(), status, "{sent}");
    }
    let twice =
        send(|event| event["headers"]["authorization"] = "Bearer <token>,Bearer <token>".into())
            .await;
    assert_eq!(twice.status(), 401);
}

#[tokio::test]
async fn a_body_without_a_content_type_is_not_taken() {
    for method in ["POST", "PUT", "PATCH"] {
        let path = if method == "POST" { "/identity/users" } else { USER };
        let mut content = request(method, path, Some(json!({ "username": "an" })));
        content["headers"].as_object_mut().unwrap().remove("content-type");
        let event = Event { function: "users".to_owned(), name: String::new(), content };
        let answer = Gateway::start().await.call(&event).await.is(415);
        assert_eq!(answer.header("accept-patch").is_some(), method == "PATCH");
    }
}

#[tokio::test]
async fn h5_not_modified_has_the_tag_and_no_body() {
    let answer =
        Gateway::start().await.call(&Event::named("users", "get_user.not_modified")).await.is(304);
    assert_eq!((answer.body(), answer.header("content-type")), ("", None));
    for name in ["etag", "cache-control", "vary", "x-request-id"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn h5_head_is_get_without_the_body() {
    let gateway = Gateway::start().await;
    let get = gateway.call(&Event::named("users", "get_user")).await;
    let head = gateway.call(&Event::named("users", "get_user.head")).await;
    assert_eq!(head.0["headers"], get.0["headers"]);
    assert_eq!((head.status(), head.body()), (200, ""));
}

#[tokio::test]
async fn h6_nothing_comes_with_204() {
    let answer = Gateway::start().await.call(&Event::named("users", "forget_user")).await.is(204);
    assert_eq!((answer.body(), answer.header("content-type")), ("", None));
}

#[tokio::test]
async fn h6_another_method_of_a_path_is_405_and_names_those_that_are() {
    let answer =
        send(|event| event["requestContext"]["http"]["method"] = "TRACE".into()).await.is(405);
    let mut methods: Vec<_> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["DELETE", "GET", "HEAD", "PATCH", "PUT"]);
}

#[tokio::test]
async fn no_other_stage_than_the_default_is_served() {
    // The template deploys `$default` alone; lambda_http puts any other stage before the path.
    let answer = send(|event| event["requestContext"]["stage"] = "prod".into()).await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn a_header_of_the_gateway_never_ends_the_process() {
    for (name, value) in [
        ("x-forwarded-proto", "a b"),
        ("x-forwarded-proto", "http, https"),
        ("x-forwarded-proto", ""),
        ("host", "a1b2c3:99999"),
        ("host", "[::1"),
        ("host", "a b"),
        ("host", ""),
    ] {
        let answer = send(|event| event["headers"][name] = value.into()).await;
        assert_eq!(answer.status(), 200, "{name}: {value}");
    }
    let without = send(|event| drop(event["headers"].as_object_mut().unwrap().remove("host")));
    assert_eq!(without.await.status(), 200);
    let nameless =
        send(|event| drop(event["requestContext"].as_object_mut().unwrap().remove("domainName")));
    assert!([200, 500].contains(&nameless.await.status()));
}

/// API Gateway hands preflight requests to routes that take any method, and adds the headers.
#[tokio::test]
async fn ec8_a_preflight_request_is_answered_with_success_and_no_other_options_request_is() {
    let gateway = Gateway::start().await;
    let options = |path: &str, headers: &[&str]| {
        let mut content = request("OPTIONS", path, None);
        let sent = content["headers"].as_object_mut().unwrap();
        sent.remove("authorization");
        for name in headers {
            let value = if *name == "origin" { "https://app.example" } else { "PATCH" };
            sent.insert((*name).to_owned(), value.into());
        }
        content
    };
    let both = ["origin", "access-control-request-method"];
    for path in [USER, "/identity/me", "/nothing"] {
        let answer = gateway.send("users", &options(path, &both)).await.is(204);
        assert_eq!(answer.body(), "");
        let headers = answer.0["headers"].as_object().unwrap();
        assert!(headers.keys().all(|name| !name.starts_with("access-control-")), "{headers:?}");
    }
    for headers in [&both[..1], &both[1..], &[]] {
        gateway.send("users", &options(USER, headers)).await.is(405);
        gateway.send("users", &options("/nothing", headers)).await.is(404);
    }
}

#[tokio::test]
async fn ec9_the_challenge_names_the_metadata_of_the_resource_at_the_domain_of_the_request() {
    for base in [None, Some("https://id.example.org")] {
        let gateway = Gateway::at(base).await;
        let mut content = request("GET", USER, None);
        content["headers"].as_object_mut().unwrap().remove("authorization");
        let refused = gateway.send("users", &content).await.is(401);
        let url = format!("{}/.well-known/oauth-protected-resource", base.unwrap_or(API));
        let named = format!("resource_metadata=\"{url}\"");
        let challenge = refused.header("www-authenticate").unwrap();
        assert_eq!(challenge.matches(&named).count(), 2, "{challenge}");
        let metadata = Event::named("token", "get_protected_resource_metadata");
        let metadata = gateway.call(&metadata).await.is(200).json();
        assert_eq!(metadata["resource"], base.unwrap_or(API));
    }
}
