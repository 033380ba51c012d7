//! Filters: what a query asks for, read from the SCIM grammar (RFC 7644 §3.4.2.2) or from an object whose members must all be
//! equal.
//!
//! A filter is a list of terms that must all hold. One of them is answered from a look-up, the others are compared with the users
//! that it finds.

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter as Scim, ValFilter};
use shared::domain::definition::{AttributeDefinition, Kind, Search};
use shared::domain::error::{Error, Result};
use shared::domain::id::{BaseId, DefinitionId, PartyId, ProfileId, TenantId, UserId, UserName};
use shared::domain::lookup::Lookup;
use shared::domain::schema::Schema;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::{Json, format, text};
use shared::store::Table;

/// The longest filter, in bytes.
const MAX_FILTER: usize = 2048;
/// The most terms of a filter.
const MAX_TERMS: usize = 10;

/// The predefined fields that a term can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Id,
    Username,
    IdAtCustomer,
    PreferredEmail,
    FamilyName,
    GivenName,
}

impl Field {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Id, "id"),
        (Self::Username, "username"),
        (Self::IdAtCustomer, "id_at_customer"),
        (Self::PreferredEmail, "preferred_email"),
        (Self::FamilyName, "family_name"),
        (Self::GivenName, "given_name"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(field, _)| field)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    /// The form in which values of the field are compared; `None` when no user can have the value.
    fn comparable(self, value: &str) -> Option<String> {
        match self {
            Self::Id => value.parse::<UserName>().ok().map(|name| match name {
                UserName::User(id) => id.to_string(),
                UserName::Base(base) => base.to_string(),
            }),
            Self::Username => text::username(value),
            Self::IdAtCustomer => Some(value.to_owned()),
            Self::PreferredEmail => text::email(value),
            Self::FamilyName | Self::GivenName => text::folded(value),
        }
    }

    fn of(self, user: &User) -> Option<String> {
        let value = match self {
            Self::Id => Some(user.id.to_string()),
            Self::Username => Some(user.username.clone()),
            Self::IdAtCustomer => user.id_at_customer.clone(),
            Self::PreferredEmail => user.preferred_email.clone(),
            Self::FamilyName => user.family_name.clone(),
            Self::GivenName => user.given_name.clone(),
        };
        value.and_then(|value| self.comparable(&value))
    }
}

/// One condition on a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The field's comparable value is this one.
    Field(Field, Option<String>),
    /// The attribute has this comparable value among its values.
    Attribute(DefinitionId, String),
    /// The user has a persona of this definition, with this in its scope if it is named.
    /// A definition that does not exist nobody has one of.
    Persona(Option<DefinitionId>, Option<String>),
    /// Nobody fulfils it: it names a value that no profile can hold.
    Nobody,
}

/// How a query is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// No user can match.
    Nobody,
    /// The user with this id.
    User(UserId),
    /// The users of this look-up.
    Lookup(Lookup),
}

/// Where the system profiles are looked for that may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// No profile can match.
    Nobody,
    /// The profile with this id.
    Profile(ProfileId),
    /// The profiles of the users of these look-ups.
    Users(Vec<Lookup>),
}

