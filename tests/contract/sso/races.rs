//! Mappings that many ask for at once

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Client, Service};
use tokio::task::JoinSet;

const SSO: &str = "/api/v1/sso";
const TASKS: usize = 64;

/// Clients of as many instances.
async fn clients(service: &Service) -> (Client, Vec<Client>) {
    let crm = service.crm().await;
    for path in ["authentication-servers", "applications"] {
        crm.create(
            &format!("{SSO}/{path}"),
            json!({ "id": "corp", "name": "Corp", "subject_type": "predefined" }),
        )
        .await;
    }
    let instances: Vec<_> = (0..4).map(|_| crm.on(&service.instance())).collect();
    (crm, instances)
}

async fn all(calls: impl Iterator<Item = tests::Call>) -> Vec<u16> {
    let mut tasks = JoinSet::new();
    for call in calls {
        tasks.spawn(async move { call.await.code() });
    }
    tasks.join_all().await
}

fn count(codes: &[u16], code: u16) -> usize {
    codes.iter().filter(|found| **found == code).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_users_who_are_given_one_subject_one_gets_it() {
    let service = Service::start().await;
    let (crm, clients) = clients(&service).await;
    let mut users = Vec::new();
    for i in 0..TASKS {
        users.push(crm.create_user(&format!("user{i}")).await);
    }
    for (path, field) in
        [("authentication-server", "authentication_server_id"), ("application", "application_id")]
    {
        let calls = users.iter().zip(clients.iter().cycle()).map(|(user, client)| {
            let body = json!({ field: "corp", "subject": "one", "user_id": user.id });
            client.post(&format!("{SSO}/{path}-subjects"), body)
        });
        let codes = all(calls).await;
        assert_eq!((count(&codes, 201), count(&codes, 409)), (1, TASKS - 1), "{codes:?}");
    }
    let question = json!({ "authentication_server_id": "corp", "subject": "one" });
    let found =
        crm.post(&format!("{SSO}/authentication-server-subjects/resolve"), question).await.is(200);
    let list = format!(
        "{SSO}/authentication-server-subjects?authentication_server_id=corp&user_id={}",
        found.field("id")
    );
    assert_eq!(crm.read(&list).await["items"].as_array().unwrap().len(), 1);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_64_subjects_that_a_user_is_given_at_one_application_one_stays() {
    let service = Service::start().await;
    let (crm, clients) = clients(&service).await;
    let jan = crm.create_user("jan").await;
    let calls = (0..TASKS).zip(clients.iter().cycle()).map(|(i, client)| {
        let body =
            json!({ "application_id": "corp", "subject": format!("s{i}"), "user_id": jan.id });
        client.post(&format!("{SSO}/application-subjects"), body)
    });
    let codes = all(calls).await;
    assert_eq!((count(&codes, 201), count(&codes, 409)), (1, TASKS - 1), "{codes:?}");
    let list = crm.read(&format!("{SSO}/application-subjects?user_id={}", jan.id)).await;
    let question = json!({ "application_id": "corp", "user_id": jan.id });
    let found = crm.post(&format!("{SSO}/application-subjects/resolve"), question).await.is(200);
    assert_eq!(list["items"][0]["subject"], found.json()["subject"]);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_no_mapping_outlives_a_user_who_is_forgotten_while_mappings_are_made() {
    let service = Service::start().await;
    let (crm, clients) = clients(&service).await;
    for round in 0..4 {
        let jan = crm.create_user(&format!("jan{round}")).await;
        let subjects: BTreeSet<_> = (0..TASKS / 4).map(|i| format!("{round}-{i}")).collect();
        let calls = subjects.iter().zip(clients.iter().cycle()).map(|(subject, client)| {
            let body = json!({
                "authentication_server_id": "corp", "subject": subject, "user_id": jan.id
            });
            client.post(&format!("{SSO}/authentication-server-subjects"), body)
        });
        let calls: Vec<_> = calls.chain([crm.delete(&jan.path)]).collect();
        let codes = all(calls.into_iter()).await;
        assert_eq!(
            count(&codes, 201) + count(&codes, 422) + count(&codes, 204),
            TASKS / 4 + 1,
            "{codes:?}"
        );
        // Again until it is complete: what was made between the erasure's first commit and its end
        // is swept.
        assert!([204, 404].contains(&crm.delete(&jan.path).await.code()));
        service.sweep().await;
        for subject in &subjects {
            let question = json!({ "authentication_server_id": "corp", "subject": subject });
            crm.post(&format!("{SSO}/authentication-server-subjects/resolve"), question)
                .await
                .is(404);
        }
        assert_eq!(service.check().await.unfinished, 0);
    }
}
