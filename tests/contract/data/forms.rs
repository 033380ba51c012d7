//! Index entries of an earlier form, as functions of the version before write them: they are found,
//! brought into the form of today by the sweeper, and never let two users have one value.

use std::collections::BTreeSet;

use serde_json::json;
use shared::domain::error::Violations;
use shared::domain::id::UserId;
use shared::domain::lookup::{self, Lookup};
use shared::domain::schema::LookupForms;
use shared::store::{Condition, Item, Key, Write, keys};
use sweeper::ROLLOUT_SECONDS;
use tests::{Client, Resource, Service, TENANT};

use super::{TWINS, USERS, count, service};

/// How long functions may still write by the configuration before, and more.
const SETTLED: i64 = 61;

fn body(name: &str, text: &str) -> serde_json::Value {
    let address = format!("{text}@example.org");
    json!({
        "username": name, "preferred_email": &address,
        "attributes": { "common": { "mail": [&address], "note": [format!("{text}\n")] } }
    })
}

/// Takes the entries of today away from a user, as a write of the version before does.
async fn as_before(service: &Service, user: &Resource) {
    let (table, tenant) = (&service.table, TENANT.parse().unwrap());
    let id: UserId = user.id.parse().unwrap();
    let schema = table.schema(&tenant).await.unwrap();
    let stored = table.get_user(&tenant, id).await.unwrap();
    let mut owned = stored.lookups().clone();
    let gone = lookup::missing(&stored.value, &schema, &BTreeSet::new());
    let gone: Vec<_> = gone.into_iter().filter(|entry| owned.remove(entry)).collect();
    let item = Item::at(&Key::user(&tenant, id))
        .versioned(&stored.unchanged())
        .texts("ix", owned.iter().map(ToString::to_string))
        .listed(keys::listing(&tenant, id), stored.value.updated_at.to_string());
    // Around the pipeline, which knows the forms.
    service.put_item(item.into_attributes()).await;
    let gone = gone.into_iter().map(|entry| {
        let key = Key::lookup(&tenant, &entry, id);
        match entry {
            Lookup::Email { .. } => Write::Leave(key, id),
            _ => Write::Delete(key, Condition::Owner(id)),
        }
    });
    let gone: Vec<_> = gone.collect();
    if !gone.is_empty() {
        table.commit(gone).await.unwrap();
    }
}

async fn lookups(service: &Service, user: &Resource) -> BTreeSet<Lookup> {
    let (tenant, id) = (TENANT.parse().unwrap(), user.id.parse().unwrap());
    service.table.get_user(&tenant, id).await.unwrap().lookups().clone()
}

/// Whether a user is found by its values, each spelt so.
async fn is_found(crm: &Client, text: &str) -> [usize; 3] {
    let address = format!("{text}@example.org");
    [
        count(crm, json!({ "preferred_email": address })).await,
        count(crm, json!({ "attributes.common.mail": address })).await,
        count(crm, json!({ "attributes.common.note": format!("{text}\n") })).await,
    ]
}

