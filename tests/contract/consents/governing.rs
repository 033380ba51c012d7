//! Attributes that systems get only while the person agrees.

use serde_json::{Value, json};
use shared::domain::client::Integration;
use tests::{Client, Service, escape, person, profiles};

use super::Office;
use crate::derived;
use crate::events::{Told, hand, record_of};

/// An office whose attributes `shoe` and `given_name` are bound to the letter, a profile of Jan in
/// the system `shop`, and a client of that system.
struct Shop {
    office: Office,
    client: Client,
    path: String,
}

impl Shop {
    async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let shoe = crm.define("shoe", json!({ "search": "exact" })).await;
        let given = super::predefined(&crm, "given_name").await;
        let purposes = [
            super::uses("letter", &[&shoe.id, &given]),
            super::uses("calls", &[]),
            super::uses("offers", &[]),
        ];
        let office = Office::on(service, json!({ "purposes": purposes })).await;
        let bind = json!({ "consent": "news/letter" });
        crm.patch(&shoe.path, bind.clone()).if_match("*").await.is(200);
        let given = format!("/identity/config/attribute-definitions/{given}");
        crm.patch(&given, bind).if_match("*").await.is(200);
        let patch = json!({ "attributes": { "common": { "shoe": ["42"] } } });
        crm.patch(&office.jan.path, patch).if_match("*").await.is(200);
        office.service.system("shop", &["points"]).await;
        let path = office.service.profile(&office.jan.id, "shop").await;
        let client = office.bound(&["shop"]).await;
        office.service.clock.advance(31);
        Self { office, client, path }
    }

    async fn profile(&self) -> Value {
        self.client.read(&self.path).await
    }

    /// What the filter finds.
    async fn find(&self, filter: &str) -> u16 {
        let path = format!("{}?filter={}", profiles("shop"), escape(filter));
        self.client.get(&path).await.code()
    }
}

fn sees(profile: &Value) -> (bool, bool) {
    (profile["given_name"] == "Jan", profile["attributes"]["common"]["shoe"] == json!(["42"]))
}

#[tokio::test]
async fn co04_a_system_gets_bound_attributes_only_while_the_person_agrees() {
    let shop = Shop::open().await;
    let before = shop.client.get(&shop.path).await.is(200);
    assert_eq!(sees(&before.json()), (false, false));
    assert_eq!(before.json()["family_name"], "Janssen");
    assert_eq!(before.json()["given_name"], json!(null));
    shop.office.agree(json!({})).await;
    let granted = shop.client.get(&shop.path).if_none_match(&before.tag()).await.is(200);
    assert_eq!(sees(&granted.json()), (true, true));
    shop.office.withdraw().await.is(200);
    // Other functions, which have not read since, see it at once.
    let other = shop.client.on(&shop.office.service.instance());
    let after = other.get(&shop.path).if_none_match(&granted.tag()).await.is(200);
    assert_eq!((sees(&after.json()), after.tag()), ((false, false), before.tag()));
}

#[tokio::test]
async fn co04_each_way_to_a_system_profile_lacks_them() {
    let shop = Shop::open().await;
    let id = shop.path.rsplit('/').next().unwrap();
    let issuer = shop.office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&shop.office.jan.id, "jan").await;
    let seen = async || {
        let bulk = format!("{}:bulk-search", profiles("shop"));
        let bulk = shop.client.post(&bulk, json!({ "ids": [id] })).await.is(200).json();
        let found = format!("{}?filter={}", profiles("shop"), escape("family_name eq \"Janssen\""));
        [
            shop.profile().await,
            bulk["items"][0].clone(),
            shop.client.read(&found).await,
            jan.get(&format!("{}/me", profiles("shop"))).await.is(200).json(),
            jan.sign_in("shop").await.is(200).json(),
        ]
        .map(|profile| sees(&profile))
    };
    assert_eq!(seen().await, [(false, false); 5]);
    shop.office.agree(json!({})).await;
    assert_eq!(seen().await, [(true, true); 5]);
    // A refusal for the system alone counts there before what was agreed in general.
    let no =
        shop.office.yes(1, json!({ "audience": "shop", "purposes": [], "denied": ["letter"] }));
    shop.office.decide(no.await).await.is(200);
    assert_eq!(seen().await, [(false, false); 5]);
}

