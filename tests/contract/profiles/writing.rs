//! Overrides: what a system has in place of what the base profile has.

use std::time::Duration;

use maintenance::purge::{PurgeOutcome, purge};
use serde_json::{Value, json};
use shared::app::CACHE_SECONDS;
use tests::TENANT;

use super::{SHOP, Shop};

#[tokio::test]
async fn an_override_shows_in_this_system_alone_and_null_falls_back_to_the_base() {
    let shop = Shop::open().await;
    let desk = shop.service.profile(&shop.jan.id, "desk").await;
    shop.crm.define("nick", json!({})).await;
    let patch = json!({
        "given_name": "Johannes", "ui_locales": ["nl-be", "FR"],
        "attributes": { "common": { "nick": ["Jo"] } }
    });
    let patched = shop.patch(patch).await.is(200);
    assert_eq!(patched.json()["given_name"], "Johannes");
    assert_eq!(patched.json()["ui_locales"], "nl-BE fr");
    assert_eq!(patched.json()["attributes"], json!({ "common": { "nick": ["Jo"] } }));
    assert_eq!(
        patched.json()["overrides"],
        json!(["given_name", "ui_locales", "attributes.common.nick"])
    );
    assert_eq!(shop.crm.get(&shop.path).await.tag(), patched.tag());
    assert_eq!(shop.crm.read(&desk).await["given_name"], "Jan");
    assert_eq!(shop.crm.read(&shop.jan.path).await["given_name"], "Jan");

    // The base moves underneath, and is there when the override goes.
    shop.patch_base(
        json!({ "given_name": "Johan", "attributes": { "common": { "nick": ["base"] } } }),
    )
    .await;
    assert_eq!(shop.read().await["given_name"], "Johannes");
    let back = shop
        .patch(json!({ "given_name": null, "attributes": { "common": { "nick": [] } } }))
        .await
        .is(200);
    assert_eq!(back.json()["given_name"], "Johan");
    assert_eq!(back.json()["attributes"], json!({ "common": { "nick": ["base"] } }));
    assert_eq!(back.json()["overrides"], json!(["ui_locales"]));
}

#[tokio::test]
async fn what_is_sent_as_it_was_read_stays_inherited_or_overridden_as_it_was() {
    let shop = Shop::open().await;
    shop.patch(json!({ "given_name": "Johannes", "system_attributes": { "points": ["7"] } }))
        .await
        .is(200);
    let read = shop.crm.get(&shop.path).await.is(200);
    let same = shop.crm.put(&shop.path, read.json()).if_match(&read.tag()).await.is(200);
    assert_eq!((same.json(), same.tag()), (read.json(), read.tag()));
    shop.patch_base(json!({ "family_name": "Peeters", "given_name": "Johan" })).await;
    let after = shop.read().await;
    assert_eq!(
        (&after["family_name"], &after["given_name"]),
        (&json!("Peeters"), &json!("Johannes"))
    );
}

#[tokio::test]
async fn a_value_that_was_written_stays_when_the_base_has_it_too() {
    let shop = Shop::open().await;
    shop.patch(json!({ "given_name": "Johannes" })).await.is(200);
    let pinned = shop.patch(json!({ "given_name": "Jan" })).await.is(200);
    assert_eq!(pinned.json()["overrides"], json!(["given_name"]));
    shop.patch_base(json!({ "given_name": "Johan" })).await;
    assert_eq!(shop.read().await["given_name"], "Jan");
}

#[tokio::test]
async fn put_replaces_what_is_left_out_falls_back() {
    let shop = Shop::open().await;
    shop.patch(json!({
        "given_name": "Johannes", "system_attributes": { "points": ["7"], "tier": ["gold"] }
    }))
    .await
    .is(200);
    let body = json!({
        "family_name": "Peeters", "given_name": null, "system_attributes": { "tier": ["silver"] }
    });
    let put = shop.crm.put(&shop.path, body).if_match("*").await.is(200).json();
    assert_eq!((&put["family_name"], &put["given_name"]), (&json!("Peeters"), &json!("Jan")));
    assert_eq!(put["overrides"], json!(["family_name"]));
    assert_eq!(put["system_attributes"], json!({ "tier": ["silver"] }));
    let empty = shop.crm.put(&shop.path, json!({})).if_match("*").await.is(200).json();
    assert_eq!((&empty["family_name"], &empty["overrides"]), (&json!("Janssen"), &json!([])));
    assert_eq!(empty["system_attributes"], json!({}));
}

