//! Scripts that fail leave the profile as it was (rule A4).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

use super::{FAILING, LOOPING, USERS, answering, derive, found, held, rewrite, workflow};
use crate::approvals::{by_administrators, request_of};

/// A user whose attribute `out` a workflow derives, which is then rewritten.
struct Scene {
    service: Service,
    crm: Client,
    workflow: Resource,
    jan: Resource,
}

impl Scene {
    async fn set(definition: Value) -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let workflow = workflow(&crm, &answering("{ out: [String(p.given_name.length)] }")).await;
        derive(&crm, "out", &workflow, definition).await;
        let jan = crm.create(USERS, person("jan")).await;
        Self { service, crm, workflow, jan }
    }

    async fn rewrite(&self, script: &str) {
        rewrite(&self.crm, &self.workflow, script).await;
        self.service.clock.advance(30);
    }

    /// Asserts that writes succeed and leave what was derived as it was.
    async fn kept(&self, why: &str) {
        let crm = &self.crm;
        let before = crm.read(&self.jan.path).await;
        for given_name in ["Johan", "Johannes", "Jan"] {
            let patch = json!({ "given_name": given_name });
            let now = crm.patch(&self.jan.path, patch).if_match("*").await.is(200).json();
            assert_eq!(now["given_name"], given_name, "{why}");
            assert_eq!(held(&now, "out"), held(&before, "out"), "{why}");
        }
        let mut put = person("jan");
        put["given_name"] = json!("Jantje");
        let now = crm.put(&self.jan.path, put).if_match("*").await.is(200).json();
        assert_eq!(held(&now, "out"), held(&before, "out"), "{why}");
        // A new user has no value.
        let els = crm.create(USERS, person("els")).await;
        assert_eq!(held(&els.body, "out"), Value::Null, "{why}");
        crm.delete(&els.path).await.is(204);
        self.service.check().await;
    }
}

#[tokio::test]
async fn a27_a_script_that_throws_loops_or_answers_nothing_leaves_what_was_derived() {
    let scene = Scene::set(json!({ "data_format": "NUMERIC" })).await;
    for script in [
        FAILING,
        LOOPING,
        "function main(w) {}",
        "function main(w) { var s = 'x'; for (;;) s += s; }",
        "function main(w) { main(w); }",
        "function main(w) { w.output = { out: ['1'] }; throw new Error('after it'); }",
    ] {
        scene.rewrite(script).await;
        scene.kept(script).await;
    }
}

#[tokio::test]
async fn a27_an_answer_that_does_not_fit_leaves_what_was_derived() {
    let scene = Scene::set(json!({ "data_format": "NUMERIC", "single_value": true })).await;
    // A fault that depends on the profile is not found when the script is saved.
    let real = "p.username !== 'sam.sample'";
    for output in
        ["['x']", "[true]", "[1, 2]", "1", "[null]", "{ a: 1 }", "{ a: [1] }", "['9'.repeat(39)]"]
    {
        scene.rewrite(&answering(&format!("{{ out: {real} ? {output} : [1] }}"))).await;
        scene.kept(output).await;
    }
    for output in ["[1]", "'x'", "null", "{ common: { out: ['x'] } }"] {
        scene.rewrite(&answering(&format!("{real} ? {output} : {{}}"))).await;
        scene.kept(output).await;
    }
    // A good one is taken again.
    scene.rewrite(&answering("{ out: [p.given_name.length + 1] }")).await;
    let patch = json!({ "given_name": "Johan" });
    let jan = scene.crm.patch(&scene.jan.path, patch).if_match("*").await.is(200).json();
    assert_eq!(held(&jan, "out"), json!(["6"]));
}

