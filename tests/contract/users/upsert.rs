//! `PUT /identity/users/by/id_at_customer/{value}`: create or replace.

use serde_json::{Value, json};
use tests::{Answer, Client, Service, TENANT, escape, person};

const USERS: &str = "/identity/users";

pub(super) fn place(id: &str) -> String {
    format!("{USERS}/by/id_at_customer/{}", escape(id))
}

async fn put(crm: &Client, id: &str, body: Value) -> Answer {
    crm.put(&place(id), body).await
}

/// The user's personas as (name, scope).
fn personas(user: &Value) -> Vec<(String, Value)> {
    let personas = user["personas"].as_array().unwrap();
    personas.iter().map(|p| (p["name"].as_str().unwrap().to_owned(), p["scope"].clone())).collect()
}

#[tokio::test]
async fn h6_the_first_put_creates_and_the_next_replaces() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = put(&crm, "CRM-0042", person("jan")).await.created();
    assert_eq!(made.path, format!("{USERS}/{}", made.id));
    assert_eq!(made.body["id_at_customer"], "CRM-0042");
    assert_eq!(crm.get(&made.path).await.is(200).tag(), made.tag);
    assert_eq!(
        crm.find(json!({ "id_at_customer": "CRM-0042" })).await,
        std::slice::from_ref(&made.body)
    );

    // Neither the tag nor the version has changed.
    let again = put(&crm, "CRM-0042", person("jan")).await.is(200);
    assert_eq!(
        (again.tag(), again.json(), again.header("location")),
        (made.tag.clone(), made.body, None)
    );
    assert_eq!(service.version_of(&made.id).await, 1);

    // A field that the document omits is removed, and the id at the customer stays.
    let replaced =
        put(&crm, "CRM-0042", json!({ "username": "jan", "id_at_customer": "CRM-0042" }))
            .await
            .is(200);
    assert_eq!(replaced.json()["family_name"], Value::Null);
    assert_eq!(replaced.json()["id_at_customer"], "CRM-0042");
    assert_ne!(replaced.tag(), made.tag);
    assert_eq!(replaced.json(), crm.read(&made.path).await);
    assert_eq!(service.version_of(&made.id).await, 2);
    // As the plain PUT would.
    let plain = crm
        .put(&made.path, json!({ "username": "jan", "id_at_customer": "CRM-0042" }))
        .if_match("*")
        .await;
    assert_eq!(plain.is(200).tag(), replaced.tag());
    service.check().await;
}

#[tokio::test]
async fn h6_an_id_may_have_any_character() {
    let crm = Service::start().await.crm().await;
    for (i, id) in ["a b", "a/b", "ÅÄÖ", "50%", "?x=1#y", "CRM+1", ".."].iter().enumerate() {
        let path = format!(
            "{USERS}/by/id_at_customer/{}",
            escape(id).replace('+', "%2B").replace("..", "%2E%2E")
        );
        let made = crm.put(&path, json!({ "username": format!("user{i}") })).await.created();
        assert_eq!(made.body["id_at_customer"], json!(id));
        crm.put(&path, json!({ "username": format!("user{i}") })).await.is(200);
    }
    let long = "x".repeat(257);
    assert_eq!(
        put(&crm, &long, json!({ "username": "long" })).await.is(422).violations(),
        ["/id_at_customer too-long"]
    );
    assert_eq!(
        put(&crm, "%01", json!({ "username": "c" })).await.code(),
        201,
        "a per cent sign is a character"
    );
    let control = crm
        .put(&format!("{USERS}/by/id_at_customer/%01"), json!({ "username": "d" }))
        .await
        .is(422);
    assert_eq!(control.violations(), ["/id_at_customer wrong-format"]);
    crm.put(&format!("{USERS}/by/id_at_customer/%FF"), json!({ "username": "d" })).await.is(404);
    let other = format!("{USERS}/by/username/jan");
    let refused = crm.put(&other, json!({ "username": "d" })).await.is(405);
    assert!(!refused.header("allow").unwrap().contains("PUT"));
    assert!(crm.act(&place("CRM-1")).await.is(405).header("allow").unwrap().contains("PUT"));
}

