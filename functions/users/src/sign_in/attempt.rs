//! One sign-in: finds the user of the subject, applies the claims to the profile and writes both
//! with their companions. It repeats this while other writes interfere.

use shared::domain::Versioned;
use shared::domain::audit::{Change, diff_profile};
use shared::domain::author::Author;
use shared::domain::consent::Withheld;
use shared::domain::definition::DefinitionKind;
use shared::domain::error::{Code, Error, Result};
use shared::domain::id::UserId;
use shared::domain::lookup::Lookup;
use shared::domain::people::rights::keep_access;
use shared::domain::schema::Schema;
use shared::domain::sign_in::ClaimSelection;
use shared::domain::sso::Principal;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::versioned::{Version, WriteId};
use shared::http::Call;
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, HandlerResult};
use shared::store::Retry;
use shared::store::principals::unlinked;
use shared::store::sign_in::{Binding, SignInMatch};
use shared::store::system_profiles::create_profile;
use shared::store::user_writes::{CompanionWrites, Expectation, FailedConditions, UserWrite};
use shared::store::users::{StoredUser, check_exists};
use shared::writing::{CommitAttempt, Policy, ProfileWriter, make_room};

use super::SignInSubject;
use crate::me;
use crate::system_context::SystemContext;

/// A sign-in of a subject, or of a user that a client names.
pub(super) struct SignIn<'a> {
    pub call: &'a Call,
    pub author: &'a Author,
    pub schema: &'a Schema,
    pub place: SignInPlace<'a>,
    pub subject: SignInSubject<'a>,
    pub record: IdempotencyRecorder<'a>,
    pub write_id: WriteId,
    /// The id of a user that has to be created.
    pub user_id: UserId,
}

/// Where a subject signs in.
pub(super) enum SignInPlace<'a> {
    /// At Kith itself: the base profile is all that there is.
    Base,
    /// At a system, with the system profile that has to be created if there is none.
    System(Box<SystemContext<'a>>, SystemProfile),
}

/// The state that one attempt hands to the next.
struct RetryState {
    /// Which claims are used.
    selection: ClaimSelection,
    /// How many usernames are held by others.
    usernames: usize,
    /// A user's principal that waits for a subject.
    principal: Option<(UserId, Versioned<Principal>)>,
}

/// The user of a sign-in.
struct SignInUser {
    /// The user, if there is one.
    user: Option<StoredUser>,
    /// Whether the subject is to be bound to the user.
    binds: bool,
    /// The conditions that the commit of the sign-in checks.
    expectations: Vec<Expectation>,
}

/// The companion writes of the user, and their positions in the transaction.
struct RelatedWrites {
    principal: Option<Binding>,
    profile: Option<Versioned<SystemProfile>>,
    recorded: bool,
    /// How many writes bind the principal.
    bound: usize,
}

