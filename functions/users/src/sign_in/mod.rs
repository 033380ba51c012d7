//! `POST …/systems/{system_id}/users`: a person arrives at a system, or is brought there by a CRM
//! or an IAM system. The profile in the system is there afterwards; what it stands on is made on
//! demand.

mod attempt;

use shared::auth::user_token::MAX_SUBJECT;
use shared::auth::{self, Person};
use shared::axum::routing::post;
use shared::domain::Scope::UsersWrite;
use shared::domain::author::{Author, Reason};
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{BaseId, UserId, UserName};
use shared::domain::schema::Schema;
use shared::domain::sign_in::Claimed;
use shared::domain::system_profile::SystemProfile;
use shared::domain::{Json, View};
use shared::http::IdempotencyRecorder;
use shared::http::answer::Answered;
use shared::http::{Call, Callers, Route};
use shared::world::Timestamp;

use self::attempt::SignIn;
use crate::place::{PROFILES, Place};

/// The route by which people arrive.
pub(crate) const ROUTES: [Route; 1] = [Route::write(
    "POST",
    PROFILES,
    "get_or_create_system_profile",
    (201, "SystemProfile"),
    || post(sign_in),
)
.callers(Callers::IntegrationsOrPeople(UsersWrite))
.within_system()
.optional_json("SystemProfileInput")
.finds()
.about(
    "Gets or creates the profile of the person who calls, or whom a CRM or an IAM system brings",
)];

const EITHER: &str = "either `user_id` is due, or `issuer` and `subject`";

/// Gets or creates the profile of whoever arrives.
pub(crate) async fn sign_in(mut call: Call) -> Answered {
    let body = call.take_body();
    let (call, body) = (&call, &body);
    // What is made is named before the loops that repeat its making.
    let (write_id, user_id) =
        (call.app.table().write_id(), UserId::new(call.app.world().new_uuid()));
    let sign_in = |record| {
        call.app.decide(&call.caller.tenant, move |schema| async move {
            let place = Place::of(call, &schema)?;
            if let Err(refused) = call.guard_collection() {
                // Whoever may not sign in is told that first.
                return Err(check_may_sign_in(call).await?.unwrap_or(refused));
            }
            let profile = SystemProfile::new(place.system.id.clone(), call.app.world());
            let subject = match &call.caller.subject {
                auth::Subject::External(person) => {
                    Subject::with_token(body.clone(), person, &schema)?
                }
                auth::Subject::Local { user, .. } => Subject::local(body.clone(), *user)?,
                auth::Subject::Client { .. } => {
                    Subject::brought(call, body.clone(), &schema).await?
                }
            };
            let author = &subject.author(call).await?;
            let sign_in = SignIn {
                call,
                author,
                schema: &schema,
                place: &place,
                subject,
                record,
                write_id,
                user_id,
                profile,
            };
            sign_in.run().await
        })
    };
    if call.is_keyed() {
        // What the caller may not do now is not answered as it was when the caller might.
        call.app
            .decide(&call.caller.tenant, |schema| async move { Place::of(call, &schema).map(drop) })
            .await?;
        if check_may_sign_in(call).await?.is_some() {
            return sign_in(IdempotencyRecorder::NONE).await;
        }
    }
    call.once(sign_in).await
}

/// Why the person who calls may not sign in, if that is so and the person is known.
async fn check_may_sign_in(call: &Call) -> Result<Option<Error>> {
    match call.person().await {
        Ok(_) | Err(Error::NotFound) => Ok(None),
        Err(refused @ (Error::Blocked | Error::NotAllowed(_))) => Ok(Some(refused)),
        Err(failure) => Err(failure),
    }
}

/// Who arrives.
enum Subject<'a> {
    /// A user who is there.
    User(UserId),
    /// A subject of a token issuer.
    OfIssuer {
        subject: String,
        base: BaseId,
        claimed: Claimed<'a>,
        /// When the person signed in; `None` when somebody else brings the person.
        login: Option<Timestamp>,
    },
}

/// Refuses what a person sends beside the token, which says all there is to say.
fn refuse_fields(body: Json) -> Result<()> {
    let mut violations = Violations::default();
    Fields::new(body, "", &mut violations).finish();
    violations.check(())
}

impl<'a> Subject<'a> {
    /// The author of what the sign-in writes: the subject itself, or the client that brings it.
    async fn author(&self, call: &Call) -> Result<Author> {
        let author = match self {
            Self::OfIssuer { login: Some(_), .. } => call.author_by_token()?,
            _ => call.author().await?,
        };
        let author = Author { view: View::Administrative, ..author };
        Ok(match self {
            Self::OfIssuer { claimed, .. } => {
                author.because(Reason::SignIn(claimed.server().id.clone()))
            }
            Self::User(_) => author,
        })
    }

    /// A person who signed in at this service, and is a user since then.
    fn local(body: Json, user: UserId) -> Result<Self> {
        refuse_fields(body)?;
        Ok(Self::User(user))
    }

    fn with_token(body: Json, person: &Person, schema: &'a Schema) -> Result<Self> {
        refuse_fields(body)?;
        let gone = || if schema.verified { Error::Untrusted } else { Error::Outdated };
        let server = schema.servers.get(person.server.as_str()).ok_or_else(gone)?;
        Ok(Self::OfIssuer {
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
        Ok(Self::OfIssuer {
            base: BaseId::of(&subject, &issuer, &schema.tenant),
            subject,
            claimed: Claimed::of(server, |_| None),
            login: None,
        })
    }
}