#[tokio::test]
async fn h4_a_patch_that_changes_nothing_keeps_the_tag_and_writes_nothing() {
    let shop = Shop::open().await;
    shop.patch(json!({ "given_name": "Johannes" })).await.is(200);
    let tag = shop.crm.tag_of(&shop.path).await;
    shop.service.clock.advance(1);
    for nothing in [
        json!({}),
        json!({ "given_name": "Johannes" }),
        json!({ "family_name": null, "preferred_email": "jan@example.org" }),
    ] {
        let same = shop.crm.patch(&shop.path, nothing).if_match(&tag).await.is(200);
        assert_eq!((same.tag(), same.units.write), (tag.clone(), 0.0));
    }
}

#[tokio::test]
async fn h2_preconditions_come_before_the_body_and_after_what_is_not_there() {
    let shop = Shop::open().await;
    let wrong = json!({ "nonsense": 1 });
    let old = shop.crm.tag_of(&shop.path).await;
    shop.patch_base(json!({ "given_name": "Johan" })).await;
    for call in [shop.crm.patch(&shop.path, wrong.clone()), shop.crm.put(&shop.path, wrong.clone())]
    {
        call.clone().await.is(428);
        let stale = call.clone().if_match(&old).await.is(412);
        assert_eq!(stale.tag(), shop.crm.tag_of(&shop.path).await);
        call.clone().if_match(&format!("W/{}", stale.tag())).await.is(412);
        call.if_match(&stale.tag()).await.is(422);
    }
    let unknown = format!("{SHOP}/00000000-0000-4000-8000-000000000000");
    shop.crm.patch(&unknown, wrong).await.is(404);
}

#[tokio::test]
async fn p3_what_cannot_be_edited_is_refused_where_it_is_changed() {
    let shop = Shop::open().await;
    let fields =
        ["id", "tenant_id", "system_id", "email_verified", "overrides", "created_at", "updated_at"];
    let due: Vec<_> = {
        let mut due: Vec<_> = fields.iter().map(|field| format!("/{field} not-editable")).collect();
        due.sort();
        due
    };
    let other = json!({
        "id": shop.jan.id, "tenant_id": "other", "system_id": "desk", "email_verified": true,
        "overrides": ["given_name"],
        "created_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-01T00:00:00.000Z",
    });
    assert_eq!(shop.patch(other.clone()).await.is(422).violations(), due);
    assert_eq!(shop.crm.put(&shop.path, other).if_match("*").await.is(422).violations(), due);
    let nulls: Value = fields
        .iter()
        .map(|field| ((*field).to_owned(), Value::Null))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(shop.patch(nulls).await.is(422).violations(), due);
}

#[tokio::test]
async fn p4_what_a_system_profile_does_not_have_is_refused_by_name() {
    let shop = Shop::open().await;
    let patch = json!({
        "username": "x", "id_at_customer": null, "personas": [], "status": "BLOCKED",
        "attribute_states": {},
        "attributes": { "common": { "unknown": ["x"], "gone": null }, "payroll": { "x": ["y"] } },
        "system_attributes": { "secret": ["x"], "gone": null },
    });
    assert_eq!(
        shop.patch(patch).await.is(422).violations(),
        [
            "/attribute_states unknown",
            "/attributes/common/gone unknown",
            "/attributes/common/unknown unknown",
            "/attributes/payroll/x unknown",
            "/id_at_customer unknown",
            "/personas unknown",
            "/status unknown",
            "/system_attributes/gone unknown",
            "/system_attributes/secret unknown",
            "/username unknown",
        ]
    );
    let groups = json!({ "attributes": null, "system_attributes": null });
    assert_eq!(
        shop.patch(groups).await.is(422).violations(),
        ["/attributes not-allowed", "/system_attributes not-allowed"]
    );
    assert_eq!(shop.patch(json!([])).await.is(422).violations(), [" wrong-type"]);
}

