//! A profile as it was: the changes of audit entries, taken back one entry after another.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::diff::PLACE;
use super::entry::{ChangeKind, Detail, Entry, is_digest};
use crate::domain::error::{Error, Result};
use crate::domain::user::User;
use crate::env::Timestamp;

/// What the pointers of a user's children begin with: they are no part of the profile.
const CHILDREN: [&str; 6] =
    ["/clients/", "/consents/", "/passkeys", "/principals/", "/subjects/", "/systems/"];

/// A profile that is taken back, from its newest version on.
#[derive(Clone, Debug)]
pub struct Past {
    doc: Value,
    /// The pointers whose value is not known any more.
    unknown: BTreeSet<String>,
    /// Whether something of the profile itself was taken back.
    moved: bool,
}

impl Past {
    /// Starts with the profile as it is.
    pub fn of(current: &User) -> Result<Self> {
        let doc = serde_json::to_value(current).map_err(Error::unexpected)?;
        Ok(Self { doc, unknown: BTreeSet::new(), moved: false })
    }

    /// Whether an entry is of the profile itself and not of its children alone: the time of its last
    /// change moved with it.
    #[must_use]
    pub fn concerns(entry: &Entry) -> bool {
        entry.changes.is_empty() || entry.changes.iter().any(|field| !is_of_child(&field.pointer))
    }

    /// Whether something of the profile itself was taken back.
    #[must_use]
    pub const fn has_moved(&self) -> bool {
        self.moved
    }

    /// Takes the changes of an entry back. The entries come newest first.
    pub fn take_back(&mut self, entry: &Entry, detail: &Detail) {
        self.moved |= Self::concerns(entry);
        for (i, field) in entry.changes.iter().enumerate() {
            if is_of_child(&field.pointer) {
                continue;
            }
            let kept = detail.values.get(i).and_then(|value| value.from.as_ref());
            let before = match (field.kind, kept) {
                (ChangeKind::Added, _) => Before::Absent,
                (_, Some(value)) if !is_digest(value) => Before::Value(value.clone()),
                _ => Before::Unknown,
            };
            self.set(&field.pointer, before);
        }
    }

    /// Sets or removes a value, or notes that it is not known.
    fn set(&mut self, pointer: &str, before: Before) {
        let within = |other: &str, around: &str| {
            other.strip_prefix(around).is_some_and(|rest| rest.starts_with('/'))
        };
        if self.unknown.iter().any(|unknown| within(pointer, unknown)) {
            return;
        }
        let segments: Vec<_> = pointer.split('/').skip(1).map(unescaped).collect();
        let Some((last, path)) = segments.split_last() else { return };
        let Some(parent) = parent(&mut self.doc, path) else { return };
        self.unknown.retain(|unknown| unknown != pointer && !within(unknown, pointer));
        match before {
            Before::Value(value) => put(parent, last, Some(value)),
            Before::Absent => put(parent, last, None),
            Before::Unknown => {
                self.unknown.insert(pointer.to_owned());
            }
        }
    }

    /// The profile as it was, and the pointers whose value is not known. `updated_at` is the time of
    /// its last change then, if that is known.
    pub fn end(mut self, updated_at: Option<Timestamp>) -> Result<(User, BTreeSet<String>)> {
        match updated_at {
            Some(at) => put(&mut self.doc, "updated_at", Some(at.to_string().into())),
            None => {
                self.unknown.insert("/updated_at".to_owned());
            }
        }
        let user = serde_json::from_value(self.doc).map_err(|_| {
            // The parser's own message may quote a value.
            Error::unexpected("cannot read a profile that audit entries lead back to")
        })?;
        Ok((user, self.unknown))
    }
}

/// The value of a field before a change.
enum Before {
    Absent,
    Value(Value),
    Unknown,
}

fn is_of_child(pointer: &str) -> bool {
    CHILDREN.iter().any(|start| pointer.starts_with(start))
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// What holds the last segment of a pointer; `None` if a persona on the way does not exist.
fn parent<'d>(mut at: &'d mut Value, path: &[String]) -> Option<&'d mut Value> {
    for segment in path {
        at = match at {
            Value::Object(members) => members
                .entry(segment.clone())
                // Maps without members are not stored.
                .or_insert_with(|| Value::Object(Map::new())),
            Value::Array(items) => items.iter_mut().find(|item| is_named(item, segment))?,
            _ => return None,
        };
    }
    Some(at)
}

