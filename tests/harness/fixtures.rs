//! The fixtures of most tests: users, personas and definitions, created over HTTP.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::service::Client;

/// A resource as its creation answered it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Where it is.
    pub path: String,
    /// Its id.
    pub id: String,
    /// Its entity tag.
    pub tag: String,
    /// Its content.
    pub body: Value,
}

impl Resource {
    /// The path of something below it.
    pub fn below(&self, rest: &str) -> String {
        format!("{}/{rest}", self.path)
    }
}

impl Answer {
    /// The resource that was created.
    #[track_caller]
    pub fn created(self) -> Resource {
        let answer = self.is(201);
        let path = answer.header("location").expect("a Location").to_owned();
        Resource { path, id: answer.field("id"), tag: answer.tag(), body: answer.json() }
    }
}

/// A person with both names and an e-mail address made from the username.
pub fn person(username: &str) -> Value {
    json!({
        "username": username,
        "family_name": "Janssen",
        "given_name": "Jan",
        "preferred_email": format!("{username}@example.org"),
    })
}

impl Client {
    /// Creates a user with nothing but a username.
    pub async fn create_user(&self, username: &str) -> Resource {
        self.create("/identity/users", json!({ "username": username })).await
    }

    /// Creates anything.
    pub async fn create(&self, path: &str, body: Value) -> Resource {
        self.post(path, body).await.created()
    }

    /// Defines an attribute of the category `common`; `more` adds to a definition of the format
    /// TEXT.
    pub async fn define(&self, name: &str, more: Value) -> Resource {
        let mut body = json!({ "category": "common", "name": name, "data_format": "TEXT" });
        merge(&mut body, more);
        self.create("/identity/config/attribute-definitions", body).await
    }

    /// Defines a persona; `more` adds to a definition that is not scoped.
    pub async fn define_persona(&self, name: &str, more: Value) -> Resource {
        let mut body = json!({ "name": name });
        merge(&mut body, more);
        self.create("/config/persona-definitions", body).await
    }

    /// Adds a persona to a user.
    pub async fn add_persona(&self, user: &Resource, body: Value) -> Resource {
        self.create(&user.below("personas"), body).await
    }

    /// Finds users by a filter; what comes is compared with users, so the tags are left out.
    pub async fn find(&self, filter: Value) -> Vec<Value> {
        self.find_items(filter).await.into_iter().map(without_tag).collect()
    }

    /// Finds users by a filter, with their tags.
    pub async fn find_items(&self, filter: Value) -> Vec<Value> {
        let answer = self.post("/identity/users/query", json!({ "filter": filter })).await.is(200);
        answer.json().get("items").and_then(Value::as_array).cloned().expect("items")
    }

    /// The content of a resource as it is now.
    pub async fn read(&self, path: &str) -> Value {
        self.get(path).await.is(200).json()
    }

    /// The entity tag of a resource as it is now.
    pub async fn tag_of(&self, path: &str) -> String {
        self.get(path).await.is(200).tag()
    }
}

/// An item of a list without the tag that each carries.
pub fn without_tag(mut item: Value) -> Value {
    let tag = item.as_object_mut().and_then(|members| members.remove("etag"));
    assert!(tag.is_some(), "an item without a tag: {item}");
    item
}

/// A list without the tags of its items.
pub fn without_tags(mut list: Value) -> Value {
    if let Some(items) = list.get_mut("items").and_then(Value::as_array_mut) {
        for item in items {
            *item = without_tag(item.take());
        }
    }
    list
}

fn merge(body: &mut Value, more: Value) {
    if let (Some(members), Value::Object(more)) = (body.as_object_mut(), more) {
        members.extend(more);
    }
}
