//! Many profiles at once, or selected parts of them.

use serde_json::{Value, json};
use tests::person;

use super::{DESK, SHOP, Shop};

impl Shop {
    fn bulk(&self, body: Value) -> tests::Call {
        self.crm.post(&format!("{SHOP}:bulk-search"), body)
    }
}

#[tokio::test]
async fn items_come_in_the_order_of_the_ids_and_who_is_not_there_is_missing() {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    let els = shop.crm.create("/identity/users", person("els")).await;
    issuer.link(&els.id, "els").await;
    issuer.link(&shop.jan.id, "jan").await;
    let other = shop.service.profile(&els.id, "shop").await;
    let desk = shop.service.profile(&els.id, "desk").await;
    let (other_id, desk_id) = (other.rsplit('/').next().unwrap(), desk.rsplit('/').next().unwrap());
    let ids = json!([
        other_id,
        shop.jan.id,
        shop.id(),
        "nonsense",
        issuer.base("els"),
        desk_id,
        issuer.base("nobody"),
        shop.id(),
        issuer.base("jan"),
    ]);
    let answer = shop.bulk(json!({ "ids": ids })).await.is(200);
    let (jan, els) = (shop.read().await, shop.crm.read(&other).await);
    assert_eq!(tests::without_tags(answer.json())["items"], json!([els, jan, els, jan, jan]));
    assert_eq!(
        answer.json()["missing"],
        json!([shop.jan.id, "nonsense", desk_id, issuer.base("nobody")])
    );
    assert_eq!(answer.header("etag"), None);
    let nobody = shop.bulk(json!({ "ids": [] })).await.is(200).json();
    assert_eq!(nobody, json!({ "items": [], "missing": [] }));
    shop.crm.post(&format!("{DESK}:bulk-search"), json!({ "ids": [desk_id] })).await.is(200);
}

#[tokio::test]
async fn what_is_selected_is_shown_and_the_id_always_is() {
    let shop = Shop::open().await;
    shop.crm.define("nick", json!({})).await;
    shop.crm.define("tag", json!({})).await;
    let patch = json!({
        "given_name": "Johannes", "attributes": { "common": { "nick": ["J"], "tag": ["t"] } },
        "system_attributes": { "points": ["7"], "tier": ["gold"] },
    });
    shop.patch(patch).await.is(200);
    let select = async |paths: Value| {
        let answer = shop.bulk(json!({ "ids": [shop.id()], "select": paths })).await.is(200);
        let mut item = tests::without_tags(answer.json())["items"][0].clone();
        assert_eq!(item.as_object_mut().unwrap().remove("id"), Some(json!(shop.id())));
        item
    };
    assert_eq!(
        select(json!(["given_name", "system_attributes.points"])).await,
        json!({ "given_name": "Johannes", "system_attributes": { "points": ["7"] } })
    );
    assert_eq!(
        select(json!(["attributes.common.nick"])).await,
        json!({ "attributes": { "common": { "nick": ["J"] } } })
    );
    assert_eq!(
        select(json!(["system_attributes.notes", "ui_locales"])).await,
        json!({ "system_attributes": {}, "ui_locales": null })
    );
    assert_eq!(select(json!([])).await, json!({}));
    let whole = select(json!([
        "attributes",
        "attributes.common.nick",
        "system_attributes",
        "system_attributes.points"
    ]))
    .await;
    assert_eq!(whole["attributes"], json!({ "common": { "nick": ["J"], "tag": ["t"] } }));
    assert_eq!(whole["system_attributes"], json!({ "points": ["7"], "tier": ["gold"] }));
    let fields = [
        "tenant_id",
        "system_id",
        "family_name",
        "preferred_email",
        "email_verified",
        "overrides",
        "created_at",
        "updated_at",
    ];
    let shown = select(json!(fields)).await;
    assert_eq!(shown.as_object().unwrap().len(), fields.len());
}

#[tokio::test]
async fn p4_what_is_not_there_cannot_be_selected() {
    let shop = Shop::open().await;
    let paths = json!([
        "username",
        "status",
        "personas",
        "attributes.common",
        "attributes.common.gone",
        "attributes.payroll.x",
        "system_attributes.gone",
        "given_name.x",
        "id",
    ]);
    let refused = shop.bulk(json!({ "ids": [shop.id()], "select": paths })).await.is(422);
    assert_eq!(
        refused.violations(),
        (0..8).map(|i| format!("/select/{i} unknown")).collect::<Vec<_>>()
    );
    let body = shop.bulk(json!({ "select": "x", "limit": 1 })).await.is(422);
    assert_eq!(body.violations(), ["/ids required", "/limit unknown", "/select wrong-type"]);
    let body = shop.bulk(json!({ "ids": [1, ""] })).await.is(422);
    assert_eq!(body.violations(), ["/ids/0 wrong-type", "/ids/1 wrong-format"]);
}

#[tokio::test]
async fn profiles_are_read_in_batches_and_not_one_by_one() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for i in 0..50 {
        let user = shop.crm.create_user(&format!("u{i}")).await;
        let path = shop.service.profile(&user.id, "shop").await;
        ids.push(path.rsplit('/').next().unwrap().to_owned());
    }
    shop.bulk(json!({ "ids": [] })).await.is(200);
    shop.service.faults.reset();
    let answer = shop.bulk(json!({ "ids": ids })).await.is(200);
    assert_eq!(answer.json()["items"].as_array().unwrap().len(), 50);
    assert_eq!(shop.service.faults.operations(), vec!["BatchGetItem"; 6]);
    assert_eq!(answer.cost(), (150.0, 0.0, 0.0));
}
