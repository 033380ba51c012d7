//! `POST /idhub/oidc/v1/token` (rules O1, O2, O4, O9).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{Answer, BASE, Service, TENANT};

const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.code(), answer.json()["error"].as_str()),
        (status, Some(error)),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.json()["error_description"].is_string());
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn o4_a_token_is_issued_with_the_clients_scopes_as_rfc_9068_says() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:write users:read".parse().unwrap(), false).await;

    let answer = client.token_for(&[CREDENTIALS]).await.is(200);

    let mut body = answer.json();
    let token = body["access_token"].take();
    let due = json!({
        "access_token": null, "token_type": "Bearer", "expires_in": 900,
        "scope": "users:read users:write"
    });
    assert_eq!(body, due);
    let token = token.as_str().unwrap();
    let header = part(token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert!(header["kid"].is_string());
    let mut claims = part(token, 1);
    assert!(claims["jti"].take().is_string());
    let due = json!({
        "iss": format!("{BASE}/idhub/oidc"), "sub": client.id, "aud": BASE, "client_id": client.id,
        "tenant": TENANT,
        "scope": "users:read users:write", "jti": null, "iat": 1_795_255_200, "exp": 1_795_256_100,
    });
    assert_eq!(claims, due);
    assert_eq!(answer.header("pragma"), Some("no-cache"));
}

#[tokio::test]
async fn o4_scopes_are_within_the_clients() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:write users:read".parse().unwrap(), false).await;
    let ask = |scope: &str| client.token_for(&[CREDENTIALS, ("scope", scope)]);

    assert_eq!(ask("users:read").await.is(200).field("scope"), "users:read");
    assert_eq!(ask("users:read users:read").await.is(200).field("scope"), "users:read");
    assert_eq!(ask("").await.is(200).field("scope"), "users:read users:write");
    for wrong in
        ["config:read", "users:read config:read", "administrator", "root", "USERS:READ", " "]
    {
        refused(&ask(wrong).await, 400, "invalid_scope");
    }
    let admin = service.register(TENANT, "administrator".parse().unwrap(), false).await;
    assert_eq!(admin.token_for(&[CREDENTIALS]).await.is(200).field("scope"), "administrator");
}

#[tokio::test]
async fn o1_the_endpoint_takes_forms_by_post_only() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(
            service.call(method, "/idhub/oidc/v1/token").await.is(405).header("allow"),
            Some("POST")
        );
    }
    let json = json!({
        "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret
    });
    let as_json = service.call("POST", "/idhub/oidc/v1/token").json(json);
    refused(&as_json.await, 400, "invalid_request");
    refused(&service.call("POST", "/idhub/oidc/v1/token").await, 400, "invalid_request");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.id, client.secret
    );
    let call = |kind: &str| service.call("POST", "/idhub/oidc/v1/token").body(kind, form.clone());
    call("application/x-www-form-urlencoded; charset=UTF-8").await.is(200);
    call("Application/X-WWW-Form-Urlencoded").await.is(200);
    let packed = call("application/x-www-form-urlencoded").header("content-encoding", "gzip");
    refused(&packed.await, 400, "invalid_request");
    let large = format!("{form}&x={}", "x".repeat(256 * 1024));
    let large = service
        .call("POST", "/idhub/oidc/v1/token")
        .body("application/x-www-form-urlencoded", large);
    assert!((400..=413).contains(&large.await.code()));
}

#[tokio::test]
async fn o1_parameters_occur_once_empty_ones_are_absent_and_unknown_ones_ignored() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    for twice in ["grant_type", "scope", "client_id", "unknown"] {
        let form = [CREDENTIALS, ("scope", "users:read"), ("unknown", "1"), (twice, "x")];
        refused(&client.token_for(&form).await, 400, "invalid_request");
    }
    client
        .token_for(&[CREDENTIALS, ("scope", ""), ("unknown", "1"), ("audience", "")])
        .await
        .is(200);
    refused(&client.token_for(&[("grant_type", "")]).await, 400, "invalid_request");
    refused(&client.token_for(&[]).await, 400, "invalid_request");
    for grant in ["password", "implicit", "CLIENT_CREDENTIALS"] {
        refused(&client.token_for(&[("grant_type", grant)]).await, 400, "unsupported_grant_type");
    }
    let empty = [CREDENTIALS, ("client_id", &*client.id), ("client_secret", "")];
    refused(&service.token(&empty).await, 401, "invalid_client");
}

