//! The fields that people may change in their own profile (rule A3).

use serde_json::{Value, json};

use super::{Home, ME, USERS, common};
use crate::approvals::{REQUESTS, by_administrators, changes};

async fn edit(home: &Home, patch: Value) -> tests::Answer {
    home.jan.patch(ME, patch).if_match("*").await
}

#[tokio::test]
async fn a3_people_change_what_callers_change() {
    let home = Home::open().await;
    home.crm.define("nick", json!({ "search": "exact" })).await;
    home.crm.define("pin", json!({ "data_format": "HASH" })).await;
    let patch = json!({
        "username": "jan.janssen", "given_name": null, "family_name": "Peeters",
        "ui_locales": ["nl-be", "fr"],
        "preferred_email": "Jan@Home.example",
        "attributes": { "common": { "nick": ["jj"], "pin": ["1234"] } },
    });
    let changed = edit(&home, patch).await.is(200).json();
    assert_eq!(changed, home.now().await);
    assert_eq!(
        changed["attributes"]["common"],
        json!({ "nick": ["jj"], "pin": [{ "set": true }] })
    );
    assert_eq!(
        (&changed["given_name"], &changed["ui_locales"]),
        (&Value::Null, &json!("nl-BE fr"))
    );
    assert_eq!(home.crm.find(json!({ "attributes.common.nick": "jj" })).await.len(), 1);
    // An address is not verified by being written.
    home.crm
        .service
        .client(tests::TENANT, "administrator")
        .await
        .post(
            &home.user.below("verify"),
            json!({ "attribute": "preferred_email", "value": "jan@home.example" }),
        )
        .await
        .is(200);
    assert_eq!(
        edit(
            &home,
            json!({
                "preferred_email": "x@home.example"
            })
        )
        .await
        .is(200)
        .json()["email_verified"],
        false
    );
}

#[tokio::test]
async fn a3_hidden_attributes_are_not_there() {
    let home = Home::open().await;
    let secret = home.crm.define("grade", json!({ "hidden": true })).await;
    home.crm.define("shown", json!({})).await;
    let ids = json!([secret.id]);
    home.crm.define_persona("employee", json!({ "attributes": ids })).await;
    home.crm
        .add_persona(
            &home.user,
            json!({ "name": "employee", "attributes": { "common": { "grade": ["7"] } } }),
        )
        .await;
    home.redefine("id_at_customer", json!({ "hidden": true })).await;
    home.write(json!({
        "id_at_customer": "CRM-1", "attributes": { "common": { "grade": ["9"], "shown": ["a"] } }
    }))
    .await;

    let me = home.jan.get(ME).await.is(200);
    assert_eq!(me.json()["attributes"], json!({ "common": { "shown": ["a"] } }));
    assert_eq!(me.json()["personas"][0]["attributes"], json!({}));
    assert!(me.json().get("id_at_customer").is_none());
    for word in ["grade", "CRM-1", "\"9\"", "\"7\""] {
        assert!(!me.text().contains(word), "`{word}`: {}", me.text());
    }
    for (patch, violation) in [
        (json!({ "id_at_customer": "CRM-2" }), "/id_at_customer unknown"),
        (json!({ "id_at_customer": "CRM-1" }), "/id_at_customer unknown"),
        (json!({ "id_at_customer": null }), "/id_at_customer unknown"),
        (common(&json!({ "grade": ["1"] })), "/attributes/common/grade unknown"),
        (common(&json!({ "grade": ["9"] })), "/attributes/common/grade unknown"),
        (common(&json!({ "grade": null })), "/attributes/common/grade unknown"),
    ] {
        let refused = edit(&home, patch.clone()).await.is(422);
        assert_eq!(refused.violations(), [violation], "{patch}");
        // It is said in the words in which it is said of what nobody defined.
        let unknown =
            patch.to_string().replace("grade", "other").replace("id_at_customer", "something");
        let answer = edit(&home, serde_json::from_str(&unknown).unwrap()).await.is(422);
        let text = answer.text().replace("other", "grade").replace("something", "id_at_customer");
        let errors = |text: &str| serde_json::from_str::<Value>(text).unwrap()["errors"].clone();
        assert_eq!(errors(&text), errors(refused.text()), "{patch}");
    }
    let by_id = |id: &str| {
        json!({
            "attribute_values": [{ "attribute_definition_id": id, "value": ["1"] }]
        })
    };
    let refused = edit(&home, by_id(&secret.id)).await.is(422);
    assert_eq!(
        refused.violations(),
        edit(&home, by_id("0192f3c1-0000-7000-8000-0000000000aa")).await.is(422).violations()
    );
    // Hidden attributes stay when others change. A document that is sent back unchanged changes
    // nothing.
    edit(&home, common(&json!({ "shown": ["b"] }))).await.is(200);
    edit(&home, home.jan.get(ME).await.json()).await.is(200);
    edit(&home, json!({ "attributes": { "common": { "shown": [] } } })).await.is(200);
    let now = home.now().await;
    assert_eq!(
        (&now["id_at_customer"], &now["attributes"]),
        (&json!("CRM-1"), &json!({ "common": { "grade": ["9"] } }))
    );
    assert_eq!(now["personas"][0]["attributes"], json!({ "common": { "grade": ["7"] } }));
}

