//! `POST …/systems/{system_id}/users`: a person arrives at a system, or is brought there by a CRM
//! or an IAM system. The profile in the system is there afterwards; what it stands on is made on
//! demand.

use shared::auth::Person;
use shared::auth::user_token::{MAX_SUBJECT, UNKNOWN};
use shared::axum::routing::post;
use shared::domain::Scope::UsersWrite;
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{BaseId, UserId, UserName};
use shared::domain::lookup::Lookup;
use shared::domain::schema::Schema;
use shared::domain::sign_in::{Claimed, Taken};
use shared::domain::sso::Principal;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::versioned::WriteId;
use shared::domain::{Access, Json, Versioned, Writing};
use shared::http::answer::{Answer, Answered};
use shared::http::call::Recorder;
use shared::http::{Call, Route};
use shared::script::{self, Scripts};
use shared::store::principals::unlinked;
use shared::store::sign_in::{Beside, Binding, Found, Guard, Landed, Standing};
use shared::store::users::LiveUser;
use shared::world::Timestamp;

use crate::place::{PROFILES, Place};

/// The route by which people arrive.
pub const ROUTES: [Route; 1] = [Route::write(
    "POST",
    PROFILES,
    "get_or_create_system_profile",
    (201, "SystemProfile"),
    || post(arrive),
)
.scope(UsersWrite)
.integrated()
.people()
.optional_json("SystemProfileInput")
.finds()
.about(
    "Gets or creates the profile of the person who calls, or whom a CRM or an IAM system brings",
)];

/// How often it is looked again when others arrive at the same time.
const TURNS: u32 = 24;

const EITHER: &str = "either `user_id` is due, or `issuer` and `subject`";

/// Gets or creates the profile of whoever arrives.
pub async fn arrive(mut call: Call) -> Answered {
    let body = call.take_body();
    let (call, body) = (&call, &body);
    // What is made is named before the loops that repeat its making.
    let (write_id, user_id) =
        (call.app.table().write_id(), UserId::new(call.app.world().new_uuid()));
    let arrive = |record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            if let Err(refused) = call.guard_collection() {
                // Whoever may not sign in is told that first.
                return Err(bar(call).await?.unwrap_or(refused));
            }
            let profile = SystemProfile::new(place.system.id.clone(), call.app.world());
            let who = match call.caller.person() {
                Some(person) => Arriving::with_token(body.clone(), person, &schema)?,
                None => Arriving::brought(call, body.clone(), &schema).await?,
            };
            let arrival = Arrival {
                call,
                schema: &schema,
                place: &place,
                who,
                record,
                write_id,
                user_id,
                profile,
            };
            arrival.run().await
        })
    };
    if call.is_keyed() {
        // What the caller may not do now is not answered as it was when the caller might.
        call.app
            .decide(&call.caller.tenant, |schema| async move { Place::of(call, &schema).map(drop) })
            .await?;
        if bar(call).await?.is_some() {
            return arrive(Recorder::NONE).await;
        }
    }
    call.once(arrive).await
}

/// Why the person who calls may not sign in, if that is so and the person is known.
async fn bar(call: &Call) -> Result<Option<Error>> {
    match call.person().await {
        Ok(_) | Err(Error::NotFound) => Ok(None),
        Err(refused @ (Error::Blocked | Error::NotAllowed(_))) => Ok(Some(refused)),
        Err(failure) => Err(failure),
    }
}

/// Who arrives.
enum Arriving<'a> {
    /// A user who is there.
    User(UserId),
    /// A subject of a token issuer.
    Subject {
        subject: String,
        base: BaseId,
        claimed: Claimed<'a>,
        /// When the person signed in; `None` when somebody else brings the person.
        login: Option<Timestamp>,
    },
}

impl<'a> Arriving<'a> {
    fn with_token(body: Json, person: &Person, schema: &'a Schema) -> Result<Self> {
        let mut violations = Violations::default();
        Fields::new(body, "", &mut violations).finish();
        violations.check(())?;
        let gone = || if schema.verified { Error::BadToken(UNKNOWN) } else { Error::Outdated };
        let server = schema.servers.get(person.server.as_str()).ok_or_else(gone)?;
        Ok(Self::Subject {
            subject: person.subject.clone(),
            base: person.base.clone(),
            claimed: Claimed::of(&server.stored.value, |name| person.claims.get(name).cloned()),
            login: Some(person.signed_in_at),
        })
    }

