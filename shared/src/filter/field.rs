//! The fields that filters can use: fields of profiles and of personas, how their values are
//! compared, and which operators they accept.

use crate::domain::definition::{AttributeDefinition, DataFormat, Search};
use crate::domain::error::{Error, Result};
use crate::domain::id::DefinitionId;
use crate::domain::lookup::BUCKET_CHARS;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::{Json, format, hashing, text};
use crate::env::Timestamp;

use super::expression::{Comparison, Operator, OperatorLevel, Value};
use super::unsupported;
use super::value_form::ValueForm;

/// The expected form of a time, for error messages.
const TIME: &str = "a time of RFC 3339, e.g. 2026-11-21T10:00:00Z";

/// A field of a profile or of a persona, or an attribute, as a filter names it.
#[derive(Debug)]
pub(super) struct NamedField<'s> {
    /// The name in the filter.
    pub name: String,
    /// How its values are compared.
    pub form: ValueForm,
    /// The operators it takes.
    pub level: OperatorLevel,
    /// The fewest characters that a start is looked for by.
    pub least_start: usize,
    /// The definition of an attribute.
    pub definition: Option<&'s AttributeDefinition>,
}

impl NamedField<'_> {
    /// The condition of a term on the values, and whether it is negated.
    pub(super) fn compare(
        &self,
        operator: Operator,
        wanted: &Json,
        schema: &Schema,
    ) -> Result<(Comparison, bool)> {
        let Self { name, form, level, .. } = self;
        if operator.level() > *level {
            let operator = operator.name();
            return Err(unsupported(format!(
                "cannot compare `{name}` by `{operator}`; it takes {}",
                level.operators()
            )));
        }
        let negated = operator == Operator::NotEqual;
        match (operator, wanted) {
            (Operator::Present, _) => Ok((Comparison::Present, false)),
            (Operator::Equal | Operator::NotEqual, Json::Null) => {
                Ok((Comparison::Present, !negated))
            }
            (Operator::Equal | Operator::NotEqual, _) => {
                Ok((Comparison::Equal(self.value(wanted, schema)?), negated))
            }
            (
                Operator::Contains | Operator::StartsWith | Operator::EndsWith,
                Json::String(part) | Json::Number(part),
            ) if wanted.as_str().is_some() || *form == ValueForm::Number => {
                let part = form.of_part(part, operator);
                if operator == Operator::StartsWith
                    && part.trim().chars().count() < self.least_start
                {
                    let least = self.least_start;
                    return Err(unsupported(format!(
                        "expected at least {least} characters after `{name} sw`"
                    )));
                }
                Ok((Comparison::Part(operator, part), false))
            }
            (Operator::Contains | Operator::StartsWith | Operator::EndsWith, other) => {
                Err(self.refuse("a string", other))
            }
            (_, Json::Null) => Err(self.refuse("a value", wanted)),
            _ => Ok((Comparison::Order(operator, self.value(wanted, schema)?), false)),
        }
    }

    /// The text in the earlier form of index entries, if it differs from the compared text.
    pub(super) fn earlier(&self, comparison: &Comparison, wanted: &Json) -> Option<String> {
        let wanted = wanted.as_str()?;
        let (compared, whole) = match comparison {
            Comparison::Equal(Value::Text(text)) => (text, true),
            Comparison::Part(Operator::StartsWith, text) => (text, false),
            _ => return None,
        };
        let earlier = match self.form {
            ValueForm::Email if whole => text::earlier::email(wanted)?,
            ValueForm::Folded => text::earlier::folded(wanted),
            ValueForm::Exact => wanted.to_owned(),
            _ => return None,
        };
        (earlier != *compared).then_some(earlier)
    }

    /// The keyed hash that the wanted text had before composed forms were hashed, if it is another
    /// one.
    pub(super) fn earlier_hash(
        &self,
        comparison: &Comparison,
        wanted: &Json,
        schema: &Schema,
    ) -> Option<String> {
        let equal = self.form == ValueForm::Hash && matches!(comparison, Comparison::Equal(_));
        hashing::earlier_searchable(wanted.as_str().filter(|_| equal)?, self.definition?, schema)
    }

    fn value(&self, wanted: &Json, schema: &Schema) -> Result<Value> {
        match (self.form, wanted) {
            (ValueForm::Boolean, Json::Bool(wanted)) => Ok(Value::Boolean(*wanted)),
            (ValueForm::Boolean, other) => Err(self.refuse("true or false", other)),
            (ValueForm::Time, Json::String(text)) => {
                Timestamp::parse(text).map(Value::Time).ok_or_else(|| self.refuse(TIME, wanted))
            }
            (ValueForm::Time, other) => Err(self.refuse(TIME, other)),
            (ValueForm::Number, Json::String(text) | Json::Number(text)) => {
                match text::decimal(text) {
                    Some(number) => Ok(Value::Number(text::plain_decimal(&number).to_owned())),
                    None => {
                        Err(self
                            .refuse("a decimal number of at most 38 significant digits", wanted))
                    }
                }
            }
            (ValueForm::Number, other) => Err(self.refuse("a decimal number", other)),
            (ValueForm::Hash, Json::String(text)) => {
                let hash = self
                    .definition
                    .and_then(|definition| format::search_form(text, definition, schema));
                hash.map(Value::Text).ok_or(Error::Outdated)
            }
            (form, Json::String(text)) => Ok(Value::Text(form.of(text))),
            (_, other) => Err(self.refuse("a string", other)),
        }
    }

    fn refuse(&self, expected: &str, found: &Json) -> Error {
        let found = match found {
            Json::String(_) if matches!(self.form, ValueForm::Time | ValueForm::Number) => {
                "another text"
            }
            Json::Number(_) if self.form == ValueForm::Number => "another number",
            other => other.kind(),
        };
        unsupported(format!("cannot compare `{}`: expected {expected}, found {found}", self.name))
    }
}

