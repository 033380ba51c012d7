//! Forgetting in one system.

use serde_json::json;

use super::{SHOP, Shop, by};

#[tokio::test]
async fn d7_d9_forgetting_in_a_system_leaves_the_base_and_other_systems_and_the_id_is_gone_for_ever()
 {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    issuer.link(&shop.jan.id, "jan").await;
    let desk = shop.service.profile(&shop.jan.id, "desk").await;
    let before = shop.crm.get(&shop.jan.path).await.is(200);
    let own = json!({
        "given_name": "Zebedeus", "preferred_email": "zebedeus@shop.example",
        "system_attributes": { "notes": ["Zebra"] }
    });
    shop.patch(own).await.is(200);

    let tag = shop.crm.tag_of(&shop.path).await;
    shop.crm.delete(&shop.path).if_match("\"old\"").await.is(412);
    let forgotten = shop.crm.delete(&shop.path).if_match(&tag).await.is(204);
    assert!(forgotten.body.is_empty());
    for call in [shop.crm.get(&shop.path), shop.crm.delete(&shop.path), shop.patch(json!({}))] {
        call.await.is(404);
    }
    shop.crm.get(&format!("{SHOP}/{}", issuer.base("jan"))).await.is(404);
    shop.crm.get(&by(SHOP, "given_name eq \"Zebedeus\"")).await.is(404);
    shop.crm.get(&by(SHOP, "given_name eq \"Jan\"")).await.is(404);
    let after = shop.crm.get(&shop.jan.path).await.is(200);
    assert_eq!((after.json(), after.tag()), (before.json(), before.tag()));
    shop.crm.get(&desk).await.is(200);
    for item in shop.service.items().await {
        let folded = item.to_lowercase();
        assert!(
            !folded.contains("zeb") && !folded.contains(shop.id()) && !folded.contains("sys#shop"),
            "{item}"
        );
    }
    shop.service.check().await;

    // A new system profile has another id, and no values of the deleted one.
    let again = shop.service.profile(&shop.jan.id, "shop").await;
    assert_ne!(again, shop.path);
    shop.crm.get(&shop.path).await.is(404);
    let back = shop.crm.read(&again).await;
    assert_eq!((&back["given_name"], &back["system_attributes"]), (&json!("Jan"), &json!({})));
}

#[tokio::test]
async fn a_profile_is_forgotten_by_a_base_profile_id_too() {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    issuer.link(&shop.jan.id, "jan").await;
    shop.crm.delete(&format!("{SHOP}/{}", issuer.base("jan"))).await.is(204);
    shop.crm.get(&shop.path).await.is(404);
    shop.crm.delete(&format!("{SHOP}/{}", shop.jan.id)).await.is(404);
}

#[tokio::test]
async fn forgetting_costs_what_is_taken_away() {
    let shop = Shop::open().await;
    shop.service.end_audit().await;
    shop.service.clock.advance(31);
    shop.crm.get(&shop.path).await.is(200);
    assert_eq!(shop.crm.get(&shop.path).await.is(200).cost(), (3.0, 0.0, 0.0));
    // The look-up of the id, the base profile and the profile; the profile itself and a check of
    // the base.
    assert_eq!(shop.patch(json!({ "ui_locales": "nl" })).await.is(200).cost(), (3.0, 4.0, 0.0));
    assert_eq!(shop.patch(json!({ "given_name": "X" })).await.is(200).cost(), (3.0, 6.0, 0.0));
    assert_eq!(shop.patch(json!({ "given_name": "Y" })).await.is(200).cost(), (3.0, 8.0, 0.0));
    assert_eq!(shop.crm.delete(&shop.path).await.is(204).cost(), (4.0, 8.0, 0.0));
}