/// A filter whose terms must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter; one that names what cannot be searched is refused.
    pub fn read(filter: &Json, schema: &Schema) -> Result<Self> {
        if filter.to_text().len() > MAX_FILTER {
            return Err(Error::Malformed(format!("the filter is longer than {MAX_FILTER} bytes")));
        }
        let mut terms = Vec::new();
        match filter {
            Json::String(text) => {
                let parsed: Scim = spread_paths(text)
                    .parse()
                    .map_err(|_| Error::Malformed("the filter does not follow the SCIM grammar".to_owned()))?;
                read_scim(&parsed, schema, &mut terms)?;
            }
            Json::Object(members) => {
                for (name, wanted) in members {
                    terms.push(read_member(name, wanted, schema)?);
                }
            }
            other => {
                return Err(Error::Malformed(format!("a filter is a string or an object, not {}", other.kind())));
            }
        }
        match terms.len() {
            0 => Err(Error::Malformed("the filter has no terms".to_owned())),
            n if n > MAX_TERMS => {
                Err(Error::Malformed(format!("the filter has {n} terms, at most {MAX_TERMS} are allowed")))
            }
            _ => Ok(Self { terms }),
        }
    }

    /// Puts users' ids in the place of the base profile ids that the filter names.
    pub async fn name_users(&mut self, table: &Table, tenant: &TenantId) -> Result<()> {
        for term in &mut self.terms {
            if let Term::Field(Field::Id, Some(id)) = term
                && let Ok(base) = id.parse::<BaseId>()
            {
                let found = table.find_base(tenant, &base).await?;
                *term = found.map_or(Term::Nobody, |base| Term::Field(Field::Id, Some(base.user.to_string())));
            }
        }
        Ok(())
    }

    /// Reads a filter of system profiles, which have neither personas nor what is the customer's own of a person.
    pub fn of_profiles(filter: &Json, schema: &Schema) -> Result<Self> {
        let filter = Self::read(filter, schema)?;
        let foreign = filter.terms.iter().find_map(|term| match term {
            Term::Field(field @ (Field::Username | Field::IdAtCustomer), _) => Some(field.name()),
            Term::Persona(..) => Some("personas"),
            Term::Field(..) | Term::Attribute(..) | Term::Nobody => None,
        });
        match foreign {
            Some(name) => Err(unsupported(format!("system profiles have no `{name}` to filter by"))),
            None => Ok(filter),
        }
    }

    /// Chooses the term that finds the fewest users, as far as its kind tells.
    pub fn plan(&self, schema: &Schema) -> Result<(Plan, String)> {
        let best = self.terms.iter().filter_map(|term| plan(term, schema)).min_by_key(|(rank, _, _)| *rank);
        best.map(|(_, plan, name)| (plan, name)).ok_or_else(|| unsupported("no term of the filter can be searched"))
    }

    /// Where the profiles of a system are looked for: among those of the users whose base profile has a value of the filter, and of those who
    /// have it in this system instead.
    pub fn candidates(&self, system: &PartyId, schema: &Schema) -> Result<Candidates> {
        let planned = self.terms.iter().filter_map(|term| plan(term, schema).map(|(rank, plan, _)| (rank, plan, term)));
        let best = planned.min_by_key(|(rank, _, _)| *rank);
        let (_, plan, term) = best.ok_or_else(|| unsupported("no term of the filter can be searched"))?;
        Ok(match plan {
            Plan::Nobody => Candidates::Nobody,
            Plan::User(id) => id.to_string().parse().map_or(Candidates::Nobody, Candidates::Profile),
            Plan::Lookup(lookup) => {
                let overriding = match term {
                    Term::Field(field, Some(wanted)) => Some(SystemProfile::lookup(system, field.name(), wanted)),
                    Term::Attribute(id, wanted) => Some(SystemProfile::lookup(system, id, wanted)),
                    Term::Field(_, None) | Term::Persona(..) | Term::Nobody => None,
                };
                Candidates::Users(std::iter::once(lookup).chain(overriding).collect())
            }
        })
    }

    /// Whether there is one term only.
    pub fn is_single(&self) -> bool {
        self.terms.len() == 1
    }

    /// Whether a user fulfils every term.
    pub fn matches(&self, user: &User, schema: &Schema) -> bool {
        self.matches_as(&user.id.to_string(), user, schema)
    }

    /// Whether what a system sees of a user fulfils every term, where the user goes by another id.
    pub fn matches_as(&self, id: &str, user: &User, schema: &Schema) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Field(Field::Id, wanted) => wanted.as_deref() == Some(id),
            Term::Field(field, wanted) => wanted.is_some() && field.of(user) == *wanted,
            Term::Attribute(id, wanted) => {
                let data_format = schema.attribute(*id).map(|definition| definition.data_format);
                let values = user.attributes.get(id).map(Vec::as_slice).unwrap_or_default();
                data_format
                    .is_some_and(|data_format| values.iter().any(|v| format::comparable(v, data_format) == *wanted))
            }
            Term::Persona(definition, scope) => user.personas.iter().any(|persona| {
                Some(persona.definition) == *definition
                    && scope.as_ref().is_none_or(|scope| persona.scope.contains(scope))
            }),
            Term::Nobody => false,
        })
    }
}

fn unsupported(detail: impl Into<String>) -> Error {
    Error::UnsupportedFilter(detail.into())
}

