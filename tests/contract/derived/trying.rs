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
    // A client that may read definitions may try them.
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
        (answering("{ a: { b: { c: [] } } }"), "array"),
    ] {
        let made = workflow(&crm, &script).await;
        let refused = crm.post(&made.below("test"), json!({ "input": {} })).await.is(422);
        assert_eq!(refused.violations(), ["/input derived-failed"], "{script}");
        assert!(refused.text().contains(word), "{script}: {}", refused.text());
        assert!(refused.text().contains(&made.id), "{script}: {}", refused.text());
    }
    // As long as nothing is linked to a workflow, it answers with any names.
    let made = workflow(&crm, &answering("{ anything: [p] }")).await;
    let input = json!({ "attributes": { "crm": { "a": [1, null] } } });
    let answer = crm.post(&made.below("test"), json!({ "input": input })).await.is(200);
    assert_eq!(
        answer.json()["output"],
        json!({ "anything": [{ "attributes": { "crm": { "a": [1, null] }, "common": {} } }] })
    );
}

#[tokio::test]
async fn a27_a_test_judges_the_output_by_the_attributes_that_are_linked() {
    let crm = Service::start().await.crm().await;
    let script = answering("{ out: [p.given_name], oops: [1] }");
    let made = workflow(&crm, &script).await;
    let test = async |input: serde_json::Value| {
        crm.post(&made.below("test"), json!({ "input": input })).await
    };
    test(json!({ "given_name": "7" })).await.is(200);
    super::derive(&crm, "out", &made, json!({ "data_format": "NUMERIC" })).await;
    super::derive(&crm, "oops", &made, json!({})).await;
    test(json!({ "given_name": "7" })).await.is(200);
    let refused = test(json!({ "given_name": "Jan" })).await.is(422);
    assert_eq!(refused.violations(), ["/input derived-failed"]);
    assert!(refused.text().contains("decimal"), "{}", refused.text());
    // In both forms, and in the one in which the script finds it.
    for input in [
        json!({ "attributes": { "common": { "given_name": ["8"] } } }),
        json!({ "attributes": { "common": { "first_name": ["8"] } } }),
        json!({ "value": { "given_name": "8" } }),
    ] {
        let output = test(input).await.is(200).json()["output"].clone();
        assert_eq!(output, json!({ "out": ["8"], "oops": [1] }));
    }
    for (input, due) in [
        (json!({ "name": "Jan" }), "/input/name unknown"),
        (json!({ "value": { "name": "Jan" } }), "/input/value/name unknown"),
        (json!({ "value": { "given_name": "8" }, "id": "1" }), "/input/value unknown"),
    ] {
        assert_eq!(test(input).await.is(422).violations(), [due]);
    }
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
