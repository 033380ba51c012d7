//! The parsed filter: terms that are combined, and how values are compared.

use std::cmp::Ordering;

use crate::domain::text;
use crate::env::Timestamp;

/// Terms, combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression<T> {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A term holds.
    Term(T),
}

impl<T> Expression<T> {
    /// A term, or its opposite.
    pub(super) fn of(term: T, negated: bool) -> Self {
        let term = Self::Term(term);
        if negated { Self::Not(Box::new(term)) } else { term }
    }

    /// Whether it holds where `term` says which of its terms do.
    pub(super) fn matches(&self, term: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.matches(term)),
            Self::Or(members) => members.iter().any(|member| member.matches(term)),
            Self::Not(member) => !member.matches(term),
            Self::Term(own) => term(own),
        }
    }

    /// The terms, wherever they stand.
    pub(super) fn terms_mut(&mut self) -> Vec<&mut T> {
        match self {
            Self::And(members) | Self::Or(members) => {
                members.iter_mut().flat_map(Self::terms_mut).collect()
            }
            Self::Not(member) => member.terms_mut(),
            Self::Term(own) => vec![own],
        }
    }
}

/// An operator of the grammar (RFC 7644 §3.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// A value is equal.
    Equal,
    /// No value is equal.
    NotEqual,
    /// There is a value.
    Present,
    /// A value is greater.
    Greater,
    /// A value is greater or equal.
    GreaterOrEqual,
    /// A value is less.
    Less,
    /// A value is less or equal.
    LessOrEqual,
    /// A value contains the text.
    Contains,
    /// A value starts with the text.
    StartsWith,
    /// A value ends with the text.
    EndsWith,
}

/// Which operators are allowed; each level allows what those before it allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorLevel {
    /// Whether a value is there, and which.
    Equality,
    /// Which values come before others.
    Order,
    /// Parts of a value.
    Parts,
}

impl OperatorLevel {
    /// The operators, as a sentence names them.
    pub const fn operators(self) -> &'static str {
        match self {
            Self::Equality => "`eq`, `ne` and `pr`",
            Self::Order => "`eq`, `ne`, `gt`, `ge`, `lt`, `le` and `pr`",
            Self::Parts => "all operators",
        }
    }
}

impl Operator {
    /// The level that allows the operator.
    #[must_use]
    pub const fn level(self) -> OperatorLevel {
        match self {
            Self::Equal | Self::NotEqual | Self::Present => OperatorLevel::Equality,
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual => {
                OperatorLevel::Order
            }
            Self::Contains | Self::StartsWith | Self::EndsWith => OperatorLevel::Parts,
        }
    }

    /// The operator as the grammar writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Present => "pr",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
        }
    }
}

/// A value in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text, folded as its field folds it.
    Text(String),
    /// A decimal number with all its digits.
    Number(String),
    /// A time.
    Time(Timestamp),
    /// True or false.
    Boolean(bool),
}

impl Value {
    /// The text that parts are looked for in; times and booleans have none.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Time(_) | Self::Boolean(_) => "",
        }
    }

    /// The order of two values of one kind.
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Number(one), Self::Number(other)) => Some(text::decimal_order(one, other)),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(other)),
            (Self::Boolean(one), Self::Boolean(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

/// The condition of a term on a field's values. `ne` and `eq null` are the opposites of `eq` and
/// `pr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// There is a value.
    Present,
    /// A value is this one.
    Equal(Value),
    /// A value comes where the operator says, seen from this one.
    Order(Operator, Value),
    /// A value has this at its start, at its end or anywhere, as the operator says.
    Part(Operator, String),
}

impl Comparison {
    /// Its operator.
    pub(super) const fn operator(&self) -> Operator {
        match self {
            Self::Present => Operator::Present,
            Self::Equal(_) => Operator::Equal,
            Self::Order(operator, _) | Self::Part(operator, _) => *operator,
        }
    }

    /// Whether one of a field's values fulfils it.
    pub(super) fn matches(&self, values: &[Value]) -> bool {
        values.iter().any(|value| match self {
            Self::Present => true,
            Self::Equal(wanted) => value.order(wanted) == Some(Ordering::Equal),
            Self::Order(operator, bound) => {
                value.order(bound).is_some_and(|order| match operator {
                    Operator::Greater => order.is_gt(),
                    Operator::GreaterOrEqual => order.is_ge(),
                    Operator::Less => order.is_lt(),
                    _ => order.is_le(),
                })
            }
            Self::Part(Operator::StartsWith, part) => value.text().starts_with(part),
            Self::Part(Operator::EndsWith, part) => value.text().ends_with(part),
            Self::Part(_, part) => value.text().contains(part),
        })
    }
}