/// A predefined field of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterField {
    Id,
    Username,
    IdAtCustomer,
    PreferredEmail,
    FamilyName,
    GivenName,
    UiLocales,
    EmailVerified,
    Status,
    Kind,
    LastLoginAt,
    CreatedAt,
    UpdatedAt,
}

impl FilterField {
    const ALL: [(Self, &'static str, ValueForm); 13] = [
        (Self::Id, "id", ValueForm::Id),
        (Self::Username, "username", ValueForm::Username),
        (Self::IdAtCustomer, "id_at_customer", ValueForm::Exact),
        (Self::PreferredEmail, "preferred_email", ValueForm::Email),
        (Self::FamilyName, "family_name", ValueForm::Folded),
        (Self::GivenName, "given_name", ValueForm::Folded),
        (Self::UiLocales, "ui_locales", ValueForm::Lower),
        (Self::EmailVerified, "email_verified", ValueForm::Boolean),
        (Self::Status, "status", ValueForm::Lower),
        (Self::Kind, "kind", ValueForm::Lower),
        (Self::LastLoginAt, "last_login_at", ValueForm::Time),
        (Self::CreatedAt, "created_at", ValueForm::Time),
        (Self::UpdatedAt, "updated_at", ValueForm::Time),
    ];

    /// The names of the fields, or of the fields of system profiles.
    pub(super) fn names(inherited: bool) -> impl Iterator<Item = &'static str> {
        Self::ALL
            .into_iter()
            .filter(move |(field, ..)| !inherited || field.is_inherited())
            .map(|(_, name, _)| name)
    }

