//! How a user is created or replaced by its id at the customer.

use super::{MAX_PERSONAS, User};
use crate::domain::error::{Code, Result, Violations};
use crate::domain::field::pointer;
use crate::domain::id::UserId;
use crate::domain::json::{Json, Object};
use crate::domain::persona::{self, Persona};
use crate::domain::text;
use crate::domain::value::Omitted;
use crate::domain::write_context::WriteContext;

const ID_AT_CUSTOMER: &str = "id_at_customer";

impl User {
    /// Creates the user with this id at the customer from a whole document, which may omit the id.
    /// The rest is as for [`User::create`].
    pub fn create_by(
        id_at_customer: &str,
        document: Json,
        context: &WriteContext<'_>,
    ) -> Result<Self> {
        let mut violations = Violations::default();
        let document = named(id_at_customer, document, &mut violations);
        violations.and(Self::create(document, context))
    }

    /// The user after the same document, and where in it each persona stands that the user gains.
    /// Editable fields are replaced as by [`User::replace`]. Personas that the user does not have
    /// are added. A persona that the user has, by definition and scope, stays unchanged, and none
    /// is removed. So a repeat changes nothing.
    pub fn replace_by(
        &self,
        id_at_customer: &str,
        document: Json,
        context: &WriteContext<'_>,
    ) -> Result<(Self, Vec<usize>)> {
        let mut violations = Violations::default();
        let mut document = named(id_at_customer, document, &mut violations);
        let personas = match &mut document {
            Json::Object(members) => self.take_imported(members, &mut violations),
            _ => None,
        };
        let (grown, places) = self.with_missing_personas(personas, context, &mut violations);
        let user = grown.read(document, context, Omitted::Unnamed, &mut violations);
        user.check_required(None, context.schema, &mut violations);
        violations.check((user, places))
    }

    /// Takes the fields that only a creation may set, except `email_verified`, which may be sent
    /// back. Returns the personas.
    fn take_imported(&self, members: &mut Object, violations: &mut Violations) -> Option<Json> {
        let id = members.shift_remove("id").filter(|id| *id != Json::Null);
        if id
            .is_some_and(|id| id.as_str().and_then(|id| id.parse::<UserId>().ok()) != Some(self.id))
        {
            let detail =
                format!("this user has the id `{}`, and ids never change; omit the field", self.id);
            violations.add("/id", Code::Immutable, detail);
        }
        if members.get("email_verified") == Some(&Json::Null) {
            members.shift_remove("email_verified");
        }
        members.shift_remove("personas").filter(|personas| *personas != Json::Null)
    }

    /// The user with those of the personas that it does not have, and where they stand in the
    /// array.
    pub(in crate::domain) fn with_missing_personas(
        &self,
        personas: Option<Json>,
        context: &WriteContext<'_>,
        violations: &mut Violations,
    ) -> (Self, Vec<usize>) {
        let items = match personas {
            None => Vec::new(),
            Some(Json::Array(items)) => items,
            Some(other) => {
                violations.wrong_type("/personas", "an array of personas", &other);
                Vec::new()
            }
        };
        if items.len() > MAX_PERSONAS {
            violations.too_many("/personas", items.len(), MAX_PERSONAS);
            return (self.clone(), Vec::new());
        }
        let (mut user, mut places, mut preferred) = (self.clone(), Vec::new(), 0);
        for (i, item) in items.into_iter().enumerate() {
            let at = format!("/personas/{i}");
            let named = Persona::named(&item, context.schema);
            let held = named.is_some_and(|(definition, scope)| {
                self.personas
                    .iter()
                    .any(|persona| persona.definition == definition && persona.scope == scope)
            });
            if held {
                persona::refuse_unknown(&item, &at, violations);
                continue;
            }
            let Some(persona) = Persona::create(item, &at, None, context, violations) else {
                continue;
            };
            if user.personas.iter().any(|other| other.id == persona.id) {
                violations.add(
                    pointer(&at, "id"),
                    Code::NotUnique,
                    "another persona of the user has this id",
                );
                continue;
            }
            preferred += usize::from(persona.preferred);
            if user.personas.len() == MAX_PERSONAS {
                violations.add(
                    at,
                    Code::TooMany,
                    format!("expected at most {MAX_PERSONAS} personas on a user"),
                );
                continue;
            }
            match user.with_persona(persona) {
                Ok(more) => {
                    user = more;
                    places.push(i);
                }
                Err(_) => violations.taken(at, persona::TWIN),
            }
        }
        if preferred > 1 {
            violations.add("/personas", Code::NotAllowed, "expected at most one preferred persona");
        }
        (user, places)
    }
}

/// The document with the id by which the user is named; another id in it is refused.
fn named(id_at_customer: &str, mut document: Json, violations: &mut Violations) -> Json {
    let Json::Object(members) = &mut document else { return document };
    match members.get(ID_AT_CUSTOMER) {
        // A value that is no text is refused where it is read.
        Some(sent) if *sent != Json::Null && sent.as_str().is_none() => return document,
        Some(Json::String(sent)) if text::nfc(sent) != text::nfc(id_at_customer) => {
            let detail = format!(
                "expected the `{ID_AT_CUSTOMER}` of the path; send the same value or omit the \
                 field"
            );
            violations.add(pointer("", ID_AT_CUSTOMER), Code::Immutable, detail);
        }
        _ => {}
    }
    members.insert(ID_AT_CUSTOMER.to_owned(), Json::from(id_at_customer));
    document
}
