//! The log: one line per request, without personal data (rules S3, D7, E2).

use std::cell::Cell;
use std::sync::{Mutex, Once};
use std::thread::{ThreadId, current};

use serde_json::{Value, json};
use shared::domain::id::TenantId;
use shared::log;
use shared::store::{Item, Key};
use tests::{Answer, Client, Fault, Service, TENANT};

const USERS: &str = "/identity/users";
const WORDS: [&str; 4] = ["zwaardvis", "zandloper", "vuurtoren", "kompas"];

/// Each line with the thread that logged it. Other tests of the process may log as well.
static LOG: Mutex<Vec<(ThreadId, String)>> = Mutex::new(Vec::new());

thread_local! {
    /// How many lines there were when the test of this thread began to keep the log.
    static START: Cell<usize> = const { Cell::new(0) };
}

/// Appends a line to [`LOG`].
struct Writer;

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8(bytes.to_vec()).expect("a line in UTF-8");
        LOG.lock().unwrap().push((current().id(), line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps the log of this process.
pub fn keep() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| log::to(|| Writer));
    START.set(LOG.lock().unwrap().len());
}

/// The lines about a request.
pub fn lines(answer: &Answer) -> Vec<Value> {
    lines_with(answer.header("x-request-id").expect("a request id"))
}

/// The lines in which a text occurs, which no other test logs.
pub fn lines_with(part: &str) -> Vec<Value> {
    matching(part, |_, _| true)
}

/// The lines in which a text occurs, of this thread since it keeps the log.
pub fn own_lines_with(part: &str) -> Vec<Value> {
    matching(part, |place, thread| place >= START.get() && thread == current().id())
}

fn matching(part: &str, is_meant: impl Fn(usize, ThreadId) -> bool) -> Vec<Value> {
    let log = LOG.lock().unwrap();
    let meant = log
        .iter()
        .enumerate()
        .filter(|(place, (thread, line))| line.contains(part) && is_meant(*place, *thread));
    meant.map(|(_, (_, line))| serde_json::from_str(line).unwrap()).collect()
}

async fn requests(crm: &Client) -> Vec<Answer> {
    let body = json!({
        "username": WORDS[0], "family_name": WORDS[1],
        "preferred_email": format!("{}@example.org", WORDS[2]),
    });
    let made = crm.post(USERS, body.clone()).key(WORDS[3]).await.is(201);
    let path = made.header("location").unwrap().to_owned();
    vec![
        made,
        crm.post(USERS, body).await.is(409),
        crm.post(USERS, json!({ "username": WORDS[0], WORDS[1]: WORDS[2] })).await.is(422),
        crm.call("POST", USERS)
            .body("application/json", format!("{{\"{}\"", WORDS[0]))
            .await
            .is(400),
        crm.post(&format!("{USERS}/query"), json!({ "filter": { "username": WORDS[0] } }))
            .await
            .is(200),
        crm.get(&format!("{USERS}/{}", WORDS[0])).await.is(404),
        crm.get(&format!("{path}?{}={}", WORDS[0], WORDS[1])).await.is(400),
        crm.get(&format!("/{}", WORDS[0])).await.is(404),
        crm.service.call("GET", &path).token(WORDS[0]).await.is(401),
        crm.patch(&path, json!({ "given_name": WORDS[3] })).if_match("*").await.is(200),
        crm.delete(&path).await.is(204),
    ]
}

#[tokio::test]
async fn s3_a_request_is_one_line_with_its_cost_and_without_personal_data() {
    keep();
    let crm = Service::start().await.crm().await;
    for answer in requests(&crm).await {
        let lines = lines(&answer);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["status"], json!(answer.code()));
        assert_eq!(
            (&line["read_units"], &line["write_units"]),
            (&json!(answer.cost().0), &json!(answer.cost().1))
        );
        for name in
            ["tenant", "client", "operation", "method", "route", "milliseconds", "cold_start"]
        {
            assert!(!line[name].is_null(), "no `{name}`: {line}");
        }
        let text = line.to_string().to_lowercase();
        for word in WORDS.iter().chain([&crm.token.as_str(), &crm.secret.as_str()]) {
            assert!(!text.contains(&word.to_lowercase()), "`{word}`: {text}");
        }
    }
}

