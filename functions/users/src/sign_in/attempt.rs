//! One sign-in: who the subject is, what the claims make of the profile, and what else is written
//! with it, until nobody else is in the way.

use shared::domain::Versioned;
use shared::domain::author::Author;
use shared::domain::definition::Kind;
use shared::domain::error::{Code, Error, Result};
use shared::domain::id::UserId;
use shared::domain::lookup::Lookup;
use shared::domain::schema::Schema;
use shared::domain::sign_in::Taken;
use shared::domain::sso::Principal;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::versioned::WriteId;
use shared::http::Call;
use shared::http::IdempotencyRecorder;
use shared::http::answer::{Answer, Answered};
use shared::store::Retry;
use shared::store::principals::unlinked;
use shared::store::sign_in::{Binding, Found};
use shared::store::system_profiles::create_profile;
use shared::store::user_writes::{Companions, Expectation, Refused, UserWrite};
use shared::store::users::{LiveUser, still_there};
use shared::writing::{Attempt, Policy, ProfileWriter};

use super::Subject;
use crate::place::Place;

/// A sign-in of a subject, or of a user whom a client brings.
pub(super) struct SignIn<'a> {
    pub call: &'a Call,
    pub author: &'a Author,
    pub schema: &'a Schema,
    pub place: &'a Place<'a>,
    pub subject: Subject<'a>,
    pub record: IdempotencyRecorder<'a>,
    pub write_id: WriteId,
    /// The id of a user that has to be created.
    pub user_id: UserId,
    /// The system profile that has to be created.
    pub profile: SystemProfile,
}

/// What earlier turns found.
struct RetryState {
    /// Which claims are taken.
    claims: Taken,
    /// How many usernames are held by others.
    usernames: usize,
    /// A user's principal that waits for a subject.
    principal: Option<(UserId, Versioned<Principal>)>,
}

/// Whom a sign-in is of.
struct Candidate {
    /// The user, if there is one.
    user: Option<LiveUser>,
    /// Whether the subject is to be bound to the user.
    binds: bool,
    /// What has to be so still when the sign-in is committed.
    expectation: Expectation,
}

/// What is written beside the user, and where it stands among the companions.
struct Related {
    principal: Option<Binding>,
    profile: Option<Versioned<SystemProfile>>,
    recorded: bool,
    /// How many writes bind the principal.
    bound: usize,
}