#[tokio::test]
async fn a3_read_only_attributes_are_shown_and_refused() {
    let home = Home::open().await;
    home.crm.define("level", json!({ "read_only": true })).await;
    for name in ["username", "family_name"] {
        home.redefine(name, json!({ "read_only": true })).await;
    }
    home.write(common(&json!({ "level": ["3"] }))).await;
    let me = home.jan.get(ME).await.is(200).json();
    assert_eq!(me["attributes"]["common"]["level"], json!(["3"]));
    for (patch, violations) in [
        (json!({ "username": "piet" }), vec!["/username read-only"]),
        (json!({ "username": null }), vec!["/username read-only"]),
        (json!({ "family_name": "Peeters", "given_name": "Piet" }), vec!["/family_name read-only"]),
        (json!({ "family_name": null }), vec!["/family_name read-only"]),
        (common(&json!({ "level": ["4"] })), vec!["/attributes/common/level read-only"]),
        (common(&json!({ "level": [] })), vec!["/attributes/common/level read-only"]),
        (common(&json!({ "level": null })), vec!["/attributes/common/level read-only"]),
        (
            json!({ "username": "piet", "attributes": { "common": { "level": ["4"] } } }),
            vec!["/attributes/common/level read-only", "/username read-only"],
        ),
    ] {
        let refused = edit(&home, patch.clone()).await.is(422);
        let mut found = refused.violations();
        found.dedup();
        assert_eq!(found, violations, "{patch}");
    }
    assert_eq!(home.jan.get(ME).await.json(), me);
    // Sent back unchanged they are accepted (P3).
    edit(
        &home,
        json!({
            "username": "jan", "attributes": { "common": { "level": ["3"] } }, "given_name": "J"
        }),
    )
    .await
    .is(200);
}

#[tokio::test]
async fn a3_what_the_service_sets_is_not_editable() {
    let home = Home::open().await;
    home.crm.define_persona("boss", json!({})).await;
    let persona = home.crm.add_persona(&home.user, json!({ "name": "boss" })).await;
    let me = home.jan.get(ME).await.is(200).json();
    for (field, value) in [
        ("id", json!("0192f3c1-0000-7000-8000-0000000000aa")),
        ("email_verified", json!(true)),
        ("status", json!("BLOCKED")),
        ("personas", json!([])),
        ("personas", Value::Null),
        ("attribute_states", json!("VERIFIED")),
        ("last_login_at", json!("2026-11-21T10:00:00.000Z")),
        ("created_at", json!("2020-11-21T10:00:00.000Z")),
        ("updated_at", Value::Null),
    ] {
        let refused = edit(&home, json!({ field: value })).await.is(422);
        assert_eq!(refused.violations(), [format!("/{field} not-editable")]);
    }
    assert_eq!(home.jan.get(ME).await.json(), me);
    // Nor do routes of machine clients take the person's token.
    home.jan
        .patch(&home.user.below(&format!("personas/{}", persona.id)), json!({ "preferred": true }))
        .if_match("*")
        .await
        .is(401);
    home.jan.act(&home.user.below("block")).await.is(401);
}

