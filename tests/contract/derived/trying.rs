//! `POST /identity/config/workflows/{id}/test`

use serde_json::json;
use tests::{Service, TENANT};

use super::{FAILING, FULL_NAME, LOOPING, WORKFLOWS, answering, full_names, workflow};

#[tokio::test]
async fn a4_a_test_answers_output_time_and_memory_and_stores_nothing() {
    let (service, crm, workflow) = full_names().await;
    let before = service.items().await.len();
    let input = json!({ "input": { "given_name": "Jan", "family_name": "Janssen" } });
    let answer = crm.post(&workflow.below("test"), input.clone()).await.is(200);
    let body = answer.json();
    assert_eq!(body["output"], json!({ "fullname": ["Jan Janssen"] }));
    let milliseconds = body["milliseconds"].as_f64().expect("a number of milliseconds");
    assert!(milliseconds > 0.0 && milliseconds < 100.0, "{milliseconds}");
    assert!(body["memory_bytes"].as_u64().expect("a number of bytes") > 0);
    assert_eq!(body.as_object().unwrap().len(), 3);
    assert_eq!((answer.cost().1, service.items().await.len()), (0.0, before));
    assert_eq!(answer.header("etag"), None);
    // Who may read definitions may try them.
    service
        .client(TENANT, "config:read")
        .await
        .post(&workflow.below("test"), input.clone())
        .await
        .is(200);
    service.client(TENANT, "users:write").await.post(&workflow.below("test"), input).await.is(403);
}

#[tokio::test]
async fn a4_a_test_of_a_script_that_fails_says_why() {
    let crm = Service::start().await.crm().await;
    for (script, word) in [
        (FAILING.to_owned(), "line 2"),
        (LOOPING.to_owned(), "longer than"),
        (
            "function main(w) { var a = []; for (;;) a.push('x'.repeat(1e6) + a.length); }"
                .to_owned(),
            "memory",
        ),
        (answering("{ a: 1 }"), "array"),
    ] {
        let made = workflow(&crm, &script).await;
        let refused = crm.post(&made.below("test"), json!({ "input": {} })).await.is(422);
        assert_eq!(refused.violations(), ["/input derived-failed"], "{script}");
        assert!(refused.text().contains(word), "{script}: {}", refused.text());
        assert!(refused.text().contains(&made.id), "{script}: {}", refused.text());
    }
    // Names are not looked at: a workflow is tried before anything is linked to it.
    let made = workflow(&crm, &answering("{ anything: [p] }")).await;
    let answer =
        crm.post(&made.below("test"), json!({ "input": { "a": [1, null] } })).await.is(200);
    assert_eq!(answer.json()["output"], json!({ "anything": [{ "a": [1, null] }] }));
}

#[tokio::test]
async fn h2_a_test_without_its_parts_is_refused() {
    let crm = Service::start().await.crm().await;
    let made = workflow(&crm, FULL_NAME).await;
    for (body, due) in [
        (json!({}), "/input required"),
        (json!({ "input": [] }), "/input wrong-type"),
        (json!({ "input": null }), "/input required"),
        (json!({ "input": {}, "script": "x" }), "/script unknown"),
    ] {
        assert_eq!(
            crm.post(&made.below("test"), body.clone()).await.is(422).violations(),
            [due],
            "{body}"
        );
    }
    for id in ["0192f3c1-0000-7000-8000-0000000000aa", "x"] {
        crm.post(&format!("{WORKFLOWS}/{id}/test"), json!({ "input": {} })).await.is(404);
    }
    crm.get(&made.below("test")).await.is(405);
}
