//! A second implementation of filters: on the documents that the API shows, user by user.

use std::fmt;

use serde_json::Value;

/// A filter.
#[derive(Clone, Debug)]
pub enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// A path, an operator and the value as the filter writes it.
    Term(String, &'static str, String),
    /// A persona fulfils the expression.
    Personas(Box<Self>),
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, members: &[Self], word: &str| {
            for (i, member) in members.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                // `and` binds more tightly than `or`: what needs no parentheses has none.
                let bare = matches!(member, Self::Term(..) | Self::Not(_) | Self::Personas(_))
                    || (word == "or" && matches!(member, Self::And(_)));
                if bare { write!(f, "{member}")? } else { write!(f, "({member})")? }
            }
            Ok(())
        };
        match self {
            Self::And(members) => join(f, members, "and"),
            Self::Or(members) => join(f, members, "or"),
            Self::Not(member) => write!(f, "not ({member})"),
            Self::Term(path, "pr", _) => write!(f, "{path} pr"),
            Self::Term(path, operator, value) => write!(f, "{path} {operator} {value}"),
            Self::Personas(member) => write!(f, "personas[{member}]"),
        }
    }
}

/// How many terms there are.
pub fn terms(filter: &Filter) -> usize {
    match filter {
        Filter::And(members) | Filter::Or(members) => members.iter().map(terms).sum(),
        Filter::Not(member) | Filter::Personas(member) => terms(member),
        Filter::Term(..) => 1,
    }
}

pub fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A decimal number of at most three places, as thousandths.
fn thousandths(text: &str) -> i128 {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: i128 = format!("{whole}{fraction:0<3}").parse().unwrap();
    if negative { -number } else { number }
}

fn is_number(path: &str) -> bool {
    matches!(path.rsplit('.').next(), Some("size" | "digits"))
}

fn is_folded(path: &str) -> bool {
    matches!(
        path.rsplit('.').next(),
        Some("family_name" | "given_name" | "badge" | "tag" | "title" | "level")
    )
}

/// The text as which a value at a path compares.
fn comparable(path: &str, value: &str) -> String {
    match path.rsplit('.').next().unwrap() {
        "size" | "digits" if value.contains('.') => {
            value.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ if is_folded(path) => fold(value),
        "id_at_customer" | "phone" | "pin" | "scope" | "size" | "digits" => value.to_owned(),
        "name" if path.starts_with("personas") => value.to_owned(),
        "created_at" | "updated_at" | "last_login_at" | "valid_from" | "valid_until" => {
            in_utc(value)
        }
        _ => value.to_lowercase(),
    }
}

/// Times in filters are written in UTC or an hour east of it, in the same day.
fn in_utc(time: &str) -> String {
    let Some(local) = time.strip_suffix("+01:00") else { return time.to_owned() };
    let hour: u32 = local[11..13].parse().unwrap();
    format!("{}{:02}{}Z", &local[..11], hour - 1, &local[13..])
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn values(document: &Value, path: &str) -> Vec<String> {
    if let Some(name) = path.strip_prefix("attributes.common.") {
        return document["attributes"]["common"][name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(scalar)
            .collect();
    }
    if path == "ui_locales" {
        return document[path]
            .as_str()
            .into_iter()
            .flat_map(|tags| tags.split(' '))
            .map(str::to_owned)
            .collect();
    }
    match &document[path] {
        Value::Array(items) => items.iter().filter_map(scalar).collect(),
        value => scalar(value).into_iter().collect(),
    }
}

fn compares(path: &str, values: &[String], operator: &str, wanted: &str) -> bool {
    if operator == "pr" || wanted == "null" {
        return values.is_empty() == (operator == "eq");
    }
    let wanted: String = serde_json::from_str(wanted).unwrap_or_else(|_| wanted.to_owned());
    let whole = comparable(path, &wanted);
    // A part of a number is what it is, and one of a name may end at a space between words.
    let space = |there: bool| if there && is_folded(path) { " " } else { "" };
    let before = space(operator != "sw" && wanted.starts_with(' '));
    let after = space(operator != "ew" && wanted.ends_with(' '));
    let part = if is_number(path) { wanted.clone() } else { format!("{before}{whole}{after}") };
    let mut texts = values.iter().map(|value| comparable(path, value));
    match operator {
        "eq" => texts.any(|text| text == whole),
        "ne" => texts.all(|text| text != whole),
        "co" => texts.any(|text| text.contains(&part)),
        "sw" => texts.any(|text| text.starts_with(&part)),
        "ew" => texts.any(|text| text.ends_with(&part)),
        _ => texts.any(|text| {
            let order = if is_number(path) {
                thousandths(&text).cmp(&thousandths(&wanted))
            } else {
                text.as_bytes().cmp(whole.as_bytes())
            };
            match operator {
                "gt" => order.is_gt(),
                "ge" => order.is_ge(),
                "lt" => order.is_lt(),
                _ => order.is_le(),
            }
        }),
    }
}

impl Filter {
    /// Whether a user fulfils it.
    pub fn holds(&self, user: &Value) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.holds(user)),
            Self::Or(members) => members.iter().any(|member| member.holds(user)),
            Self::Not(member) => !member.holds(user),
            Self::Personas(member) => personas(user).iter().any(|persona| member.holds_of(persona)),
            Self::Term(path, operator, wanted) => match path.strip_prefix("personas.") {
                // As `personas[…]`; the opposites say that there is no such persona.
                Some(name) => {
                    let (operator, negated) = match (*operator, wanted.as_str()) {
                        ("ne", "null") => ("pr", false),
                        ("ne", _) => ("eq", true),
                        ("eq", "null") => ("pr", true),
                        (operator, _) => (operator, false),
                    };
                    let holds = |persona| compares(path, &values(persona, name), operator, wanted);
                    personas(user).iter().any(holds) != negated
                }
                None if path == "personas" => compares(
                    path,
                    &personas(user).iter().map(Value::to_string).collect::<Vec<_>>(),
                    operator,
                    wanted,
                ),
                None => compares(path, &values(user, path), operator, wanted),
            },
        }
    }

    /// Whether one persona fulfils it.
    fn holds_of(&self, persona: &Value) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.holds_of(persona)),
            Self::Or(members) => members.iter().any(|member| member.holds_of(persona)),
            Self::Not(member) => !member.holds_of(persona),
            Self::Personas(_) => unreachable!("personas have no personas"),
            Self::Term(name, operator, wanted) => {
                compares(&format!("personas.{name}"), &values(persona, name), operator, wanted)
            }
        }
    }
}

fn personas(user: &Value) -> &[Value] {
    user["personas"].as_array().map(Vec::as_slice).unwrap_or_default()
}
