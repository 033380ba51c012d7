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
    let equal = |count: usize| {
        (0..count).map(|i| (format!("attributes.common.a{i}"), json!(1))).collect::<Map<_, _>>()
    };
    for fits in [terms(10), format!("{} and username eq \"jan\"", inner(9)), long(2048)] {
        crm.post(QUERY, json!({ "filter": fits })).await.is(200);
    }
    for (filter, limit) in [
        (json!(terms(11)), "expected at most 10 terms, found 11"),
        (json!(inner(11)), "expected at most 10 terms, found 11"),
        (
            json!(format!("{} and username eq \"jan\"", inner(10))),
            "expected at most 10 terms, found 11",
        ),
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
