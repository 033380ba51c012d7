//! Which look-ups a user owns after a change.

use std::collections::BTreeSet;

use super::{CURRENT, EARLIER, Lookup, MAX_LOOKUPS, in_form};
use crate::domain::definition::Search;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::schema::Schema;
use crate::domain::user::User;

/// The most look-ups that one write takes and gives up: a transaction has 100 writes.
pub const MAX_CHANGED: usize = 2 * MAX_LOOKUPS;

/// The most look-ups that one owner can have, with those of a `search` that is being raised: a
/// forget deletes all in one transaction.
pub const MAX_OWNED: usize = MAX_CHANGED;

/// The look-ups that a user with this content owns; more than [`MAX_LOOKUPS`] is a violation. As
/// long as the tenant has entries of both forms, so has the user.
#[must_use]
pub fn of(user: &User, schema: &Schema, violations: &mut Violations) -> BTreeSet<Lookup> {
    with_room(user, schema, || 0, violations)
}

/// The same for a user who owned `before` look-ups. If they are too many because an attribute
/// became searchable, that does not block other changes.
fn with_room(
    user: &User,
    schema: &Schema,
    before: impl FnOnce() -> usize,
    violations: &mut Violations,
) -> BTreeSet<Lookup> {
    let mut lookups = in_form(user, schema, &CURRENT);
    let found = counted(&lookups, schema);
    if found > MAX_LOOKUPS && found > before() {
        let detail = format!(
            "expected at most {MAX_LOOKUPS} index entries, found {found}; send fewer unique or \
             searchable values"
        );
        violations.add("", Code::TooMany, detail);
    }
    if schema.forms.has_earlier() {
        // Unique ones come first: they keep a value from being given twice.
        let room = MAX_LOOKUPS.saturating_sub(lookups.len());
        let earlier = in_form(user, schema, &EARLIER);
        let earlier: Vec<_> = earlier.difference(&lookups).take(room).cloned().collect();
        lookups.extend(earlier);
    }
    lookups
}

/// How many of the look-ups count towards the limit: all but those of a `search` that was raised.
fn counted(lookups: &BTreeSet<Lookup>, schema: &Schema) -> usize {
    let raised = |attribute: &str| {
        let entry = schema.attributes.get(attribute);
        entry.is_some_and(|entry| entry.stored.value.search == Search::Prefix)
    };
    let counts =
        |lookup: &&Lookup| !matches!(lookup, Lookup::Exact { attribute, .. } if raised(attribute));
    lookups.iter().filter(counts).count()
}

/// The look-ups after the next write, on the way from the owned look-ups to the wanted ones. A user
/// owns at most [`MAX_OWNED`].
pub fn step(owned: &BTreeSet<Lookup>, wanted: &BTreeSet<Lookup>) -> Result<BTreeSet<Lookup>> {
    if wanted.len() > MAX_OWNED {
        let found = wanted.len();
        return Err(Error::unexpected(format_args!(
            "a profile needs {found} index entries, and at most {MAX_OWNED} can be made: it has too \
             many values of searchable attributes"
        )));
    }
    let gained: Vec<_> = wanted.difference(owned).take(MAX_LOOKUPS).cloned().collect();
    let room = MAX_CHANGED - gained.len();
    let lost: BTreeSet<_> = owned.difference(wanted).take(room).collect();
    Ok(owned.iter().filter(|lookup| !lost.contains(lookup)).cloned().chain(gained).collect())
}

/// Whether a single write can turn the owned look-ups into the wanted ones.
#[must_use]
pub fn is_one_step(owned: &BTreeSet<Lookup>, wanted: &BTreeSet<Lookup>) -> bool {
    owned.symmetric_difference(wanted).count() <= MAX_LOOKUPS
}

/// The look-ups of a user after a change, given those that it owns. An unchanged value keeps its
/// entries. The migration makes entries of another form, and handles entries that another user
/// holds.
#[must_use]
pub fn after_change(
    owned: &BTreeSet<Lookup>,
    before: &User,
    after: &User,
    schema: &Schema,
    violations: &mut Violations,
) -> BTreeSet<Lookup> {
    let most = || counted(&in_form(before, schema, &CURRENT), schema);
    let lookups = with_room(after, schema, most, violations);
    let changed = lookups.symmetric_difference(owned).count();
    if changed > MAX_CHANGED {
        let detail = format!(
            "expected at most {MAX_CHANGED} index entries to change at once, found {changed}; change \
             fewer unique or searchable values"
        );
        violations.add("", Code::TooMany, detail);
    }
    let gained = || lookups.difference(owned).filter(|lookup| lookup.can_be_refused());
    if gained().next().is_none() {
        return lookups;
    }
    let wanted =
        in_form(before, schema, &CURRENT).into_iter().chain(in_form(before, schema, &EARLIER));
    let wanted: BTreeSet<_> = wanted.collect();
    let waiting: BTreeSet<_> = gained().filter(|lookup| wanted.contains(lookup)).cloned().collect();
    without(&lookups, &waiting, owned, after, schema)
}

/// The look-ups without those that the user cannot have. In their place the user keeps its own ones
/// of the earlier form.
#[must_use]
pub fn without(
    lookups: &BTreeSet<Lookup>,
    refused: &BTreeSet<Lookup>,
    owned: &BTreeSet<Lookup>,
    user: &User,
    schema: &Schema,
) -> BTreeSet<Lookup> {
    let mut kept: BTreeSet<_> = lookups.difference(refused).cloned().collect();
    if !refused.is_empty() {
        let earlier = in_form(user, schema, &EARLIER);
        kept.extend(earlier.into_iter().filter(|l| l.can_be_refused() && owned.contains(l)));
    }
    kept
}

/// The look-ups of the current form that a user should own and does not, where the earlier form
/// differs.
#[must_use]
pub fn missing(user: &User, schema: &Schema, owned: &BTreeSet<Lookup>) -> BTreeSet<Lookup> {
    let earlier = in_form(user, schema, &EARLIER);
    let current = in_form(user, schema, &CURRENT);
    current.into_iter().filter(|l| !earlier.contains(l) && !owned.contains(l)).collect()
}
