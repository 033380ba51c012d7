//! Whether values are free for a user, and who could make room.

use super::refusals::{distinct, id_taken, refusal};
use crate::domain::error::{Error, Result, Violations};
use crate::domain::id::TenantId;
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::users::StoredUser;
use crate::store::write::MAX_SHARING;

impl Table {
    /// Checks without a write that no other user holds the values that this user would hold: its
    /// id, if there is no user `before`, and the unique values that it gains.
    pub async fn check_free(
        &self,
        schema: &Schema,
        user: &User,
        before: Option<&StoredUser>,
    ) -> Result<()> {
        let tenant = &schema.tenant;
        let mut wrong = Violations::default();
        user.check_size(&mut wrong);
        let lookups = match before {
            Some(before) => {
                lookup::after_change(before.lookups(), &before.value, user, schema, &mut wrong)
            }
            None => lookup::of(user, schema, &mut wrong),
        };
        let lookups = wrong.check(lookups)?;
        let mut violations = Vec::new();
        if before.is_none() && self.get(&Key::user(tenant, user.id)).await?.is_some() {
            violations.push(id_taken());
        }
        for lookup in lookups
            .iter()
            .filter(|lookup| before.is_none_or(|before| !before.lookups().contains(lookup)))
        {
            let taken = match lookup {
                Lookup::Unique { .. } | Lookup::Email { .. } => {
                    let item =
                        self.get(&Key::lookup(tenant, lookup, user.id)).await?.unwrap_or_default();
                    item.owner().is_some_and(|holder| holder != user.id)
                        || item.get_set("users").len() >= MAX_SHARING
                            && (!user.owns_address()
                                || self.claimant_of(tenant, lookup).await?.is_none())
                }
                Lookup::Exact { .. } | Lookup::Prefix { .. } => false,
            };
            if taken {
                violations.push(refusal(lookup, user, schema)?);
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::NotUnique(distinct(violations))) }
    }

    /// Of the users who only claim a shared e-mail address, the one who signed in least recently.
    pub async fn claimant_of(
        &self,
        tenant: &TenantId,
        address: &Lookup,
    ) -> Result<Option<StoredUser>> {
        let entries = self.users_of(tenant, address, None, MAX_SHARING).await?;
        let ids: Vec<_> = entries.users.into_iter().map(|(id, _)| id).collect();
        let users = self.find_users(tenant, &ids).await?.into_iter();
        let claimants =
            users.filter(|user| user.lookups().contains(address) && !user.value.owns_address());
        Ok(claimants.min_by_key(|user| user.value.last_login_at))
    }
}
