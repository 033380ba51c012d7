//! The outbox: mails that wait for the mailer.

use std::fmt::Display;

use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::Lookup;
use crate::domain::people::{MAIL_SECONDS, Mail};
use crate::domain::versioned::Versioned;
use crate::env::{Env, Timestamp};
use crate::store::item::Item;
use crate::store::keys::{Key, partition_of_outbox};
use crate::store::table::{Range, Table};
use crate::store::write::{Condition, MAX_SHARING, Write};

/// The most mails of one shard that are read at once.
const MOST: usize = 200;
/// How many items of the outbox a query reads.
const PAGE: i32 = 200;

impl Table {
    /// Puts a mail into the outbox.
    pub async fn put_mail(&self, mail: &Mail) -> Result<()> {
        Ok(self.commit(vec![mail_write(mail, &self.env)]).await?)
    }

    /// Reads a mail of the outbox.
    pub async fn mail(&self, key: &Key) -> Result<Option<Versioned<Mail>>> {
        self.get(key).await?.map(|item| item.read()).transpose()
    }

    /// The mails of one shard that can be sent at this time, oldest first; at most 200.
    pub async fn mails(&self, shard: u8, until: Timestamp) -> Result<Vec<(Key, Versioned<Mail>)>> {
        let (partition, mut after, mut due) = (partition_of_outbox(shard), None, Vec::new());
        loop {
            let page = self.query(&partition, Range::All, after.as_deref(), Some(PAGE)).await?;
            for item in &page.items {
                let mail = item.read::<Mail>()?;
                if mail.value.next_at.is_none_or(|at| at <= until) && due.len() < MOST {
                    due.push((item.key(), mail));
                }
            }
            after = page.next;
            if after.is_none() || due.len() >= MOST {
                return Ok(due);
            }
        }
    }

    /// The user with the username that has this hash, as [`Recipient::Username`] has it.
    ///
    /// [`Recipient::Username`]: crate::domain::people::Recipient::Username
    pub async fn holder_of_username(
        &self,
        tenant: &TenantId,
        hash: &str,
    ) -> Result<Option<UserId>> {
        let Ok(lookup) = format!("Q#username#{hash}").parse::<Lookup>() else { return Ok(None) };
        self.holder_of(tenant, &[lookup]).await
    }

    /// The users with the address that has this hash, as [`Recipient::Address`] has it.
    ///
    /// [`Recipient::Address`]: crate::domain::people::Recipient::Address
    pub async fn holders_of_address(&self, tenant: &TenantId, hash: &str) -> Result<Vec<UserId>> {
        let Ok(lookup) = format!("E#{hash}").parse::<Lookup>() else { return Ok(Vec::new()) };
        let entries = self.users_of(tenant, &lookup, None, MAX_SHARING).await?;
        Ok(entries.users.into_iter().map(|(user, _)| user).collect())
    }
}

/// The write that puts a mail into the outbox.
#[must_use]
pub fn mail_write(mail: &Mail, env: &Env) -> Write {
    let key = Key::mail(mail.created_at, env.random_uuid());
    Write::Put(mail_item(&key, &Versioned::first(mail.clone())), Condition::Absent)
}

/// The write that changes a mail that was read: it was tried once more, say.
#[must_use]
pub fn update_mail(key: &Key, stored: &Versioned<Mail>, next: Mail) -> Write {
    let item = mail_item(key, &stored.changed_to(next));
    Write::Put(item, Condition::Version(stored.version()))
}

/// The write that takes a mail that was read out of the outbox.
#[must_use]
pub fn delete_mail(key: &Key, stored: &Versioned<Mail>) -> Write {
    Write::Delete(key.clone(), Condition::Version(stored.version()))
}

/// The write that counts a mail to a person in a window of time, as long as the window has fewer than
/// `most` (rule G37).
#[must_use]
pub fn mail_count(
    tenant: &TenantId,
    user: UserId,
    window: impl Display,
    most: u32,
    until: Timestamp,
) -> Write {
    Write::Count(Key::mail_count(tenant, user, &window.to_string()), most, until)
}

fn mail_item(key: &Key, mail: &Versioned<Mail>) -> Item {
    let until = mail.value.created_at.plus_seconds(MAIL_SECONDS);
    Item::at(key).versioned(mail).expiring(until)
}
