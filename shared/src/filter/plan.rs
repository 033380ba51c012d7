//! How a filter is planned: which look-ups lead to every user who can fulfil it.
//!
//! `and` needs the look-ups of one of its members, the most selective as far as its kind tells;
//! `or` needs those of all of them. A term without a look-up, and each negated term, needs the
//! listing.

use std::fmt;

use crate::domain::definition::{AttributeDefinition, Search};
use crate::domain::id::{DefinitionId, PartyId, TenantId};
use crate::domain::lookup::{Lookup, cut};
use crate::domain::schema::Schema;
use crate::domain::system_profile::SystemProfile;
use crate::domain::user::UserKind;
use crate::env::Timestamp;
use crate::store::listing::ChangeWindow;
use crate::store::users::StoredUser;

use super::expression::{Comparison, Expression, Operator, Value};
use super::field::{FieldPath, FilterField};
use super::persona_field::PersonaField;
use super::{PersonaTerm, Term};

/// A source of candidates for a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateSource {
    /// The user with this id.
    Id(String),
    /// The users of a look-up.
    Lookup(Lookup),
    /// The users with a value of the attribute that starts so.
    Prefix {
        /// The name of a predefined field, or the id of the attribute.
        attribute: String,
        /// The start.
        start: String,
    },
    /// All users of the tenant, or users that were changed between these times.
    Listing(ChangeWindow),
}

impl fmt::Display for CandidateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "I#{id}"),
            Self::Lookup(lookup) => write!(f, "{lookup}"),
            Self::Prefix { attribute, start } => write!(f, "S#{attribute}#{start}"),
            Self::Listing(ChangeWindow { from, until }) => {
                write!(f, "L")?;
                [from, until].into_iter().try_for_each(|bound| match bound {
                    Some(time) => write!(f, "#{time}"),
                    None => write!(f, "#"),
                })
            }
        }
    }
}

impl CandidateSource {
    /// Whether it leads to a user in the state in which the user was read: by the look-ups that the
    /// user owns.
    #[must_use]
    pub fn finds(&self, user: &StoredUser) -> bool {
        match self {
            Self::Id(id) => user.value.id.to_string() == *id,
            Self::Lookup(lookup) => user.lookups().contains(lookup),
            Self::Prefix { .. } => self.first_of(user).is_some(),
            Self::Listing(_) => true,
        }
    }

    /// Whether it leads to a user at this position. A start leads to a user by each value that
    /// starts so; the first one counts.
    #[must_use]
    pub fn finds_at(&self, user: &StoredUser, tenant: &TenantId, position: &str) -> bool {
        match self {
            Self::Prefix { .. } => self
                .first_of(user)
                .is_some_and(|lookup| user.has_entry_at(tenant, lookup, position)),
            _ => self.finds(user),
        }
    }

    fn first_of<'u>(&self, user: &'u StoredUser) -> Option<&'u Lookup> {
        let Self::Prefix { attribute, start } = self else { return None };
        user.lookups().iter().find(|lookup| match lookup {
            Lookup::Prefix { attribute: of, folded } => {
                of == attribute && folded.starts_with(cut(start))
            }
            _ => false,
        })
    }

    /// Its name in the explanation of a plan.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Lookup(_) => "look-up",
            Self::Prefix { .. } => "prefix",
            Self::Listing(_) => "listing",
        }
    }
}

/// A source of a plan, and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The field whose values are looked up; none where the listing is walked from end to end.
    pub by: Option<String>,
    /// The operator.
    pub operator: Option<Operator>,
    /// Where users are looked for.
    pub source: CandidateSource,
    /// How selective it is, as far as its kind tells; less is better.
    rank: u8,
}

/// The branch that walks the listing, as far as the filter bounds when users were changed; none
/// when its bounds leave no time.
pub(super) fn listing(expression: &Expression<Term>) -> Option<Branch> {
    let (from, until) = bounds(expression);
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        return None;
    }
    let operator = match (from, until) {
        (Some(_), _) => Some(Operator::GreaterOrEqual),
        (None, Some(_)) => Some(Operator::LessOrEqual),
        (None, None) => None,
    };
    let by = operator.map(|_| FilterField::UpdatedAt.name().to_owned());
    Some(Branch {
        by,
        operator,
        source: CandidateSource::Listing(ChangeWindow { from, until }),
        rank: u8::MAX,
    })
}

