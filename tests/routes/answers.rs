//! The answers to the events, in the shape that API Gateway takes.

use serde_json::{Value, json};

use crate::description::{assert_described, description, operation};
use crate::events::{Event, all};
use crate::gateway::{API, Answer, Gateway};

/// The status that an event is answered: that of its route, unless its case is another, or it is
/// the form of a page and this service did not make the page.
fn due(event: &Event) -> u64 {
    if event.function == "login" && !event.route().listed {
        return page(event);
    }
    match event.case() {
        "not_modified" => 304,
        "replacing" | "refreshing" => 200,
        "repeated_query" => 400,
        _ => event.route().answer.0.into(),
    }
}

/// The status of a page. Events have no session, and no form token that is good.
fn page(event: &Event) -> u64 {
    match (event.route().method, event.route().name) {
        // Asked for once more by GET.
        (_, "post_authorize" | "post_end_session") => 303,
        // For people who are signed in.
        (_, "get_account_page") => 403,
        // It comes after a sign-in.
        (_, "get_new_password_page") => 400,
        // Passkeys need a base URL that is configured.
        (_, "passkey_options" | "passkey_creation_options") => 404,
        ("GET", _) => 200,
        _ => 400,
    }
}

async fn answer(event: &Event) -> Answer {
    Gateway::start().await.call(event).await
}

#[tokio::test]
async fn every_event_is_answered_as_its_route_says_with_json_text_or_nothing() {
    let fork = Gateway::forks().await;
    for event in all() {
        let answer = fork().call(&event).await;
        assert_eq!(answer.status(), due(&event), "{}: {}", event.name, answer.0);
        if answer.status() == 201 {
            assert!(
                answer.header("location").is_some() && answer.header("etag").is_some(),
                "{}",
                event.name
            );
        }
        let bodiless =
            event.case() == "head" || matches!(answer.status(), 303 | 304) || has_no_body(&event);
        assert_eq!(answer.body().is_empty(), bodiless, "{}: {}", event.name, answer.0);
        if !bodiless && answer.status() < 300 && event.route().listed && !is_compressed(&event) {
            assert_described(event.route().answer.1, &answer.json());
        }
        assert_is_text(&event, &answer);
    }
}

/// A request with an example from `openapi.json` gets the answer that the route declares.
#[tokio::test]
async fn examples_of_bodies_are_accepted() {
    let fork = Gateway::forks().await;
    let description = description();
    let cases = all().into_iter().filter(|event| event.case().is_empty());
    // The token of its example is good for nothing.
    for mut event in cases.filter(|event| event.route().name != "post_userinfo") {
        let body = &operation(&description, event.route())["requestBody"];
        let Some((media, content)) = body["content"].as_object().and_then(|all| all.iter().next())
        else {
            continue;
        };
        event.content["body"] = match (&content["example"], media.as_str()) {
            (Value::String(text), _) => text.as_str().into(),
            (Value::Object(form), "application/x-www-form-urlencoded") => {
                let pairs = form.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into()
            }
            (example, _) => {
                let mut example = example.clone();
                if event.route().method == "PUT" {
                    keep_names(&mut example, &event);
                }
                example.to_string().into()
            }
        };
        event.content["headers"]["content-type"] = media.as_str().into();
        event.content["headers"].as_object_mut().unwrap().remove("content-length");
        if event.route().name == "create_import" {
            event.content["rawQueryString"] = "".into();
        }
        let answer = fork().call(&event).await;
        assert_eq!(answer.status(), due(&event), "{}: {}", event.name, answer.0);
    }
}

/// A replaced resource keeps its name.
fn keep_names(example: &mut Value, event: &Event) {
    let present: Value = serde_json::from_slice(&event.body().unwrap()).unwrap();
    for name in ["id", "category", "name"] {
        if let (Some(example), Some(present)) = (example.get_mut(name), present.get(name)) {
            *example = present.clone();
        }
    }
}

#[tokio::test]
async fn required_query_parameters_are_required() {
    let fork = Gateway::forks().await;
    for mut event in all().into_iter().filter(|e| !e.route().required_query.is_empty()) {
        event.content["rawQueryString"] = "".into();
        let answer = fork().call(&event).await;
        assert_eq!(answer.status(), 400, "{}: {}", event.name, answer.0);
    }
}

