//! Clients of another tenant (rule D5).

use serde_json::json;
use tests::{Answer, Client};

use super::{CLIENTS, Registered, administered, register};

async fn answers(admin: &Client, id: &str, secret: &str) -> Vec<Answer> {
    let path = format!("{CLIENTS}/{id}");
    let change = json!({ "name": "x" });
    vec![
        admin.get(&path).await,
        admin.call("HEAD", &path).await,
        admin.patch(&path, change).if_match("*").await,
        admin.delete(&path).await,
        admin.act(&format!("{path}/secrets")).await,
        admin.delete(&format!("{path}/secrets/{secret}")).await,
    ]
}

#[tokio::test]
async fn d5_a_client_of_another_tenant_answers_like_one_that_never_existed() {
    let (service, admin) = administered().await;
    service.create_tenant("globex").await;
    let theirs = service.client("globex", "administrator").await;
    let client: Registered = register(&theirs, json!({})).await;
    let secret = client.body["secrets"][0]["id"].as_str().unwrap();
    let never = format!("acme.{}", "0".repeat(32));
    let due = answers(&admin, &never, secret).await;
    assert!(due.iter().all(|answer| answer.code() == 404));
    for id in [
        client.id.as_str(),
        "x",
        "globex",
        &never.to_uppercase(),
        &format!("{never}0"),
        "acme.%00",
        "%F0%9F%98%80",
    ] {
        for (answer, due) in answers(&admin, id, secret).await.into_iter().zip(&due) {
            assert_eq!(answer.code(), due.code(), "{id}");
            if !due.body.is_empty() {
                assert_eq!(answer.problem(), due.problem(), "{id}");
            }
        }
    }
    let list = admin.get(CLIENTS).await.is(200);
    assert!(!list.text().contains("globex") && list.text().contains(&admin.id));
    assert_eq!(
        theirs.get(&client.path).await.is(200).tag(),
        client.tag,
        "nothing has happened to it"
    );
}
