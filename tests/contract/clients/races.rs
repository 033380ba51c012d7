//! Several administrators at once.

use serde_json::json;
use tests::Client;

use super::{administered, register};
use crate::races::{at_once, count};

fn everywhere(admin: &Client, n: usize) -> Vec<Client> {
    (0..n).map(|_| admin.on(&admin.service.instance())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o9_of_rotations_at_once_one_makes_the_second_secret() {
    let (service, admin) = administered().await;
    for _ in 0..4 {
        let client = register(&admin, json!({})).await;
        let answers =
            at_once(everywhere(&admin, 5).iter().map(|admin| admin.act(&client.secrets()))).await;
        assert_eq!(count(&answers, &[201, 409]), [1, 4]);
        let stored = client.stored(&service).await;
        assert_eq!((stored.value.secrets.len(), stored.version().0), (2, 2));
        let made = answers.iter().find(|answer| answer.code() == 201).unwrap();
        for secret in [&client.secret, &made.field("client_secret")] {
            assert_eq!(client.signs_in(&service, secret).await, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_patches_with_one_tag_one_wins_and_without_tags_all_are_there() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let everywhere = everywhere(&admin, 5);
    let patches = everywhere.iter().enumerate().map(|(i, admin)| {
        admin.patch(&client.path, json!({ "name": format!("n{i}") })).if_match(&client.tag)
    });
    let answers = at_once(patches).await;
    assert_eq!(count(&answers, &[200, 412]), [1, 4]);
    assert_eq!(client.stored(&service).await.version().0, 2);

    let fields = [
        json!({ "name": "last" }),
        json!({ "systems": ["shop"] }),
        json!({ "integration": "iam" }),
        json!({ "audience": ["erp"] }),
        json!({ "max_classifier": "LOW" }),
    ];
    let patches = everywhere
        .iter()
        .zip(&fields)
        .map(|(admin, body)| admin.patch(&client.path, body.clone()).if_match("*"));
    assert_eq!(count(&at_once(patches).await, &[200]), [5]);
    let read = admin.get(&client.path).await.is(200).json();
    for (name, value) in fields.iter().flat_map(|body| body.as_object().unwrap()) {
        assert_eq!(read[name], *value);
    }
    assert_eq!(client.stored(&service).await.version().0, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_client_is_not_brought_back_by_a_change_at_the_same_time() {
    let (_, admin) = administered().await;
    for _ in 0..6 {
        let client = register(&admin, json!({})).await;
        let everywhere = everywhere(&admin, 4);
        let mut calls: Vec<_> = everywhere[1..]
            .iter()
            .enumerate()
            .map(|(i, admin)| {
                admin.patch(&client.path, json!({ "name": format!("n{i}") })).if_match("*")
            })
            .collect();
        calls.insert(1, everywhere[0].delete(&client.path));
        let answers = at_once(calls).await;
        assert_eq!(count(&answers, &[204]), [1]);
        assert_eq!(count(&answers, &[200, 404]).iter().sum::<usize>(), 3);
        admin.get(&client.path).await.is(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o9_of_many_first_uses_in_a_day_one_is_written() {
    let (service, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client.id),
        ("client_secret", &*client.secret),
    ];
    let tokens = (0..6).map(|_| service.instance().token(&form)).collect::<Vec<_>>();
    assert_eq!(count(&at_once(tokens).await, &[200]), [6]);
    let stored = client.stored(&service).await;
    assert_eq!(
        (stored.value.secrets[0].last_used_on.as_deref(), stored.version().0),
        (Some("2026-11-21"), 2)
    );
}
