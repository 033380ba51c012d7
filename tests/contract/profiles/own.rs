//! The attributes that a system declares, and who sees them.

use serde_json::{Value, json};
use shared::app::CACHE_SECONDS;

use super::Shop;

#[tokio::test]
async fn a_system_attribute_is_set_kept_and_removed_by_name() {
    let shop = Shop::open().await;
    let own = |values: Value| json!({ "system_attributes": values });
    let set =
        shop.patch(own(json!({ "points": ["7", "8"], "tier": ["gold"] }))).await.is(200).json();
    assert_eq!(set["system_attributes"], json!({ "points": ["7", "8"], "tier": ["gold"] }));
    assert_eq!(set["overrides"], json!([]));
    let kept = shop.patch(own(json!({ "points": ["9"] }))).await.is(200).json();
    assert_eq!(kept["system_attributes"], json!({ "points": ["9"], "tier": ["gold"] }));
    let gone = shop.patch(own(json!({ "points": null, "tier": [] }))).await.is(200).json();
    assert_eq!(gone["system_attributes"], json!({}));
    let desk = shop.service.profile(&shop.jan.id, "desk").await;
    shop.crm.patch(&desk, own(json!({ "points": ["1"] }))).if_match("*").await.is(200);
    assert_eq!(shop.read().await["system_attributes"], json!({}), "each system has its own");
}

#[tokio::test]
async fn a_system_attribute_is_an_array_of_texts() {
    let shop = Shop::open().await;
    let own = |values: Value| json!({ "system_attributes": values });
    let wrong = own(json!({
        "points": "7", "tier": [{}], "notes": ["", "a\u{0}"], "risk": ["x", "x"], "Other": ["x"]
    }));
    assert_eq!(
        shop.patch(wrong).await.is(422).violations(),
        [
            "/system_attributes/Other unknown",
            "/system_attributes/notes/0 wrong-format",
            "/system_attributes/notes/1 wrong-format",
            "/system_attributes/points wrong-type",
            "/system_attributes/risk/1 not-allowed",
            "/system_attributes/tier/0 wrong-type",
        ]
    );
    assert_eq!(
        shop.patch(own(json!(["x"]))).await.is(422).violations(),
        ["/system_attributes wrong-type"]
    );
}

#[tokio::test]
async fn a_client_sees_writes_and_selects_attributes_up_to_its_max_classifier() {
    let shop = Shop::open().await;
    let all = json!({ "points": ["1"], "tier": ["2"], "notes": ["3"], "risk": ["4"] });
    shop.patch(json!({ "system_attributes": all })).await.is(200);
    let low = shop.client_with(json!({ "max_classifier": "LOW" })).await;
    let seen = low.read(&shop.path).await;
    assert_eq!(seen["system_attributes"], json!({ "points": ["1"], "tier": ["2"] }));
    let found = low.read(&super::by(super::SHOP, &format!("id eq \"{}\"", shop.id()))).await;
    assert_eq!(found, seen);

    // Attributes that the client may not see do not exist for it.
    let bulk = |select: Value| {
        low.post(
            &format!("{}:bulk-search", super::SHOP),
            json!({ "ids": [shop.id()], "select": select }),
        )
    };
    let items = bulk(json!(["system_attributes", "system_attributes.tier"])).await.is(200).json();
    assert_eq!(items["items"][0]["system_attributes"], json!({ "points": ["1"], "tier": ["2"] }));
    let hidden =
        bulk(json!(["system_attributes.risk", "system_attributes.unheard-of"])).await.is(422);
    assert_eq!(hidden.violations(), ["/select/0 unknown", "/select/1 unknown"]);
    for value in [json!(["5"]), Value::Null, json!([])] {
        let write = low
            .patch(&shop.path, json!({ "system_attributes": { "risk": value } }))
            .if_match("*")
            .await
            .is(422);
        assert_eq!(write.violations(), ["/system_attributes/risk unknown"]);
    }

    // A PUT of what it sees keeps what it does not see.
    let put = low
        .put(&shop.path, json!({ "system_attributes": { "tier": ["5"] } }))
        .if_match("*")
        .await
        .is(200)
        .json();
    assert_eq!(put["system_attributes"], json!({ "tier": ["5"] }));
    assert_eq!(
        shop.read().await["system_attributes"],
        json!({ "tier": ["5"], "notes": ["3"], "risk": ["4"] })
    );
}

#[tokio::test]
async fn what_a_system_no_longer_declares_is_not_there_until_it_does_again() {
    let shop = Shop::open().await;
    shop.patch(json!({ "system_attributes": { "points": ["1"], "tier": ["2"] } })).await.is(200);
    let declare = async |names: &[&str]| {
        let declared: Vec<_> =
            names.iter().map(|name| json!({ "name": name, "classifier": "LOW" })).collect();
        let patch = json!({ "attributes_definition": declared });
        shop.crm.patch("/identity/config/systems/shop", patch).if_match("*").await.is(200);
        shop.service.clock.advance(CACHE_SECONDS);
    };
    declare(&["tier"]).await;
    assert_eq!(shop.read().await["system_attributes"], json!({ "tier": ["2"] }));
    let named = shop.patch(json!({ "system_attributes": { "points": ["3"] } })).await.is(422);
    assert_eq!(named.violations(), ["/system_attributes/points unknown"]);
    shop.crm.put(&shop.path, json!({})).if_match("*").await.is(200);
    declare(&["points", "tier"]).await;
    assert_eq!(shop.read().await["system_attributes"], json!({ "points": ["1"] }));
}