fn is_named(item: &Value, id: &str) -> bool {
    item.get("id").and_then(Value::as_str) == Some(id)
}

/// Puts a value into an object or among personas, or takes it out.
fn put(parent: &mut Value, name: &str, value: Option<Value>) {
    match (parent, value) {
        (Value::Object(members), Some(value)) => {
            members.insert(name.to_owned(), value);
        }
        (Value::Object(members), None) => {
            members.remove(name);
        }
        (Value::Array(items), value) => {
            items.retain(|item| !is_named(item, name));
            if let Some(mut value) = value {
                let place = value.as_object_mut().and_then(|persona| persona.remove(PLACE));
                let place = place.and_then(|place| usize::try_from(place.as_u64()?).ok());
                items.insert(place.unwrap_or(items.len()).min(items.len()), value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::diff::diff_user;
    use super::super::entry::{Actor, ActorKind, Change};
    use super::super::operation::Operation;
    use super::*;
    use crate::domain::id::{TenantId, UserId};
    use crate::domain::persona::Persona;
    use crate::domain::schema::Schema;

    fn schema() -> Schema {
        Schema::empty("acme".parse::<TenantId>().unwrap())
    }

    fn user() -> User {
        User::new(UserId::new(uuid::Uuid::nil()), "jan".to_owned(), Timestamp::from_millis(0))
    }

    fn persona(n: u8) -> Persona {
        serde_json::from_value(serde_json::json!({
            "id": format!("0192f3c1-5a00-7000-8000-0000000000{n:02}"),
            "definition": "0192f3c1-5a00-7000-8000-000000000003", "status": "ACTIVE",
            "scope": [n.to_string()], "preferred": false, "valid_from": null, "valid_until": null,
            "attributes": {}, "rev": 1,
        }))
        .unwrap()
    }

    fn entry(changes: Vec<Change>) -> (Entry, Detail) {
        let fields = changes.iter().map(Change::field).collect();
        let actor = Actor::new(ActorKind::Service, None);
        let new = Entry::new(Timestamp::from_millis(0), Operation::UserChange, actor);
        let entry = Entry { changes: fields, ..new };
        (entry, Detail::of(None, changes))
    }

    #[test]
    fn au04_changes_are_taken_back_in_their_order_and_personas_to_their_places() {
        let mut versions = vec![user()];
        let mut change = |edit: &dyn Fn(&mut User)| {
            let mut next = versions.last().unwrap().clone();
            edit(&mut next);
            versions.push(next);
        };
        change(&|user| user.given_name = Some("Jan".to_owned()));
        change(&|user| user.personas = vec![persona(3), persona(1), persona(2)]);
        change(&|user| user.personas.retain(|p| p.scope != ["1"]));
        change(&|user| {
            user.personas.retain(|p| p.scope != ["3"]);
            user.personas.push(persona(4));
            user.given_name = None;
        });
        change(&|user| user.personas.clear());
        let schema = schema();
        let mut past = Past::of(versions.last().unwrap()).unwrap();
        for pair in versions.windows(2).rev() {
            let (entry, detail) = entry(diff_user(Some(&pair[0]), Some(&pair[1]), &schema));
            past.take_back(&entry, &detail);
            let (was, unknown) = past.clone().end(Some(pair[0].updated_at)).unwrap();
            assert_eq!((was, unknown.len()), (pair[0].clone(), 0));
        }
    }

    #[test]
    fn au04_what_is_not_kept_is_listed_as_unknown() {
        let (before, mut after) = (user(), user());
        after.family_name = Some("Janssen".to_owned());
        "els".clone_into(&mut after.username);
        let (entry, mut detail) = entry(diff_user(Some(&before), Some(&after), &schema()));
        detail.values.clear();
        let mut past = Past::of(&after).unwrap();
        past.take_back(&entry, &detail);
        let (was, unknown) = past.end(None).unwrap();
        assert_eq!(was.family_name, None, "what was added was not there");
        assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["/updated_at", "/username"]);
    }
}
