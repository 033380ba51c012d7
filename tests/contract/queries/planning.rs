//! How filters are answered, and what that costs: as much among two thousand users as among two
//! hundred.

use serde_json::{Value, json};
use tests::{Client, RecordedCall, Service};

use super::{QUERY, USERS, explained};

/// The plan of each kind of query, and its read units with one user found.
const KINDS: [(&str, &str, f64); 12] = [
    ("id eq \"{id}\"", "id eq id", 1.0),
    ("username eq \"one\"", "username eq look-up", 2.0),
    ("id_at_customer eq \"C-1\"", "id_at_customer eq look-up", 2.0),
    ("preferred_email eq \"one@example.org\"", "preferred_email eq look-up", 2.0),
    ("family_name eq \"Unique\"", "family_name eq look-up", 2.0),
    ("family_name sw \"uni\"", "family_name sw prefix", 2.0),
    ("attributes.common.badge eq \"b1\"", "attributes.common.badge eq look-up", 2.0),
    ("attributes.common.tag eq \"rare\"", "attributes.common.tag eq look-up", 2.0),
    ("personas[name eq \"employee\" and scope eq \"chemco\"]", "personas eq look-up", 2.0),
    ("username eq \"one\" or username eq \"u1\"", "username eq look-up, username eq look-up", 4.0),
    (
        "family_name eq \"Unique\" and status eq \"ACTIVE\" and given_name eq \"Jan\"",
        "family_name eq look-up",
        2.0,
    ),
    (
        "username eq \"one\" and (status eq \"BLOCKED\" or not (given_name pr))",
        "username eq look-up",
        2.0,
    ),
];

async fn people(crm: &Client, from: usize, until: usize) {
    let mut running = tokio::task::JoinSet::new();
    for i in from..until {
        let body = json!({
            "username": format!("u{i}"), "family_name": format!("Janssen{i}"), "given_name": "Jan",
            "personas": [{ "name": "employee", "scope": ["other"] }],
        });
        let call = crm.post(USERS, body);
        running.spawn(std::future::IntoFuture::into_future(call));
    }
    assert!(running.join_all().await.iter().all(|answer| answer.code() == 201));
}

