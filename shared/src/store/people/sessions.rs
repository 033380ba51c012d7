//! Sessions of people, and the names of the refresh token families that they started.

use crate::domain::error::{Error, Result};
use crate::domain::id::{PersonaId, TenantId, UserId};
use crate::domain::people::{FamilyName, Life, MAX_SESSIONS, Session, SessionHash};
use crate::domain::user::User;
use crate::domain::versioned::{Version, Versioned};
use crate::store::item::Item;
use crate::store::keys::{
    FAMILIES, Key, SESSIONS, family_of_name, partition_of_sessions, session_of_key,
};
use crate::store::retry::Retry;
use crate::store::table::{Range, Table};
use crate::store::write::{CommitError, Condition, Write};

/// How many sessions or names one transaction deletes.
const MOST_ENDED: usize = 40;
/// How many families of refresh tokens one transaction ends, beside what else it writes.
pub(crate) const FAMILIES_ENDED: usize = MOST_ENDED / 2;

impl Table {
    /// Reads a session, whether it is still alive or not: that depends on its user.
    pub async fn read_session(
        &self,
        tenant: &TenantId,
        user: UserId,
        session: &SessionHash,
    ) -> Result<Option<Versioned<Session>>> {
        self.get(&Key::session(tenant, user, session)).await?.map(|item| item.read()).transpose()
    }

