//! `GET /identity/users/{user_id}/audit` and `GET /identity/me/audit`: who sees what (rule AU-09).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona;
use tests::{Client, Resource, Service, TENANT, person};

use super::USERS;

struct Office {
    service: Service,
    crm: Client,
    names: Client,
    values: Client,
    jan: Resource,
}

impl Office {
    /// A user with some changes, and readers with both scopes.
    async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        crm.define("note", json!({})).await;
        crm.define("flag", json!({ "hidden": true })).await;
        crm.define("pin", json!({ "data_format": "HASH" })).await;
        let jan = crm.create(USERS, person("jan")).await;
        let change = async |body: Value| {
            service.clock.advance(1);
            let patch = crm.patch(&jan.path, body).if_match("*");
            patch.header("kith-reason", "Asked by phone").await.is(200);
        };
        change(json!({ "family_name": "Kok", "given_name": null })).await;
        change(json!({ "attributes": { "common": { "note": ["a"] } } })).await;
        change(json!({ "attributes": { "common": { "pin": ["1234"], "flag": ["x"] } } })).await;
        let names = service.client(TENANT, "audit:read").await;
        let values = service.client(TENANT, "audit:read audit:values").await;
        Self { service, crm, names, values, jan }
    }

    fn path(&self) -> String {
        self.jan.below("audit")
    }

    async fn items(&self, client: &Client, query: &str) -> Vec<Value> {
        let list = client.read(&format!("{}?limit=100{query}", self.path())).await;
        assert_eq!(list["next_cursor"], Value::Null);
        list["items"].as_array().unwrap().clone()
    }
}