#[tokio::test]
async fn co04_a_filter_tells_a_system_nothing_of_what_it_does_not_get() {
    let shop = Shop::open().await;
    let by_shoe = "attributes.common.shoe eq \"42\"";
    for filter in
        [by_shoe, "given_name eq \"Jan\"", "family_name eq \"Janssen\" and given_name eq \"Jan\""]
    {
        assert_eq!(shop.find(filter).await, 404, "{filter}");
    }
    assert_eq!(shop.find("family_name eq \"Janssen\"").await, 200);
    shop.office.agree(json!({})).await;
    assert_eq!(shop.find(by_shoe).await, 200);
}

#[tokio::test]
async fn co04_a_system_does_not_write_what_it_does_not_get() {
    let shop = Shop::open().await;
    let crm = &shop.office.crm;
    shop.office.agree(json!({})).await;
    crm.patch(&shop.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200);
    shop.office.withdraw().await.is(200);
    let refused = shop.client.patch(&shop.path, json!({ "given_name": "X" })).if_match("*").await;
    assert!(refused.is(422).violations()[0].contains("/given_name"));
    // What is not named stays, whether it is seen or not.
    let shown = shop.profile().await;
    assert_eq!(shown["overrides"], json!([]));
    shop.client.put(&shop.path, shown).if_match("*").await.is(200);
    let patch = json!({ "system_attributes": { "points": ["7"] } });
    shop.client.patch(&shop.path, patch).if_match("*").await.is(200);
    shop.office.agree(json!({})).await;
    assert_eq!(shop.profile().await["given_name"], "Johan");
}

#[tokio::test]
async fn co04_userinfo_lacks_them_and_the_person_sees_them_marked() {
    let shop = Shop::open().await;
    let issuer = shop.office.service.issuer("corp", "predefined").await;
    let jan = issuer.link(&shop.office.jan.id, "jan").await;
    let userinfo = async || jan.get("/idhub/oidc/v1/userinfo").await.is(200).json();
    let claims = userinfo().await;
    assert!(claims.get("given_name").is_none());
    assert_eq!((&claims["name"], &claims["attributes"]), (&json!("Janssen"), &json!({})));
    let marks = json!({
        "given_name": "news/letter", "attributes.common.shoe": "news/letter"
    });
    for profile in [
        jan.get("/identity/me").await.is(200).json(),
        shop.office.crm.read(&shop.office.jan.path).await,
    ] {
        assert_eq!(sees(&profile), (true, true));
        assert_eq!(profile["attribute_consents"], marks);
    }
    shop.office.agree(json!({})).await;
    assert_eq!(userinfo().await["given_name"], "Jan");
}

#[tokio::test]
async fn co04_userinfo_lacks_the_claim_of_a_bound_attribute() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let number = crm.define("phone-number", json!({ "data_format": "SMS" })).await;
    let purposes = [
        super::uses("letter", &[&number.id]),
        super::uses("calls", &[]),
        super::uses("offers", &[]),
    ];
    let office = Office::on(service, json!({ "purposes": purposes })).await;
    crm.patch(&number.path, json!({ "consent": "news/letter" })).if_match("*").await.is(200);
    let values = json!({ "attributes": { "common": { "phone-number": ["+3225550123"] } } });
    crm.patch(&office.jan.path, values).if_match("*").await.is(200);
    office.service.clock.advance(31);
    let jan = crm.local_person(&office.jan.id, "openid phone").await;
    let told = async || {
        let claims = jan.get("/idhub/oidc/v1/userinfo").await.is(200).json();
        ["phone_number", "phone_number_verified"].map(|claim| claims.get(claim).cloned())
    };
    assert_eq!(told().await, [None, None]);
    office.agree(json!({})).await;
    assert_eq!(told().await, [Some(json!("+3225550123")), Some(json!(false))]);
    office.withdraw().await.is(200);
    assert_eq!(told().await, [None, None]);
}

