//! Generated people whose values many share, the same in every run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tests::{Client, person};

use super::USERS;

/// Numbers that are the same in every run (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        let chosen: BTreeSet<_> = (0..self.roll(4)).map(|_| self.one(of).to_owned()).collect();
        chosen.into_iter().collect()
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

const FAMILIES: [&str; 12] = [
    "Janssen",
    "JANSSENS",
    "Jansen",
    "van den Berg",
    "Van  den  Bergh",
    "Åström",
    "Éluard",
    "De#Wit",
    "de#wit#x",
    "Li",
    "O'Brien",
    "Peeters",
];
const GIVEN: [&str; 8] = ["Jan", "Janneke", "Élise", "An", "Bo", "Li#1", "Piet", "Jo Ann"];
const TAGS: [&str; 6] = ["x", "Y", "red", "Red Hot", "blue#1", "blue"];
const TITLES: [&str; 7] = ["Dr. No", "dr", "Dr. Nora", "jan", "jan#x", "jan#y", "Master"];
pub(super) const NUMBERS: [&str; 10] = [
    "0",
    "1.5",
    "1.50",
    "-3",
    "-2.999",
    "100",
    "0.001",
    "12345678901234567890123",
    "12345678901234567890124",
    "12",
];
const PHONES: [&str; 3] = ["+3225550123", "+32475123456", "+14155552671"];
const SCOPES: [&str; 4] = ["chemco", "CHEMCO", "shop", "a b"];
const LONG: [&str; 3] = ["a", "b", ""];

/// A user whose values many users share.
fn somebody(number: usize, dice: &mut Dice) -> Value {
    let mut user = person(&format!("{}{number}", dice.one(&["User.", "jan.", "É"])));
    for (field, values) in [("family_name", &FAMILIES[..]), ("given_name", &GIVEN)] {
        user[field] = if dice.chance(15) { Value::Null } else { json!(dice.one(values)) };
    }
    user["preferred_email"] = match dice.roll(4) {
        0 => Value::Null,
        1 => json!(dice.one(&["Family@Example.org", "info@shop.example"])),
        _ => json!(format!("u{number}@example.org")),
    };
    user["email_verified"] = json!(!user["preferred_email"].is_null() && dice.chance(50));
    if dice.chance(50) {
        user["id_at_customer"] = json!(format!("CRM-{number}"));
    }
    if dice.chance(60) {
        user["ui_locales"] = json!(dice.one(&["nl-BE", "fr-BE nl-BE", "en", "zh-Hant-TW en"]));
    }
    let mut attributes = Map::new();
    for (name, values) in [
        ("tag", &TAGS[..]),
        ("title", &TITLES),
        ("size", &NUMBERS),
        ("digits", &NUMBERS),
        ("phone", &PHONES),
    ] {
        let mut values = dice.some(values);
        if name == "title" && dice.chance(15) {
            values.push(format!("{}{}", "long ".repeat(60), dice.one(&LONG)));
        }
        attributes.insert(name.to_owned(), json!(values));
    }
    attributes.insert("level".to_owned(), json!(dice.some(&["Low", "Mid", "High"])));
    attributes.insert(
        "mail".to_owned(),
        json!(dice.some(&["Info@Example.org", "els@shop.example", "x@y.example"])),
    );
    attributes.insert("pin".to_owned(), json!(dice.some(&["1234", "0000"])));
    if dice.chance(50) {
        attributes.insert("badge".to_owned(), json!([format!("B {number}")]));
    }
    attributes.retain(|_, values| values != &json!([]));
    user["attributes"] = json!({ "common": attributes });
    let mut personas = BTreeMap::new();
    for _ in 0..dice.roll(4) {
        let name = dice.one(&["employee", "partner", "guest"]);
        let scope: Vec<String> = if name == "guest" {
            Vec::new()
        } else {
            [vec!["all".to_owned()], dice.some(&SCOPES)].concat()
        };
        let until = if dice.chance(50) { Value::Null } else { json!("2026-11-21T12:00:00.000Z") };
        let status = dice.one(&["ACTIVE", "PENDING", "SUSPENDED"]);
        let persona =
            json!({ "name": name, "scope": scope, "status": status, "valid_until": until });
        personas.insert((name, scope), persona);
    }
    user["personas"] = personas.into_values().collect();
    user
}

/// A tenant with people, as the API shows them; beside what is shown, the hashed values that were
/// written.
pub(super) async fn people(crm: &Client, count: usize, dice: &mut Dice) -> Vec<Value> {
    for (name, more) in [
        ("badge", json!({ "unique": true })),
        ("tag", json!({ "search": "exact" })),
        ("title", json!({ "search": "prefix" })),
        ("size", json!({ "search": "exact", "data_format": "NUMERIC" })),
        ("digits", json!({ "search": "prefix", "data_format": "NUMERIC" })),
        (
            "level",
            json!({
                "search": "prefix", "data_format": "ENUMERATION",
                "enumeration_values": ["Low", "Mid", "High"]
            }),
        ),
        ("mail", json!({ "search": "prefix", "data_format": "EMAIL" })),
        ("phone", json!({ "search": "exact", "data_format": "SMS" })),
        ("pin", json!({ "search": "exact", "data_format": "SEARCHABLE_HASH" })),
    ] {
        crm.define(name, more).await;
    }
    for (name, scoped) in [("employee", true), ("partner", true), ("guest", false)] {
        crm.define_persona(name, json!({ "scoped": scoped })).await;
    }
    let mut people = Vec::new();
    for number in 0..count {
        let body = somebody(number, dice);
        let pins = body["attributes"]["common"]["pin"].clone();
        let made = crm.create(USERS, body).await;
        if dice.chance(30) {
            crm.service.clock.advance(1);
        }
        if dice.chance(20) {
            crm.act(&made.below("block")).await.is(200);
        }
        let mut shown = crm.read(&made.path).await;
        if !pins.is_null() {
            shown["attributes"]["common"]["pin"] = pins;
        }
        people.push(shown);
    }
    people
}