/// The SCIM grammar knows one dot in a path; `attributes.<category>.<name>` becomes `<category>.<name>` of an attributes URI.
fn spread_paths(text: &str) -> String {
    let mut spread = String::with_capacity(text.len() + 16);
    let mut quoted = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at_word = spread
            .chars()
            .last()
            .is_none_or(|before| !before.is_ascii_alphanumeric() && !matches!(before, '.' | '_' | '-' | ':'));
        if !quoted
            && at_word
            && let Some(path) = rest.strip_prefix("attributes.")
        {
            spread.push_str("urn:kith:attributes:");
            rest = path;
            continue;
        }
        if !quoted && at_word && (c == '-' || c.is_ascii_digit()) {
            // As a string: the grammar's parser would round a number to 64 bits.
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.')).unwrap_or(rest.len());
            let (number, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            spread.extend(["\"", number, "\""]);
            rest = after;
            continue;
        }
        if quoted && c == '\\' {
            let pair: String = rest.chars().take(2).collect();
            spread.push_str(&pair);
            rest = rest.get(pair.len()..).unwrap_or_default();
            continue;
        }
        quoted ^= c == '"';
        spread.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    spread
}

fn read_scim(filter: &Scim, schema: &Schema, terms: &mut Vec<Term>) -> Result<()> {
    match filter {
        Scim::Attr(AttrExp::Comparison(path, CompareOp::Eq, wanted)) => {
            terms.push(read_comparison(path, wanted, schema)?);
        }
        Scim::And(operands) => {
            for operand in operands.as_slice() {
                read_scim(operand, schema, terms)?;
            }
        }
        Scim::ValuePath(path) if path.attr.uri.is_none() && path.attr.name.eq_ignore_ascii_case("personas") => {
            let mut members = Vec::new();
            read_persona_filter(&path.filter, &mut members)?;
            terms.push(read_persona(&members, schema)?);
        }
        _ => {
            return Err(unsupported("filters are made of `eq`, `and` and `personas[…]`"));
        }
    }
    Ok(())
}

fn read_comparison(path: &AttrPath, wanted: &CompValue, schema: &Schema) -> Result<Term> {
    let wanted = match wanted {
        CompValue::Str(text) => Json::String(text.clone()),
        CompValue::Number(number) => Json::Number(number.to_string()),
        CompValue::True => Json::Bool(true),
        CompValue::False => Json::Bool(false),
        CompValue::Null => Json::Null,
    };
    match (&path.uri, &path.sub_attr) {
        (Some(_), Some(name)) => read_member(&format!("attributes.{}.{name}", path.name), &wanted, schema),
        (None, None) => read_member(&path.name, &wanted, schema),
        _ => Err(unsupported(format!("there is no field `{}` to filter by", path.name))),
    }
}

fn read_persona_filter(filter: &ValFilter, members: &mut Vec<(String, Json)>) -> Result<()> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(wanted)))
            if path.sub_attr.is_none() =>
        {
            members.push((path.name.clone(), Json::from(wanted)));
            Ok(())
        }
        ValFilter::And(operands) => {
            operands.as_slice().iter().try_for_each(|operand| read_persona_filter(operand, members))
        }
        _ => Err(unsupported("personas are filtered by `eq` and `and`")),
    }
}

fn read_member(name: &str, wanted: &Json, schema: &Schema) -> Result<Term> {
    if name == "personas" {
        let Json::Object(members) = wanted else {
            return Err(unsupported("personas are filtered by an object, or by `personas[…]`"));
        };
        let members: Vec<_> = members.iter().map(|(name, wanted)| (name.clone(), wanted.clone())).collect();
        return read_persona(&members, schema);
    }
    if let Some(path) = name.strip_prefix("attributes.") {
        let definition = path.split_once('.').and_then(|(category, name)| schema.attribute_named(category, name));
        let definition = definition.ok_or_else(|| unsupported(format!("no attribute `{path}` is defined")))?;
        if definition.search == Search::None && !definition.unique {
            return Err(unsupported(format!("the attribute `{path}` cannot be searched")));
        }
        // Until the first value is stored, how it is searched may change.
        let searched = !definition.unique && !schema.verified;
        if searched && schema.mark(Kind::Attribute, &definition.id.to_string()).is_some_and(|(_, used)| !used) {
            return Err(Error::Outdated);
        }
        return Ok(comparable(definition, wanted, schema)?.map_or(Term::Nobody, |w| Term::Attribute(definition.id, w)));
    }
    let field =
        Field::named(name).ok_or_else(|| unsupported(format!("`{name}` is no field that can be filtered by")))?;
    match wanted {
        Json::String(text) => Ok(Term::Field(field, field.comparable(text))),
        other => Err(unsupported(format!("`{name}` equals a string, not {}", other.kind()))),
    }
}

