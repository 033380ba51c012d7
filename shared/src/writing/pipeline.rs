//! The stages of a write, and the two loops that most writes run.

use std::sync::atomic::{AtomicBool, Ordering};

use super::address::make_room;
use super::derive::{FailedWorkflow, derive_attributes};
use super::policy::{DerivationMode, OnUnapproved, Policy, WriteTarget};
use crate::app::App;
use crate::domain::author::Author;
use crate::domain::change_request::{
    ChangeRequest, refuse_added, refuse_new, refuse_unapproved, unapproved,
};
use crate::domain::definition::AttributeDefinition;
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::people::rights::check_write;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::WriteId;
use crate::domain::{Versioned, WriteContext};
use crate::store::user_writes::{
    CommitOutcome, CompanionWrites, FailedConditions, PreparedUser, UserWrite,
};
use crate::store::users::StoredUser;
use crate::store::{Retry, Write};
use crate::work::make_hashes;

/// Writes profiles for one author, by one configuration and one policy.
pub struct ProfileWriter<'w> {
    app: &'w App,
    author: &'w Author,
    schema: &'w Schema,
    hashes: &'w Hashes,
    policy: Policy,
    write_id: WriteId,
    /// Whether an attempt kept a derived value because its workflow failed.
    derivation_failed: AtomicBool,
}

/// A proposed profile after approval and derivation.
pub enum PreparedProfile {
    /// It may be written.
    Ready(User),
    /// It has to be approved first.
    NeedsApproval(ChangeRequest),
}

impl PreparedProfile {
    /// The profile that may be written, by a policy that asks for no approval.
    pub fn into_user(self) -> Result<User> {
        match self {
            Self::Ready(user) => Ok(user),
            Self::NeedsApproval(_) => Err(Error::unexpected("an approval that nobody asks for")),
        }
    }
}

/// The result of one attempt to commit.
pub enum CommitAttempt {
    /// The user is written, and so are the companions.
    Written(Versioned<User>),
    /// Another request writes the same items at this moment. It is not known which of them was
    /// faster.
    Contended,
    /// Conditions of the transaction did not hold.
    Refused(FailedConditions),
}

/// The result of a change.
pub enum WriteOutcome {
    /// The user is unchanged.
    Unchanged(Versioned<User>),
    /// The user is written.
    Written(Versioned<User>),
    /// The change waits for an approval.
    Pending(Versioned<ChangeRequest>),
}

impl<'w> ProfileWriter<'w> {
    /// A writer. The id of the write is made here, before any loop that repeats it; `hashes` are
    /// those of the request, so that a repetition uses the same hashes.
    #[must_use]
    pub fn new(
        app: &'w App,
        author: &'w Author,
        schema: &'w Schema,
        hashes: &'w Hashes,
        policy: Policy,
    ) -> Self {
        let write_id = policy.write_id.unwrap_or_else(|| app.table().write_id());
        let derivation_failed = AtomicBool::new(false);
        Self { app, author, schema, hashes, policy, write_id, derivation_failed }
    }

    /// Whether derived attributes kept what they had because a workflow failed.
    #[must_use]
    pub fn derivation_failed(&self) -> bool {
        self.derivation_failed.load(Ordering::Relaxed)
    }

