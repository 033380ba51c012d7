//! Which values are derived, and when.

use serde_json::{Value, json};
use tests::{TENANT, person};

use super::{FULL_NAME, USERS, answering, derive, found, full_names, held, workflow};
use crate::approvals::{by_administrators, request_of};

#[tokio::test]
async fn a4_the_example_of_the_contract_works_as_printed() {
    let (service, crm, _) = full_names().await;
    let jan = crm.create(USERS, person("jan")).await;
    assert_eq!(jan.body["attributes"], json!({ "common": { "fullname": ["Jan Janssen"] } }));
    assert_eq!(crm.read(&jan.path).await, jan.body);
    // It is searched, and unique, like any other value.
    assert_eq!(found(&crm, "fullname", "Jan Janssen").await, 1);
    let refused = crm
        .post(USERS, json!({ "username": "x", "given_name": "Jan", "family_name": "Janssen" }))
        .await
        .is(409);
    assert_eq!(refused.violations(), ["/attributes/common/fullname not-unique"]);
    service.check().await;
}

/// The script of the source system's documentation, letter by letter.
#[tokio::test]
async fn a25_a27_a_script_of_the_source_system_runs_as_it_is_written() {
    let script = r#"function getFullNameValues(workItem){
	var fn = workItem.input.value.attributes.common.first_name[0];
	var ln = workItem.input.value.attributes.common.last_name[0];
	var full_name = fn + " " + ln;
	var full_name_str = JSON.stringify(full_name).replace(/\"/g, "");
    workItem.output = tb.simpleResponse({
		common: {
			full_name: [full_name_str]
		}
	});
}"#;
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    let made = workflow(&crm, script).await;
    derive(&crm, "full-name", &made, json!({ "search": "exact" })).await;
    // It is tried and saved again as it is.
    let sample = json!({ "input": { "given_name": "Jan", "family_name": "Janssen" } });
    let tried = crm.post(&made.below("test"), sample).await.is(200).json();
    assert_eq!(tried["output"], json!({ "common": { "full_name": ["Jan Janssen"] } }));
    super::rewrite(&crm, &made, script).await;
    let jan = crm.create(USERS, person("jan")).await;
    assert_eq!(held(&jan.body, "full-name"), json!(["Jan Janssen"]));
    assert_eq!(found(&crm, "full-name", "jan janssen").await, 1);
    // By the names of the predefined attributes, and flat.
    let script = "function f(w) { var c = w.input.value.attributes.common; w.output = \
                  tb.simpleResponse({ full_name: [c.given_name[0] + c.username[0]] }); }";
    super::rewrite(&crm, &made, script).await;
    service.clock.advance(30);
    let els = crm.create(USERS, person("els")).await;
    assert_eq!(held(&els.body, "full-name"), json!(["Janels"]));
    service.check().await;
}

#[tokio::test]
async fn a27_an_output_by_category_reaches_the_attribute_of_that_category() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    let script = "{ common: { tag: ['c'] }, work: { tag: ['w'], size: [p.family_name.length] } }";
    let workflow = workflow(&crm, &answering(script)).await;
    derive(&crm, "tag", &workflow, json!({})).await;
    derive(&crm, "tag", &workflow, json!({ "category": "work" })).await;
    derive(&crm, "size", &workflow, json!({ "category": "work", "data_format": "NUMERIC" })).await;
    let jan = crm.create(USERS, person("jan")).await;
    let due = json!({ "common": { "tag": ["c"] }, "work": { "size": ["7"], "tag": ["w"] } });
    assert_eq!(jan.body["attributes"], due);
}