    async fn brought(call: &Call, body: Json, schema: &'a Schema) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let issuer = fields.text("issuer", MAX_SUBJECT);
        let subject = fields.text("subject", MAX_SUBJECT);
        let user = fields.text("user_id", MAX_SUBJECT);
        let wrong = match (&issuer, &subject, &user) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => None,
            (None, Some(_), None) => {
                Some(("issuer", Code::Required, "`issuer` is required with a subject"))
            }
            (Some(_), None, None) => {
                Some(("subject", Code::Required, "`subject` is required with an issuer"))
            }
            (None, None, None) => Some(("user_id", Code::Required, EITHER)),
            _ => Some(("user_id", Code::NotAllowed, EITHER)),
        };
        // What is sent and wrong is not missing.
        if let Some((name, code, detail)) = wrong.filter(|_| fields.violations().is_empty()) {
            fields.refuse(name, code, detail);
        }
        fields.finish();
        violations.check(())?;
        if let Some(user) = user {
            let missing = || Error::invalid("/user_id", Code::NotFound, "there is no such user");
            let named: UserName = user.parse().map_err(|_| missing())?;
            let user =
                call.app.table().resolve(&schema.tenant, &named).await?.ok_or_else(missing)?;
            return Ok(Self::User(user));
        }
        let (issuer, subject) = (issuer.unwrap_or_default(), subject.unwrap_or_default());
        let unknown = || {
            Error::invalid("/issuer", Code::NotFound, "no authentication server has this issuer")
        };
        let server = schema.issuer(&issuer).ok_or_else(unknown)?;
        Ok(Self::Subject {
            base: BaseId::of(&subject, &issuer, &schema.tenant),
            subject,
            claimed: Claimed::of(server, |_| None),
            login: None,
        })
    }
}

/// One arrival.
struct Arrival<'a> {
    call: &'a Call,
    schema: &'a Schema,
    place: &'a Place<'a>,
    who: Arriving<'a>,
    record: Recorder<'a>,
    write_id: WriteId,
    /// The id of a user that has to be made.
    user_id: UserId,
    /// The profile that has to be made.
    profile: SystemProfile,
}

/// What was learnt in earlier turns.
struct Learnt {
    /// Which claims are taken.
    taken: Taken,
    /// How many usernames are taken by others.
    usernames: usize,
    /// A user's principal that waits for a subject.
    principal: Option<(UserId, Versioned<Principal>)>,
}

