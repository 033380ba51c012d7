//! If-Match and If-None-Match (rules H1–H4).

use serde_json::json;
use tests::{Service, person};

#[tokio::test]
async fn h1_a_weak_tag_never_matches() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let weak = format!("W/{}", jan.tag);

    let refused =
        crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match(&weak).await.is(412);

    assert_eq!(refused.tag(), jan.tag);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn h1_if_none_match_compares_weakly() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let weak = format!("W/{}", jan.tag);

    crm.get(&jan.path).if_none_match(&weak).await.is(304);
    crm.call("HEAD", &jan.path).if_none_match(&jan.tag).await.is(304);
    crm.get(&jan.path).if_none_match("\"other\"").await.is(200);
    let change = crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match(&jan.tag);
    change.if_none_match(&weak).await.is(412);
    crm.delete(&jan.path).if_none_match("*").await.is(412);
}

#[tokio::test]
async fn h2_a_missing_resource_is_not_found_whatever_the_precondition() {
    let crm = Service::start().await.crm().await;
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-000000000001";

    crm.patch(nobody, json!({ "given_name": "Jan" })).if_match("\"x\"").await.is(404);
    crm.patch(nobody, json!({ "given_name": "Jan" })).if_match("*").await.is(404);
    crm.patch(nobody, json!({ "given_name": "Jan" })).await.is(404);
    crm.put(nobody, json!({ "username": "jan" })).await.is(404);
    crm.delete(nobody).if_match("\"x\"").await.is(404);
}

#[tokio::test]
async fn h2_a_star_holds_when_the_resource_exists() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;

    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    crm.delete(&jan.path).if_match("*").await.is(204);
}

#[tokio::test]
async fn h3_lists_empty_elements_lines_and_commas_in_quotes_are_legal() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    let edit = |name: &str| crm.patch(&jan.path, json!({ "given_name": name }));

    let tag = edit("A").if_match(&format!("\"x\", ,, {}", jan.tag)).await.is(200).tag();
    let tag = edit("B").if_match("\"a,b\"").if_match(&tag).await.is(200).tag();
    let tag = edit("C").if_match(&format!(" , \"a,b\",W/\"y\",{tag}, ")).await.is(200).tag();
    edit("D").if_match("\"a,b\", \"c\"").await.is(412);
    assert_eq!(crm.tag_of(&jan.path).await, tag);
}

#[tokio::test]
async fn h3_an_if_match_that_cannot_be_parsed_is_malformed_and_never_absent() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;

    for wrong in ["", "jan", "\"open", "\"a\" \"b\"", "*, \"a\"", "'a'", ","] {
        let refused =
            crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match(wrong).await.is(400);
        assert_eq!(refused.slug(), "malformed-request", "{wrong}");
        crm.delete(&jan.path).if_match(wrong).await.is(400);
        crm.get(&jan.path).if_none_match(wrong).await.is(400);
    }
    crm.delete(&jan.path).if_match("*").if_match(&jan.tag).await.is(400);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn h4_the_tag_of_any_get_can_be_replayed_in_if_match() {
    let crm = Service::start().await.crm().await;
    let employee = crm.define_persona("employee", json!({})).await;
    let attribute = crm.define("number", json!({})).await;
    let category =
        crm.create("/identity/config/attribute-categories", json!({ "name": "other" })).await;
    let server = json!({ "id": "corp", "name": "Corp", "subject_type": "email" });
    let server = crm.create("/api/v1/sso/authentication-servers", server).await;
    let application = json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
    let application = crm.create("/api/v1/sso/applications", application).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee" })).await;

    let named = [
        (&employee.path, json!({ "display_name": "Employee" })),
        (&attribute.path, json!({ "display_name": "Number" })),
        (&category.path, json!({ "display_name": "Other" })),
        (&server.path, json!({ "name": "The corporation" })),
        (&application.path, json!({ "name": "The shop" })),
        (&persona.path, json!({ "preferred": true })),
        (&jan.path, json!({ "given_name": "Johannes" })),
    ];
    for (path, patch) in named {
        let tag = crm.tag_of(path).await;
        assert_eq!(crm.tag_of(path).await, tag, "{path}");
        let next = crm.patch(path, patch.clone()).if_match(&tag).await.is(200).tag();
        assert_ne!(next, tag, "{path}");
        assert_eq!(crm.tag_of(path).await, next, "{path}");
        let stale = crm.patch(path, patch).if_match(&tag).await.is(412);
        assert_eq!(stale.tag(), next, "{path}");
    }
}

#[tokio::test]
async fn h4_a_patch_that_changes_nothing_keeps_the_tag_and_writes_nothing() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({})).await;
    crm.define("number", json!({})).await;
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "number": ["42"] } });
    let jan = crm.create("/identity/users", body).await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee" })).await;
    let tag = crm.tag_of(&jan.path).await;

    for nothing in [
        json!({}),
        json!({ "given_name": "Jan" }),
        json!({ "attributes": {} }),
        json!({ "attributes": { "common": { "number": ["42"] } } }),
        json!({ "id": jan.id, "status": "ACTIVE" }),
    ] {
        let same = crm.patch(&jan.path, nothing.clone()).if_match(&tag).await.is(200);
        assert_eq!((same.tag(), same.cost().1), (tag.clone(), 0.0), "{nothing}");
    }
    let same = crm.patch(&persona.path, json!({})).if_match(&persona.tag).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (persona.tag.clone(), 0.0));
    assert_eq!(same.json(), persona.body);
}

#[tokio::test]
async fn h4_a_patch_has_the_same_result_with_a_tag_and_with_a_star() {
    let crm = Service::start().await.crm().await;
    let one = crm.create("/identity/users", person("one")).await;
    let two = crm.create("/identity/users", person("two")).await;
    let patch = json!({ "given_name": null, "family_name": "Peeters", "ui_locales": "nl-be" });

    let mut by_tag = crm.patch(&one.path, patch.clone()).if_match(&one.tag).await.is(200).json();
    let by_star = crm.patch(&two.path, patch).if_match("*").await.is(200).json();

    for name in ["id", "username", "preferred_email"] {
        by_tag[name] = by_star[name].clone();
    }
    assert_eq!(by_tag, by_star);
}

#[tokio::test]
async fn h2_put_and_patch_need_a_precondition_and_other_methods_honour_one() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee" })).await;

    for path in [&jan.path, &persona.path] {
        assert_eq!(crm.patch(path, json!({})).await.is(428).slug(), "precondition-required");
    }
    crm.put(&jan.path, json!({ "username": "jan" })).await.is(428);
    crm.patch(&persona.below("attribute"), json!({})).await.is(428);
    for action in ["block", "unblock"] {
        crm.act(&jan.below(action)).if_match("\"old\"").await.is(412);
    }
    for action in ["prefer", "suspend", "activate"] {
        crm.act(&persona.below(action)).if_match("\"old\"").await.is(412);
    }
    crm.post(&jan.below("personas"), json!({ "name": "employee" }))
        .if_match("\"old\"")
        .await
        .is(412);
    crm.delete(&persona.path).if_match("\"old\"").await.is(412);
    crm.delete(&jan.path).if_match("\"old\"").await.is(412);
    crm.post("/identity/users", json!({ "username": "piet" })).if_match("\"old\"").await.is(412);
}
