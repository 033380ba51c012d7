//! How a filter is read: from the SCIM grammar, or from an object.

use crate::domain::Json;
use crate::domain::definition::DefinitionKind;
use crate::domain::error::{Error, Result};
use crate::domain::schema::Schema;
use crate::domain::suggest::did_you_mean;
use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter as Scim, ValFilter};

use super::expression::{Comparison, Expression, Operator, Value};
use super::field::{FieldPath, FilterField, NamedField};
use super::grammar::{self, ATTRIBUTES, NUMBER};
use super::persona_field::PersonaField;
use super::{PersonaTerm, Term, unsupported};

/// Reads the terms of one filter.
pub(super) struct Reader<'s> {
    schema: &'s Schema,
    /// Whether it is a filter of system profiles.
    profiles: bool,
    /// How many there are so far.
    pub(super) terms: usize,
}

impl<'s> Reader<'s> {
    pub(super) fn new(schema: &'s Schema, profiles: bool) -> Self {
        Self { schema, profiles, terms: 0 }
    }

    /// Reads the text of a filter (RFC 7644 §3.4.2.2).
    pub(super) fn text(&mut self, text: &str) -> Result<Expression<Term>> {
        self.scim(&grammar::parse(text).map_err(Error::Malformed)?)
    }

    /// Reads an object whose members must all be equal.
    pub(super) fn object(
        &mut self,
        members: &crate::domain::json::Object,
    ) -> Result<Expression<Term>> {
        let members = members.iter().map(|(name, wanted)| match wanted {
            Json::Object(members) if name.eq_ignore_ascii_case(PERSONAS) && !members.is_empty() => {
                let members = members
                    .iter()
                    .map(|(name, wanted)| self.of_persona(name, Operator::Equal, wanted));
                Ok(Expression::Term(Term::Personas(Some(Expression::And(
                    members.collect::<Result<_>>()?,
                )))))
            }
            wanted => self.term(name, Operator::Equal, wanted),
        });
        Ok(Expression::And(members.collect::<Result<_>>()?))
    }

    fn scim(&mut self, filter: &Scim) -> Result<Expression<Term>> {
        let mut all = |operands: &[Scim]| {
            operands.iter().map(|operand| self.scim(operand)).collect::<Result<_>>()
        };
        match filter {
            Scim::And(operands) => Ok(Expression::And(all(operands.as_slice())?)),
            Scim::Or(operands) => Ok(Expression::Or(all(operands.as_slice())?)),
            Scim::Not(operand) => Ok(Expression::Not(Box::new(self.scim(operand)?))),
            Scim::Attr(term) => {
                let (path, operator, wanted) = parts(term);
                self.term(&name_of(path)?, operator, &wanted)
            }
            Scim::ValuePath(path) if name_of(&path.attr)?.eq_ignore_ascii_case(PERSONAS) => {
                Ok(Expression::Term(Term::Personas(Some(self.personas(&path.filter)?))))
            }
            Scim::ValuePath(path) => Err(unsupported(format!(
                "cannot filter by `{}[…]`; only `personas[…]` takes brackets",
                path.attr.name
            ))),
        }
    }

    fn personas(&mut self, filter: &ValFilter) -> Result<Expression<PersonaTerm>> {
        let mut all = |operands: &[ValFilter]| {
            operands.iter().map(|operand| self.personas(operand)).collect::<Result<_>>()
        };
        match filter {
            ValFilter::And(operands) => Ok(Expression::And(all(operands.as_slice())?)),
            ValFilter::Or(operands) => Ok(Expression::Or(all(operands.as_slice())?)),
            ValFilter::Not(operand) => Ok(Expression::Not(Box::new(self.personas(operand)?))),
            ValFilter::Attr(term) => {
                let (path, operator, wanted) = parts(term);
                self.of_persona(&name_of(path)?, operator, &wanted)
            }
        }
    }

    /// Reads a term on a profile.
    fn term(&mut self, name: &str, operator: Operator, wanted: &Json) -> Result<Expression<Term>> {
        if let Some(name) = strip_personas(name) {
            return self.of_any_persona(name, operator, wanted);
        }
        self.terms += 1;
        let (path, named) = if let Some(path) = grammar::attribute_path(name) {
            self.attribute(path)?
        } else {
            let (field, named) = FilterField::named(name).ok_or_else(|| self.unknown(name))?;
            (FieldPath::Field(field), named)
        };
        let (comparison, negated) = named.compare(operator, wanted, self.schema)?;
        let of = |comparison, earlier| Expression::Term(Term::Of(path, comparison, earlier));
        let found = match named.earlier_hash(&comparison, wanted, self.schema) {
            Some(hash) => Expression::Or(vec![
                of(comparison, None),
                of(Comparison::Equal(Value::Text(hash)), None),
            ]),
            None => of(comparison.clone(), named.earlier(&comparison, wanted)),
        };
        Ok(if negated { Expression::Not(Box::new(found)) } else { found })
    }

