//! The array around the values: its type, its length, what occurs twice, and the sizes around it
//! (rules A1, S1, E1).

use serde_json::{Value, json};
use tests::Service;

use super::{Desk, Place, USERS, attribute, role, said};

const DEFINITIONS: &str = "/identity/config/attribute-definitions";
const FORMATS: [&str; 8] =
    ["TEXT", "ENUMERATION", "NUMERIC", "EMAIL", "SMS", "JSON", "HASH", "SEARCHABLE_HASH"];

/// A definition of a format, and two values that differ.
fn sample(format: &str) -> (Value, [Value; 2]) {
    let mut definition = json!({ "data_format": format });
    let values = match format {
        "ENUMERATION" => {
            definition["enumeration_values"] = json!(["red", "blue"]);
            ["red", "blue"].map(Value::from)
        }
        "NUMERIC" => ["1", "2"].map(Value::from),
        "EMAIL" => ["a@example.org", "b@example.org"].map(Value::from),
        "SMS" => ["+3225550123", "+3225550124"].map(Value::from),
        "JSON" => [json!({ "a": 1 }), json!([null])],
        _ => ["one", "two"].map(Value::from),
    };
    (definition, values)
}

#[tokio::test]
async fn a1_values_are_an_array_in_every_format_and_at_every_place() {
    for format in FORMATS {
        let (definition, [value, _]) = sample(format);
        let desk = Desk::with(definition).await;
        for place in Place::ALL {
            for wrong in [value.clone(), json!("x"), json!({ "0": value }), json!(true), json!(7)] {
                let refused = desk.write(place, &wrong.to_string()).await.is(422);
                assert_eq!(
                    refused.violations(),
                    [format!("{} wrong-type", place.pointer())],
                    "{format} {place:?} {wrong}"
                );
                assert!(
                    said(&refused).contains("expected an array of values, e.g. `[\"42\"]`, found"),
                    "{}",
                    said(&refused)
                );
            }
        }
    }
}

#[tokio::test]
async fn a1_two_values_are_kept_in_their_order_and_none_occurs_twice() {
    for format in FORMATS {
        let (definition, [one, two]) = sample(format);
        let desk = Desk::with(definition).await;
        for place in Place::ALL {
            desk.clear().await;
            let answer = desk.write(place, &json!([two, one]).to_string()).await;
            assert!(answer.status.is_success(), "{format} {place:?}: {}", answer.text());
            let hashed = format.ends_with("HASH");
            let due =
                if hashed { json!([{ "set": true }, { "set": true }]) } else { json!([two, one]) };
            assert_eq!(place.shown(&answer, "attributes"), due, "{format} {place:?}");
            let refused = desk.write(place, &json!([one, two, one]).to_string()).await.is(422);
            assert_eq!(
                refused.violations(),
                [format!("{}/2 not-allowed", place.pointer())],
                "{format} {place:?}"
            );
            assert!(said(&refused).contains("sent twice"));
        }
    }
}

