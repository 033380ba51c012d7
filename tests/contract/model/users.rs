//! Users against a model: random changes, by few names so that they meet, must do what a plain map
//! would do. A tag moves if and only if something visible does (H4, D2), a taken value is refused
//! (D3), every value finds exactly its holders (D4), and at the end the table is consistent (D1).

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{Client, Service};

const USERS: &str = "/identity/users";
const SLOTS: usize = 4;
const CASES: u32 = 40;

/// The fields of a profile that the model varies. `None` is absent.
#[derive(Clone, Debug, Default, PartialEq)]
struct Profile {
    username: String,
    family_name: Option<String>,
    preferred_email: Option<String>,
    badge: Option<String>,
    note: Option<String>,
}

#[derive(Clone, Debug)]
enum Op {
    Create(Profile),
    Put(Profile),
    Patch(&'static str, Option<String>),
    Delete,
    Block(bool),
    AddPersona(u8),
    MovePersona(u8, u8),
    PreferPersona(u8),
    RemovePersona(u8),
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["jan", "Jan", "piet", "els", "ann"]).prop_map(str::to_owned)
}

fn email() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a@example.org", "A@example.org", "b@example.org"])
        .prop_map(str::to_owned)
}

fn profile() -> impl Strategy<Value = Profile> {
    let fields =
        (word(), option::of(word()), option::of(email()), option::of(word()), option::of(word()));
    fields.prop_map(|(username, family_name, preferred_email, badge, note)| Profile {
        username,
        family_name,
        preferred_email,
        badge,
        note,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let patch = prop_oneof![
        word().prop_map(|to| Op::Patch("username", Some(to))),
        option::of(word()).prop_map(|to| Op::Patch("family_name", to)),
        option::of(email()).prop_map(|to| Op::Patch("preferred_email", to)),
        option::of(word()).prop_map(|to| Op::Patch("badge", to)),
        option::of(word()).prop_map(|to| Op::Patch("note", to)),
    ];
    prop_oneof![
        6 => profile().prop_map(Op::Create),
        6 => patch,
        2 => profile().prop_map(Op::Put),
        2 => Just(Op::Delete),
        2 => any::<bool>().prop_map(Op::Block),
        3 => (0..3_u8).prop_map(Op::AddPersona),
        2 => (0..3_u8, 0..3_u8).prop_map(|(from, to)| Op::MovePersona(from, to)),
        1 => (0..3_u8).prop_map(Op::PreferPersona),
        1 => (0..3_u8).prop_map(Op::RemovePersona),
    ]
}

impl Profile {
    fn body(&self) -> Value {
        let mut attributes = serde_json::Map::new();
        for (name, value) in [("badge", &self.badge), ("note", &self.note)] {
            if let Some(value) = value {
                attributes.insert(name.to_owned(), json!([value]));
            }
        }
        json!({
            "username": self.username, "family_name": self.family_name,
            "preferred_email": self.preferred_email,
            "attributes": { "common": attributes },
        })
    }

    fn field(&mut self, name: &str) -> &mut Option<String> {
        match name {
            "family_name" => &mut self.family_name,
            "preferred_email" => &mut self.preferred_email,
            "badge" => &mut self.badge,
            _ => &mut self.note,
        }
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) if name == "username" => self.username = value,
            value => *self.field(name) = value,
        }
    }
}

fn patch_of(name: &str, value: Option<&String>) -> Value {
    match name {
        "badge" | "note" => {
            json!({ "attributes": { "common": { name: value.map(|value| [value]) } } })
        }
        _ => json!({ name: value }),
    }
}

/// A user as the model knows it.
#[derive(Clone, Debug, PartialEq)]
struct Person {
    path: String,
    profile: Profile,
    blocked: bool,
    /// Whether it is preferred, by scope.
    personas: BTreeMap<u8, bool>,
}

struct Run {
    service: Service,
    crm: Client,
    people: [Option<Person>; SLOTS],
    /// The tag of each person as it was last read.
    tags: [String; SLOTS],
}

