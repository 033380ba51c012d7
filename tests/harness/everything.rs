//! A person with everything that the service keeps of a person, each value of which can be
//! recognised wherever it stands.

use std::sync::atomic::{AtomicUsize, Ordering};

use maintenance::traces::{self, SearchText, Trace};
use serde_json::{Value, json};
use shared::domain::id::{BaseId, PartyId, TenantId, UserId};
use shared::domain::lookup::Lookup;
use shared::domain::people::{Browser, Life, LinkKind, LoginFacts, PendingAddress, Session};
use shared::domain::sso::Principal;
use shared::domain::system_profile::{Overrides, SystemProfile};
use shared::domain::versioned::Versioned;
use shared::store::principals::store_principal;
use shared::store::system_profiles::create_profile;
use shared::store::{Condition, Item, Key, Write};

use crate::fixtures::Resource;
use crate::service::{Client, Service, TENANT};

const USERS: &str = "/identity/users";
const SSO: &str = "/api/v1/sso";
const CONSENTS: &str = "/identity/config/consents";
/// The SHA-256 of the text of the consent.
const DIGEST: &str = "359f84e43fe50b4619111e3a040868f479e29e4a026654fa398a94fd2546158a";
/// The systems in which a person with everything has a profile.
const SYSTEMS: [&str; 3] = ["crm", "web", "app"];

/// The beginnings of texts that stand in a person's values.
const WORDS: [&str; 28] = [
    "Zwaardvis",
    "Zandloper",
    "Windroos",
    "Vuurtoren",
    "Ankertouw",
    "Meerpaal",
    "Boegspriet",
    "Kompas",
    "Sextant",
    "Bakboord",
    "Stuurboord",
    "Kraaiennest",
    "Fokkenmast",
    "Bezaan",
    "Gaffel",
    "Giek",
    "Kluiver",
    "Dreganker",
    "Loefzijde",
    "Lijzijde",
    "Spinnaker",
    "Takelage",
    "Wimpel",
    "Nieuw",
    "Roerganger",
    "Vlaggenmast",
    "Scheepsbel",
    "Kielzog",
];

/// The resources for people with everything: definitions, servers, applications, and clients with
/// all rights.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The service.
    pub service: Service,
    /// A client that has to ask for guarded changes.
    pub crm: Client,
    /// A client that may approve them.
    pub boss: Client,
}

/// A person with everything.
#[derive(Clone, Debug)]
pub struct Everything {
    /// The user, as it was made.
    pub user: Resource,
    /// Texts in the person's values that no other person has.
    pub words: Vec<String>,
    /// Where things of the person are.
    pub paths: Vec<String>,
    /// The first persona.
    pub persona: String,
    /// The subject at the server.
    pub subject: String,
    /// A change request that waits.
    pub request: String,
    /// The base profile ids, the unlinked one last.
    pub bases: Vec<BaseId>,
}

impl Service {
    /// Declares what people with everything need.
    pub async fn setting(&self) -> Setting {
        let crm = self.crm().await;
        let boss = self.client(TENANT, "administrator").await;
        for (name, more) in [
            ("badge", json!({ "unique": true })),
            ("title", json!({ "search": "prefix" })),
            ("tag", json!({ "search": "exact" })),
            ("note", json!({})),
            ("number", json!({ "data_format": "NUMERIC", "search": "exact" })),
            ("mail", json!({ "data_format": "EMAIL", "search": "exact" })),
            ("phone", json!({ "data_format": "SMS" })),
            ("tree", json!({ "data_format": "JSON" })),
            ("secret", json!({ "data_format": "HASH" })),
            ("pin", json!({ "data_format": "SEARCHABLE_HASH", "search": "exact" })),
            (
                "salary",
                json!({
                    "approval_policy": { "statements": [{ "client_scope": "administrator" }] }
                }),
            ),
        ] {
            crm.define(name, more).await;
        }
        let role = crm.define("role", json!({ "search": "none" })).await;
        crm.define_persona("employee", json!({ "scoped": true, "attributes": [role.id] })).await;
        for (path, ids) in
            [("authentication-servers", ["corp", "other"]), ("applications", ["shop", "blog"])]
        {
            for id in ids {
                crm.create(
                    &format!("{SSO}/{path}"),
                    json!({ "id": id, "name": id, "subject_type": "predefined" }),
                )
                .await;
            }
        }
        for system in SYSTEMS {
            self.system(system, &["nick"]).await;
        }
        crm.create(CONSENTS, consent()).await;
        let text = json!({ "title": "News", "text": "We send you our newsletter." });
        let version = json!({ "locales": { "en": text } });
        crm.post(&format!("{CONSENTS}/news/versions"), version).await.is(201);
        Setting { service: self.clone(), crm, boss }
    }

    /// A person with everything, in a service that has nothing yet.
    pub async fn person_with_everything(&self) -> (Setting, Everything) {
        let setting = Box::pin(self.setting()).await;
        let person = Box::pin(setting.person()).await;
        (setting, person)
    }

