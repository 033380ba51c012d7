//! `GET /identity/users/{user_id}/at`: a profile as it was (rule AU-04).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, TENANT, person};

use super::{SETTINGS, USERS};

/// All scopes that this needs.
const SCOPES: &str = "users:read users:write config:read config:write audit:read audit:values \
                      administrator";

/// A small generator of random numbers (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn word(&mut self) -> Value {
        match self.roll(5) {
            0 => Value::Null,
            n => json!(format!("word {n} é")),
        }
    }
}

struct History {
    service: Service,
    admin: Client,
    user: Resource,
    /// What GET said of each version.
    seen: Vec<(u64, Value)>,
}

impl History {
    async fn start() -> Self {
        let service = Service::start().await;
        let admin = service.client(TENANT, SCOPES).await;
        admin.define("note", json!({})).await;
        admin.define("mail", json!({ "data_format": "EMAIL" })).await;
        admin.define("pin", json!({ "data_format": "HASH" })).await;
        admin.define("flag", json!({ "hidden": true })).await;
        let note = admin.define("rank", json!({})).await;
        for name in ["employee", "guest"] {
            let body = json!({ "scoped": true, "attributes": [note.id] });
            admin.define_persona(name, body).await;
        }
        let user = admin.create(USERS, person("jan")).await;
        let mut history = Self { service, admin, user, seen: Vec::new() };
        history.see().await;
        history
    }

    async fn see(&mut self) {
        let version = self.service.version_of(&self.user.id).await;
        if self.seen.last().is_none_or(|(last, _)| *last < version) {
            self.seen.push((version, self.admin.read(&self.user.path).await));
        }
    }

    async fn patch(&mut self, body: Value) {
        self.service.clock.advance(1);
        self.admin.patch(&self.user.path, body).if_match("*").await.is(200);
        self.see().await;
    }

    /// One random change, which may change nothing.
    async fn change(&mut self, dice: &mut Dice) {
        self.service.clock.advance(1);
        let personas = self.seen.last().unwrap().1["personas"].as_array().unwrap().clone();
        let persona = (!personas.is_empty()).then(|| {
            let id = personas[dice.roll(personas.len())]["id"].as_str().unwrap().to_owned();
            self.user.below(&format!("personas/{id}"))
        });
        let value = |word: Value| if word.is_null() { word } else { json!([word]) };
        let note = |dice: &mut Dice| json!({ "common": { "note": value(dice.word()) } });
        let rank = |dice: &mut Dice| json!({ "common": { "rank": value(dice.word()) } });
        match (dice.roll(12), persona) {
            (0, _) => {
                let name = ["employee", "guest"][dice.roll(2)];
                let scope = json!([format!("s{}", dice.roll(9))]);
                let attributes = json!({ "common": { "rank": [format!("r{}", dice.roll(9))] } });
                let body = json!({ "name": name, "scope": scope, "attributes": attributes });
                let answer = self.admin.post(&self.user.below("personas"), body).await;
                assert!([201, 409, 422].contains(&answer.code()));
            }
            (1, Some(path)) => {
                let body = json!({ "attributes": rank(dice), "preferred": dice.roll(2) == 0 });
                self.admin.patch(&path, body).if_match("*").await.is(200);
            }
            (2, Some(path)) => {
                self.admin.delete(&path).await.is(204);
            }
            (3, Some(path)) => {
                let act = ["suspend", "activate", "prefer"][dice.roll(3)];
                let answer = self.admin.act(&format!("{path}/{act}")).await;
                assert!([200, 409].contains(&answer.code()), "{act}: {}", answer.code());
            }
            (4, _) => {
                let act = ["block", "unblock"][dice.roll(2)];
                self.admin.act(&self.user.below(act)).await.is(200);
            }
            (5, _) => {
                let mail = format!("m{}@example.org", dice.roll(3));
                self.patch(json!({ "attributes": { "common": { "mail": [mail] } } })).await;
            }
            (6, _) => {
                let body = json!({ "attribute": "common.mail", "value": "m1@example.org" });
                let answer = self.admin.post(&self.user.below("verify"), body).await;
                assert!([200, 422].contains(&answer.code()));
            }
            (7, _) => {
                let kind = ["person", "device", "application"][dice.roll(3)];
                self.patch(json!({ "kind": kind })).await;
            }
            (8, _) => self.patch(json!({ "given_name": dice.word() })).await,
            (9, _) => self.patch(json!({ "family_name": dice.word(), "ui_locales": "nl" })).await,
            _ => {
                let attributes = note(dice);
                self.patch(json!({ "attributes": attributes })).await;
            }
        }
        self.see().await;
    }

    fn at(&self, query: &str) -> String {
        format!("{}?{query}", self.user.below("at"))
    }

    /// The profile as of a version, and what is not known of it.
    async fn was(&self, version: u64) -> (Value, Value) {
        let mut was = self.admin.read(&self.at(&format!("version={version}"))).await;
        let members = was.as_object_mut().unwrap();
        assert_eq!(members.remove("version").unwrap(), json!(version));
        let unknown = members.remove("unknown").unwrap();
        (was, unknown)
    }
}

