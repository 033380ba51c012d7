//! Accounts: a user together with what the person signs in with.
//!
//! What is known of credentials, sealed passwords, passkeys, links and sessions change in one
//! transaction with the user under its version. So of two changes of an account at once one is
//! repeated, and a block, a reset or an erasure is before a sign-in or after it.
//!
//! The caller has checked what the person may do; stages 2 and 3 of the pipeline have no part in it.

use super::address::make_room;
use super::pipeline::{CommitAttempt, ProfileWriter};
use super::policy::Policy;
use super::sessions::SessionStart;
use crate::app::App;
use crate::domain::audit::{Change, Operation};
use crate::domain::author::{Author, AuthorSession};
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::people::rights::check_account;
use crate::domain::people::{LoginFacts, Session, SessionCookie, SessionHash};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::{Version, Versioned, WriteId};
use crate::env::Random;
use crate::store::people::put_login;
use crate::store::user_writes::{CompanionWrites, FailedConditions, UserWrite};
use crate::store::users::StoredUser;
use crate::store::{Retry, Write};

/// A user with what is known of its credentials, as both were read.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: StoredUser,
    /// What is known of its credentials; `None` if it never had any.
    pub login: Option<Versioned<LoginFacts>>,
}

impl Account {
    /// What is known of the credentials, to be changed.
    #[must_use]
    pub fn facts(&self, random: &Random) -> LoginFacts {
        let stored = self.login.as_ref().map(|login| login.value.clone());
        stored.unwrap_or_else(|| LoginFacts::new(random))
    }

    /// The version of the user that the next write leaves: what sessions and codes of a sign-in
    /// keep.
    #[must_use]
    pub fn next_version(&self) -> Version {
        self.user.version().next()
    }

    /// The versions of the user and of what is known of its credentials, as both were read.
    fn versions(&self) -> (Version, Option<Version>) {
        (self.user.version(), self.login.as_ref().map(Versioned::version))
    }
}

/// A change of an account.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    user: Option<User>,
    login: Option<LoginFacts>,
    writes: Vec<Write>,
    changes: Vec<Change>,
    signs_out: bool,
    /// The id of the session that begins, and those of the sessions that end by that.
    begun: Option<(String, Vec<String>)>,
}

impl AccountChange {
    /// With another content of the user.
    #[must_use]
    pub fn user(self, user: User) -> Self {
        Self { user: Some(user), ..self }
    }

    /// With other facts about credentials.
    #[must_use]
    pub fn login(self, login: LoginFacts) -> Self {
        Self { login: Some(login), ..self }
    }

    /// With further writes of the same transaction. If the condition of one of them does not hold,
    /// nothing is written, and nothing is repeated.
    #[must_use]
    pub fn writes(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes);
        self
    }

    /// With what the audit tells of these writes.
    #[must_use]
    pub fn changes(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// With the start of a session. The audit names it (rule G65), and the refresh tokens of the
    /// sessions that it ends are ended once it is written (rule G26).
    #[must_use]
    pub fn begin(mut self, start: SessionStart) -> Self {
        self.writes.extend(start.writes);
        Self { begun: Some((start.session.sid, start.ended)), ..self }
    }

    /// With the end of all sessions, codes and families of refresh tokens that the person has.
    #[must_use]
    pub fn sign_out(self) -> Self {
        Self { signs_out: true, ..self }
    }
}

/// The result of one attempt to commit the change of an account.
pub enum AccountCommit {
    /// It is written.
    Written(Box<Versioned<User>>),
    /// The user or its credentials have changed since they were read: read them again.
    Contended,
    /// The condition of the further write with this index does not hold.
    Overtaken(usize),
}

/// Writes accounts for one author, by one configuration.
pub struct AccountWriter<'w> {
    pub(super) app: &'w App,
    pub(super) author: &'w Author,
    pub(super) schema: &'w Schema,
    pub(super) write_id: WriteId,
}

