//! The stages of a write, and the two loops that most writes run.

use super::derive::derive_attributes;
use super::policy::{Derivation, OnUnapproved, Policy, WriteTarget};
use crate::app::App;
use crate::domain::author::Author;
use crate::domain::change_request::{
    ChangeRequest, refuse_added, refuse_new, refuse_unapproved, unapproved,
};
use crate::domain::definition::AttributeDefinition;
use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::domain::id::UserId;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::WriteId;
use crate::domain::{Versioned, Writing};
use crate::store::user_writes::{Committed, Companions, Refused, UserWrite};
use crate::store::users::LiveUser;
use crate::store::{Retry, Write};

/// Writes profiles for one author, by one configuration and one policy.
pub struct ProfileWriter<'w> {
    app: &'w App,
    author: &'w Author,
    schema: &'w Schema,
    hashes: &'w Hashes,
    policy: Policy,
    write_id: WriteId,
}

/// A proposed profile after approval and derivation.
pub enum Settled {
    /// It may be written.
    Ready(User),
    /// It has to be approved first.
    NeedsApproval(ChangeRequest),
}

impl Settled {
    /// The profile that may be written, by a policy that asks for no approval.
    pub fn into_user(self) -> Result<User> {
        match self {
            Self::Ready(user) => Ok(user),
            Self::NeedsApproval(_) => Err(Error::unexpected("an approval that nobody asks for")),
        }
    }
}

/// How one attempt to commit ended.
pub enum Attempt {
    /// The user is written, and so are the companions.
    Written(Versioned<User>),
    /// Somebody else writes the same at this moment; nothing is known of who was faster.
    Contended,
    /// Conditions of the transaction did not hold.
    Refused(Refused),
}

/// How a change ended.
pub enum Outcome {
    /// The user is as it was.
    Unchanged(Versioned<User>),
    /// The user is written.
    Written(Versioned<User>),
    /// The change waits for an approval.
    Pending(Versioned<ChangeRequest>),
}

impl<'w> ProfileWriter<'w> {
    /// A writer. The id of the write is made here, before any loop that repeats it; `hashes` are
    /// those of the request, so that what is decided anew gets the same ones.
    #[must_use]
    pub fn new(
        app: &'w App,
        author: &'w Author,
        schema: &'w Schema,
        hashes: &'w Hashes,
        policy: Policy,
    ) -> Self {
        let write_id = policy.write_id.unwrap_or_else(|| app.table().write_id());
        Self { app, author, schema, hashes, policy, write_id }
    }

