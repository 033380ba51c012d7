//! Definitions, users, personas and searches against the model of a tenant (rules A1, A2, A3, D1,
//! D3, D4, H4, P2).

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{Client, Service};

use super::histories::{Step, definition, step};
use super::tenant::{Definition, Format, SLOTS, Sent, Tenant, USERS};

pub const PATH: &str = "/identity/users";
pub const DEFINITIONS: &str = "/identity/config/attribute-definitions";
/// How many histories each of the tests runs, and the most steps of one.
const CASES: u32 = 20;
const STEPS: usize = 60;

/// A service and the model of its tenant.
pub struct Run {
    pub service: Service,
    pub crm: Client,
    pub tenant: Tenant,
    pub role: String,
    /// The path and the tag of each user, the path and the tag of its persona.
    pub users: [(String, String); USERS],
    pub personas: [(String, String); USERS],
    /// How often 30 seconds passed.
    pub settled: usize,
}

impl Run {
    async fn start(definitions: Vec<Definition>) -> Self {
        let service = Service::start().await;
        let crm = service
            .client("acme", "users:read users:write config:read config:write administrator")
            .await;
        let role = crm.define_persona("role", json!({})).await.path;
        let (users, personas) = (Default::default(), Default::default());
        let mut run =
            Self { service, crm, tenant: Tenant::default(), role, users, personas, settled: 0 };
        for (slot, definition) in definitions.into_iter().enumerate() {
            run.define(slot, definition).await;
        }
        run.list(5).await;
        run
    }

    /// Lets every cache forget the definitions, and the client get a new token before the old one
    /// expires.
    pub async fn settle(&mut self) {
        self.service.clock.advance(30);
        self.settled += 1;
        if self.settled.is_multiple_of(25) {
            self.crm = self.crm.clone().with_token().await;
        }
    }

    async fn apply(&mut self, step: Step) {
        self.tenant.requests += 1;
        let tenant = &self.tenant;
        let own = |sent: &Sent, whole| tenant.tidy(sent, false, whole);
        let persona = |sent: &Sent, whole| tenant.tidy(sent, true, whole);
        let has = |user: usize| tenant.people[user].is_some();
        let plays = |user: usize| {
            tenant.people[user].as_ref().is_some_and(|person| person.persona.is_some())
        };
        let step = match step {
            Step::Create(user, sent, held) if !has(user) => {
                let held = held.map(|held| persona(&held, true));
                return self.create(user, &own(&sent, true), held.as_ref()).await;
            }
            Step::Patch(user, sent) | Step::Put(user, sent) | Step::ById(user, sent)
                if !has(user) =>
            {
                return self.create(user, &own(&sent, true), None).await;
            }
            Step::Create(user, sent, _) | Step::Put(user, sent) => {
                Step::Put(user, own(&sent, true))
            }
            Step::Patch(user, sent) => Step::Patch(user, own(&sent, false)),
            Step::ById(user, sent) => Step::ById(user, own(&sent, false)),
            Step::AddPersona(user, sent) | Step::PatchPersona(user, sent) if plays(user) => {
                Step::PatchPersona(user, persona(&sent, false))
            }
            Step::AddPersona(user, sent) | Step::PatchPersona(user, sent) => {
                Step::AddPersona(user, persona(&sent, true))
            }
            Step::SetAttribute(user, slot, indices, by_id) => {
                Step::SetAttribute(user, tenant.slot(slot, |d| d.listed), indices, by_id)
            }
            Step::Verify(user, slot, index) => {
                let email = tenant.slot(slot, |d| d.format == Format::Email);
                let held = (0..3)
                    .map(|i| (index + i) % 3)
                    .find(|i| tenant.has(user, email, &Format::Email.key(*i)));
                match held {
                    // If the user has no address yet, the step usually sets one first.
                    None if !tenant.requests.is_multiple_of(3) => {
                        Step::Patch(user, own(&Sent::from([(email, Some(vec![index]))]), false))
                    }
                    held => Step::Verify(user, email, held.unwrap_or(index)),
                }
            }
            step => step,
        };
        match step {
            Step::Define(slot, definition) => self.define(slot, definition).await,
            Step::List(bits) => self.list(bits).await,
            Step::Create(user, ..)
            | Step::Put(user, _)
            | Step::Patch(user, _)
            | Step::ById(user, _)
            | Step::AddPersona(user, _)
            | Step::PatchPersona(user, _)
            | Step::SetAttribute(user, ..)
            | Step::RemovePersona(user)
            | Step::Verify(user, ..)
            | Step::Forget(user) => {
                if let Some(person) = self.tenant.people[user].clone() {
                    self.change(user, person, step).await;
                }
            }
            step => self.configure(&step).await,
        }
    }

    /// A search by one of the values of an attribute finds who has it.
    async fn search(&self, slot: usize, index: u8) {
        let Some(definition) = &self.tenant.definitions[slot] else { return };
        let word = definition.format.sent(index);
        let filter = json!({ "filter": { format!("attributes.common.a{slot}"): word } });
        let answer = self.crm.post(&format!("{PATH}/query"), filter).await;
        if !definition.is_searched() {
            answer.is(400);
            return;
        }
        let found = answer.is(200).json();
        let mut names: Vec<_> =
            found["items"].as_array().unwrap().iter().map(|u| u["username"].clone()).collect();
        names.sort_by_key(Value::to_string);
        let due = self
            .tenant
            .holders(slot, &definition.format.key(index))
            .into_iter()
            .map(|user| json!(format!("u{user}")));
        assert_eq!(names, due.collect::<Vec<_>>(), "{definition:?} {word}");
    }

    async fn finish(mut self) {
        self.crm = self.crm.clone().with_token().await.on(&self.service.instance());
        for user in 0..USERS {
            self.unchanged(user).await;
        }
        for slot in 0..SLOTS {
            for index in 0..3 {
                self.search(slot, index).await;
            }
        }
        let users = self.tenant.people.iter().flatten().count();
        assert_eq!(self.service.check().await.users, users);
        for user in 0..USERS {
            if self.tenant.people[user].take().is_some() {
                self.crm.delete(&self.users[user].0).await.is(204);
            }
        }
        assert_eq!(self.service.check().await.lookups, 0);
    }
}

fn run(definitions: Vec<Definition>, steps: Vec<(Step, (usize, u8))>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::start(definitions).await;
        for (step, (slot, index)) in steps {
            run.apply(step).await;
            run.search(slot, index).await;
        }
        run.finish().await;
    });
}

proptest! {
    #![proptest_config(super::config(CASES))]

    #[test]
    fn a3_d1_d4_h4_attributes_do_what_the_model_does(
        definitions in vec(definition(), SLOTS - 1),
        steps in vec(step(), STEPS),
    ) {
        run(definitions, steps);
    }

    #[test]
    fn a3_d1_d4_h4_attributes_of_one_format_do_what_the_model_does(
        definition in definition(),
        steps in vec(step(), STEPS),
    ) {
        run(vec![definition; SLOTS - 1], steps);
    }
}
