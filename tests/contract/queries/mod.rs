//! Filters of `POST /identity/users/query`: what they mean, how they are answered, and that pages
//! lose and repeat nobody.

mod brute_force;
mod crowd;
mod fresh;
mod limits;
mod maker;
mod operators;
mod paging;
mod planning;
mod random;

use serde_json::{Value, json};
use tests::{Answer, Client};

const USERS: &str = "/identity/users";
const QUERY: &str = "/identity/users/query";

/// The usernames that a filter finds, on all its pages, in order.
async fn names(crm: &Client, filter: impl Into<Value>) -> Vec<String> {
    let filter = filter.into();
    let mut names: Vec<_> =
        follow(crm, &filter, || 100).await.iter().map(|user| text(user, "username")).collect();
    names.sort();
    names
}

/// Everybody on all pages of a filter, as they come.
async fn follow(crm: &Client, filter: &Value, mut limit: impl FnMut() -> usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let size = limit();
        let body = json!({ "filter": filter, "limit": size, "cursor": cursor });
        let answer = crm.post(QUERY, body).await;
        assert_eq!(answer.code(), 200, "{filter}: {}", answer.text());
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= size, "{filter}");
        found.extend(items.iter().cloned());
        match page.get("next_cursor") {
            Some(next) => cursor = next.clone(),
            None => return found,
        }
    }
}

fn text(user: &Value, name: &str) -> String {
    user[name].as_str().unwrap().to_owned()
}

/// Asserts that a filter is refused, and gives what is wrong with it.
async fn refused(crm: &Client, filter: impl Into<Value>) -> String {
    let filter = filter.into();
    let answer = crm.post(QUERY, json!({ "filter": filter })).await;
    assert_eq!((answer.code(), answer.slug().as_str()), (400, "unsupported-filter"), "{filter}");
    answer.field("detail")
}

async fn explained(crm: &Client, filter: impl Into<Value>, limit: usize) -> Answer {
    crm.post(QUERY, json!({ "filter": filter.into(), "explain": true, "limit": limit }))
        .await
        .is(200)
}