    /// The field of this name; the grammar knows no case in names.
    pub(super) fn named(name: &str) -> Option<(Self, NamedField<'static>)> {
        let (field, name, form) =
            Self::ALL.into_iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name))?;
        Some((
            field,
            NamedField {
                least_start: field.least_start(),
                ..NamedField::plain(name.to_owned(), form)
            },
        ))
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(field, ..)| *field == self).map_or("", |(_, name, _)| name)
    }

    fn form(self) -> ValueForm {
        Self::ALL
            .into_iter()
            .find(|(field, ..)| *field == self)
            .map_or(ValueForm::Exact, |(.., form)| form)
    }

    /// Names are looked up by their start, and that needs a bucket.
    const fn least_start(self) -> usize {
        if matches!(self, Self::FamilyName | Self::GivenName) { BUCKET_CHARS } else { 0 }
    }

    /// Whether profiles of systems have it.
    pub(super) const fn is_inherited(self) -> bool {
        !matches!(
            self,
            Self::Username | Self::IdAtCustomer | Self::Status | Self::Kind | Self::LastLoginAt
        )
    }

    fn values(self, candidate: &Candidate<'_>) -> Vec<Value> {
        let user = candidate.user;
        let form = self.form();
        let text =
            |text: Option<&str>| text.map(|text| Value::Text(form.of(text))).into_iter().collect();
        let time = |time: Option<Timestamp>| time.map(Value::Time).into_iter().collect();
        match self {
            Self::Id => text(Some(&candidate.id)),
            Self::Username => text(Some(&user.username)),
            Self::IdAtCustomer => text(user.id_at_customer.as_deref()),
            Self::PreferredEmail => text(user.preferred_email.as_deref()),
            Self::FamilyName => text(user.family_name.as_deref()),
            Self::GivenName => text(user.given_name.as_deref()),
            Self::UiLocales => {
                let tags = user.ui_locales.iter().flat_map(|tags| tags.split(' '));
                tags.map(|tag| Value::Text(form.of(tag))).collect()
            }
            Self::EmailVerified => vec![Value::Boolean(user.email_verified)],
            Self::Status => text(Some(user.status.name())),
            Self::Kind => text(Some(user.kind.name())),
            Self::LastLoginAt => time(user.last_login_at),
            Self::CreatedAt => time(Some(candidate.created_at)),
            Self::UpdatedAt => time(Some(candidate.updated_at)),
        }
    }
}

/// A profile as a filter sees it.
pub struct Candidate<'u> {
    /// The id by which the caller knows the person.
    pub id: String,
    /// The content.
    pub user: &'u User,
    /// When the profile was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl<'u> From<&'u User> for Candidate<'u> {
    fn from(user: &'u User) -> Self {
        Self {
            id: user.id.to_string(),
            user,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A field of a profile or one of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldPath {
    /// A predefined field.
    Field(FilterField),
    /// A custom attribute.
    Attribute(DefinitionId, DataFormat),
}

impl FieldPath {
    /// The values of a profile.
    pub(super) fn values(self, candidate: &Candidate<'_>) -> Vec<Value> {
        match self {
            Self::Field(field) => field.values(candidate),
            Self::Attribute(id, format) => {
                let stored =
                    candidate.user.attributes.get(&id).map(Vec::as_slice).unwrap_or_default();
                let value = if format == DataFormat::Numeric { Value::Number } else { Value::Text };
                stored.iter().map(|stored| value(format::comparable(stored, format))).collect()
            }
        }
    }
}

impl<'s> NamedField<'s> {
    pub(super) fn plain(name: String, form: ValueForm) -> Self {
        Self { name, form, level: form.level(), least_start: 0, definition: None }
    }

    /// A custom attribute, as far as its definition lets it be searched.
    pub(super) fn attribute(definition: &'s AttributeDefinition) -> Result<Self> {
        let AttributeDefinition { category, name, .. } = definition;
        let name = format!("attributes.{category}.{name}");
        let searched = match definition.effective_search() {
            Search::Prefix => OperatorLevel::Parts,
            Search::Exact => OperatorLevel::Order,
            Search::None if definition.unique => OperatorLevel::Order,
            Search::None if definition.data_format == DataFormat::Hash => {
                return Err(unsupported(format!(
                    "cannot filter by `{name}`; values of HASH can never be searched"
                )));
            }
            Search::None if definition.raise.is_some() => {
                return Err(unsupported(format!(
                    "cannot filter by `{name}` yet; the index entries for its raised `search` are \
                     being made: try again in some minutes"
                )));
            }
            Search::None => {
                return Err(unsupported(format!(
                    "cannot filter by `{name}`; its definition has `search` `none` and is not \
                     `unique`"
                )));
            }
        };
        let form = match definition.data_format {
            DataFormat::Numeric => ValueForm::Number,
            DataFormat::Email => ValueForm::Email,
            DataFormat::Text | DataFormat::Enumeration => ValueForm::Folded,
            DataFormat::SearchableHash | DataFormat::Hash => ValueForm::Hash,
            DataFormat::Sms | DataFormat::Json => ValueForm::Exact,
        };
        let level = searched.min(form.level());
        Ok(Self { name, form, level, least_start: BUCKET_CHARS, definition: Some(definition) })
    }
}
