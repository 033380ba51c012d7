//! Stacks with one fault each.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::Region;
use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::jwk::Algorithm;
use shared::env::Clock;
use shared::https::{self, Trust};
use shared::store::table::client_settings;

use super::*;

/// Serves a router on loopback; the credentials for it.
async fn serve(router: Router) -> super::Credentials {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    super::Credentials { url, client_id: "id".to_owned(), client_secret: "secret".to_owned() }
}

/// The checks that fail, each with what it says.
async fn wrong(credentials: &super::Credentials, keys: Option<&[String]>) -> Vec<String> {
    let mut findings = Vec::new();
    of_service(credentials, &credentials.url, keys, &mut findings).await.unwrap();
    let wrong = |finding: Finding| Some(format!("{}: {}", finding.check, finding.result.err()?));
    findings.into_iter().filter_map(wrong).collect()
}

/// A server that answers like the service, except for the answers that a test removes or changes.
fn service(kids: &'static str, token: &'static str) -> Router {
    let users = async |headers: axum::http::HeaderMap| {
        if headers.contains_key("authorization") {
            (StatusCode::OK, [("x-amzn-remapped-www-authenticate", "-")])
        } else {
            (StatusCode::UNAUTHORIZED, [("x-amzn-remapped-www-authenticate", "Bearer")])
        }
    };
    Router::new()
        .route("/health", get(async || "{}"))
        .route("/idhub/oidc/v1/jwks", get(async move || kids))
        .route("/idhub/oidc/v1/token", post(async move || token))
        .route("/identity/users", get(users))
}

const KEYS: &str = r#"{"keys":[{"kid":"a"}]}"#;
const TOKEN: &str = r#"{"access_token":"t","scope":"users:read"}"#;

#[tokio::test]
async fn each_fault_of_a_service_is_named() {
    let here = |url: &str| format!(r#"{{"issuer":"{url}/idhub/oidc"}}"#);
    let metadata = "/.well-known/oauth-authorization-server/idhub/oidc";
    let right = |kids, token| {
        service(kids, token).route(
            metadata,
            get(move |headers: axum::http::HeaderMap| async move {
                here(&format!("http://{}", headers["host"].to_str().unwrap()))
            }),
        )
    };
    let known = [String::from("a")];
    assert_eq!(wrong(&serve(right(KEYS, TOKEN)).await, Some(&known)).await, [""; 0]);
    let other = [String::from("b")];
    assert_eq!(
        wrong(&serve(right(KEYS, TOKEN)).await, Some(&other)).await,
        ["public keys: the service lacks keys of this table; check --table and --url"]
    );
    let refusal = r#"{"error":"invalid_client","error_description":"it is unknown"}"#;
    assert_eq!(
        wrong(&serve(right(KEYS, refusal)).await, None).await,
        ["token: client `id`: it is unknown"]
    );
    let elsewhere = service(KEYS, TOKEN)
        .route(metadata, get(async || r#"{"issuer":"https://other.example.org/idhub/oidc"}"#));
    let elsewhere = serve(elsewhere).await;
    assert_eq!(
        wrong(&elsewhere, None).await,
        [format!(
            "issuer: expected `{}/idhub/oidc`, found `https://other.example.org/idhub/oidc`; \
             set the parameter BaseUrl, or use --base-url",
            elsewhere.url
        )]
    );
    let none = serve(Router::new()).await;
    let found = wrong(&none, None).await;
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found[0], "service: expected 200 OK, found 404 Not Found");
    let gone = super::Credentials { url: "http://127.0.0.1:9".to_owned(), ..none };
    assert!(wrong(&gone, None).await[0].starts_with("service: no answer: "));
}

/// A table of the embedded engine at a time that stands still.
async fn table() -> Table {
    let clock = Clock::stopped_at(Timestamp::from_millis(1_795_255_200_000));
    let env = Env { clock, ..Env::default() };
    local::table::open_local(None, env).await.unwrap()
}

fn faults(findings: Vec<Finding>) -> Vec<String> {
    let wrong = |finding: Finding| Some(format!("{}: {}", finding.check, finding.result.err()?));
    findings.into_iter().filter_map(wrong).collect()
}

/// The description of a table by DynamoDB: as the template makes it, or as a restore makes it.
fn description(target: &str, complete: bool) -> Value {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let (enabled, ttl) = if complete { ("ENABLED", "ENABLED") } else { ("DISABLED", "DISABLED") };
    match target.rsplit('.').next().unwrap() {
        "DescribeTimeToLive" => json!({ "TimeToLiveDescription": {
            "AttributeName": "expires_at", "TimeToLiveStatus": ttl,
        } }),
        "DescribeContinuousBackups" => json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": enabled },
        } }),
        _ => json!({ "Table": {
            "TableStatus": "ACTIVE",
            "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/kith",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "GlobalSecondaryIndexes": [{
                "IndexName": "gsi1", "KeySchema": [key("gsi1pk", "HASH"), key("gsi1sk", "RANGE")],
            }],
            "DeletionProtectionEnabled": complete,
            "StreamSpecification": {
                "StreamEnabled": true,
                "StreamViewType": if complete { "KEYS_ONLY" } else { "NEW_IMAGE" },
            },
            "LatestStreamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/kith/stream/1",
        } }),
    }
}

