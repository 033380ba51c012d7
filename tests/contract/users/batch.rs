//! `POST /identity/users/batch-get`.

use serde_json::{Value, json};
use tests::{Client, Service, TENANT, link, person};

const BATCH: &str = "/identity/users/batch-get";
const USERS: &str = "/identity/users";

async fn get(crm: &Client, ids: &[&str]) -> Value {
    crm.post(BATCH, json!({ "ids": ids })).await.is(200).json()
}

#[tokio::test]
async fn d4_users_come_in_the_order_of_the_ids_as_they_are_now() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut ids = Vec::new();
    for i in 0..60 {
        ids.push(crm.create_user(&format!("user{i}")).await.id);
    }
    let jan = crm.create(USERS, person("jan")).await;
    crm.patch(&jan.path, json!({ "given_name": "Johannes" })).if_match("*").await.is(200);
    let wanted: Vec<_> = ids.iter().rev().map(String::as_str).chain([jan.id.as_str()]).collect();
    let answer = get(&crm, &wanted).await;
    let found: Vec<_> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap())
        .collect();
    assert_eq!(found, wanted);
    assert_eq!(tests::without_tags(answer.clone())["items"][60], crm.read(&jan.path).await);
    assert_eq!(answer["missing"], json!([]));
}

#[tokio::test]
async fn d4_a_base_profile_id_stands_for_its_user_and_what_nobody_has_is_missing() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let (jan, gone) = (crm.create(USERS, person("jan")).await, crm.create_user("gone").await);
    crm.delete(&gone.path).await.is(204);
    let base = "a".repeat(64);
    crm.create(
        "/api/v1/sso/authentication-servers",
        json!({ "id": "corp", "name": "Corp", "subject_type": "predefined" }),
    )
    .await;
    link(&service.table, &jan.id, "corp", &base, true).await;
    let upper = jan.id.to_uppercase();
    let nobody = "b".repeat(64);
    let ids = [
        base.as_str(),
        "nonsense",
        &jan.id,
        &gone.id,
        &upper,
        &nobody,
        "0192f3c1-0000-7000-8000-000000000001",
    ];
    let answer = get(&crm, &ids).await;
    // An id that is named twice is answered twice.
    let items = answer["items"].as_array().unwrap();
    assert_eq!(
        items.iter().map(|user| user["id"].as_str().unwrap()).collect::<Vec<_>>(),
        [jan.id.as_str(); 3]
    );
    assert_eq!(
        answer["missing"],
        json!(["nonsense", gone.id, nobody, "0192f3c1-0000-7000-8000-000000000001"])
    );
    // D5: another tenant's ids are nobody's.
    service.create_tenant("globex").await;
    let stranger = service.client("globex", "users:read").await;
    assert_eq!(
        get(&stranger, &[&jan.id, &base]).await,
        json!({ "items": [], "missing": [jan.id, base] })
    );
}

#[tokio::test]
async fn e1_every_violation_of_the_question_is_listed() {
    let crm = Service::start().await.crm().await;
    let refused = crm.post(BATCH, json!({ "ids": [1, "", "x"], "limit": 3 })).await.is(422);
    assert_eq!(
        refused.violations(),
        ["/ids/0 wrong-type", "/ids/1 wrong-format", "/limit unknown"]
    );
    assert_eq!(crm.post(BATCH, json!({})).await.is(422).violations(), ["/ids required"]);
    assert_eq!(get(&crm, &[]).await, json!({ "items": [], "missing": [] }));
}

#[tokio::test]
async fn s1_a_batch_is_100_ids_and_as_many_bytes_as_an_answer_takes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let id = "0192f3c1-0000-7000-8000-000000000001";
    assert_eq!(get(&crm, &[id; 100]).await["missing"].as_array().unwrap().len(), 100);
    let refused = crm.post(BATCH, json!({ "ids": vec![id; 101] })).await.is(422);
    assert_eq!(refused.violations(), ["/ids too-many"]);
    assert!(refused.text().contains("100"));

    crm.define("note", json!({})).await;
    let mut ids = Vec::new();
    for i in 0..16 {
        let values: Vec<_> = (0..12).map(|v| format!("{v}{}", "x".repeat(16_000))).collect();
        let body = json!({
            "username": format!("large{i}"), "attributes": { "common": { "note": values } }
        });
        ids.push(crm.create(USERS, body).await.id);
    }
    let refused = crm.post(BATCH, json!({ "ids": ids })).await.is(422);
    assert_eq!(refused.violations(), ["/ids too-large"]);
    let detail = refused.problem()["errors"][0]["detail"].as_str().unwrap().to_owned();
    let fit: usize =
        detail.split_whitespace().filter_map(|word| word.parse().ok()).next_back().unwrap();
    let fitting: Vec<_> = ids[..fit].iter().map(String::as_str).collect();
    assert_eq!(get(&crm, &fitting).await["items"].as_array().unwrap().len(), fit);
    assert_eq!(crm.post(BATCH, json!({ "ids": ids[..=fit] })).await.code(), 422);
}

#[tokio::test]
async fn a_batch_costs_one_unit_for_each_user_and_for_each_base_profile_id() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut ids = Vec::new();
    for i in 0..100 {
        ids.push(crm.create_user(&format!("user{i}")).await.id);
    }
    let cost = crm.post(BATCH, json!({ "ids": ids })).await.is(200).cost();
    assert_eq!(cost, (100.0, 0.0, 0.0));
    service.client(TENANT, "users:write").await.post(BATCH, json!({ "ids": [] })).await.is(403);
}
