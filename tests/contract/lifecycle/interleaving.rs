//! A forget and what people and systems do, interleaved call by call (rules D1 and D7).

use serde_json::json;
use shared::domain::client::Integration;
use tests::{Answer, Call, Client, Issuer, Person, Service, Snapshot, TENANT, profiles};

use super::{by_base, service};
use crate::forgetting::interleaving::{around, calls_of};

/// Values that only the deleted person has.
const WORDS: [&str; 4] = ["Oudenaam", "Oudepunten", "Ouderoepnaam", "Nieuweroepnaam"];

/// A request for a person during the erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    SignIn,
    SignInElsewhere,
    Bring,
    PatchProfile,
    ForgetProfile,
    PatchMe,
    ForgetMe,
    Unlink,
    ReadProfile,
    Find,
}

impl Act {
    const ALL: [Self; 10] = [
        Self::SignIn,
        Self::SignInElsewhere,
        Self::Bring,
        Self::PatchProfile,
        Self::ForgetProfile,
        Self::PatchMe,
        Self::ForgetMe,
        Self::Unlink,
        Self::ReadProfile,
        Self::Find,
    ];
}

/// A service in which two people have signed in, to be copied for each case.
struct Stage {
    snapshot: Snapshot,
    crm: Client,
    issuer: String,
    mina: Mina,
    somebody: Mina,
}

/// A copy of it.
struct Scene {
    service: Service,
    crm: Client,
    issuer: String,
    mina: Mina,
}

/// A person who has signed in.
#[derive(Clone)]
struct Mina {
    token: Person,
    user: String,
    shop: String,
    subject: String,
}

impl Stage {
    async fn set() -> Self {
        let service = service().await;
        service.system("depot", &[]).await;
        let scopes = "users:read users:write config:read config:write";
        let crm = service
            .register_as(TENANT, scopes, |client| client.integration = Some(Integration::Crm))
            .await;
        let crm = crm.with_token().await;
        let idp = service.issuer("idp", "email").await;
        let mina = Mina::sign_in(&crm, &idp, "mina", &WORDS).await;
        let somebody = Mina::sign_in(&crm, &idp, "somebody", &["x", "y", "z"]).await;
        // The first sweep verifies the whole audit.
        service.sweep().await;
        Self { snapshot: service.snapshot(), crm, issuer: idp.url, mina, somebody }
    }

    /// A copy whose caches are empty.
    fn cold(&self) -> Scene {
        let service = self.snapshot.start();
        let mina = Mina { token: self.mina.token.on(&service), ..self.mina.clone() };
        Scene { crm: self.crm.on(&service), issuer: self.issuer.clone(), mina, service }
    }

    /// A copy whose caches the erasure of somebody else has filled. All instances share the key of
    /// the audit: one that waits for it would keep the others waiting.
    async fn warm(&self) -> Scene {
        let scene = self.cold();
        scene.crm.delete(&self.somebody.user).await.is(204);
        scene
    }
}

impl Mina {
    /// Signs a person in to two systems, with values of her own everywhere.
    async fn sign_in(crm: &Client, idp: &Issuer, subject: &str, words: &[&str]) -> Self {
        let claims = json!({ "email": format!("{subject}@example.org"), "email_verified": true });
        let token = idp.person(subject, claims);
        let shop = token.sign_in("shop").await.created().path;
        token.sign_in("fleet").await.is(201);
        let path = by_base(subject, &idp.url);
        crm.patch(&path, json!({ "family_name": words[0] })).if_match("*").await.is(200);
        let own = json!({ "system_attributes": { "points": [words[1]] }, "given_name": words[2] });
        crm.patch(&shop, own).if_match("*").await.is(200);
        let user = format!("/identity/users/{}", crm.read(&path).await["id"].as_str().unwrap());
        Self { token, user, shop, subject: subject.to_owned() }
    }
}

impl Scene {
    fn forget(&self) -> Call {
        self.crm.delete(&self.mina.user)
    }

    fn call(&self, act: Act, elsewhere: &Service) -> Call {
        let mina = &self.mina;
        let (crm, token) = (self.crm.on(elsewhere), mina.token.on(elsewhere));
        match act {
            Act::SignIn => token.sign_in("shop"),
            Act::SignInElsewhere => token.sign_in("depot").key("k"),
            Act::Bring => crm.post(
                &profiles("depot"),
                json!({ "issuer": self.issuer, "subject": mina.subject }),
            ),
            Act::PatchProfile => {
                crm.patch(&mina.shop, json!({ "given_name": WORDS[3] })).if_match("*")
            }
            Act::ForgetProfile => token.call("DELETE", &mina.shop),
            Act::PatchMe => {
                token.patch("/identity/me", json!({ "given_name": WORDS[3] })).if_match("*")
            }
            Act::ForgetMe => token.call("DELETE", "/identity/me"),
            Act::Unlink => crm.act(&format!("{}/principals/idp/unlink", mina.user)),
            Act::ReadProfile => token.get(&format!("{}/me", profiles("shop"))),
            Act::Find => {
                let filter = tests::escape(&format!("given_name eq \"{}\"", WORDS[2]));
                crm.get(&format!("{}?filter={filter}", profiles("shop")))
            }
        }
    }