async fn of_described(complete: bool) -> Vec<String> {
    let answer = async move |headers: HeaderMap| {
        description(headers["x-amz-target"].to_str().unwrap(), complete).to_string()
    };
    let served = serve(Router::new().route("/", post(answer))).await;
    let settings = client_settings()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .http_client(https::client(Trust::Amazon).unwrap())
        .endpoint_url(served.url);
    let client = aws_sdk_dynamodb::Client::from_conf(settings.build());
    let mut findings = Vec::new();
    of_table(&Table::new(client, "kith", Env::default()), &mut findings).await.unwrap();
    faults(findings)
}

#[tokio::test]
async fn a_table_without_its_settings_is_named() {
    assert_eq!(of_described(true).await, [""; 0]);
    let faults = of_described(false).await;
    let names: Vec<_> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert_eq!(names, ["stream", "time-to-live", "protection", "recovery"], "{faults:?}");
    assert!(faults[0].contains("run `kith table create`"), "{faults:?}");
}

#[tokio::test]
async fn keys_of_which_none_signs_are_named() {
    let table = table().await;
    let keys = SigningKeys::new(table.clone());
    keys.current(Algorithm::Es256).await.unwrap();
    let mut findings = Vec::new();
    assert_eq!(of_keys(&table, &mut findings).await.unwrap().len(), 1);
    // It has signed for 30 days and stays published for one more.
    table.env().clock.advance(30 * 24 * 3600 + 60);
    of_keys(&table, &mut findings).await;
    assert_eq!(
        faults(findings),
        ["keys: no published key signs now; request a token, then see `kith key list`"]
    );
}

#[tokio::test]
async fn an_erasure_that_does_not_end_is_named() {
    let table = table().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let request = table.client().put_item().table_name(table.name());
    let user = "0192f3c1-0000-7000-8000-000000000001";
    request
        .item("pk", text(&format!("T#acme#U#{user}")))
        .item("sk", text("PROFILE"))
        .item("gsi1pk", text("SWEEP"))
        .item("gsi1sk", text("2026-11-21T10:00:00.000Z"))
        .send()
        .await
        .unwrap();
    let mut findings = Vec::new();
    of_erasures(&table, &mut findings).await;
    table.env().clock.advance(UNFINISHED);
    of_erasures(&table, &mut findings).await;
    assert_eq!(
        faults(findings),
        ["erasures: one is unfinished for 900 s; read the log of the function `sweeper`"]
    );
}

#[test]
fn clocks_may_be_half_a_minute_apart() {
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
    assert_eq!(compare_clocks(Some(at(100)), at(130)).unwrap(), "30 s apart");
    assert_eq!(
        compare_clocks(Some(at(131)), at(100)).unwrap_err(),
        "the service is 31 s ahead of this machine; correct the clock"
    );
    assert!(compare_clocks(Some(at(69)), at(100)).unwrap_err().contains("-31 s"));
}