    /// The context in which a written document is read. Each attempt asks for its own.
    #[must_use]
    pub fn context(&self) -> WriteContext<'w> {
        self.hashes.start_again();
        let (env, view) = (self.app.env(), self.author.view);
        WriteContext { schema: self.schema, env, hashes: self.hashes, view }
    }

    /// Creates the user that `read` reads, with the writes of `companions` in the same transaction.
    pub async fn create(
        &self,
        read: impl Fn(&WriteContext<'_>) -> Result<User> + Send + Sync,
        companions: impl Fn(&Versioned<User>) -> Result<Vec<Write>> + Send + Sync,
    ) -> Result<Versioned<User>> {
        let (context, proposed) = self.propose(&read).await?;
        let user = self.prepare(&context, None, proposed).await?.into_user()?;
        let table = self.app.table();
        if self.policy.dry_run {
            table.check_free(self.schema, &user, None).await?;
            return Ok(Versioned::first(user));
        }
        let mut retry = Retry::of(table);
        loop {
            let made = |next: &_| companions(next).map(CompanionWrites::of);
            match self.commit(UserWrite::Create(user.clone()), made).await? {
                CommitAttempt::Written(user) => return Ok(user),
                CommitAttempt::Contended => retry.again().await?,
                CommitAttempt::Refused(refused) if refused.companion().is_some() => {
                    return Err(Error::AlreadyRecorded);
                }
                CommitAttempt::Refused(refused) => {
                    self.retry_or_refuse(&refused, &mut retry).await?;
                }
            }
        }
    }

    /// Changes a user as `edit` says; `edit` returns the same user when nothing changes.
    /// `companions` go into the same transaction, and are written too when nothing changes.
    pub async fn change(
        &self,
        id: UserId,
        edit: impl Fn(&StoredUser, &WriteContext<'_>) -> Result<User> + Send + Sync,
        companions: impl Fn(&WriteOutcome) -> Result<Vec<Write>> + Send + Sync,
    ) -> Result<WriteOutcome> {
        let table = self.app.table();
        let mut retry = Retry::of(table);
        loop {
            let current = table.get_user(&self.author.tenant, id).await?;
            if current.log_contains(self.write_id) {
                return Ok(WriteOutcome::Written(current.into_stored()));
            }
            self.schema.check_covers(&current.value)?;
            let (context, proposed) = self.propose(|context| edit(&current, context)).await?;
            let next = match self.prepare_change(&context, &current, proposed).await? {
                Some(PreparedProfile::NeedsApproval(request)) => return self.ask(request).await,
                Some(PreparedProfile::Ready(user)) => Some(user),
                None => None,
            };
            let outcome =
                if next.is_some() { WriteOutcome::Written } else { WriteOutcome::Unchanged };
            if self.policy.dry_run {
                return self.check(current, next).await.map(outcome);
            }
            let write = match next {
                Some(user) => UserWrite::Update(Box::new(current), user),
                None => UserWrite::Keep(Box::new(current)),
            };
            let made = |next: &Versioned<User>| companions(&outcome(next.clone()));
            match self.commit(write, |next| made(next).map(CompanionWrites::of)).await? {
                CommitAttempt::Written(user) => return Ok(outcome(user)),
                CommitAttempt::Refused(refused) if refused.companion().is_some() => {
                    return Err(Error::AlreadyRecorded);
                }
                CommitAttempt::Refused(refused) if !refused.user && !refused.gained.is_empty() => {
                    self.retry_or_refuse(&refused, &mut retry).await?;
                }
                CommitAttempt::Contended | CommitAttempt::Refused(_) => retry.again().await?,
            }
        }
    }

    /// Refuses a write whose unique values other users hold. If the only obstacle is an e-mail
    /// address with too many users, makes room and retries if that succeeds.
    async fn retry_or_refuse(
        &self,
        refused: &FailedConditions,
        retry: &mut Retry<'_>,
    ) -> Result<()> {
        match refused.full_address() {
            Some(address)
                if refused.gained.len() == 1
                    && make_room(self.app, self.schema, address).await? =>
            {
                retry.again().await
            }
            _ => Err(refused.not_unique(self.schema)),
        }
    }

    /// Stage 2: the profile as `read` reads it. If it has secrets that are hashed for the first
    /// time, they are hashed only after everything else was found in order.
    async fn propose(
        &self,
        read: impl Fn(&WriteContext<'_>) -> Result<User> + Send + Sync,
    ) -> Result<(WriteContext<'w>, User)> {
        let context = self.context();
        let proposed = read(&context)?;
        if !make_hashes(self.hashes).await? {
            return Ok((context, proposed));
        }
        let context = self.context();
        let proposed = read(&context)?;
        Ok((context, proposed))
    }

    /// Stages 3 and 4 of a change; `None` if nothing changes.
    async fn prepare_change(
        &self,
        context: &WriteContext<'_>,
        current: &StoredUser,
        proposed: User,
    ) -> Result<Option<PreparedProfile>> {
        let differs = |user: &User| user.differs(&current.value);
        if self.policy.derivation != DerivationMode::Always && !differs(&proposed) {
            return Ok(None);
        }
        let prepared = self.prepare(context, Some(current), proposed).await?;
        Ok(Some(prepared)
            .filter(|prepared| !matches!(prepared, PreparedProfile::Ready(u) if !differs(u))))
    }

    /// Stages 3 and 4: approval and derivation of a proposed profile. Nobody gives or takes more
    /// rights than they have (rule G62). A script derives custom attributes alone.
    pub async fn prepare(
        &self,
        context: &WriteContext<'_>,
        current: Option<&StoredUser>,
        proposed: User,
    ) -> Result<PreparedProfile> {
        let before = current.map(|current| &current.value);
        check_write(self.author, before, &proposed, self.schema)?;
        if let Some(request) = self.approve(current, &proposed)? {
            return Ok(PreparedProfile::NeedsApproval(request));
        }
        self.derive(context, current, proposed).await.map(PreparedProfile::Ready)
    }

    /// Stage 4: the profile with its derived attributes.
    pub(super) async fn derive(
        &self,
        context: &WriteContext<'_>,
        current: Option<&StoredUser>,
        user: User,
    ) -> Result<User> {
        let before = current.map(|current| &current.value);
        let known = before.filter(|_| self.policy.derivation != DerivationMode::Always);
        let (user, failed) = derive_attributes(self.app.scripts(), context, known, user).await?;
        self.derivation_failed.fetch_or(!failed.is_empty(), Ordering::Relaxed);
        // A recomputation counts them: it would log one line for each user.
        if self.policy.derivation == DerivationMode::OnChange {
            for FailedWorkflow { id, cause } in failed {
                let tenant = &self.schema.tenant;
                tracing::warn!(operation = "derive", %tenant, workflow = %id, cause);
            }
        }
        Ok(user)
    }

    /// Stage 3: the change request that the proposed profile has to become, if it has to.
    fn approve(
        &self,
        current: Option<&StoredUser>,
        proposed: &User,
    ) -> Result<Option<ChangeRequest>> {
        if self.policy.unapproved == OnUnapproved::Write {
            return Ok(None);
        }
        let before = current.map(|current| &current.value);
        let approver = self.author.policy_subject(before, self.app.env().clock.now());
        let unapproved = unapproved(before, proposed, approver, self.schema);
        match (current, self.policy.unapproved) {
            (None, _) => refuse_new(proposed, None, &unapproved)?,
            (Some(_), OnUnapproved::Refuse) => refuse_unapproved(&unapproved)?,
            (Some(current), OnUnapproved::Ask(target)) => {
                return self.request(current, proposed, target, &unapproved);
            }
            (Some(_), OnUnapproved::Write) => {}
        }
        Ok(None)
    }

    fn request(
        &self,
        current: &StoredUser,
        proposed: &User,
        target: WriteTarget,
        unapproved: &[&AttributeDefinition],
    ) -> Result<Option<ChangeRequest>> {
        let persona = match target {
            WriteTarget::User => None,
            WriteTarget::Persona(id) => Some(id),
            WriteTarget::NewPersona(id) => {
                refuse_new(proposed, Some(id), unapproved)?;
                None
            }
            WriteTarget::UserAndNewPersonas => {
                refuse_added(&current.value, proposed, unapproved)?;
                None
            }
        };
        if unapproved.is_empty() {
            return Ok(None);
        }
        let asks = || Error::unexpected("the author of a write cannot ask for approvals");
        let actor = self.author.actor().ok_or_else(asks)?;
        let env = self.app.env();
        ChangeRequest::new(current, proposed, persona, actor, self.schema, env).map(Some)
    }

    /// Stores a change request in place of the change.
    async fn ask(&self, request: ChangeRequest) -> Result<WriteOutcome> {
        let table = self.app.table();
        let asked =
            table.create_change_request(self.author, self.schema, request, self.hashes).await?;
        Ok(WriteOutcome::Pending(asked))
    }

    /// Stages 5 and 6, once: the version that the write leaves, and its transaction. `companions`
    /// are made of the user as it will be.
    pub async fn commit(
        &self,
        write: UserWrite,
        companions: impl FnOnce(&Versioned<User>) -> Result<CompanionWrites>,
    ) -> Result<CommitAttempt> {
        let (table, author, schema) = (self.app.table(), self.author, self.schema);
        let prepared = self.prepare_write(write)?;
        let companions = companions(prepared.user())?;
        let committed =
            table.commit_user(author, schema, self.write_id, &prepared, companions).await?;
        Ok(match committed {
            CommitOutcome::Done => CommitAttempt::Written(prepared.into_user()),
            CommitOutcome::Contended => CommitAttempt::Contended,
            CommitOutcome::Refused(refused) => CommitAttempt::Refused(*refused),
        })
    }

    /// Stage 5 for a user who is committed together with another one.
    pub fn prepare_write(&self, write: UserWrite) -> Result<PreparedUser> {
        self.app.table().prepare_user(self.schema, write)
    }

    /// Stage 6 for two users who exchange a unique value, the second one written by `other`; `false`
    /// if they do not, or if another request was faster.
    pub async fn commit_exchange(&self, users: [PreparedUser; 2], other: &Author) -> Result<bool> {
        let (table, authors) = (self.app.table(), [self.author, other]);
        table.commit_exchange(authors, self.schema, self.write_id, users).await
    }

    /// Replaces the commit in a dry run: checks that no other user holds the values that the user
    /// gains.
    async fn check(&self, current: StoredUser, next: Option<User>) -> Result<Versioned<User>> {
        let Some(next) = next else { return Ok(current.into_stored()) };
        self.app.table().check_free(self.schema, &next, Some(&current)).await?;
        Ok(current.changed_to(next))
    }
}
