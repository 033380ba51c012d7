//! The cost of requests, in the units that the table reports: the table "Cost" of the architecture
//! (users of at most 1 KB, warm definitions). Read units / write units of the table + of the index.

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

const USERS: &str = "/identity/users";

/// A client whose functions know the definitions, and a user with username, e-mail and both names.
async fn warm() -> (Service, Client, Resource) {
    let service = Service::start_unaudited().await;
    let crm = service.crm().await;
    crm.define("note", json!({})).await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("tag", json!({ "search": "exact" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let attributes = json!({ "common": { "note": ["x"], "badge": ["0"], "tag": ["x"] } });
    let persona = json!({ "name": "employee", "scope": ["a"] });
    let body = json!({ "username": "warm", "attributes": attributes, "personas": [persona] });
    let warm = crm.create(USERS, body).await;
    let persona =
        warm.below(&format!("personas/{}", warm.body["personas"][0]["id"].as_str().unwrap()));
    crm.patch(&persona, json!({ "scope": ["b"] })).if_match("*").await.is(200);
    let jan = crm.create(USERS, person("jan")).await;
    (service, crm, jan)
}

#[tokio::test]
async fn a_get_costs_one_read_unit_found_or_not_modified() {
    let (_, crm, jan) = warm().await;
    assert_eq!(crm.get(&jan.path).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.get(&jan.path).if_none_match(&jan.tag).await.is(304).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.call("HEAD", &jan.path).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(crm.get(&jan.below("personas")).await.is(200).cost(), (1.0, 0.0, 0.0));
}

#[tokio::test]
async fn finding_by_a_unique_attribute_or_an_email_costs_two_read_units() {
    let (_, crm, _) = warm().await;
    // The first search by an attribute learns that values of it are stored, and that how it is
    // searched therefore stays.
    let first = crm
        .post("/identity/users/query", json!({ "filter": { "attributes.common.tag": "x" } }))
        .await
        .is(200);
    assert_eq!(first.cost(), (5.0, 0.0, 0.0));
    for filter in [
        json!({ "username": "jan" }),
        json!({ "preferred_email": "jan@example.org" }),
        json!({ "attributes.common.badge": "0" }),
        json!({ "attributes.common.tag": "x" }),
        json!({ "family_name": "Janssen" }),
    ] {
        let found = crm.post("/identity/users/query", json!({ "filter": filter })).await.is(200);
        assert_eq!(found.json()["items"].as_array().unwrap().len(), 1, "{filter}");
        assert_eq!(found.cost(), (2.0, 0.0, 0.0), "{filter}");
    }
}

#[tokio::test]
async fn a_patch_of_a_plain_attribute_costs_one_and_two() {
    let (_, crm, jan) = warm().await;
    let patch = |value: Value| crm.patch(&jan.path, value).if_match("*");
    let plain = json!({ "attributes": { "common": { "note": ["y"] } }, "ui_locales": "nl-BE" });
    assert_eq!(patch(plain).await.is(200).cost(), (1.0, 1.0, 2.0));
    assert_eq!(patch(json!({})).await.is(200).cost(), (1.0, 0.0, 0.0));
    assert_eq!(
        crm.patch(&jan.path, json!({})).if_match("\"old\"").await.is(412).cost(),
        (1.0, 0.0, 0.0)
    );
    assert_eq!(crm.act(&jan.below("block")).await.is(200).cost(), (1.0, 1.0, 2.0));
    let keyed = crm.act(&jan.below("unblock")).key("k").await.is(200);
    assert_eq!(
        keyed.cost(),
        (2.0, 4.0, 2.0),
        "a look for the record, and the record in the user's transaction"
    );
}

#[tokio::test]
async fn a_patch_of_an_indexed_attribute_costs_six_and_two() {
    let (_, crm, jan) = warm().await;
    for indexed in [
        json!({ "username": "jan2" }),
        json!({ "family_name": "Peeters" }),
        json!({ "preferred_email": "jan2@example.org" }),
    ] {
        let patched = crm.patch(&jan.path, indexed.clone()).if_match("*").await.is(200);
        assert_eq!(patched.cost(), (1.0, 6.0, 2.0), "{indexed}");
    }
}

#[tokio::test]
async fn a_creation_costs_ten_and_one_and_two_for_each_look_up_more() {
    let (_, crm, _) = warm().await;
    let cost = async |body: Value, key: Option<&str>| {
        let call = crm.post(USERS, body);
        let (read, write, index) =
            key.map_or(call.clone(), |key| call.key(key)).await.is(201).cost();
        assert!(read <= 1.0, "{read} read units");
        (write, index)
    };
    assert_eq!(cost(person("els"), None).await, (10.0, 1.0));
    assert_eq!(cost(person("piet"), Some("k")).await, (12.0, 1.0));
    let mut body = person("an");
    body["id_at_customer"] = json!("1");
    assert_eq!(cost(body, None).await, (12.0, 1.0));
    for (name, attributes) in
        [("jo", json!({ "badge": ["1"], "note": ["x"] })), ("bo", json!({ "tag": ["y"] }))]
    {
        let mut body = person(name);
        body["attributes"] = json!({ "common": attributes });
        assert_eq!(cost(body, None).await, (12.0, 1.0), "{name}");
    }
    let body = json!({ "username": "ann", "personas": [{ "name": "employee", "scope": ["a"] }] });
    assert_eq!(
        cost(body, None).await,
        (8.0, 1.0),
        "the user, its name, and a persona with and without its scope"
    );
    let mut body = person("large");
    body["attributes"] = json!({ "common": { "note": ["x".repeat(1000)] } });
    assert_eq!(cost(body, None).await, (12.0, 1.0));
}

#[tokio::test]
async fn a_deletion_costs_two_then_ten_and_two_then_one_and_two() {
    let (_, crm, jan) = warm().await;
    // Two counters of wrong passwords, the user with its look-ups, and the tombstone.
    assert_eq!(crm.delete(&jan.path).await.is(204).cost(), (4.0, 2.0 + 10.0 + 1.0, 2.0 + 2.0));
}

#[tokio::test]
async fn a_deletion_of_a_person_with_10_systems_and_20_subjects_costs_two_units_for_each_item() {
    let setting = Service::start_unaudited().await.setting().await;
    let crm = &setting.crm;
    let jan = crm.create(USERS, person("jan")).await;
    for i in 0..20 {
        let server = json!({
            "authentication_server_id": "corp", "subject": format!("s-{i}"), "user_id": jan.id
        });
        crm.post("/api/v1/sso/authentication-server-subjects", server).await.is(201);
    }
    for i in 0..10 {
        setting.profile(jan.id.parse().unwrap(), &format!("system{i}"), "Jan", 0).await;
    }
    let (gone, time) = timed(crm.delete(&jan.path)).await;
    println!("DELETE of a user with 10 system profiles and 20 subjects: {time:?}");
    // One unit reads the settings of the audit, and one the sessions, of which there are none.
    // Written are two counters of wrong passwords, the user with its four look-ups, 30 children
    // with a look-up each, and the tombstone. The children are read twice, the second time there
    // are none.
    let writes = 2.0 + 2.0 * (1.0 + 4.0) + 30.0 * 2.0 * 2.0 + 1.0;
    assert_eq!(gone.is(204).cost(), (8.0, writes, 4.0));
}

#[tokio::test]
async fn a_token_costs_nothing_when_warm_and_one_with_a_refresh_token() {
    let service = Service::start_unaudited().await;
    let plain = service.register(TENANT, "users:read".parse().unwrap(), false).await;
    let refreshing = service.register(TENANT, "users:read".parse().unwrap(), true).await;
    let credentials = [("grant_type", "client_credentials")];
    for client in [&plain, &refreshing] {
        client.token_for(&credentials).await.is(200);
    }
    assert_eq!(plain.token_for(&credentials).await.is(200).cost(), (0.0, 0.0, 0.0));
    let issued = refreshing.token_for(&credentials).await.is(200);
    assert_eq!(issued.cost(), (0.0, 1.0, 0.0));
    let token = issued.field("refresh_token");
    let used = refreshing
        .token_for(&[("grant_type", "refresh_token"), ("refresh_token", &token)])
        .await
        .is(200);
    assert_eq!(used.cost(), (1.0, 1.0, 0.0));
}

#[tokio::test]
async fn what_is_refused_before_the_table_is_asked_costs_nothing() {
    let (service, crm, jan) = warm().await;
    let reader = service.client(TENANT, "config:read").await;
    crm.get(&jan.path).await.is(200);
    for refused in [
        service.call("GET", "/identity/nothing").await,
        service.call("GET", &jan.path).await,
        reader.get(&jan.path).await,
        crm.get("/identity/users/x").await,
        crm.post(USERS, json!({ "username": "" })).await,
    ] {
        assert!(refused.code() >= 400);
        assert!(
            refused.cost().0 <= 1.0 && refused.cost().1 == 0.0,
            "{:?}: {}",
            refused.cost(),
            refused.text()
        );
    }
    assert_eq!(service.call("GET", &jan.path).await.cost(), (0.0, 0.0, 0.0));
}

#[tokio::test]
async fn definitions_are_read_once_in_30_seconds_and_then_by_their_epoch() {
    let (service, crm, jan) = warm().await;
    let patch = async |name: &str| {
        crm.patch(&jan.path, json!({ "ui_locales": name })).if_match("*").await.is(200).cost().0
    };
    assert_eq!(patch("nl").await, 1.0);
    service.clock.advance(29);
    assert_eq!(patch("fr").await, 1.0);
    service.clock.advance(1);
    assert_eq!(patch("de").await, 2.0);
    assert_eq!(patch("en").await, 1.0);
}

#[tokio::test]
async fn a_change_request_costs_a_transaction_of_two_and_its_approval_one_more_than_the_change() {
    let (service, crm, jan) = warm().await;
    let boss = service.client(TENANT, "administrator").await;
    let mut guarded = crate::approvals::by_administrators();
    guarded["search"] = json!("exact");
    crm.define("salary", guarded).await;
    crm.define("grade", crate::approvals::by_administrators()).await;
    let ask = async |attributes: Value| {
        let patch = crate::approvals::common(&attributes);
        let answer = crm.patch(&jan.path, patch).if_match("*").await;
        let cost = answer.cost();
        (crate::approvals::request_of(answer), cost)
    };
    // The first of each attribute marks its definition, and loads the definitions of the other
    // functions.
    for first in [json!({ "grade": ["0"] }), json!({ "salary": ["0"] })] {
        boss.act(&ask(first).await.0.below("approve")).await.is(200);
    }
    let (plain, plain_cost) = ask(json!({ "grade": ["1"] })).await;
    let (indexed, indexed_cost) = ask(json!({ "salary": ["1"] })).await;
    let again = ask(json!({ "grade": ["1"] })).await.1;
    let read = boss.get(&plain.path).await.is(200).cost();
    let approved = boss.act(&plain.below("approve")).await.is(200).cost();
    let repeated = boss.act(&plain.below("approve")).await.is(200).cost();
    let keyed = boss.act(&indexed.below("approve")).key("k").await.is(200).cost();
    let rejected =
        boss.act(&ask(json!({ "grade": ["2"] })).await.0.below("reject")).await.is(200).cost();
    for (what, cost, due) in [
        // The user, which must be live, what counts the user's requests, the request, and its
        // look-up by id.
        ("ask, plain", plain_cost, (2.0, 8.0, 1.0)),
        ("ask, indexed", indexed_cost, (2.0, 8.0, 1.0)),
        ("ask again", again, (2.0, 0.0, 0.0)),
        ("read", read, (3.0, 0.0, 0.0)),
        // The definitions' epoch, the request (by its id, its user, itself), and the user; the
        // user and the request in one transaction.
        ("approve, plain", approved, (5.0, 4.0, 4.0)),
        ("approve again", repeated, (4.0, 0.0, 0.0)),
        ("approve, indexed, with a key", keyed, (6.0, 10.0, 4.0)),
        ("reject", rejected, (4.0, 1.0, 2.0)),
    ] {
        assert_eq!(cost, due, "{what}");
    }
}

/// The cost of a write, and its time in this process.
async fn timed(call: tests::Call) -> (tests::Answer, std::time::Duration) {
    #[expect(clippy::disallowed_methods, reason = "a figure for people, on which nothing depends")]
    let now = std::time::Instant::now;
    let start = now();
    let answer = call.await;
    (answer, now() - start)
}

#[tokio::test]
async fn a_verification_and_a_change_with_derived_attributes_cost_what_the_change_does() {
    let (service, crm, jan) = warm().await;
    let boss = service.client(TENANT, "administrator").await;
    let verify = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    let verified = boss.post(&jan.below("verify"), verify.clone()).await.is(200).cost();
    let again = boss.post(&jan.below("verify"), verify).await.is(200).cost();
    assert_eq!((verified, again), ((1.0, 1.0, 2.0), (1.0, 0.0, 0.0)));

    let script = crate::derived::answering(
        "{ full: [p.given_name + ' ' + p.family_name], initial: [p.given_name[0]] }",
    );
    let workflow = crate::derived::workflow(&crm, &script).await;
    crate::derived::derive(&crm, "full", &workflow, json!({})).await;
    crate::derived::derive(&crm, "initial", &workflow, json!({ "search": "exact" })).await;
    crm.patch(&jan.path, json!({ "ui_locales": "fr" })).if_match("*").await.is(200);
    service.clock.advance(30);
    crm.patch(&jan.path, json!({ "ui_locales": "de" })).if_match("*").await.is(200);
    for (patch, due, what) in [
        (
            json!({ "attributes": { "common": { "note": ["y"] } } }),
            (1.0, 1.0, 2.0),
            "an input that changes no derived value",
        ),
        (json!({ "ui_locales": "nl" }), (1.0, 1.0, 2.0), "another"),
        (
            json!({ "given_name": "Kris" }),
            (1.0, 10.0, 2.0),
            "a name that is indexed, as one of two derived values is",
        ),
    ] {
        let (answer, time) = timed(crm.patch(&jan.path, patch).if_match("*")).await;
        println!("PATCH of {what}: {time:?}");
        assert_eq!(answer.is(200).cost(), due, "{what}");
    }
}

#[tokio::test]
async fn a_user_of_50_attributes_costs_by_its_size_and_its_look_ups() {
    let (_, crm, _) = warm().await;
    for i in 0..50 {
        let search = if i < 5 { "exact" } else { "none" };
        crm.define(&format!("a{i}"), json!({ "search": search })).await;
    }
    let attributes = |value: &str| -> Value {
        let all = (0..50).map(|i| (format!("a{i}"), json!([format!("{value}-{i}")])));
        json!({ "common": all.collect::<serde_json::Map<_, _>>() })
    };
    let body = |name: &str| json!({ "username": name, "attributes": attributes("one") });
    crm.create(USERS, body("first")).await;
    crm.create(USERS, body("second")).await;
    // The profile is larger than 3 KB: 8 units in a transaction; 2 for each look-up that comes or
    // goes.
    let (made, creation) = timed(crm.post(USERS, body("third"))).await;
    let made = made.is(201);
    assert_eq!(made.cost(), (0.0, 8.0 + 6.0 * 2.0, 1.0));
    let path = made.header("location").unwrap();
    let (all, change) =
        timed(crm.patch(path, json!({ "attributes": attributes("two") })).if_match("*")).await;
    assert_eq!(all.is(200).cost(), (1.0, 8.0 + 10.0 * 2.0, 2.0));
    let (name, rename) = timed(crm.patch(path, json!({ "given_name": "Jan" })).if_match("*")).await;
    assert_eq!(name.is(200).cost(), (1.0, 8.0 + 2.0, 2.0));
    println!(
        "50 attributes, 5 of them indexed: creation {creation:?}, change of all {change:?}, of a \
         name {rename:?}"
    );
}
