//! `POST …/systems/{system_id}/users`: the first sign-in of a person at a system, or the
//! provisioning of a person by a CRM or an IAM system. Gets or creates the system profile. Creates
//! the user, the principal and the look-ups that it needs.
//!
//! `POST /identity/me` does the same without a system.

mod attempt;

use shared::auth::user_token::MAX_SUBJECT;
use shared::auth::{self, Person};
use shared::axum::routing::post;
use shared::domain::Scope::UsersWrite;
use shared::domain::View;
use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{BaseId, UserId, UserName};
use shared::domain::json::{Json, Object};
use shared::domain::schema::Schema;
use shared::domain::sign_in::MappedClaims;
use shared::domain::system_profile::SystemProfile;
use shared::env::Timestamp;
use shared::http::IdempotencyRecorder;
use shared::http::answer::HandlerResult;
use shared::http::route::Conflict::{SeveralFound, State};
use shared::http::{Call, Callers, Route};

use self::attempt::{SignIn, SignInPlace};
use crate::me;
use crate::system_context::{PROFILES, SystemContext};

/// The routes of sign-ins.
pub(crate) const ROUTES: [Route; 2] = [
    Route::write("POST", PROFILES, "get_or_create_system_profile", (201, "SystemProfile"), || {
        post(sign_in_at_system)
    })
    .callers(Callers::IntegrationsOrPeople(UsersWrite))
    .within_system()
    .optional_json("SystemProfileInput")
    .finds()
    .conflicts(&[SeveralFound, State])
    .audited_as(Operation::UserSignIn)
    .summary("Get or create a system profile")
    .description(
        "Of the person who calls, or of the person whom a CRM or an IAM system names. A \
         person's token also creates or refreshes the base profile from its claims.",
    ),
    Route::write("POST", me::PATH, "create_or_refresh_me", (201, "Me"), || post(sign_in_as_me))
        .people()
        .finds()
        .conflicts(&[SeveralFound, State])
        .audited_as(Operation::UserSignIn)
        .summary("Create or refresh the own profile")
        .description(
            "From the claims of the caller's token, without a system. A person who is not known \
             is created, with the rules of a first sign-in at a system.",
        ),
];

const EITHER: &str = "expected `user_id`, or `issuer` and `subject`";

/// Gets or creates the system profile of the person.
async fn sign_in_at_system(call: Call) -> HandlerResult {
    sign_in(call, true).await
}

/// Gets, creates or refreshes the base profile of the person who calls.
async fn sign_in_as_me(call: Call) -> HandlerResult {
    sign_in(call, false).await
}

/// The place of a sign-in, if the caller may sign in there.
fn place<'a>(call: &'a Call, schema: &'a Schema, system: bool) -> Result<SignInPlace<'a>> {
    if !system {
        return Ok(SignInPlace::Base);
    }
    let context = SystemContext::of(call, schema)?;
    let profile = SystemProfile::new(context.system.id.clone(), call.app.env());
    Ok(SignInPlace::System(Box::new(context), profile))
}

async fn sign_in(mut call: Call, system: bool) -> HandlerResult {
    let body = if system { call.take_body() } else { Json::Object(Object::new()) };
    // Ids are made before the loops that repeat the write.
    let (write_id, user_id) = (call.app.table().write_id(), UserId::new(call.app.env().new_uuid()));
    let sign_in = async |record| {
        call.app
            .decide(&call.caller.tenant, async |schema| {
                let place = place(&call, &schema, system)?;
                if let Err(refused) = call.preconditions.check_collection() {
                    // A person who may not sign in gets that error first.
                    return Err(check_may_sign_in(&call).await?.unwrap_or(refused));
                }
                let subject = match &call.caller.subject {
                    auth::Subject::External(person) => {
                        SignInSubject::with_token(body.clone(), person, &schema)?
                    }
                    auth::Subject::Local { user, .. } => SignInSubject::local(body.clone(), *user)?,
                    auth::Subject::Client { .. } => {
                        SignInSubject::from_client(&call, body.clone(), &schema).await?
                    }
                };
                let author = &subject.author(&call).await?;
                let schema = &schema;
                let sign_in = SignIn {
                    call: &call,
                    author,
                    schema,
                    place,
                    subject,
                    record,
                    write_id,
                    user_id,
                };
                sign_in.run().await
            })
            .await
    };
    if call.is_keyed() {
        // Check authorisation before replaying: a recorded answer must not reach a caller who has
        // been blocked since.
        call.app
            .decide(&call.caller.tenant, async |schema| place(&call, &schema, system).map(drop))
            .await?;
        if check_may_sign_in(&call).await?.is_some() {
            return sign_in(IdempotencyRecorder::NONE).await;
        }
    }
    call.once(sign_in).await
}