#[tokio::test]
async fn a1_a3_overrides_are_read_as_any_value_is() {
    let shop = Shop::open().await;
    shop.crm
        .define(
            "size",
            json!({
                "data_format": "ENUMERATION", "enumeration_values": ["S", "M"], "single_value": true
            }),
        )
        .await;
    shop.crm.define("number", json!({ "data_format": "NUMERIC" })).await;
    shop.crm.define("phone", json!({ "data_format": "SMS" })).await;
    let wrong = json!({
        "preferred_email": "nobody", "ui_locales": "not a tag", "given_name": 7,
        "family_name": "x".repeat(257),
        "attributes": { "common": { "size": ["S", "M"], "number": ["1x"], "phone": ["0471"] } },
    });
    assert_eq!(
        shop.patch(wrong).await.is(422).violations(),
        [
            "/attributes/common/number/0 wrong-format",
            "/attributes/common/phone/0 wrong-format",
            "/attributes/common/size too-many",
            "/family_name too-long",
            "/given_name wrong-type",
            "/preferred_email wrong-format",
            "/ui_locales wrong-format",
        ]
    );
    let enumerated =
        shop.patch(json!({ "attributes": { "common": { "size": ["L"] } } })).await.is(422);
    assert_eq!(enumerated.violations(), ["/attributes/common/size/0 not-in-enumeration"]);
    let good = shop
        .patch(json!({ "attributes": { "common": { "size": ["M"], "number": [1.50] } } }))
        .await
        .is(200);
    assert_eq!(
        good.json()["attributes"],
        json!({ "common": { "number": ["1.5"], "size": ["M"] } })
    );
}