#[tokio::test]
async fn a3_required_unique_single_and_formats_hold() {
    let home = Home::open().await;
    home.crm.define("badge", json!({ "unique": true })).await;
    home.crm
        .define(
            "size",
            json!({
                "data_format": "ENUMERATION", "enumeration_values": ["S", "M"], "single_value": true
            }),
        )
        .await;
    let els = home
        .crm
        .create(USERS, json!({ "username": "els", "attributes": { "common": { "badge": ["7"] } } }))
        .await;
    edit(&home, common(&json!({ "badge": ["1"], "size": ["S"] }))).await.is(200);
    home.redefine("size", json!({ "required": true })).await;
    home.redefine("given_name", json!({ "required": true })).await;
    let before = home.now().await;
    for (patch, status, violations) in [
        (json!({ "username": "ELS" }), 409, vec!["/username not-unique"]),
        (common(&json!({ "badge": ["1", "7"] })), 409, vec!["/attributes/common/badge not-unique"]),
        (common(&json!({ "size": ["S", "M"] })), 422, vec!["/attributes/common/size too-many"]),
        (
            common(&json!({ "size": ["L"] })),
            422,
            vec!["/attributes/common/size/0 not-in-enumeration"],
        ),
        (common(&json!({ "size": null })), 422, vec!["/attributes/common/size required"]),
        (json!({ "given_name": null }), 422, vec!["/given_name required"]),
        (json!({ "preferred_email": "no" }), 422, vec!["/preferred_email wrong-format"]),
        (common(&json!({ "colour": ["red"] })), 422, vec!["/attributes/common/colour unknown"]),
    ] {
        let refused = edit(&home, patch.clone()).await.is(status);
        assert_eq!(refused.violations(), violations, "{patch}");
        assert!(!refused.text().contains(&els.id), "whose it is, is not said");
    }
    assert_eq!(home.now().await, before);
    home.service.check().await;
}

#[tokio::test]
async fn a3_derived_attributes_follow_and_are_refused() {
    let home = Home::open().await;
    let script = "function main(workItem) { var p = workItem.input.value; var c = \
                  p.attributes.common || {}; if (p.given_name == 'Boom') { throw new Error('grade \
                  is ' + c.grade); } workItem.output = tb.simpleResponse({ fullname: \
                  [p.given_name + ' ' + p.family_name + ' ' + c.grade] }); }";
    let workflow = home
        .crm
        .create("/identity/config/workflows", json!({ "name": "fullname", "script": script }))
        .await;
    home.crm.define("fullname", json!({ "derived": { "workflow_id": workflow.id } })).await;
    home.crm.define("grade", json!({ "hidden": true })).await;
    home.write(common(&json!({ "grade": ["9"] }))).await;
    // The script sees the whole profile, also in self-service.
    let changed = edit(&home, json!({ "given_name": "Johannes" })).await.is(200).json();
    assert_eq!(changed["attributes"], json!({ "common": { "fullname": ["Johannes Janssen 9"] } }));
    for value in [json!(["Me"]), json!([]), Value::Null] {
        let refused = edit(&home, common(&json!({ "fullname": value }))).await.is(422);
        assert_eq!(refused.violations(), ["/attributes/common/fullname not-editable"]);
    }
    // The answer does not contain the script's message, which may hold values that the person must
    // not see.
    let kept = edit(&home, json!({ "given_name": "Boom" })).await.is(200);
    assert_eq!(kept.json()["attributes"], changed["attributes"]);
    assert!(!kept.text().contains("grade"), "{}", kept.text());
    assert_eq!(home.jan.get(ME).await.json()["given_name"], "Boom");
}