async fn random_edits_fold_to_each_version(seed: u64) {
    let mut history = History::start().await;
    let mut dice = Dice(seed);
    for _ in 0..60 {
        history.change(&mut dice).await;
    }
    assert!(history.seen.len() > 30, "{}", history.seen.len());
    for (version, seen) in &history.seen {
        let (was, unknown) = history.was(*version).await;
        assert_eq!((&was, unknown), (seen, json!([])), "version {version}, seed {seed}");
    }
    for pair in history.seen.windows(2) {
        // Each version lasted until the next one.
        let time = pair[0].1["updated_at"].as_str().unwrap();
        let was = history.admin.read(&history.at(&format!("time={time}"))).await;
        assert_eq!(was["version"], pair[0].0, "{time}");
        assert_eq!(was["given_name"], pair[0].1["given_name"]);
    }
}

#[tokio::test]
async fn au04_random_edits_fold_to_each_version() {
    random_edits_fold_to_each_version(1).await;
}

#[tokio::test]
async fn au04_other_random_edits_fold_to_each_version() {
    random_edits_fold_to_each_version(2).await;
}

#[tokio::test]
async fn au04_secrets_that_changed_since_are_unknown() {
    let mut history = History::start().await;
    let attribute =
        |name: &str, value: &str| json!({ "attributes": { "common": { name: [value] } } });
    history.patch(attribute("pin", "1234")).await;
    history.patch(json!({ "given_name": "Johannes" })).await;
    history.patch(attribute("pin", "5678")).await;
    history.patch(attribute("flag", "vip")).await;
    history.patch(attribute("flag", "none")).await;
    let pin = json!(["/attributes/common/pin"]);
    let none = json!([]);
    let flag = json!(["/attributes/common/flag"]);
    for (version, due) in [(1, &none), (2, &pin), (3, &pin), (4, &none), (5, &flag), (6, &none)] {
        let (was, unknown) = history.was(version).await;
        assert_eq!(&unknown, due, "{version}");
        let place = usize::try_from(version).unwrap() - 1;
        let mut seen = history.seen[place].1.clone();
        for pointer in unknown.as_array().unwrap() {
            let name = pointer.as_str().unwrap().rsplit('/').next().unwrap();
            let common = seen["attributes"]["common"].as_object_mut().unwrap();
            common.remove(name);
            if common.is_empty() {
                seen["attributes"].as_object_mut().unwrap().remove("common");
            }
        }
        let mut was = was;
        if was["attributes"]["common"] == json!({}) {
            was["attributes"].as_object_mut().unwrap().remove("common");
        }
        assert_eq!(was, seen, "{version}");
    }
}

#[tokio::test]
async fn au04_what_the_audit_does_not_reach_is_refused() {
    let mut history = History::start().await;
    history.patch(json!({ "given_name": "A" })).await;
    history.service.clock.advance(24 * 3600);
    history.admin = history.admin.with_token().await;
    history.patch(json!({ "given_name": "B" })).await;
    let get = |query: &str| history.admin.get(&history.at(query));
    for (query, status) in [
        ("version=0", 404),
        ("version=4", 404),
        ("version=x", 400),
        ("version=-1", 400),
        ("time=2020-01-01T00:00:00Z", 404),
        ("time=yesterday", 400),
        ("version=1&time=2026-11-21T10:00:00Z", 400),
        ("version=", 400),
        ("at=1", 400),
    ] {
        get(query).await.is(status);
    }
    history.admin.get(&history.user.below("at")).await.is(400);
    let stranger = format!("{USERS}/0192f3c1-0000-7000-8000-000000000001/at?version=1");
    history.admin.get(&stranger).await.is(404);
    // The entries of the first two versions end.
    let days = 400 * 24 * 3600;
    history.service.clock.advance(days - 3600);
    let admin = history.service.client(TENANT, SCOPES).await;
    assert_eq!(admin.get(&history.at("version=1")).await.is(410).slug(), "audit-ended");
    assert_eq!(admin.get(&history.at("version=2")).await.is(200).json()["given_name"], "A");
    let ended = admin.get(&history.at("time=2026-11-21T10:00:02Z")).await.is(410);
    assert_eq!(ended.slug(), "audit-ended");
    history.service.clock.advance(days);
    let admin = history.service.client(TENANT, SCOPES).await;
    assert_eq!(admin.get(&history.at("version=2")).await.is(410).slug(), "audit-ended");
    assert_eq!(admin.read(&history.at("version=3")).await["given_name"], "B");
}

#[tokio::test]
async fn au04_a_level_that_keeps_no_values_is_a_conflict() {
    let mut history = History::start().await;
    let service = history.service.clone();
    history.admin.put(SETTINGS, json!({ "level": "names" })).if_match("*").await.is(200);
    // Functions remember settings for 30 seconds.
    service.clock.advance(31);
    history.patch(json!({ "family_name": "Kok" })).await;
    let get = |history: &History, query: &str| history.admin.get(&history.at(query));
    assert_eq!(get(&history, "version=2").await.is(200).json()["family_name"], "Kok");
    assert_eq!(get(&history, "version=1").await.is(409).slug(), "conflict");
    history.admin.put(SETTINGS, json!({ "level": "off" })).if_match("*").await.is(200);
    service.clock.advance(31);
    history.patch(json!({ "family_name": "Smit" })).await;
    assert_eq!(get(&history, "version=3").await.is(200).json()["family_name"], "Smit");
    assert_eq!(get(&history, "version=2").await.is(409).slug(), "conflict");
    history.admin.put(SETTINGS, json!({ "level": "values" })).if_match("*").await.is(200);
    service.clock.advance(31);
    history.patch(json!({ "family_name": "Bos" })).await;
    assert_eq!(get(&history, "version=3").await.is(200).json()["family_name"], "Smit");
    assert_eq!(get(&history, "version=2").await.is(409).slug(), "conflict");
}