/// The first and the last possible time of change of users who can fulfil it.
fn bounds(expression: &Expression<Term>) -> (Option<Timestamp>, Option<Timestamp>) {
    match expression {
        Expression::And(members) => {
            members.iter().map(bounds).fold((None, None), |(from, until), (other, end)| {
                let last = [until, end].into_iter().flatten().min();
                (from.max(other), last)
            })
        }
        Expression::Term(Term::Of(FieldPath::Field(FilterField::UpdatedAt), comparison, _)) => {
            match comparison {
                Comparison::Equal(Value::Time(time)) => (Some(*time), Some(*time)),
                Comparison::Order(
                    Operator::Greater | Operator::GreaterOrEqual,
                    Value::Time(time),
                ) => (Some(*time), None),
                Comparison::Order(_, Value::Time(time)) => (None, Some(*time)),
                _ => (None, None),
            }
        }
        _ => (None, None),
    }
}

/// Plans filters.
pub(super) struct Planner<'p> {
    pub(super) schema: &'p Schema,
    /// The system whose profiles are looked for, and not users.
    pub(super) system: Option<&'p PartyId>,
}

impl Planner<'_> {
    /// The branches that lead to every user who can fulfil the expression; `None` if only the
    /// listing does.
    pub(super) fn branches(&self, expression: &Expression<Term>) -> Option<Vec<Branch>> {
        match expression {
            Expression::And(members) => members
                .iter()
                .filter_map(|member| self.branches(member))
                .min_by_key(|found| cost(found)),
            Expression::Or(members) => {
                let mut all: Vec<Branch> = Vec::new();
                for branch in members
                    .iter()
                    .map(|member| self.branches(member))
                    .collect::<Option<Vec<_>>>()?
                    .concat()
                {
                    if all.iter().all(|other| other.source != branch.source) {
                        all.push(branch);
                    }
                }
                Some(all)
            }
            Expression::Not(_) => None,
            Expression::Term(Term::Of(path, comparison, None)) => self.of_term(*path, comparison),
            Expression::Term(Term::Of(path, comparison, Some(earlier))) => {
                let mut branches = self.of_term(*path, comparison)?;
                let earlier = match comparison {
                    Comparison::Part(operator, _) => Comparison::Part(*operator, earlier.clone()),
                    _ => Comparison::Equal(Value::Text(earlier.clone())),
                };
                branches.extend(self.of_term(*path, &earlier)?);
                Some(branches)
            }
            Expression::Term(Term::Personas(wanted)) => self.of_personas(wanted.as_ref()?),
        }
    }

    fn of_term(&self, path: FieldPath, comparison: &Comparison) -> Option<Vec<Branch>> {
        let (operator, wanted) = match comparison {
            Comparison::Equal(Value::Text(wanted) | Value::Number(wanted)) => {
                (Operator::Equal, wanted)
            }
            Comparison::Part(Operator::StartsWith, start) => (Operator::StartsWith, start),
            _ => return None,
        };
        let (attribute, by, found) = match path {
            // Most users are persons: they have no entry for it.
            FieldPath::Field(FilterField::Kind) if wanted == UserKind::Person.name() => {
                return None;
            }
            FieldPath::Field(field) => {
                (field.name().to_owned(), field.name().to_owned(), FieldLookups::of_field(field)?)
            }
            FieldPath::Attribute(id, _) => {
                let definition = self.schema.attribute(id)?;
                let by = format!("attributes.{}.{}", definition.category, definition.name);
                (id.to_string(), by, FieldLookups::of_attribute(definition)?)
            }
        };
        let source = match operator {
            Operator::Equal => match found.equal {
                LookupKind::Id => CandidateSource::Id(wanted.clone()),
                LookupKind::Unique => CandidateSource::Lookup(Lookup::unique(&attribute, wanted)),
                LookupKind::Email => CandidateSource::Lookup(Lookup::email(wanted)),
                LookupKind::Exact => CandidateSource::Lookup(Lookup::exact(&attribute, wanted)),
                LookupKind::Prefix => CandidateSource::Lookup(Lookup::prefix(&attribute, wanted)),
            },
            // Overrides have look-ups of whole values only.
            _ if !found.by_start || self.system.is_some() => return None,
            _ => CandidateSource::Prefix { attribute: attribute.clone(), start: wanted.clone() },
        };
        let rank = if operator == Operator::Equal { found.rank } else { BY_START };
        // A system cannot override unique values.
        let overriding =
            self.system.filter(|_| !matches!(found.equal, LookupKind::Id | LookupKind::Unique));
        let overriding = overriding.map(|system| {
            CandidateSource::Lookup(SystemProfile::lookup(system, &attribute, wanted))
        });
        let branch =
            |source| Branch { by: Some(by.clone()), operator: Some(operator), source, rank };
        Some(std::iter::once(source).chain(overriding).map(branch).collect())
    }

    /// A persona is found by its definition, and by one element of its scope if the filter names
    /// that too.
    fn of_personas(&self, wanted: &Expression<PersonaTerm>) -> Option<Vec<Branch>> {
        let definitions = self.definitions(wanted)?;
        let branch = |definition, scope: Option<&str>| Branch {
            by: Some("personas".to_owned()),
            operator: Some(Operator::Equal),
            source: CandidateSource::Lookup(Lookup::persona(definition, scope)),
            rank: if scope.is_some() { 8 } else { 10 },
        };
        let Some(scopes) = scopes(wanted) else {
            return Some(
                definitions.into_iter().map(|definition| branch(definition, None)).collect(),
            );
        };
        let pairs = definitions
            .into_iter()
            .flat_map(|definition| scopes.iter().map(move |scope| (definition, scope)));
        Some(pairs.map(|(definition, scope)| branch(definition, Some(scope))).collect())
    }

    /// The definitions of which a persona is that can fulfil it.
    fn definitions(&self, wanted: &Expression<PersonaTerm>) -> Option<Vec<DefinitionId>> {
        necessary(wanted, &|term| match (term.field, &term.comparison) {
            (PersonaField::Name, Comparison::Equal(Value::Text(name))) => {
                let named =
                    self.schema.personas.values().filter(|definition| definition.name == *name);
                Some(named.map(|definition| definition.id).collect())
            }
            (PersonaField::Definition, Comparison::Equal(Value::Text(id))) => {
                Some(id.parse().into_iter().collect())
            }
            _ => None,
        })
    }
}

