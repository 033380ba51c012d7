//! Resources of another system or another tenant are not found.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Call, Client, TENANT};

use super::{DESK, SHOP, Shop, by};

/// Every request that machine clients make of the profiles of a system, about the profile with this
/// id.
fn requests(client: &Client, place: &str, id: &str) -> Vec<Call> {
    let path = format!("{place}/{id}");
    vec![
        client.get(&path),
        client.get(&by(place, &format!("id eq \"{id}\""))),
        client.put(&path, json!({})).if_match("*"),
        client.patch(&path, json!({})).if_match("*"),
        client.delete(&path),
    ]
}

#[tokio::test]
async fn d5_profiles_of_another_system_are_like_ids_that_never_existed() {
    let shop = Shop::open().await;
    let desk = shop.service.profile(&shop.jan.id, "desk").await;
    let desk_id = desk.rsplit('/').next().unwrap();
    let bound = shop.client_with(json!({ "systems": ["shop"] })).await;
    bound.get(&shop.path).await.is(200);
    bound.patch(&shop.path, json!({ "given_name": "X" })).if_match("*").await.is(200);
    let bulk =
        |place: &str, id: &str| bound.post(&format!("{place}:bulk-search"), json!({ "ids": [id] }));
    // The other system's own paths, its ids at one's own, and a system that nobody declared.
    let unheard_of = "/api/v1/tenants/acme/systems/unheard-of/users";
    for (place, id) in
        [(DESK, desk_id), (DESK, shop.id()), (SHOP, desk_id), (unheard_of, shop.id())]
    {
        for call in requests(&bound, place, id) {
            call.await.is(404);
        }
    }
    for place in [DESK, unheard_of] {
        assert_eq!(bulk(place, desk_id).await.is(404).slug(), "not-found");
    }
    assert_eq!(
        bulk(SHOP, desk_id).await.is(200).json(),
        json!({ "items": [], "missing": [desk_id] })
    );
    assert_eq!(bound.get(&shop.jan.path).await.is(403).slug(), "not-allowed");
    shop.crm.get(&desk).await.is(200);
}

#[tokio::test]
async fn d5_another_tenant_sees_nothing_under_either_path() {
    let shop = Shop::open().await;
    shop.service.create_tenant("other").await;
    let other = shop.service.client("other", "users:read users:write config:write").await;
    let system = json!({ "id": "shop", "name": "Shop", "attributes_definition": [] });
    other.post("/identity/config/systems", system).await.is(201);
    let theirs = SHOP.replace(TENANT, "other");
    for place in [SHOP, &theirs] {
        for call in requests(&other, place, shop.id()) {
            call.await.is(404);
        }
    }
    for call in requests(&shop.crm, &theirs, shop.id()) {
        call.await.is(404);
    }
    let ids = json!({ "ids": [shop.id()] });
    other.post(&format!("{SHOP}:bulk-search"), ids.clone()).await.is(404);
    let answer = other.post(&format!("{theirs}:bulk-search"), ids).await.is(200);
    assert_eq!(answer.json()["missing"], json!([shop.id()]));
    shop.crm.get(&shop.path).await.is(200);
}

#[tokio::test]
async fn nothing_tells_who_the_person_is_elsewhere() {
    let shop = Shop::open().await;
    let issuer = shop.service.issuer("corp", "predefined").await;
    issuer.link(&shop.jan.id, "subject-of-jan").await;
    let desk = shop.service.profile(&shop.jan.id, "desk").await;
    shop.crm.define_persona("employee", json!({})).await;
    shop.crm.add_persona(&shop.jan, json!({ "name": "employee" })).await;
    shop.patch_base(json!({ "username": "jan-the-user", "id_at_customer": "CUSTOMER-1" })).await;
    let base = issuer.base("subject-of-jan");
    let secrets = [
        shop.jan.id.as_str(),
        "subject-of-jan",
        issuer.url.as_str(),
        base.as_str(),
        "jan-the-user",
        "CUSTOMER-1",
        "desk",
        desk.rsplit('/').next().unwrap(),
        "employee",
        "corp",
    ];
    let person = issuer.person("subject-of-jan", json!({}));
    let wrong = json!({ "given_name": 7, "system_attributes": { "x": ["y"] } });
    let bulk = |ids: Value| shop.crm.post(&format!("{SHOP}:bulk-search"), json!({ "ids": ids }));
    let els = shop.crm.create("/identity/users", tests::person("els")).await;
    shop.service.profile(&els.id, "shop").await;
    let calls = vec![
        shop.crm.get(&shop.path),
        shop.crm.get(&format!("{SHOP}/{base}")),
        shop.crm.get(&by(SHOP, "given_name eq \"Jan\" and preferred_email eq \"jan@example.org\"")),
        shop.crm.get(&by(SHOP, "family_name eq \"Janssen\"")),
        bulk(json!([shop.id()])),
        person.call("GET", &format!("{SHOP}/me")),
        shop.crm.patch(&shop.path, json!({ "given_name": "Johannes" })).if_match("*"),
        shop.crm.put(&shop.path, json!({ "given_name": "Johannes" })).if_match("*"),
        shop.crm.patch(&shop.path, wrong).if_match("*"),
        shop.crm.patch(&shop.path, json!({})).if_match("\"old\""),
        shop.crm.patch(&shop.path, json!({})),
        shop.crm.delete(&shop.path).if_match("\"old\""),
    ];
    for call in calls {
        let what = format!("{call:?}");
        let answer = call.await;
        let shown = format!("{:?} {}", answer.headers, answer.text());
        for secret in secrets {
            assert!(!shown.contains(secret), "`{secret}` in {shown} to {what}");
        }
    }
    // Nor does a tag: it is another one in each system, and neither is the base profile's.
    let mut seen = BTreeSet::new();
    for path in [&shop.path, &desk, &shop.jan.path] {
        assert!(seen.insert(shop.crm.tag_of(path).await));
    }
}

#[tokio::test]
async fn the_scope_of_a_route_is_due() {
    let shop = Shop::open().await;
    let reader = shop.service.client(TENANT, "users:read").await;
    let writer = shop.service.client(TENANT, "users:write").await;
    let due: Vec<_> =
        requests(&reader, SHOP, shop.id()).into_iter().zip([200, 200, 403, 403, 403]).collect();
    for (call, status) in due {
        call.await.is(status);
    }
    writer.get(&shop.path).await.is(403);
    writer.get(&by(SHOP, "given_name eq \"Jan\"")).await.is(403);
    writer.post(&format!("{SHOP}:bulk-search"), json!({ "ids": [] })).await.is(403);
    shop.service.call("GET", &shop.path).await.is(401);
}
