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

    /// Asserts that a write is refused with the workflow's id and that nothing of it is there.
    async fn refused(&self, due: &str, why: &str) {
        let mut els = person("els");
        els["given_name"] = json!("Els");
        for (call, user) in [
            (
                self.crm
                    .patch(&self.jan.path, json!({ "given_name": "Johan" }))
                    .if_match(&self.jan.tag),
                &self.jan,
            ),
            (self.crm.put(&self.jan.path, els.clone()).if_match("*"), &self.jan),
            (self.crm.post(USERS, els), &self.jan),
        ] {
            let refused = call.await.is(422);
            assert_eq!(refused.violations(), [due], "{why}");
            assert!(refused.text().contains(&self.workflow.id), "{why}: {}", refused.text());
            let now = self.crm.get(&user.path).await.is(200);
            assert_eq!((now.tag(), now.json()), (user.tag.clone(), user.body.clone()), "{why}");
        }
        assert_eq!(self.service.version_of(&self.jan.id).await, 1);
        assert_eq!(self.crm.find(json!({ "username": "els" })).await.len(), 0);
        self.service.check().await;
    }
}

#[tokio::test]
async fn a4_a_script_that_throws_loops_or_answers_nothing_changes_nothing() {
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
        scene.refused("/attributes/common/out derived-failed", script).await;
    }
}

#[tokio::test]
async fn a4_an_answer_that_does_not_fit_changes_nothing() {
    let scene = Scene::set(json!({ "data_format": "NUMERIC", "single_value": true })).await;
    let at = "/attributes/common/out";
    for (output, due) in [
        ("{ out: ['x'] }", format!("{at}/0 derived-failed")),
        ("{ out: [true] }", format!("{at}/0 derived-failed")),
        ("{ out: [1, 2] }", format!("{at} derived-failed")),
        ("{ out: 1 }", format!("{at} derived-failed")),
        ("{ out: [null] }", format!("{at} derived-failed")),
        ("{ out: { a: 1 } }", format!("{at} derived-failed")),
        ("[1]", format!("{at} derived-failed")),
        ("'x'", format!("{at} derived-failed")),
        ("null", format!("{at} derived-failed")),
        ("{ other: ['1'] }", format!("{at} derived-failed")),
        ("{ out: [1], given_name: ['x'] }", format!("{at} derived-failed")),
        ("{ out: ['9'.repeat(39)] }", format!("{at}/0 derived-failed")),
    ] {
        scene.rewrite(&answering(output)).await;
        scene.refused(&due, output).await;
    }
    // A good one is taken again.
    scene.rewrite(&answering("{ out: [p.given_name.length + 1] }")).await;
    let jan = scene
        .crm
        .patch(&scene.jan.path, json!({ "given_name": "Johan" }))
        .if_match("*")
        .await
        .is(200)
        .json();
    assert_eq!(held(&jan, "out"), json!(["6"]));
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
        let refused = crm.post(USERS, person("jan")).await.is(422);
        let all = refused.violations();
        assert!(
            !all.is_empty() && all.iter().all(|v| v.ends_with(" derived-failed")),
            "{bad}: {all:?}"
        );
        assert!(refused.text().contains(&made.id), "{}", refused.text());
        rewrite(&crm, &made, &answering(&format!("{{ out: [{good}] }}"))).await;
        crm.create(USERS, person("jan")).await;
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
async fn a5_an_approval_whose_workflow_fails_waits_on() {
    let scene = Scene::set(json!({ "search": "exact" })).await;
    scene.crm.define("salary", by_administrators()).await;
    let raise = json!({ "attributes": { "common": { "salary": ["5"] } } });
    // A script that fails does not keep anybody from asking: nothing is derived of what is not
    // written.
    scene.rewrite(&answering("{ out: [p.attributes.common.salary[0]] }")).await;
    scene.crm.patch(&scene.jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(422);
    let request = request_of(scene.crm.patch(&scene.jan.path, raise).if_match("*").await);
    let boss = scene.service.client(TENANT, "administrator").await;
    scene.rewrite(FAILING).await;
    let refused = boss.act(&request.below("approve")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/out derived-failed"]);
    assert_eq!(boss.read(&request.path).await["status"], "PENDING");
    assert_eq!(scene.crm.tag_of(&scene.jan.path).await, scene.jan.tag);
    scene.rewrite(&answering("{ out: [p.attributes.common.salary[0]] }")).await;
    boss.act(&request.below("approve")).await.is(200);
    assert_eq!(found(&scene.crm, "out", "5").await, 1);
    // What is derived is no change that somebody asked for.
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
