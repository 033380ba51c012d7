//! What the audit must not hold (rule AU-06): secrets and hidden values anywhere, and any value
//! in the clear.

use serde_json::{Value, json};
use tests::{Service, TENANT};

use super::{USERS, complete};
use crate::edge::logs;

/// Values that can be recognised wherever they stand.
const SECRETS: [&str; 6] =
    ["Zwaluwnest", "Roodborst", "Kievitsei", "Grutterij", "Wielewaal", "Nachtegaal"];

#[tokio::test]
async fn au06_secret_and_hidden_values_are_named_and_never_kept() {
    logs::keep();
    let service = Service::start().await;
    let crm = service.crm().await;
    let secret_id = crm.define("secret", json!({ "data_format": "HASH" })).await.id;
    let pin = json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" });
    let pin_id = crm.define("pin", pin).await.id;
    let hidden_id = crm.define("hidden", json!({ "hidden": true })).await.id;
    let role_id = crm.define("role", json!({ "hidden": true })).await.id;
    crm.define_persona("employee", json!({ "scoped": true, "attributes": [role_id] })).await;
    let system = json!({
        "id": "desk", "name": "desk",
        "attributes_definition": [{ "name": "risk", "classifier": "SENSITIVE" }]
    });
    crm.post("/identity/config/systems", system).await.is(201);
    let [secret, pin, hidden, role, risk, other] = SECRETS;
    let body = json!({ "username": "jan", "attributes": { "common": {
        "secret": [secret], "pin": [pin], "hidden": [hidden]
    } } });
    let jan = crm.create(USERS, body).await;
    let persona = json!({
        "name": "employee", "scope": ["x"], "attributes": { "common": { "role": [role] } }
    });
    let persona = crm.add_persona(&jan, persona).await;
    let profile = service.profile(&jan.id, "desk").await;
    let patch = json!({
        "system_attributes": { "risk": [risk] }, "attributes": { "common": { "hidden": [other] } }
    });
    let patched = crm.patch(&profile, patch).if_match("*").await;
    assert_eq!(patched.code(), 200, "{}", patched.text());
    crm.delete(&persona.path).if_match("*").await.is(204);

    for secret in SECRETS {
        assert!(logs::lines_with(secret).is_empty(), "{secret}");
    }
    let entries = complete(&service, &jan.id).await;
    for id in [&secret_id, &pin_id, &hidden_id] {
        assert_eq!(entries[0].values(&format!("/attributes/{id}")), "- -");
    }
    let role = format!("/personas/{}/attributes/{role_id}", persona.id);
    assert_eq!((entries[1].values(&role), entries[3].values(&role)), ("- -".into(), "- -".into()));
    assert_eq!(entries[2].values("/systems/desk/attributes/risk"), "- -");
    for entry in &entries {
        let text = serde_json::to_string(&entry.detail).unwrap();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(!text.contains("$argon2"), "a hash of a secret: {text}");
    }
}

#[tokio::test]
async fn au06_no_value_of_an_entry_stands_in_the_table_in_the_clear() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let id = &person.user.id;
    let items = setting.service.items().await;
    let entries: Vec<_> = items
        .iter()
        .filter(|item| item.contains(id.as_str()) && item.contains("S(\"AU#"))
        .collect();
    assert!(entries.len() > 5);
    for entry in entries {
        for word in &person.words {
            assert!(!entry.to_lowercase().contains(&word.to_lowercase()), "{word}: {entry}");
        }
    }
    let ledger = items.iter().filter(|item| item.contains("#AU\")"));
    for entry in ledger {
        for word in &person.words {
            assert!(!entry.to_lowercase().contains(&word.to_lowercase()), "{word}: {entry}");
        }
    }
}

#[tokio::test]
async fn au06_the_key_and_the_values_are_in_no_answer_of_the_configuration() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let settings: Value = boss.read(super::SETTINGS).await;
    let members: Vec<_> = settings.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["legal_hold", "level", "retention_days", "search", "since"]);
}