impl SignIn<'_> {
    /// Signs in.
    pub(super) async fn run(&self) -> Answered {
        let mut state = RetryState { claims: Taken::All, usernames: 0, principal: None };
        let mut retry = Retry::of(self.call.app.table());
        loop {
            if let Some(answer) = self.turn(&mut state).await? {
                return Ok(answer);
            }
            retry.again().await?;
        }
    }

    /// Looks for the user and writes what is missing; `None` when it has to be looked again.
    async fn turn(&self, state: &mut RetryState) -> Result<Option<Answer>> {
        let Some(Candidate { user, binds, expectation }) = self.find().await? else {
            return Ok(None);
        };
        let table = self.call.app.table();
        let id = user.as_ref().map(|user| user.value.id);
        let barred = user.as_ref().and_then(|user| user.value.check_active().err());
        let barred = barred.filter(|_| self.call.caller.is_person());
        let existing = match id {
            Some(id) => table.profile_of(&self.schema.tenant, id, &self.place.system.id).await?,
            None => None,
        };
        let profile = existing.clone().unwrap_or_else(|| Versioned::first(self.profile.clone()));
        // One's own write may have been committed although what came back was a conflict.
        let new = existing.as_ref().is_none_or(|found| found.log_contains(self.write_id));
        let mut related = Related {
            principal: self.binding(id, binds, state),
            profile: (existing.is_none() && barred.is_none()).then(|| profile.clone()),
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
            self.schema.check_covers(&profile.value.effective(&next.value))?;
            let made = self.answer(next, &profile, new);
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
                return Ok(Companions::default());
            }
            if !changes {
                writes.push(still_there(&self.schema.tenant, next.value.id));
            }
            Ok(Companions {
                writes,
                assigned: related.assigned(),
                expectation: expectation.clone(),
            })
        };
        match writer.commit(write, companions).await {
            // Claims that make the profile too large are not taken.
            Err(Error::Invalid(_)) if state.claims != Taken::None => {
                state.claims = Taken::None;
                Ok(None)
            }
            Ok(Attempt::Contended) => Ok(None),
            Ok(Attempt::Refused(refused)) => {
                self.yield_to(refused, &related, &expectation, id, state).await?;
                Ok(None)
            }
            Ok(Attempt::Written(_)) => match (barred, answer) {
                (Some(barred), _) => Err(barred),
                (None, answer) => Ok(answer),
            },
            Err(error) => Err(error),
        }
    }

    /// Looks for the user who signs in; `None` when it has to be looked again.
    async fn find(&self) -> Result<Option<Candidate>> {
        let table = self.call.app.table();
        let (user, binds, expectation) = match &self.subject {
            Subject::User(id) => {
                let user = table.find_user(&self.schema.tenant, *id).await?;
                let missing =
                    || Error::invalid("/user_id", Code::NotFound, "there is no such user");
                (Some(user.ok_or_else(missing)?), false, Expectation::Nothing)
            }
            Subject::OfIssuer { subject, base, claimed, .. } => {
                match table.find_arriving(self.schema, base, subject, claimed).await? {
                    Found::Bound(user) => (Some(user), false, Expectation::Nothing),
                    Found::Matched(user, expectation) => (Some(user), true, expectation),
                    Found::Nobody(expectation) => (None, true, expectation),
                    Found::Retry => return Ok(None),
                }
            }
        };
        Ok(Some(Candidate { user, binds, expectation }))
    }

    /// The principal that binds the subject to the user, if it is to be bound.
    fn binding(&self, user: Option<UserId>, binds: bool, state: &RetryState) -> Option<Binding> {
        let Subject::OfIssuer { base, claimed, .. } = &self.subject else { return None };
        let stored = state.principal.as_ref().filter(|(of, _)| user == Some(*of));
        let stored = stored.map(|(_, principal)| principal);
        binds.then(|| Binding::of(&claimed.server().id, base, stored))
    }

    /// The user as the sign-in is to leave it. A server that meets the user for the first time
    /// feeds it, whenever the person signed in.
    async fn propose(
        &self,
        writer: &ProfileWriter<'_>,
        user: Option<LiveUser>,
        binds: bool,
        state: &RetryState,
    ) -> Result<UserWrite> {
        let context = writer.context();
        let Subject::OfIssuer { subject, base, claimed, login } = &self.subject else {
            return user.map(|user| UserWrite::Keep(Box::new(user))).ok_or(Error::NotFound);
        };
        let Some(current) = user else {
            let username = claimed.usernames(base, self.user_id).into_iter().nth(state.usernames);
            let username =
                username.ok_or_else(|| Error::unexpected("a new id is a username that is free"))?;
            let id = self.user_id;
            let user = User::of_sign_in(id, username, subject, claimed, state.claims, &context);
            let user = User { last_login_at: *login, ..user };
            let settled = writer.settle(&context, None, user).await?;
            return Ok(UserWrite::Create(settled.into_user()?));
        };
        self.schema.check_covers(&current.value)?;
        match login {
            Some(at) if binds || current.value.is_login(*at) => {
                let user = current.value.fed(claimed, state.claims, &context);
                let last_login_at = current.value.last_login_at.max(Some(*at));
                let user = User { last_login_at, ..user };
                let settled = writer.settle(&context, Some(&current), user).await?;
                Ok(UserWrite::Update(Box::new(current), settled.into_user()?))
            }
            _ => Ok(UserWrite::Keep(Box::new(current))),
        }
    }

    fn answer(
        &self,
        user: &Versioned<User>,
        profile: &Versioned<SystemProfile>,
        new: bool,
    ) -> Answer {
        let content = profile.value.show(&user.value, self.place.viewer());
        let answer = Answer::resource(content, &SystemProfile::tag(profile, user))
            .about_profile(&profile.value);
        if new { answer.created_at(self.place.location(profile.value.id)) } else { answer }
    }

    /// Decides what the next turn does otherwise, because others hold what this one would write.
    async fn yield_to(
        &self,
        refused: Refused,
        related: &Related,
        expectation: &Expectation,
        user: Option<UserId>,
        state: &mut RetryState,
    ) -> Result<()> {
        let failed = |place: usize| refused.companions.contains(&place);
        let principal = usize::from(related.recorded);
        if related.recorded && failed(0) {
            return Err(Error::AlreadyRecorded);
        }
        // The look-up of the base profile id is held: the same person was faster.
        if related.bound > 1 && failed(principal + 1) {
            return Ok(());
        }
        if related.bound > 0 && failed(principal) {
            return self.resolve_principal_conflict(user, state).await;
        }
        if !refused.user {
            let mut held = refused.gained;
            held.retain(
                |lookup| !matches!(expectation, Expectation::Sharing(seen, _) if seen == lookup),
            );
            state.give_up(&held);
        }
        Ok(())
    }

    /// Decides by the principal of the matched user that stands in the way: it waits for a subject,
    /// or the sign-in is refused.
    async fn resolve_principal_conflict(
        &self,
        user: Option<UserId>,
        state: &mut RetryState,
    ) -> Result<()> {
        let (Subject::OfIssuer { base, claimed, .. }, Some(user)) = (&self.subject, user) else {
            return Ok(());
        };
        let server = &claimed.server().id;
        let stored =
            self.call.app.table().find_principal(&self.schema.tenant, user, server).await?;
        state.principal = stored.map(|stored| (user, stored));
        match state.principal.as_ref().map(|(_, stored)| &stored.value) {
            Some(Principal { linked: false, .. }) => Err(unlinked()),
            Some(Principal { base: Some(other), open: false, .. }) if other != base => {
                let detail = "the profile that the sign-in matches belongs to another subject of \
                              the authentication server";
                Err(Error::Conflict(detail.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl Related {
    /// The definitions that the writes assign.
    fn assigned(&self) -> Vec<(Kind, String)> {
        let server = self.principal.iter().map(|bound| (Kind::Server, bound.server().to_string()));
        let system = self.profile.iter().map(|p| (Kind::System, p.value.system.to_string()));
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
            self.claims = if self.claims == Taken::All { Taken::Shared } else { Taken::None };
        }
    }
}