#[tokio::test]
async fn a4_a_change_of_an_input_is_seen_on_every_path() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    let boss = service.client(TENANT, "administrator").await;
    let note = crm.define("note", json!({})).await;
    crm.define("salary", by_administrators()).await;
    let common = "p.attributes.common || {}";
    let all = format!(
        "{{ all: [[p.given_name, p.email_verified, ({common}).note, ({common}).salary].join()] }}"
    );
    derive(&crm, "all", &workflow(&crm, &answering(&all)).await, json!({ "search": "exact" }))
        .await;
    let jan = crm.create(USERS, person("jan")).await;
    let mut tag = jan.tag.clone();
    let mut version = 1;
    let mut before = "Jan,false,,".to_owned();
    assert_eq!(held(&jan.body, "all"), json!([before]));

    let verify = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    let by_id =
        json!({ "attribute_values": [{ "attribute_definition_id": note.id, "value": ["two"] }] });
    let mut put = person("jan");
    put["given_name"] = json!("Piet");
    put["attributes"] = json!({ "common": { "note": ["two"] } });
    let raise = json!({ "attributes": { "common": { "salary": ["5"] } } });
    let request = request_of(crm.patch(&jan.path, raise).if_match("*").await);
    let patch = |body: Value| crm.patch(&jan.path, body).if_match("*");
    for (call, due) in [
        (patch(json!({ "given_name": "Johan" })), "Johan,false,,"),
        (patch(json!({ "attributes": { "common": { "note": ["one"] } } })), "Johan,false,one,"),
        (patch(by_id), "Johan,false,two,"),
        (boss.post(&jan.below("verify"), verify), "Johan,true,two,"),
        (crm.put(&jan.path, put).if_match("*"), "Piet,true,two,"),
        (boss.act(&request.below("approve")), "Piet,true,two,5"),
    ] {
        let what = format!("{call:?}");
        call.await.is(200);
        let now = crm.get(&jan.path).await.is(200);
        assert_eq!(held(&now.json(), "all"), json!([due]), "{what}");
        assert_ne!(now.tag(), tag);
        assert_eq!(
            (found(&crm, "all", due).await, found(&crm, "all", &before).await),
            (1, 0),
            "{what}"
        );
        version += 1;
        assert_eq!(service.version_of(&jan.id).await, version, "one write, not two");
        (tag, before) = (now.tag(), due.to_owned());
    }
    service.check().await;
}

#[tokio::test]
async fn a4_what_no_script_sees_runs_none() {
    let (_, crm, workflow) = full_names().await;
    let note = crm.define("note", json!({})).await;
    crm.define_persona("role", json!({ "attributes": [note.id] })).await;
    let jan = crm.create(USERS, person("jan")).await;
    // From now on every run would fail.
    super::rewrite(&crm, &workflow, super::FAILING).await;
    crm.service.clock.advance(30);
    let persona = crm.add_persona(&jan, json!({ "name": "role" })).await;
    let patch = json!({ "attributes": { "common": { "note": ["x"] } } });
    crm.patch(&persona.path, patch.clone()).if_match("*").await.is(200);
    crm.act(&persona.below("suspend")).await.is(200);
    crm.delete(&persona.path).await.is(204);
    crm.patch(&jan.path, json!({})).if_match("*").await.is(200);
    let same = crm.read(&jan.path).await;
    assert_eq!(held(&same, "fullname"), json!(["Jan Janssen"]));
    crm.put(&jan.path, same).if_match("*").await.is(200);
    // The input of the script has changed. The script fails, and its derived value stays.
    let kept = crm.patch(&jan.path, patch).if_match("*").await.is(200).json();
    assert_eq!(held(&kept, "fullname"), json!(["Jan Janssen"]));
    crm.delete(&jan.path).await.is(204);
}