#[tokio::test]
async fn a3_what_needs_an_approval_becomes_a_request_of_the_person() {
    let home = Home::open().await;
    home.crm.define("iban", by_administrators()).await;
    home.crm.define("nick", json!({})).await;
    let patch =
        json!({ "given_name": "Johannes", "attributes": { "common": { "iban": ["BE1"] } } });
    let asked = edit(&home, patch.clone()).await.is(202);
    assert_eq!(asked.json()["requested_by"], json!({ "user_id": home.user.id }));
    assert_eq!(asked.json()["user_id"], home.user.id.as_str());
    assert_eq!(
        changes(&asked.json()),
        [r#"/attributes/common/iban [] ["BE1"]"#, r#"/given_name "Jan" "Johannes""#]
    );
    assert_eq!(home.jan.get(ME).await.is(200).tag(), home.user.tag, "nothing has changed yet");
    let location = asked.header("location").unwrap().to_owned();
    // Asking twice is asking once; a client that asks the same asks for itself.
    assert_eq!(edit(&home, patch.clone()).await.is(202).field("id"), asked.field("id"));
    let clients = home.crm.patch(&home.user.path, patch).if_match("*").await.is(202);
    assert_ne!(clients.field("id"), asked.field("id"));
    // The person sees what became of it, and decides about nothing.
    assert_eq!(home.jan.get(&location).await.is(200).field("status"), "PENDING");
    for action in ["approve", "reject"] {
        assert_eq!(
            home.jan.act(&format!("{location}/{action}")).await.is(403).slug(),
            "not-allowed"
        );
    }
    home.jan.get(&format!("{REQUESTS}/{}", clients.field("id"))).await.is(404);
    assert_eq!(home.jan.get(REQUESTS).await.is(200).json(), json!({ "items": [] }));
    let boss = home.service.client(tests::TENANT, "administrator").await;
    boss.act(&format!("{location}/approve")).await.is(200);
    assert_eq!(home.jan.get(&location).await.is(200).field("status"), "APPROVED");
    let me = home.jan.get(ME).await.is(200).json();
    assert_eq!(
        (&me["given_name"], &me["attributes"]["common"]["iban"]),
        (&json!("Johannes"), &json!(["BE1"]))
    );
    // An attribute without a policy is written at once.
    edit(&home, common(&json!({ "nick": ["jj"] }))).await.is(200);
}

#[tokio::test]
async fn a3_people_write_what_their_own_personas_in_force_approve() {
    let home = Home::open().await;
    home.crm.define_persona("payroll", json!({ "scoped": true })).await;
    let policy =
        json!({ "approval_policy": { "statements": [{ "persona": "payroll", "scope": "be" }] } });
    home.crm.define("iban", policy).await;
    let patch = |value: &str| common(&json!({ "iban": [value] }));
    edit(&home, patch("1")).await.is(202);
    let persona =
        home.crm.add_persona(&home.user, json!({ "name": "payroll", "scope": ["nl"] })).await;
    let path = persona.path;
    edit(&home, patch("2")).await.is(202);
    home.crm.act(&format!("{path}/activate")).await.is(200);
    edit(&home, patch("3")).await.is(202);
    home.crm.patch(&path, json!({ "scope": ["nl", "be"] })).if_match("*").await.is(200);
    let written = edit(&home, patch("4")).await.is(200).json();
    assert_eq!(written["attributes"]["common"]["iban"], json!(["4"]));
    home.crm.act(&format!("{path}/suspend")).await.is(200);
    edit(&home, patch("5")).await.is(202);
    home.crm.act(&format!("{path}/activate")).await.is(200);
    for dates in [
        json!({ "valid_from": "2026-11-22T00:00:00.000Z", "valid_until": null }),
        json!({ "valid_from": null, "valid_until": "2026-11-21T10:00:00.000Z" }),
    ] {
        home.crm.patch(&path, dates).if_match("*").await.is(200);
        edit(&home, patch("6")).await.is(202);
    }
}
