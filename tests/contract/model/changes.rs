//! Steps that change users and personas, with the expected answers and states.

use serde_json::{Map, Value, json};

use super::attributes::{PATH, Run};
use super::histories::Step;
use super::tenant::{Format, How, Owner, Person, Sent};

impl Run {
    /// `{"common": {…}}` of what is sent.
    fn attributes(&self, sent: &Sent) -> Value {
        let members: Map<_, _> = sent
            .iter()
            .map(|(slot, indices)| (format!("a{slot}"), self.values(*slot, indices.as_deref())))
            .collect();
        json!({ "common": members })
    }

    fn values(&self, slot: usize, indices: Option<&[u8]>) -> Value {
        let format = self.tenant.definitions[slot].as_ref().map_or(Format::Text, |d| d.format);
        indices.map_or(Value::Null, |indices| indices.iter().map(|i| format.sent(*i)).collect())
    }

    fn id(&self, slot: usize) -> String {
        let nowhere = || "0192f3c1-0000-7000-8000-000000000001".to_owned();
        self.tenant.definitions[slot].as_ref().map_or_else(nowhere, |d| d.id.clone())
    }

    pub async fn create(&mut self, user: usize, own: &Sent, persona: Option<&Sent>) {
        let mut body =
            json!({ "username": format!("u{user}"), "attributes": self.attributes(own) });
        if let Some(sent) = persona {
            body["personas"] = json!([{ "name": "role", "attributes": self.attributes(sent) }]);
        }
        let nobody = Owner::default();
        let own = self.tenant.write(&nobody, own, How::Create, false);
        let held = persona.map(|sent| self.tenant.write(&nobody, sent, How::Create, true));
        let answer = self.crm.post(PATH, body).await;
        let (Some(own), false) = (own, held == Some(None)) else {
            answer.is(422);
            return;
        };
        let person = Person { own, persona: held.flatten() };
        let taken = self.tenant.is_taken(user, &person);
        self.tenant.mark(&person, !taken);
        if taken {
            answer.is(409);
            return;
        }
        let persona = answer.json()["personas"][0]["id"].as_str().map(str::to_owned);
        let made = answer.created();
        if let Some(id) = persona {
            let path = made.below(&format!("personas/{id}"));
            let tag = self.crm.tag_of(&path).await;
            self.personas[user] = (path, tag);
        }
        self.users[user] = (made.path, made.tag);
        self.tenant.people[user] = Some(person);
        self.unchanged(user).await;
    }

