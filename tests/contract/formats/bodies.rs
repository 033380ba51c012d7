//! JSON as it is read: what would be read in two ways is refused, what is unusual and clear is
//! taken (rules P1, P2).

use serde_json::{Value, json};
use tests::Call;

use super::{Desk, Place, USERS};

/// Texts that are no JSON, or that lose something when they are read.
fn wrong() -> Vec<Vec<u8>> {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let in_object = |text: &str| format!("{{\"username\":{text}}}");
    let mut texts: Vec<String> = [
        "",
        " ",
        "{",
        "}",
        "[",
        "{}{}",
        "{} {}",
        "{},",
        "{}\u{0}",
        "{}x",
        "nul",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "{,}",
        "[1,]",
        "// x\n{}",
        "{}/**/",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\":1,\"\":2}",
        "{\"é\":1,\"\\u00e9\":2}",
    ]
    .map(str::to_owned)
    .to_vec();
    for value in [
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "01",
        "-01",
        "+1",
        "1.",
        ".5",
        "-",
        "- 1",
        "1e",
        "1e+",
        "0x10",
        "1_0",
        "1,5",
        "TRUE",
        "True",
        "None",
        "undefined",
        "'x'",
        "\"x",
        "\"\\x41\"",
        "\"\\u00\"",
        "\"\\U0041\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\u{0}\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud83d \\ude00\"",
        "\"\\ud83dx\"",
    ] {
        texts.push(in_object(value));
    }
    texts.push(in_object(&deep(64)));
    texts.push(deep(65));
    texts.push("[".repeat(200_000));
    texts.push("{\"a\":".repeat(40_000));
    let mut bytes: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
    for broken in [
        &b"{\"a\":\"\xff\"}"[..],
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xf5\x80\x80\x80\"}",
        b"{\"a\":\"\xc3\"}",
        b"{\"\xff\":1}",
        b"\xff\xfe{\0}\0",
        b"{\0}\0",
        b"\xfe\xff\0{\0}",
    ] {
        bytes.push(broken.to_vec());
    }
    bytes
}

#[tokio::test]
async fn p1_json_that_can_be_read_in_two_ways_is_refused_by_every_route_with_a_body() {
    let desk = Desk::with(json!({})).await;
    let crm = &desk.crm;
    let routes: [(&str, String); 9] = [
        ("POST", USERS.to_owned()),
        ("POST", format!("{USERS}/query")),
        ("PUT", desk.user.path.clone()),
        ("PATCH", desk.user.path.clone()),
        ("POST", desk.user.below("personas")),
        ("PATCH", desk.persona.below("attribute")),
        ("POST", desk.user.below("verify")),
        ("PATCH", desk.x.path.clone()),
        ("PUT", "/identity/config/user-profile-definition".to_owned()),
    ];
    for (method, path) in routes {
        for body in wrong() {
            let text: String = String::from_utf8_lossy(&body).chars().take(60).collect();
            let refused =
                crm.call(method, &path).body("application/json", body).if_match("*").await;
            assert_eq!(
                (refused.code(), refused.slug()),
                (400, "malformed-request".to_owned()),
                "{method} {path} {text:?}"
            );
            assert!(refused.body.len() < 2000, "{method} {path} {text:?}");
        }
    }
}

