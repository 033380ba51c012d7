//! Bodies of requests: media types, strict JSON, size (rules P1, E1).

use serde_json::{Value, json};
use tests::{Service, TENANT};

#[tokio::test]
async fn p1_json_that_would_lose_data_is_refused() {
    let crm = Service::start().await.crm().await;
    let deep = format!("{{\"username\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    for wrong in [
        "",
        "{",
        "{} {}",
        r#"{"username":"a","username":"b"}"#,
        r#"{"username":"a","attributes":{"common":{"x":["1"],"x":["2"]}}}"#,
        r#"{"username":"\ud800"}"#,
        r#"{"username":NaN}"#,
        r#"{"username":Infinity}"#,
        r#"{"username":01}"#,
        r#"{"username":"a",}"#,
        r#"{'username':"a"}"#,
        &deep,
    ] {
        let refused = crm
            .call("POST", "/identity/users")
            .body("application/json", wrong.to_owned())
            .await
            .is(400);
        assert_eq!(refused.slug(), "malformed-request", "{wrong}");
    }
    let not_utf8 = b"{\"username\":\"\xff\"}".to_vec();
    crm.call("POST", "/identity/users").body("application/json", not_utf8).await.is(400);
    let duplicate = crm
        .call("POST", "/identity/users")
        .body("application/json", r#"{"username":"a","username":"b"}"#);
    assert!(duplicate.await.problem()["detail"].as_str().unwrap().contains("username"));
}

#[tokio::test]
async fn p1_a_body_of_256_kb_is_read_and_one_byte_more_is_refused() {
    let crm = Service::start().await.crm().await;
    let padded = |size: usize| {
        let body = json!({ "username": "jan" }).to_string();
        body.clone() + &" ".repeat(size - body.len())
    };
    let refused = crm
        .call("POST", "/identity/users")
        .body("application/json", padded(256 * 1024 + 1))
        .await
        .is(413);
    assert_eq!(refused.slug(), "too-large");
    assert!(refused.problem()["detail"].as_str().unwrap().contains("262144"));
    crm.call("POST", "/identity/users").body("application/json", padded(256 * 1024)).await.is(201);
}

#[tokio::test]
async fn p1_announced_sizes_are_refused_before_they_are_read() {
    let crm = Service::start().await.crm().await;
    crm.post("/identity/users", json!({ "username": "jan" }))
        .header("content-length", "262145")
        .await
        .is(413);
}

#[tokio::test]
async fn p1_json_is_taken_in_its_own_media_types_only() {
    let crm = Service::start().await.crm().await;
    let post = |content_type: &str| crm.call("POST", "/identity/users").body(content_type, "{}");
    for wrong in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "json",
        "",
    ] {
        assert_eq!(post(wrong).await.code(), 415, "{wrong}");
    }
    post("application/json; charset=latin1").await.is(415);
    post("application/json").without("content-type").await.is(415);
    for right in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(post(right).await.code(), 422, "{right}");
    }
    let jan = crm.create_user("jan").await;
    for right in ["application/json", "application/merge-patch+json; charset=utf-8"] {
        crm.call("PATCH", &jan.path).body(right, "{}").if_match(&jan.tag).await.is(200);
    }
    let put = crm.call("PUT", &jan.path).body("application/merge-patch+json", "{}");
    put.if_match(&jan.tag).await.is(415);
}

#[tokio::test]
async fn ec15_a_body_that_is_compressed_is_told_so() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let json = "application/json";
    for call in [
        crm.call("POST", "/identity/users").body(json, "{}"),
        crm.call("PATCH", &jan.path).body(json, "{}").if_match("*"),
        crm.call("PATCH", &jan.path).body("text/plain", "{}").if_match("*"),
        crm.call("POST", "/identity/imports").body("text/csv", "username\nx\n"),
    ] {
        for encoding in ["gzip", "br", "x", "identity, gzip"] {
            let refused = call.clone().header("content-encoding", encoding).await.is(415);
            assert_eq!(refused.slug(), "unsupported-media-type");
            let detail = "expected a body without `Content-Encoding`; send it uncompressed";
            assert_eq!(refused.problem()["detail"], detail, "{encoding}");
            assert_eq!(refused.header("accept-encoding"), Some("identity"));
        }
        let lines = call.clone().header("content-encoding", "identity");
        lines.header("content-encoding", "gzip").await.is(415);
    }
    let plain = crm.call("POST", "/identity/users").body(json, "{}");
    plain.header("content-encoding", "Identity").await.is(422);
    let other = crm.call("POST", "/identity/users").body("text/plain", "{}").await.is(415);
    assert_eq!(other.header("accept-encoding"), None);
    // A request without a body has no encoding of it.
    crm.get(&jan.path).header("content-encoding", "gzip").await.is(200);
    crm.act(&jan.below("block")).header("content-encoding", "gzip").await.is(200);
}