    /// The places in which one of some texts stands, in any form.
    pub async fn traces(&self, words: &[String]) -> Vec<Trace> {
        let texts: Vec<_> =
            words.iter().map(|word| SearchText::read(word).expect("a text to look for")).collect();
        let found = traces::search(&self.table, &tenant(), &texts).await.expect("a search");
        found.found.into_iter().collect()
    }
}

/// A consent that everybody is asked for.
fn consent() -> Value {
    json!({
        "id": "news", "kind": "processing", "jurisdiction": "BE",
        "purposes": [{ "id": "letter", "name": "Letter", "legal_basis": "consent" }],
        "controller": {
            "name": "Acme", "contact": "DPO", "address": "Gent", "email": "privacy@acme.example",
            "phone": "+3292000000"
        }
    })
}

fn tenant() -> TenantId {
    TENANT.parse().expect("a tenant")
}

fn common(attributes: &Value) -> Value {
    json!({ "attributes": { "common": attributes } })
}

impl Setting {
    /// The same clients at another instance of every function.
    pub fn elsewhere(&self) -> Self {
        self.on(self.service.instance())
    }

    /// The same clients at a service that has what this one has.
    pub fn on(&self, service: Service) -> Self {
        Self { crm: self.crm.on(&service), boss: self.boss.on(&service), service }
    }

    /// Makes a person with everything.
    pub async fn person(&self) -> Everything {
        static PEOPLE: AtomicUsize = AtomicUsize::new(0);
        let n = 1000 + PEOPLE.fetch_add(1, Ordering::Relaxed);
        let Self { crm, boss, .. } = self;
        let word = |word: &str| format!("{word}{n}q");
        let number = format!("773{n}190265");
        let phone = format!("+3247512{n}");
        let body = json!({
            "username": word("Zwaardvis"), "family_name": word("Zandloper"),
            "given_name": word("Windroos"),
            "preferred_email": format!("{}@example.org", word("Vuurtoren")),
            "id_at_customer": word("Ankertouw"),
            "attributes": { "common": {
                "badge": [word("Meerpaal")], "title": [word("Boegspriet")], "tag": [word("Kompas")],
                "note": [word("Sextant")],
                "number": [json!(number.parse::<u64>().unwrap())],
                "mail": [format!("{}@bücher.example", word("Bakboord"))],
                "phone": [phone], "tree": [{ word("Stuurboord"): [word("Kraaiennest")] }],
                "secret": [word("Fokkenmast")], "pin": [word("Bezaan")],
            } },
            "personas": [
                {
                    "name": "employee", "scope": [word("Gaffel")],
                    "attributes": { "common": { "role": [word("Giek")] } }
                },
                { "name": "employee", "scope": [word("Kluiver")] },
            ],
        });
        let user = crm.post(USERS, body).key(&word("create")).await.created();
        let mut paths = vec![user.path.clone()];
        let mut personas = user.body["personas"].as_array().unwrap().iter();
        let persona =
            user.below(&format!("personas/{}", personas.next().unwrap()["id"].as_str().unwrap()));
        paths.push(persona.clone());
        for (attribute, value) in [
            ("preferred_email", format!("{}@example.org", word("Vuurtoren"))),
            ("common.mail", format!("{}@bücher.example", word("Bakboord"))),
        ] {
            let body = json!({ "attribute": attribute, "value": value });
            boss.post(&user.below("verify"), body).key(&word(attribute)).await.is(200);
        }
        let mut subject = String::new();
        for (side, field, party) in [
            ("application-subjects", "application_id", "shop"),
            ("authentication-server-subjects", "authentication_server_id", "other"),
            ("authentication-server-subjects", "authentication_server_id", "corp"),
        ] {
            let body = json!({ field: party, "subject": word("Dreganker"), "user_id": user.id });
            subject =
                crm.post(&format!("{SSO}/{side}"), body).key(&word(party)).await.created().path;
            paths.push(subject.clone());
        }
        let mut request = String::new();
        let decisions = [("Loefzijde", "approve"), ("Lijzijde", "reject"), ("Spinnaker", "")];
        for (value, decision) in decisions {
            let patch = common(&json!({ "salary": [word(value)] }));
            let asked = crm.patch(&user.path, patch).if_match("*").await.is(202);
            request = asked.header("location").expect("a Location").to_owned();
            paths.push(request.clone());
            if !decision.is_empty() {
                boss.act(&format!("{request}/{decision}")).key(&word(decision)).await.is(200);
            }
        }
        let id: UserId = user.id.parse().unwrap();
        let bases = self.principals(id, &word("Takelage")).await;
        self.profiles(id, &word("Wimpel")).await;
        paths.push(format!("{USERS}/{}", bases[0]));
        paths.push(self.consent(&user, &word("Roerganger")).await);
        Box::pin(self.credentials(&user.id, word)).await;
        let mut words: Vec<_> = WORDS.map(word).into();
        words.extend([number, phone]);
        Everything { user, words, paths, persona, subject, request, bases }
    }