fn comparable(definition: &AttributeDefinition, wanted: &Json, schema: &Schema) -> Result<Option<String>> {
    match wanted {
        Json::String(text) | Json::Number(text) => Ok(format::wanted(text, definition, schema)),
        other => Err(unsupported(format!("`{}` equals a string or a number, not {}", definition.name, other.kind()))),
    }
}

fn read_persona(members: &[(String, Json)], schema: &Schema) -> Result<Term> {
    let mut definition = None;
    let mut scope = None;
    for (name, wanted) in members {
        let Json::String(wanted) = wanted else {
            return Err(unsupported("personas are filtered by strings"));
        };
        match name.as_str() {
            "name" => definition = Some(schema.personas.values().find(|p| p.name == *wanted).map(|p| p.id)),
            "persona_definition_id" => {
                definition = Some(wanted.parse().ok().and_then(|id| schema.persona(id)).map(|p| p.id));
            }
            "scope" => scope = Some(wanted.clone()),
            other => {
                return Err(unsupported(format!("personas cannot be filtered by `{other}`")));
            }
        }
    }
    match definition {
        Some(Some(id)) => Ok(Term::Persona(Some(id), scope)),
        // One that was made a moment ago may not be remembered yet.
        Some(None) if !schema.verified => Err(Error::Outdated),
        Some(None) => Ok(Term::Persona(None, scope)),
        None => Err(unsupported("a filter on personas names the definition: `name` or `persona_definition_id`")),
    }
}

fn plan(term: &Term, schema: &Schema) -> Option<(u8, Plan, String)> {
    Some(match term {
        Term::Nobody | Term::Field(_, None) | Term::Persona(None, _) => (0, Plan::Nobody, "none".to_owned()),
        Term::Field(field, Some(wanted)) => {
            let (rank, plan) = match field {
                Field::Id => (1, wanted.parse().map_or(Plan::Nobody, Plan::User)),
                Field::Username | Field::IdAtCustomer => (2, Plan::Lookup(Lookup::unique(field.name(), wanted))),
                Field::PreferredEmail => (4, Plan::Lookup(Lookup::email(wanted))),
                Field::FamilyName => (6, Plan::Lookup(Lookup::prefix(field.name(), wanted))),
                Field::GivenName => (7, Plan::Lookup(Lookup::prefix(field.name(), wanted))),
            };
            (rank, plan, field.name().to_owned())
        }
        Term::Attribute(id, wanted) => {
            let definition = schema.attribute(*id)?;
            let (rank, lookup) = match (definition.unique, definition.search) {
                (true, _) => (3, Lookup::unique(id, wanted)),
                (false, Search::Exact) => (5, Lookup::exact(id, wanted)),
                (false, Search::Prefix) => (5, Lookup::prefix(id, wanted)),
                (false, Search::None) => return None,
            };
            (rank, Plan::Lookup(lookup), format!("attributes.{}.{}", definition.category, definition.name))
        }
        Term::Persona(Some(id), scope) => {
            let rank = if scope.is_some() { 8 } else { 9 };
            (rank, Plan::Lookup(Lookup::persona(*id, scope.as_deref())), "personas".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_attributes_are_spread_outside_of_quotes_only() {
        assert_eq!(
            spread_paths(r#"attributes.common.x eq "attributes.a\"attributes.b""#),
            r#"urn:kith:attributes:common.x eq "attributes.a\"attributes.b""#
        );
        assert_eq!(spread_paths("my-attributes.x eq true"), "my-attributes.x eq true");
        assert_eq!(spread_paths("(attributes.c.x eq \"1\")"), "(urn:kith:attributes:c.x eq \"1\")");
    }

    #[test]
    fn p1_numbers_in_filters_keep_their_digits() {
        assert_eq!(spread_paths("a eq 12345678901234567890.5"), "a eq \"12345678901234567890.5\"");
        assert_eq!(spread_paths("(a-1 eq -1e3) and b2 eq 7"), "(a-1 eq \"-1e3\") and b2 eq \"7\"");
    }
}
