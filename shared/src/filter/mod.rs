//! Filters: what a query asks for, read from the SCIM grammar (RFC 7644 §3.4.2.2) or from an object
//! whose members must all be equal.
//!
//! A filter is planned: the plan lists look-ups that lead to every user who can fulfil it. The
//! whole filter is then compared with each of these users.

mod expression;
mod field;
mod grammar;
mod persona_field;
mod plan;
mod read;
pub mod search;
mod value_form;

use crate::domain::Json;
use crate::domain::error::{Error, Result, expected_not};
use crate::domain::id::{BaseId, PartyId, TenantId};
use crate::domain::schema::Schema;
use crate::store::Table;

pub use self::expression::Operator;
use self::expression::{Comparison, Expression, Value};
pub use self::field::Candidate;
use self::field::{FieldPath, FilterField};
use self::persona_field::PersonaField;
use self::plan::Planner;
pub use self::plan::{Branch, CandidateSource};
use self::read::Reader;

/// The longest filter, in bytes.
const MAX_FILTER: usize = 2048;
/// The most terms of a filter.
const MAX_TERMS: usize = 10;

/// A condition on a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// The values of a field or an attribute compare so; the text by which users are found who have
    /// an index entry of the earlier form, if it is another one (ADR 0048).
    Of(FieldPath, Comparison, Option<String>),
    /// A persona fulfils the expression; without an expression, the user has any persona.
    Personas(Option<Expression<PersonaTerm>>),
}

/// A condition on a persona.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PersonaTerm {
    field: PersonaField,
    comparison: Comparison,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Expression<Term>);

impl Filter {
    /// Reads a filter. Refuses fields that cannot be searched, and values that a field cannot have.
    pub fn read(filter: &Json, schema: &Schema) -> Result<Self> {
        Self::read_with(filter, Reader::new(schema, false))
    }

    fn read_with(filter: &Json, mut reader: Reader<'_>) -> Result<Self> {
        let length = filter.as_str().map_or_else(|| filter.to_text().len(), str::len);
        if length > MAX_FILTER {
            return Err(Error::Malformed(format!(
                "filter: expected at most {MAX_FILTER} bytes, found {length}"
            )));
        }
        let expression = match filter {
            Json::String(text) => reader.text(text)?,
            Json::Object(members) => reader.object(members)?,
            other => {
                return Err(Error::Malformed(format!(
                    "filter: {}",
                    expected_not("a string or an object", other)
                )));
            }
        };
        match reader.terms {
            0 => Err(Error::Malformed("filter: expected at least one term".to_owned())),
            n if n > MAX_TERMS => Err(Error::Malformed(format!(
                "filter: expected at most {MAX_TERMS} terms, found {n}"
            ))),
            _ => Ok(Self(expression)),
        }
    }

    /// Reads a filter of system profiles, which have neither personas nor fields that belong to the
    /// customer.
    pub fn of_profiles(filter: &Json, schema: &Schema) -> Result<Self> {
        let mut filter = Self::read_with(filter, Reader::new(schema, true))?;
        let foreign = filter.0.terms_mut().into_iter().find_map(|term| match term {
            Term::Of(FieldPath::Field(field), ..) if !field.is_inherited() => Some(field.name()),
            Term::Personas(_) => Some("personas"),
            Term::Of(..) => None,
        });
        match foreign {
            Some(name) => Err(unsupported(format!("cannot filter system profiles by `{name}`"))),
            None => Ok(filter),
        }
    }

    /// Puts users' ids in the place of the base profile ids that the filter names.
    pub async fn name_users(&mut self, table: &Table, tenant: &TenantId) -> Result<()> {
        for term in self.0.terms_mut() {
            if let Term::Of(
                FieldPath::Field(FilterField::Id),
                Comparison::Equal(Value::Text(id)),
                _,
            ) = term
                && let Ok(base) = id.parse::<BaseId>()
                && let Some(found) = table.find_base(tenant, &base).await?
            {
                *id = found.user.to_string();
            }
        }
        Ok(())
    }

    /// The branches in which users are looked for, one after another; where some can be found by no
    /// look-up, the one branch is the listing.
    #[must_use]
    pub fn plan(&self, schema: &Schema) -> Vec<Branch> {
        let planner = Planner { schema, system: None };
        planner.branches(&self.0).unwrap_or_else(|| plan::listing(&self.0).into_iter().collect())
    }

    /// The branches for profiles of a system: users whose base profile has a value of the filter,
    /// and users whose override has it.
    pub fn plan_profiles(&self, system: &PartyId, schema: &Schema) -> Result<Vec<Branch>> {
        let planner = Planner { schema, system: Some(system) };
        planner.branches(&self.0).ok_or_else(|| {
            unsupported("no term of the filter can be searched; compare a searchable field by `eq`")
        })
    }

    /// The fields that the filter names, each with its operator: the filter without its values.
    #[must_use]
    pub fn names(&self, schema: &Schema) -> Vec<String> {
        let mut filter = self.clone();
        let name = |term: &mut Term| match term {
            Term::Of(FieldPath::Field(field), comparison, _) => {
                format!("{} {}", field.name(), comparison.operator().name())
            }
            Term::Of(FieldPath::Attribute(id, _), comparison, _) => {
                let definition = schema.attribute(*id);
                let name = definition.map(|a| format!("{}.{}", a.category, a.name));
                let name = name.unwrap_or_else(|| id.to_string());
                format!("attributes.{name} {}", comparison.operator().name())
            }
            Term::Personas(_) => "personas".to_owned(),
        };
        filter.0.terms_mut().into_iter().map(name).collect()
    }

    /// Whether a profile fulfils the whole filter.
    #[must_use]
    pub fn matches(&self, candidate: &Candidate<'_>, schema: &Schema) -> bool {
        self.0.matches(&|term| match term {
            Term::Of(path, comparison, _) => comparison.matches(&path.values(candidate)),
            Term::Personas(None) => !candidate.user.personas.is_empty(),
            Term::Personas(Some(wanted)) => candidate.user.personas.iter().any(|persona| {
                wanted.matches(&|term| term.comparison.matches(&term.field.values(persona, schema)))
            }),
        })
    }
}

fn unsupported(detail: impl Into<String>) -> Error {
    Error::UnsupportedFilter(detail.into())
}
