//! Two users who exchange a unique value: each gains what the other gives up, in one transaction.

use super::{CompanionWrites, PreparedUser, Transaction};
use crate::domain::author::Author;
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::lookup::Lookup;
use crate::domain::schema::Schema;
use crate::domain::versioned::WriteId;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{CommitError, Condition, Write};

impl Table {
    /// Commits two prepared users at once, each with its author. `false` if neither gains a unique
    /// value that the other gives up, or if another request was faster: then nothing is written.
    pub async fn commit_exchange(
        &self,
        authors: [&Author; 2],
        schema: &Schema,
        write_id: WriteId,
        mut users: [PreparedUser; 2],
    ) -> Result<bool> {
        let [one, other] = &mut users;
        let exchanged =
            hand_over(&schema.tenant, one, other) | hand_over(&schema.tenant, other, one);
        if !exchanged {
            return Ok(false);
        }
        let (mut held, mut writes) = (Vec::new(), Vec::new());
        for (user, author) in users.iter().zip(authors) {
            held.extend(user.user.value.used_definitions());
            let companions = CompanionWrites::default();
            let Transaction { writes: own, .. } =
                self.transaction(author, schema, user, companions).await?;
            // Both may lose the right `administrator`: a transaction has one write for each item.
            let guard = Key::administrators(&schema.tenant);
            let guarded = writes.iter().any(|write: &Write| write.key() == guard);
            writes.extend(own.into_iter().filter(|write| !guarded || write.key() != guard));
        }
        self.mark_used(schema, held).await?;
        match self.commit_user_writes(write_id, writes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Contended | CommitError::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}

/// Lets the entries of unique values that one user deletes and the other puts change hands:
/// a transaction has one write for each item. Whether there are any.
fn hand_over(tenant: &TenantId, from: &mut PreparedUser, to: &mut PreparedUser) -> bool {
    let owner = from.user.value.id;
    let mut any = false;
    for lookup in to.gained.iter().filter(|lookup| matches!(lookup, Lookup::Unique { .. })) {
        let key = Key::lookup(tenant, lookup, owner);
        let given_up =
            from.writes.iter().position(|write| matches!(write, Write::Delete(k, _) if *k == key));
        let Some(place) = given_up else { continue };
        from.writes.remove(place);
        for write in &mut to.writes {
            if let Write::Put(item, condition) = write
                && item.key() == key
            {
                *condition = Condition::Owner(owner);
                any = true;
            }
        }
    }
    any
}