#[tokio::test]
async fn p1_json_that_is_unusual_and_clear_is_taken() {
    let desk = Desk::with(json!({})).await;
    let send = |text: &str| -> Call {
        desk.crm
            .call("PATCH", &desk.user.path)
            .body("application/json", text.to_owned())
            .if_match("*")
    };
    for (sent, shown) in [
        (" \t\r\n{ \"given_name\" : \"A\" }\n ", "A"),
        ("{\"given_n\\u0061me\":\"B\"}", "B"),
        ("{\"given_name\":\"\\u00c5ke \\/ \\\"Q\\\"\"}", "Åke / \"Q\""),
    ] {
        let answer = send(sent).await.is(200);
        assert_eq!(answer.field("given_name"), shown);
    }
    for (sent, shown) in [
        (r#"["\ud83d\ude42"]"#, "🙂"),
        (r#"["\uFFFD\uffff"]"#, "\u{fffd}\u{ffff}"),
        (r#"["\u2028\u007f"]"#, "\u{2028}\u{7f}"),
        (r#"["\ud834\udd1e"]"#, "𝄞"),
    ] {
        let answer = desk.write(Place::Patch, sent).await.is(200);
        assert_eq!(Place::Patch.shown(&answer, "attributes"), json!([shown]), "{sent}");
    }
}

#[tokio::test]
async fn p1_numbers_of_any_size_are_refused_where_none_is_due_and_not_rounded() {
    let desk = Desk::with(json!({ "data_format": "NUMERIC" })).await;
    let huge = "9".repeat(100_000);
    for number in ["1e999999999", "-1e-999999999", &huge, "1e99999999999999999999", "0.1e-400"] {
        let body = format!("{{\"username\":{number}}}");
        let refused = desk.crm.call("POST", USERS).body("application/json", body).await.is(422);
        assert_eq!(refused.violations(), ["/username wrong-type"]);
        let refused = desk.write(Place::Patch, &format!("[{number}]")).await.is(422);
        assert_eq!(refused.violations(), ["/attributes/common/x/0 wrong-format"]);
        assert!(refused.body.len() < 2000);
        let body = format!("{{\"filter\":{{\"username\":\"jan\"}},\"limit\":{number}}}");
        let refused = desk
            .crm
            .call("POST", &format!("{USERS}/query"))
            .body("application/json", body)
            .await
            .is(422);
        assert_eq!(refused.violations(), ["/limit wrong-format"]);
    }
    for (sent, shown) in [
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055", "0.1000000000000000055"),
    ] {
        let answer = desk.write(Place::SetById, &format!("[{sent}]")).await.is(200);
        assert_eq!(Place::SetById.shown(&answer, "attributes"), json!([shown]));
    }
}

#[tokio::test]
async fn p1_u0000_is_refused_in_every_text() {
    let desk = Desk::with(json!({})).await;
    for field in
        ["username", "id_at_customer", "family_name", "given_name", "ui_locales", "preferred_email"]
    {
        let body = json!({ field: "a\u{0}b" });
        let refused = desk.crm.patch(&desk.user.path, body).if_match("*").await.is(422);
        assert_eq!(refused.violations(), [format!("/{field} wrong-format")]);
    }
    let definitions = "/identity/config/attribute-definitions";
    let body = json!({
        "category": "common", "name": "y", "data_format": "ENUMERATION",
        "enumeration_values": ["a\u{0}"]
    });
    let refused = desk.crm.post(definitions, body).await.is(422);
    assert!(
        refused.violations().contains(&"/enumeration_values/0 wrong-format".to_owned()),
        "{}",
        refused.text()
    );
    // In a path or a name it names nothing.
    for path in ["%00", "a%00"] {
        desk.crm.get(&format!("{USERS}/{path}")).await.is(404);
    }
    let named = json!({ "attributes": { "common": { "x\u{0}": ["1"] } } });
    assert_eq!(
        desk.crm.patch(&desk.user.path, named).if_match("*").await.is(422).violations(),
        ["/attributes/common/x\u{0} unknown"]
    );
}

#[tokio::test]
async fn p2_a_patch_replaces_arrays_whole_and_keeps_nulls_inside_of_them() {
    let desk = Desk::with(json!({ "data_format": "JSON" })).await;
    let write = async |value: Value| {
        let answer = desk.write(Place::Patch, &value.to_string()).await.is(200);
        Place::Patch.shown(&answer, "attributes")
    };
    for value in
        [json!([{ "a": 1, "b": null }]), json!([{ "b": { "c": null } }, [null]]), json!([{}])]
    {
        assert_eq!(write(value.clone()).await, value);
    }
    let tag = desk.crm.tag_of(&desk.user.path).await;
    for nothing in [
        json!({}),
        json!({ "attributes": {} }),
        json!({ "attributes": { "common": {} } }),
        json!({ "attribute_values": [] }),
    ] {
        let kept = desk.crm.patch(&desk.user.path, nothing.clone()).if_match(&tag).await.is(200);
        assert_eq!((kept.tag(), kept.cost().1), (tag.clone(), 0.0), "{nothing}");
    }
    for (wrong, due) in [
        (json!({ "attributes": null }), "/attributes not-allowed"),
        (json!({ "attributes": { "common": null } }), "/attributes/common not-allowed"),
        (json!({ "attributes": { "nothing": null } }), "/attributes/nothing not-allowed"),
        (
            json!({ "attributes": { "common": { "nothing": null } } }),
            "/attributes/common/nothing unknown",
        ),
    ] {
        for target in [&desk.user, &desk.persona] {
            let refused = desk.crm.patch(&target.path, wrong.clone()).if_match("*").await.is(422);
            assert!(
                refused.violations().contains(&due.to_owned()),
                "{wrong}: {:?}",
                refused.violations()
            );
        }
    }
}
