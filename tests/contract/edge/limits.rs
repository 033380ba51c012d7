//! Limits: each is an error with its number, not a crash (rule S1).

use serde_json::{Map, Value, json};
use tests::{Answer, Service};

const USERS: &str = "/identity/users";

#[track_caller]
fn says(answer: &Answer, number: &str) {
    let text = answer.text();
    assert!(text.contains(number), "no {number} in {text}");
}

#[tokio::test]
async fn s1_a_user_has_at_most_20_personas() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let persona = |i: usize| json!({ "name": "employee", "scope": [format!("s{i}")] });
    let many = |n: usize| {
        json!({
            "username": "jan", "personas": (0..n).map(persona).collect::<Vec<_>>()
        })
    };

    let refused = crm.post(USERS, many(21)).await.is(422);
    assert_eq!(refused.violations(), ["/personas too-many"]);
    says(&refused, "20");
    let jan = crm.create(USERS, many(20)).await;
    let refused = crm.post(&jan.below("personas"), persona(20)).await.is(422);
    says(&refused, "20");
}

#[tokio::test]
async fn s1_a_user_owns_at_most_40_look_ups() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("tag", json!({ "search": "exact" })).await;
    let tagged = |n: usize| {
        let tags: Vec<_> = (0..n).map(|i| format!("tag{i}")).collect();
        json!({ "username": "jan", "attributes": { "common": { "tag": tags } } })
    };
    let refused = crm.post(USERS, tagged(40)).await.is(422);
    says(&refused, "40");
    let jan = crm.create(USERS, tagged(39)).await;
    let refused =
        crm.patch(&jan.path, json!({ "id_at_customer": "1" })).if_match(&jan.tag).await.is(422);
    says(&refused, "40");

    // All of them can change at once.
    let others: Vec<_> = (100..139).map(|i| format!("tag{i}")).collect();
    let patch = json!({ "attributes": { "common": { "tag": others } } });
    crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(200);
    assert_eq!(service.check().await.lookups, 40);
    crm.delete(&jan.path).await.is(204);
    assert_eq!(service.check().await.lookups, 0);
}

#[tokio::test]
async fn s1_an_attribute_has_at_most_100_values_of_16_kb() {
    let crm = Service::start().await.crm().await;
    crm.define("note", json!({})).await;
    let with = |values: Vec<String>| {
        json!({
            "username": "jan", "attributes": { "common": { "note": values } }
        })
    };

    let refused = crm.post(USERS, with((0..101).map(|i| i.to_string()).collect())).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/note too-many"]);
    says(&refused, "100");
    let refused = crm.post(USERS, with(vec!["x".repeat(16 * 1024 + 1)])).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/note/0 too-long"]);
    says(&refused, "16384");
    crm.post(USERS, with((0..100).map(|i| i.to_string()).collect())).await.is(201);
    let mut body = with(vec!["x".repeat(16 * 1024)]);
    body["username"] = json!("piet");
    crm.post(USERS, body).await.is(201);
}

#[tokio::test]
async fn s1_a_user_takes_at_most_200_kb() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("note", json!({})).await;
    let notes =
        |n: usize| (0..n).map(|i| format!("{i:02}{}", "x".repeat(16_000))).collect::<Vec<_>>();
    let with =
        |n: usize| json!({ "username": "jan", "attributes": { "common": { "note": notes(n) } } });

    let refused = crm.post(USERS, with(13)).await.is(422);
    assert_eq!(refused.violations(), [" too-large"]);
    says(&refused, "204800");
    let jan = crm.create(USERS, with(12)).await;
    let patch = json!({ "attributes": { "common": { "note": notes(13) } } });
    crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(422);
    assert_eq!(
        crm.read(&jan.path).await["attributes"]["common"]["note"].as_array().unwrap().len(),
        12
    );
}