#[tokio::test]
async fn a27_a_script_that_can_never_fit_is_not_saved() {
    let scene = Scene::set(json!({ "data_format": "NUMERIC", "single_value": true })).await;
    for output in [
        "{ other: ['1'] }",
        "{ out: [1], given_name: ['x'] }",
        "{ common: { other: [1] } }",
        "{ work: { out: [1] } }",
        "{ out: [true] }",
        "{ out: [{}] }",
    ] {
        let patch = json!({ "script": answering(output) });
        let call = || scene.crm.patch(&scene.workflow.path, patch.clone()).if_match("*");
        let refused = call().await.is(422);
        assert_eq!(refused.violations(), ["/script derived-failed"], "{output}");
        assert!(refused.text().contains("on a sample: "), "{}", refused.text());
        let put = json!({ "name": "w0", "script": answering(output) });
        scene.crm.put(&scene.workflow.path, put).if_match("*").await.is(422);
    }
    // Before anything is linked, any names will do.
    workflow(&scene.crm, &answering("{ other: ['1'] }")).await;
}

#[tokio::test]
async fn a27_one_attribute_that_does_not_fit_keeps_none_of_the_others() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = workflow(&crm, &answering("{ name: [p.given_name], size: [p.family_name] }")).await;
    let broken = workflow(&crm, FAILING).await;
    derive(&crm, "broken", &broken, json!({})).await;
    derive(&crm, "name", &made, json!({})).await;
    derive(&crm, "size", &made, json!({ "data_format": "NUMERIC" })).await;
    let jan = json!({ "username": "jan", "given_name": "Jan", "family_name": "7" });
    let jan = crm.create(USERS, jan).await;
    assert_eq!(jan.body["attributes"]["common"], json!({ "name": ["Jan"], "size": ["7"] }));
    let patch = json!({ "given_name": "Johan", "family_name": "Jansen" });
    let now = crm.patch(&jan.path, patch).if_match("*").await.is(200).json();
    assert_eq!(now["attributes"]["common"], json!({ "name": ["Johan"], "size": ["7"] }));
    // After the workflow has changed, the sweeper derives the profiles again.
    rewrite(&crm, &made, &answering("{ name: [p.given_name], size: [p.family_name.length] }"))
        .await;
    let report = super::sweeping::settle(&service).await;
    assert_eq!((report.changed, report.failed > 0), (1, true), "{report:?}");
    let now = crm.with_token().await.read(&jan.path).await;
    assert_eq!(now["attributes"]["common"], json!({ "name": ["Johan"], "size": ["6"] }));
}

#[tokio::test]
async fn a3_an_answer_is_checked_by_its_definition_like_any_value() {
    for (definition, bad, good) in [
        (json!({ "data_format": "EMAIL" }), "'no address'", "'jan@example.org'"),
        (json!({ "data_format": "SMS" }), "'012'", "'+32470123456'"),
        (json!({ "data_format": "ENUMERATION", "enumeration_values": ["a"] }), "'b'", "'a'"),
        (json!({ "data_format": "JSON", "json_schema": { "type": "object" } }), "[1]", "{ a: 1 }"),
        (json!({ "data_format": "TEXT" }), "'x'.repeat(16385)", "'x'"),
        (json!({ "data_format": "TEXT" }), "'x', 'x'", "'x', 'y'"),
        (
            json!({ "data_format": "TEXT" }),
            "...Array.from({ length: 101 }, (_, i) => 'v' + i)",
            "'v'",
        ),
    ] {
        let service = Service::start().await;
        let crm = service.crm().await;
        let made = workflow(&crm, &answering(&format!("{{ out: [{bad}] }}"))).await;
        derive(&crm, "out", &made, definition).await;
        let test = async || {
            let input = json!({ "input": { "given_name": "Jan" } });
            crm.post(&made.below("test"), input).await
        };
        let refused = test().await.is(422);
        assert!(refused.violations().iter().all(|v| v == "/input derived-failed"), "{bad}");
        assert!(refused.text().contains(&made.id), "{}", refused.text());
        let jan = crm.create(USERS, person("jan")).await;
        assert_eq!(held(&jan.body, "out"), Value::Null, "{bad}");
        rewrite(&crm, &made, &answering(&format!("{{ out: [{good}] }}"))).await;
        test().await.is(200);
        service.clock.advance(30);
        let els = crm.create(USERS, person("els")).await;
        assert_ne!(held(&els.body, "out"), Value::Null, "{good}");
    }
}