#[tokio::test]
async fn h1_neither_precondition_is_needed_and_both_are_honoured() {
    let crm = Service::start().await.crm().await;
    let call = |body: Value| crm.put(&place("1"), body);
    // No user has this id, so every If-Match fails.
    for tag in ["*", "\"x\""] {
        let refused = call(person("jan")).if_match(tag).await.is(412);
        assert_eq!(refused.header("etag"), None);
    }
    // H2: before the body is looked at.
    call(json!({ "nonsense": 1 })).if_match("*").await.is(412);
    call(json!({ "nonsense": 1 })).if_match("x").await.is(400);
    let made = call(person("jan")).if_none_match("*").await.created();
    let refused = call(json!({ "nonsense": 1 })).if_none_match("*").await.is(412);
    assert_eq!(refused.tag(), made.tag);
    call(person("jan")).if_none_match(&made.tag).await.is(412);
    call(person("jan")).if_none_match("\"other\"").await.is(200);
    call(person("jan")).if_match("\"stale\"").await.is(412);
    call(person("jan")).if_match(&format!("W/{}", made.tag)).await.is(412);
    // H3, H4.
    let tag = call(json!({ "username": "jan" }))
        .if_match(&format!("\"a\", ,{}", made.tag))
        .await
        .is(200)
        .tag();
    call(json!({ "username": "jan" })).if_match(&made.tag).await.is(412);
    assert_eq!(call(json!({ "username": "jan" })).if_match(&tag).await.is(200).tag(), tag);
    call(json!({ "username": "jan" })).if_match("*").await.is(200);
}

#[tokio::test]
async fn p3_what_never_changes_may_be_sent_as_it_is() {
    let crm = Service::start().await.crm().await;
    let id = "0192f3c1-0000-7000-8000-000000000042";
    let mut body = person("jan");
    body["id"] = json!(id);
    body["email_verified"] = json!(true);
    let made = put(&crm, "1", body.clone()).await.created();
    assert_eq!((made.id.as_str(), &made.body["email_verified"]), (id, &json!(true)));
    assert_eq!(put(&crm, "1", body.clone()).await.is(200).tag(), made.tag);
    // The whole profile as it was read, and the same with nothing where nothing is due.
    assert_eq!(put(&crm, "1", made.body.clone()).await.is(200).tag(), made.tag);
    let mut nothing = person("jan");
    for name in ["id", "email_verified", "personas", "id_at_customer"] {
        nothing[name] = Value::Null;
    }
    assert_eq!(put(&crm, "1", nothing).await.is(200).tag(), made.tag);

    // E1: all at once.
    let wrong = json!({
        "username": "", "id": "0192f3c1-0000-7000-8000-000000000043", "id_at_customer": "2",
        "email_verified": true,
        "status": "BLOCKED", "created_at": "2000-01-01T00:00:00Z", "shoe_size": 42,
        "personas": [{ "name": "nobody" }, 1],
        "attributes": { "common": { "nothing": ["x"] } },
    });
    let due = [
        "/attributes/common/nothing unknown",
        "/created_at not-editable",
        "/email_verified not-editable",
        "/id immutable",
        "/id_at_customer immutable",
        "/personas/0/name not-found",
        "/personas/1 wrong-type",
        "/shoe_size unknown",
        "/status not-editable",
        "/username wrong-format",
    ];
    let found = put(&crm, "1", wrong.clone()).await.is(422).violations();
    let without = |found: Vec<String>| {
        found.into_iter().filter(|v| !v.starts_with("/personas/1/")).collect::<Vec<_>>()
    };
    assert_eq!(without(found), due);
    let creating = put(&crm, "3", wrong).await.is(422).violations();
    assert!(
        creating.contains(&"/id_at_customer immutable".to_owned()) && creating.len() > 6,
        "{creating:?}"
    );
    assert_eq!(put(&crm, "3", json!({})).await.is(422).violations(), ["/username required"]);
    assert_eq!(put(&crm, "3", json!([])).await.is(422).violations()[0], " wrong-type");
    assert_eq!(put(&crm, "1", json!([])).await.is(422).violations()[0], " wrong-type");
    let numeric = json!({ "username": "x", "id_at_customer": 1 });
    assert_eq!(put(&crm, "1", numeric).await.is(422).violations(), ["/id_at_customer wrong-type"]);
}