    /// A step of a user that is there.
    #[expect(clippy::too_many_lines, reason = "one arm for each step")]
    pub async fn change(&mut self, user: usize, before: Person, step: Step) {
        let (crm, tenant) = (&self.crm, &self.tenant);
        let ((path, tag), persona) = (self.users[user].clone(), self.personas[user].0.clone());
        let own = |how, sent: &Sent| {
            Some(Person { own: tenant.write(&before.own, sent, how, false)?, ..before.clone() })
        };
        let (call, after) = match &step {
            Step::Forget(_) => {
                crm.delete(&path).if_match(&tag).await.is(204);
                crm.get(&path).await.is(404);
                self.tenant.people[user] = None;
                return;
            }
            Step::Put(_, sent) => {
                let body =
                    json!({ "username": format!("u{user}"), "attributes": self.attributes(sent) });
                (crm.put(&path, body).if_match(&tag), own(How::Put, sent))
            }
            Step::Patch(_, sent) => {
                let body = json!({ "attributes": self.attributes(sent) });
                (crm.patch(&path, body).if_match(&tag), own(How::Patch, sent))
            }
            Step::ById(_, sent) => {
                let item = |(slot, indices): (&usize, &Option<Vec<u8>>)| {
                    json!({
                        "attribute_definition_id": self.id(*slot),
                        "value": self.values(*slot, indices.as_deref())
                    })
                };
                let items: Vec<_> = sent.iter().map(item).collect();
                (
                    crm.patch(&path, json!({ "attribute_values": items })).if_match(&tag),
                    own(How::Patch, sent),
                )
            }
            Step::AddPersona(_, sent) => {
                if before.persona.is_some() {
                    return;
                }
                let made = tenant.write(&Owner::default(), sent, How::Create, true);
                let body = json!({ "name": "role", "attributes": self.attributes(sent) });
                let after = made.map(|made| Person { persona: Some(made), ..before.clone() });
                (crm.post(&format!("{path}/personas"), body).if_match(&tag), after)
            }
            Step::Verify(_, slot, index) => {
                let format = tenant.definitions[*slot].as_ref().map_or(Format::Text, |d| d.format);
                let sent = Format::Email.sent(*index);
                let call = crm.post(
                    &format!("{path}/verify"),
                    json!({ "attribute": format!("common.a{slot}"), "value": sent }),
                );
                let key = Format::Email.key(*index);
                (
                    call.if_match(&tag),
                    (format == Format::Email).then(|| verified(&before, *slot, &key)).flatten(),
                )
            }
            step => {
                let Some(held) = &before.persona else { return };
                let with = |owner: Option<Owner>| {
                    owner.map(|owner| Person { persona: Some(owner), ..before.clone() })
                };
                match step {
                    Step::PatchPersona(_, sent) => {
                        let body = json!({ "attributes": self.attributes(sent) });
                        let call = crm.patch(&persona, body).if_match(&self.personas[user].1);
                        (call, with(tenant.write(held, sent, How::Patch, true)))
                    }
                    Step::SetAttribute(_, slot, indices, by_id) => {
                        let value = self.values(*slot, Some(indices));
                        let body = if *by_id {
                            json!({ "attribute_definition_id": self.id(*slot), "value": value })
                        } else {
                            json!({
                                "category": "common", "name": format!("a{slot}"), "value": value
                            })
                        };
                        let call = crm.patch(&format!("{persona}/attribute"), body).if_match(&tag);
                        let listed = tenant.definitions[*slot].as_ref().is_some_and(|d| d.listed);
                        let sent = Sent::from([(*slot, Some(indices.clone()))]);
                        (
                            call,
                            with(if listed {
                                tenant.write(held, &sent, How::Patch, true)
                            } else {
                                None
                            }),
                        )
                    }
                    _ => (
                        crm.delete(&persona).if_match(&tag),
                        Some(Person { persona: None, ..before.clone() }),
                    ),
                }
            }
        };
        let answer = call.await;
        let Some(after) = after else {
            answer.is(422);
            return self.unchanged(user).await;
        };
        let changed = after != before;
        let taken = changed && self.tenant.is_taken(user, &after);
        if changed {
            self.tenant.mark(&after, !taken);
        }
        if taken {
            answer.is(409);
            return self.unchanged(user).await;
        }
        assert!(answer.status.is_success(), "{step:?}: {}", answer.text());
        if matches!(step, Step::AddPersona(..)) {
            self.personas[user] = (answer.header("location").unwrap().to_owned(), answer.tag());
        }
        self.follow_persona(user, &before, &after).await;
        self.tenant.people[user] = Some(after);
        let old = std::mem::take(&mut self.users[user].1);
        self.users[user].1 = self.compare(user).await;
        assert_eq!(self.users[user].1 != old, changed, "the user's tag: {before:?} and {step:?}");
    }

    /// A refused step changes nothing.
    pub async fn unchanged(&self, user: usize) {
        if self.tenant.people[user].is_none() {
            return;
        }
        assert_eq!(self.compare(user).await, self.users[user].1);
    }

    /// The persona's tag moves if and only if the persona does.
    async fn follow_persona(&mut self, user: usize, before: &Person, after: &Person) {
        if let (Some(old), Some(new)) = (&before.persona, &after.persona) {
            let now = self.crm.tag_of(&self.personas[user].0).await;
            assert_eq!(
                now != self.personas[user].1,
                old != new,
                "the persona's tag: {old:?} → {new:?}"
            );
            self.personas[user].1 = now;
        }
    }

    /// The whole profile is what the model has; gives its tag.
    async fn compare(&self, user: usize) -> String {
        let person = self.tenant.people[user].as_ref().unwrap();
        let read = self.crm.get(&self.users[user].0).await.is(200);
        let shown = read.json();
        let personas = shown["personas"].as_array().unwrap();
        assert_eq!(personas.len(), usize::from(person.persona.is_some()));
        for (shown, owner) in std::iter::once(&shown)
            .chain(personas)
            .zip([&person.own].into_iter().chain(&person.persona))
        {
            let (attributes, states) = self.tenant.shown(owner);
            assert_eq!(
                (&shown["attributes"], &shown["attribute_states"]),
                (&attributes, &states),
                "{shown}"
            );
        }
        read.tag()
    }
}

/// The person with an address verified everywhere; `None` if the person does not have it.
fn verified(person: &Person, slot: usize, key: &str) -> Option<Person> {
    let mut after = person.clone();
    let mut found = false;
    for owner in std::iter::once(&mut after.own).chain(&mut after.persona) {
        if owner.values.get(&slot).is_some_and(|values| values.iter().any(|v| v.key == key)) {
            owner.verified.insert((slot, key.to_owned()));
            found = true;
        }
    }
    found.then_some(after)
}