#[tokio::test]
async fn a3_what_is_unique_hashed_derived_or_approved_by_others_is_not_overridden() {
    let shop = Shop::open().await;
    let flow = json!({
        "name": "full",
        "script": "function main(w) { w.output = tb.simpleResponse({ full: [w.input.value.family_name] }); }"
    });
    let flow = shop.crm.create("/identity/config/workflows", flow).await;
    shop.crm.define("badge", json!({ "unique": true })).await;
    shop.crm.define("pin", json!({ "data_format": "HASH" })).await;
    shop.crm.define("code", json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" })).await;
    shop.crm.define("full", json!({ "derived": { "workflow_id": flow.id } })).await;
    shop.crm
        .define(
            "iban",
            json!({ "approval_policy": { "statements": [{ "client_scope": "administrator" }] } }),
        )
        .await;
    shop.patch_base(
        json!({ "attributes": { "common": { "badge": ["1"], "pin": ["secret"], "code": ["c"] } } }),
    )
    .await;
    let own = |values: Value| json!({ "attributes": { "common": values } });
    let refused = own(
        json!({ "badge": ["2"], "pin": ["other"], "code": ["d"], "full": ["x"], "iban": ["BE1"] }),
    );
    assert_eq!(
        shop.patch(refused).await.is(422).violations(),
        [
            "/attributes/common/badge not-allowed",
            "/attributes/common/code not-allowed",
            "/attributes/common/full not-editable",
            "/attributes/common/iban not-allowed",
            "/attributes/common/pin not-allowed",
        ]
    );
    // A PUT that leaves them out, or sends them as they were read, changes nothing about them.
    let read = shop.crm.get(&shop.path).await.is(200);
    assert_eq!(read.json()["attributes"]["common"]["pin"], json!([{ "set": true }]));
    shop.crm.put(&shop.path, read.json()).if_match(&read.tag()).await.is(200);
    let put =
        shop.crm.put(&shop.path, json!({ "attributes": {} })).if_match(&read.tag()).await.is(200);
    assert_eq!(
        (put.tag(), put.json()["attributes"].clone()),
        (read.tag(), read.json()["attributes"].clone())
    );

    // A client that fulfils the policy may override the value.
    let admin = shop.service.client(TENANT, "administrator").await;
    let iban = own(json!({ "iban": ["BE1"] }));
    admin.patch(&shop.path, iban.clone()).if_match("*").await.is(200);
    shop.patch(iban).await.is(200);
    let changed = shop.patch(own(json!({ "iban": ["BE2"] }))).await.is(422);
    assert_eq!(changed.violations(), ["/attributes/common/iban not-allowed"]);
    assert_eq!(
        shop.patch(own(json!({ "iban": null }))).await.is(200).json()["overrides"],
        json!([])
    );
}

#[tokio::test]
async fn a3_the_policy_of_a_predefined_attribute_binds_overrides_too() {
    let shop = Shop::open().await;
    let list = shop.crm.read("/identity/config/attribute-definitions?name=family_name").await;
    let path = format!(
        "/identity/config/attribute-definitions/{}",
        list["items"][0]["id"].as_str().unwrap()
    );
    let policy =
        json!({ "approval_policy": { "statements": [{ "client_scope": "administrator" }] } });
    shop.crm.patch(&path, policy).if_match("*").await.is(200);
    shop.service.clock.advance(CACHE_SECONDS);
    assert_eq!(
        shop.patch(json!({ "family_name": "X" })).await.is(422).violations(),
        ["/family_name not-allowed"]
    );
    shop.patch(json!({ "family_name": "Janssen", "given_name": "X" })).await.is(200);
}

#[tokio::test]
async fn a_deprecated_attribute_takes_no_new_override() {
    let shop = Shop::open().await;
    let nick = shop.crm.define("nick", json!({})).await;
    shop.patch(json!({ "attributes": { "common": { "nick": ["a"] } } })).await.is(200);
    shop.crm.patch(&nick.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    let instance = shop.crm.on(&shop.service.instance());
    let new = instance
        .patch(&shop.path, json!({ "attributes": { "common": { "nick": ["b"] } } }))
        .if_match("*")
        .await
        .is(422);
    assert_eq!(new.violations(), ["/attributes/common/nick/0 not-allowed"]);
    instance.patch(&shop.path, json!({ "given_name": "X" })).if_match("*").await.is(200);
    instance
        .patch(&shop.path, json!({ "attributes": { "common": { "nick": null } } }))
        .if_match("*")
        .await
        .is(200);
}

#[tokio::test]
async fn d6_a_definition_of_which_a_system_overrides_a_value_is_in_use() {
    let shop = Shop::open().await;
    let nick = shop.crm.define("nick", json!({})).await;
    shop.patch(json!({ "attributes": { "common": { "nick": ["a"] } } })).await.is(200);
    assert_eq!(shop.crm.delete(&nick.path).await.is(409).slug(), "in-use");
    let tenant = TENANT.parse().unwrap();
    let purge = async || purge(&shop.service.table, &tenant, &nick.id, Duration::ZERO).await;
    assert_eq!(purge().await.unwrap(), PurgeOutcome::InUse(1, vec![shop.jan.id.parse().unwrap()]));
    shop.patch(json!({ "attributes": { "common": { "nick": null } } })).await.is(200);
    assert_eq!(purge().await.unwrap(), PurgeOutcome::Gone);
}

#[tokio::test]
async fn an_overridden_address_is_not_verified_unless_it_is_the_same() {
    let shop = Shop::open().await;
    let admin = shop.service.client(TENANT, "administrator").await;
    let verify = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    admin.post(&shop.jan.below("verify"), verify).await.is(200);
    assert_eq!(shop.read().await["email_verified"], true);
    let read = shop.read().await;
    let mut sent = read.clone();
    sent["preferred_email"] = json!("jan@shop.example");
    // DT5: another address than that of the base profile is not verified.
    let refused = shop.crm.put(&shop.path, sent.clone()).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/email_verified not-editable"]);
    sent["email_verified"] = json!(false);
    shop.crm.put(&shop.path, sent.clone()).if_match("*").await.is(200);
    let other = shop.crm.put(&shop.path, sent).if_match("*").await.is(200).json();
    assert_eq!(
        (&other["preferred_email"], &other["email_verified"]),
        (&json!("jan@shop.example"), &json!(false))
    );
    let same = shop.patch(json!({ "preferred_email": "Jan@Example.org" })).await.is(200).json();
    assert_eq!(
        (&same["preferred_email"], &same["email_verified"]),
        (&json!("Jan@Example.org"), &json!(true))
    );
    let back = shop.patch(json!({ "preferred_email": null })).await.is(200).json();
    assert_eq!(
        (&back["preferred_email"], &back["email_verified"]),
        (&json!("jan@example.org"), &json!(true))
    );
    assert_eq!(shop.crm.read(&shop.jan.path).await["email_verified"], true);
}

#[tokio::test]
async fn a_write_is_stamped_and_the_base_stays_as_it_was() {
    let shop = Shop::open().await;
    let base = shop.crm.tag_of(&shop.jan.path).await;
    shop.service.clock.advance(5);
    let patched = shop.patch(json!({ "given_name": "X" })).await.is(200).json();
    assert_eq!(patched["updated_at"], "2026-11-21T10:00:05.000Z");
    assert_eq!(patched["created_at"], "2026-11-21T10:00:00.000Z");
    assert_eq!(shop.crm.tag_of(&shop.jan.path).await, base);
    // The version moves with the audit, and the tag does not.
    assert_eq!(shop.service.version_of(&shop.jan.id).await, 2);
}
