//! Limits (rule S1): each is an error with its number.

use serde_json::{Map, json};
use tests::Service;

use super::{QUERY, USERS};

#[tokio::test]
async fn s1_a_filter_has_at_most_ten_terms_and_two_kilobytes() {
    let crm = Service::start().await.crm().await;
    crm.create(USERS, json!({ "username": "jan" })).await;
    let terms = |count: usize| vec!["username eq \"jan\""; count].join(" or ");
    let inner = |count: usize| format!("personas[{}]", vec!["name pr"; count].join(" and "));
    let long = |bytes: usize| format!("username eq \"{}\"", "x".repeat(bytes - 14));
    let equal = |count: usize| (0..count).map(|i| (format!("attributes.common.a{i}"), json!(1))).collect::<Map<_, _>>();
    for fits in [terms(10), format!("{} and username eq \"jan\"", inner(9)), long(2048)] {
        crm.post(QUERY, json!({ "filter": fits })).await.is(200);
    }
    for (filter, limit) in [
        (json!(terms(11)), "11 terms, at most 10"),
        (json!(inner(11)), "11 terms, at most 10"),
        (json!(format!("{} and username eq \"jan\"", inner(10))), "11 terms, at most 10"),
        (json!(long(2049)), "2048 bytes"),
        (json!({ "username": "x".repeat(2048) }), "2048 bytes"),
    ] {
        let refused = crm.post(QUERY, json!({ "filter": filter })).await.is(400);
        assert_eq!(refused.slug(), "malformed-request");
        assert!(refused.field("detail").contains(limit), "{}", refused.text());
    }
    let many = crm.post(QUERY, json!({ "filter": equal(11) })).await.is(400);
    assert_eq!(many.slug(), "unsupported-filter", "what is not defined is said first");
}

#[tokio::test]
async fn s1_one_call_walks_past_a_thousand_users_and_no_further() {
    let crm = Service::start().await.crm().await;
    let mut running = tokio::task::JoinSet::new();
    for i in 0..1100 {
        let call = crm.post(USERS, json!({ "username": format!("u{i}") }));
        running.spawn(std::future::IntoFuture::into_future(call));
    }
    assert!(running.join_all().await.iter().all(|answer| answer.code() == 201));
    let mut body = json!({ "filter": "status eq \"BLOCKED\"", "limit": 100 });
    let first = crm.post(QUERY, body.clone()).await.is(200).json();
    assert_eq!((&first["items"], &first["scanned"]), (&json!([]), &json!(1000)));
    body["cursor"] = first["next_cursor"].clone();
    let second = crm.post(QUERY, body).await.is(200).json();
    assert_eq!(second, json!({ "items": [], "scanned": 100 }));
}
