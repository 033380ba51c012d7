//! The fields that a system profile shows.

use serde_json::json;

use super::{SHOP, Shop};

#[tokio::test]
async fn a_profile_shows_what_it_inherits_and_nothing_of_who_the_person_is_elsewhere() {
    let shop = Shop::open().await;
    let answer = shop.crm.get(&shop.path).await.is(200);
    assert_eq!(
        answer.json(),
        json!({
            "id": shop.id(), "tenant_id": "acme", "system_id": "shop", "family_name": "Janssen",
            "given_name": "Jan",
            "ui_locales": null, "preferred_email": "jan@example.org", "email_verified": false,
            "attributes": {},
            "system_attributes": {}, "overrides": [], "created_at": "2026-11-21T10:00:00.000Z",
            "updated_at": "2026-11-21T10:00:00.000Z",
        })
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(shop.crm.call("HEAD", &shop.path).await.is(200).tag(), answer.tag());
}

#[tokio::test]
async fn d4_a_change_of_the_base_profile_shows_at_once_and_moves_the_tag() {
    let shop = Shop::open().await;
    shop.crm.define("nick", json!({})).await;
    let before = shop.crm.get(&shop.path).await.is(200);
    shop.service.clock.advance(1);
    shop.patch_base(
        json!({ "given_name": "Johan", "attributes": { "common": { "nick": ["J"] } } }),
    )
    .await;
    let after = shop.crm.on(&shop.service.instance()).get(&shop.path).await.is(200);
    assert_ne!(before.tag(), after.tag());
    assert_eq!(after.json()["given_name"], "Johan");
    assert_eq!(after.json()["attributes"], json!({ "common": { "nick": ["J"] } }));
    assert_eq!(after.json()["updated_at"], "2026-11-21T10:00:01.000Z");
    assert_eq!(
        shop.crm.get(&shop.path).if_none_match(&after.tag()).await.is(304).tag(),
        after.tag()
    );
    shop.crm.get(&shop.path).if_none_match(&before.tag()).await.is(200);
}

#[tokio::test]
async fn a_profile_is_read_by_a_base_profile_id_too_and_never_by_the_id_of_the_user() {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    issuer.link(&shop.jan.id, "user-1").await;
    let by_base = shop.crm.get(&format!("{SHOP}/{}", issuer.base("user-1"))).await.is(200);
    assert_eq!(by_base.json(), shop.read().await);
    assert_eq!(by_base.tag(), shop.crm.tag_of(&shop.path).await);
    for unknown in [
        &shop.jan.id,
        &issuer.base("user-2"),
        "x",
        &"f".repeat(64),
        "00000000-0000-4000-8000-000000000000",
    ] {
        shop.crm.get(&format!("{SHOP}/{unknown}")).await.is(404);
    }
    let upper = shop.id().to_uppercase();
    assert_eq!(shop.crm.read(&format!("{SHOP}/{upper}")).await, shop.read().await);
}

#[tokio::test]
async fn a_user_without_a_profile_in_the_system_is_not_found_there() {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    let els = shop.crm.create_user("els").await;
    issuer.link(&els.id, "user-2").await;
    shop.crm.get(&format!("{SHOP}/{}", issuer.base("user-2"))).await.is(404);
    shop.service.profile(&els.id, "shop").await;
    shop.crm.get(&format!("{SHOP}/{}", issuer.base("user-2"))).await.is(200);
}

#[tokio::test]
async fn d7_a_forgotten_person_has_no_profile_anywhere() {
    let shop = Shop::open().await;
    shop.crm.delete(&shop.jan.path).await.is(204);
    shop.crm.get(&shop.path).await.is(404);
    shop.patch(json!({})).await.is(404);
    shop.crm.delete(&shop.path).await.is(404);
}

#[tokio::test]
async fn a_system_that_was_declared_a_moment_ago_is_known_to_every_instance() {
    let shop = Shop::open().await;
    let other = shop.crm.on(&shop.service.instance());
    other.get(&shop.path).await.is(200);
    shop.service.system("till", &[]).await;
    let path = shop.service.profile(&shop.jan.id, "till").await;
    other.get(&path).await.is(200);
}
