//! The transaction of a user: the user with its look-ups, what is written with it, and the audit
//! entry.

use super::{CompanionWrites, Expectation, PreparedUser, put_unchanged};
use crate::domain::audit::diff_user;
use crate::domain::author::Author;
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::schema::Schema;
use crate::store::audit::{UserRecord, with_head};
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{Condition, Write};

/// The writes of a user's transaction, in their order: companions, then the user, its gains and its
/// losses, then expectations, then the audit entry.
pub(super) struct Transaction {
    pub(super) writes: Vec<Write>,
    /// The place of the user's own item.
    pub(super) first: usize,
    /// The place of the guard of the tenant's administrators, if the user loses that right.
    pub(super) guard: Option<usize>,
}

impl Table {
    /// Puts the transaction of a user together.
    ///
    /// Every committed write of a profile passes here with its author, and leaves its audit entry
    /// in its own transaction (rule AU-01). The tombstone of a forget has a transaction of its own,
    /// in `forget`.
    pub(super) async fn transaction(
        &self,
        author: &Author,
        schema: &Schema,
        prepared: &PreparedUser,
        companions: CompanionWrites,
    ) -> Result<Transaction> {
        let CompanionWrites { mut writes, expectations, changes, .. } = companions;
        let (mut own, mut audited) = (prepared.writes.clone(), None);
        let (before, user) = (prepared.before.as_deref(), &prepared.user);
        match (own.first_mut(), before) {
            (Some(Write::Put(item, _)), Some(before)) if prepared.reindexed => {
                if let Some(head) = self.carried_head(schema, before, user.version()).await? {
                    *item = with_head(item.clone(), Some(&head));
                }
            }
            (Some(put), _) if !prepared.reindexed && Self::is_audited(schema) => {
                let diff = diff_user(before.map(|before| &before.value), Some(&user.value), schema);
                let changes = diff.into_iter().chain(changes).collect();
                let record = UserRecord { operation: None, changes };
                audited = self.user_entry(author, schema, before, user, record).await?;
                if let (Some((head, _)), Write::Put(item, _)) = (&audited, put) {
                    *item = with_head(item.clone(), Some(head));
                }
            }
            (None, Some(before)) if !changes.is_empty() => {
                let next = before.unchanged();
                let record = UserRecord { operation: None, changes };
                audited = self.user_entry(author, schema, Some(before), &next, record).await?;
                if let Some((head, _)) = &audited {
                    // The put of the user takes the place of the check that the user exists.
                    let own_key = Key::user(&schema.tenant, before.value.id);
                    writes.retain(|write| write.key() != own_key);
                    own.push(put_unchanged(&schema.tenant, before, &next, Some(head)));
                }
            }
            _ => {}
        }
        let puts_user = !prepared.writes.is_empty();
        let first = writes.len();
        writes.extend(own);
        for expectation in expectations {
            expectation.apply(&author.tenant, user.value.id, &mut writes);
        }
        writes.extend(audited.map(|(_, entry)| entry));
        let guard = match before.filter(|_| puts_user && !author.is_operator()) {
            Some(before) => {
                Box::pin(self.guard_administrators(schema, &before.value, Some(&user.value)))
                    .await?
            }
            None => None,
        };
        let place = guard.as_ref().map(|_| writes.len());
        writes.extend(guard);
        Ok(Transaction { writes, first, guard: place })
    }
}

impl Expectation {
    /// Adds the check to the writes, or sharpens the write of the same item: a transaction has one
    /// action for each.
    fn apply(&self, tenant: &TenantId, user: UserId, writes: &mut Vec<Write>) {
        match self {
            Self::Absent(key) => writes.push(Write::Check(key.clone(), Condition::Absent)),
            Self::Free(lookup) => {
                let key = Key::lookup(tenant, lookup, user);
                let added = writes
                    .iter()
                    .any(|write| matches!(write, Write::Put(item, _) if item.key() == key));
                if !added {
                    writes.push(Write::Check(key, Condition::Absent));
                }
            }
            Self::Sharing(lookup, seen) => {
                let key = Key::lookup(tenant, lookup, user);
                let joins =
                    |write: &Write| matches!(write, Write::Join(joined, _) if *joined == key);
                match writes.iter_mut().find(|write| joins(write)) {
                    Some(write) => {
                        *write = Write::Sharing { key, seen: seen.clone(), join: Some(user) };
                    }
                    None => writes.push(Write::Sharing { key, seen: seen.clone(), join: None }),
                }
            }
        }
    }
}
