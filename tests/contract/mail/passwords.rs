//! Imported hashes become passwords (rule G31).

use maintenance::people::{Adoption, adopt};
use serde_json::Value;
use shared::domain::error::Error;
use shared::domain::people::SetBy;

use super::*;
use crate::imports::{NDJSON, done, outcomes};

const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
const ARGON2: &str = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ";
const COSTLY: &str =
    "$argon2id$v=19$m=1048576,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ";
const PBKDF2: &str =
    "$pbkdf2-sha256$i=600000,l=32$c2FsdHNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Imports one user for each hash, as `hashes` says, and gives the outcomes of the rows.
async fn import(post: &Post, hashes: &str, rows: &[(&str, &str)]) -> Vec<String> {
    let admin = post.service.client(TENANT, "users:read users:write administrator").await;
    let lines = rows.iter().map(|(name, hash)| {
        json!({ "username": name, "attributes": { "common": { "old": [hash] } } }).to_string()
    });
    let file = lines.collect::<Vec<_>>().join("\n");
    let (_, rows) = done(&admin, &format!("hashes={hashes}"), NDJSON, file).await;
    outcomes(&rows)
}

async fn user(post: &Post, username: &str) -> Value {
    let path = format!("/identity/users/by/username/{username}");
    post.crm.get(&path).await.is(200).json()
}

async fn password(post: &Post, username: &str) -> Option<String> {
    let id = user(post, username).await["id"].as_str().unwrap().parse().unwrap();
    post.service.table.find_password(&tenant(), id).await.unwrap()
}

async fn adopted(post: &Post, dry_run: bool) -> Adoption {
    let app = post.service.app();
    Box::pin(adopt(&app, &tenant(), "common.old", dry_run)).await.unwrap()
}

#[tokio::test]
async fn g31_imported_hashes_of_three_kinds_become_passwords_and_leave_the_profile() {
    let post = Post::open().await;
    post.crm.define("old", json!({ "data_format": "HASH" })).await;
    for (hashes, name, hash) in
        [("bcrypt", "b1", BCRYPT), ("argon2id", "a1", ARGON2), ("pbkdf2", "p1", PBKDF2)]
    {
        assert_eq!(import(&post, hashes, &[(name, hash)]).await, ["created"], "{hashes}");
    }
    assert_eq!(import(&post, "argon2id", &[("a2", COSTLY)]).await, ["created"]);
    let dry = adopted(&post, true).await;
    assert_eq!((dry.adopted, dry.kept, dry.refused.len()), (3, 0, 1));
    assert_eq!(password(&post, "b1").await, None);
    assert_eq!(adopted(&post, false).await, dry);
    for (name, hash) in [("b1", BCRYPT), ("a1", ARGON2), ("p1", PBKDF2)] {
        assert_eq!(password(&post, name).await.as_deref(), Some(hash), "{name}");
        let user = user(&post, name).await;
        assert_eq!(user["attributes"]["common"], Value::Null, "{name}");
        let id = user["id"].as_str().unwrap().parse().unwrap();
        let login = post.service.table.login_facts(&tenant(), id).await.unwrap().unwrap();
        assert_eq!(login.value.password.unwrap().set_by, SetBy::Import);
    }
    // What cannot be a password stays where it is; nothing else is left unsealed.
    let items = post.service.items().await;
    for hash in [BCRYPT, ARGON2, PBKDF2] {
        assert!(items.iter().all(|item| !item.contains(hash)), "{hash}");
    }
    assert!(items.iter().any(|item| item.contains(COSTLY)));
    post.service.check().await;
}

#[tokio::test]
async fn g31_a_person_who_has_a_password_keeps_it() {
    let post = Post::open().await;
    post.crm.define("old", json!({ "data_format": "HASH" })).await;
    import(&post, "bcrypt", &[("b1", BCRYPT)]).await;
    let id = user(&post, "b1").await["id"].as_str().unwrap().to_owned();
    post.service.give_password(&id, "sunlight over a quiet harbour").await;
    let before = password(&post, "b1").await;
    for dry_run in [true, false] {
        let done = adopted(&post, dry_run).await;
        assert_eq!((done.adopted, done.kept, done.refused.len()), (0, 1, 0));
    }
    assert_eq!(password(&post, "b1").await, before);
    assert_eq!(user(&post, "b1").await["attributes"]["common"]["old"], json!([{ "set": true }]));
}

#[tokio::test]
async fn g31_an_import_refuses_hashes_that_are_too_weak_or_of_another_kind() {
    let post = Post::open().await;
    post.crm.define("old", json!({ "data_format": "HASH" })).await;
    let weak = PBKDF2.replace("600000", "99999");
    let cheap = BCRYPT.replace("$10$", "$08$");
    for (hashes, wrong) in [
        ("pbkdf2", weak.as_str()),
        ("pbkdf2", BCRYPT),
        ("bcrypt", &cheap),
        ("bcrypt", ARGON2),
        ("argon2id", BCRYPT),
    ] {
        let refused = "error /attributes/common/old/0 wrong-format";
        assert_eq!(import(&post, hashes, &[("x1", wrong)]).await, [refused], "{hashes} {wrong}");
    }
    assert_eq!(adopted(&post, false).await, Adoption::default());
}

#[tokio::test]
async fn g62_no_value_becomes_the_password_of_somebody_with_rights() {
    let post = Post::open().await;
    post.crm.define("old", json!({ "data_format": "HASH" })).await;
    let admin = post.service.client(TENANT, "administrator").await;
    let boss = json!({ "personas": [{ "name": "administrator" }] });
    admin.create("/identity/users", tests::with(person("boss"), boss)).await;
    // The helpdesk writes the value, and knows it.
    let clerk = post.service.client(TENANT, "users:read users:write").await;
    let value = json!({ "attributes": { "common": { "old": ["correct horse battery"] } } });
    let path = "/identity/users/by/username/boss";
    clerk.patch(path, value).if_match("*").await.is(200);
    for dry_run in [true, false] {
        let adoption = adopted(&post, dry_run).await;
        assert_eq!((adoption.adopted, adoption.kept, adoption.refused.len()), (0, 0, 1));
        assert!(adoption.refused[0].1.contains("rights"), "{adoption:?}");
    }
    assert_eq!(password(&post, "boss").await, None);
    post.service.check().await;
}

#[tokio::test]
async fn g31_only_an_attribute_of_hashes_is_adopted() {
    let post = Post::open().await;
    post.crm.define("badge", json!({})).await;
    let app = post.service.app();
    for (attribute, due) in [
        ("common.badge", "expected an attribute of HASH"),
        ("common.none", "there is no attribute `common.none`"),
        ("none", "there is no attribute `none`"),
    ] {
        let error = Box::pin(adopt(&app, &tenant(), attribute, true)).await.unwrap_err();
        assert!(matches!(&error, Error::Conflict(why) if why.contains(due)), "{error}");
    }
}