/// Asserts that API Gateway can hand the answer on as it is: text, and base64 only of what is
/// compressed, each header with one value.
#[track_caller]
fn assert_is_text(event: &Event, answer: &Answer) {
    assert_eq!(answer.0["isBase64Encoded"], is_compressed(event), "{}", event.name);
    assert_eq!(answer.0["multiValueHeaders"], json!({}), "{}", event.name);
    let pages = event.function == "login" && !event.route().listed;
    if !pages {
        assert_eq!(answer.0["cookies"], json!([]), "{}", event.name);
    }
    let media = match answer.status() {
        204 | 303 | 304 => None,
        200 if has_no_body(event) => None,
        status if status >= 400 && pages => Some("text/html; charset=utf-8"),
        status if status >= 400 => Some("application/problem+json"),
        _ => Some(media(event)),
    };
    assert_eq!(answer.header("content-type"), media, "{}", event.name);
}

#[tokio::test]
async fn h8_a_body_is_read_the_same_plain_and_in_base64() {
    let fork = Gateway::forks().await;
    for event in all().into_iter().filter(|event| event.body().is_some()) {
        let (plain, encoded) = (fork().call(&event).await, fork().call(&event.recoded()).await);
        assert_eq!(plain.status(), encoded.status(), "{}", event.name);
        if event.function == "login" && !event.route().listed {
            assert_eq!(plain.header("content-type"), encoded.header("content-type"));
        } else if has_no_body(&event) {
            assert_eq!(plain.body(), encoded.body(), "{}", event.name);
        } else {
            assert_eq!(lasting(plain.json()), lasting(encoded.json()), "{}", event.name);
        }
    }
}

/// The media type of a good answer: that of a file by its name, and HTML for those who prefer it.
fn media(event: &Event) -> &'static str {
    let (content, pages) = (&event.content, !event.route().listed);
    let accept = content["headers"]["accept"].as_str().unwrap_or_default();
    match content["rawPath"].as_str().unwrap().rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ if pages && accept.starts_with("text/html") => "text/html; charset=utf-8",
        _ => "application/json",
    }
}

/// Whether the answer is in gzip.
fn is_compressed(event: &Event) -> bool {
    event.case() == "gzip"
}

/// Whether a good answer shows nothing.
fn has_no_body(event: &Event) -> bool {
    event.route().listed && event.route().answer.1.is_empty()
}

/// The content without the members that differ in every answer.
fn lasting(mut content: Value) -> Value {
    if let Some(members) = content.as_object_mut() {
        let fleeting = [
            "id",
            "access_token",
            "refresh_token",
            "milliseconds",
            "memory_bytes",
            "client_id",
            "client_secret",
            "secrets",
        ];
        members.retain(|name, _| !fleeting.contains(&name.as_str()));
    }
    content
}

#[tokio::test]
async fn the_request_id_is_that_of_api_gateway() {
    let event = Event::named("definitions", "list_attribute_definitions.repeated_query");
    let answer = answer(&event).await.is(400);
    assert_eq!(answer.header("x-request-id"), Some("JKJaXmPLvHcESHA="));
    assert_eq!(answer.json()["request_id"], "JKJaXmPLvHcESHA=");
}

#[tokio::test]
async fn without_a_base_url_the_issuer_comes_from_the_domain_of_the_request() {
    assert_eq!(
        issuers(&Gateway::start().await).await,
        [format!("{API}/idhub/oidc"), format!("{API}/idhub/oidc")]
    );
}

#[tokio::test]
async fn a_base_url_that_is_set_wins_over_the_domain_of_the_request() {
    let gateway = Gateway::at(Some("https://id.example.org")).await;
    let issuer = "https://id.example.org/idhub/oidc".to_owned();
    assert_eq!(issuers(&gateway).await, [issuer.clone(), issuer]);
}

/// The issuer as the metadata names it, and as an access token does.
async fn issuers(gateway: &Gateway) -> [String; 2] {
    let metadata =
        gateway.call(&Event::named("token", "get_authorization_server_metadata")).await.json();
    let token = gateway.call(&Event::named("token", "issue_token")).await.json();
    let claims =
        jsonwebtoken::dangerous::insecure_decode::<Value>(token["access_token"].as_str().unwrap())
            .unwrap();
    [&metadata["issuer"], &claims.claims["iss"]].map(|issuer| issuer.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_of_another_domain_is_not_taken() {
    let gateway = Gateway::start().await;
    let mut event = Event::named("users", "get_user");
    event.content["requestContext"]["domainName"] =
        "other.execute-api.eu-west-1.amazonaws.com".into();
    gateway.call(&event).await.is(401);
}
