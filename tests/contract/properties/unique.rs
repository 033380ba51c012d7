//! Of many who want one value at once, users and personas together, one gets it (rules A3, D1, D3).

use serde_json::{Value, json};

use crate::formats::{Desk, Place, USERS, attribute, role};
use crate::races::{at_once, count};

async fn race(definition: Value, spellings: [&str; 2]) {
    let desk = &Desk::with(definition).await;
    let mut calls = Vec::new();
    let mut users = Vec::new();
    for i in 0..64 {
        let value = json!([spellings[i % 2]]);
        let place = [Place::Create, Place::Import, Place::Patch, Place::SetById][i % 4];
        calls.push(match place {
            Place::Create | Place::Import => desk.call(place, &value.to_string()).await,
            place => {
                let user = desk.somebody().await;
                let call = if place == Place::Patch {
                    desk.crm.patch(&user.path, attribute("x", &value)).if_match(&user.tag)
                } else {
                    let persona = desk.crm.add_persona(&user, role("a")).await;
                    let body = json!({ "attribute_definition_id": desk.x.id, "value": value });
                    desk.crm.patch(&persona.below("attribute"), body).if_match(&persona.tag)
                };
                users.push(user);
                call
            }
        });
    }
    let answers = at_once(calls).await;
    let statuses = count(&answers, &[200, 201, 409]);
    assert_eq!((statuses[0] + statuses[1], statuses[2]), (1, 63), "{statuses:?}");
    let refused = answers.iter().find(|answer| answer.code() == 409).unwrap();
    assert_eq!(refused.slug(), "already-exists");
    let report = desk.service.check().await;
    assert_eq!(report.users, 1 + users.len() + statuses[1]);
    // Exactly one profile shows it.
    let mut holders = statuses[1];
    for user in &users {
        let shown = desk.crm.read(&user.path).await;
        let personas = shown["personas"].as_array().unwrap();
        let held = |owner: &Value| owner["attributes"] != json!({});
        holders += usize::from(held(&shown) || personas.iter().any(held));
    }
    assert_eq!(holders, 1);
    // And nobody gets it afterwards.
    let body = json!({ "username": "late", "attributes": { "common": { "x": [spellings[1]] } } });
    desk.crm.post(USERS, body).await.is(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_users_and_personas_one_gets_a_unique_text() {
    race(json!({ "unique": true }), ["Badge 1", "badge  1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_users_and_personas_one_gets_a_unique_number() {
    race(json!({ "data_format": "NUMERIC", "unique": true }), ["1.50", "15e-1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_users_and_personas_one_gets_a_unique_address() {
    race(
        json!({ "data_format": "EMAIL", "unique": true }),
        ["jan@bücher.example", "JAN@xn--bcher-kva.example"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_users_and_personas_one_gets_a_unique_searchable_hash() {
    race(json!({ "data_format": "SEARCHABLE_HASH", "unique": true }), ["Secret", "secret"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_a_unique_value_passes_between_a_user_and_its_persona_and_others_at_once() {
    let desk = Desk::with(json!({ "unique": true })).await;
    let els = desk.somebody().await;
    for round in 0..4 {
        let (give, take) = (json!([]), json!([format!("v{}", round % 2)]));
        let set = |value: &Value| {
            let body = json!({ "category": "common", "name": "x", "value": value });
            desk.crm.patch(&desk.persona.below("attribute"), body).if_match("*")
        };
        let write =
            |path: &str, value: &Value| desk.crm.patch(path, attribute("x", value)).if_match("*");
        let answers = at_once([
            write(&desk.user.path, &take),
            set(&take),
            write(&els.path, &take),
            set(&give),
            write(&desk.user.path, &give),
            write(&els.path, &take),
            set(&take),
            write(&els.path, &give),
        ])
        .await;
        assert_eq!(count(&answers, &[200, 409]).iter().sum::<usize>(), 8);
        let report = desk.service.check().await;
        assert_eq!(report.users, 2);
    }
}