    /// Deletes the new user of a person who signed in again before her PATCH arrived. The PATCH
    /// changed that user, so its words are there, and no other earlier value is.
    async fn forget_who_came_back(&self, answers: &[Answer]) {
        let path = by_base(&self.mina.subject, &self.issuer);
        let back = self.crm.get(&path).await;
        if back.code() != 200 {
            return;
        }
        let id = back.field("id");
        let named = |answer: &&Answer| {
            answer.code() == 200 && answer.text().contains(&*id) && answer.text().contains(WORDS[3])
        };
        if answers.iter().any(|answer| named(&answer)) {
            let old = WORDS.iter().filter(|word| **word != WORDS[3]);
            assert!(old.clone().all(|word| !back.text().contains(word)), "{}", back.text());
            self.crm.delete(&path).await.is(204);
        }
    }

    /// Asserts that the deleted user is gone, also if the person signed in again.
    async fn gone(&self, what: &str) {
        let mina = &self.mina;
        for path in [&mina.user, &mina.shop] {
            assert_eq!(self.crm.get(path).await.code(), 404, "{what}: {path}");
        }
        self.service.sweep().await;
        assert_eq!(self.service.check().await.unfinished, 0, "{what}");
        for item in self.service.items().await {
            assert!(!WORDS.iter().any(|word| item.contains(word)), "{what}: {item}");
        }
        // A person who signs in again gets a new user.
        let back = mina.token.sign_in("shop").await;
        assert!([200, 201].contains(&back.code()), "{what}: {}", back.text());
        let path = by_base(&mina.subject, &self.issuer);
        let user = self.crm.get(&path).await;
        if user.code() == 200 {
            assert!(!mina.user.ends_with(&user.field("id")), "{what}");
            self.crm.delete(&path).await.is(204);
        }
    }
}

#[tokio::test]
async fn d1_d7_what_people_and_systems_do_between_any_two_calls_of_a_forget() {
    let stage = Stage::set().await;
    let scene = stage.warm().await;
    let calls = calls_of(scene.forget(), &scene.service).await;
    assert!(calls >= 5, "{calls}");
    for act in Act::ALL {
        for call in 0..calls {
            let scene = stage.warm().await;
            let other = scene.call(act, &scene.service.instance());
            let (forgotten, other) = around(&scene.service, scene.forget(), call, other).await;
            let what = format!("{act:?} before call {call} of the forget");
            assert!([204, 404].contains(&forgotten.code()), "{what}: {}", forgotten.text());
            assert!(
                forgotten.code() == 204 || act == Act::ForgetMe,
                "{what}: {}",
                forgotten.text()
            );
            assert!(other.code() < 500, "{what}: {} {}", other.code(), other.text());
            scene.gone(&what).await;
        }
    }
}

#[tokio::test]
async fn d1_d7_a_forget_between_any_two_calls_of_what_people_and_systems_do() {
    let stage = Stage::set().await;
    for act in Act::ALL {
        let scene = stage.warm().await;
        let elsewhere = scene.service.instance();
        let calls = calls_of(scene.call(act, &elsewhere), &scene.service).await;
        assert!(calls >= 1, "{act:?}");
        for call in 0..calls {
            let scene = stage.warm().await;
            let other = scene.call(act, &scene.service.instance());
            let (other, forgotten) = around(&scene.service, other, call, scene.forget()).await;
            let what = format!("forgotten before call {call} of {act:?}");
            assert_eq!(forgotten.code(), 204, "{what}: {}", forgotten.text());
            assert!(other.code() < 500, "{what}: {} {}", other.code(), other.text());
            scene.gone(&what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_d7_everybody_at_once() {
    let stage = Stage::set().await;
    for round in 0..12 {
        let scene = stage.cold();
        let elsewhere = scene.service.instance();
        let mut calls: Vec<_> = Act::ALL.iter().map(|act| scene.call(*act, &elsewhere)).collect();
        calls.insert(round % calls.len(), scene.forget());
        let (answers, _) = tokio::join!(crate::races::at_once(calls), scene.service.sweep());
        for answer in &answers {
            assert!(answer.code() < 500, "round {round}: {}", answer.text());
        }
        scene.forget().await;
        scene.forget_who_came_back(&answers).await;
        scene.gone(&format!("round {round}")).await;
    }
}