impl SignIn<'_> {
    /// Signs in.
    pub(super) async fn run(&self) -> HandlerResult {
        let mut state =
            RetryState { selection: ClaimSelection::All, usernames: 0, principal: None };
        let mut retry = Retry::of(self.call.app.table());
        loop {
            if let Some(answer) = self.attempt(&mut state).await? {
                return Ok(answer);
            }
            retry.again().await?;
        }
    }

    /// Searches for the user and writes the missing items; `None` if the search must be repeated.
    async fn attempt(&self, state: &mut RetryState) -> Result<Option<Answer>> {
        let Some(SignInUser { user, binds, expectations }) = self.find().await? else {
            return Ok(None);
        };
        let table = self.call.app.table();
        let id = user.as_ref().map(|user| user.value.id);
        let barred = user.as_ref().and_then(|user| user.value.check_active().err());
        let barred = barred.filter(|_| self.call.caller.is_person());
        // One's own write may have been committed although what came back was a conflict.
        let (existing, new) = match (&self.place, id) {
            (SignInPlace::System(context, _), Some(id)) => {
                let found = table.profile_of(&self.schema.tenant, id, &context.system.id).await?;
                let new = found.as_ref().is_none_or(|found| found.log_contains(self.write_id));
                (found, new)
            }
            (_, None) => (None, true),
            (SignInPlace::Base, Some(_)) => {
                let own = |user: &StoredUser| {
                    user.version() == Version::FIRST && user.log_contains(self.write_id)
                };
                (None, user.as_ref().is_some_and(own))
            }
        };
        let withheld = self.withheld(id).await?;
        let profile = match &self.place {
            SignInPlace::System(_, made) => {
                Some(existing.clone().unwrap_or_else(|| Versioned::first(made.clone())))
            }
            SignInPlace::Base => None,
        };
        let mut related = RelatedWrites {
            principal: self.binding(id, binds, state),
            profile: profile.clone().filter(|_| existing.is_none() && barred.is_none()),
            recorded: false,
            bound: 0,
        };
        let (app, hashes) = (&self.call.app, self.call.hashes());
        let policy = Policy::sign_in(self.write_id);
        let writer = ProfileWriter::new(app, self.author, self.schema, hashes, policy);
        let write = self.propose(&writer, user, binds, state).await?;
        let changes = !matches!(write, UserWrite::Keep(_));
        let mut answer = None;
        let companions = |next: &Versioned<User>| {
            match &profile {
                Some(profile) => {
                    self.schema.check_covers(&profile.value.effective(&next.value))?;
                }
                None => self.schema.check_covers(&next.value)?,
            }
            let made = self.answer(next, profile.as_ref(), &withheld, new);
            let record = if barred.is_none() { self.record.of(&made)? } else { None };
            answer = Some(made);
            related.recorded = record.is_some();
            let mut writes: Vec<_> = record.into_iter().collect();
            let bound =
                related.principal.iter().flat_map(|p| p.writes(&self.schema.tenant, next.value.id));
            writes.extend(bound);
            related.bound = writes.len() - usize::from(related.recorded);
            let created = related.profile.iter();
            writes.extend(
                created.flat_map(|p| create_profile(&self.schema.tenant, next.value.id, p)),
            );
            if !changes && writes.is_empty() {
                return Ok(CompanionWrites::default());
            }
            if !changes {
                writes.push(check_exists(&self.schema.tenant, next.value.id));
            }
            Ok(CompanionWrites {
                writes,
                assigned: related.assigned(),
                expectations: expectations.clone(),
                changes: related.changes(self.schema),
            })
        };
        match writer.commit(write, companions).await {
            // Without the claims if they make the profile too large.
            Err(Error::Invalid(_)) if state.selection != ClaimSelection::None => {
                state.selection = ClaimSelection::None;
                Ok(None)
            }
            Ok(CommitAttempt::Contended) => Ok(None),
            Ok(CommitAttempt::Refused(refused)) => {
                self.resolve_refusal(refused, &related, &expectations, id, state).await?;
                Ok(None)
            }
            Ok(CommitAttempt::Written(_)) => match (barred, answer) {
                (Some(barred), _) => Err(barred),
                (None, answer) => Ok(answer),
            },
            Err(error) => Err(error),
        }
    }

    /// What the system does not get of the user, or of a new one.
    async fn withheld(&self, user: Option<UserId>) -> Result<Withheld> {
        let SignInPlace::System(context, _) = &self.place else { return Ok(Withheld::default()) };
        let system = Some(&context.system.id);
        if let Some(user) = user {
            return self.call.app.table().withheld(self.schema, user, system).await;
        }
        let now = self.call.app.env().clock.now();
        Ok(Withheld::of(self.schema, &[], system, now))
    }

    /// Looks for the user who signs in; `None` when it has to be looked again.
    async fn find(&self) -> Result<Option<SignInUser>> {
        let table = self.call.app.table();
        let (user, binds, expectations) = match &self.subject {
            SignInSubject::User(id) => {
                let user = table.find_user(&self.schema.tenant, *id).await?;
                let missing =
                    || Error::invalid("/user_id", Code::NotFound, "the user has been deleted");
                (Some(user.ok_or_else(missing)?), false, Vec::new())
            }
            SignInSubject::OfIssuer { subject, base, claims, .. } => {
                match table.find_signing_in(self.schema, base, subject, claims).await? {
                    SignInMatch::Bound(user) => (Some(user), false, Vec::new()),
                    SignInMatch::Matched(user, expected) => (Some(user), true, expected),
                    SignInMatch::NotFound(expected) => (None, true, expected),
                    SignInMatch::Retry => return Ok(None),
                }
            }
        };
        Ok(Some(SignInUser { user, binds, expectations }))
    }

    /// The principal that binds the subject to the user, if the sign-in must write one.
    fn binding(&self, user: Option<UserId>, binds: bool, state: &RetryState) -> Option<Binding> {
        let SignInSubject::OfIssuer { base, claims, .. } = &self.subject else { return None };
        let stored = state.principal.as_ref().filter(|(of, _)| user == Some(*of));
        let stored = stored.map(|(_, principal)| principal);
        binds.then(|| Binding::of(&claims.server().id, base, stored))
    }

    /// The user as the sign-in is to leave it. The first sign-in through a server always writes its
    /// claims, whenever the person signed in.
    async fn propose(
        &self,
        writer: &ProfileWriter<'_>,
        user: Option<StoredUser>,
        binds: bool,
        state: &RetryState,
    ) -> Result<UserWrite> {
        let write_context = writer.context();
        let SignInSubject::OfIssuer { subject, base, claims, login } = &self.subject else {
            return user.map(|user| UserWrite::Keep(Box::new(user))).ok_or(Error::NotFound);
        };
        let Some(current) = user else {
            let username = claims.usernames(base, self.user_id).into_iter().nth(state.usernames);
            let username =
                username.ok_or_else(|| Error::unexpected("no username is free for a new user"))?;
            let id = self.user_id;
            let user =
                User::of_sign_in(id, username, subject, claims, state.selection, &write_context);
            let user = User { last_login_at: *login, ..user };
            let prepared = writer.prepare(&write_context, None, user).await?;
            return Ok(UserWrite::Create(prepared.into_user()?));
        };
        self.schema.check_covers(&current.value)?;
        let Some(at) = *login else { return Ok(UserWrite::Keep(Box::new(current))) };
        let recorded = binds || current.value.is_login(at);
        if !recorded && !current.value.is_older_than(at) {
            return Ok(UserWrite::Keep(Box::new(current)));
        }
        let mut user = current.value.with_claims(claims, state.selection, &write_context);
        keep_access(&current.value, &mut user, self.schema);
        if !recorded && !user.differs(&current.value) {
            return Ok(UserWrite::Keep(Box::new(current)));
        }
        let last_login_at = current.value.last_login_at.max(Some(at));
        let user = User { last_login_at, ..user };
        let prepared = writer.prepare(&write_context, Some(&current), user).await?;
        Ok(UserWrite::Update(Box::new(current), prepared.into_user()?))
    }

    fn answer(
        &self,
        user: &Versioned<User>,
        profile: Option<&Versioned<SystemProfile>>,
        withheld: &Withheld,
        new: bool,
    ) -> Answer {
        let (answer, location) = match (&self.place, profile) {
            (SignInPlace::System(context, _), Some(profile)) => {
                let shown = withheld.mask_profile(&profile.value);
                let content = shown.show(&withheld.mask_user(&user.value), context.viewer());
                let tag = SystemProfile::tag(profile, user, withheld);
                let answer = Answer::resource(content, &tag)
                    .replay_while_profile_exists(&profile.value, withheld);
                (answer, context.location(profile.value.id))
            }
            _ => (me::shown(user, self.schema), me::PATH.to_owned()),
        };
        if new { answer.created_at(location) } else { answer }
    }

    /// Decides what the next attempt does otherwise: which conditions failed in this one tells what
    /// others hold.
    async fn resolve_refusal(
        &self,
        refused: FailedConditions,
        related: &RelatedWrites,
        expectations: &[Expectation],
        user: Option<UserId>,
        state: &mut RetryState,
    ) -> Result<()> {
        let failed = |index: usize| refused.companions.contains(&index);
        let principal = usize::from(related.recorded);
        if related.recorded && failed(0) {
            return Err(Error::AlreadyRecorded);
        }
        // The look-up of the base profile id exists: another sign-in of the same person was faster.
        if related.bound > 1 && failed(principal + 1) {
            return Ok(());
        }
        if related.bound > 0 && failed(principal) {
            return self.resolve_principal_conflict(user, state).await;
        }
        if !refused.user {
            if let Some(address) = refused.full_address()
                && make_room(&self.call.app, self.schema, address).await?
            {
                return Ok(());
            }
            let mut held = refused.gained;
            held.retain(|lookup| {
                let seen =
                    |e: &Expectation| matches!(e, Expectation::Sharing(seen, _) if seen == lookup);
                !expectations.iter().any(seen)
            });
            state.give_up(&held);
        }
        Ok(())
    }

    /// Decides by the existing principal of the matched user. If it waits for a subject, it is
    /// bound. Otherwise the sign-in is refused.
    async fn resolve_principal_conflict(
        &self,
        user: Option<UserId>,
        state: &mut RetryState,
    ) -> Result<()> {
        let (SignInSubject::OfIssuer { base, claims, .. }, Some(user)) = (&self.subject, user)
        else {
            return Ok(());
        };
        let server = &claims.server().id;
        let stored =
            self.call.app.table().find_principal(&self.schema.tenant, user, server).await?;
        state.principal = stored.map(|stored| (user, stored));
        match state.principal.as_ref().map(|(_, stored)| &stored.value) {
            Some(Principal { linked: false, .. }) => Err(unlinked()),
            Some(Principal { base: Some(other), open: false, .. }) if other != base => {
                let detail = "the user of this subject or e-mail address signed in with another \
                              subject of this authentication server before; unlink that first";
                Err(Error::Conflict(detail.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl RelatedWrites {
    /// What the audit tells of them.
    fn changes(&self, schema: &Schema) -> Vec<Change> {
        let principal = self.principal.iter().flat_map(Binding::change);
        let profile = self.profile.iter().flat_map(|p| diff_profile(None, Some(&p.value), schema));
        principal.chain(profile).collect()
    }

    /// The definitions that the writes assign.
    fn assigned(&self) -> Vec<(DefinitionKind, String)> {
        let server =
            self.principal.iter().map(|bound| (DefinitionKind::Server, bound.server().to_string()));
        let system =
            self.profile.iter().map(|p| (DefinitionKind::System, p.value.system.to_string()));
        server.chain(system).collect()
    }
}

impl RetryState {
    /// Gives up values that others hold: another username, or fewer claims.
    fn give_up(&mut self, held: &[Lookup]) {
        let is_username = |lookup: &Lookup| match lookup {
            Lookup::Unique { attribute, .. } => attribute == "username",
            _ => false,
        };
        self.usernames += usize::from(held.iter().any(is_username));
        if held.iter().any(|lookup| !is_username(lookup)) {
            self.selection = if self.selection == ClaimSelection::All {
                ClaimSelection::Shared
            } else {
                ClaimSelection::None
            };
        }
    }
}
