//! People and their own profiles.

use serde_json::json;
use tests::{Person, person};

use super::{DESK, SHOP, Shop};

impl Shop {
    /// Jan with a token.
    async fn person(&self) -> Person {
        let issuer = self.service.issuer("corp", "predefined").await;
        issuer.link(&self.jan.id, "jan").await;
        issuer.person("jan", json!({}))
    }
}

#[tokio::test]
async fn a_person_reads_the_own_profile_once_there_is_one() {
    let shop = Shop::open().await;
    let jan = shop.person().await;
    let me = jan.call("GET", &format!("{SHOP}/me")).await.is(200);
    assert_eq!((me.json(), me.tag()), (shop.read().await, shop.crm.tag_of(&shop.path).await));
    jan.call("GET", &format!("{SHOP}/me")).if_none_match(&me.tag()).await.is(304);
    jan.call("GET", &format!("{DESK}/me")).await.is(404);
    jan.call("GET", "/api/v1/tenants/acme/systems/unheard-of/users/me").await.is(404);
    jan.call("GET", "/api/v1/tenants/other/systems/shop/users/me").await.is(404);
    assert_eq!(shop.crm.get(&format!("{SHOP}/me")).await.is(403).slug(), "not-allowed");
    let stranger = shop.service.issuer("club", "predefined").await.person("x", json!({}));
    stranger.call("GET", &format!("{SHOP}/me")).await.is(404);
}

#[tokio::test]
async fn a_person_sees_every_declared_attribute_and_no_hidden_one() {
    let shop = Shop::open().await;
    let jan = shop.person().await;
    shop.crm.define("hidden", json!({ "hidden": true })).await;
    shop.crm.define("open", json!({})).await;
    let attributes = json!({ "common": { "hidden": ["h"], "open": ["o"] } });
    shop.patch(json!({ "attributes": attributes, "system_attributes": { "risk": ["9"] } }))
        .await
        .is(200);
    let me = jan.call("GET", &format!("{SHOP}/me")).await.is(200).json();
    assert_eq!(me["attributes"], json!({ "common": { "open": ["o"] } }));
    assert_eq!(me["overrides"], json!(["attributes.common.open"]));
    assert_eq!(me["system_attributes"], json!({ "risk": ["9"] }));
    let list = shop.crm.read("/identity/config/attribute-definitions?name=family_name").await;
    let path = format!(
        "/identity/config/attribute-definitions/{}",
        list["items"][0]["id"].as_str().unwrap()
    );
    shop.crm.patch(&path, json!({ "hidden": true })).if_match("*").await.is(200);
    shop.patch(json!({ "family_name": "X" })).await.is(200);
    let me =
        jan.on(&shop.service.instance()).call("GET", &format!("{SHOP}/me")).await.is(200).json();
    assert_eq!(me.get("family_name"), None);
    assert_eq!(me["overrides"], json!(["attributes.common.open"]));
    assert_eq!(shop.crm.on(&shop.service.instance()).read(&shop.path).await["family_name"], "X");
}

#[tokio::test]
async fn a_person_forgets_the_own_profile_and_no_other() {
    let shop = Shop::open().await;
    let jan = shop.person().await;
    let els = shop.crm.create("/identity/users", person("els")).await;
    let other = shop.service.profile(&els.id, "shop").await;
    jan.call("DELETE", &other).await.is(404);
    jan.call("DELETE", &shop.path).if_match("\"old\"").await.is(412);
    jan.call("DELETE", &shop.path).await.is(204);
    jan.call("GET", &format!("{SHOP}/me")).await.is(404);
    jan.call("DELETE", &shop.path).await.is(404);
    shop.crm.get(&other).await.is(200);
    shop.crm.get(&shop.jan.path).await.is(200);
}

#[tokio::test]
async fn a_person_does_nothing_else_with_profiles() {
    let shop = Shop::open().await;
    let jan = shop.person().await;
    jan.call("GET", &shop.path).await.is(401);
    jan.call("PATCH", &shop.path).json(json!({})).if_match("*").await.is(401);
    jan.call("PUT", &shop.path).json(json!({})).if_match("*").await.is(401);
    jan.call("POST", &format!("{SHOP}:bulk-search"))
        .json(json!({ "ids": [shop.id()] }))
        .await
        .is(401);
    jan.call("GET", &super::by(SHOP, "given_name eq \"Jan\"")).await.is(401);
}

#[tokio::test]
async fn a_blocked_person_is_told_so_and_clients_still_read_the_profile() {
    let shop = Shop::open().await;
    let jan = shop.person().await;
    shop.crm.act(&shop.jan.below("block")).await.is(200);
    for call in [jan.call("GET", &format!("{SHOP}/me")), jan.call("DELETE", &shop.path)] {
        assert_eq!(call.await.is(403).slug(), "user-blocked");
    }
    shop.crm.get(&shop.path).await.is(200);
}
