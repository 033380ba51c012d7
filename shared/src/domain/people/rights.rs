//! The rights of people, and the rule that nobody grants more rights than they have (ADR 0070).
//!
//! A persona definition may carry scopes. A person has those of the personas that are in force. The
//! rule looks at all personas of a user, also at those that are not in force: what leads to a right
//! tomorrow is guarded today.

use crate::domain::author::{Author, Writer};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::{DefinitionId, PersonaId};
use crate::domain::persona::{Persona, PersonaStatus};
use crate::domain::schema::Schema;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::{User, UserStatus};
use crate::env::Timestamp;

/// The scopes that a person has now: those of the personas that are in force (rule G62). A blocked
/// person has none.
#[must_use]
pub fn portal_scopes(user: &User, schema: &Schema, now: Timestamp) -> Scopes {
    if user.status != UserStatus::Active {
        return Scopes::default();
    }
    scopes_of(user.personas.iter().filter(|persona| persona.is_in_force(now)), schema)
}

/// The scopes of all personas of a user, in force or not.
#[must_use]
pub fn held_scopes(user: &User, schema: &Schema) -> Scopes {
    scopes_of(user.personas.iter(), schema)
}

/// Whether a person is an administrator of the tenant now.
#[must_use]
pub fn is_administrator(user: &User, schema: &Schema, now: Timestamp) -> bool {
    portal_scopes(user, schema, now).allows(Scope::Administrator)
}

/// Whether scopes allow all that `needed` allows.
#[must_use]
pub fn allows_all(scopes: &Scopes, needed: &Scopes) -> bool {
    needed.iter().all(|scope| scopes.allows(scope))
}

fn scopes_of<'p>(personas: impl Iterator<Item = &'p Persona>, schema: &Schema) -> Scopes {
    let definitions = personas.filter_map(|persona| schema.persona(persona.definition));
    Scopes::new(definitions.flat_map(|definition| definition.portal_scopes.iter()))
}

/// What of a persona decides whether and when it grants rights.
type Grant = (PersonaId, DefinitionId, PersonaStatus, Option<Timestamp>, Option<Timestamp>);

/// The grants of the personas of a user whose definitions carry scopes.
fn grants(user: Option<&User>, schema: &Schema) -> Vec<Grant> {
    let personas = user.into_iter().flat_map(|user| &user.personas);
    let with_rights = personas.filter(|persona| {
        schema.persona(persona.definition).is_some_and(|d| !d.portal_scopes.is_empty())
    });
    let mut grants: Vec<_> =
        with_rights.map(|p| (p.id, p.definition, p.status, p.valid_from, p.valid_until)).collect();
    grants.sort_unstable_by_key(|(id, ..)| *id);
    grants
}

/// Checks the write of a profile: it changes the rights of a user, or what somebody could sign in
/// as the user with, only if its author has all these rights. `before` is `None` for a new user.
pub fn check_write(
    author: &Author,
    before: Option<&User>,
    after: &User,
    schema: &Schema,
) -> Result<()> {
    if let Some(before) = before.filter(|_| scopes(author).is_some()) {
        schema.check_covers(before)?;
    }
    let own = is_self_service_of(author, after);
    let held = before.map(|before| held_scopes(before, schema)).unwrap_or_default();
    if own {
        check_address(author, !held.is_empty(), before, after)?;
    }
    let Some(scopes) = scopes(author) else { return Ok(()) };
    let regrants = grants(before, schema) != grants(Some(after), schema);
    let guarded = |before| !own && differ_in_access(before, after);
    if !regrants && !before.is_some_and(guarded) {
        return Ok(());
    }
    let held = held.with(&held_scopes(after, schema));
    if !allows_all(&scopes, &held) {
        return Err(exceeded(&scopes, &held, schema));
    }
    // Another address of somebody with rights leads to these rights as a persona does.
    if held.is_empty() { Ok(()) } else { check_recent(author) }
}

/// Whether a person writes the own profile without a right over others.
fn is_self_service_of(author: &Author, user: &User) -> bool {
    match &author.writer {
        Writer::Person(me) => me.id == user.id,
        Writer::User(id) => *id == user.id,
        // The subject was found to be this user.
        Writer::Subject(_) => true,
        Writer::Administrator(..) | Writer::Client(..) | Writer::Service => false,
    }
}