    fn attribute(&self, path: &str) -> Result<(FieldPath, NamedField<'s>)> {
        // Their names are in lower case by definition, and the grammar knows no case in names.
        let lower = path.to_ascii_lowercase();
        let definition = lower
            .split_once('.')
            .and_then(|(category, name)| self.schema.attribute_named(category, name));
        let definition = definition.ok_or_else(|| self.unknown(&format!("attributes.{path}")))?;
        let named = NamedField::attribute(definition)?;
        // Until the first value is stored, how it is searched may change.
        let searched = !definition.unique && !self.schema.verified;
        if searched
            && self
                .schema
                .mark(DefinitionKind::Attribute, &definition.id.to_string())
                .is_some_and(|(_, used)| !used)
        {
            return Err(Error::Outdated);
        }
        Ok((FieldPath::Attribute(definition.id, definition.data_format), named))
    }

    /// Reads a term on whichever persona: `personas` itself for an empty name. The opposite is that
    /// no persona fulfils it.
    fn of_any_persona(
        &mut self,
        name: &str,
        operator: Operator,
        wanted: &Json,
    ) -> Result<Expression<Term>> {
        if name.is_empty() {
            self.terms += 1;
            return match (operator, wanted) {
                (Operator::Present, _) | (Operator::NotEqual, Json::Null) => {
                    Ok(Expression::Term(Term::Personas(None)))
                }
                (Operator::Equal, Json::Null) => Ok(Expression::of(Term::Personas(None), true)),
                _ => Err(unsupported(
                    "cannot compare `personas` as a whole; use `personas pr` or `personas[name eq \"…\"]`",
                )),
            };
        }
        let (term, negated) = match self.of_persona(name, operator, wanted)? {
            Expression::Not(term) => (*term, true),
            term => (term, false),
        };
        Ok(Expression::of(Term::Personas(Some(term)), negated))
    }

    /// Reads a term on one persona.
    fn of_persona(
        &mut self,
        name: &str,
        operator: Operator,
        wanted: &Json,
    ) -> Result<Expression<PersonaTerm>> {
        self.terms += 1;
        let (field, named) = PersonaField::named(name).ok_or_else(|| {
            let meant = did_you_mean(name, PersonaField::names());
            unsupported(format!("cannot filter personas by `{name}`{meant}"))
        })?;
        let (comparison, negated) = named.compare(operator, wanted, self.schema)?;
        // A definition that was made a moment ago may not be remembered yet.
        if let (PersonaField::Name, Comparison::Equal(Value::Text(wanted))) = (field, &comparison)
            && !self.schema.verified
            && self.schema.personas.values().all(|definition| definition.name != *wanted)
        {
            return Err(Error::Outdated);
        }
        Ok(Expression::of(PersonaTerm { field, comparison }, negated))
    }

    /// Refuses an unknown name, with a suggestion.
    fn unknown(&self, name: &str) -> Error {
        let attributes: Vec<_> = self
            .schema
            .custom_attributes()
            .filter(|definition| NamedField::attribute(definition).is_ok())
            .map(|definition| format!("attributes.{}.{}", definition.category, definition.name))
            .collect();
        let fields: Vec<&str> =
            FilterField::names(self.profiles).chain((!self.profiles).then_some(PERSONAS)).collect();
        let valid = fields.into_iter().chain(attributes.iter().map(String::as_str));
        let meant = did_you_mean(name, valid);
        unsupported(format!("cannot filter by `{name}`{meant}"))
    }
}

const PERSONAS: &str = "personas";

/// The part after `personas` and its dot.
fn strip_personas(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(PERSONAS.len())?;
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
    start.eq_ignore_ascii_case(PERSONAS).then_some(rest)
}

/// A path as callers write it.
fn name_of(path: &AttrPath) -> Result<String> {
    let sub = path.sub_attr.as_deref();
    match (path.uri.as_deref(), sub) {
        (Some(uri), Some(sub)) if uri.eq_ignore_ascii_case(ATTRIBUTES) => {
            Ok(format!("attributes.{}.{sub}", path.name))
        }
        (None, Some(sub)) => Ok(format!("{}.{sub}", path.name)),
        (None, None) => Ok(path.name.clone()),
        _ => Err(unsupported(format!("cannot filter by `{}`", path.name))),
    }
}

fn parts(term: &AttrExp) -> (&AttrPath, Operator, Json) {
    let (path, operator, wanted) = match term {
        AttrExp::Present(path) => return (path, Operator::Present, Json::Null),
        AttrExp::Comparison(path, operator, wanted) => (path, operator, wanted),
    };
    let operator = match operator {
        CompareOp::Eq => Operator::Equal,
        CompareOp::Ne => Operator::NotEqual,
        CompareOp::Co => Operator::Contains,
        CompareOp::Sw => Operator::StartsWith,
        CompareOp::Ew => Operator::EndsWith,
        CompareOp::Gt => Operator::Greater,
        CompareOp::Ge => Operator::GreaterOrEqual,
        CompareOp::Lt => Operator::Less,
        CompareOp::Le => Operator::LessOrEqual,
    };
    let wanted = match wanted {
        CompValue::Str(text) => match text.strip_prefix(NUMBER) {
            Some(number) => Json::Number(number.to_owned()),
            None => Json::String(text.clone()),
        },
        CompValue::Number(number) => Json::Number(number.to_string()),
        CompValue::True => Json::Bool(true),
        CompValue::False => Json::Bool(false),
        CompValue::Null => Json::Null,
    };
    (path, operator, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_personas_is_told_from_names_that_start_so() {
        assert_eq!(strip_personas("Personas"), Some(""));
        assert_eq!(strip_personas("personas.name"), Some("name"));
        assert_eq!(strip_personas("personas2"), None);
        assert_eq!(strip_personas("persona"), None);
    }
}
