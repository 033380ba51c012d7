//! Who may change an attribute without being asked, and approve the changes of others.

use serde::{Deserialize, Serialize};

use super::MAX_TEXT;
use super::attribute::AttributeDefinition;
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::json::{Json, Object};
use crate::domain::persona::PersonaStatus;
use crate::domain::schema::Schema;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::User;
use crate::object;
use crate::world::Timestamp;

/// The most statements of one policy.
const MAX_STATEMENTS: usize = 20;

/// The approval policy of an attribute: whoever fulfils one of its statements may write the
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
    /// A machine client whose token holds this scope.
    Client { client_scope: Scope },
}

/// Who wants to write or to approve.
#[derive(Clone, Copy, Debug)]
pub enum Approver<'a> {
    /// A machine client, by the scopes of its token.
    Client(&'a Scopes),
    /// A person, by the personas that are in force at this time.
    Person(&'a User, Timestamp),
    /// Somebody of whom no policy can tell anything.
    Nobody,
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
                let detail =
                    format!("{} statements, from 1 to {MAX_STATEMENTS} are allowed", items.len());
                inner.refuse(
                    "statements",
                    if items.is_empty() { Code::Required } else { Code::TooMany },
                    detail,
                );
                Vec::new()
            }
            Some(other) => {
                inner.refuse(
                    "statements",
                    Code::WrongType,
                    format!("an array is due, not {}", other.kind()),
                );
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

    /// Whether `approver` fulfils one of the statements.
    #[must_use]
    pub fn allows(&self, approver: Approver<'_>, schema: &Schema) -> bool {
        self.statements.iter().any(|statement| match (statement, approver) {
            (Statement::Client { client_scope }, Approver::Client(scopes)) => {
                scopes.allows(*client_scope)
            }
            (Statement::Persona { persona, scope }, Approver::Person(user, now)) => {
                let definition = schema.personas.values().find(|p| p.name == *persona);
                user.personas.iter().any(|held| {
                    definition.is_some_and(|definition| definition.id == held.definition)
                        && held.is_in_force(now)
                        && scope.as_ref().is_none_or(|scope| held.scope.contains(scope))
                })
            }
            _ => false,
        })
    }
}

impl Statement {
    fn take(fields: &mut Fields<'_>, schema: &Schema) -> Option<Self> {
        let persona = fields.text("persona", MAX_TEXT);
        let scope = fields.text("scope", MAX_TEXT);
        let client_scope = fields.word("client_scope");
        match (persona, scope, client_scope) {
            (Some(persona), scope, None) => {
                if !schema.personas.values().any(|p| p.name == persona) {
                    fields.refuse(
                        "persona",
                        Code::NotFound,
                        format!("there is no persona definition `{persona}`"),
                    );
                }
                Some(Self::Persona { persona, scope })
            }
            (None, None, Some(client_scope)) => Some(Self::Client { client_scope }),
            (None, scope, client_scope) => {
                if scope.is_some() || client_scope.is_none() {
                    let detail =
                        "either `persona`, with `scope` if it matters, or `client_scope` is due";
                    fields.refuse("persona", Code::Required, detail);
                }
                None
            }
            (Some(_), _, Some(_)) => {
                fields.refuse(
                    "client_scope",
                    Code::NotAllowed,
                    "a statement names a persona or a client scope",
                );
                None
            }
        }
    }
}

impl AttributeDefinition {
    /// Whether it has an approval policy that names `approver`.
    #[must_use]
    pub fn is_approved_by(&self, approver: Approver<'_>, schema: &Schema) -> bool {
        self.approval_policy.as_ref().is_some_and(|policy| policy.allows(approver, schema))
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
