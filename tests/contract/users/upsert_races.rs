//! `PUT /identity/users/by/id_at_customer/{value}` by many at once.

use serde_json::json;
use tests::{Answer, Service, person};

use super::upsert::place;
use crate::races::{at_once, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_32_puts_of_one_id_one_creates_and_the_others_replace() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let instances = [crm.clone(), crm.on(&service.instance())];
    for round in 0..3 {
        let id = format!("CRM-{round}");
        let body = |i: usize| {
            json!({
                "username": format!("jan{round}"), "given_name": format!("Jan {i}")
            })
        };
        let answers = at_once((0..32).map(|i| instances[i % 2].put(&place(&id), body(i)))).await;
        assert_eq!(
            count(&answers, &[201, 200]),
            [1, 31],
            "{:?}",
            answers.iter().map(Answer::code).collect::<Vec<_>>()
        );
        let found = crm.find(json!({ "id_at_customer": id })).await;
        assert_eq!(found.len(), 1);
        assert!(answers.iter().any(|answer| answer.json() == found[0]));
        // D2: each committed write moved the version by one, the others changed nothing.
        assert!(service.version_of(found[0]["id"].as_str().unwrap()).await <= 32);
    }
    assert_eq!(service.check().await.users, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_32_puts_that_may_only_create_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let answers =
        at_once((0..32).map(|_| crm.put(&place("1"), person("jan")).if_none_match("*"))).await;
    assert_eq!(count(&answers, &[201, 412]), [1, 31]);
    // D2: and of those that may only replace what they have seen.
    let tag = answers.iter().find(|answer| answer.code() == 201).unwrap().tag();
    let body = |i: usize| json!({ "username": "jan", "given_name": format!("Jan {i}") });
    let answers = at_once((0..32).map(|i| crm.put(&place("1"), body(i)).if_match(&tag))).await;
    assert_eq!(count(&answers, &[200, 412]), [1, 31]);
    assert_eq!(service.check().await.users, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_puts_race_with_a_forget_with_a_patch_and_with_an_id_that_moves() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..8 {
        let id = format!("CRM-{round}");
        let made =
            crm.put(&place(&id), json!({ "username": format!("jan{round}") })).await.created();
        let mut calls = vec![crm.delete(&made.path)];
        for i in 0..4 {
            calls.push(crm.put(
                &place(&id),
                json!({ "username": format!("jan{round}"), "given_name": format!("G{i}") }),
            ));
            calls.push(
                crm.patch(&made.path, json!({ "family_name": format!("F{i}") })).if_match("*"),
            );
            calls.push(
                crm.patch(
                    &made.path,
                    json!({
                        "id_at_customer": if i % 2 == 0 { json!(format!("{id}-moved")) } else { json!(id) }
                    }),
                )
                .if_match("*"),
            );
        }
        let answers = at_once(calls).await;
        let codes: Vec<_> = answers.iter().map(Answer::code).collect();
        // 409: the username is still that of the user whose id has moved, or the id is taken again.
        assert!(
            codes.iter().all(|code| [200, 201, 204, 404, 409].contains(code)),
            "round {round}: {codes:?}"
        );
        assert_eq!(count(&answers, &[204]), [1]);
        crm.get(&made.path).await.is(404);
        let after = crm.put(&place(&id), json!({ "username": format!("jan{round}") })).await;
        assert!([200, 201].contains(&after.code()), "{}", after.text());
        assert_eq!(crm.find(json!({ "id_at_customer": id })).await.len(), 1);
        service.check().await;
    }
}
