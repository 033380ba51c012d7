//! Statuses and headers of answers, and exact paths (rules H5, H6).

use serde_json::json;
use tests::{Service, person};

const VARY: &str = "Authorization, Accept";
const PRIVATE: &str = "private, no-cache";

#[tokio::test]
async fn h5_a_304_has_its_headers_and_no_body() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;

    let same = crm.get(&jan.path).if_none_match(&jan.tag).await.is(304);

    assert_eq!(same.tag(), jan.tag);
    assert_eq!((same.header("cache-control"), same.header("vary")), (Some(PRIVATE), Some(VARY)));
    assert!(same.body.is_empty() && same.header("content-type").is_none());
}

#[tokio::test]
async fn h5_head_is_get_without_the_body() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee" })).await;

    for path in [&jan.path, &persona.path, "/config/persona-definitions"] {
        let get = crm.get(path).await.is(200);
        let head = crm.call("HEAD", path).await.is(200);
        assert!(head.body.is_empty(), "{path}");
        for name in ["etag", "cache-control", "vary", "content-type"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let missing =
        crm.call("HEAD", "/identity/users/0192f3c1-0000-7000-8000-000000000001").await.is(404);
    assert!(missing.body.is_empty());
}

#[tokio::test]
async fn h5_resources_and_problems_are_private_and_revalidated() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let answers = [
        crm.get(&jan.path).await.is(200),
        crm.get("/config/persona-definitions").await.is(200),
        crm.post("/identity/users/query", json!({ "filter": { "username": "jan" } })).await.is(200),
        crm.post("/identity/users", json!({ "username": "piet" })).await.is(201),
        crm.get("/identity/users/x").await.is(404),
        crm.post("/identity/users", json!({})).await.is(422),
    ];
    for answer in answers {
        assert_eq!(
            (answer.header("cache-control"), answer.header("vary")),
            (Some(PRIVATE), Some(VARY)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn h5_tokens_are_not_stored() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for answer in [
        crm.token_for(&[("grant_type", "client_credentials")]).await.is(200),
        crm.token_for(&[("grant_type", "none")]).await.is(400),
        service.token(&[("grant_type", "client_credentials")]).await.is(401),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn h6_a_creation_says_where_and_with_which_tag() {
    let crm = Service::start().await.crm().await;
    let made = crm.post("/identity/users", person("jan")).await.is(201);
    assert_eq!(made.header("location"), Some(&*format!("/identity/users/{}", made.field("id"))));
    assert_eq!(made.header("content-type"), Some("application/json"));

    let read = crm.get(made.header("location").unwrap()).await.is(200);

    assert_eq!((read.tag(), read.json()), (made.tag(), made.json()));
}

#[tokio::test]
async fn h6_lists_and_query_answers_carry_no_tag() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    for path in ["/config/persona-definitions", &jan.below("personas")] {
        assert_eq!(crm.get(path).await.is(200).header("etag"), None, "{path}");
    }
    let found =
        crm.post("/identity/users/query", json!({ "filter": { "username": "jan" } })).await.is(200);
    assert_eq!(found.header("etag"), None);
}

#[tokio::test]
async fn h6_a_wrong_method_is_answered_with_the_right_ones() {
    let crm = Service::start().await.crm().await;
    let allowed = async |method: &str, path: &str| {
        let refused = crm.call(method, path).await.is(405);
        assert_eq!(refused.body.is_empty(), method == "HEAD");
        let mut allow: Vec<_> = refused
            .header("allow")
            .expect("Allow")
            .split(',')
            .map(|m| m.trim().to_owned())
            .collect();
        allow.sort();
        allow.join(" ")
    };
    let user = "/identity/users/0192f3c1-0000-7000-8000-000000000001";

    assert_eq!(allowed("POST", user).await, "DELETE GET HEAD PATCH PUT");
    assert_eq!(allowed("GET", "/identity/users/query").await, "POST");
    assert_eq!(allowed("HEAD", &format!("{user}/block")).await, "POST");
    assert_eq!(allowed("PUT", &format!("{user}/personas")).await, "GET HEAD POST");
    assert_eq!(allowed("GET", "/idhub/oidc/v1/token").await, "POST");
    assert_eq!(allowed("POST", "/idhub/oidc/v1/jwks").await, "GET HEAD");
    assert_eq!(allowed("OPTIONS", "/config/persona-definitions").await, "GET HEAD POST");
    assert_eq!(allowed("PUT", "/api/v1/sso/applications/shop").await, "DELETE GET HEAD PATCH");
}

#[tokio::test]
async fn h6_a_patch_of_another_media_type_is_told_which_ones_there_are() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;

    let refused = crm.call("PATCH", &jan.path).body("text/json", "{}").if_match("*").await.is(415);

    assert_eq!(refused.slug(), "unsupported-media-type");
    let accept = refused.header("accept-patch").unwrap();
    assert!(
        accept.contains("application/merge-patch+json") && accept.contains("application/json"),
        "{accept}"
    );
    assert_eq!(
        crm.call("POST", "/identity/users")
            .body("text/json", "{}")
            .await
            .is(415)
            .header("accept-patch"),
        None
    );
}

#[tokio::test]
async fn h6_a_204_has_no_body() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let gone = crm.delete(&jan.path).await.is(204);
    assert!(gone.body.is_empty() && gone.header("content-type").is_none());
}

#[tokio::test]
async fn h6_paths_are_exact() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    for path in [
        format!("{}/", jan.path),
        jan.path.replace("users", "Users"),
        format!("/{}", jan.path),
        jan.path.replace("/users/", "/users//"),
        format!("/api{}", jan.path),
        "/identity/users/query/".to_owned(),
        "/docs/".to_owned(),
    ] {
        let missing = crm.get(&path).await.is(404);
        assert_eq!(missing.slug(), "not-found", "{path}");
        service.call("GET", &path).await.is(404);
    }
    // An id has one spelling but for its case and its hyphens.
    assert_eq!(
        crm.get(&jan.path.to_uppercase().replace("/IDENTITY/USERS/", "/identity/users/"))
            .await
            .is(200)
            .tag(),
        jan.tag
    );
    crm.get(&jan.path.replace('-', "")).await.is(200);
    crm.get(&jan.path.replacen('-', "", 1)).await.is(404);
    crm.get(&format!("{}%20", jan.path)).await.is(404);
    crm.get("/identity/users/%ff").await.is(404);
}

#[tokio::test]
async fn h6_unknown_and_repeated_query_parameters_are_malformed() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    for path in [
        format!("{}?x=1", jan.path),
        format!("{}?fields", jan.path),
        "/config/persona-definitions?Name=x".to_owned(),
        "/config/persona-definitions?name=x&name=x".to_owned(),
        "/config/persona-definitions?category=x".to_owned(),
        "/config/persona-definitions?limit=0".to_owned(),
        "/config/persona-definitions?limit=101".to_owned(),
        "/config/persona-definitions?limit=ten".to_owned(),
    ] {
        assert_eq!(crm.get(&path).await.is(400).slug(), "malformed-request", "{path}");
    }
    crm.get("/config/persona-definitions?limit=100").await.is(200);
    crm.call("POST", &format!("{}?x=1", jan.below("block"))).await.is(400);
}

