//! `POST /identity/users/{user_id}/block` and `…/unblock`

use serde_json::json;
use tests::{Service, person};

#[tokio::test]
async fn a_user_is_blocked_and_unblocked_and_repeating_changes_nothing() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;

    let blocked = crm.act(&jan.below("block")).await.is(200);
    assert_eq!(blocked.field("status"), "BLOCKED");
    assert_ne!(blocked.tag(), jan.tag);
    let again = crm.act(&jan.below("block")).await.is(200);
    assert_eq!((again.tag(), again.json(), again.cost().1), (blocked.tag(), blocked.json(), 0.0));

    let free = crm.act(&jan.below("unblock")).if_match(&blocked.tag()).await.is(200);
    assert_eq!(free.field("status"), "ACTIVE");
    assert_eq!(crm.act(&jan.below("unblock")).await.is(200).tag(), free.tag());
    assert_eq!(crm.tag_of(&jan.path).await, free.tag());
}

#[tokio::test]
async fn a_blocked_user_keeps_its_values_and_can_be_read_and_changed() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create("/identity/users", person("jan")).await;
    crm.act(&jan.below("block")).await.is(200);
    assert_eq!(crm.find(json!({ "username": "jan" })).await.len(), 1);
    let patched = crm.patch(&jan.path, json!({ "given_name": "J" })).if_match("*").await.is(200);
    assert_eq!(patched.field("status"), "BLOCKED");
    crm.act("/identity/users/0192f3c1-0000-7000-8000-000000000001/block").await.is(404);
    crm.act("/identity/users/jan/block").await.is(404);
}