#[tokio::test]
async fn s1_a_user_has_at_most_200_attributes_those_of_its_personas_included() {
    let crm = Service::start().await.crm().await;
    let (mut ids, mut attributes) = (Vec::new(), Map::new());
    for i in 0..10 {
        ids.push(crm.define(&format!("a{i}"), json!({})).await.id);
        attributes.insert(format!("a{i}"), json!(["x"]));
    }
    crm.define_persona("employee", json!({ "scoped": true, "attributes": ids })).await;
    let persona = |i| {
        json!({
            "name": "employee", "scope": [format!("s{i}")], "attributes": { "common": attributes }
        })
    };
    let personas: Vec<_> = (0..20).map(persona).collect();
    let body = |own: Value| {
        json!({
            "username": "jan", "personas": personas, "attributes": { "common": own }
        })
    };

    let refused = crm.post(USERS, body(json!({ "a0": ["x"] }))).await.is(422);
    assert_eq!(refused.violations(), ["/attributes too-many"]);
    says(&refused, "200");
    let jan = crm.create(USERS, body(json!({}))).await;
    let patch = json!({ "attributes": { "common": { "a0": ["x"] } } });
    says(&crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(422), "200");
}

#[tokio::test]
async fn s1_a_filter_has_at_most_2_kb_and_10_terms() {
    let crm = Service::start().await.crm().await;
    let query = |filter: Value| crm.post("/identity/users/query", json!({ "filter": filter }));
    let terms = |n: usize| (0..n).map(|_| "username eq \"jan\"").collect::<Vec<_>>().join(" and ");

    says(&query(json!(terms(11))).await.is(400), "10");
    query(json!(terms(10))).await.is(200);
    says(&query(json!({ "username": "x".repeat(2048) })).await.is(400), "2048");
    says(&query(json!(format!("username eq \"{}\"", "x".repeat(2048)))).await.is(400), "2048");
}

#[tokio::test]
async fn s1_an_email_address_is_shared_by_at_most_100_users() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let body =
        |i: usize| json!({ "username": format!("jan{i}"), "preferred_email": "all@example.org" });
    for i in 0..100 {
        crm.create(USERS, body(i)).await;
    }
    let refused = crm.post(USERS, body(100)).await.is(422);
    assert_eq!(refused.violations(), ["/preferred_email too-many"]);
    says(&refused, "100");
    let piet = crm.create_user("piet").await;
    let join = json!({ "preferred_email": "all@example.org" });
    crm.patch(&piet.path, join.clone()).if_match(&piet.tag).await.is(422);

    let one = crm.find(json!({ "username": "jan7" })).await;
    crm.delete(&format!("{USERS}/{}", one[0]["id"].as_str().unwrap())).await.is(204);
    crm.patch(&piet.path, join).if_match(&piet.tag).await.is(200);
    assert_eq!(service.check().await.users, 100);
}

#[tokio::test]
async fn s1_texts_have_their_longest() {
    let crm = Service::start().await.crm().await;
    let long = "x".repeat(257);
    let email = format!("{}@example.org", "x".repeat(250));
    for (name, value, number) in [
        ("username", &long, "256"),
        ("family_name", &long, "256"),
        ("preferred_email", &email, "254"),
    ] {
        let mut body = json!({ "username": "jan" });
        body[name] = json!(value);
        says(&crm.post(USERS, body).await.is(422), number);
    }
}

#[tokio::test]
async fn s1_a_body_full_of_faults_gets_an_answer_that_arrives() {
    let crm = Service::start().await.crm().await;
    let user = crm.create_user("jan").await;
    let many = |count: usize| serde_json::Value::Array(vec![serde_json::json!({}); count]);
    let answer = crm
        .patch(&user.path, serde_json::json!({ "attribute_values": many(60_000) }))
        .if_match("*")
        .await
        .is(422);
    assert_eq!(answer.violations(), ["/attribute_values too-many"]);
    let unknown: serde_json::Map<_, _> =
        (0..20_000).map(|i| (format!("f{i}"), serde_json::json!(1))).collect();
    let answer =
        crm.patch(&user.path, serde_json::Value::Object(unknown)).if_match("*").await.is(422);
    assert_eq!(answer.violations().len(), 200);
}