impl Arrival<'_> {
    async fn run(&self) -> Answered {
        let mut learnt = Learnt { taken: Taken::All, usernames: 0, principal: None };
        for turn in 1..=TURNS {
            if let Some(answer) = self.turn(&mut learnt).await? {
                return Ok(answer);
            }
            self.call.app.table().pause(turn).await;
        }
        Err(Error::Unavailable("too many arrive at once".to_owned()))
    }

    /// Looks for whoever arrives and writes what is missing; `None` when it has to be looked again.
    async fn turn(&self, learnt: &mut Learnt) -> Result<Option<Answer>> {
        let table = self.call.app.table();
        let (found, binds, guard) = match &self.who {
            Arriving::User(id) => {
                let user = table.find_user(&self.schema.tenant, *id).await?;
                let missing =
                    || Error::invalid("/user_id", Code::NotFound, "there is no such user");
                (Some(user.ok_or_else(missing)?), false, Guard::None)
            }
            Arriving::Subject { subject, base, claimed, .. } => {
                match table.find_arriving(self.schema, base, subject, claimed).await? {
                    Found::Bound(user) => (Some(user), false, Guard::None),
                    Found::Matched(user, guard) => (Some(user), true, guard),
                    Found::Nobody(guard) => (None, true, guard),
                    Found::Again => return Ok(None),
                }
            }
        };
        let blocked = found
            .as_ref()
            .and_then(|user| user.value.check_active().err())
            .filter(|_| self.is_person());
        let there = match &found {
            Some(user) => {
                table.profile_of(&self.schema.tenant, user.value.id, &self.place.system.id).await?
            }
            None => None,
        };
        let known = found.as_ref().map(|user| user.value.id);
        let principal = match &self.who {
            Arriving::Subject { base, claimed, .. } if binds => {
                let stored = learnt.principal.as_ref().filter(|(user, _)| known == Some(*user));
                Some(Binding::of(
                    &claimed.server().id,
                    base,
                    stored.map(|(_, principal)| principal),
                ))
            }
            _ => None,
        };
        let standing = self.standing(found, binds, learnt).await?;
        let changes = !matches!(standing, Standing::Same(_));
        let draft = match table.draft(self.schema, standing) {
            // Claims that make the profile too large are not taken.
            Err(Error::Invalid(_)) if learnt.taken != Taken::None => {
                learnt.taken = Taken::None;
                return Ok(None);
            }
            drafted => drafted?,
        };
        let made = there.is_none() && blocked.is_none();
        let profile = there.clone().unwrap_or_else(|| Versioned::first(self.profile.clone()));
        // One's own write may have been committed although what came back was a conflict.
        let new = there.as_ref().is_none_or(|there| there.log_contains(self.write_id));
        self.schema.check_covers(&profile.value.effective(&draft.user.value))?;
        let answer = self.answer(&draft.user, &profile, new);
        let record = if blocked.is_none() { self.record.of(&answer)? } else { None };
        let writes = changes || made || principal.is_some() || record.is_some();
        if writes {
            let beside = Beside { record, principal, profile: made.then_some(profile) };
            match table.land(self.schema, self.write_id, draft, &guard, beside).await? {
                Landed::Done => {}
                Landed::Moved => return Ok(None),
                Landed::Taken(lookups) => {
                    learnt.yield_to(&lookups);
                    return Ok(None);
                }
                Landed::Principal => {
                    self.meet_principal(known, learnt).await?;
                    return Ok(None);
                }
            }
        }
        blocked.map_or(Ok(Some(answer)), Err)
    }

    fn is_person(&self) -> bool {
        self.call.caller.person().is_some()
    }

    /// The user as the arrival is to leave it. A server that meets the user for the first time
    /// feeds it, whenever the person signed in.
    async fn standing(
        &self,
        found: Option<LiveUser>,
        binds: bool,
        learnt: &Learnt,
    ) -> Result<Standing> {
        let writing = Writing { access: Access::Full, ..self.call.writing(self.schema) };
        let scripts = self.call.app.scripts();
        let Arriving::Subject { subject, base, claimed, login } = &self.who else {
            return found.map(Standing::Same).ok_or(Error::NotFound);
        };
        let Some(live) = found else {
            let username = claimed.usernames(base, self.user_id).into_iter().nth(learnt.usernames);
            let username =
                username.ok_or_else(|| Error::unexpected("a new id is a username that is free"))?;
            let user =
                User::of_sign_in(self.user_id, username, subject, claimed, learnt.taken, &writing);
            let user = User { last_login_at: *login, ..user };
            return Ok(Standing::New(derived(scripts, &writing, None, user).await?));
        };
        self.schema.check_covers(&live.value)?;
        match login {
            Some(at) if binds || live.value.is_login(*at) => {
                let user = live.value.fed(claimed, learnt.taken, &writing);
                let user = User { last_login_at: live.value.last_login_at.max(Some(*at)), ..user };
                let user = derived(scripts, &writing, Some(&live.value), user).await?;
                Ok(Standing::Changed(Box::new(live), user))
            }
            _ => Ok(Standing::Same(live)),
        }
    }

    fn answer(
        &self,
        user: &Versioned<User>,
        profile: &Versioned<SystemProfile>,
        new: bool,
    ) -> Answer {
        let content = profile.value.show(&user.value, self.place.view());
        let answer = Answer::resource(content, &SystemProfile::tag(profile, user))
            .about_profile(&profile.value);
        if new { answer.created_at(self.place.location(profile.value.id)) } else { answer }
    }

    /// Decides by the principal of the matched user that stands in the way: it waits for a subject,
    /// or the arrival is refused.
    async fn meet_principal(&self, user: Option<UserId>, learnt: &mut Learnt) -> Result<()> {
        let (Arriving::Subject { base, claimed, .. }, Some(user)) = (&self.who, user) else {
            return Ok(());
        };
        let server = &claimed.server().id;
        let stored =
            self.call.app.table().find_principal(&self.schema.tenant, user, server).await?;
        learnt.principal = stored.map(|stored| (user, stored));
        match learnt.principal.as_ref().map(|(_, stored)| &stored.value) {
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

/// The user with its derived attributes; a workflow that fails keeps nobody out, and what it
/// derives stays as it was.
async fn derived(
    scripts: &Scripts,
    writing: &Writing<'_>,
    before: Option<&User>,
    user: User,
) -> Result<User> {
    match script::derive(scripts, writing, before, user.clone()).await {
        Err(Error::Invalid(_)) => Ok(user),
        derived => derived,
    }
}

impl Learnt {
    /// Gives up values that others hold: another username, or fewer claims.
    fn yield_to(&mut self, lookups: &[Lookup]) {
        let is_username = |lookup: &Lookup| matches!(lookup, Lookup::Unique { attribute, .. } if attribute == "username");
        if lookups.iter().any(is_username) {
            self.usernames += 1;
        }
        if lookups.iter().any(|lookup| !is_username(lookup)) {
            self.taken = if self.taken == Taken::All { Taken::Shared } else { Taken::None };
        }
    }
}
