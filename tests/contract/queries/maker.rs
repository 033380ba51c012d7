//! Random filters about generated people.

use serde_json::{Value, json};

use super::brute_force::{Filter, fold};
use super::crowd::{Dice, NUMBERS};

/// Makes random filters about some people.
pub(super) struct Maker<'p> {
    pub(super) dice: Dice,
    pub(super) people: &'p [Value],
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

    /// A filter with a look-up.
    pub(super) fn indexed(&mut self) -> Filter {
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

    pub(super) fn filter(&mut self, depth: usize) -> Filter {
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
