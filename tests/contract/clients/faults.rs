//! Faults of the network and of the table while clients change (rules I2, I3).

use serde_json::json;
use tests::{Answer, Client, Fault, Faults, Service};

use super::{CLIENTS, Registered, administered, document, register};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Register,
    Rotate,
    Patch,
    Revoke,
    Delete,
}

struct Scene {
    service: Service,
    admin: Client,
    client: Registered,
}

impl Scene {
    async fn set() -> Self {
        let (service, admin) = administered().await;
        let client = register(&admin, json!({})).await;
        service.faults.reset();
        Self { service, admin, client }
    }

    async fn send(&self, write: Write) -> Answer {
        let Registered { path, tag, body, .. } = &self.client;
        let secret = format!("{path}/secrets/{}", body["secrets"][0]["id"].as_str().unwrap());
        match write {
            Write::Register => {
                self.admin.post(CLIENTS, document(json!({ "name": "second" }))).await
            }
            Write::Rotate => self.admin.act(&self.client.secrets()).if_match(tag).await,
            Write::Patch => self.admin.patch(path, json!({ "name": "next" })).if_match(tag).await,
            Write::Revoke => self.admin.delete(&secret).if_match(tag).await,
            Write::Delete => self.admin.delete(path).if_match(tag).await,
        }
    }

    /// Whether the effect is there; never half of it, and never twice.
    async fn happened(&self, write: Write) -> bool {
        let clients = self.admin.on(&self.service.instance()).get(CLIENTS).await.is(200).json();
        let clients = clients["items"].as_array().unwrap();
        let named = |name: &str| clients.iter().filter(|client| client["name"] == name).count();
        let secrets = async || self.client.stored(&self.service).await.value.secrets.len();
        let count = match write {
            Write::Register => named("second"),
            Write::Rotate => secrets().await - 1,
            Write::Patch => named("next"),
            Write::Revoke => 1 - secrets().await,
            Write::Delete => 3 - 1 - clients.len(),
        };
        assert!(count <= 1, "{write:?} happened {count} times");
        count == 1
    }
}

/// A write under faults. The answer says what happened, a shown secret works, and a repeat finds
/// its own effect.
async fn under(write: Write, what: &str, arrange: impl Fn(&Faults)) -> u16 {
    let scene = Scene::set().await;
    arrange(&scene.service.faults);
    let answer = scene.send(write).await;
    scene.service.faults.reset();
    let happened = scene.happened(write).await;
    let code = answer.code();
    assert!(
        answer.status.is_success() && happened || code == 503,
        "{write:?} under {what}: {code} {}",
        answer.text()
    );
    if answer.status.is_success() && matches!(write, Write::Register | Write::Rotate) {
        let body = answer.json();
        let id = body["client_id"].as_str().unwrap_or(&scene.client.id);
        let secret = answer.field("client_secret");
        let form =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", &secret)];
        scene.service.instance().token(&form).await.is(200);
    }
    if code == 503 {
        let due: &[u16] = match write {
            Write::Register => &[201],
            Write::Rotate if !happened => &[201],
            Write::Patch if !happened => &[200],
            Write::Revoke | Write::Delete if !happened => &[204],
            Write::Rotate | Write::Patch => &[412],
            Write::Revoke | Write::Delete => &[404],
        };
        let again = scene.send(write).await.code();
        assert!(due.contains(&again), "{write:?} repeated under {what}: {again}");
    }
    code
}

async fn all_faults(write: Write) {
    let scene = Scene::set().await;
    assert!(scene.send(write).await.status.is_success());
    let operations = scene.service.faults.operations();
    for (call, operation) in operations.iter().enumerate() {
        for fault in Fault::all() {
            let what = format!("{fault:?} at {operation}");
            let code = under(write, &what, |faults| faults.at(call, fault.clone())).await;
            assert_ne!(code, 503, "one {what} is survived by {write:?}");
        }
        under(write, &format!("a crash before {operation}"), |faults| {
            faults.from(call, Fault::Unreachable);
        })
        .await;
        under(write, &format!("a crash after {operation}"), |faults| faults.crash_after(call))
            .await;
    }
}

macro_rules! each_write {
    ($($name:ident: $write:ident;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            all_faults(Write::$write).await;
        }
    )*};
}

each_write! {
    i2_i3_a_registration_survives_each_fault: Register;
    i2_i3_a_rotation_makes_one_secret_and_shows_only_what_works: Rotate;
    i2_i3_a_change_survives_each_fault: Patch;
    i2_i3_a_revoked_secret_survives_each_fault: Revoke;
    i2_i3_a_deletion_survives_each_fault: Delete;
}