impl<'w> AccountWriter<'w> {
    /// A writer of one change. The id of the write is made here, before any loop that repeats it.
    #[must_use]
    pub fn new(app: &'w App, author: &'w Author, schema: &'w Schema) -> Self {
        Self { app, author, schema, write_id: app.table().write_id() }
    }

    /// Whether an earlier attempt of this writer has written the user.
    #[must_use]
    pub fn has_written(&self, user: &StoredUser) -> bool {
        user.log_contains(self.write_id)
    }

    /// Reads a user with what is known of its credentials.
    pub async fn read(&self, user: UserId) -> Result<Option<Account>> {
        let found = self.app.table().find_account(&self.author.tenant, user).await?;
        Ok(found.map(|(user, login)| Account { user, login }))
    }

    /// Changes an account as `edit` says; `None` if it says that nothing changes. A further write
    /// whose condition does not hold, a link that was used before, say, is
    /// [`Error::AlreadyRecorded`].
    pub async fn change(
        &self,
        user: UserId,
        operation: Operation,
        edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
    ) -> Result<Option<Versioned<User>>> {
        self.change_while(user, None, operation, edit).await
    }

    /// Changes an account as [`AccountWriter::change`] does, while a session of the user lasts.
    /// [`Error::SignedOut`] if the session has ended: what the change brings must not outlive it
    /// (rules G24 and G49).
    pub async fn change_in_session(
        &self,
        user: UserId,
        session: &SessionHash,
        operation: Operation,
        edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
    ) -> Result<Option<Versioned<User>>> {
        self.change_while(user, Some(session), operation, edit).await
    }

    async fn change_while(
        &self,
        user: UserId,
        session: Option<&SessionHash>,
        operation: Operation,
        mut edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
    ) -> Result<Option<Versioned<User>>> {
        let mut retry = Retry::of(self.app.table());
        loop {
            let account = self.read(user).await?.ok_or(Error::NotFound)?;
            if self.has_written(&account.user) {
                return Ok(Some(account.user.into_stored()));
            }
            if let Some(session) = session {
                self.check_lasts(&account.user.value, session).await?;
            }
            let Some(change) = edit(&account)? else { return Ok(None) };
            match Box::pin(self.commit(account, change, operation)).await? {
                AccountCommit::Written(user) => return Ok(Some(*user)),
                AccountCommit::Contended => retry.again().await?,
                AccountCommit::Overtaken(_) => return Err(Error::AlreadyRecorded),
            }
        }
    }

    /// Signs a person in: puts the session that `edit` begins, notes the time of the sign-in, and
    /// ends the session that is `replaced` and those past the limit. `edit` sees the user and the
    /// credentials of each attempt, and returns `None` if the person may not sign in after all.
    pub async fn sign_in(
        &self,
        user: UserId,
        cookie: &SessionCookie,
        replaced: Option<&SessionHash>,
        mut edit: impl FnMut(&Account) -> Result<Option<(AccountChange, Session)>> + Send,
    ) -> Result<Option<(Versioned<User>, Session)>> {
        let mut retry = Retry::of(self.app.table());
        let mut attempted: Option<(Session, Vec<String>)> = None;
        loop {
            let account = self.read(user).await?.ok_or(Error::NotFound)?;
            if let Some((session, ended)) =
                attempted.take().filter(|_| self.has_written(&account.user))
            {
                self.end_rest(user, &ended).await;
                return Ok(Some((account.user.into_stored(), session)));
            }
            let Some((mut change, session)) = edit(&account)? else { return Ok(None) };
            let start =
                Box::pin(self.begin_session(&account.user, cookie, session, replaced)).await?;
            let (session, ended) = (start.session.clone(), start.ended.clone());
            let mut next = change.user.take().unwrap_or_else(|| account.user.value.clone());
            next.last_login_at = Some(self.app.env().clock.now());
            let change = change.user(next).begin(start);
            match Box::pin(self.commit(account, change, Operation::UserSignIn)).await? {
                AccountCommit::Written(user) => return Ok(Some((*user, session))),
                AccountCommit::Contended => {
                    attempted = Some((session, ended));
                    retry.again().await?;
                }
                AccountCommit::Overtaken(_) => return Err(Error::AlreadyRecorded),
            }
        }
    }

