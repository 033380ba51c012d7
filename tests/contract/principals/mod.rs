//! `/identity/users/{user_id}/principals`

mod linking;
mod races;

use serde_json::{Value, json};
use shared::domain::Versioned;
use shared::domain::id::{BaseId, TenantId, UserId};
use shared::domain::sso::Principal;
use shared::store::principals::store_principal;
use shared::store::{Condition, Key, Write};
use tests::{Client, Resource, Service, TENANT};

const SERVERS: &str = "/api/v1/sso/authentication-servers";

/// A client, the servers `corp` and `other`, and the user `jan`.
async fn scene(service: &Service) -> (Client, Resource) {
    let crm = service.crm().await;
    for id in ["corp", "other"] {
        crm.create(SERVERS, json!({ "id": id, "name": id, "subject_type": "predefined" })).await;
    }
    let jan = crm.create_user("jan").await;
    (crm, jan)
}

/// Stores what the first sign-in of a subject does: the principal of a server, and the base profile
/// id that finds the user.
pub async fn bind(service: &Service, user: &Resource, server: &str) -> BaseId {
    let tenant: TenantId = TENANT.parse().unwrap();
    let id: UserId = user.id.parse().unwrap();
    let base = BaseId::of(
        &format!("subject-of-{}", user.id),
        &format!("https://{server}.example"),
        &tenant,
    );
    let principal = Versioned::first(Principal::active(server.parse().unwrap(), base.clone()));
    let mut writes = store_principal(&tenant, id, &principal, Condition::Absent);
    writes.push(Write::Check(Key::user(&tenant, id), Condition::NotDeleted));
    service.table.commit(writes).await.unwrap();
    base
}

/// Whether sign-ins by a base profile id are refused; `None` when nobody is found by it.
pub async fn is_unlinked(service: &Service, base: &BaseId) -> Option<bool> {
    service.table.find_base(&TENANT.parse().unwrap(), base).await.unwrap().map(|base| base.unlinked)
}

fn principal(server: &str, linked: bool, status: &str) -> Value {
    let (name, subject_type) = match server {
        "system" => ("Built-in identity provider", "username"),
        "zeta" => ("Z", "email"),
        other => (other, "predefined"),
    };
    json!({
        "authentication_server_id": server, "name": name, "subject_type": subject_type,
        "linked": linked, "status": status
    })
}

/// The principals of a user, without the details of the credentials at the built-in server.
async fn list(crm: &Client, user: &Resource) -> Value {
    let mut list = tests::without_tags(crm.read(&user.below("principals")).await)["items"].clone();
    for principal in list.as_array_mut().unwrap() {
        let details = principal.as_object_mut().unwrap().remove("details");
        let none = json!({ "password": null, "passkeys": 0, "pending_address": false });
        let built_in = principal["authentication_server_id"] == "system";
        assert_eq!(details, built_in.then_some(none));
    }
    list
}
