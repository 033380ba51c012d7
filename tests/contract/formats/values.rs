//! A table per format: what is taken and how it comes back, what is refused and what that says
//! (rule A1), at every place.

use serde_json::json;

use super::table::Table;
use super::{Desk, Place};

const STRING: &str = "expected a string, found ";

#[tokio::test]
async fn a10_text_is_any_text_that_is_not_blank_and_the_text_of_a_number_or_a_flag() {
    let long = format!("\"{}\"", "é".repeat(8 * 1024));
    let longer = format!("\"{}\"", "x".repeat(16 * 1024 + 1));
    let table = Table::of("TEXT")
        .takes(&[
            "\"x\"",
            "\"  two  spaces \"",
            "\"ÅÄÖ 漢字 🙂\"",
            "\"e\u{301}\"",
            "\"null\"",
            "\"{\\\"set\\\":true}\"",
            &long,
        ])
        .shows("\"\\u0041\\n\\t\\\"\"", "\"A\\n\\t\\\"\"")
        .shows("42", "\"42\"")
        .shows("-1.50", "\"-1.50\"")
        .shows("true", "\"true\"")
        .shows("false", "\"false\"")
        .refuses("wrong-format", "is not empty", &["\"\"", "\"   \"", "\"\\n\""])
        .refuses("wrong-format", "U+0000", &["\"a\\u0000b\"", "\"\\u0000\""])
        .refuses(
            "wrong-type",
            "expected a string, a number, true or false, found ",
            &["null", "[\"x\"]", "{}", "{\"set\":true}"],
        )
        .refuses("too-long", "at most 16384", &[&longer]);
    table.hold().await;
}

#[tokio::test]
async fn a1_an_enumeration_takes_one_of_its_values_exactly() {
    let definition =
        json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "dark blue", "Ä"] });
    let table = Table::with(definition)
        .takes(&["\"red\"", "\"dark blue\"", "\"Ä\""])
        .refuses(
            "not-in-enumeration",
            "expected `red`, `dark blue` or `Ä`",
            &["\"Red\"", "\"red \"", "\"\"", "\"A\u{308}\"", "\"ä\""],
        )
        .refuses("wrong-type", STRING, &["1", "null", "{}"]);
    table.hold().await;
}

#[tokio::test]
async fn p1_numbers_are_decimal_strings_of_all_their_digits() {
    let long = "12345678901234567890123456789012345678";
    let quoted = |text: &str| format!("\"{text}\"");
    let mut table = Table::of("NUMERIC");
    for (sent, shown) in [
        ("42", "42"),
        ("-0", "0"),
        ("0e0", "0"),
        ("-0.50", "-0.50"),
        ("0.0", "0.0"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("25e-3", "0.025"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        (long, long),
        (&format!("-0.{long}"), &format!("-0.{long}")),
    ] {
        table = table.shows(sent, &quoted(shown)).shows(&quoted(sent), &quoted(shown));
    }
    let due = "expected a decimal number of at most 38 significant digits, e.g. 42";
    let (digits, places) = (format!("{long}9"), format!("0.{long}9"));
    for wrong in ["1e99", "1e-39", "1e999999999999", &digits, &places] {
        table = table.refuses("wrong-format", due, &[wrong, &quoted(wrong)]);
    }
    let texts = [
        "\"\"",
        "\" 1\"",
        "\"1 \"",
        "\"+1\"",
        "\".5\"",
        "\"1.\"",
        "\"01\"",
        "\"-\"",
        "\"1e\"",
        "\"0x10\"",
        "\"1,5\"",
        "\"1_0\"",
        "\"NaN\"",
        "\"Infinity\"",
        "\"٣\"",
        "\"１\"",
    ];
    let table = table.refuses("wrong-format", due, &texts).refuses(
        "wrong-type",
        "a number or a decimal string",
        &["true", "null", "[1]", "{}"],
    );
    table.hold().await;
}

#[tokio::test]
async fn a1_an_email_is_one_address_of_at_most_254_bytes() {
    let domain = format!("{0}.{0}.{1}.org", "b".repeat(63), "b".repeat(57));
    let (longest, longer) =
        (format!("\"{}@{domain}\"", "a".repeat(64)), format!("\"{}@x{domain}\"", "a".repeat(64)));
    let wrong = [
        "\"\"",
        "\"jan\"",
        "\"@x.org\"",
        "\"jan@\"",
        "\"jan@localhost\"",
        "\"jan@[127.0.0.1]\"",
        "\"Jan <jan@x.org>\"",
        "\"a b@x.org\"",
        "\"\\\"a b\\\"@x.org\"",
        "\"a@b@c.org\"",
        "\" jan@x.org\"",
        "\"jan@x.org \"",
        "\"jan@x.org\\n\"",
        "\"jan@x..org\"",
        "\"jan@-x.org\"",
        "\"jan@exa_mple.org\"",
        "\"jan.@x.org\"",
        "\"j\\u0000n@x.org\"",
        "\"jan@x.org,b@x.org\"",
        "\"mailto:jan@x@org\"",
        &longer,
    ];
    let table = Table::of("EMAIL")
        .takes(&[
            "\"jan@example.org\"",
            "\"Jan.O'Neil+tag@Example.ORG\"",
            "\"jan@bücher.example\"",
            "\"jan@xn--bcher-kva.example\"",
        ])
        .takes(&["\"josé@example.org\"", &longest])
        .refuses("wrong-format", "expected an e-mail address, e.g. jan@example.org", &wrong)
        .refuses("wrong-type", STRING, &["1", "null", "{\"value\":\"jan@x.org\"}"]);
    table.hold().await;
}

#[tokio::test]
async fn a1_an_sms_number_is_one_of_e164() {
    let wrong = [
        "\"\"",
        "\"+\"",
        "\"32475123456\"",
        "\"0475123456\"",
        "\"+32 475 12 34 56\"",
        "\"+32-475123456\"",
        "\"+(32)475123456\"",
        "\"+0475123456\"",
        "\"+999123456789\"",
        "\"+1415555\"",
        "\"+141555526711\"",
        "\"+4946139326740203\"",
        "\"+３２４７５１２３４５６\"",
        "\"tel:+3225550123\"",
        "\"+3225550123;ext=4\"",
        "\"+32475123456 \"",
        "\"+324751x23456\"",
        "\"+32475123456\\n\"",
    ];
    let table = Table::of("SMS")
        .takes(&[
            "\"+3225550123\"",
            "\"+32475123456\"",
            "\"+14155552671\"",
            "\"+442071838750\"",
            "\"+31612345678\"",
        ])
        .refuses("wrong-format", "in E.164 form, e.g. +3225550123", &wrong)
        .refuses("wrong-type", STRING, &["32475123456", "null", "[]"]);
    table.hold().await;
}

#[tokio::test]
async fn a1_json_is_any_value_but_null() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(16 * 1024 - 8));
    let longer = format!("[\"{}\"]", "x".repeat(16 * 1024 - 3));
    let table = Table::of("JSON")
        .takes(&[
            "{\"b\":{\"a\":[null,1.50,true]},\"a\":null}",
            "[]",
            "{}",
            "\"\"",
            "\" \"",
            "0",
            "-0.0",
            "true",
            "false",
        ])
        .takes(&["{\"set\":true}", "\"漢字\\n\"", "[[[[]]]]", &long])
        .shows("{ \"a\" : [ 1 , 2 ] }", "{\"a\":[1,2]}")
        .refuses("wrong-type", "expected a JSON value, found null", &["null"])
        .refuses("too-long", "at most 16384", &[&longer]);
    table.hold().await;
}