impl Run {
    async fn start() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        crm.define("badge", json!({ "unique": true })).await;
        crm.define("note", json!({ "search": "exact" })).await;
        crm.define_persona("employee", json!({ "scoped": true })).await;
        Self { service, crm, people: Default::default(), tags: Default::default() }
    }

    /// Whether somebody else holds one of the unique values.
    fn is_taken(&self, slot: usize, profile: &Profile) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().is_some_and(|a| b.as_ref().is_some_and(|b| a.eq_ignore_ascii_case(b)))
        };
        let others = self
            .people
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != slot)
            .filter_map(|(_, person)| person.as_ref());
        others.map(|other| &other.profile).any(|other| {
            other.username.eq_ignore_ascii_case(&profile.username)
                || same(&other.badge, &profile.badge)
        })
    }

    async fn persona_path(&self, path: &str, scope: u8) -> String {
        let list = self.crm.read(&format!("{path}/personas")).await;
        let found = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["scope"] == json!([scope.to_string()]))
            .unwrap()
            .clone();
        format!("{path}/personas/{}", found["id"].as_str().unwrap())
    }

    async fn apply(&mut self, slot: usize, op: Op) {
        let Some(person) = self.people[slot].clone() else {
            if let Op::Create(profile) = op {
                let answer = self.crm.post(USERS, profile.body()).await;
                if self.is_taken(slot, &profile) {
                    answer.is(409);
                } else {
                    let made = answer.created();
                    self.tags[slot] = made.tag;
                    self.people[slot] = Some(Person {
                        path: made.path,
                        profile,
                        blocked: false,
                        personas: BTreeMap::new(),
                    });
                }
            }
            return;
        };
        let before = self.tags[slot].clone();
        let mut after = person.clone();
        let crm = &self.crm;
        let mut taken = false;
        let call = match op {
            Op::Create(profile) | Op::Put(profile) => {
                taken = self.is_taken(slot, &profile);
                let call = crm.put(&person.path, profile.body());
                after.profile = profile;
                call.if_match(&before)
            }
            Op::Patch(name, value) => {
                let patch = patch_of(name, value.as_ref());
                after.profile.set(name, value);
                taken = self.is_taken(slot, &after.profile);
                crm.patch(&person.path, patch).if_match(&before)
            }
            Op::Delete => {
                crm.delete(&person.path).if_match(&before).await.is(204);
                crm.get(&person.path).await.is(404);
                self.people[slot] = None;
                return;
            }
            Op::Block(blocked) => {
                after.blocked = blocked;
                crm.act(&format!("{}/{}", person.path, if blocked { "block" } else { "unblock" }))
                    .if_match(&before)
            }
            Op::AddPersona(scope) => {
                taken = person.personas.contains_key(&scope);
                after.personas.insert(scope, false);
                crm.post(
                    &format!("{}/personas", person.path),
                    json!({ "name": "employee", "scope": [scope.to_string()] }),
                )
            }
            Op::MovePersona(from, to) => {
                let Some(preferred) = after.personas.remove(&from) else { return };
                taken = from != to && person.personas.contains_key(&to);
                after.personas.insert(to, preferred);
                let path = self.persona_path(&person.path, from).await;
                crm.patch(&path, json!({ "scope": [to.to_string()] })).if_match(&before)
            }
            Op::PreferPersona(scope) => {
                if !person.personas.contains_key(&scope) {
                    return;
                }
                after
                    .personas
                    .iter_mut()
                    .for_each(|(other, preferred)| *preferred = *other == scope);
                crm.act(&format!("{}/prefer", self.persona_path(&person.path, scope).await))
            }
            Op::RemovePersona(scope) => {
                if after.personas.remove(&scope).is_none() {
                    return;
                }
                crm.delete(&self.persona_path(&person.path, scope).await)
            }
        };
        let answer = call.await;
        if taken {
            answer.is(409);
            after = person.clone();
        } else {
            assert!(answer.status.is_success(), "{}", answer.text());
        }
        let now = self.crm.get(&person.path).await.is(200);
        assert_eq!(
            now.tag() != before,
            after != person,
            "the tag moves with what is visible: {person:?} → {after:?}"
        );
        self.tags[slot] = now.tag();
        Self::compare(&now.json(), &after);
        self.people[slot] = Some(after);
    }

    fn compare(shown: &Value, person: &Person) {
        let due = person.profile.body();
        for name in ["username", "family_name", "preferred_email"] {
            assert_eq!(shown[name], due[name], "{name}");
        }
        let attributes = shown["attributes"].get("common").cloned().unwrap_or_else(|| json!({}));
        assert_eq!(attributes, due["attributes"]["common"]);
        assert_eq!(shown["status"], json!(if person.blocked { "BLOCKED" } else { "ACTIVE" }));
        let personas = shown["personas"].as_array().unwrap().iter();
        let personas: BTreeMap<u8, bool> = personas
            .map(|p| {
                (
                    p["scope"][0].as_str().unwrap().parse().unwrap(),
                    p["preferred"].as_bool().unwrap(),
                )
            })
            .collect();
        assert_eq!(personas, person.personas);
    }

    async fn finish(self) {
        let people: Vec<_> = self.people.iter().flatten().collect();
        let crm = self.crm.on(&self.service.instance());
        let count = |of: &dyn Fn(&Profile) -> Option<String>, word: &str| {
            people
                .iter()
                .filter(|p| of(&p.profile).is_some_and(|value| value.eq_ignore_ascii_case(word)))
                .count()
        };
        for word in ["jan", "piet", "els"] {
            let found = crm.find(json!({ "username": word })).await.len();
            assert_eq!(found, count(&|p| Some(p.username.clone()), word));
            assert_eq!(
                crm.find(json!({ "family_name": word })).await.len(),
                count(&|p| p.family_name.clone(), word)
            );
            assert_eq!(
                crm.find(json!({ "attributes.common.note": word })).await.len(),
                count(&|p| p.note.clone(), word)
            );
        }
        let found = crm.find(json!({ "preferred_email": "a@example.org" })).await.len();
        assert_eq!(found, count(&|p| p.preferred_email.clone(), "a@example.org"));
        let scoped = json!({ "personas": { "name": "employee", "scope": "1" } });
        assert_eq!(
            crm.find(scoped).await.len(),
            people.iter().filter(|p| p.personas.contains_key(&1)).count()
        );
        assert_eq!(self.service.check().await.users, people.len());
        crate::audit::all_complete(&self.service).await;
    }
}

proptest! {
    #![proptest_config(super::config(CASES))]

    #[test]
    fn d1_d2_d4_h4_users_do_what_the_model_does(ops in vec((0..SLOTS, op()), 40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::start().await;
            for (slot, op) in ops {
                run.apply(slot, op).await;
            }
            run.finish().await;
        });
    }
}