#[tokio::test]
async fn a2_a_refusal_tells_no_value_of_another_user() {
    let scene = Scene::set(json!({ "unique": true })).await;
    scene.rewrite(&answering("{ out: ['geheim'] }")).await;
    scene.crm.patch(&scene.jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200);
    let refused = scene.crm.post(USERS, person("els")).await.is(409);
    assert_eq!(refused.violations(), ["/attributes/common/out not-unique"]);
    assert!(
        !refused.text().contains("geheim") && !refused.text().contains(&scene.jan.id),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a27_a_workflow_that_fails_keeps_nobody_from_asking_and_approving() {
    let scene = Scene::set(json!({ "search": "exact" })).await;
    scene.crm.define("salary", by_administrators()).await;
    let raise = json!({ "attributes": { "common": { "salary": ["5"] } } });
    // A script that fails does not keep anybody from asking: nothing is derived of what is not
    // written.
    scene.rewrite(&answering("{ out: [p.attributes.common.salary[0]] }")).await;
    let request = request_of(scene.crm.patch(&scene.jan.path, raise).if_match("*").await);
    let boss = scene.service.client(TENANT, "administrator").await;
    boss.act(&request.below("approve")).await.is(200);
    assert_eq!(found(&scene.crm, "out", "5").await, 1);
    // A failing workflow does not block an approval either.
    let raise = json!({ "attributes": { "common": { "salary": ["6"] } } });
    let request = request_of(scene.crm.patch(&scene.jan.path, raise).if_match("*").await);
    scene.rewrite(FAILING).await;
    boss.act(&request.below("approve")).await.is(200);
    let jan = scene.crm.read(&scene.jan.path).await;
    assert_eq!((held(&jan, "salary"), held(&jan, "out")), (json!(["6"]), json!(["5"])));
    // Derived values are not part of the requested changes.
    assert_eq!(request.body["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn e3_an_approval_whose_derived_value_another_has_waits_on() {
    let scene = Scene::set(json!({ "unique": true })).await;
    scene.crm.define("salary", by_administrators()).await;
    let boss = scene.service.client(TENANT, "administrator").await;
    scene
        .rewrite(&answering(
            "{ out: ((p.attributes.common || {}).salary || [p.username]).slice(0, 1) }",
        ))
        .await;
    let raise = json!({ "attributes": { "common": { "salary": ["5"] } } });
    let request = request_of(scene.crm.patch(&scene.jan.path, raise.clone()).if_match("*").await);
    let els = scene.crm.create(USERS, person("els")).await;
    boss.patch(&els.path, raise).if_match("*").await.is(200);
    let refused = boss.act(&request.below("approve")).await.is(409);
    assert_eq!(refused.violations(), ["/attributes/common/out not-unique"]);
    assert_eq!(boss.read(&request.path).await["status"], "PENDING");
    assert_eq!(scene.crm.tag_of(&scene.jan.path).await, scene.jan.tag);
    scene.crm.delete(&els.path).await.is(204);
    boss.act(&request.below("approve")).await.is(200);
    scene.service.check().await;
}

#[tokio::test]
async fn a_workflow_that_fails_keeps_nobody_from_blocking_a_user() {
    let scene = Scene::set(json!({})).await;
    scene.rewrite(FAILING).await;

    let blocked = scene.crm.act(&scene.jan.below("block")).await.is(200);

    assert_eq!(blocked.json()["status"], "BLOCKED");
    assert_eq!(held(&blocked.json(), "out"), held(&scene.jan.body, "out"));
}

#[tokio::test]
async fn a4_an_attribute_that_is_deprecated_keeps_its_value_and_stands_in_nobodys_way() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let workflow =
        workflow(&crm, &answering("{ first: [p.given_name], last: [p.family_name] }")).await;
    let first = derive(&crm, "first", &workflow, json!({})).await;
    derive(&crm, "last", &workflow, json!({})).await;
    let jan = crm.create(USERS, person("jan")).await;
    crm.patch(&first.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    service.clock.advance(30);

    let change = json!({ "given_name": "Johan", "family_name": "Jansen" });
    let now = crm.patch(&jan.path, change).if_match("*").await.is(200).json();

    assert_eq!((held(&now, "first"), held(&now, "last")), (json!(["Jan"]), json!(["Jansen"])));
    crm.create(USERS, person("els")).await;
}