/// Checks an act on the account of a user that is no write of the profile: a block, an erasure, a
/// link to an authentication server, another password, the end of sessions. People may do it to
/// themselves. That somebody is the user is not taken from another issuer's token alone where the
/// user has rights.
pub fn check_account(author: &Author, user: &User, schema: &Schema) -> Result<()> {
    let own = match &author.writer {
        Writer::Administrator(me, _) => me.id == user.id,
        Writer::Subject(_) => false,
        _ => is_self_service_of(author, user),
    };
    let Some(scopes) = scopes(author).filter(|_| !own) else { return Ok(()) };
    schema.check_covers(user)?;
    let held = held_scopes(user, schema);
    if allows_all(&scopes, &held) { Ok(()) } else { Err(exceeded(&scopes, &held, schema)) }
}

/// Checks the change of a persona definition: its author has the scopes that it grants, before and
/// after.
pub fn check_definition(author: &Author, before: &Scopes, after: &Scopes) -> Result<()> {
    let (Some(scopes), granted) = (scopes(author), before.with(after)) else { return Ok(()) };
    if granted.is_empty() {
        return Ok(());
    }
    if !allows_all(&scopes, &granted) {
        let missing = missing(&scopes, &granted);
        return Err(Error::NotAllowed(format!(
            "the definition grants `{missing}`, which you may not; ask somebody who has that right"
        )));
    }
    check_recent(author)
}

/// Whether two states of a user differ in what somebody could sign in as the user with.
fn differ_in_access(before: &User, after: &User) -> bool {
    let access = |user: &User| {
        (
            user.username.clone(),
            user.preferred_email.clone(),
            user.preferred_email.is_some() && user.email_verified,
            user.status,
        )
    };
    access(before) != access(after)
}

/// The scopes by which an author may change the rights of users; `None` if no rule binds it. People
/// in self-service have none.
fn scopes(author: &Author) -> Option<Scopes> {
    match &author.writer {
        Writer::Client(_, scopes) | Writer::Administrator(_, scopes) => Some(scopes.clone()),
        Writer::Person(_) | Writer::User(_) | Writer::Subject(_) => Some(Scopes::default()),
        Writer::Service => None,
    }
}

fn missing(scopes: &Scopes, needed: &Scopes) -> Scopes {
    Scopes::new(needed.iter().filter(|scope| !scopes.allows(*scope)))
}

/// The refusal of an author who lacks rights. A cached definition refuses nothing: it is compared
/// with the table first.
fn exceeded(scopes: &Scopes, held: &Scopes, schema: &Schema) -> Error {
    if !schema.verified {
        return Error::Outdated;
    }
    let missing = missing(scopes, held);
    Error::NotAllowed(format!(
        "this takes the right `{missing}`, which the user has and you do not; ask somebody who has \
         it"
    ))
}

/// Refuses a change of rights by a person whose sign-in is too long ago (rule G22).
fn check_recent(author: &Author) -> Result<()> {
    match &author.session {
        Some(session) if !session.is_recent => Err(Error::Reauthenticate),
        _ => Ok(()),
    }
}

/// Refuses another address to a person who has to confirm it first (rule G50): one who signed in at
/// this service, and one with rights, however that person signed in. Refuses another username to
/// one with rights who signed in elsewhere.
fn check_address(
    author: &Author,
    has_rights: bool,
    before: Option<&User>,
    after: &User,
) -> Result<()> {
    let changed = before.is_some_and(|before| before.preferred_email != after.preferred_email);
    if changed && (author.confirms_address || has_rights) {
        let detail = "change the address on the account page, where you confirm the new one";
        return Err(Error::invalid("/preferred_email", Code::NotEditable, detail));
    }
    let renamed = before.is_some_and(|before| before.username != after.username);
    if renamed && has_rights && !author.confirms_address {
        let detail = "sign in at this service to change the username: you have rights over others";
        return Err(Error::invalid("/username", Code::NotEditable, detail));
    }
    Ok(())
}

/// Leaves the username and the address of a user with rights as they were: an authentication server
/// that the tenant trusts must not get at the rights of its people.
pub fn keep_access(before: &User, after: &mut User, schema: &Schema) {
    if held_scopes(before, schema).is_empty() || !differ_in_access(before, after) {
        return;
    }
    after.username.clone_from(&before.username);
    after.preferred_email.clone_from(&before.preferred_email);
    after.email_verified = before.email_verified;
    for field in [Predefined::Username, Predefined::PreferredEmail] {
        match before.provenance.get(field.name()) {
            Some(origin) => after.provenance.insert(field.to_string(), origin.clone()),
            None => after.provenance.remove(field.name()),
        };
    }
}

#[cfg(test)]
mod tests;