#[tokio::test]
async fn ec20_a_line_has_the_method_the_route_and_the_error() {
    keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let answers = [
        (crm.get(&jan.path).await, "GET", "/identity/users/{user_id}", None),
        (crm.call("HEAD", &jan.path).await, "HEAD", "/identity/users/{user_id}", None),
        (
            crm.patch(&jan.path, json!({})).if_match("\"old\"").await,
            "PATCH",
            "/identity/users/{user_id}",
            Some("precondition-failed"),
        ),
        (crm.get("/identity/users?x=1").await, "GET", "/identity/users", Some("malformed-request")),
        (crm.call("HEAD", "/zwaardvis").await, "HEAD", "-", Some("not-found")),
        (crm.call("ZWAARDVIS", &jan.path).await, "-", "-", Some("method-not-allowed")),
        (
            service.token(&[("grant_type", "client_credentials")]).await,
            "POST",
            "/idhub/oidc/v1/token",
            Some("invalid_client"),
        ),
        (
            crm.token_for(&[("grant_type", "none")]).await,
            "POST",
            "/idhub/oidc/v1/token",
            Some("unsupported_grant_type"),
        ),
    ];
    for (answer, method, route, error) in answers {
        let line = lines(&answer)[0].clone();
        assert_eq!((&line["method"], &line["route"]), (&json!(method), &json!(route)), "{line}");
        assert_eq!(line.get("error"), error.map(|error| json!(error)).as_ref(), "{line}");
        assert!(!line.to_string().to_lowercase().contains("zwaardvis"), "{line}");
    }
}

#[tokio::test]
async fn ec20_a_line_has_the_ids_of_the_caller() {
    keep();
    let service = Service::start().await;
    let call = |headers: &[(&str, &str)]| {
        let call = service.call("GET", "/health");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer = call(&[("x-request-id", "order-7"), ("traceparent", &traceparent)]).await;
    let line = lines(&answer)[0].clone();
    assert_eq!(line["correlation_id"], "order-7");
    assert_eq!(
        (&line["trace_id"], &line["parent_id"]),
        (&json!(trace), &json!("00f067aa0ba902b7"))
    );
    let without = call(&[("x-request-id", "kompas@example.org"), ("traceparent", "kompas")]).await;
    let line = lines(&without)[0].clone();
    for name in ["correlation_id", "trace_id", "parent_id"] {
        assert_eq!(line.get(name), None, "{line}");
    }
    assert!(!line.to_string().contains("kompas"), "{line}");
}

#[tokio::test]
async fn s3_a_token_request_names_its_client_and_no_secret() {
    keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let issued = crm.token_for(&[("grant_type", "client_credentials")]).await.is(200);
    let line = lines(&issued)[0].clone();
    assert_eq!((&line["tenant"], &line["client"]), (&json!(TENANT), &json!(crm.id)));
    for secret in [&crm.secret, &issued.field("access_token"), &issued.field("refresh_token")] {
        assert!(!line.to_string().contains(secret.as_str()));
    }
}

#[tokio::test]
async fn e2_a_fault_that_no_rule_foresees_is_logged_once_and_answered_bare() {
    keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let tenant: TenantId = TENANT.parse().unwrap();
    let key = Key::user(&tenant, jan.id.parse().unwrap());
    let broken = Item::at(&key).text("doc", format!("{{\"{}\": 1", WORDS[0]));
    let broken = broken.into_attributes();
    service.put_item(broken).await;

    let answer = crm.get(&jan.path).await.is(500);

    insta::assert_snapshot!(answer.problem().to_string(), @r#"{"detail":"the service failed; report the `request_id`, under which the error is logged","status":500,"title":"Unexpected error","type":"/problems/unexpected"}"#);
    let lines = lines(&answer);
    assert_eq!(lines.iter().filter(|line| line["level"] == "ERROR").count(), 1, "{lines:?}");
    assert!(lines.iter().all(|line| !line.to_string().contains(WORDS[0])), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn e2_messages_of_the_table_are_neither_shown_nor_logged() {
    keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    for fault in [Fault::ServerError, Fault::Throttled] {
        service.faults.reset();
        service.faults.from(0, fault);
        let answer = crm.get(&jan.path).await.is(503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        let lines = format!("{:?}{}", lines(&answer), answer.text());
        assert!(!lines.contains("secret value"), "{lines}");
    }
}