fn plan(explain: &Value) -> String {
    let branch = |branch: &Value| {
        let text = |name: &str| branch.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!("{} {} {}", text("by"), text("operator"), text("source"))
    };
    explain["plan"].as_array().unwrap().iter().map(branch).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn s1_a_look_up_costs_the_same_among_two_thousand_users_and_a_walk_ends_after_one_thousand() {
    let crm = Service::start().await.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("tag", json!({ "search": "exact" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let one = json!({
        "username": "one", "id_at_customer": "C-1", "preferred_email": "one@example.org",
        "family_name": "Unique", "given_name": "Jan",
        "attributes": { "common": { "badge": ["b1"], "tag": ["rare"] } },
        "personas": [{ "name": "employee", "scope": ["chemco"] }],
    });
    let one = crm.create(USERS, one).await;
    let mut from = 0;
    for count in [200, 2000] {
        people(&crm, from, count).await;
        from = count;
        explained(&crm, "attributes.common.tag eq \"rare\"", 1).await;
        for (filter, due, units) in KINDS {
            let filter = filter.replace("{id}", &one.id);
            let answer = explained(&crm, filter.as_str(), 50).await;
            let explain = &answer.json()["explain"];
            assert_eq!(plan(explain), due, "{filter}");
            assert_eq!(answer.cost(), (units, 0.0, 0.0), "{filter} among {count}");
            assert_eq!(explain["read_units"].as_f64(), Some(units), "{filter}");
        }
        let page =
            crm.post(QUERY, json!({ "filter": "status eq \"ACTIVE\"", "limit": 20 })).await.is(200);
        assert!(
            page.cost().0 <= 20.0 + 16.0,
            "a page of the listing costs {} among {count}",
            page.cost().0
        );
    }
    let mut body = json!({ "filter": "status eq \"BLOCKED\"", "limit": 100 });
    for scanned in [1000, 1000] {
        let page = crm.post(QUERY, body.clone()).await.is(200).json();
        assert_eq!((&page["items"], &page["scanned"]), (&json!([]), &json!(scanned)));
        body["cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(crm.post(QUERY, body).await.is(200).json(), json!({ "items": [], "scanned": 1 }));
}

#[tokio::test]
async fn a_plan_is_explained() {
    let crm = Service::start().await.crm().await;
    crm.define("title", json!({ "search": "prefix" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    crm.define_persona("guest", json!({})).await;
    people(&crm, 0, 20).await;
    let found = explained(&crm, "username eq \"u3\"", 50).await.json();
    let branch = json!({ "by": "username", "operator": "eq", "source": "look-up" });
    assert_eq!(
        found["explain"],
        json!({ "plan": [branch], "read_units": 2, "items_read": 2, "users_read": 1 })
    );
    assert_eq!(found.get("scanned"), None);
    let walked = explained(&crm, "status eq \"BLOCKED\"", 50).await.json();
    assert_eq!(walked["explain"]["plan"], json!([{ "source": "listing" }]));
    assert_eq!((&walked["scanned"], &walked["explain"]["users_read"]), (&json!(20), &json!(20)));
    assert_eq!(walked["explain"]["items_read"], json!(40), "20 keys of the index, and 20 users");

    for (filter, due) in [
        (
            "given_name eq \"jan\" and family_name eq \"x\" and username eq \"u1\"",
            "username eq look-up",
        ),
        ("given_name eq \"jan\" and family_name sw \"ja\"", "given_name eq look-up"),
        ("family_name sw \"ja\" and status eq \"ACTIVE\"", "family_name sw prefix"),
        ("family_name sw \"ja\" and personas[name eq \"guest\"]", "family_name sw prefix"),
        (
            "attributes.common.title eq \"x\" and attributes.common.title sw \"xy\"",
            "attributes.common.title eq look-up",
        ),
        (
            "username eq \"u1\" or family_name sw \"ja\" or username eq \"u1\"",
            "username eq look-up, family_name sw prefix",
        ),
        ("username eq \"u1\" or status eq \"BLOCKED\"", "- - listing"),
        (
            "username eq \"u1\" and (family_name eq \"x\" or status eq \"BLOCKED\")",
            "username eq look-up",
        ),
        (
            "(username eq \"u1\" or username eq \"u2\") and given_name eq \"jan\"",
            "username eq look-up, username eq look-up",
        ),
        ("not (username eq \"u1\")", "- - listing"),
        ("username ne \"u1\"", "- - listing"),
        ("family_name co \"ja\"", "- - listing"),
        (
            "personas[name eq \"employee\" or name eq \"guest\"]",
            "personas eq look-up, personas eq look-up",
        ),
        (
            "personas[(name eq \"employee\" or name eq \"guest\") and scope eq \"a\"]",
            "personas eq look-up, personas eq look-up",
        ),
        ("personas[scope eq \"a\"]", "- - listing"),
        ("personas[name eq \"nobody\"]", ""),
        ("updated_at ge \"2026-11-21T10:00:00Z\"", "updated_at ge listing"),
        (
            "status eq \"ACTIVE\" and updated_at lt \"2026-11-21T10:00:00Z\"",
            "updated_at le listing",
        ),
    ] {
        assert_eq!(plan(&explained(&crm, filter, 5).await.json()["explain"]), due, "{filter}");
    }
}

#[tokio::test]
async fn bounds_of_the_last_change_narrow_the_walk() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    people(&crm, 0, 30).await;
    service.clock.advance(60);
    people(&crm, 30, 33).await;
    service.clock.advance(60);
    people(&crm, 33, 40).await;
    for (filter, scanned) in [
        ("updated_at gt \"2026-11-21T10:00:30Z\"", 10),
        ("updated_at gt \"2026-11-21T10:00:30Z\" and updated_at lt \"2026-11-21T10:01:30Z\"", 3),
        ("username pr and updated_at eq \"2026-11-21T10:01:00Z\"", 3),
        ("updated_at le \"2026-11-21T10:00:30Z\" and status eq \"BLOCKED\"", 30),
        ("updated_at lt \"2026-11-21T10:00:00Z\"", 30),
        ("not (updated_at gt \"2026-11-21T10:00:30Z\")", 40),
    ] {
        assert_eq!(
            explained(&crm, filter, 100).await.json()["scanned"],
            json!(scanned),
            "{filter}"
        );
    }
    // DynamoDB takes no empty text in a condition on a key; the embedded engine does.
    let empty = |call: &RecordedCall| {
        call.operation == "Query" && call.body.to_string().contains("\"S\":\"\"")
    };
    assert!(!service.faults.seen().iter().any(empty));
    let never =
        "updated_at gt \"2030-01-01T00:00:00Z\" and updated_at lt \"2029-12-31T23:59:59.999Z\"";
    let nobody = explained(&crm, never, 100).await.is(200).json();
    assert_eq!((&nobody["items"], &nobody["explain"]["plan"]), (&json!([]), &json!([])));
}