#[tokio::test]
async fn h4_personas_are_added_and_never_changed_or_removed() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({ "unique": true })).await;
    let employee =
        crm.define_persona("employee", json!({ "scoped": true, "attributes": [badge.id] })).await;
    crm.define_persona("member", json!({})).await;
    let body = |personas: Value| json!({ "username": "jan", "personas": personas });
    let first = json!({ "name": "employee", "scope": ["b", "a"], "preferred": true });
    let made = put(&crm, "1", body(json!([first]))).await.created();
    assert_eq!(put(&crm, "1", body(json!([first]))).await.is(200).tag(), made.tag);
    // The same by its definition's id, its scope in another order, with other values: it stays as
    // it is.
    let same = json!({
        "persona_definition_id": employee.id, "scope": ["a", "b", "a"], "status": "SUSPENDED",
        "attributes": { "common": { "badge": ["9"] } }
    });
    assert_eq!(put(&crm, "1", body(json!([same]))).await.is(200).tag(), made.tag);
    assert_eq!(put(&crm, "1", body(json!([]))).await.is(200).tag(), made.tag);
    // P4, also where nothing else is read.
    let mut unknown = first.clone();
    unknown["shoe_size"] = json!(42);
    assert_eq!(
        put(&crm, "1", body(json!([unknown]))).await.is(422).violations(),
        ["/personas/0/shoe_size unknown"]
    );

    let more = body(json!([first, { "name": "member" }, { "name": "employee", "scope": ["c"] }]));
    let grown = put(&crm, "1", more.clone()).await.is(200);
    let due = [("employee", json!(["a", "b"])), ("member", json!([])), ("employee", json!(["c"]))];
    assert_eq!(personas(&grown.json()), due.map(|(name, scope)| (name.to_owned(), scope)));
    assert_eq!(grown.json()["personas"][0], made.body["personas"][0]);
    assert_eq!(put(&crm, "1", more).await.is(200).tag(), grown.tag());
    assert_eq!(
        crm.find(json!({ "personas": { "name": "employee", "scope": "c" } })).await.len(),
        1
    );

    // A new one that is preferred takes over, as by its own route.
    let preferred = body(json!([{ "name": "employee", "scope": ["d"], "preferred": true }]));
    let after = put(&crm, "1", preferred.clone()).await.is(200);
    let marks: Vec<_> = after.json()["personas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["preferred"] == true)
        .collect();
    assert_eq!(marks, [false, false, false, true]);
    assert_eq!(put(&crm, "1", preferred).await.is(200).tag(), after.tag());

    // A deprecated definition takes no new personas. Existing personas of it do not make the PUT
    // fail.
    crm.patch(&employee.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    service.clock.advance(31);
    assert_eq!(put(&crm, "1", body(json!([first]))).await.is(200).tag(), after.tag());
    let refused =
        put(&crm, "1", body(json!([{ "name": "employee", "scope": ["e"] }]))).await.is(422);
    assert_eq!(refused.violations(), ["/personas/0/name not-allowed"]);
    service.check().await;
}

#[tokio::test]
async fn e1_what_a_persona_breaks_is_said_where_it_stands_in_the_body() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({ "unique": true })).await;
    crm.define_persona("employee", json!({ "scoped": true, "attributes": [badge.id] })).await;
    let persona = |scope: &str, badge: &str| {
        json!({
            "name": "employee", "scope": [scope], "attributes": { "common": { "badge": [badge] } }
        })
    };
    crm.create(USERS, json!({ "username": "els", "personas": [persona("x", "7")] })).await;
    let body = |personas: Value| json!({ "username": "jan", "personas": personas });
    put(&crm, "1", body(json!([persona("a", "1"), persona("b", "2")]))).await.is(201);
    let more = body(json!([persona("c", "3"), persona("a", "1"), persona("d", "7")]));
    assert_eq!(
        put(&crm, "1", more).await.is(409).violations(),
        ["/personas/2/attributes/common/badge not-unique"]
    );
    let twins = body(json!([persona("b", "2"), persona("e", "5"), persona("e", "6")]));
    assert_eq!(put(&crm, "1", twins).await.is(409).violations(), ["/personas/2 not-unique"]);
    let two = |scope: &str| json!({ "name": "employee", "scope": [scope], "preferred": true });
    let preferred = body(json!([two("f"), two("g")]));
    assert_eq!(put(&crm, "1", preferred).await.is(422).violations(), ["/personas not-allowed"]);
    let many: Vec<_> = (0..19).map(|i| persona(&format!("m{i}"), &format!("m{i}"))).collect();
    assert_eq!(
        put(&crm, "1", body(json!(many))).await.is(422).violations(),
        ["/personas/18 too-many"]
    );
    let too_many: Vec<_> = (0..21).map(|i| persona(&format!("m{i}"), &format!("m{i}"))).collect();
    assert_eq!(
        put(&crm, "1", body(json!(too_many))).await.is(422).violations(),
        ["/personas too-many"]
    );
    assert_eq!(
        put(&crm, "1", body(json!({}))).await.is(422).violations(),
        ["/personas wrong-type"]
    );
    crm.service.check().await;
}