    /// Commits a change of an account that was read, and repeats a commit that met another request
    /// as long as nobody has changed the account. So it learns of an attempt that was written
    /// although it came back as a conflict (rule I2). [`AccountCommit::Contended`]: the account has
    /// changed.
    pub async fn commit_as_read(
        &self,
        account: &Account,
        change: &AccountChange,
        operation: Operation,
    ) -> Result<AccountCommit> {
        let mut retry = Retry::of(self.app.table());
        loop {
            let commit = self.commit(account.clone(), change.clone(), operation);
            let committed = Box::pin(commit).await?;
            if !matches!(committed, AccountCommit::Contended) {
                return Ok(committed);
            }
            match self.read(account.user.value.id).await? {
                Some(now) if self.has_written(&now.user) => {
                    if let Some((_, ended)) = &change.begun {
                        self.end_rest(now.user.value.id, ended).await;
                    }
                    return Ok(AccountCommit::Written(Box::new(now.user.into_stored())));
                }
                Some(now) if now.versions() == account.versions() => retry.again().await?,
                _ => return Ok(committed),
            }
        }
    }

    /// Commits a change of an account that was read, once.
    pub async fn commit(
        &self,
        account: Account,
        change: AccountChange,
        operation: Operation,
    ) -> Result<AccountCommit> {
        let Account { user: current, login } = account;
        check_account(self.author, &current.value, self.schema)?;
        let AccountChange { user, login: facts, mut writes, changes, signs_out, begun } = change;
        let further = writes.len();
        let (tenant, id) = (&self.author.tenant, current.value.id);
        writes.extend(facts.map(|facts| put_login(tenant, id, login.as_ref(), facts)));
        let signed_out = if signs_out { current.version().next().0 } else { 0 };
        let mut author = self.author.clone().doing(operation);
        if let Some((sid, _)) = &begun {
            author.session = Some(AuthorSession { sid: sid.clone(), is_recent: true });
        }
        let hashes = Hashes::default();
        let policy = Policy::sign_in(self.write_id);
        let writer = ProfileWriter::new(self.app, &author, self.schema, &hashes, policy);
        let write = match user.filter(|user| user.differs(&current.value)) {
            Some(user) => {
                self.schema.check_covers(&current.value)?;
                let mut user = writer.derive(&writer.context(), Some(&current), user).await?;
                user.signed_out = signed_out;
                UserWrite::Update(Box::new(current), user)
            }
            None => UserWrite::Touch(Box::new(current), signed_out),
        };
        let companions = CompanionWrites { writes, changes, ..CompanionWrites::default() };
        match writer.commit(write, |_| Ok(companions)).await? {
            CommitAttempt::Written(user) => {
                if let Some((_, ended)) = begun {
                    self.end_rest(id, &ended).await;
                }
                Ok(AccountCommit::Written(Box::new(user)))
            }
            CommitAttempt::Contended => Ok(AccountCommit::Contended),
            CommitAttempt::Refused(refused) => self.refused(&refused, further).await,
        }
    }

    /// What became of a transaction with so many further writes, whose conditions did not hold.
    async fn refused(&self, refused: &FailedConditions, further: usize) -> Result<AccountCommit> {
        if let Some(place) = refused.companion().filter(|place| *place < further) {
            return Ok(AccountCommit::Overtaken(place));
        }
        if refused.user || refused.gained.is_empty() {
            return Ok(AccountCommit::Contended);
        }
        match refused.full_address() {
            Some(address)
                if refused.gained.len() == 1
                    && make_room(self.app, self.schema, address).await? =>
            {
                Ok(AccountCommit::Contended)
            }
            _ => Err(refused.not_unique(self.schema)),
        }
    }
}