#[tokio::test]
async fn o1_a_client_authenticates_in_one_way() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let header = basic(&client.id, &client.secret);
    let with = |form: &[(&str, &str)]| {
        service.token(&[&[CREDENTIALS], form].concat()).header("authorization", &header)
    };

    with(&[]).await.is(200);
    with(&[("client_id", &client.id)]).await.is(200);
    refused(&with(&[("client_secret", &client.secret)]).await, 400, "invalid_request");
    refused(
        &with(&[("client_id", &client.id), ("client_secret", &client.secret)]).await,
        400,
        "invalid_request",
    );
    refused(&with(&[("client_assertion", "x")]).await, 400, "invalid_request");
    refused(&with(&[("client_id", "acme.other")]).await, 400, "invalid_request");
    refused(&with(&[]).header("authorization", &header).await, 400, "invalid_request");
}

#[tokio::test]
async fn o1_basic_credentials_are_form_encoded() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let escaped =
        |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
    let header = basic(&escaped(&client.id), &escaped(&client.secret));
    service.token(&[CREDENTIALS]).header("authorization", header).await.is(200);
}

#[tokio::test]
async fn o1_a_challenge_answers_basic_alone() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    for header in
        [basic(&client.id, "wrong"), basic("x", "y"), "Basic !".to_owned(), "Bearer x".to_owned()]
    {
        let answer = service.token(&[CREDENTIALS]).header("authorization", header).await;
        refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"kith\""));
    }
    let wrong = [CREDENTIALS, ("client_id", &*client.id), ("client_secret", "wrong")];
    let answer = service.token(&wrong).await;
    refused(&answer, 401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), None);
    refused(&service.token(&[CREDENTIALS]).await, 401, "invalid_client");
    refused(&service.token(&[CREDENTIALS, ("client_id", &client.id)]).await, 401, "invalid_client");
}

#[tokio::test]
async fn o2_an_unknown_client_and_a_wrong_secret_answer_the_same() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    client.token_for(&[CREDENTIALS]).await.is(200);
    let unknown = format!("{TENANT}.{}", "0".repeat(32));
    let mut answers = Vec::new();
    for (id, secret) in [
        (client.id.as_str(), "wrong"),
        (&client.id, &format!("kith_{}", "0".repeat(72))),
        (&unknown, &client.secret),
        ("globex.00000000000000000000000000000000", &client.secret),
        ("x", "y"),
    ] {
        answers.push(
            service
                .token(&[CREDENTIALS, ("client_id", id), ("client_secret", secret)])
                .await
                .is(401),
        );
    }
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    for text in answers.iter().map(Answer::text) {
        assert!(!text.contains(&client.id) && !text.contains("kith_"), "{text}");
    }
}

#[tokio::test]
async fn o9_two_secrets_live_at_a_time_and_none_is_stored() {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let rotate = async || {
        let mut secret = None;
        let env = service.table.env();
        let id = client.id.parse().unwrap();
        service
            .table
            .change_client(&id, |client| secret = Some(client.add_secret(env)))
            .await
            .unwrap();
        secret.unwrap().reveal().to_owned()
    };
    let with = async |secret: &str| {
        service
            .token(&[CREDENTIALS, ("client_id", &client.id), ("client_secret", secret)])
            .await
            .code()
    };
    assert_eq!(with(&client.secret).await, 200);
    let second = rotate().await;
    assert_eq!((with(&client.secret).await, with(&second).await), (200, 200));
    let third = rotate().await;
    // A cached client is at most 30 seconds old.
    service.clock.advance(30);
    assert_eq!(
        (with(&client.secret).await, with(&second).await, with(&third).await),
        (401, 200, 200)
    );
    let items = service.items().await.concat();
    for secret in [&client.secret, &second, &third] {
        assert!(!items.contains(secret.trim_start_matches("kith_")));
    }
}

#[tokio::test]
async fn a_client_that_was_revoked_gets_no_more_tokens_and_its_last_one_lives_on() {
    let service = Service::start().await;
    let client = service.client(TENANT, "users:read").await;
    service.table.delete_client(&client.id.parse().unwrap()).await.unwrap();
    client.get("/identity/users/0192f3c1-0000-7000-8000-000000000001").await.is(404);
    service.clock.advance(30);
    refused(&client.token_for(&[CREDENTIALS]).await, 401, "invalid_client");
}

#[tokio::test]
async fn o2_an_unknown_client_costs_what_a_wrong_secret_does() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let ask = |id: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", "kith_wrong"),
        ];
        service.token(&form)
    };
    let wrong = ask(&crm.id).await.is(401);
    let unknown = ask(&format!("acme.{}", "0".repeat(32))).await.is(401);
    assert_eq!((wrong.cost(), wrong.text()), (unknown.cost(), unknown.text()));
    assert_eq!(wrong.cost().0, 1.0);
}

#[tokio::test]
async fn o1_two_ways_of_client_authentication_in_one_form_are_refused() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crm.id.as_str()),
        ("client_secret", crm.secret.as_str()),
        ("client_assertion", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    assert_eq!(service.token(&form).await.is(400).json()["error"], "invalid_request");
}