#[tokio::test]
async fn co04_userinfo_of_an_application_of_systems_is_for_these() {
    let shop = Shop::open().await;
    let id = &shop.office.jan.id;
    shop.office.agree(json!({})).await;
    let no =
        shop.office.yes(1, json!({ "audience": "shop", "purposes": [], "denied": ["letter"] }));
    shop.office.decide(no.await).await.is(200);
    let sees = async |systems: &[&str]| {
        let own = if systems.is_empty() { 200 } else { 403 };
        let systems = systems.iter().map(|id| id.parse().unwrap()).collect();
        let crm = &shop.office.crm;
        let scopes = "openid profile userdata";
        let jan = crm.local_person_with(id, scopes, |claims| claims.systems = systems).await;
        jan.get("/identity/me").await.is(own);
        jan.get("/idhub/oidc/v1/userinfo").await.is(200).json().get("given_name").is_some()
    };
    assert!(sees(&[]).await);
    assert!(!sees(&["shop"]).await);
}

#[tokio::test]
async fn co04_marks_may_be_sent_back_and_not_changed() {
    let shop = Shop::open().await;
    let (crm, path) = (&shop.office.crm, &shop.office.jan.path);
    for (name, value) in [("family_name", json!("Peeters")), ("given_name", json!(null))] {
        let mut shown = crm.read(path).await;
        shown[name] = value;
        crm.put(path, shown.clone()).if_match("*").await.is(200);
    }
    for wrong in [json!({ "given_name": "x/y1" }), json!({ "family_name": "news/letter" })] {
        let patch = json!({ "attribute_consents": wrong });
        crm.patch(path, patch).if_match("*").await.is(422);
    }
    let new = super::with(person("an"), json!({ "attribute_consents": {} }));
    crm.post("/identity/users", new).await.is(422);
    let an = crm.create("/identity/users", json!({ "username": "an" })).await;
    assert!(an.body.get("attribute_consents").is_none());
}

#[tokio::test]
async fn co04_a_repeat_with_a_key_gives_nobody_what_was_taken_back() {
    let shop = Shop::open().await;
    shop.office.agree(json!({})).await;
    let service = &shop.office.service;
    let scopes = "users:read users:write";
    let mark = |client: &mut shared::domain::client::Client| {
        client.integration = Some(Integration::Crm);
    };
    let crm = service.register_as(tests::TENANT, scopes, mark).await.with_token().await;
    let bring = || {
        let body = json!({ "user_id": shop.office.jan.id });
        crm.post(&profiles("shop"), body).key("k")
    };
    let first = bring().await;
    assert!([200, 201].contains(&first.code()), "{}", first.text());
    assert_eq!(sees(&first.json()), (true, true));
    let again = bring().await.is(first.code());
    assert_eq!((again.json(), again.tag()), (first.json(), first.tag()));
    shop.office.withdraw().await.is(200);
    let later = bring().await.is(first.code());
    assert_eq!(sees(&later.json()), (false, false));
    assert_ne!(later.tag(), first.tag());
    assert_eq!(later.tag(), shop.client.get(&shop.path).await.tag());
}