#[tokio::test]
async fn e1_every_value_at_fault_is_named() {
    let desk = Desk::with(json!({ "data_format": "NUMERIC" })).await;
    for place in Place::ALL {
        let refused = desk.write(place, r#"["1","one",true,"2",null]"#).await.is(422);
        let at = place.pointer();
        let due = [
            format!("{at}/1 wrong-format"),
            format!("{at}/2 wrong-type"),
            format!("{at}/4 wrong-type"),
        ];
        assert_eq!(refused.violations(), due, "{place:?}");
    }
}

#[tokio::test]
async fn s1_an_attribute_has_at_most_100_values_at_every_place() {
    let desk = Desk::with(json!({ "data_format": "NUMERIC" })).await;
    let many = |n: usize| json!((0..n).collect::<Vec<_>>()).to_string();
    for place in Place::ALL {
        let refused = desk.write(place, &many(101)).await.is(422);
        assert_eq!(refused.violations(), [format!("{} too-many", place.pointer())], "{place:?}");
        assert!(said(&refused).contains("at most 100"), "{}", said(&refused));
        let answer = desk.write(place, &many(100)).await;
        assert_eq!(
            place.shown(&answer, "attributes").as_array().map(Vec::len),
            Some(100),
            "{place:?}"
        );
    }
}

#[tokio::test]
async fn s1_one_request_brings_at_most_10_values_of_hash() {
    let desk = Desk::with(json!({ "data_format": "HASH" })).await;
    let many = |n: usize, word: &str| (0..n).map(|i| format!("{word}{i}")).collect::<Vec<_>>();
    for place in [Place::Create, Place::Patch, Place::SetById] {
        let refused = desk.write(place, &json!(many(12, "a")).to_string()).await.is(422);
        let at = place.pointer();
        assert_eq!(
            refused.violations(),
            [format!("{at}/10 too-many"), format!("{at}/11 too-many")],
            "{place:?}"
        );
        assert!(said(&refused).contains("at most 10"), "{}", said(&refused));
    }
    desk.write(Place::Patch, &json!(many(10, "a")).to_string()).await.is(200);
    // Kept values cost no hash, so ten more can be set beside them.
    let mut values = vec![json!({ "set": true }); 10];
    values.extend(many(10, "b").into_iter().map(Value::from));
    let answer = desk.write(Place::Patch, &json!(values).to_string()).await.is(200);
    assert_eq!(Place::Patch.shown(&answer, "attributes").as_array().map(Vec::len), Some(20));

    // All that one request brings counts, whatever it is for.
    let persona = |i: usize| {
        let mut persona = role(&format!("s{i}"));
        persona["attributes"] = json!({ "common": { "x": many(4, &format!("p{i}-")) } });
        persona
    };
    let mut body = attribute("x", &json!(many(4, "own")));
    body["username"] = json!("piet");
    body["personas"] = json!([persona(0), persona(1)]);
    let refused = desk.crm.post(USERS, body).await.is(422);
    assert_eq!(refused.violations().len(), 2, "{}", refused.text());
}

#[tokio::test]
async fn s1_searchable_hashes_count_as_look_ups_and_not_as_salted_ones() {
    let desk = Desk::with(json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" })).await;
    let many = |n: usize| json!((0..n).map(|i| format!("v{i}")).collect::<Vec<_>>()).to_string();
    desk.write(Place::Patch, &many(20)).await.is(200);
    let refused = desk.write(Place::Create, &many(40)).await.is(422);
    assert!(refused.text().contains("at most 40"), "{}", refused.text());
}

#[tokio::test]
async fn s1_a_json_schema_has_at_most_16_kb_and_1000_keywords() {
    let crm = Service::start().await.crm().await;
    let define = |name: &str, schema: Value| {
        crm.post(
            DEFINITIONS,
            json!({
                "category": "common", "name": name, "data_format": "JSON", "json_schema": schema
            }),
        )
    };
    let padded =
        |size: usize| json!({ "description": "x".repeat(size - r#"{"description":""}"#.len()) });
    let refused = define("a", padded(16 * 1024 + 1)).await.is(422);
    assert_eq!(refused.violations(), ["/json_schema too-long"]);
    assert!(said(&refused).contains("16384"));
    define("a", padded(16 * 1024)).await.is(201);

    let names = |n: usize| {
        (0..n)
            .map(|i| (format!("p{i}"), json!({ "type": "null" })))
            .collect::<serde_json::Map<_, _>>()
    };
    define("b", json!({ "properties": names(490) })).await.is(201);
    let refused = define("c", json!({ "properties": names(501) })).await.is(422);
    assert_eq!(refused.violations(), ["/json_schema schema"]);
    assert!(said(&refused).contains("1000"));
    for (schema, says) in [
        (json!({ "type": "strin" }), "is not valid"),
        (json!({ "$ref": "https://example.org/schema.json" }), "points to nothing"),
        (json!({ "$ref": "#" }), "refers to itself"),
        (json!({ "unevaluatedItems": false }), "not supported"),
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#" }),
            "expected the JSON Schema draft",
        ),
    ] {
        let refused = define("d", schema.clone()).await.is(422);
        assert_eq!(refused.violations(), ["/json_schema schema"], "{schema}");
        assert!(said(&refused).contains(says), "{}", said(&refused));
    }
    for wrong in [json!([]), json!("{}"), json!(1)] {
        assert_eq!(define("d", wrong).await.is(422).violations(), ["/json_schema wrong-type"]);
    }
    let refused = crm.post(
        DEFINITIONS,
        json!({ "category": "common", "name": "e", "data_format": "TEXT", "json_schema": {} }),
    );
    assert_eq!(refused.await.is(422).violations(), ["/json_schema not-allowed"]);
    // A boolean is a schema; `false` fits nothing.
    define("f", json!(false)).await.is(201);
    let refused = crm
        .post(USERS, json!({ "username": "x", "attributes": { "common": { "f": [1] } } }))
        .await
        .is(422);
    assert_eq!(refused.violations(), ["/attributes/common/f/0 schema"]);
}

#[tokio::test]
async fn s1_a_refusal_does_not_grow_with_the_enumeration_it_quotes() {
    let values: Vec<_> = (0..900).map(|i| format!("{i:03}{}", "x".repeat(240))).collect();
    let desk =
        Desk::with(json!({ "data_format": "ENUMERATION", "enumeration_values": values })).await;
    let wrong: Vec<_> = (0..100).map(|i| format!("wrong{i}")).collect();
    let refused = desk.write(Place::Patch, &json!(wrong).to_string()).await.is(422);
    // A function's answer has at most 6 MB.
    assert!(refused.body.len() < 6_000_000, "{} bytes", refused.body.len());
}

#[tokio::test]
async fn p3_what_was_taken_can_be_sent_back_however_deep_it_is() {
    let desk = Desk::with(json!({ "data_format": "JSON" })).await;
    let deep = |n: usize| format!("[{}{}]", "[".repeat(n), "]".repeat(n));
    for place in [Place::Patch, Place::ById, Place::PatchPersona, Place::SetById] {
        desk.clear().await;
        // As deep as the place takes it.
        let mut n = 64;
        while desk.write(place, &deep(n)).await.code() != 200 {
            n -= 1;
        }
        let read = desk.crm.get(&desk.user.path).await.is(200);
        let back =
            desk.crm.call("PUT", &desk.user.path).body("application/json", read.body.clone());
        let back = back.if_match(&read.tag()).await;
        assert_eq!(back.code(), 200, "{place:?} took a value {n} deep: {}", back.text());
    }
}