    /// What the reading of a written document needs; to be asked for once in each turn.
    #[must_use]
    pub fn context(&self) -> Writing<'w> {
        self.hashes.start_again();
        let (world, view) = (self.app.world(), self.author.view);
        Writing { schema: self.schema, world, hashes: self.hashes, view }
    }

    /// Creates the user that `read` reads, with what `companions` says in the same transaction.
    pub async fn create(
        &self,
        read: impl Fn(&Writing<'_>) -> Result<User> + Send + Sync,
        companions: impl Fn(&Versioned<User>) -> Result<Vec<Write>> + Send + Sync,
    ) -> Result<Versioned<User>> {
        let context = self.context();
        let proposed = read(&context)?;
        let user = self.settle(&context, None, proposed).await?.into_user()?;
        let table = self.app.table();
        if self.policy.dry_run {
            table.check_free(self.schema, &user, None).await?;
            return Ok(Versioned::first(user));
        }
        let mut retry = Retry::of(table);
        loop {
            let made = |next: &_| companions(next).map(Companions::of);
            match self.commit(UserWrite::Create(user.clone()), made).await? {
                Attempt::Written(user) => return Ok(user),
                Attempt::Contended => retry.again().await?,
                Attempt::Refused(refused) if refused.companion().is_some() => {
                    return Err(Error::AlreadyRecorded);
                }
                Attempt::Refused(refused) => return Err(refused.not_unique(self.schema)),
            }
        }
    }

    /// Changes a user as `edit` says; `edit` returns the same user when nothing changes.
    /// `companions` go into the same transaction, and are written too when nothing changes.
    pub async fn change(
        &self,
        id: UserId,
        edit: impl Fn(&LiveUser, &Writing<'_>) -> Result<User> + Send + Sync,
        companions: impl Fn(&Outcome) -> Result<Vec<Write>> + Send + Sync,
    ) -> Result<Outcome> {
        let table = self.app.table();
        let mut retry = Retry::of(table);
        loop {
            let current = table.get_user(&self.author.tenant, id).await?;
            if current.log_contains(self.write_id) {
                return Ok(Outcome::Written(current.into_stored()));
            }
            self.schema.check_covers(&current.value)?;
            let context = self.context();
            let proposed = edit(&current, &context)?;
            let next = match self.settle_change(&context, &current, proposed).await? {
                Some(Settled::NeedsApproval(request)) => return self.ask(request).await,
                Some(Settled::Ready(user)) => Some(user),
                None => None,
            };
            let outcome = if next.is_some() { Outcome::Written } else { Outcome::Unchanged };
            if self.policy.dry_run {
                return self.check(current, next).await.map(outcome);
            }
            let write = match next {
                Some(user) => UserWrite::Update(Box::new(current), user),
                None => UserWrite::Keep(Box::new(current)),
            };
            let made = |next: &Versioned<User>| companions(&outcome(next.clone()));
            match self.commit(write, |next| made(next).map(Companions::of)).await? {
                Attempt::Written(user) => return Ok(outcome(user)),
                Attempt::Refused(refused) if refused.companion().is_some() => {
                    return Err(Error::AlreadyRecorded);
                }
                Attempt::Refused(refused) if !refused.user && !refused.gained.is_empty() => {
                    return Err(refused.not_unique(self.schema));
                }
                Attempt::Contended | Attempt::Refused(_) => retry.again().await?,
            }
        }
    }

    /// Stages 3 and 4 of a change; `None` if nothing changes.
    async fn settle_change(
        &self,
        context: &Writing<'_>,
        current: &LiveUser,
        proposed: User,
    ) -> Result<Option<Settled>> {
        let differs = |user: &User| user.differs(&current.value);
        if self.policy.derivation != Derivation::Always && !differs(&proposed) {
            return Ok(None);
        }
        let settled = self.settle(context, Some(current), proposed).await?;
        Ok(Some(settled).filter(|settled| !matches!(settled, Settled::Ready(u) if !differs(u))))
    }

    /// Stages 3 and 4: approval and derivation of a proposed profile.
    pub async fn settle(
        &self,
        context: &Writing<'_>,
        current: Option<&LiveUser>,
        proposed: User,
    ) -> Result<Settled> {
        if let Some(request) = self.approve(current, &proposed)? {
            return Ok(Settled::NeedsApproval(request));
        }
        let before = current.map(|current| &current.value);
        let before = before.filter(|_| self.policy.derivation != Derivation::Always);
        let kept = (self.policy.derivation == Derivation::Lenient).then(|| proposed.clone());
        match (derive_attributes(self.app.scripts(), context, before, proposed).await, kept) {
            (Err(Error::Invalid(_)), Some(kept)) => Ok(Settled::Ready(kept)),
            (derived, _) => derived.map(Settled::Ready),
        }
    }

    /// Stage 3: the change request that the proposed profile has to become, if it has to.
    fn approve(
        &self,
        current: Option<&LiveUser>,
        proposed: &User,
    ) -> Result<Option<ChangeRequest>> {
        if self.policy.unapproved == OnUnapproved::Write {
            return Ok(None);
        }
        let before = current.map(|current| &current.value);
        let approver = self.author.policy_subject(before, self.app.world().clock.now());
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
        current: &LiveUser,
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
        let world = self.app.world();
        ChangeRequest::new(current, proposed, persona, actor, self.schema, world).map(Some)
    }

    /// Stores a change request in place of the change.
    async fn ask(&self, request: ChangeRequest) -> Result<Outcome> {
        let table = self.app.table();
        let asked =
            table.create_change_request(self.author, self.schema, request, self.hashes).await?;
        Ok(Outcome::Pending(asked))
    }

    /// Stages 5 and 6, once: the version that the write leaves, and its transaction. `companions`
    /// are made of the user as it will be.
    pub async fn commit(
        &self,
        write: UserWrite,
        companions: impl FnOnce(&Versioned<User>) -> Result<Companions>,
    ) -> Result<Attempt> {
        let (table, author, schema) = (self.app.table(), self.author, self.schema);
        let prepared = table.prepare_user(schema, write)?;
        let companions = companions(prepared.user())?;
        let committed =
            table.commit_user(author, schema, self.write_id, &prepared, companions).await?;
        Ok(match committed {
            Committed::Done => Attempt::Written(prepared.into_user()),
            Committed::Contended => Attempt::Contended,
            Committed::Refused(refused) => Attempt::Refused(*refused),
        })
    }

    /// What a dry run does in place of the commit: checks that nobody holds what the user gains.
    async fn check(&self, current: LiveUser, next: Option<User>) -> Result<Versioned<User>> {
        let Some(next) = next else { return Ok(current.into_stored()) };
        self.app.table().check_free(self.schema, &next, Some(&current)).await?;
        Ok(current.changed_to(next))
    }
}