#[tokio::test]
async fn a1_json_fits_the_schema_of_its_definition() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["street"],
        "additionalProperties": false,
        "properties": {
            "street": { "$ref": "#/$defs/line" },
            "number": { "type": "integer", "minimum": 1 },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "uniqueItems": true },
        },
        "$defs": { "line": { "type": "string", "pattern": "^[A-Z]", "maxLength": 20 } },
    });
    let wrong = [
        "{}",
        "\"Street\"",
        "[]",
        "1",
        "{\"street\":1}",
        "{\"street\":\"low\"}",
        "{\"street\":\"Much longer than it may be\"}",
        "{\"street\":\"High\",\"number\":0}",
        "{\"street\":\"High\",\"number\":1.5}",
        "{\"street\":\"High\",\"tags\":[\"c\"]}",
        "{\"street\":\"High\",\"tags\":[\"a\",\"a\"]}",
        "{\"street\":\"High\",\"more\":1}",
    ];
    let table = Table::with(json!({ "data_format": "JSON", "json_schema": schema }))
        .takes(&[
            "{\"street\":\"High\"}",
            "{\"number\":7,\"street\":\"High\",\"tags\":[\"b\",\"a\"]}",
        ])
        .refuses("schema", "does not fit the JSON Schema", &wrong)
        .refuses("wrong-type", "expected a JSON value, found null", &["null"]);
    table.hold().await;
}

#[tokio::test]
async fn a2_hashes_take_text_and_show_that_they_are_set() {
    for format in ["HASH", "SEARCHABLE_HASH"] {
        let longer = format!("\"{}\"", "x".repeat(16 * 1024 + 1));
        let table = Table::of(format)
            .shows("\"secret\"", "{\"set\":true}")
            .shows("\"  Ünïcode 漢字 \"", "{\"set\":true}")
            .refuses("wrong-format", "is not empty", &["\"\"", "\"  \""])
            .refuses("wrong-format", "U+0000", &["\"a\\u0000b\""])
            .refuses(
                "wrong-type",
                "`{\"set\": true}` to keep the stored value, found",
                &["1", "null", "[\"x\"]", "{}", "{\"set\":false}", "{\"set\":true,\"x\":1}"],
            )
            .refuses("not-found", "no stored value in this place", &["{\"set\":true}"])
            .refuses("too-long", "at most 16384", &[&longer]);
        table.hold().await;
    }
}

#[tokio::test]
async fn p1_json_keeps_every_digit() {
    let desk = Desk::with(json!({ "data_format": "JSON" })).await;
    for text in ["12345678901234567890.12345678901234567890", "1e400", "{\"a\":[0.1000,-0]}"] {
        desk.clear().await;
        let answer = desk.write(Place::Patch, &format!("[{text}]")).await.is(200);
        assert!(answer.text().contains(&format!("\"x\":[{text}]")), "{}", answer.text());
    }
}
