//! `/identity/config/attribute-categories`

use serde_json::json;
use tests::Service;

const PATH: &str = "/identity/config/attribute-categories";

#[tokio::test]
async fn a_category_is_created_listed_changed_and_deleted() {
    let crm = Service::start().await.crm().await;
    let made = crm.create(PATH, json!({ "name": "work", "display_name": "Work" })).await;
    assert_eq!(made.body, json!({ "id": made.id, "name": "work", "display_name": "Work" }));
    let found = tests::without_tags(crm.read(&format!("{PATH}?name=work")).await);
    assert_eq!(found, json!({ "items": [made.body] }));
    assert_eq!(crm.read(PATH).await["items"].as_array().unwrap().len(), 2);

    let patched =
        crm.patch(&made.path, json!({ "display_name": null })).if_match(&made.tag).await.is(200);
    assert_eq!(patched.json()["display_name"], json!(null));
    let put = json!({ "id": made.id, "name": "work", "display_name": "At work" });
    let tag = crm.put(&made.path, put.clone()).if_match(&patched.tag()).await.is(200).tag();
    assert_eq!(crm.put(&made.path, put).if_match(&tag).await.is(200).cost().1, 0.0);
    crm.delete(&made.path).if_match(&made.tag).await.is(412);
    crm.delete(&made.path).if_match(&tag).await.is(204);
    crm.get(&made.path).await.is(404);
    crm.delete(&made.path).await.is(404);
}

#[tokio::test]
async fn common_exists_from_the_start_and_stays() {
    let crm = Service::start().await.crm().await;
    let common = crm.read(&format!("{PATH}?name=common")).await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = crm.delete(&format!("{PATH}/{common}")).await.is(409);
    assert_eq!(refused.slug(), "in-use");
}

#[tokio::test]
async fn a_category_with_attributes_cannot_be_deleted() {
    let crm = Service::start().await.crm().await;
    let work = crm.create(PATH, json!({ "name": "work" })).await;
    let badge = crm.define("badge", json!({ "category": "work" })).await;
    crm.delete(&work.path).await.is(409);
    crm.delete(&badge.path).await.is(204);
    crm.delete(&work.path).await.is(204);
}

#[tokio::test]
async fn names_are_checked_unique_and_immutable() {
    let crm = Service::start().await.crm().await;
    let work = crm.create(PATH, json!({ "name": "work" })).await;
    let refused = crm.post(PATH, json!({ "name": "work" })).await.is(409);
    assert_eq!(
        (refused.slug(), refused.violations()),
        ("already-exists".to_owned(), vec!["/name not-unique".to_owned()])
    );
    for wrong in ["", "Work", "1work", "wo_rk", "wo.rk", "wo/rk", &"w".repeat(64)] {
        assert_eq!(
            crm.post(PATH, json!({ "name": wrong })).await.is(422).violations(),
            ["/name wrong-format"],
            "{wrong}"
        );
    }
    let refused = crm.patch(&work.path, json!({ "name": "home" })).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/name immutable"]);
    let refused =
        crm.patch(&work.path, json!({ "id": "x", "colour": 1 })).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/colour unknown", "/id immutable"]);
}
