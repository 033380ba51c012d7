//! The erasure of people everywhere (rule D7): the one that `DELETE /identity/users/{user_id}`
//! makes.

use shared::domain::author::{Author, Reason};
use shared::domain::error::{Error, Result};
use shared::domain::id::{TenantId, UserId, UserName};
use shared::env::Timestamp;
use shared::store::keys::owner_of_partition;
use shared::store::{Key, Table};

use crate::scan::each_item;

/// The result of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureOutcome {
    /// It forgot the user.
    Forgotten,
    /// It finished what had been begun.
    Finished,
    /// It found nothing to do: the user was forgotten before.
    Before,
}

/// Forgets a user, or finishes the erasure of one; `None` when there is neither.
pub async fn forget(
    table: &Table,
    tenant: &TenantId,
    name: &UserName,
) -> Result<Option<(UserId, ErasureOutcome)>> {
    forget_because(table, tenant, name, Reason::Operator).await
}

async fn forget_because(
    table: &Table,
    tenant: &TenantId,
    name: &UserName,
    reason: Reason,
) -> Result<Option<(UserId, ErasureOutcome)>> {
    // An operator can wait.
    let until = Timestamp::from_millis(i64::MAX);
    let Some(id) = table.resolve(tenant, name).await? else {
        return Ok(None);
    };
    if table.resume_forget(tenant, id, until).await? {
        return Ok(Some((id, ErasureOutcome::Finished)));
    }
    let author = Author::service(tenant.clone(), reason);
    match table.forget_user(&author, None, id, |_| Ok(())).await {
        Ok(()) => Ok(Some((id, ErasureOutcome::Forgotten))),
        Err(Error::NotFound) => {
            let left = table.get(&Key::user(tenant, id)).await?;
            Ok(left.map(|_| (id, ErasureOutcome::Before)))
        }
        Err(error) if error.is_temporary() && table.resume_forget(tenant, id, until).await? => {
            Ok(Some((id, ErasureOutcome::Forgotten)))
        }
        Err(error) => Err(error),
    }
}

/// Forgets in `table` every user of a tenant who has a tombstone in `replaced`, and counts those
/// who were there.
///
/// A legal hold of the restored table is no obstacle: the users were erased before. Erasures that
/// the replaced table had only begun count as well. A user who was forgotten longer ago than
/// tombstones are kept is not found.
pub async fn replay(table: &Table, tenant: &TenantId, replaced: &Table) -> Result<(usize, usize)> {
    let mut tombstones = Vec::new();
    each_item(replaced, |item| match owner_of_partition(item.key().pk()) {
        Some((owner, user)) if owner == *tenant && item.is_tombstone() => tombstones.push(user),
        _ => {}
    })
    .await?;
    let mut erased = 0;
    for user in &tombstones {
        let name = UserName::User(*user);
        let outcome = forget_because(table, tenant, &name, Reason::Replay).await?;
        erased += usize::from(matches!(
            outcome,
            Some((_, ErasureOutcome::Forgotten | ErasureOutcome::Finished))
        ));
    }
    Ok((tombstones.len(), erased))
}
