//! The values that TEXT, NUMERIC and ENUMERATION accept (rules P1, A1, A3).

use serde_json::{Value, json};
use tests::Service;

const USERS: &str = "/identity/users";

#[tokio::test]
async fn p1_numbers_keep_all_their_digits_or_are_refused() {
    let crm = Service::start().await.crm().await;
    crm.define("n", json!({ "data_format": "NUMERIC" })).await;
    let jan = crm.create_user("jan").await;
    let patch = |text: &str| {
        let body = format!(r#"{{"attributes":{{"common":{{"n":[{text}]}}}}}}"#);
        crm.call("PATCH", &jan.path).body("application/json", body).if_match("*")
    };
    let long = "12345678901234567890123456789012345678";
    let fraction = "0.12345678901234567890123456789012345678";
    for (sent, due) in [
        ("42", "42"),
        ("\"42\"", "42"),
        ("-0.50", "-0.50"),
        ("\"1.500\"", "1.500"),
        ("1e3", "1000"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        (long, long),
        (&format!("\"-{long}\""), &format!("-{long}")),
        (fraction, fraction),
    ] {
        let kept = patch(sent).await.is(200).json();
        assert_eq!(kept["attributes"]["common"]["n"], json!([due]), "{sent}");
    }
    for wrong in [
        "\"\"",
        "\"one\"",
        "\" 1\"",
        "\"+1\"",
        "\"0x10\"",
        "\"1,5\"",
        "\"NaN\"",
        "1e99",
        &format!("{long}9"),
        "true",
    ] {
        assert_eq!(patch(wrong).await.code(), 422, "{wrong}");
    }
}

#[tokio::test]
async fn a1_an_enumeration_takes_its_values_exactly() {
    let crm = Service::start().await.crm().await;
    crm.define(
        "colour",
        json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "dark blue"] }),
    )
    .await;
    let jan = crm.create_user("jan").await;
    let patch = |value: Value| {
        crm.patch(&jan.path, json!({ "attributes": { "common": { "colour": [value] } } }))
            .if_match("*")
    };

    patch(json!("dark blue")).await.is(200);
    for (wrong, code) in [
        (json!("Red"), "not-in-enumeration"),
        (json!("green"), "not-in-enumeration"),
        (json!(1), "wrong-type"),
    ] {
        let refused = patch(wrong).await.is(422);
        assert_eq!(refused.violations(), [format!("/attributes/common/colour/0 {code}")]);
    }
    assert!(patch(json!("green")).await.text().contains("expected `red` or `dark blue`"));
}

#[tokio::test]
async fn a1_a_text_is_any_string_and_comes_back_as_sent() {
    let crm = Service::start().await.crm().await;
    crm.define("note", json!({ "search": "exact" })).await;
    let values = json!(["  two  spaces ", "ÅÄÖ 漢字 🙂", "line\nbreak", "\"quoted\" \\ #"]);
    let body = json!({ "username": "jan", "attributes": { "common": { "note": values } } });
    let jan = crm.create(USERS, body).await;
    assert_eq!(crm.read(&jan.path).await["attributes"]["common"]["note"], values);
    for wrong in [
        json!("x"),
        json!([{}]),
        json!([null]),
        json!([["x"]]),
        json!({ "x": "y" }),
        json!(["x", "x"]),
    ] {
        let patch = json!({ "attributes": { "common": { "note": wrong } } });
        assert_eq!(crm.patch(&jan.path, patch).if_match("*").await.code(), 422, "{wrong}");
    }
}

#[tokio::test]
async fn a3_a_single_value_is_one() {
    let crm = Service::start().await.crm().await;
    crm.define("badge", json!({ "single_value": true })).await;
    let with = |values: Value| {
        json!({
            "username": "jan", "attributes": { "common": { "badge": values } }
        })
    };
    let refused = crm.post(USERS, with(json!(["1", "2"]))).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge too-many"]);
    crm.post(USERS, with(json!(["1"]))).await.is(201);
}

#[tokio::test]
async fn a3_required_added_later_binds_put_and_removal_and_no_other_change() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let with =
        |name: &str| json!({ "username": name, "attributes": { "common": { "badge": ["1"] } } });
    let without = crm.create_user("without").await;
    let holder = crm.create(USERS, with("holder")).await;
    crm.patch(&badge.path, json!({ "required": true })).if_match(&badge.tag).await.is(200);
    service.clock.advance(31);

    crm.patch(&without.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    crm.put(&without.path, json!({ "username": "without" })).if_match("*").await.is(422);
    crm.patch(&holder.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    for gone in [json!(null), json!([])] {
        let patch = json!({ "attributes": { "common": { "badge": gone } } });
        let refused = crm.patch(&holder.path, patch).if_match("*").await.is(422);
        assert_eq!(refused.violations(), ["/attributes/common/badge required"]);
    }
    crm.put(&holder.path, with("holder")).if_match("*").await.is(200);
}

#[tokio::test]
async fn a3_unique_compares_normalised_values_and_not_within_one_user() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    let with = |name: &str, values: Value| {
        json!({
            "username": name, "attributes": { "common": { "badge": values } }
        })
    };

    let jan = crm.create(USERS, with("jan", json!(["A-1", "a-1"]))).await;
    crm.post(USERS, with("piet", json!(["B", "a-1"]))).await.is(409);
    let piet = crm.create(USERS, with("piet", json!(["B"]))).await;
    crm.patch(&piet.path, json!({ "attributes": { "common": { "badge": ["A-1"] } } }))
        .if_match("*")
        .await
        .is(409);
    // A value that its holder gives up is free at once.
    crm.patch(&jan.path, json!({ "attributes": { "common": { "badge": ["C"] } } }))
        .if_match("*")
        .await
        .is(200);
    crm.patch(&piet.path, json!({ "attributes": { "common": { "badge": ["A-1"] } } }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(crm.find(json!({ "attributes.common.badge": "a-1" })).await.len(), 1);
    service.check().await;
}