#[tokio::test]
async fn e3_what_another_user_holds_is_409_and_a_forgotten_users_id_too() {
    let crm = Service::start().await.crm().await;
    let els = crm.create(USERS, person("els")).await;
    assert_eq!(put(&crm, "1", person("els")).await.is(409).violations(), ["/username not-unique"]);
    put(&crm, "1", person("jan")).await.is(201);
    assert_eq!(put(&crm, "1", person("els")).await.is(409).violations(), ["/username not-unique"]);
    let with_id = json!({ "username": "an", "id": els.id });
    assert_eq!(put(&crm, "2", with_id.clone()).await.is(409).violations(), ["/id not-unique"]);
    crm.delete(&els.path).await.is(204);
    put(&crm, "2", with_id).await.is(409);
    // Forgotten, the id at the customer is free for somebody new.
    let path =
        crm.find(json!({ "id_at_customer": "1" })).await[0]["id"].as_str().unwrap().to_owned();
    crm.delete(&format!("{USERS}/{path}")).await.is(204);
    let back = put(&crm, "1", person("jan")).await.created();
    assert_ne!(back.id, path);
    crm.service.check().await;
}

#[tokio::test]
async fn a5_approval_policies_hold() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let salary = crm.define("salary", crate::approvals::by_administrators()).await;
    crm.define_persona("employee", json!({ "scoped": true, "attributes": [salary.id] })).await;
    let boss = service.client(TENANT, "administrator").await;
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "salary": ["1"] } });
    assert_eq!(
        put(&crm, "1", body.clone()).await.is(422).violations(),
        ["/attributes/common/salary not-allowed"]
    );
    let made = put(&crm, "1", person("jan")).await.created();
    body["personas"] = json!([{ "name": "employee", "scope": ["a"] }]);
    let asked = put(&crm, "1", body.clone()).await.is(202);
    assert_eq!(crm.tag_of(&made.path).await, made.tag, "nothing is changed yet");
    boss.act(&format!("{}/approve", asked.header("location").unwrap())).await.is(200);
    // The next PUT adds the personas that waited. It changes no field that needs an approval.
    let after = put(&crm, "1", body.clone()).await.is(200).json();
    assert_eq!(
        (personas(&after).len(), &after["attributes"]["common"]["salary"]),
        (1, &json!(["1"]))
    );
    let guarded = json!({
        "name": "employee", "scope": ["b"], "attributes": { "common": { "salary": ["2"] } }
    });
    body["personas"] = json!([{ "name": "employee", "scope": ["a"] }, guarded]);
    let refused = put(&crm, "1", body.clone()).await.is(422);
    assert_eq!(refused.violations(), ["/personas/1/attributes/common/salary not-allowed"]);
    assert_eq!(personas(&put(&boss, "1", body).await.is(200).json()).len(), 2);
}

#[tokio::test]
async fn a_put_costs_a_look_up_beside_what_it_does() {
    let service = Service::start_unaudited().await;
    let crm = service.crm().await;
    put(&crm, "0", person("warm")).await.is(201);
    put(&crm, "0", json!({ "username": "warm" })).await.is(200);
    let cost = async |body: Value, status| put(&crm, "1", body).await.is(status).cost();
    // A look-up that finds nothing costs half a unit to one; five look-ups, the user, and its entry
    // in the listing.
    let created = cost(person("jan"), 201).await;
    assert!(created.0 <= 1.0, "{created:?}");
    assert_eq!((created.1, created.2), (12.0, 1.0));
    assert_eq!(cost(person("jan"), 200).await, (2.0, 0.0, 0.0), "nothing changed");
    let mut plain = person("jan");
    plain["ui_locales"] = json!("nl");
    assert_eq!(cost(plain, 200).await, (2.0, 1.0, 2.0));
}
