//! `/identity/imports`: files of people (rules A2, A3, A5, D1, D5, D7, E1, H1 to H6, I1 to I3, P1,
//! S1).

mod accepting;
mod crashes;
mod data;
mod rows;

use serde_json::{Value, json};
use tests::{Answer, Client, Resource, Service};

pub const IMPORTS: &str = "/identity/imports";
pub const USERS: &str = "/identity/users";
pub const CSV: &str = "text/csv";
pub const NDJSON: &str = "application/x-ndjson";

/// A service with the attributes `note` and `badge`, which is unique, and the persona `member`.
pub async fn service() -> (Service, Client) {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("note", json!({})).await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define_persona("member", json!({ "scoped": true })).await;
    (service, crm)
}

/// Sends a file.
pub async fn send(client: &Client, query: &str, media: &str, body: impl Into<Vec<u8>>) -> Answer {
    client.call("POST", &format!("{IMPORTS}?{query}")).body(media, body.into()).await
}

/// Imports a file.
pub async fn import(
    client: &Client,
    query: &str,
    media: &str,
    body: impl Into<Vec<u8>>,
) -> Resource {
    send(client, query, media, body).await.created()
}

/// The rows of a report, page by page.
pub async fn report(client: &Client, import: &Resource) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.read(&format!("{}?limit=100{cursor}", import.below("report"))).await;
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// Imports a file of which every row gets its status at once: the finished job and the report.
pub async fn done(
    client: &Client,
    query: &str,
    media: &str,
    body: impl Into<Vec<u8>>,
) -> (Value, Vec<Value>) {
    let import = import(client, query, media, body).await;
    let job = client.read(&import.path).await;
    assert_eq!(job["state"], "COMPLETED", "{job}");
    (job, report(client, &import).await)
}

/// The outcomes of rows: their status and the first violation.
pub fn outcomes(report: &[Value]) -> Vec<String> {
    let outcome = |row: &Value| {
        let error = row["errors"].as_array().unwrap().first();
        let fault = error.map(|e| {
            format!(" {} {}", e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())
        });
        format!("{}{}", row["status"].as_str().unwrap(), fault.unwrap_or_default())
    };
    report.iter().map(outcome).collect()
}

/// The one user that a filter finds.
pub async fn only(client: &Client, filter: Value) -> Value {
    let found = client.find(filter.clone()).await;
    assert_eq!(found.len(), 1, "{filter}");
    found[0].clone()
}

/// A file of so many people, who have nothing but a username.
pub fn usernames(count: usize) -> String {
    let rows = (0..count).map(|n| format!("u{n}"));
    std::iter::once("username".to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}
