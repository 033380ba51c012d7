//! `POST /identity/users/query` (rule D4).

use serde_json::{Value, json};
use tests::{Client, Service, TENANT, person};

const USERS: &str = "/identity/users";
const QUERY: &str = "/identity/users/query";

async fn names(crm: &Client, filter: Value) -> Vec<String> {
    let mut names: Vec<_> = crm
        .find(filter)
        .await
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn d4_every_indexed_value_finds_what_was_acknowledged() {
    let crm = Service::start().await.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("tag", json!({ "search": "exact" })).await;
    crm.define("title", json!({ "search": "prefix" })).await;
    crm.define("size", json!({ "search": "exact", "data_format": "NUMERIC" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let mut body = person("Jan");
    body["id_at_customer"] = json!("CRM-1");
    body["attributes"] = json!({
        "common": { "badge": ["A 1"], "tag": ["x", "Y"], "title": ["Dr. No"], "size": [1.50] }
    });
    body["personas"] = json!([{ "name": "employee", "scope": ["chemco"] }]);
    let jan = crm.create(USERS, body).await;
    crm.create(USERS, person("piet")).await;

    for filter in [
        json!({ "id": jan.id }),
        json!({ "username": "JAN" }),
        json!({ "id_at_customer": "CRM-1" }),
        json!({ "preferred_email": "JAN@Example.org" }),
        json!({ "attributes.common.badge": "a 1" }),
        json!({ "attributes.common.tag": "y" }),
        json!({ "attributes.common.title": "dr.  no" }),
        json!({ "attributes.common.size": 1.5 }),
        json!({ "personas": { "name": "employee" } }),
        json!({ "personas": { "name": "employee", "scope": "chemco" } }),
        json!({ "family_name": "JANSSEN", "username": "jan" }),
        json!(r#"username eq "jan""#),
        json!(r#"family_name eq "janssen" and attributes.common.tag eq "X""#),
        json!(r#"personas[name eq "employee" and scope eq "chemco"]"#),
        json!("attributes.common.size eq 1.50"),
    ] {
        assert_eq!(names(&crm, filter.clone()).await, ["Jan"], "{filter}");
    }
    assert_eq!(names(&crm, json!({ "family_name": "janssen" })).await, ["Jan", "piet"]);
    assert_eq!(crm.find(json!({ "username": "jan" })).await, [crm.read(&jan.path).await]);
    for filter in [
        json!({ "username": "nobody" }),
        json!({ "family_name": "Janssen", "given_name": "Piet" }),
        json!({ "family_name": "Jan" }),
        json!({ "preferred_email": "no address" }),
        json!({ "personas": { "name": "employee", "scope": "other" } }),
        json!({ "personas": { "name": "nothing" } }),
        json!({ "id": "x" }),
    ] {
        assert_eq!(names(&crm, filter.clone()).await, [""; 0], "{filter}");
    }
}

#[tokio::test]
async fn d4_a_value_that_changed_finds_by_the_new_one_only() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let patch = json!({
        "username": "els", "id_at_customer": "7", "family_name": "Peeters", "given_name": "Els",
        "preferred_email": "els@example.org",
    });
    crm.patch(&jan.path, patch.clone()).if_match(&jan.tag).await.is(200);
    for (field, old) in [
        ("username", "jan"),
        ("family_name", "Janssen"),
        ("given_name", "Jan"),
        ("preferred_email", "jan@example.org"),
    ] {
        assert_eq!(names(&crm, json!({ field: old })).await, [""; 0], "{field}");
    }
    for (field, new) in patch.as_object().unwrap() {
        assert_eq!(names(&crm, json!({ field: new })).await, ["els"], "{field}");
    }
    crm.create(USERS, person("jan")).await;
    service.check().await;
}

#[tokio::test]
async fn values_that_look_alike_in_keys_are_told_apart() {
    let crm = Service::start().await.crm().await;
    let long = "x".repeat(256);
    for (username, family) in [
        ("a", "Ab#cd"),
        ("b", "Ab"),
        ("c", "A"),
        ("d", &long[..255]),
        ("e", &long),
        ("f", "ß"),
        ("g", "ss"),
    ] {
        crm.create(USERS, json!({ "username": username, "family_name": family })).await;
    }
    for (family, due) in [
        ("ab", "b"),
        ("AB#CD", "a"),
        ("a", "c"),
        (&long, "e"),
        (&long[..255], "d"),
        ("ß", "f"),
        ("SS", "g"),
    ] {
        assert_eq!(names(&crm, json!({ "family_name": family })).await, [due], "{family}");
    }
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused() {
    let crm = Service::start().await.crm().await;
    crm.define("note", json!({})).await;
    for filter in [
        json!({ "attributes.common.note": "x" }),
        json!({ "attributes.common.nothing": "x" }),
        json!({ "nickname": "x" }),
        json!({ "username": 1 }),
        json!({ "username": ["x"] }),
        json!({ "personas": {} }),
        json!({ "personas": { "family": "x" } }),
    ] {
        let refused = crm.post(QUERY, json!({ "filter": filter })).await;
        assert_eq!(refused.code(), 400, "{filter}");
        assert_eq!(refused.slug(), "unsupported-filter", "{filter}");
    }
    for filter in [
        json!({}),
        json!(1),
        json!([]),
        json!("username eq"),
        json!("username"),
        json!(r#"username eq "a" and"#),
    ] {
        let refused = crm.post(QUERY, json!({ "filter": filter })).await;
        assert_eq!(
            (refused.code(), refused.slug().as_str()),
            (400, "malformed-request"),
            "{filter}"
        );
    }
    assert_eq!(crm.post(QUERY, json!({})).await.is(422).violations(), ["/filter required"]);
    assert_eq!(
        crm.post(QUERY, json!({ "filter": {}, "order": 1 })).await.is(422).violations(),
        ["/order unknown"]
    );
}

#[tokio::test]
async fn a_query_reads_and_needs_the_right_to_read_only() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create_user("jan").await;
    let reader = service.client(TENANT, "users:read").await;
    let found = reader
        .post(QUERY, json!({ "filter": { "username": "jan" }, "explain": true }))
        .await
        .is(200);
    assert_eq!(found.cost().1, 0.0);
    assert_eq!(
        found.json()["explain"]["plan"],
        json!([{ "by": "username", "operator": "eq", "source": "look-up" }])
    );
    let writer = service.client(TENANT, "users:write").await;
    writer.post(QUERY, json!({ "filter": { "username": "jan" } })).await.is(403);
}

#[tokio::test]
async fn new_definitions_can_be_filtered_by_at_once_at_a_function_that_knows_older_ones() {
    let crm = Service::start().await.crm().await;
    crm.create_user("jan").await;
    assert_eq!(names(&crm, json!({ "username": "jan" })).await, ["jan"]);
    crm.define("tag", json!({ "search": "exact" })).await;
    assert_eq!(names(&crm, json!({ "attributes.common.tag": "x" })).await, [""; 0]);
}

#[tokio::test]
async fn h7_a_value_that_goes_on_after_a_hash_neither_repeats_a_user_nor_breaks_the_query() {
    let crm = Service::start().await.crm().await;
    crm.define("alias", json!({ "search": "prefix" })).await;
    for (name, alias) in [("Jan", json!(["jan", "jan#x"])), ("Piet", json!(["jan#y"]))] {
        let mut body = person(name);
        body["attributes"] = json!({ "common": { "alias": alias } });
        crm.create(USERS, body).await;
    }
    assert_eq!(names(&crm, json!({ "attributes.common.alias": "jan" })).await, ["Jan"]);
    assert_eq!(names(&crm, json!({ "attributes.common.alias": "jan#y" })).await, ["Piet"]);
    let page = crm
        .post(QUERY, json!({ "filter": { "attributes.common.alias": "jan" }, "limit": 1 }))
        .await
        .is(200);
    let cursor = page.json()["next_cursor"].clone();
    if cursor.is_string() {
        let body =
            json!({ "filter": { "attributes.common.alias": "jan" }, "limit": 1, "cursor": cursor });
        assert_eq!(crm.post(QUERY, body).await.is(200).json()["items"], json!([]));
    }
}

#[tokio::test]
async fn p1_a_number_in_a_filter_keeps_its_digits() {
    let crm = Service::start().await.crm().await;
    crm.define("account", json!({ "search": "exact", "data_format": "NUMERIC" })).await;
    for (name, number) in [("Jan", "12345678901234567890123"), ("Piet", "12345678901234567890124")]
    {
        let mut body = person(name);
        body["attributes"] = json!({ "common": { "account": [number] } });
        crm.create(USERS, body).await;
    }
    assert_eq!(
        names(&crm, json!("attributes.common.account eq 12345678901234567890123")).await,
        ["Jan"]
    );
}

#[tokio::test]
async fn s1_candidates_are_read_in_batches_and_the_answer_says_how_many() {
    let crm = Service::start().await.crm().await;
    crm.define_persona("consumer", json!({})).await;
    crm.define_persona("employee", json!({})).await;
    for i in 0..30 {
        let mut body = person(&format!("user{i}"));
        body["personas"] = json!([{ "name": "consumer" }]);
        crm.create(USERS, body).await;
    }
    let filter = r#"personas[name eq "consumer"] and personas[name eq "employee"]"#;
    let answer = crm.post(QUERY, json!({ "filter": filter, "limit": 1 })).await.is(200);
    assert_eq!(answer.json(), json!({ "items": [], "scanned": 30 }));
    assert!(answer.cost().0 <= 40.0, "{:?}", answer.cost());
}

#[tokio::test]
async fn d4_a_persona_definition_made_a_moment_ago_can_be_searched_at_once() {
    let crm = Service::start().await.crm().await;
    crm.find(json!({ "username": "nobody" })).await;
    crm.define_persona("consumer", json!({})).await;
    let mut body = person("jan");
    body["personas"] = json!([{ "name": "consumer" }]);
    let elsewhere = crm.on(&crm.service.instance());
    elsewhere.create(USERS, body).await;
    assert_eq!(names(&crm, json!({ "personas": { "name": "consumer" } })).await, ["jan"]);
}