/// Elements one of which is in the scope of a persona that can fulfil it.
fn scopes(wanted: &Expression<PersonaTerm>) -> Option<Vec<String>> {
    necessary(wanted, &|term| match (term.field, &term.comparison) {
        (PersonaField::Scope, Comparison::Equal(Value::Text(scope))) => Some(vec![scope.clone()]),
        _ => None,
    })
}

/// Values one of which is there where the expression holds; `None` when its terms do not say.
fn necessary<V: Clone + PartialEq>(
    wanted: &Expression<PersonaTerm>,
    of_term: &impl Fn(&PersonaTerm) -> Option<Vec<V>>,
) -> Option<Vec<V>> {
    match wanted {
        Expression::And(members) => {
            members.iter().filter_map(|member| necessary(member, of_term)).min_by_key(Vec::len)
        }
        Expression::Or(members) => {
            let mut all: Vec<V> = Vec::new();
            for value in members
                .iter()
                .map(|member| necessary(member, of_term))
                .collect::<Option<Vec<_>>>()?
                .concat()
            {
                if !all.contains(&value) {
                    all.push(value);
                }
            }
            Some(all)
        }
        Expression::Not(_) => None,
        Expression::Term(term) => of_term(term),
    }
}

/// How selective a list of branches is: as its least selective one.
fn cost(branches: &[Branch]) -> (u8, usize) {
    (branches.iter().map(|branch| branch.rank).max().unwrap_or_default(), branches.len())
}

/// How selective the start of a value is.
const BY_START: u8 = 9;

/// The look-ups that find the values of a field.
struct FieldLookups {
    equal: LookupKind,
    by_start: bool,
    rank: u8,
}

impl FieldLookups {
    fn of_field(field: FilterField) -> Option<Self> {
        let (equal, rank) = match field {
            FilterField::Id => (LookupKind::Id, 1),
            FilterField::Username | FilterField::IdAtCustomer => (LookupKind::Unique, 2),
            FilterField::PreferredEmail => (LookupKind::Email, 4),
            FilterField::FamilyName => (LookupKind::Prefix, 6),
            FilterField::GivenName => (LookupKind::Prefix, 7),
            FilterField::Kind => (LookupKind::Exact, 11),
            _ => return None,
        };
        Some(Self { equal, by_start: equal == LookupKind::Prefix, rank })
    }

    fn of_attribute(definition: &AttributeDefinition) -> Option<Self> {
        let search = definition.effective_search();
        let by_start = search == Search::Prefix;
        let (equal, rank) = match (definition.unique, search) {
            (true, _) => (LookupKind::Unique, 3),
            (false, Search::Exact) => (LookupKind::Exact, 5),
            (false, Search::Prefix) => (LookupKind::Prefix, 5),
            (false, Search::None) => return None,
        };
        Some(Self { equal, by_start, rank })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LookupKind {
    Id,
    Unique,
    Email,
    Exact,
    Prefix,
}
