//! Error messages (rule E1): the expected value, the place, and the name that was probably meant.

use serde_json::{Value, json};
use tests::{Answer, Service, TENANT, person};

const USERS: &str = "/identity/users";
const QUERY: &str = "/identity/users/query";

/// The violations as `<pointer>: <detail>`.
#[track_caller]
fn said(answer: &Answer) -> Vec<String> {
    let problem = answer.problem();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|e| format!("{}: {}", text(e, "pointer"), text(e, "detail"))).collect()
}

#[track_caller]
fn detail(answer: &Answer) -> String {
    answer.problem()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn e1_an_unknown_field_suggests_the_one_that_is_meant() {
    let crm = Service::start().await.crm().await;
    crm.define("phone", json!({ "data_format": "SMS" })).await;
    let wrong = json!({
        "username": "jan", "email": "jan@example.org", "firstName": "Jan", "last_name": "Janssen",
        "language": "nl", "externalId": "1", "mobile": "+32475123456", "colour": "red",
        "attributes": { "common": { "phne": ["+32475123456"] }, "comon": { "phone": [] } },
    });
    assert_eq!(
        said(&crm.post(USERS, wrong).await.is(422)),
        [
            "/attributes/common/phne: unknown attribute `phne` in the category `common`; did you \
             mean `phone`?",
            "/attributes/comon/phone: unknown attribute category `comon`; did you mean `common`?",
            "/colour: unknown field `colour`",
            "/email: unknown field `email`; did you mean `preferred_email`?",
            "/externalId: unknown field `externalId`; did you mean `id_at_customer`?",
            "/firstName: unknown field `firstName`; did you mean `given_name`?",
            "/language: unknown field `language`; did you mean `ui_locales`?",
            "/last_name: unknown field `last_name`; did you mean `family_name`?",
            "/mobile: unknown field `mobile`; did you mean `attributes.common.phone`?",
        ]
    );
    let jan = crm.create_user("jan").await;
    let removed = crm.patch(&jan.path, json!({ "mail": null })).if_match("*").await.is(422);
    assert_eq!(said(&removed), ["/mail: unknown field `mail`; did you mean `preferred_email`?"]);
    let definition = json!({ "category": "common", "name": "x", "dataFormat": "TEXT" });
    let refused = crm.post("/identity/config/attribute-definitions", definition).await.is(422);
    assert_eq!(
        said(&refused),
        [
            "/data_format: `data_format` is required",
            "/dataFormat: unknown field `dataFormat`; did you mean `data_format`?"
        ]
    );
}

#[tokio::test]
async fn a3_a_hidden_attribute_is_not_suggested() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "hidden": true })).await;
    let jan = crm.create_user("jan").await;
    let login = service.issuer("corp", "predefined").await;
    let me = login.link(&jan.id, "S-1").await;
    for (patch, due) in [
        (json!({ "badge": "1" }), "/badge: unknown field `badge`"),
        (
            json!({ "attributes": { "common": { "bage": ["1"] } } }),
            "/attributes/common/bage: unknown attribute `bage` in the category `common`",
        ),
    ] {
        let refused = me.patch("/identity/me", patch).if_match("*").await.is(422);
        assert_eq!(said(&refused), [due]);
    }
}

#[tokio::test]
async fn e1_a_filter_says_where_it_leaves_the_grammar_and_which_field_is_meant() {
    let crm = Service::start().await.crm().await;
    crm.define("tier", json!({ "search": "exact" })).await;
    for (filter, slug, due) in [
        (
            json!("preferred_email eq 'jan@example.org'"),
            "malformed-request",
            "filter: at character 20: expected a string in double quotes",
        ),
        (
            json!("(given_name sw \"Ja\" and email pr"),
            "malformed-request",
            "filter: at character 33: expected `and` or `or` between spaces, or `)`, found the end",
        ),
        (
            json!("email eq \"jan@example.org\""),
            "unsupported-filter",
            "cannot filter by `email`; did you mean `preferred_email`?",
        ),
        (
            json!({ "attributes.common.teir": "gold" }),
            "unsupported-filter",
            "cannot filter by `attributes.common.teir`; did you mean `attributes.common.tier`?",
        ),
        (
            json!("personas[role eq \"x\" or nme eq \"x\"]"),
            "unsupported-filter",
            "cannot filter personas by `role`",
        ),
        (
            json!({ "personas.nme": "x" }),
            "unsupported-filter",
            "cannot filter personas by `nme`; did you mean `name`?",
        ),
        (json!(7), "malformed-request", "filter: expected a string or an object, found a number"),
    ] {
        let refused = crm.post(QUERY, json!({ "filter": filter })).await.is(400);
        assert_eq!((refused.slug().as_str(), detail(&refused).as_str()), (slug, due));
    }
}

