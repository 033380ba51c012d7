//! The limits of a tenant's configuration.

use serde_json::{Value, json};
use tests::{Service, TENANT};

const DEFINITIONS: &str = "/identity/config/attribute-definitions";

fn enumeration(name: &str, values: usize) -> Value {
    let values: Vec<_> = (0..values).map(|i| format!("{i:0>240}")).collect();
    json!({
        "category": "common", "name": name, "data_format": "ENUMERATION",
        "enumeration_values": values,
    })
}

#[tokio::test]
async fn wk16_definitions_have_a_size_together() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let mut made = Vec::new();
    let refused = loop {
        let answer = crm.post(DEFINITIONS, enumeration(&format!("e{}", made.len()), 1000)).await;
        if answer.code() != 201 {
            break answer;
        }
        made.push(answer.created());
        assert!(made.len() < 30, "nothing ends it");
    };
    assert_eq!(refused.is(422).violations(), [" too-large"]);
    assert_eq!(made.len(), 17);
    // Changes that do not enlarge it are possible, and deleting makes room.
    let patch = json!({ "display_name": "x" });
    crm.patch(&made[0].path, patch).if_match("*").await.is(200);
    crm.patch(&made[1].path, json!({ "enumeration_values": ["one"] })).if_match("*").await.is(200);
    crm.delete(&made[2].path).await.is(204);
    crm.post(DEFINITIONS, enumeration("more", 1000)).await.is(201);
    // Others have their own room.
    service.create_tenant("globex").await;
    let other = service.client("globex", "config:write").await;
    other.post(DEFINITIONS, enumeration("e", 1000)).await.is(201);
}

#[tokio::test]
async fn wk18_keys_that_are_no_points_are_refused_when_they_are_registered() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    let ec = json!({
        "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let ed = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let off = |key: &Value, member: &str, value: &str| {
        let mut key = key.clone();
        key[member] = json!(value);
        key
    };
    let wrong = [
        off(&ec, "y", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyA"),
        off(&ec, "x", "_____________________________________________"[..43].trim()),
        off(&ed, "x", "_____________________________________________"[..43].trim()),
    ];
    let client = |key: &Value| {
        let keys = json!({ "keys": [key] });
        admin.post(
            "/config/clients",
            json!({
                "name": "c", "scopes": ["users:read"], "jwks": keys,
                "token_endpoint_auth_method": "private_key_jwt",
            }),
        )
    };
    let server = |id: &str, key: &Value| {
        admin.post(
            "/api/v1/sso/authentication-servers",
            json!({
                "id": id, "name": id, "subject_type": "email", "audience": "kith",
                "issuer": format!("https://{id}.example"), "jwks": { "keys": [key] },
            }),
        )
    };
    for (i, key) in wrong.iter().enumerate() {
        let refused = client(key).await.is(422);
        assert_eq!(refused.violations(), ["/jwks/keys/0 not-allowed"], "{key}");
        let refused = server(&format!("wrong-{i}"), key).await.is(422);
        assert_eq!(refused.violations(), ["/jwks not-allowed"], "{key}");
    }
    for (i, key) in [&ec, &ed].into_iter().enumerate() {
        client(key).await.is(201);
        server(&format!("right-{i}"), key).await.is(201);
    }
}
