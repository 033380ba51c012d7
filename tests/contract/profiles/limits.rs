//! Limits, each with its number (rule S1).

use serde_json::{Value, json};

use super::{SHOP, Shop};

#[tokio::test]
async fn s1_values_are_at_most_100_of_16_kb_and_a_profile_200_kb() {
    let shop = Shop::open().await;
    let own = |values: Value| json!({ "system_attributes": values });
    let hundred: Vec<_> = (0..100).map(|i| i.to_string()).collect();
    shop.patch(own(json!({ "points": hundred }))).await.is(200);
    let more: Vec<_> = (0..101).map(|i| i.to_string()).collect();
    let many = shop.patch(own(json!({ "points": more }))).await.is(422);
    assert_eq!(many.violations(), ["/system_attributes/points too-many"]);
    assert!(many.text().contains("100"));
    shop.patch(own(json!({ "tier": ["x".repeat(16 * 1024)] }))).await.is(200);
    let long = shop.patch(own(json!({ "tier": ["x".repeat(16 * 1024 + 1)] }))).await.is(422);
    assert_eq!(long.violations(), ["/system_attributes/tier/0 too-long"]);
    assert!(long.text().contains("16384"));
    let kilobytes = |n: usize| {
        (0..n).map(|i| format!("{i:02}{}", "x".repeat(16 * 1024 - 2))).collect::<Vec<_>>()
    };
    shop.patch(own(json!({ "points": null, "notes": kilobytes(11) }))).await.is(200);
    let whole = shop.patch(own(json!({ "risk": kilobytes(2) }))).await.is(422);
    assert_eq!(whole.violations(), [" too-large"]);
    assert!(whole.text().contains("204800"));
}

#[tokio::test]
async fn s1_a_profile_owns_at_most_40_look_ups() {
    let shop = Shop::open().await;
    shop.crm.define("tag", json!({ "search": "exact" })).await;
    let tags = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let patch = |n: usize| {
        shop.patch(json!({ "given_name": "X", "attributes": { "common": { "tag": tags(n) } } }))
    };
    let many = patch(40).await.is(422);
    assert_eq!(many.violations(), [" too-many"]);
    assert!(many.text().contains("40"));
    patch(39).await.is(200);
    // All of them exchanged at once.
    let others: Vec<_> = (100..139).map(|i| i.to_string()).collect();
    shop.patch(json!({ "given_name": "Y", "attributes": { "common": { "tag": others } } }))
        .await
        .is(200);
    let report = shop.service.check().await;
    shop.patch(json!({ "given_name": null, "attributes": { "common": { "tag": null } } }))
        .await
        .is(200);
    assert_eq!(shop.service.check().await.lookups, report.lookups - 40);
}

#[tokio::test]
async fn s1_a_call_names_at_most_100_profiles() {
    let shop = Shop::open().await;
    let ids = |n: usize| vec![shop.id(); n];
    let ask = |body: Value| shop.crm.post(&format!("{SHOP}:bulk-search"), body);
    assert_eq!(
        ask(json!({ "ids": ids(100) })).await.is(200).json()["items"].as_array().unwrap().len(),
        100
    );
    let many = ask(json!({ "ids": ids(101) })).await.is(422);
    assert_eq!(many.violations(), ["/ids too-many"]);
    assert!(many.text().contains("100"));
}

#[tokio::test]
async fn s1_an_answer_that_would_be_too_large_says_how_much_fits() {
    let shop = Shop::open().await;
    let text: Vec<_> = (0..11).map(|i| format!("{i:02}{}", "x".repeat(16 * 1024 - 2))).collect();
    shop.patch(json!({ "system_attributes": { "notes": text } })).await.is(200);
    let ask = |ids: usize, select: Value| {
        shop.crm.post(
            &format!("{SHOP}:bulk-search"),
            json!({ "ids": vec![shop.id(); ids], "select": select }),
        )
    };
    let large = ask(100, Value::Null).await.is(422);
    assert_eq!(large.violations(), ["/ids too-large"]);
    assert!(large.text().contains("ask for 13 profiles"), "{}", large.text());
    ask(13, Value::Null).await.is(200);
    ask(14, Value::Null).await.is(422);
    ask(100, json!(["given_name"])).await.is(200);
}