/// The error of a known person who may not sign in, if the person may not.
async fn check_may_sign_in(call: &Call) -> Result<Option<Error>> {
    match call.person().await {
        Ok(_) | Err(Error::NotFound | Error::NoProfile) => Ok(None),
        Err(refused @ (Error::Blocked | Error::NotAllowed(_))) => Ok(Some(refused)),
        Err(failure) => Err(failure),
    }
}

/// The subject of a sign-in.
enum SignInSubject<'a> {
    /// A user that exists.
    User(UserId),
    /// A subject of a token issuer.
    OfIssuer {
        subject: String,
        base: BaseId,
        claims: MappedClaims<'a>,
        /// When the person signed in; `None` if a client provisions the person.
        login: Option<Timestamp>,
    },
}

/// Refuses any field in the body of a person: the token says everything.
fn refuse_fields(body: Json) -> Result<()> {
    let mut violations = Violations::default();
    Fields::new(body, "", &mut violations).finish();
    violations.check(())
}

impl<'a> SignInSubject<'a> {
    /// The author of the writes: the subject itself, or the client that provisions it.
    async fn author(&self, call: &Call) -> Result<Author> {
        let author = match self {
            Self::OfIssuer { login: Some(_), .. } => call.author_by_token()?,
            _ => call.author().await?,
        };
        let author = Author { view: View::Administrative, ..author };
        Ok(match self {
            Self::OfIssuer { claims, .. } => {
                author.with_reason(Reason::SignIn(claims.server().id.clone()))
            }
            Self::User(_) => author,
        })
    }

    /// A local person, who is a user already.
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
            claims: MappedClaims::of(&server.stored.value, |name| person.claims.get(name).cloned()),
            login: Some(person.signed_in_at),
        })
    }

    async fn from_client(call: &Call, body: Json, schema: &'a Schema) -> Result<Self> {
        let mut violations = Violations::default();
        let mut fields = Fields::new(body, "", &mut violations);
        let issuer = fields.text("issuer", MAX_SUBJECT);
        let subject = fields.text("subject", MAX_SUBJECT);
        let user = fields.text("user_id", MAX_SUBJECT);
        let wrong = match (&issuer, &subject, &user) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => None,
            (None, Some(_), None) => {
                Some(("issuer", Code::Required, "`issuer` is required beside `subject`"))
            }
            (Some(_), None, None) => {
                Some(("subject", Code::Required, "`subject` is required beside `issuer`"))
            }
            (None, None, None) => Some(("user_id", Code::Required, EITHER)),
            _ => Some(("user_id", Code::NotAllowed, EITHER)),
        };
        // A field that was sent with an invalid value is not reported as missing.
        if let Some((name, code, detail)) = wrong.filter(|_| fields.violations().is_empty()) {
            fields.refuse(name, code, detail);
        }
        fields.finish();
        violations.check(())?;
        if let Some(user) = user {
            let missing =
                || Error::invalid("/user_id", Code::NotFound, format!("there is no user `{user}`"));
            let named: UserName = user.parse().map_err(|_| missing())?;
            let user =
                call.app.table().resolve(&schema.tenant, &named).await?.ok_or_else(missing)?;
            return Ok(Self::User(user));
        }
        let (issuer, subject) = (issuer.unwrap_or_default(), subject.unwrap_or_default());
        let unknown = || {
            let detail = format!("there is no authentication server with the issuer `{issuer}`");
            Error::invalid("/issuer", Code::NotFound, detail)
        };
        let server = schema.issuer(&issuer).ok_or_else(unknown)?;
        Ok(Self::OfIssuer {
            base: BaseId::of(&subject, &issuer, &schema.tenant),
            subject,
            claims: MappedClaims::of(server, |_| None),
            login: None,
        })
    }
}
