//! How sessions begin and end (rules G24 and G26).
//!
//! INVARIANT: a session begins, and a person or an administrator ends it, in a transaction that puts
//! the user under the version that was read. So if a session is read after its user, a change that
//! is committed under the version of that user comes before the end of the session.

use super::account::{AccountChange, AccountCommit, AccountWriter};
use crate::domain::audit::Operation;
use crate::domain::error::{Error, Result};
use crate::domain::id::UserId;
use crate::domain::people::rights::{check_account, portal_scopes};
use crate::domain::people::{FamilyName, Life, Session, SessionCookie, SessionHash};
use crate::domain::user::User;
use crate::store::people::end_session;
use crate::store::users::StoredUser;
use crate::store::{Retry, Write};

/// The start of a session.
#[derive(Debug)]
pub struct SessionStart {
    /// The session as it is put: it is bound to the version of the user that the same transaction
    /// leaves.
    pub session: Session,
    /// The writes that put it, and end the session that it replaces and those past the limit.
    pub writes: Vec<Write>,
    /// The ids of the sessions that end.
    pub ended: Vec<String>,
}

impl AccountWriter<'_> {
    /// The start of a session of this user, for the transaction that puts the user. It ends the
    /// refresh tokens of the sessions that the transaction ends (rule G26), even if that is not
    /// committed.
    pub async fn begin_session(
        &self,
        user: &StoredUser,
        cookie: &SessionCookie,
        session: Session,
        replaced: Option<&SessionHash>,
    ) -> Result<SessionStart> {
        let (hash, user_version) = (cookie.hash(), user.version().next());
        let (user, session) = (&user.value, Session { user_version, ..session });
        let (tenant, now) = (&self.author.tenant, self.app.env().clock.now());
        let owner = (user, Life::with(&portal_scopes(user, self.schema, now)));
        let table = self.app.table();
        let (writes, ended) =
            table.session_writes(tenant, owner, (&hash, &session), replaced).await?;
        // Before, so that none outlives its session if the process dies; and again, for one that
        // the session has just started.
        if let Err(error) = Box::pin(self.end_families(user.id, &ended)).await {
            tracing::warn!(%error, "refresh tokens end after the sign-in and not before it");
        }
        Ok(SessionStart { session, writes, ended })
    }

    /// Ends what is left of the refresh tokens of sessions that a sign-in has ended. If this fails,
    /// the person is signed in all the same: the account page shows these families and ends them.
    pub(super) async fn end_rest(&self, user: UserId, ended: &[String]) {
        if let Err(error) = Box::pin(self.end_families(user, ended)).await {
            tracing::error!(%error, "the refresh tokens of an ended session were not ended");
        }
    }

    /// Ends the families of refresh tokens that sessions with these ids started.
    async fn end_families(&self, user: UserId, ended: &[String]) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let started = |family: &FamilyName| ended.contains(&family.sid);
        self.app.table().delete_families(&self.author.tenant, user, started).await
    }

    /// Checks that a session of a user lasts. The user was read before: the end of the session
    /// writes both, so it is seen here, or a commit under the version of that user fails.
    pub(super) async fn check_lasts(&self, user: &User, session: &SessionHash) -> Result<()> {
        let stored = self.app.table().read_session(&self.author.tenant, user.id, session).await?;
        if stored.is_none_or(|stored| user.has_signed_out(stored.value.user_version)) {
            return Err(Error::SignedOut);
        }
        Ok(())
    }

    /// Ends the session of a user that has this id, with the families of refresh tokens that it
    /// started; `false` if there is none that `ends` accepts. If the person authenticates again
    /// meanwhile, the session has another secret, and it ends under that one.
    pub async fn end_session(
        &self,
        user: UserId,
        sid: &str,
        ends: impl Fn(&User, &Session) -> bool + Send + Sync,
    ) -> Result<bool> {
        let (table, tenant) = (self.app.table(), &self.author.tenant);
        let started = |family: &FamilyName| family.sid == sid;
        let mut retry = Retry::of(table);
        loop {
            let account = self.read(user).await?.ok_or(Error::NotFound)?;
            if self.has_written(&account.user) {
                break;
            }
            // After the user: a sign-in writes both, so it is seen here or fails the commit.
            let sessions = table.list_sessions(tenant, user).await?;
            let found = sessions.iter().find(|(_, session)| {
                session.value.sid == sid && ends(&account.user.value, &session.value)
            });
            let Some((hash, _)) = found else { return Ok(false) };
            check_account(self.author, &account.user.value, self.schema)?;
            // Before, so that none outlives the session; and again, for one that it has just
            // started.
            table.delete_families(tenant, user, started).await?;
            let change = AccountChange::default().writes([end_session(tenant, user, hash)]);
            match Box::pin(self.commit(account, change, Operation::UserSessionsEnd)).await? {
                AccountCommit::Written(_) => break,
                AccountCommit::Contended | AccountCommit::Overtaken(_) => retry.again().await?,
            }
        }
        table.delete_families(tenant, user, started).await?;
        Ok(true)
    }
}
