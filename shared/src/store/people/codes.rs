//! Authorization codes: put by the login function, exchanged once by the token function (rule G6).

use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::people::{CODE_SECONDS, Code, EXCHANGED_SECONDS, Exchanged, Secret, SecretHash};
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{Condition, Write};

impl Table {
    /// Stores a new code for 60 seconds.
    pub async fn put_code(&self, tenant: &TenantId, code: &Secret, bound: &Code) -> Result<()> {
        let first = Versioned::first(bound.clone());
        let item = Item::at(&Key::code(tenant, &code.hash()))
            .versioned(&first)
            .text("holder", bound.user.to_string())
            .expiring(bound.created_at.plus_seconds(CODE_SECONDS));
        Ok(self.commit(vec![Write::Put(item, Condition::Absent)]).await?)
    }

    /// Finds a code by its hash. One that was exchanged is found for ten minutes: then a second use
    /// ends what it was exchanged for.
    pub async fn find_code(
        &self,
        tenant: &TenantId,
        hash: &SecretHash,
    ) -> Result<Option<Versioned<Code>>> {
        self.get(&Key::code(tenant, hash)).await?.map(|item| item.read()).transpose()
    }
}

/// The write that exchanges a code that was read and not exchanged before. Of many transactions with
/// it one is committed.
#[must_use]
pub fn exchange_code(
    tenant: &TenantId,
    hash: &SecretHash,
    stored: &Versioned<Code>,
    exchanged: Exchanged,
) -> Write {
    let user = stored.value.user;
    let until = stored.value.created_at.plus_seconds(CODE_SECONDS + EXCHANGED_SECONDS);
    let next = Code { exchanged: Some(exchanged), ..stored.value.clone() };
    let item = Item::at(&Key::code(tenant, hash))
        .versioned(&stored.changed_to(next))
        .text("holder", user.to_string())
        .expiring(until);
    Write::Put(item, Condition::Version(stored.version()))
}
