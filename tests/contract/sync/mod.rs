//! Systems that keep in step by polling: what is listed, in which order, and that nothing is
//! missed.

mod gaps;
mod listing;
mod mirror;

use serde_json::{Value, json};
use tests::{Client, Resource, escape};

const USERS: &str = "/identity/users";

/// A page of the listing.
pub struct Page {
    pub items: Vec<Value>,
    pub cursor: Option<String>,
    pub next: String,
}

impl Page {
    /// The names of its members; a tombstone is `-`.
    pub fn names(&self) -> Vec<&str> {
        self.items.iter().map(|item| item["username"].as_str().unwrap_or("-")).collect()
    }
}

/// Reads a page of the listing, with `updated_since` and `cursor` if they are given.
pub async fn page(crm: &Client, since: Option<&str>, limit: usize, cursor: Option<&str>) -> Page {
    let mut path = format!("{USERS}?limit={limit}");
    for (name, value) in [("updated_since", since), ("cursor", cursor)] {
        if let Some(value) = value {
            path = format!("{path}&{name}={}", escape(value));
        }
    }
    let answer = crm.get(&path).await.is(200);
    let (json, next) = (answer.json(), answer.field("next_updated_since"));
    // Tombstones have none.
    let without_tag = |mut item: Value| {
        let tag = item.as_object_mut().unwrap().remove("etag");
        assert_eq!(tag.is_none(), item.get("deleted_at").is_some(), "{item}");
        item
    };
    let items: Vec<_> =
        json["items"].as_array().unwrap().iter().cloned().map(without_tag).collect();
    let cursor = json["next_cursor"].as_str().map(str::to_owned);
    assert!(items.len() <= limit);
    assert!(cursor.is_none() || !items.is_empty(), "H7: a page before the last is empty");
    Page { items, cursor, next }
}

/// Every page of a walk, and from where the next one goes on.
pub async fn walk(crm: &Client, since: Option<&str>, limit: usize) -> (Vec<Value>, String) {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(crm, since, limit, cursor.as_deref()).await;
        items.extend(page.items);
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => return (items, page.next),
        }
    }
}

/// A user whose place in the listing is the same in every run.
pub async fn numbered(crm: &Client, number: usize) -> Resource {
    let id = format!("0192f3c1-0000-7000-8000-{number:012}");
    crm.create(USERS, json!({ "id": id, "username": format!("user{number}") })).await
}
