//! Attributes that systems get only while the person agrees.

use serde_json::{Value, json};
use tests::{Client, Service, escape, person, profiles};

use super::Office;
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
        let office = Office::on(service, json!({})).await;
        let bind = json!({ "consent": "news/letter" });
        crm.patch(&shoe.path, bind.clone()).if_match("*").await.is(200);
        let list = "/identity/config/attribute-definitions?name=given_name";
        let given = crm.read(list).await["items"][0]["id"].as_str().unwrap().to_owned();
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
