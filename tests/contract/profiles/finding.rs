//! Exactly one profile by a filter on the effective view.

use serde_json::{Value, json};
use tests::person;

use super::{DESK, SHOP, Shop, by};

impl Shop {
    /// The status, and the id of what was found.
    async fn find(&self, filter: &str) -> (u16, Option<String>) {
        let answer = self.crm.get(&by(SHOP, filter)).await;
        let id = answer.json().get("id").and_then(Value::as_str).map(str::to_owned);
        (answer.code(), id)
    }

    async fn finds(&self, filter: &str) {
        assert_eq!(self.find(filter).await, (200, Some(self.id().to_owned())), "{filter}");
    }

    async fn misses(&self, filter: &str) {
        assert_eq!(self.find(filter).await, (404, None), "{filter}");
    }
}

#[tokio::test]
async fn d4_a_profile_is_found_by_what_it_inherits_and_overrides() {
    let shop = Shop::open().await;
    shop.crm.define("tag", json!({ "search": "exact" })).await;
    shop.crm.define("start", json!({ "search": "prefix" })).await;
    shop.crm.define("badge", json!({ "unique": true })).await;
    shop.crm.define("code", json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" })).await;
    let base =
        json!({ "tag": ["One", "Two"], "start": ["Alpha"], "badge": ["B1"], "code": ["c0de"] });
    shop.patch_base(json!({ "attributes": { "common": base } })).await;
    for filter in [
        format!("id eq \"{}\"", shop.id()),
        format!("id eq \"{}\"", shop.id().to_uppercase()),
        "preferred_email eq \"JAN@example.org\"".to_owned(),
        "family_name eq \"janssen\"".to_owned(),
        "given_name eq \"JAN\" and family_name eq \"Janssen\"".to_owned(),
        "attributes.common.tag eq \"two\"".to_owned(),
        "attributes.common.start eq \"alpha\"".to_owned(),
        "attributes.common.badge eq \"b1\"".to_owned(),
        "attributes.common.code eq \"c0de\"".to_owned(),
    ] {
        shop.finds(&filter).await;
    }
    let found = shop.crm.get(&by(SHOP, "given_name eq \"Jan\"")).await.is(200);
    assert_eq!((found.json(), found.tag()), (shop.read().await, shop.crm.tag_of(&shop.path).await));

    // A person with an override is found by the override, and not by the value of the base.
    let patch = json!({
        "preferred_email": "jan@shop.example", "given_name": "Johannes",
        "attributes": { "common": { "tag": ["Three"], "start": ["Beta"] } },
    });
    shop.patch(patch).await.is(200);
    for (old, new) in [
        ("preferred_email eq \"jan@example.org\"", "preferred_email eq \"Jan@Shop.example\""),
        ("given_name eq \"Jan\"", "given_name eq \"JOHANNES\""),
        ("attributes.common.tag eq \"one\"", "attributes.common.tag eq \"three\""),
        ("attributes.common.start eq \"alpha\"", "attributes.common.start eq \"beta\""),
        (
            "family_name eq \"Janssen\" and given_name eq \"Jan\"",
            "family_name eq \"Janssen\" and given_name eq \"Johannes\"",
        ),
    ] {
        shop.misses(old).await;
        shop.finds(new).await;
    }
    shop.patch(json!({ "preferred_email": null, "given_name": null })).await.is(200);
    shop.finds("preferred_email eq \"jan@example.org\" and given_name eq \"Jan\"").await;
    shop.misses("given_name eq \"Johannes\"").await;
    shop.service.check().await;
}

#[tokio::test]
async fn d4_a_profile_is_found_by_every_operator_beside_a_value_that_is_looked_up() {
    let shop = Shop::open().await;
    shop.crm.define("start", json!({ "search": "prefix" })).await;
    shop.patch_base(
        json!({ "ui_locales": "nl-BE fr-BE", "attributes": { "common": { "start": ["Alpha"] } } }),
    )
    .await;
    let patch =
        json!({ "given_name": "Johannes", "attributes": { "common": { "start": ["Beta"] } } });
    shop.patch(patch).await.is(200);
    let shown = shop.read().await;
    let updated = shown["updated_at"].as_str().unwrap();
    for found in [
        "family_name eq \"Janssen\" and given_name sw \"Johan\"",
        "family_name eq \"Janssen\" and not (given_name eq \"Jan\")",
        "family_name eq \"Janssen\" and ui_locales eq \"FR-be\" and email_verified eq false",
        "family_name eq \"Janssen\" and attributes.common.start ew \"ta\"",
        &format!(
            "family_name eq \"Janssen\" and updated_at eq \"{updated}\" and created_at le \
             \"{updated}\""
        ),
        "given_name eq \"Nobody\" or given_name eq \"Johannes\"",
        "given_name eq \"Johannes\" or family_name eq \"Janssen\" or attributes.common.start eq \
         \"beta\"",
        &format!("id eq \"{}\" or given_name eq \"Johannes\"", shop.id()),
    ] {
        shop.finds(found).await;
    }
    for missed in [
        "family_name eq \"Janssen\" and given_name eq \"Jan\"",
        "family_name eq \"Janssen\" and given_name co \"x\"",
        "attributes.common.start eq \"alpha\" or given_name eq \"Jan\"",
        &format!("family_name eq \"Janssen\" and updated_at gt \"{updated}\""),
    ] {
        shop.misses(missed).await;
    }
}

#[tokio::test]
async fn only_profiles_of_the_system_itself_count() {
    let shop = Shop::open().await;
    let els = shop.crm.create("/identity/users", person("els")).await;
    shop.finds("family_name eq \"Janssen\"").await;
    let desk = shop.service.profile(&els.id, "desk").await;
    shop.crm.patch(&desk, json!({ "given_name": "Elsje" })).if_match("*").await.is(200);
    shop.finds("family_name eq \"Janssen\"").await;
    shop.misses("given_name eq \"Elsje\"").await;
    shop.misses("preferred_email eq \"els@example.org\"").await;
    let id = desk.rsplit('/').next().unwrap();
    shop.misses(&format!("id eq \"{id}\"")).await;
    shop.crm.get(&by(DESK, "given_name eq \"elsje\"")).await.is(200);
}

#[tokio::test]
async fn several_are_a_conflict_with_their_count_and_never_the_first() {
    let shop = Shop::open().await;
    for name in ["els", "piet"] {
        let user = shop.crm.create("/identity/users", person(name)).await;
        shop.service.profile(&user.id, "shop").await;
    }
    let several = shop.crm.get(&by(SHOP, "family_name eq \"Janssen\"")).await.is(409);
    assert_eq!((several.slug().as_str(), &several.json()["count"]), ("several-found", &json!(3)));
    assert_eq!(several.header("etag"), None);
    assert!(!several.text().contains(shop.id()));

    // A person found by the base and another found by an override count as two. A person found by
    // both counts once.
    let jo =
        shop.crm.create("/identity/users", json!({ "username": "jo", "given_name": "Jo" })).await;
    shop.service.profile(&jo.id, "shop").await;
    shop.patch(json!({ "given_name": "Jo" })).await.is(200);
    let both = shop.crm.get(&by(SHOP, "given_name eq \"jo\"")).await.is(409);
    assert_eq!(both.json()["count"], 2);
    shop.patch_base(json!({ "given_name": "Jo" })).await;
    shop.crm.delete(&jo.path).await.is(204);
    shop.finds("given_name eq \"Jo\"").await;
}

#[tokio::test]
async fn what_a_system_does_not_see_cannot_be_filtered_by() {
    let shop = Shop::open().await;
    shop.crm.define("plain", json!({})).await;
    shop.crm.define_persona("employee", json!({})).await;
    for filter in [
        "username eq \"jan\"",
        "id_at_customer eq \"1\"",
        "personas[name eq \"employee\"]",
        "personas[name eq \"nobody\"]",
        "status eq \"ACTIVE\"",
        "ui_locales eq \"nl\"",
        "email_verified eq true",
        "system_attributes.points eq \"7\"",
        "attributes.common.plain eq \"x\"",
        "attributes.common.unheard eq \"x\"",
        "given_name sw \"J\"",
        "given_name sw \"Ja\"",
        "given_name ne \"Jan\"",
        "not (given_name eq \"Jan\")",
        "last_login_at pr",
        "given_name eq \"Jan\" and status ne \"BLOCKED\"",
        "given_name eq \"Jan\" or email_verified eq true",
        "given_name eq \"Jan\" and username eq \"jan\"",
    ] {
        let refused = shop.crm.get(&by(SHOP, filter)).await.is(400);
        assert_eq!(refused.slug(), "unsupported-filter", "{filter}");
    }
    for malformed in [
        SHOP.to_owned(),
        by(SHOP, ""),
        by(SHOP, "given_name"),
        by(SHOP, "eq eq eq"),
        by(SHOP, &"x".repeat(3000)),
    ] {
        assert_eq!(
            shop.crm.get(&malformed).await.is(400).slug(),
            "malformed-request",
            "{malformed}"
        );
    }
    shop.crm.get(&format!("{SHOP}?limit=1")).await.is(400);
    shop.misses("id eq \"not an id\"").await;
    shop.misses(&format!("id eq \"{}\"", shop.jan.id)).await;
    shop.misses("preferred_email eq \"\"").await;
}

#[tokio::test]
async fn s1_a_value_that_too_many_people_have_asks_for_another_term() {
    let shop = Shop::open().await;
    let mut running = tokio::task::JoinSet::new();
    for i in 0..1001 {
        let call = shop.crm.post(
            "/identity/users",
            json!({ "username": format!("u{i}"), "family_name": "Smith" }),
        );
        running.spawn(std::future::IntoFuture::into_future(call));
    }
    assert!(running.join_all().await.iter().all(|answer| answer.code() == 201));
    let many = shop.crm.get(&by(SHOP, "family_name eq \"Smith\"")).await.is(400);
    assert_eq!(many.slug(), "unsupported-filter");
    assert!(many.text().contains("1000"));
    shop.patch(json!({ "family_name": "Smith" })).await.is(200);
    shop.finds("family_name eq \"Smith\" and preferred_email eq \"jan@example.org\"").await;
}