#[tokio::test]
async fn dt4_the_sweeper_renews_index_entries_and_nothing_else() {
    let (service, crm) = service().await;
    let mut users = Vec::new();
    for (i, (_, decomposed)) in TWINS.into_iter().enumerate() {
        let user = crm.create(USERS, body(&format!("u{i}"), decomposed)).await;
        as_before(&service, &user).await;
        assert_eq!(is_found(&crm, decomposed).await, [1, 1, 1], "as it is spelt it is found");
        users.push(user);
    }
    let plain = crm.create_user("plain").await;
    assert_eq!((service.check().await.waiting, service.sweep().await.reindexed), (TWINS.len(), 0));
    service.clock.advance(SETTLED);
    assert_eq!(service.sweep().await.reindexed, TWINS.len() as u64);
    let crm = crm.with_token().await;
    for (user, (composed, decomposed)) in users.iter().zip(TWINS) {
        for text in [composed, decomposed] {
            assert_eq!(is_found(&crm, text).await, [1, 1, 1], "{text}");
        }
        let now = crm.get(&user.path).await.is(200);
        assert_eq!((now.tag(), now.json()), (user.tag.clone(), user.body.clone()));
        assert_eq!(service.version_of(&user.id).await, 3);
    }
    assert_eq!(service.version_of(&plain.id).await, 1);
    let report = service.check().await;
    assert_eq!((report.waiting, report.forms), (0, LookupForms::Both));
    // A function of the version before writes once more.
    as_before(&service, &users[0]).await;
    assert_eq!(service.sweep().await.reindexed, 0);
    service.clock.advance(ROLLOUT_SECONDS);
    service.sweep().await;
    service.sweep().await;
    service.clock.advance(SETTLED);
    assert_eq!(service.sweep().await.reindexed, TWINS.len() as u64);
    service.sweep().await;
    let report = service.check().await;
    assert_eq!((report.waiting, report.forms), (0, LookupForms::Complete));
    let crm = crm.with_token().await;
    let (tenant, due) = (TENANT.parse().unwrap(), 1);
    let schema = service.table.schema(&tenant).await.unwrap();
    for (user, (composed, decomposed)) in users.iter().zip(TWINS) {
        for text in [composed, decomposed] {
            assert_eq!(is_found(&crm, text).await, [due; 3], "{text}");
        }
        let id = user.id.parse().unwrap();
        let stored = service.table.get_user(&tenant, id).await.unwrap();
        let all = lookup::of(&stored.value, &schema, &mut Violations::default());
        assert_eq!(lookups(&service, user).await, all);
        assert_eq!(crm.tag_of(&user.path).await, user.tag);
    }
    assert_eq!(service.version_of(&plain.id).await, 1);
    // A change of the configuration keeps what is reached.
    crm.define("more", json!({})).await;
    assert_eq!(service.check().await.forms, LookupForms::Complete);
}

#[tokio::test]
async fn dt4_two_users_who_have_one_value_keep_what_they_have_and_are_told_of() {
    let (service, crm) = service().await;
    let (composed, decomposed) = TWINS[0];
    let first = crm.create(USERS, body("first", decomposed)).await;
    as_before(&service, &first).await;
    let second = crm.create(USERS, body("second", composed)).await;
    let before = crm.read(&first.path).await;
    service.sweep().await;
    service.clock.advance(SETTLED);
    service.sweep().await;
    let crm = crm.with_token().await;
    assert_eq!(crm.read(&first.path).await, before);
    let verify = async || {
        let tenant = TENANT.parse().unwrap();
        maintenance::check::verify(&service.table, &tenant).await.unwrap().problems
    };
    let problems = verify().await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("one unique value in two spellings"), "{problems:?}");
    // Neither is kept from other changes, nor is the value given once more.
    for user in [&first, &second] {
        let patch = json!({ "given_name": "An" });
        crm.patch(&user.path, patch).if_match("*").await.is(200);
    }
    for text in [composed, decomposed] {
        let refused = crm.post(USERS, body("third", text)).await.is(409);
        assert_eq!(refused.violations(), ["/attributes/common/mail not-unique"]);
    }
    service.clock.advance(ROLLOUT_SECONDS);
    for _ in 0..4 {
        service.sweep().await;
        service.clock.advance(SETTLED);
    }
    let crm = crm.with_token().await;
    assert_eq!(verify().await.len(), 1);
    // When one of the users gives the value up, the check finds no fault.
    let patch = json!({ "attributes": { "common": { "mail": ["other@example.org"] } } });
    crm.patch(&first.path, patch).if_match("*").await.is(200);
    assert_eq!(verify().await, Vec::<String>::new());
    crm.post(USERS, body("third", decomposed)).await.is(409);
    service.check().await;
}