/// An empty parameter usually comes from a variable that the caller did not set.
#[tokio::test]
async fn ec4_an_empty_query_parameter_is_malformed_and_writes_nothing() {
    let crm = Service::start().await.crm().await;
    for path in [
        "/config/persona-definitions?limit=",
        "/config/persona-definitions?cursor=",
        "/config/persona-definitions?name=",
        "/identity/users?updated_since=",
        "/identity/change-requests?status=&user_id=",
    ] {
        assert_eq!(crm.get(path).await.is(400).slug(), "malformed-request", "{path}");
    }
    for unset in ["dry_run=", "mode=", "mapping="] {
        let import = crm.call("POST", &format!("/identity/imports?{unset}"));
        let import = import.body("text/csv", "username\nx\n");
        assert_eq!(import.await.is(400).slug(), "malformed-request", "{unset}");
    }
    assert!(crm.find(json!({ "username": "x" })).await.is_empty());
}

#[tokio::test]
async fn ec14_head_of_an_error_has_the_length_of_get() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-000000000001";
    for (path, status) in [
        (nobody, 404),
        ("/nothing", 404),
        ("/identity/users?foo=1", 400),
        ("/identity/users/query", 405),
        ("/problems/nothing", 404),
        (&jan.path, 200),
        ("/openapi.json", 200),
    ] {
        let get = crm.get(path).await.is(status);
        let head = crm.call("HEAD", path).await.is(status);
        assert!(head.body.is_empty(), "{path}");
        let length = get.body.len().to_string();
        assert_eq!(get.header("content-length"), Some(&*length), "{path}");
        assert_eq!(head.header("content-length"), Some(&*length), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    let (get, head) = (service.call("GET", nobody), service.call("HEAD", nobody));
    let (get, head) = (get.await.is(401), head.await.is(401));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(head.header("www-authenticate"), get.header("www-authenticate"));
}

#[tokio::test]
async fn ec20_the_ids_of_the_caller_come_back() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let service = Service::start().await;
    let crm = service.crm().await;
    let with = |path: &str, name: &str, value: &str| crm.get(path).header(name, value);
    for path in ["/config/persona-definitions", "/nothing", "/health", "/idhub/oidc/v1/jwks"] {
        for name in ["x-request-id", "x-correlation-id"] {
            let answer = with(path, name, "order-7/step.3").await;
            assert_eq!(answer.header("x-correlation-id"), Some("order-7/step.3"), "{path}");
            // The service has an id of its own for each request.
            assert_ne!(answer.header("x-request-id"), Some("order-7/step.3"), "{path}");
        }
        assert_eq!(with(path, "traceparent", TRACE).await.header("traceparent"), Some(TRACE));
        let plain = crm.get(path).await;
        assert_eq!((plain.header("x-correlation-id"), plain.header("traceparent")), (None, None));
    }
    let both =
        crm.get("/health").header("x-request-id", "proxy").header("x-correlation-id", "mine");
    assert_eq!(both.await.header("x-correlation-id"), Some("mine"));
    // A malformed id is ignored, and the request succeeds.
    let long = "x".repeat(129);
    for (name, value) in [
        ("x-request-id", "a b"),
        ("x-request-id", "jan@example.org"),
        ("x-correlation-id", &*long),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        ("traceparent", "x"),
    ] {
        let answer = with("/health", name, value).await.is(200);
        assert_eq!(answer.header("x-correlation-id"), None, "{value}");
        assert_eq!(answer.header("traceparent"), None, "{value}");
    }
    let twice = with("/health", "x-request-id", "one").header("x-request-id", "two").await;
    assert_eq!(twice.header("x-correlation-id"), None);
}

#[tokio::test]
async fn e2_every_answer_names_its_request() {
    let service = Service::start().await;
    let one = service.call("GET", "/nothing").await.is(404);
    let two = service.call("GET", "/nothing").await.is(404);
    insta::assert_snapshot!(one.problem().to_string(), @r#"{"detail":"there is no such path; see `/openapi.json` for all paths","status":404,"title":"Not found","type":"/problems/not-found"}"#);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}