#[tokio::test]
async fn co04_what_the_person_read_binds_what_systems_get() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let [shoe, hat] = [crm.define("shoe", json!({})).await, crm.define("hat", json!({})).await];
    service.system("shop", &[]).await;
    service.system("desk", &[]).await;
    let purposes = |attributes: &[&str]| {
        let mut letter = super::uses("letter", attributes);
        letter["recipients"] = json!(["shop"]);
        json!({ "purposes": [letter] })
    };
    let office = Office::on(service, purposes(&[&shoe.id])).await;
    let both = json!({ "attributes": { "common": { "shoe": ["42"], "hat": ["7"] } } });
    crm.patch(&office.jan.path, both).if_match("*").await.is(200);
    office.agree(json!({})).await;
    // The terms list the hat as well now; Jan read a version that does not.
    let path = format!("{}/news", super::CONSENTS);
    crm.patch(&path, purposes(&[&shoe.id, &hat.id])).if_match("*").await.is(200);
    for definition in [&shoe, &hat] {
        let bind = json!({ "consent": "news/letter" });
        crm.patch(&definition.path, bind).if_match("*").await.is(200);
    }
    let shop = office.service.profile(&office.jan.id, "shop").await;
    let desk = office.service.profile(&office.jan.id, "desk").await;
    office.service.clock.advance(31);
    let seen = async |path: &str| crm.read(path).await["attributes"].clone();
    assert_eq!(seen(&shop).await, json!({ "common": { "shoe": ["42"] } }));
    assert_eq!(seen(&desk).await, json!({}));
    office.version(json!({ "reconsent": "none" })).await;
    office.service.clock.advance(31);
    assert_eq!(seen(&shop).await, json!({ "common": { "shoe": ["42"] } }));
    office.decide(office.yes(2, json!({})).await).await.is(200);
    assert_eq!(seen(&shop).await, json!({ "common": { "shoe": ["42"], "hat": ["7"] } }));
    assert_eq!(seen(&desk).await, json!({}));
}

#[tokio::test]
async fn co04_a_derived_attribute_carries_nothing_out() {
    let shop = Shop::open().await;
    let crm = &shop.office.crm;
    let script = derived::answering("{ contact: [p.given_name] }");
    let workflow = derived::workflow(crm, &script).await;
    let contact = derived::derive(crm, "contact", &workflow, json!({})).await;
    shop.office.service.clock.advance(31);
    let patch = json!({ "family_name": "Peeters" });
    crm.patch(&shop.office.jan.path, patch).if_match("*").await.is(200);
    let seen = async || shop.profile().await["attributes"]["common"]["contact"].clone();
    assert_eq!(seen().await, Value::Null);
    shop.office.agree(json!({})).await;
    assert_eq!(seen().await, json!(["Jan"]));
    shop.office.withdraw().await.is(200);
    assert_eq!(seen().await, Value::Null);
    crm.patch(&contact.path, json!({ "consent": "none" })).if_match("*").await.is(200);
    assert_eq!(crm.read(&contact.path).await["consent"], "none");
    shop.office.service.clock.advance(31);
    assert_eq!(seen().await, json!(["Jan"]));
}

#[tokio::test]
async fn co04_subscribers_are_told_by_ids_alone() {
    let office = Office::open().await;
    let told = Told::default();
    let pk = format!("T#{}#U#{}", tests::TENANT, office.jan.id);
    let entry =
        |n: u64, kind: &str| record_of(n, "INSERT", &pk, &format!("COH#news#shop#{n:010}#{kind}"));
    let records = [
        entry(1, "granted"),
        entry(2, "denied"),
        entry(3, "withdrawn"),
        entry(4, "expired"),
        record_of(5, "MODIFY", &pk, "CO#news#shop"),
        record_of(6, "REMOVE", &pk, "COH#news#shop#0000000001#granted"),
    ];
    assert_eq!(hand(&office.service, &records, &told).await, Vec::<String>::new());
    let id = &office.jan.id;
    assert_eq!(
        told.take(),
        [
            format!("consent.granted {id} 1"),
            format!("consent.withdrawn {id} 3"),
            format!("consent.expired {id} 4"),
        ]
    );
}