#[tokio::test]
async fn a3_callers_cannot_write_what_is_derived() {
    let (service, crm, workflow) = full_names().await;
    let jan = crm.create(USERS, person("jan")).await;
    let name = |value: Value| json!({ "attributes": { "common": { "fullname": value } } });
    let id =
        crm.read("/identity/config/attribute-definitions?name=fullname").await["items"][0]["id"]
            .clone();
    let due = ["/attributes/common/fullname not-editable"];
    for value in [json!(["X"]), json!([]), json!(null)] {
        let refused = crm.patch(&jan.path, name(value.clone())).if_match("*").await.is(422);
        assert_eq!(refused.violations(), due, "{value}");
        assert!(refused.text().contains(&workflow.id), "{}", refused.text());
    }
    let by_id = json!({ "attribute_values": [{ "attribute_definition_id": id, "value": ["X"] }] });
    crm.patch(&jan.path, by_id).if_match("*").await.is(422);
    let mut put = person("jan");
    put["attributes"] = json!({ "common": { "fullname": ["X"] } });
    assert_eq!(crm.put(&jan.path, put.clone()).if_match("*").await.is(422).violations(), due);
    put["username"] = json!("els");
    assert_eq!(crm.post(USERS, put).await.is(422).violations(), due);
    // Administrators are callers too.
    let boss = service.client(TENANT, "administrator").await;
    boss.patch(&jan.path, name(json!(["X"]))).if_match("*").await.is(422);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn p3_what_is_derived_may_be_sent_back_and_left_out() {
    let (_, crm, _) = full_names().await;
    let jan = crm.create(USERS, person("jan")).await;
    let back = crm.put(&jan.path, jan.body.clone()).if_match(&jan.tag).await.is(200);
    assert_eq!((back.tag(), back.cost().1), (jan.tag.clone(), 0.0));
    let same = json!({ "attributes": { "common": { "fullname": ["Jan Janssen"] } } });
    assert_eq!(crm.patch(&jan.path, same.clone()).if_match("*").await.is(200).tag(), jan.tag);
    let without = crm.put(&jan.path, person("jan")).if_match(&jan.tag).await.is(200);
    assert_eq!(
        (without.tag(), held(&without.json(), "fullname")),
        (jan.tag, json!(["Jan Janssen"]))
    );
    // Sent back with a change of an input it is the old value that is sent, and the new one that is
    // stored.
    let mut changed = same;
    changed["given_name"] = json!("Johan");
    let changed = crm.patch(&jan.path, changed).if_match("*").await.is(200).json();
    assert_eq!(held(&changed, "fullname"), json!(["Johan Janssen"]));
}

#[tokio::test]
async fn a4_one_workflow_derives_several_attributes_and_leaves_out_what_has_no_value() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    crm.create("/identity/config/attribute-categories", json!({ "name": "work" })).await;
    let script = "p.family_name ? { upper: [p.family_name.toUpperCase()], size: \
                  [p.family_name.length], tags: ['a', p.given_name].filter(Boolean) } : { tags: \
                  [] }";
    let workflow = workflow(&crm, &answering(script)).await;
    derive(&crm, "upper", &workflow, json!({ "category": "work", "search": "prefix" })).await;
    derive(&crm, "size", &workflow, json!({ "data_format": "NUMERIC" })).await;
    derive(&crm, "tags", &workflow, json!({ "search": "exact" })).await;
    derive(&crm, "tags", &workflow, json!({ "category": "work" })).await;
    let jan = crm.create(USERS, person("jan")).await;
    let due = json!({
        "common": { "size": ["7"], "tags": ["a", "Jan"] },
        "work": { "tags": ["a", "Jan"], "upper": ["JANSSEN"] },
    });
    assert_eq!(jan.body["attributes"], due);
    assert_eq!(found(&crm, "tags", "Jan").await, 1);
    let upper = async || crm.find(json!({ "attributes.work.upper": "janssen" })).await.len();
    assert_eq!(upper().await, 1);
    let less =
        crm.patch(&jan.path, json!({ "family_name": null })).if_match("*").await.is(200).json();
    assert_eq!(less["attributes"], json!({}));
    assert_eq!(upper().await, 0);
    service.check().await;
}

#[tokio::test]
async fn a2_scripts_see_neither_hashed_nor_derived_values_nor_times() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    crm.define("pin", json!({ "data_format": "HASH" })).await;
    crm.define("code", json!({ "data_format": "SEARCHABLE_HASH" })).await;
    crm.define("terms", json!({ "data_format": "JSON" })).await;
    crm.define("n", json!({ "data_format": "NUMERIC" })).await;
    let first = workflow(&crm, FULL_NAME).await;
    derive(&crm, "fullname", &first, json!({})).await;
    let dump = workflow(&crm, &answering("{ dump: [p] }")).await;
    derive(&crm, "dump", &dump, json!({ "data_format": "JSON" })).await;
    let mut body = person("jan");
    body["attributes"] =
        json!({ "common": { "pin": ["s"], "code": ["s"], "terms": [{ "a": [1] }], "n": [1.50] } });
    let jan = crm.create(USERS, body).await;
    let due = json!({
        "id": jan.id, "username": "jan", "id_at_customer": null, "family_name": "Janssen",
        "given_name": "Jan",
        "ui_locales": null, "preferred_email": "jan@example.org", "email_verified": false,
        "attributes": { "common": {
            "n": ["1.5"], "terms": [{ "a": [1] }], "username": ["jan"],
            "given_name": ["Jan"], "first_name": ["Jan"], "family_name": ["Janssen"],
            "last_name": ["Janssen"], "preferred_email": ["jan@example.org"],
        } },
    });
    assert_eq!(held(&jan.body, "dump"), json!([due]));
}
