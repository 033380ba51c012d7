//! Which changes need an approval, and which of them no request can hold.

use std::collections::BTreeSet;

use crate::domain::definition::{AttributeDefinition, PolicySubject};
use crate::domain::error::{Code, Result, Violations};
use crate::domain::field::pointer;
use crate::domain::id::{DefinitionId, PersonaId};
use crate::domain::persona::Persona;
use crate::domain::schema::Schema;
use crate::domain::user::User;

/// The changed attributes that `writer` may not write without approval; those of a new user if
/// there is no `before`. Derived attributes need no approval.
#[must_use]
pub fn unapproved<'s>(
    before: Option<&User>,
    after: &User,
    writer: PolicySubject<'_>,
    schema: &'s Schema,
) -> Vec<&'s AttributeDefinition> {
    let guarded = schema
        .attributes
        .values()
        .filter(|a| a.approval_policy.as_ref().is_some_and(|p| !p.allows(writer, schema)));
    // A value that is removed together with its persona is not a change of the attribute.
    let kept: BTreeSet<_> = after.personas.iter().map(|p| p.id).collect();
    let values = |user: &User, id: DefinitionId| {
        let personas = user.personas.iter().filter(|p| kept.contains(&p.id));
        let personas = personas.filter_map(|p| Some((p.id, p.attributes.get(&id)?.clone())));
        (user.attributes.get(&id).cloned(), personas.collect::<Vec<_>>())
    };
    let changed = |definition: &&AttributeDefinition| match definition.predefined() {
        Some(field) => {
            before.and_then(|before| before.predefined(field)) != after.predefined(field)
        }
        None => {
            before.map(|before| values(before, definition.id)).unwrap_or_default()
                != values(after, definition.id)
        }
    };
    guarded.filter(changed).collect()
}

/// Refuses the new `user`, or the user's new persona, whose attributes need an approval: there is
/// nothing yet that a request could change.
pub fn refuse_new(
    user: &User,
    persona: Option<PersonaId>,
    unapproved: &[&AttributeDefinition],
) -> Result<()> {
    let mut violations = Violations::default();
    for definition in unapproved {
        let in_attributes = definition.pointer();
        let places: Vec<_> = match (persona, definition.predefined()) {
            (Some(_), _) => vec![in_attributes],
            (None, Some(field)) => vec![pointer("", field.name())],
            (None, None) => {
                let own =
                    user.attributes.contains_key(&definition.id).then(|| in_attributes.clone());
                let held = user
                    .personas
                    .iter()
                    .enumerate()
                    .filter(|(_, p)| p.attributes.contains_key(&definition.id));
                own.into_iter()
                    .chain(held.map(|(i, _)| format!("/personas/{i}{in_attributes}")))
                    .collect()
            }
        };
        for place in places {
            refuse_guarded(definition, place, &mut violations);
        }
    }
    violations.check(())
}

/// Refuses new personas in `after` whose attributes need an approval.
pub fn refuse_added(
    before: &User,
    after: &User,
    unapproved: &[&AttributeDefinition],
) -> Result<()> {
    let mut violations = Violations::default();
    let is_new = |persona: &Persona| before.personas.iter().all(|other| other.id != persona.id);
    for (i, persona) in after.personas.iter().enumerate().filter(|(_, persona)| is_new(persona)) {
        for definition in
            unapproved.iter().filter(|definition| persona.attributes.contains_key(&definition.id))
        {
            refuse_guarded(
                definition,
                format!("/personas/{i}{}", definition.pointer()),
                &mut violations,
            );
        }
    }
    violations.check(())
}

/// Refuses a change of attributes that need an approval, if this write cannot become a change
/// request.
pub fn refuse_unapproved(unapproved: &[&AttributeDefinition]) -> Result<()> {
    let mut violations = Violations::default();
    for definition in unapproved {
        let at = match definition.predefined() {
            Some(field) => pointer("", field.name()),
            None => definition.pointer(),
        };
        let detail = format!(
            "`{}` needs an approval; change it by PATCH, which makes a change request",
            definition.name
        );
        violations.add(at, Code::NotAllowed, detail);
    }
    violations.check(())
}

fn refuse_guarded(definition: &AttributeDefinition, place: String, violations: &mut Violations) {
    let how = if definition.is_required() {
        "only a caller who may approve it can create a profile with it"
    } else {
        "omit it here and change it by PATCH"
    };
    violations.add(
        place,
        Code::NotAllowed,
        format!("`{}` needs an approval; {how}", definition.name),
    );
}
