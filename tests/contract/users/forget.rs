//! `DELETE /identity/users/{user_id}`: forget (rules D7, D9).

use serde_json::json;
use tests::{Client, Fault, Resource, Service, person};

const USERS: &str = "/identity/users";
const WORDS: [&str; 8] = [
    "zwaardvis",
    "Zandloper",
    "Windroos",
    "vuurtoren",
    "Ankertouw",
    "meerpaal",
    "Boegspriet",
    "KOMPAS",
];

/// A person whose every value can be recognised, with a subject on each side.
async fn recognisable(crm: &Client) -> Resource {
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("title", json!({ "search": "prefix" })).await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let sso = "/api/v1/sso";
    let party = |id: &str| json!({ "id": id, "name": id, "subject_type": "predefined" });
    crm.create(&format!("{sso}/authentication-servers"), party("corp")).await;
    crm.create(&format!("{sso}/applications"), party("shop")).await;
    let body = json!({
        "username": WORDS[0], "family_name": WORDS[1], "given_name": WORDS[2],
        "preferred_email": format!("{}@example.org", WORDS[3]), "id_at_customer": WORDS[4],
        "attributes": { "common": { "badge": [WORDS[5]], "title": [WORDS[6]] } },
        "personas": [{ "name": "employee", "scope": [WORDS[7]] }],
    });
    let user = crm.post(USERS, body).key("k").await.created();
    for (path, field, party) in [
        ("authentication-server-subjects", "authentication_server_id", "corp"),
        ("application-subjects", "application_id", "shop"),
    ] {
        let subject = json!({ field: party, "subject": WORDS[5], "user_id": user.id });
        crm.post(&format!("{sso}/{path}"), subject).key("k").await.is(201);
    }
    crm.act(&user.below("block")).key("k").await.is(200);
    user
}

async fn plaintext(service: &Service) -> Vec<String> {
    let items = service.items().await;
    let words = WORDS.map(str::to_lowercase);
    items
        .into_iter()
        .filter(|item| words.iter().any(|word| item.to_lowercase().contains(word)))
        .collect()
}

#[tokio::test]
async fn d7_after_a_forget_no_item_holds_the_persons_plaintext() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let user = recognisable(&crm).await;
    assert!(plaintext(&service).await.len() > 3);

    crm.delete(&user.path).await.is(204);

    assert_eq!(plaintext(&service).await, Vec::<String>::new());
    let report = service.check().await;
    assert_eq!((report.users, report.lookups, report.unfinished), (0, 0, 0));
}

#[tokio::test]
async fn d9_the_id_of_a_forgotten_user_is_not_found_for_ever() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let user = recognisable(&crm).await;
    let persona = user.body["personas"][0]["id"].as_str().unwrap();
    crm.delete(&user.path).await.is(204);

    for path in
        [user.path.clone(), user.below("personas"), user.below(&format!("personas/{persona}"))]
    {
        crm.get(&path).await.is(404);
    }
    crm.patch(&user.path, json!({})).if_match("*").await.is(404);
    crm.put(&user.path, json!({ "username": "x" })).if_match("*").await.is(404);
    crm.delete(&user.path).await.is(404);
    crm.act(&user.below("block")).await.is(404);
    crm.post(&user.below("personas"), json!({ "name": "employee", "scope": ["x"] })).await.is(404);
    crm.post(USERS, json!({ "id": user.id, "username": "x" })).await.is(409);
    for filter in [
        json!({ "id": user.id }),
        json!({ "username": WORDS[0] }),
        json!({ "personas": { "name": "employee" } }),
    ] {
        assert!(crm.find(filter).await.is_empty());
    }
    service.check().await;
}

#[tokio::test]
async fn d9_whoever_returns_has_a_new_id_and_every_value_is_free() {
    let crm = Service::start().await.crm().await;
    let mut body = person("jan");
    body["id_at_customer"] = json!("1");
    let old = crm.create(USERS, body.clone()).await;
    crm.delete(&old.path).await.is(204);
    let new = crm.create(USERS, body).await;
    assert_ne!(new.id, old.id);
    crm.get(&old.path).await.is(404);
}

#[tokio::test(start_paused = true)]
async fn d7_a_forget_that_stopped_half_way_is_completed_by_its_repetition() {
    // The reads and writes of a forget: user, settings, ledger, two counters of wrong passwords, F1,
    // then the children, F2, the children again, F3.
    let clean = {
        let service = Service::start().await;
        let crm = service.crm().await;
        let user = recognisable(&crm).await;
        service.faults.reset();
        crm.delete(&user.path).await.is(204);
        service.faults.seen().len()
    };
    assert!(clean >= 5, "{clean}");
    for call in 0..clean {
        let service = Service::start().await;
        let crm = service.crm().await;
        let user = recognisable(&crm).await;
        service.faults.reset();
        service.faults.from(call, Fault::Unreachable);
        crm.delete(&user.path).if_match("*").await.is(503);
        let reached = service.faults.operations().into_iter().take(call);
        let begun = reached.into_iter().any(|operation| operation == "TransactWriteItems");
        service.faults.reset();
        if begun {
            // F1 is done: the person is invisible, and every unique value is free.
            crm.get(&user.path).await.is(404);
            assert!(crm.find(json!({ "username": WORDS[0] })).await.is_empty());
            crm.post(USERS, json!({ "username": WORDS[0] })).await.is(201);
            let new = crm.find(json!({ "username": WORDS[0] })).await;
            crm.delete(&format!("{USERS}/{}", new[0]["id"].as_str().unwrap())).await.is(204);
            assert_eq!(service.check().await.unfinished, 1);
        } else {
            assert_eq!(crm.read(&user.path).await["username"], WORDS[0]);
        }

        crm.on(&service.instance()).delete(&user.path).await.is(204);

        assert_eq!(plaintext(&service).await, Vec::<String>::new(), "stopped at call {call}");
        let report = service.check().await;
        assert_eq!(
            (report.users, report.lookups, report.unfinished),
            (0, 0, 0),
            "stopped at call {call}"
        );
    }
}
