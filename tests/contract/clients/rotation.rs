//! Secrets: made, ended and revoked without downtime (rule O9).

use serde_json::{Value, json};

use super::{administered, register};

#[tokio::test]
async fn o9_a_rotation_has_no_downtime_and_the_old_secret_ends_on_time() {
    let (service, admin) = administered().await;
    let elsewhere = service.instance();
    let client = register(&admin, json!({})).await;
    assert_eq!(client.signs_in(&elsewhere, &client.secret).await, 200);
    let body = json!({
        "previous_expires_at": "2026-11-21T12:00:00+01:00", "expires_at": "2026-11-21T12:00:00Z"
    });
    let made = admin.post(&client.secrets(), body).await.is(201);
    let next = made.field("client_secret");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(
        made.header("location"),
        Some(&*format!("{}/{}", client.secrets(), made.field("id")))
    );
    let due = json!({
        "id": made.field("id"), "created_at": "2026-11-21T10:00:00.000Z",
        "expires_at": "2026-11-21T12:00:00.000Z",
        "last_used_on": null, "client_secret": next,
    });
    assert_eq!(made.json(), due);
    let read = admin.get(&client.path).await.is(200);
    assert_eq!(read.tag(), made.tag(), "the tag is that of the client");
    assert_eq!(read.json()["secrets"][0]["expires_at"], "2026-11-21T11:00:00.000Z");

    let both = async || {
        let mut codes = Vec::new();
        for service in [&service, &elsewhere] {
            for secret in [&client.secret, &next] {
                codes.push(client.signs_in(service, secret).await);
            }
        }
        codes
    };
    assert_eq!(both().await, [200, 200, 200, 200]);
    service.clock.advance(3599);
    assert_eq!(both().await, [200, 200, 200, 200]);
    service.clock.advance(1);
    assert_eq!(both().await, [401, 200, 401, 200]);
    service.clock.advance(3600);
    assert_eq!(both().await, [401, 401, 401, 401]);
}

#[tokio::test]
async fn o9_a_third_live_secret_is_refused_and_what_has_ended_does_not_count() {
    let (service, admin) = administered().await;
    let admin_of = async || admin.clone().with_token().await;
    let client = register(&admin, json!({})).await;
    let ends = json!({ "previous_expires_at": "2026-11-21T10:00:30Z" });
    let second = admin.post(&client.secrets(), ends).await.is(201);
    let refused = admin.act(&client.secrets()).await.is(409);
    assert_eq!(refused.slug(), "conflict");
    assert!(
        refused.text().contains("2 live secrets") && refused.text().contains("revoke"),
        "{}",
        refused.text()
    );
    service.clock.advance(30);
    let admin = admin_of().await;
    let shown = admin.get(&client.path).await.is(200);
    assert_eq!(
        shown.json()["secrets"].as_array().unwrap().len(),
        2,
        "what has ended is dropped with the next write"
    );
    let third = admin.act(&client.secrets()).await.is(201);
    let ids = |body: &Value| {
        let ids = body["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|secret| secret["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&admin.get(&client.path).await.json()), [second.field("id"), third.field("id")]);
    // An overlap of nothing ends both at once, which makes place.
    let fourth = json!({ "previous_expires_at": "2026-11-21T10:00:30Z" });
    let fourth = admin.post(&client.secrets(), fourth).await.is(201);
    assert_eq!(ids(&admin.get(&client.path).await.json()), [fourth.field("id")]);
    for old in [&client.secret, &second.field("client_secret"), &third.field("client_secret")] {
        assert_eq!(client.signs_in(&service, old).await, 401);
    }
    assert_eq!(client.signs_in(&service, &fourth.field("client_secret")).await, 200);
}

#[tokio::test]
async fn o9_a_rotation_never_makes_a_secret_live_longer() {
    let (_, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let rotate = |previous: &str| {
        admin.post(
            &client.secrets(),
            json!({ "previous_expires_at": previous, "expires_at": "2026-11-21T13:00:00Z" }),
        )
    };
    let second = rotate("2026-11-21T11:00:00Z").await.is(201);
    admin.delete(second.header("location").unwrap()).await.is(204);
    rotate("2026-11-21T12:00:00Z").await.is(201);
    let secrets = admin.get(&client.path).await.json()["secrets"].clone();
    assert_eq!(secrets[0]["expires_at"], "2026-11-21T11:00:00.000Z");
    assert_eq!(secrets[1]["expires_at"], "2026-11-21T13:00:00.000Z");
}

#[tokio::test]
async fn o9_a_revoked_secret_stops_here_at_once_and_elsewhere_within_30_seconds() {
    let (service, admin) = administered().await;
    let elsewhere = service.instance();
    let client = register(&admin, json!({})).await;
    let next = admin.act(&client.secrets()).await.is(201);
    for service in [&service, &elsewhere] {
        assert_eq!(client.signs_in(service, &client.secret).await, 200);
    }
    let old = format!("{}/{}", client.secrets(), client.body["secrets"][0]["id"].as_str().unwrap());
    admin.delete(&old).if_match(&client.tag).await.is(412);
    let tag = admin.get(&client.path).await.tag();
    admin.delete(&old).if_match(&tag).await.is(204);
    assert_eq!(client.signs_in(&service, &client.secret).await, 401);
    service.clock.advance(30);
    assert_eq!(client.signs_in(&elsewhere, &client.secret).await, 401);
    assert_eq!(client.signs_in(&elsewhere, &next.field("client_secret")).await, 200);
    admin.delete(&old).await.is(404);
    admin.delete(&format!("{}/x", client.secrets())).if_match("\"x\"").await.is(404);
    assert_eq!(admin.get(&client.path).await.json()["secrets"][0]["id"], next.field("id"));
}

#[tokio::test]
async fn e1_every_violation_of_a_rotation_is_listed() {
    let (_, admin) = administered().await;
    let client = register(&admin, json!({})).await;
    let violations =
        async |body: Value| admin.post(&client.secrets(), body).await.is(422).violations();
    let past = json!({
        "expires_at": "2026-11-21T10:00:00Z", "previous_expires_at": "2026-11-21T09:59:59.999Z",
        "id": 1
    });
    let due = ["/expires_at not-allowed", "/id unknown", "/previous_expires_at not-allowed"];
    assert_eq!(violations(past).await, due);
    let wrong = json!({ "expires_at": "tomorrow", "previous_expires_at": 1 });
    assert_eq!(
        violations(wrong).await,
        ["/expires_at wrong-format", "/previous_expires_at wrong-type"]
    );
    assert_eq!(violations(json!(null)).await, [" wrong-type"]);
    admin.call("POST", &client.secrets()).body("text/plain", "x").await.is(415);
    admin.call("POST", &client.secrets()).body("application/json", "{").await.is(400);
    assert_eq!(admin.get(&client.path).await.tag(), client.tag);
    admin.call("POST", &client.secrets()).body("application/json", "").await.is(201);
    let client = register(&admin, json!({})).await;
    admin
        .post(&client.secrets(), json!({ "expires_at": null, "previous_expires_at": null }))
        .await
        .is(201);
}