fn sequences(items: &[Value]) -> Vec<u64> {
    items.iter().map(|item| item["sequence"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn au09_names_are_shown_without_values_and_reasons() {
    let office = Office::open().await;
    let items = office.items(&office.names, "").await;
    assert_eq!(sequences(&items), [4, 3, 2, 1]);
    let pointers = |item: &Value| -> Vec<String> {
        let changes = item["changes"].as_array().unwrap().iter();
        let mut pointers: Vec<_> = changes
            .map(|change| {
                assert_eq!(change["changed"], true);
                assert!(change.get("from").is_none() && change.get("to").is_none());
                change["pointer"].as_str().unwrap().to_owned()
            })
            .collect();
        pointers.sort();
        pointers
    };
    assert_eq!(pointers(&items[2]), ["/family_name", "/given_name"]);
    assert_eq!(pointers(&items[1]), ["/attributes/common/note"]);
    assert_eq!(pointers(&items[0]), ["/attributes/common/flag", "/attributes/common/pin"]);
    for item in &items {
        assert!(item.get("reason").is_none(), "{item}");
        assert_eq!(item["actor"], json!({ "kind": "client", "id": office.crm.id }));
        assert_eq!(item["user_id"], json!(office.jan.id));
        assert!(item["request_id"].is_string(), "{item}");
    }
    assert_eq!(items[3]["operation"], "user.create");
}

#[tokio::test]
async fn au09_values_are_shown_as_profiles_show_them_and_secrets_never() {
    let office = Office::open().await;
    let items = office.items(&office.values, "").await;
    let change = |item: &Value, pointer: &str| {
        let changes = item["changes"].as_array().unwrap();
        changes.iter().find(|change| change["pointer"] == pointer).cloned().unwrap()
    };
    let name = change(&items[2], "/family_name");
    assert_eq!((&name["from"], &name["to"]), (&json!("Janssen"), &json!("Kok")));
    assert_eq!(change(&items[2], "/given_name")["to"], Value::Null);
    let note = change(&items[1], "/attributes/common/note");
    assert_eq!((&note["from"], &note["to"]), (&Value::Null, &json!(["a"])));
    for secret in ["/attributes/common/pin", "/attributes/common/flag"] {
        assert_eq!(change(&items[0], secret), json!({ "pointer": secret, "changed": true }));
    }
    assert_eq!(items[0]["reason"], "Asked by phone");
    assert!(items[3].get("reason").is_none());
}

#[tokio::test]
async fn au09_a_person_sees_the_own_entries_with_the_names_of_clients() {
    let office = Office::open().await;
    let administrator = office.service.client(TENANT, "administrator").await;
    let els = administrator.person_with("els", &[BuiltInPersona::Administrator]).await;
    let boss = office.crm.local_person(&els.id, "administrator").await;
    let jan = office.crm.local_person(&office.jan.id, "userdata").await;
    office.service.clock.advance(1);
    boss.patch(&office.jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    jan.patch("/identity/me", json!({ "given_name": "Johan" })).if_match("*").await.is(200);
    let list = jan.get("/identity/me/audit").await.is(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(sequences(items), [6, 5, 4, 3, 2, 1]);
    assert_eq!(items[0]["actor"], json!({ "kind": "person", "id": office.jan.id }));
    assert_eq!(items[1]["actor"], json!({ "kind": "person" }), "no id of another person");
    let crm = json!({ "kind": "client", "id": office.crm.id, "name": "test" });
    assert_eq!(items[4]["actor"], crm);
    assert_eq!(items[4]["reason"], "Asked by phone");
    assert_eq!(items[0]["changes"][0]["from"], "Jan");
    let hidden = items[2]["changes"].as_array().unwrap().iter();
    let pointers: Vec<_> = hidden.map(|change| change["pointer"].clone()).collect();
    assert_eq!(pointers, ["/attributes/common/pin"], "hidden attributes are not there");
    assert!(items.iter().all(|item| item.get("user_id").is_none()));
    // It is the person's own, and not told in the ledger.
    assert!(super::reads(&office.service).await.is_empty());
    office.values.get("/identity/me/audit").await.is(403);
    let named = jan.get("/identity/me/audit?attribute=common.flak").await.is(400);
    assert!(!named.text().contains("common.flag"), "a hidden attribute is not suggested");
    jan.get("/identity/me/audit?attribute=common.flag").await.is(400);
}

#[tokio::test]
async fn au09_each_route_asks_for_its_scope() {
    let office = Office::open().await;
    let at = format!("{}?version=1", office.jan.below("at"));
    let only_values = office.service.client(TENANT, "audit:values").await;
    let boss = office.service.client(TENANT, "administrator").await;
    for (client, audit, past) in [
        (&office.crm, 403, 403),
        (&office.names, 200, 403),
        (&office.values, 200, 200),
        (&only_values, 403, 200),
        (&boss, 200, 200),
    ] {
        client.get(&office.path()).await.is(audit);
        client.get("/identity/audit").await.is(audit);
        client.get(&at).await.is(past);
    }
    office.service.create_tenant("globex").await;
    let stranger = office.service.client("globex", "administrator").await;
    stranger.get(&office.path()).await.is(404);
    stranger.get(&at).await.is(404);
    let others = stranger.read("/identity/audit").await;
    let ours = |item: &&Value| item.to_string().contains(&office.jan.id);
    assert_eq!(others["items"].as_array().unwrap().iter().find(ours), None);
}

#[tokio::test]
async fn au09_entries_are_found_by_attribute_actor_operation_and_time() {
    let office = Office::open().await;
    let crm = &office.crm.id;
    for (query, due) in [
        ("&attribute=family_name".to_owned(), vec![2, 1]),
        ("&attribute=/family_name".to_owned(), vec![2, 1]),
        ("&attribute=common.note".to_owned(), vec![3]),
        ("&attribute=/attributes/common".to_owned(), vec![4, 3]),
        ("&attribute=/attributes/common/note/0".to_owned(), vec![3]),
        ("&attribute=personas".to_owned(), vec![]),
        (format!("&actor={crm}"), vec![4, 3, 2, 1]),
        ("&actor=service".to_owned(), vec![]),
        ("&operation=user.create".to_owned(), vec![1]),
        ("&operation=user.change&attribute=family_name".to_owned(), vec![2]),
        ("&from=2026-11-21T10:00:02Z".to_owned(), vec![4, 3]),
        ("&to=2026-11-21T10:00:01Z".to_owned(), vec![2, 1]),
        ("&from=2026-11-21T10:00:01Z&to=2026-11-21T10:00:02Z".to_owned(), vec![3, 2]),
    ] {
        assert_eq!(sequences(&office.items(&office.names, &query).await), due, "{query}");
    }
}

#[tokio::test]
async fn au09_wrong_parameters_are_400_and_say_what_is_expected() {
    let office = Office::open().await;
    let of_user = office.path();
    let tenant = "/identity/audit".to_owned();
    for (path, query, part) in [
        (&of_user, "attribute=nickname", "unknown attribute `nickname`"),
        (&of_user, "attribute=common.nite", "did you mean `common.note`"),
        (&of_user, "attribute=", "empty"),
        (&of_user, "actor=jan", "expected the id of a client or of a user"),
        (&tenant, "actor=jan", "expected the id of a client or of a user"),
        (&of_user, "operation=user.chang", "did you mean `user.change`"),
        (&tenant, "operation=delete", "query parameter `operation`"),
        (&of_user, "from=yesterday", "a time of RFC 3339"),
        (&tenant, "to=1", "a time of RFC 3339"),
        (&of_user, "from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z", "not after `to`"),
        (&tenant, "from=2026-10-01T00:00:00Z", "at most 31 days"),
        (&tenant, "from=2026-12-01T00:00:00Z", "not after `to`, or after now"),
        (&tenant, "attribute=username", "unknown query parameter"),
        (&of_user, "limit=0", "a number from 1 to 100"),
        (&of_user, "cursor=x", "this cursor is not from this list"),
        (&tenant, "cursor=x", "this cursor is not from this list"),
    ] {
        let answer = office.names.get(&format!("{path}?{query}")).await.is(400);
        let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{query}: {detail}");
    }
}

#[tokio::test]
async fn h7_pages_of_a_users_audit_do_not_overlap_and_a_cursor_fits_its_filter_alone() {
    let office = Office::open().await;
    for limit in [1, 2, 3, 4] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = office.names.read(&format!("{}?limit={limit}{cursor}", office.path())).await;
            seen.extend(sequences(page["items"].as_array().unwrap()));
            // What is written meanwhile is newer than every page.
            office
                .crm
                .patch(&office.jan.path, json!({ "given_name": format!("{}", seen.len()) }))
                .if_match("*")
                .await
                .is(200);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let newest = seen[0];
        assert_eq!(seen, (1..=newest).rev().collect::<Vec<_>>(), "{limit}");
    }
    let page = office.names.read(&format!("{}?limit=1", office.path())).await;
    let next = page["next_cursor"].as_str().unwrap();
    let other = format!("{}?limit=1&operation=user.change&cursor={next}", office.path());
    office.names.get(&other).await.is(400);
    office.values.get(&format!("{}?limit=1&cursor={next}", office.path())).await.is(400);
}

#[tokio::test]
async fn au15_a_clock_that_goes_back_does_not_reorder_entries() {
    let office = Office::open().await;
    office.service.clock.advance(-50);
    office.crm.patch(&office.jan.path, json!({ "given_name": "J" })).if_match("*").await.is(200);
    office.crm.act(&office.jan.below("block")).await.is(200);
    let items = office.items(&office.names, "").await;
    assert_eq!(sequences(&items), [6, 5, 4, 3, 2, 1]);
    let times: Vec<_> = items.iter().map(|item| item["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
}

#[tokio::test]
async fn d7_a_forgotten_user_has_no_audit() {
    let office = Office::open().await;
    office.crm.delete(&office.jan.path).await.is(204);
    office.values.get(&office.path()).await.is(404);
    office.values.get(&format!("{}?version=1", office.jan.below("at"))).await.is(404);
}
