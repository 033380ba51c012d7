//! Thousands of random filters over generated people: the service finds whom the brute force finds,
//! each of them once, whatever the pages are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tests::{Client, Service, person};

use super::brute_force::{Filter, fold, terms};
use super::{USERS, follow, text};

/// Numbers that are the same in every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        let chosen: BTreeSet<_> = (0..self.roll(4)).map(|_| self.one(of).to_owned()).collect();
        chosen.into_iter().collect()
    }

    fn chance(&mut self, percent: usize) -> bool {
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
const NUMBERS: [&str; 10] = [
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

/// Somebody whose values many share.
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
async fn people(crm: &Client, count: usize, dice: &mut Dice) -> Vec<Value> {
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

/// Makes random filters about some people.
struct Maker<'p> {
    dice: Dice,
    people: &'p [Value],
}

impl Maker<'_> {
    fn quoted(&mut self, text: &str) -> String {
        let other_case = match self.dice.roll(3) {
            0 => text.to_lowercase(),
            1 => text.to_uppercase(),
            _ => text.to_owned(),
        };
        json!(other_case).to_string()
    }

    /// What is looked up.
    fn indexed(&mut self) -> Filter {
        const PATHS: [&str; 8] = [
            "family_name",
            "given_name",
            "preferred_email",
            "attributes.common.tag",
            "attributes.common.title",
            "attributes.common.digits",
            "attributes.common.level",
            "attributes.common.mail",
        ];
        let one = |this: &mut Self| loop {
            let path = this.dice.one(&PATHS);
            let starts = !matches!(path, "preferred_email" | "attributes.common.tag")
                && this.dice.chance(50);
            let Some(value) = this.known(&path.split('.').collect::<Vec<_>>()) else { continue };
            let value = if starts { this.part(&value, "sw") } else { value };
            if fold(&value).chars().count() >= if starts { 2 } else { 1 } {
                let operator = if starts { "sw" } else { "eq" };
                return Filter::Term(path.to_owned(), operator, json!(value).to_string());
            }
        };
        let first = one(self);
        if self.dice.chance(40) { Filter::Or(vec![first, one(self)]) } else { first }
    }

    /// The text of a value that somebody has at a path.
    fn known(&mut self, path: &[&str]) -> Option<String> {
        for _ in 0..5 {
            let mut value = &self.people[self.dice.roll(self.people.len())];
            for name in path {
                if let Some(items) = value.as_array().filter(|items| !items.is_empty()) {
                    value = &items[self.dice.roll(items.len())];
                }
                value = &value[*name];
            }
            if let Some(items) = value.as_array().filter(|items| !items.is_empty()) {
                value = &items[self.dice.roll(items.len())];
            }
            if let Some(text) = value.as_str() {
                return Some(text.to_owned());
            }
        }
        None
    }

    /// A part of a text, at its start or anywhere.
    fn part(&mut self, text: &str, operator: &str) -> String {
        let characters: Vec<_> = text.chars().collect();
        let length = 1 + self.dice.roll(characters.len().min(8));
        let length = if operator == "sw" { length.max(2).min(characters.len()) } else { length };
        let from = match operator {
            "sw" => 0,
            "ew" => characters.len() - length,
            _ => self.dice.roll(characters.len() - length + 1),
        };
        characters[from..from + length].iter().collect()
    }

    fn term_of(&mut self, shown: &str, path: &[&str], kind: &str) -> Option<Filter> {
        let all = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
        let order = ["eq", "ne", "gt", "ge", "lt", "le", "pr"];
        let equality = ["eq", "ne", "pr"];
        let operators = match kind {
            "text" | "digits" | "tags" | "prefix" => &all[..],
            "time" | "exact" | "number" => &order,
            _ => &equality,
        };
        let operator = if self.dice.chance(35) { "eq" } else { self.dice.one(operators) };
        let absent = matches!(operator, "eq" | "ne") && self.dice.chance(8);
        if operator == "pr" || absent {
            return Some(Filter::Term(shown.to_owned(), operator, "null".to_owned()));
        }
        let value = match kind {
            "bool" => self.dice.one(&["true", "false"]).to_owned(),
            "time" => {
                let time =
                    self.known(path).unwrap_or_else(|| "2026-11-21T10:00:10.000Z".to_owned());
                if self.dice.chance(30) {
                    let hour: u32 = time[11..13].parse().unwrap();
                    format!(
                        "\"{}{:02}{}+01:00\"",
                        &time[..11],
                        hour + 1,
                        time[13..].trim_end_matches('Z')
                    )
                } else {
                    format!("\"{time}\"")
                }
            }
            "number" | "digits" => {
                let number = self.dice.one(&NUMBERS).to_owned();
                match operator {
                    "sw" if number.len() < 2 => return None,
                    "sw" | "co" | "ew" => format!("\"{}\"", self.part(&number, operator)),
                    _ if self.dice.chance(50) => number,
                    _ => format!("\"{number}\""),
                }
            }
            "tags" => json!(self.known(path)?).to_string(),
            _ => {
                let text = self.known(path)?;
                let text = if matches!(operator, "co" | "sw" | "ew") {
                    self.part(&text, operator)
                } else {
                    text
                };
                let long_enough = operator != "sw" || fold(&text).chars().count() >= 2;
                if fold(&text).is_empty() || !long_enough {
                    return None;
                }
                if matches!(
                    path.last(),
                    Some(&("id_at_customer" | "phone" | "pin" | "scope" | "name"))
                ) {
                    json!(text).to_string()
                } else {
                    self.quoted(&text)
                }
            }
        };
        Some(Filter::Term(shown.to_owned(), operator, value))
    }

    fn term(&mut self) -> Filter {
        const FIELDS: [(&str, &str); 13] = [
            ("id", "text"),
            ("username", "text"),
            ("id_at_customer", "text"),
            ("preferred_email", "text"),
            ("family_name", "prefix"),
            ("family_name", "prefix"),
            ("given_name", "prefix"),
            ("ui_locales", "tags"),
            ("email_verified", "bool"),
            ("status", "text"),
            ("last_login_at", "time"),
            ("created_at", "time"),
            ("updated_at", "time"),
        ];
        const ATTRIBUTES: [(&str, &str); 9] = [
            ("badge", "exact"),
            ("tag", "exact"),
            ("title", "prefix"),
            ("size", "number"),
            ("digits", "digits"),
            ("level", "prefix"),
            ("mail", "prefix"),
            ("phone", "exact"),
            ("pin", "hash"),
        ];
        loop {
            let made = match self.dice.roll(10) {
                0..5 => {
                    let (name, kind) = FIELDS[self.dice.roll(FIELDS.len())];
                    self.term_of(name, &[name], kind)
                }
                5..8 => {
                    let (name, kind) = ATTRIBUTES[self.dice.roll(ATTRIBUTES.len())];
                    self.term_of(
                        &format!("attributes.common.{name}"),
                        &["attributes", "common", name],
                        kind,
                    )
                }
                8 => {
                    let depth = self.dice.roll(3);
                    Some(Filter::Personas(Box::new(self.of_persona(depth))))
                }
                _ if self.dice.chance(30) => {
                    let (operator, value) =
                        [("pr", ""), ("eq", "null"), ("ne", "null")][self.dice.roll(3)];
                    Some(Filter::Term("personas".to_owned(), operator, value.to_owned()))
                }
                _ => match self.persona_term() {
                    Filter::Term(name, operator, value) => {
                        Some(Filter::Term(format!("personas.{name}"), operator, value))
                    }
                    _ => None,
                },
            };
            if let Some(made) = made {
                return made;
            }
        }
    }

    fn persona_term(&mut self) -> Filter {
        const FIELDS: [(&str, &str); 10] = [
            ("id", "text"),
            ("name", "text"),
            ("name", "text"),
            ("persona_definition_id", "text"),
            ("scope", "text"),
            ("scope", "text"),
            ("status", "text"),
            ("preferred", "bool"),
            ("valid_from", "time"),
            ("valid_until", "time"),
        ];
        loop {
            let (name, kind) = FIELDS[self.dice.roll(FIELDS.len())];
            if let Some(term) = self.term_of(name, &["personas", name], kind) {
                return term;
            }
        }
    }

    fn of_persona(&mut self, depth: usize) -> Filter {
        match self.dice.roll(4) {
            0 if depth > 0 => {
                Filter::Or(vec![self.of_persona(depth - 1), self.of_persona(depth - 1)])
            }
            1 if depth > 0 => {
                Filter::And(vec![self.of_persona(depth - 1), self.of_persona(depth - 1)])
            }
            2 if depth > 0 => Filter::Not(Box::new(self.of_persona(depth - 1))),
            _ => self.persona_term(),
        }
    }

    fn filter(&mut self, depth: usize) -> Filter {
        let members =
            |this: &mut Self| (0..2 + this.dice.roll(2)).map(|_| this.filter(depth - 1)).collect();
        match self.dice.roll(8) {
            0..3 if depth > 0 => Filter::And(members(self)),
            3..6 if depth > 0 => Filter::Or(members(self)),
            6 if depth > 0 => Filter::Not(Box::new(self.filter(depth - 1))),
            _ => self.term(),
        }
    }
}

/// The filter as an object, where it says that some members are equal.
fn as_object(filter: &Filter) -> Option<Value> {
    let Filter::And(members) = filter else { return None };
    let mut object = Map::new();
    for member in members {
        let Filter::Term(path, "eq", value) = member else { return None };
        if object.insert(path.clone(), serde_json::from_str(value).ok()?).is_some() {
            return None;
        }
    }
    Some(Value::Object(object))
}

/// Tries so many random filters, others for each seed.
async fn random_filters_find_whom_a_brute_force_finds(seed: u64) {
    const PEOPLE: usize = 100;
    const FILTERS: usize = 500;
    let crm = Service::start().await.crm().await;
    let mut dice = Dice(seed);
    let people = people(&crm, PEOPLE, &mut dice).await;
    let (mut found_some, mut objects, mut tried) = (0, 0, 0);
    let mut maker = Maker { dice, people: &people };
    while tried < FILTERS {
        let depth = maker.dice.roll(4);
        let mut filter = maker.filter(depth);
        // A walk of the listing takes longest: most filters have something that is looked up.
        if maker.dice.chance(85) {
            filter = Filter::And(vec![maker.indexed(), filter]);
        }
        let written = filter.to_string();
        if terms(&filter) > 10 || written.len() > 2048 {
            continue;
        }
        tried += 1;
        let asked = as_object(&filter).filter(|_| maker.dice.chance(50));
        objects += usize::from(asked.is_some());
        let asked = asked.unwrap_or_else(|| json!(written));
        let due: BTreeSet<_> =
            people.iter().filter(|user| filter.holds(user)).map(|user| text(user, "id")).collect();
        let small = maker.dice.chance(30);
        let limit = || if small { 1 + due.len() / 4 + maker.dice.roll(9) } else { 100 }.min(100);
        let users = follow(&crm, &asked, limit).await;
        let found: BTreeSet<_> = users.iter().map(|user| text(user, "id")).collect();
        assert_eq!(found.len(), users.len(), "somebody comes twice: {asked}");
        let names = |ids: BTreeSet<String>| -> Vec<&Value> {
            people.iter().filter(|user| ids.contains(user["id"].as_str().unwrap())).collect()
        };
        assert!(
            found == due,
            "{asked}\nmissed: {:?}\nextra: {:?}",
            names(&due - &found),
            names(&found - &due)
        );
        found_some += usize::from(!found.is_empty() && found.len() < PEOPLE);
    }
    assert!(found_some > FILTERS / 3, "{found_some} of the filters tell somebody from others");
    eprintln!("{found_some} of {FILTERS} filters find some and not all, {objects} are objects");
    assert!(objects > 2, "{objects} filters were objects");
}

macro_rules! seeds {
    ($($name:ident: $seed:literal,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                random_filters_find_whom_a_brute_force_finds($seed).await;
            }
        )*
    };
}

seeds! {
    h7_random_filters_find_each_of_those_whom_a_brute_force_finds_once: 6,
    h7_random_filters_of_another_seed_do: 7,
    h7_random_filters_of_a_third_seed_do: 8,
    h7_random_filters_of_a_fourth_seed_do: 9,
}
