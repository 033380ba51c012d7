//! People in applications: codes, ID tokens, refresh tokens of people, userinfo and discovery.
//! Codes are put into the table as the login function does.

mod clients;
mod codes;
mod cost;
mod cross_origin;
mod discovery;
mod endings;
mod faults;
mod id_tokens;
mod public;
mod races;
mod refreshing;
mod reuse;
mod rights;
mod subjects;
mod userinfo;

use serde_json::Value;
use tests::{Answer, BASE, Client, PersonClient, Resource, Service, TENANT, part, person};

/// The issuer of the service.
const ISSUER: &str = "https://kith.example/idhub/oidc";

/// A tenant with a person who signs in, a public client and an administrator.
struct Scene {
    service: Service,
    admin: Client,
    app: PersonClient,
    jan: Resource,
}

impl Scene {
    async fn open() -> Self {
        let service = Service::start().await;
        let admin = service.client(TENANT, "administrator").await;
        let jan = admin.create("/identity/users", person("jan")).await;
        let app = service.person_client(|_| {}).await;
        Self { service, admin, app, jan }
    }

    /// What the token endpoint answers when Jan signs in with these scopes.
    async fn sign_in(&self, scope: &str) -> Answer {
        self.app.sign_in(&self.jan.id, scope).await
    }

    /// An act of an administrator on Jan.
    async fn act(&self, what: &str) {
        self.admin.act(&self.jan.below(what)).await.is(200);
    }

    /// The base profile id of Jan at the service's own issuer.
    fn base(&self) -> String {
        base_of(&self.jan.id)
    }
}

/// The base profile id of a user at the service's own issuer.
fn base_of(user: &str) -> String {
    let tenant = TENANT.parse().unwrap();
    shared::domain::id::BaseId::of(user, ISSUER, &tenant).to_string()
}

/// The claims of a token of an answer.
#[track_caller]
fn claims(answer: &Answer, token: &str) -> Value {
    part(&answer.field(token), 1)
}

/// Asserts a refusal of an OAuth endpoint.
#[track_caller]
fn refused(answer: &Answer, error: &str) {
    let said = answer.json();
    assert_eq!((answer.code(), said["error"].as_str()), (400, Some(error)), "{said}");
}

/// Asserts that a token of a person opens nothing: userinfo refuses it.
#[track_caller]
fn closed(answer: &Answer) {
    assert!(matches!(answer.code(), 401 | 403 | 404), "{} {}", answer.code(), answer.text());
}

#[tokio::test]
async fn g6_a_code_is_exchanged_for_tokens_of_the_person() {
    let scene = Scene::open().await;
    let answer = scene.sign_in("openid userdata profile").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let said = answer.json();
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(said["expires_in"], 900);
    assert_eq!(said["scope"], "userdata openid profile");
    assert!(said.get("refresh_token").is_none(), "only `offline_access` brings one");
    let access = claims(&answer, "access_token");
    assert_eq!(access["sub"], scene.base());
    assert_eq!(access["user_id"], scene.jan.id);
    assert_eq!(access["client_id"], scene.app.id);
    assert_eq!(access["aud"], BASE);
    assert_eq!(access["scope"], "userdata openid profile");
    // The token is a person's: self-service takes it.
    let me = scene.service.call("GET", "/identity/me").token(&answer.field("access_token"));
    assert_eq!(me.await.is(200).json()["username"], "jan");
}
