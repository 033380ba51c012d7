//! Approval policies: who may change an attribute without an approval, and approve the changes of
//! others.

use serde::{Deserialize, Serialize};

use super::MAX_TEXT;
use super::attribute::AttributeDefinition;
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::json::{Json, Object};
use crate::domain::persona::PersonaStatus;
use crate::domain::schema::Schema;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::suggest::unknown;
use crate::domain::user::User;
use crate::env::Timestamp;
use crate::object;

/// The most statements of one policy.
const MAX_STATEMENTS: usize = 20;

/// The approval policy of an attribute: a caller who fulfils one of its statements may write the
/// attribute and approves what others want to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalPolicy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Statement {
    /// A person with a persona of this name in force, and with this in its scope if it is set.
    Persona { persona: String, scope: Option<String> },
    /// A client or an administrator with this granted scope.
    Client { client_scope: Scope },
}

/// The caller that wants to write or to approve, by granted scopes, by personas, or both.
#[derive(Clone, Copy, Debug)]
pub struct PolicySubject<'a> {
    /// The scopes that are granted; `None` in self-service, where no grant counts.
    scopes: Option<&'a Scopes>,
    /// The person, and the time at which a persona must be in force.
    person: Option<(&'a User, Timestamp)>,
}

impl<'a> PolicySubject<'a> {
    /// A subject that fulfils no policy.
    pub const NOBODY: Self = Self { scopes: None, person: None };

    /// A client, by the scopes of its token.
    #[must_use]
    pub const fn client(scopes: &'a Scopes) -> Self {
        Self { scopes: Some(scopes), person: None }
    }

    /// A person, by the personas that are in force at `now`.
    #[must_use]
    pub const fn person(user: &'a User, now: Timestamp) -> Self {
        Self { scopes: None, person: Some((user, now)) }
    }

    /// A person with granted scopes, by these and by the personas that are in force at `now`.
    #[must_use]
    pub const fn administrator(user: &'a User, now: Timestamp, scopes: &'a Scopes) -> Self {
        Self { scopes: Some(scopes), person: Some((user, now)) }
    }

    /// Whether a scope is granted.
    #[must_use]
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.scopes.is_some_and(|scopes| scopes.allows(scope))
    }

    /// Whether a persona of this name is in force, with `scope` in its own scope if one is set.
    fn has_persona(&self, persona: &str, scope: Option<&String>, schema: &Schema) -> bool {
        let Some((user, now)) = self.person else { return false };
        let definition = schema.personas.values().find(|p| p.name == persona);
        user.personas.iter().any(|held| {
            definition.is_some_and(|definition| definition.id == held.definition)
                && held.is_in_force(now)
                && scope.is_none_or(|scope| held.scope.contains(scope))
        })
    }
}

impl ApprovalPolicy {
    /// Takes the field `approval_policy`.
    pub(super) fn take(fields: &mut Fields<'_>, schema: &Schema) -> Option<Self> {
        let document = fields.value("approval_policy")?;
        let at = fields.at("approval_policy");
        let mut inner = Fields::new(document, at, fields.violations());
        let items = match inner.value("statements") {
            Some(Json::Array(items)) if (1..=MAX_STATEMENTS).contains(&items.len()) => items,
            Some(Json::Array(items)) => {
                if items.is_empty() {
                    inner.refuse(
                        "statements",
                        Code::Required,
                        "at least one statement is required",
                    );
                } else {
                    inner.too_many("statements", items.len(), MAX_STATEMENTS);
                }
                Vec::new()
            }
            Some(other) => {
                inner.wrong_type("statements", "an array of statements", &other);
                Vec::new()
            }
            None => {
                inner.refuse("statements", Code::Required, "`statements` is required");
                Vec::new()
            }
        };
        let at = inner.at("statements");
        let mut statements = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let mut statement = Fields::new(item, format!("{at}/{i}"), inner.violations());
            statements.extend(Statement::take(&mut statement, schema));
            statement.finish();
        }
        inner.finish();
        Some(Self { statements })
    }

    /// The document that callers see.
    pub(super) fn show(&self) -> Object {
        let statements = self.statements.iter().map(|statement| match statement {
            Statement::Persona { persona, scope: None } => object! { "persona" => persona },
            Statement::Persona { persona, scope: Some(scope) } => {
                object! { "persona" => persona, "scope" => scope }
            }
            Statement::Client { client_scope } => object! { "client_scope" => client_scope.name() },
        });
        object! { "statements" => statements.map(Json::Object).collect::<Vec<_>>() }
    }

    /// Whether a statement names this persona definition.
    #[must_use]
    pub fn names_persona(&self, name: &str) -> bool {
        self.statements
            .iter()
            .any(|s| matches!(s, Statement::Persona { persona, .. } if persona == name))
    }

    /// Whether `subject` fulfils one of the statements.
    #[must_use]
    pub fn allows(&self, subject: PolicySubject<'_>, schema: &Schema) -> bool {
        self.statements.iter().any(|statement| match statement {
            Statement::Client { client_scope } => subject.has_scope(*client_scope),
            Statement::Persona { persona, scope } => {
                subject.has_persona(persona, scope.as_ref(), schema)
            }
        })
    }
}

impl Statement {
    fn take(fields: &mut Fields<'_>, schema: &Schema) -> Option<Self> {
        let persona = fields.text("persona", MAX_TEXT);
        let scope = fields.text("scope", MAX_TEXT);
        let client_scope = fields.string_enum("client_scope");
        match (persona, scope, client_scope) {
            (Some(persona), scope, None) => {
                if !schema.personas.values().any(|p| p.name == persona) {
                    fields.refuse(
                        "persona",
                        Code::NotFound,
                        unknown("persona definition", &persona, schema.persona_names()),
                    );
                }
                Some(Self::Persona { persona, scope })
            }
            (None, None, Some(client_scope)) => Some(Self::Client { client_scope }),
            (None, scope, client_scope) => {
                if scope.is_some() || client_scope.is_none() {
                    let detail = "expected `persona` (and `scope` if it matters) or `client_scope`";
                    fields.refuse("persona", Code::Required, detail);
                }
                None
            }
            (Some(_), _, Some(_)) => {
                fields.refuse(
                    "client_scope",
                    Code::NotAllowed,
                    "expected `persona` or `client_scope`, found both",
                );
                None
            }
        }
    }
}

impl AttributeDefinition {
    /// Whether it has an approval policy that names `subject`.
    #[must_use]
    pub fn is_approved_by(&self, subject: PolicySubject<'_>, schema: &Schema) -> bool {
        self.approval_policy.as_ref().is_some_and(|policy| policy.allows(subject, schema))
    }
}

impl super::super::persona::Persona {
    /// Whether the persona is in force: active, and between its dates.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.status == PersonaStatus::Active
            && self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
    }
}