#[tokio::test]
async fn e1_json_that_cannot_be_read_says_line_and_column() {
    let crm = Service::start().await.crm().await;
    for (body, due) in [
        (r#"{"username":"j",}"#, "line 1, column 16: unexpected `}` after a comma"),
        ("", "line 1, column 1: expected a JSON value, found the end"),
        (
            "{\n  \"username\": \"jan\",\n  \"username\": \"els\"\n}",
            "line 3, column 3: expected each member name once in an object, found `username` twice",
        ),
        (
            "{\n  \"username\": \"jan\"\n  \"given_name\": \"Jan\"\n}",
            "line 3, column 3: expected a comma, found `\"`",
        ),
    ] {
        let refused = crm.call("POST", USERS).body("application/json", body).await.is(400);
        assert_eq!(detail(&refused), format!("invalid JSON at {due}"));
    }
    let rows = "{\"username\":\"jan\"}\n\n{\"username\":\"els\" \"given_name\":\"Els\"}\n";
    let import = crm.call("POST", "/identity/imports").body("application/x-ndjson", rows).key("k");
    let report = import.await.is(201).header("location").unwrap().to_owned() + "/report";
    assert_eq!(
        crm.get(&report).await.is(200).json()["items"][1]["errors"][0]["detail"],
        "invalid JSON at line 3, column 19: expected a comma"
    );
}

#[tokio::test]
async fn e1_words_of_enumerations_are_listed_and_the_one_that_is_meant_is_suggested() {
    let crm = Service::start().await.crm().await;
    let definition = json!({ "category": "common", "name": "x", "data_format": "text" });
    let refused = crm.post("/identity/config/attribute-definitions", definition).await.is(422);
    assert_eq!(
        said(&refused),
        ["/data_format: expected `ENUMERATION`, `NUMERIC`, `TEXT`, `EMAIL`, `HASH`, \
             `SEARCHABLE_HASH`, `SMS` or `JSON`; did you mean `TEXT`?"]
    );
    let values: Vec<_> = (0..12).map(|i| format!("colour-{i}")).collect();
    let many = json!({ "data_format": "ENUMERATION", "enumeration_values": values });
    crm.define("colour", many).await;
    let mut els = person("els");
    els["attributes"] = json!({ "common": { "colour": ["color-11"] } });
    let refused = said(&crm.post(USERS, els.clone()).await.is(422));
    assert!(refused[0].ends_with("`colour-9`; did you mean `colour-11`?"), "{refused:?}");
    // A report says nothing that is near to what a row holds.
    let import =
        crm.call("POST", "/identity/imports").body("application/x-ndjson", els.to_string());
    let report = import.await.is(201).header("location").unwrap().to_owned() + "/report";
    let report = crm.get(&report).await.is(200);
    assert!(report.text().contains("expected one of 12 values, e.g. "), "{}", report.text());
    assert!(!report.text().contains("did you mean"), "{}", report.text());
}

#[tokio::test]
async fn e1_a_query_parameter_a_header_and_a_token_say_what_was_expected() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (path, due) in [
        ("?limt=5", "unknown query parameter `limt`; did you mean `limit`?"),
        ("?limit=5&limit=6", "the query parameter `limit` is sent twice"),
        ("?limit=0", "query parameter `limit`: expected a number from 1 to 100"),
        ("?colour=red", "unknown query parameter `colour`"),
    ] {
        assert_eq!(detail(&crm.get(&format!("{USERS}{path}")).await.is(400)), due);
    }
    let jan = crm.create_user("jan").await;
    let unquoted = jan.tag.trim_matches('"');
    let refused = crm.patch(&jan.path, json!({})).if_match(unquoted).await.is(400);
    let due = "`if-match`: send the ETag exactly as received, with its double quotes";
    assert_eq!(detail(&refused), due);
    let person = service.issuer("corp", "predefined").await.link(&jan.id, "S-1").await;
    assert_eq!(
        detail(&person.get(USERS).await.is(401)),
        "this route takes client tokens, not user tokens"
    );
    let mapping =
        json!({ "authentication_server_id": "fb-login", "subject": "s", "user_id": jan.id });
    let refused = crm.post("/api/v1/sso/authentication-server-subjects", mapping).await.is(422);
    let due = "/authentication_server_id: there is no authentication server `fb-login`";
    assert_eq!(said(&refused), [due]);
    let client = service.register(TENANT, "users:read config:read".parse().unwrap(), false).await;
    let form = [("grant_type", "client_credentials"), ("scope", "users:read users:write")];
    assert_eq!(
        client.token_for(&form).await.is(400).json()["error_description"],
        "this client may not request the scope `users:write`; it may request `users:read \
         config:read`"
    );
}

#[tokio::test]
async fn e1_of_what_is_sent_and_wrong_nothing_is_missing() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (path, body, due) in [
        (USERS, json!([]), ": expected an object, found an array"),
        (USERS, Value::Null, ": expected an object, found null"),
        (
            "/identity/config/attribute-definitions",
            json!({ "category": "common", "name": "x", "data_format": "TEXT",
                    "approval_policy": "HR" }),
            "/approval_policy: expected an object, found a string",
        ),
        (
            "/identity/config/attribute-definitions",
            json!({ "category": "common", "name": "x", "data_format": "TEXT", "search": "any" }),
            "/search: expected `none`, `exact` or `prefix`",
        ),
    ] {
        assert_eq!(said(&crm.post(path, body).await.is(422)), [due], "{path}");
    }
}

#[tokio::test]
async fn h1_a_failed_precondition_says_which_one_and_what_to_do() {
    let crm = Service::start().await.crm().await;
    let place = "/identity/users/by/id_at_customer/1";
    let call = || crm.put(place, person("jan"));
    let nobody = call().if_match("*").await.is(412);
    assert_eq!(
        detail(&nobody),
        "`If-Match` expects that the resource exists, and it does not; omit `If-Match` to create it"
    );
    let made = call().await.created();
    let somebody = call().if_none_match("*").await.is(412);
    assert_eq!(
        detail(&somebody),
        "`If-None-Match` expects that the resource does not exist, or has another tag; send its \
         current tag, which is in the ETag header, as `If-Match` to change it"
    );
    assert_eq!(somebody.tag(), made.tag);
    let stale = call().if_match("\"old\"").await.is(412);
    assert!(detail(&stale).starts_with("the resource has changed since you read it; "));
    let collection = crm.post(USERS, person("els")).if_match("\"old\"").await.is(412);
    assert_eq!(
        detail(&collection),
        "`If-Match` has a tag, but a collection has none; omit `If-Match`"
    );
}
