//! A fault or a crash at each store call of an arrival (rules I2 and I3).

use serde_json::{Value, json};
use tests::{Client, Fault, Issuer, Person, Service, person};

use super::{service, users};

/// The person who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// A person without a user.
    Stranger,
    /// A person whose user a CRM created.
    Known,
    /// A person with a new login and no profile in this system.
    Returning,
}

struct Scene {
    service: Service,
    crm: Client,
    jan: Person,
    _idp: Issuer,
}

fn claims(given_name: &str) -> Value {
    json!({ "email": "jan@example.org", "email_verified": true, "given_name": given_name })
}

impl Scene {
    async fn set(who: Who) -> Self {
        let service = service().await;
        let crm = service.crm().await;
        let idp = service.issuer("idp", "email").await;
        idp.person("warm", json!({})).sign_in("shop").await.is(201);
        if who == Who::Known {
            crm.create("/identity/users", person("jan")).await;
        }
        if who == Who::Returning {
            idp.person("1", claims("Jan")).sign_in("fleet").await.is(201);
            service.clock.advance(100);
        }
        let jan = idp.person("1", claims("Johan"));
        // This call fills the caches.
        jan.sign_in("nowhere").await.is(404);
        Self { service, crm, jan, _idp: idp }
    }

    /// Asserts that a repeat succeeds, whatever happened, and that everything is there once.
    async fn settles(&self, what: &str) {
        let profile = self.jan.sign_in("shop").await;
        assert!(matches!(profile.code(), 200 | 201), "{what}: {}", profile.text());
        assert_eq!(profile.field("given_name"), "Johan", "{what}");
        let found = users(&self.crm, json!({ "preferred_email": "jan@example.org" })).await;
        assert_eq!(found.len(), 1, "{what}");
        assert_eq!(self.service.check().await.users, 2, "{what}");
        assert_eq!(
            self.jan.sign_in("shop").await.is(200).field("id"),
            profile.field("id"),
            "{what}"
        );
    }
}

/// Runs an arrival under each of some faults, which `arrange` sets for each store call.
async fn under(who: Who, faults: usize, arrange: impl Fn(&Service, usize, usize)) {
    let scene = Box::pin(Scene::set(who)).await;
    scene.service.faults.reset();
    scene.jan.sign_in("shop").await.is(201);
    let calls = scene.service.faults.seen().len();
    assert!(calls >= 3, "{who:?}: {calls}");
    for call in 0..calls {
        for fault in 0..faults {
            let what = format!("{who:?}: fault {fault} at call {call}");
            let scene = Box::pin(Scene::set(who)).await;
            scene.service.faults.reset();
            arrange(&scene.service, call, fault);
            let answer = scene.jan.sign_in("shop").await;
            scene.service.faults.reset();
            let code = answer.code();
            // One's own write is never somebody else's: what was made here is 201.
            assert!(matches!(code, 201 | 503), "{what}: {code} {}", answer.text());
            assert!(code == 201 || answer.header("retry-after").is_some(), "{what}");
            scene.service.check().await;
            scene.settles(&what).await;
        }
    }
}

fn fault(number: usize) -> Fault {
    [
        Fault::Unreachable,
        Fault::Lost,
        Fault::LostServerError,
        Fault::Throttled,
        Fault::Conflict(0),
        Fault::ServerError,
    ][number]
        .clone()
}

async fn one_fault(who: Who) {
    let one = |service: &Service, call, number| service.faults.at(call, fault(number));
    Box::pin(under(who, 6, one)).await;
}

async fn crash(who: Who) {
    let crash = |service: &Service, call: usize, after| {
        if after == 1 {
            service.faults.crash_after(call);
        } else {
            service.faults.from(call, Fault::Unreachable);
        }
    };
    Box::pin(under(who, 2, crash)).await;
}

#[tokio::test(start_paused = true)]
async fn i2_a_stranger_arrives_under_each_fault_at_each_store_call() {
    one_fault(Who::Stranger).await;
}

#[tokio::test(start_paused = true)]
async fn i2_a_user_whom_a_crm_made_arrives_under_each_fault_at_each_store_call() {
    one_fault(Who::Known).await;
}

#[tokio::test(start_paused = true)]
async fn i2_somebody_returns_under_each_fault_at_each_store_call() {
    one_fault(Who::Returning).await;
}

#[tokio::test(start_paused = true)]
async fn i3_a_crash_at_each_store_call_leaves_an_arrival_fully_in_or_out() {
    for who in [Who::Stranger, Who::Known, Who::Returning] {
        crash(who).await;
    }
}
