//! What is known of a person's credentials, the sealed password and the passkeys.

use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::people::{Bounced, LoginFacts, Passkey, SecretHash};
use crate::domain::versioned::{Version, Versioned, WriteLog};
use crate::seal;
use crate::store::item::Item;
use crate::store::keys::{Child, Children, Key, LoginKey};
use crate::store::retry::Retry;
use crate::store::table::Table;
use crate::store::users::{StoredUser, check_exists};
use crate::store::write::{CommitError, Condition, Write};

impl Table {
    /// What is known of a person's credentials; `None` if the person never had any.
    pub async fn login_facts(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Option<Versioned<LoginFacts>>> {
        let key = Key::child(tenant, user, Child::Login);
        self.get(&key).await?.map(|item| item.read()).transpose()
    }

    /// Reads a user together with what is known of its credentials; a forgotten one is not found.
    pub async fn find_account(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Option<(StoredUser, Option<Versioned<LoginFacts>>)>> {
        let login = Key::child(tenant, user, Child::Login);
        let items = self.get_many(&[Key::user(tenant, user), login.clone()]).await?;
        let (mut found, mut facts) = (None, None);
        for item in &items {
            if item.key() == login {
                facts = Some(item.read()?);
            } else {
                found = StoredUser::read(item)?;
            }
        }
        Ok(found.map(|user| (user, facts)))
    }

    /// Notes that an address of a person does not take mail.
    pub async fn mark_bounced(
        &self,
        tenant: &TenantId,
        user: UserId,
        bounced: Bounced,
    ) -> Result<()> {
        let mut retry = Retry::of(self);
        loop {
            let stored = self.login_facts(tenant, user).await?;
            let before = stored.as_ref().map(|stored| stored.value.clone());
            let before = before.unwrap_or_else(|| LoginFacts::new(&self.env.random));
            let next = LoginFacts { bounced: Some(bounced.clone()), ..before };
            let writes =
                vec![put_login(tenant, user, stored.as_ref(), next), check_exists(tenant, user)];
            match self.commit(writes).await {
                Ok(()) => return Ok(()),
                // The person was forgotten.
                Err(failed) if failed.at(1) => return Ok(()),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Puts other facts about a person's credentials that nobody else looks at: the name of a
    /// passkey, say; `false` if they have changed since they were read.
    pub async fn update_login(
        &self,
        tenant: &TenantId,
        user: UserId,
        stored: &Versioned<LoginFacts>,
        next: LoginFacts,
    ) -> Result<bool> {
        match self.commit(vec![put_login(tenant, user, Some(stored), next)]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// The hash of a person's password, in the form of a PHC string. The login function alone calls
    /// this.
    pub async fn find_password(&self, tenant: &TenantId, user: UserId) -> Result<Option<String>> {
        let Some(item) = self.get(&Key::password(tenant, user)).await? else { return Ok(None) };
        let key = self.login_key(LoginKey::Seal).await?;
        let sealed = item.get_bytes("sealed").unwrap_or_default();
        let opened = seal::open(&key, &bound_to(tenant, user), sealed);
        let phc = opened.and_then(|opened| String::from_utf8(opened).ok());
        phc.map(Some).ok_or_else(|| Error::unexpected("cannot open a sealed password"))
    }

    /// The write that puts a person's password, given its hash as a PHC string. It is committed with
    /// the user under its version.
    pub async fn password_write(
        &self,
        tenant: &TenantId,
        user: UserId,
        phc: &str,
    ) -> Result<Write> {
        let key = self.login_key(LoginKey::Seal).await?;
        let plain = phc.as_bytes().to_vec();
        let sealed = seal::seal(&key, &bound_to(tenant, user), plain, &self.env)?;
        let item = Item::at(&Key::password(tenant, user))
            .bytes("sealed", sealed)
            .text("holder", user.to_string())
            .guarded(Version::FIRST, &WriteLog::default());
        Ok(Write::Put(item, Condition::Guarded))
    }

    /// Finds a passkey by the hash of its credential id. The login function alone calls this.
    pub async fn find_passkey(
        &self,
        tenant: &TenantId,
        id: &SecretHash,
    ) -> Result<Option<Versioned<Passkey>>> {
        self.get(&Key::passkey(tenant, id)).await?.map(|item| item.read()).transpose()
    }
}

/// What the seal of a password is bound to, so that it opens for its person alone.
fn bound_to(tenant: &TenantId, user: UserId) -> String {
    format!("password\n{tenant}\n{user}")
}

/// The write of what is known of a person's credentials, given what was read.
pub(crate) fn put_login(
    tenant: &TenantId,
    user: UserId,
    stored: Option<&Versioned<LoginFacts>>,
    next: LoginFacts,
) -> Write {
    let condition = stored.map_or(Condition::Absent, |s| Condition::Version(s.version()));
    let next = match stored {
        Some(stored) => stored.changed_to(next),
        None => Versioned::first(next),
    };
    let key = Key::child(tenant, user, Child::Login);
    let item = Item::at(&key).versioned(&next).text("holder", user.to_string());
    Write::Put(item, condition)
}

/// The write that deletes a person's password.
#[must_use]
pub fn delete_password(tenant: &TenantId, user: UserId) -> Write {
    Write::Delete(Key::password(tenant, user), Condition::Owner(user))
}

/// The write that puts a new passkey. It fails if anybody has it.
#[must_use]
pub fn put_passkey(tenant: &TenantId, id: &SecretHash, passkey: &Passkey) -> Write {
    let first = Versioned::first(passkey.clone());
    Write::Put(passkey_item(tenant, id, &first), Condition::Absent)
}

/// The write that changes a passkey that was read: its counter, say.
#[must_use]
pub fn update_passkey(
    tenant: &TenantId,
    id: &SecretHash,
    stored: &Versioned<Passkey>,
    next: Passkey,
) -> Write {
    let item = passkey_item(tenant, id, &stored.changed_to(next));
    Write::Put(item, Condition::Version(stored.version()))
}

/// The write that deletes a passkey of this user.
#[must_use]
pub fn delete_passkey(tenant: &TenantId, id: &SecretHash, user: UserId) -> Write {
    Write::Delete(Key::passkey(tenant, id), Condition::Owner(user))
}

fn passkey_item(tenant: &TenantId, id: &SecretHash, passkey: &Versioned<Passkey>) -> Item {
    Item::at(&Key::passkey(tenant, id))
        .versioned(passkey)
        .text("holder", passkey.value.user.to_string())
}

/// The writes that delete what this child names, if it is what is known of credentials: the password
/// and each passkey.
pub(in crate::store) fn owned_by_login(
    tenant: &TenantId,
    user: UserId,
    child: &Item,
) -> Result<Vec<Write>> {
    if !Children::Login.include(&child.key()) {
        return Ok(Vec::new());
    }
    let facts = child.read::<LoginFacts>()?.value;
    let passkeys = facts.passkeys.iter().map(|passkey| delete_passkey(tenant, &passkey.id, user));
    Ok(passkeys.chain([delete_password(tenant, user)]).collect())
}