#[tokio::test]
async fn p1_a_body_that_is_no_object_is_not_valid() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    for body in [json!([]), json!("x"), json!(1), Value::Null] {
        assert_eq!(crm.post("/identity/users", body.clone()).await.code(), 422, "{body}");
        assert_eq!(crm.patch(&jan.path, body.clone()).if_match("*").await.code(), 422, "{body}");
        assert_eq!(crm.put(&jan.path, body.clone()).if_match("*").await.code(), 422, "{body}");
        assert_eq!(
            crm.post("/config/persona-definitions", body.clone()).await.code(),
            422,
            "{body}"
        );
    }
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn e1_every_violation_is_listed_at_once_with_pointer_and_code() {
    let crm = Service::start().await.crm().await;
    crm.define("number", json!({ "data_format": "NUMERIC" })).await;
    let body = json!({
        "id": 7,
        "id_at_customer": "x".repeat(257),
        "family_name": ["Janssen"],
        "ui_locales": "not_a_tag",
        "preferred_email": "jan",
        "email_verified": "yes",
        "status": "BLOCKED",
        "nick~na/me": "j",
        "attributes": { "common": { "number": ["1", "one"], "nothing": ["x"] }, "other": 1 },
        "personas": [{ "name": "none" }],
    });
    let refused = crm.post("/identity/users", body).await.is(422);

    assert_eq!(refused.slug(), "invalid-content");
    assert_eq!(
        refused.violations(),
        [
            "/attributes/common/nothing unknown",
            "/attributes/common/number/1 wrong-format",
            "/attributes/other wrong-type",
            "/email_verified wrong-type",
            "/family_name wrong-type",
            "/id wrong-type",
            "/id_at_customer too-long",
            "/nick~0na~1me unknown",
            "/personas/0/name not-found",
            "/preferred_email wrong-format",
            "/status not-editable",
            "/ui_locales wrong-format",
            "/username required",
        ]
    );
}

#[tokio::test]
async fn e1_a_problem_says_what_would_be_right() {
    let crm = Service::start().await.crm().await;
    let refused = crm
        .post("/identity/users", json!({ "username": "jan", "preferred_email": "jan" }))
        .await
        .is(422);
    insta::assert_snapshot!(refused.problem().to_string(), @r#"{"detail":"one violation in the content; correct every field of `errors`","errors":[{"code":"wrong-format","detail":"expected an e-mail address, e.g. jan@example.org","pointer":"/preferred_email"}],"status":422,"title":"The content is not valid","type":"/problems/invalid-content"}"#);
}

#[tokio::test]
async fn an_empty_body_has_no_media_type_even_if_a_gateway_adds_the_header() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await.with_token().await;
    let client = json!({ "name": "erp", "scopes": ["users:read"] });
    let client = admin.post("/config/clients", client).await.is(201);
    let client = client.header("location").unwrap();
    for media in ["application/octet-stream", "application/x-www-form-urlencoded", "text/plain"] {
        let call = admin.call("POST", &format!("{client}/secrets")).body(media, "");
        let id = call.await.is(201).json()["id"].as_str().unwrap().to_owned();
        admin.delete(&format!("{client}/secrets/{id}")).await.is(204);
    }
    let refused = admin.call("POST", "/config/clients").body("text/plain", "").await.is(400);
    assert_eq!(refused.slug(), "malformed-request");
    admin.call("POST", "/config/clients").body("text/plain", "{}").await.is(415);
}

#[tokio::test]
async fn p4_a_route_without_a_body_drops_none() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    for nothing in ["", "{}", " {\n} "] {
        let call = crm.call("POST", &jan.below("block")).body("application/json", nothing);
        assert_eq!(call.await.code(), 200, "{nothing:?}");
    }
    for something in [r#"{"reason":"left"}"#, "[]", "null", "x", "{}{}"] {
        let call = crm.call("POST", &jan.below("unblock")).body("application/json", something);
        let refused = call.await.is(400);
        assert_eq!(
            refused.problem()["detail"],
            json!("this route takes no body; send none, or `{}`"),
            "{something}"
        );
    }
    assert_eq!(crm.get(&jan.path).await.is(200).json()["status"], json!("BLOCKED"));
}