    /// Records that a guardian agrees for a user: the path of the record.
    async fn consent(&self, user: &Resource, guardian: &str) -> String {
        let decision = json!({
            "consent": "news", "version": 1, "locale": "en", "text_sha256": DIGEST,
            "purposes": ["letter"], "method": "paper", "guardian": guardian
        });
        self.crm.post(&user.below("consents"), decision).await.is(200);
        user.below("consents/news")
    }

    /// Gives a user what people sign in with, one of each kind: a password, a passkey, a link, a
    /// session, an address that waits, a consent to a client and a family of refresh tokens.
    async fn credentials(&self, user: &str, word: impl Fn(&str) -> String) {
        let Self { service, crm, .. } = self;
        service.give_password(user, "a password of the person").await;
        service.give_passkey(user, &word("Vlaggenmast")).await;
        let asked_at = service.clock.now();
        let address = format!("{}@example.org", word("Scheepsbel"));
        let pending = PendingAddress { address, asked_at };
        let ask = |login: &mut LoginFacts| login.pending_address = Some(pending.clone());
        service.change_account(user, Vec::new(), ask).await;
        service.give_link(user, LinkKind::Address).await;
        let session = Session::begin(service.table.env(), Life::SelfService, &["pwd"], None);
        let browser = Browser { name: Some(word("Kielzog")), system: None };
        let session = Session { browser: Some(browser), ..session };
        Box::pin(service.put_session(user, session)).await;
        Box::pin(service.give_client_consent(user, &crm.id, &["openid", "profile"])).await;
        service.give_family(user, &crm.id, &word("family")).await;
    }

    /// Stores the principals of a user: one of a person who signed in, one that is unlinked, one
    /// without a subject.
    async fn principals(&self, user: UserId, subject: &str) -> Vec<BaseId> {
        let server = |id: &str| id.parse::<PartyId>().unwrap();
        let bases: Vec<_> = ["corp", "other"].map(|id| BaseId::of(subject, id, &tenant())).into();
        let principals = [
            Principal::active(server("corp"), bases[0].clone()),
            Principal { linked: false, ..Principal::active(server("other"), bases[1].clone()) },
            Principal { linked: false, ..Principal::pending(server("third")) },
        ];
        for principal in principals {
            let mut writes =
                store_principal(&tenant(), user, &Versioned::first(principal), Condition::Absent);
            writes.push(Write::Check(Key::user(&tenant(), user), Condition::NotDeleted));
            self.service.table.commit(writes).await.expect("a principal");
        }
        bases
    }

    /// Stores a profile of a user in each system, with overrides that are found.
    async fn profiles(&self, user: UserId, word: &str) {
        for system in SYSTEMS {
            self.profile(user, system, word, 2).await;
        }
    }

    /// Stores a profile of a user in a system, with so many overrides that are found.
    pub async fn profile(&self, user: UserId, system: &str, word: &str, found: usize) {
        let mut profile = SystemProfile::new(system.parse().unwrap(), self.service.table.env());
        let named = shared::domain::definition::Predefined::GivenName;
        profile.overrides =
            Overrides { predefined: [(named, word.to_owned())].into(), ..Overrides::default() };
        profile.attributes = [("nick".to_owned(), vec![word.to_owned()])].into();
        let lookups: Vec<_> = (0..found)
            .map(|i| Lookup::prefix(format!("{system}.nick{i}"), &word.to_lowercase()))
            .collect();
        let [Write::Put(item, absent), id] =
            create_profile(&tenant(), user, &Versioned::first(profile))
        else {
            panic!("a profile is put")
        };
        let item = item.texts("ix", lookups.iter().map(ToString::to_string));
        let mut writes = vec![
            Write::Put(item, absent),
            id,
            Write::Check(Key::user(&tenant(), user), Condition::NotDeleted),
        ];
        writes.extend(lookups.iter().map(|lookup| {
            let entry =
                Item::at(&Key::lookup(&tenant(), lookup, user)).text("holder", user.to_string());
            Write::Put(entry, Condition::Owner(user))
        }));
        self.service.table.commit(writes).await.expect("a system profile");
    }

    /// Asserts that a person is gone from everywhere: nothing is found, nothing is left, and rule
    /// D1 holds.
    #[track_caller]
    pub fn gone<'a>(
        &'a self,
        person: &'a Everything,
        what: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let check = self.service.check();
        async move {
            assert_eq!(self.service.traces(&person.words).await, [], "D7: {what}");
            let report = check.await;
            assert_eq!(report.unfinished, 0, "{what}");
            let crm = self.crm.on(&self.service.instance());
            for path in &person.paths {
                assert_eq!(crm.get(path).await.code(), 404, "{what}: {path}");
            }
        }
    }
}
