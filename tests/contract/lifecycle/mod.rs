//! The life of a person here: arriving, being recognised, being known to several systems, and being
//! forgotten. The names of the tests are the sentences of the lifecycle.

mod arriving;
mod as_me;
mod brought;
mod claims;
mod cost;
mod faults;
mod first_sign_in;
mod interleaving;
mod isolation;
mod logins;
mod mapped;
mod returning;
mod strangers;

use serde_json::Value;
use tests::{Answer, Client, Service, TENANT};

/// A service with the systems `shop` and `fleet`.
pub async fn service() -> Service {
    let service = Service::start().await;
    service.system("shop", &["points"]).await;
    service.system("fleet", &["badge"]).await;
    service
}

/// The one user that a filter finds.
pub async fn one(crm: &Client, filter: Value) -> Value {
    let found = users(crm, filter).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// The users that a filter finds.
pub async fn users(crm: &Client, filter: Value) -> Vec<Value> {
    let answer =
        crm.post("/identity/users/query", serde_json::json!({ "filter": filter })).await.is(200);
    tests::without_tags(answer.json())["items"].as_array().unwrap().clone()
}

/// The base profile id of a subject of an issuer.
pub fn base_id(subject: &str, issuer: &str) -> String {
    shared::domain::id::BaseId::of(subject, issuer, &TENANT.parse().unwrap()).to_string()
}

/// The path of a user by the base profile id.
pub fn by_base(subject: &str, issuer: &str) -> String {
    format!("/identity/users/{}", base_id(subject, issuer))
}

/// The status and what kind of problem it is.
pub fn told(answer: &Answer) -> (u16, String) {
    (answer.code(), answer.slug())
}
