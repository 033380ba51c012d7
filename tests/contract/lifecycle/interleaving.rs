//! A forget and what people and systems do, interleaved call by call (rules D1 and D7).

use serde_json::json;
use shared::domain::client::Integration;
use tests::{Answer, Call, Client, Issuer, Person, Service, TENANT, profiles};

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

struct Scene {
    service: Service,
    crm: Client,
    idp: Issuer,
}

/// A person who has signed in.
struct Mina {
    token: Person,
    user: String,
    shop: String,
    subject: String,
}

impl Scene {
    async fn set() -> Self {
        let service = service().await;
        service.system("depot", &[]).await;
        let scopes = "users:read users:write config:read config:write";
        let crm = service
            .register_as(TENANT, scopes, |client| client.integration = Some(Integration::Crm))
            .await;
        let crm = crm.with_token().await;
        let idp = service.issuer("idp", "email").await;
        Self { service, crm, idp }
    }

    /// A person who has signed in to two systems, with values of her own everywhere.
    async fn mina(&self, number: usize) -> Mina {
        let subject = format!("s{number}");
        let claims =
            json!({ "email": format!("mina{number}@example.org"), "email_verified": true });
        let token = self.idp.person(&subject, claims);
        let shop = token.sign_in("shop").await.created().path;
        token.sign_in("fleet").await.is(201);
        let path = by_base(&subject, &self.idp.url);
        self.crm.patch(&path, json!({ "family_name": WORDS[0] })).if_match("*").await.is(200);
        let own = json!({ "system_attributes": { "points": [WORDS[1]] }, "given_name": WORDS[2] });
        self.crm.patch(&shop, own).if_match("*").await.is(200);
        let user =
            format!("/identity/users/{}", self.crm.read(&path).await["id"].as_str().unwrap());
        Mina { token, user, shop, subject }
    }

    fn call(&self, act: Act, mina: &Mina, elsewhere: &Service) -> Call {
        let (crm, token) = (self.crm.on(elsewhere), mina.token.on(elsewhere));
        match act {
            Act::SignIn => token.sign_in("shop"),
            Act::SignInElsewhere => token.sign_in("depot").key("k"),
            Act::Bring => crm.post(
                &profiles("depot"),
                json!({ "issuer": self.idp.url, "subject": mina.subject }),
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
    async fn forget_who_came_back(&self, mina: &Mina, answers: &[Answer]) {
        let path = by_base(&mina.subject, &self.idp.url);
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
    async fn gone(&self, mina: &Mina, what: &str) {
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
        let path = by_base(&mina.subject, &self.idp.url);
        let user = self.crm.get(&path).await;
        if user.code() == 200 {
            assert!(!mina.user.ends_with(&user.field("id")), "{what}");
            self.crm.delete(&path).await.is(204);
        }
    }
}

#[tokio::test]
async fn d1_d7_what_people_and_systems_do_between_any_two_calls_of_a_forget() {
    let scene = Scene::set().await;
    let elsewhere = scene.service.instance();
    let mut number = 0;
    let warm = scene.mina(number).await;
    let calls = calls_of(scene.crm.delete(&warm.user), &scene.service).await;
    assert!(calls >= 5, "{calls}");
    for act in Act::ALL {
        for call in 0..calls {
            number += 1;
            let mina = scene.mina(number).await;
            let other = scene.call(act, &mina, &elsewhere);
            let (forgotten, other) =
                around(&scene.service, scene.crm.delete(&mina.user), call, other).await;
            let what = format!("{act:?} before call {call} of the forget");
            assert!([204, 404].contains(&forgotten.code()), "{what}: {}", forgotten.text());
            assert!(
                forgotten.code() == 204 || act == Act::ForgetMe,
                "{what}: {}",
                forgotten.text()
            );
            assert!(other.code() < 500, "{what}: {} {}", other.code(), other.text());
            scene.gone(&mina, &what).await;
        }
    }
}

#[tokio::test]
async fn d1_d7_a_forget_between_any_two_calls_of_what_people_and_systems_do() {
    let scene = Scene::set().await;
    let mut number = 0;
    for act in Act::ALL {
        let mut calls = 0;
        // The first use of a definition marks it, once for all.
        for _ in 0..2 {
            number += 1;
            let mina = scene.mina(number).await;
            calls =
                calls_of(scene.call(act, &mina, &scene.service.instance()), &scene.service).await;
            scene.crm.delete(&by_base(&mina.subject, &scene.idp.url)).await;
        }
        assert!(calls >= 1, "{act:?}");
        for call in 0..calls {
            number += 1;
            let mina = scene.mina(number).await;
            let other = scene.call(act, &mina, &scene.service.instance());
            let (other, forgotten) =
                around(&scene.service, other, call, scene.crm.delete(&mina.user)).await;
            let what = format!("forgotten before call {call} of {act:?}");
            assert_eq!(forgotten.code(), 204, "{what}: {}", forgotten.text());
            assert!(other.code() < 500, "{what}: {} {}", other.code(), other.text());
            scene.gone(&mina, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_d7_everybody_at_once() {
    let scene = Scene::set().await;
    let elsewhere = scene.service.instance();
    for round in 0..12 {
        let mina = scene.mina(round).await;
        let mut calls: Vec<_> =
            Act::ALL.iter().map(|act| scene.call(*act, &mina, &elsewhere)).collect();
        calls.insert(round % calls.len(), scene.crm.delete(&mina.user));
        let (answers, _) = tokio::join!(crate::races::at_once(calls), scene.service.sweep());
        for answer in &answers {
            assert!(answer.code() < 500, "round {round}: {}", answer.text());
        }
        scene.crm.delete(&mina.user).await;
        scene.forget_who_came_back(&mina, &answers).await;
        scene.gone(&mina, &format!("round {round}")).await;
    }
}