    /// The sessions of a person, the one that began last first. Some may be over.
    pub async fn list_sessions(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<(SessionHash, Versioned<Session>)>> {
        let partition = partition_of_sessions(tenant, user);
        let items = self.query_all(&partition, Range::StartsWith(SESSIONS)).await?;
        let mut sessions = Vec::with_capacity(items.len());
        for item in &items {
            let hash = session_of_key(item.key().sk())
                .ok_or_else(|| Error::unexpected("a session has another key"))?;
            sessions.push((hash, item.read::<Session>()?));
        }
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.value.auth_time));
        Ok(sessions)
    }

    /// Ends a session and the families of refresh tokens that it started; `false` if it had ended.
    pub async fn delete_session(
        &self,
        tenant: &TenantId,
        user: UserId,
        session: &SessionHash,
    ) -> Result<bool> {
        let Some(stored) = self.read_session(tenant, user, session).await? else {
            return Ok(false);
        };
        self.delete_keys(&[Key::session(tenant, user, session)]).await?;
        self.delete_families(tenant, user, |name| name.sid == stored.value.sid).await?;
        Ok(true)
    }

    /// Ends all sessions of a person but one, with the families of refresh tokens that they
    /// started; how many sessions.
    pub async fn delete_sessions(
        &self,
        tenant: &TenantId,
        user: UserId,
        except: Option<&SessionHash>,
    ) -> Result<usize> {
        let sessions = self.list_sessions(tenant, user).await?;
        let stays = |hash: &SessionHash| except == Some(hash);
        let kept = sessions.iter().find(|(hash, _)| stays(hash));
        let ended: Vec<_> = sessions
            .iter()
            .filter(|(hash, _)| !stays(hash))
            .map(|(hash, _)| Key::session(tenant, user, hash))
            .collect();
        self.delete_keys(&ended).await?;
        let sid = kept.map(|(_, session)| session.value.sid.as_str());
        self.delete_families(tenant, user, |name| Some(name.sid.as_str()) != sid).await?;
        Ok(ended.len())
    }

    /// Notes that a session was used. If somebody else wrote or ended the session meanwhile, nothing
    /// is noted: it has just been used, or it is over.
    pub async fn touch_session(
        &self,
        tenant: &TenantId,
        user: UserId,
        session: &SessionHash,
        stored: &Versioned<Session>,
    ) -> Result<()> {
        let seen = Session { seen_at: self.env.clock.now(), ..stored.value.clone() };
        let item = session_item(tenant, user, session, &stored.changed_to(seen));
        let write = Write::Put(item, Condition::Version(stored.version()));
        match self.commit(vec![write]).await {
            Ok(()) | Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Notes the persona that the person chose; `false` if somebody else wrote or ended the session
    /// meanwhile.
    pub async fn choose_persona(
        &self,
        tenant: &TenantId,
        user: UserId,
        session: &SessionHash,
        stored: &Versioned<Session>,
        persona: PersonaId,
    ) -> Result<bool> {
        let next = Session { persona: Some(persona), ..stored.value.clone() };
        let item = session_item(tenant, user, session, &stored.changed_to(next));
        match self.commit(vec![Write::Put(item, Condition::Version(stored.version()))]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// The families of refresh tokens of a person, by their names.
    pub async fn family_names(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<(String, FamilyName)>> {
        let partition = partition_of_sessions(tenant, user);
        let items = self.query_all(&partition, Range::StartsWith(FAMILIES)).await?;
        let mut names = Vec::with_capacity(items.len());
        for item in &items {
            let key = item.key();
            let family = family_of_name(key.sk()).unwrap_or_default().to_owned();
            names.push((family, item.read::<FamilyName>()?.value));
        }
        Ok(names)
    }

    /// Ends the families of refresh tokens of a person that `which` names.
    pub async fn delete_families(
        &self,
        tenant: &TenantId,
        user: UserId,
        which: impl Fn(&FamilyName) -> bool + Send,
    ) -> Result<()> {
        let names = self.family_names(tenant, user).await?;
        let ended: Vec<_> = names
            .iter()
            .filter(|(_, name)| which(name))
            .flat_map(|(family, _)| {
                [Key::refresh_family(family), Key::family_name(tenant, user, family)]
            })
            .collect();
        self.delete_keys(&ended).await
    }

    /// Deletes the sessions of a person who was forgotten, and the families of refresh tokens, those
    /// past their time included.
    pub(in crate::store) async fn forget_sessions(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<()> {
        let items = self.query_stored(&partition_of_sessions(tenant, user)).await?;
        let mut keys: Vec<_> = items.iter().map(Item::key).collect();
        // A family goes before its name, or with it.
        let families = |key: &Key| family_of_name(key.sk()).map(Key::refresh_family);
        keys = keys.iter().flat_map(|key| families(key).into_iter().chain([key.clone()])).collect();
        self.delete_keys(&keys).await
    }

    /// Deletes these items if they are there.
    async fn delete_keys(&self, keys: &[Key]) -> Result<()> {
        for some in keys.chunks(MOST_ENDED) {
            let mut retry = Retry::of(self);
            loop {
                let deletes = some.iter().map(|key| Write::Delete(key.clone(), Condition::Guarded));
                match self.commit(deletes.collect()).await {
                    Ok(()) => break,
                    Err(CommitError::Contended) => retry.again().await?,
                    Err(failed) => return Err(failed.into()),
                }
            }
        }
        Ok(())
    }

    /// The writes of a sign-in: the new session, the one that it replaces, and those past
    /// [`MAX_SESSIONS`], first the ones that are over, then the oldest (rule G26). They are committed
    /// with the user under its version, so no other sign-in of the person comes in between. `user` is
    /// the person, whose rights give sessions this life. Returns too the ids of the sessions that
    /// end: one that goes on under another secret is not among them.
    pub(crate) async fn session_writes(
        &self,
        tenant: &TenantId,
        (user, life): (&User, Life),
        (hash, session): (&SessionHash, &Session),
        replaced: Option<&SessionHash>,
    ) -> Result<(Vec<Write>, Vec<String>)> {
        let (id, now) = (user.id, self.env.clock.now());
        let mut sessions = self.list_sessions(tenant, id).await?;
        // The newest first, as before, of those that are alive, then of those that are over.
        sessions.sort_by_key(|(_, stored)| !stored.value.is_alive(user, life, now));
        let others = sessions.iter().filter(|(other, _)| other != hash);
        let (gone, kept): (Vec<_>, Vec<_>) = others.partition(|(other, _)| Some(other) == replaced);
        let excess = kept.into_iter().skip(MAX_SESSIONS - 1).take(MOST_ENDED);
        let mut writes = Vec::with_capacity(1 + gone.len());
        let first = Versioned::first(session.clone());
        writes.push(Write::Put(session_item(tenant, id, hash, &first), Condition::Absent));
        let mut ended = Vec::new();
        for (other, stored) in gone.into_iter().chain(excess) {
            writes.push(end_session(tenant, id, other));
            if stored.value.sid != session.sid {
                ended.push(stored.value.sid.clone());
            }
        }
        Ok((writes, ended))
    }
}

fn session_item(
    tenant: &TenantId,
    user: UserId,
    hash: &SessionHash,
    session: &Versioned<Session>,
) -> Item {
    Item::at(&Key::session(tenant, user, hash))
        .versioned(session)
        .text("holder", user.to_string())
        .expiring(session.value.ends_at)
}

/// The write that binds a session that was read to another version of its user. In the transaction
/// that ends all sessions of the person, this one goes on.
#[must_use]
pub fn keep_session(
    tenant: &TenantId,
    user: UserId,
    session: &SessionHash,
    stored: &Versioned<Session>,
    user_version: Version,
) -> Write {
    let next = Session { user_version, ..stored.value.clone() };
    let item = session_item(tenant, user, session, &stored.changed_to(next));
    Write::Put(item, Condition::Version(stored.version()))
}

/// The write that ends a session, if it is there.
#[must_use]
pub(crate) fn end_session(tenant: &TenantId, user: UserId, session: &SessionHash) -> Write {
    Write::Delete(Key::session(tenant, user, session), Condition::Guarded)
}

/// The write that names a family of refresh tokens at its person. It is committed with the family,
/// and with a check that the user is live.
#[must_use]
pub fn put_family_name(tenant: &TenantId, user: UserId, family: &str, name: &FamilyName) -> Write {
    let item = Item::at(&Key::family_name(tenant, user, family))
        .versioned(&Versioned::first(name.clone()))
        .text("holder", user.to_string())
        .expiring(name.ends_at);
    Write::Put(item, Condition::Absent)
}

/// The writes that end a family of refresh tokens of a person, which was read. If it has ended since,
/// their transaction is not committed.
pub(crate) fn end_family(tenant: &TenantId, user: UserId, family: &str) -> [Write; 2] {
    [
        Write::Delete(Key::refresh_family(family), Condition::Guarded),
        Write::Delete(Key::family_name(tenant, user, family), Condition::NotDeleted),
    ]
}

/// The write that takes the name of a family away, which ends.
#[must_use]
pub fn delete_family_name(tenant: &TenantId, user: UserId, family: &str) -> Write {
    Write::Delete(Key::family_name(tenant, user, family), Condition::Guarded)
}
