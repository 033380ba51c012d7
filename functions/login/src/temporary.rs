//! `POST /identity/users/{user_id}/temporary-password`: an administrator sets a password that the
//! person has to replace at the first sign-in (rule G33).
//!
//! It is a route of this function because no other one may hash or store a password.

use shared::axum::routing::post;
use shared::domain::Scope::UsersWrite;
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::{Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::UserId;
use shared::domain::json::Json;
use shared::domain::people::rights::check_account;
use shared::domain::people::{Mail, MailKind, PasswordFacts, Recipient};
use shared::domain::schema::Schema;
use shared::domain::user::UserStatus;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::State;
use shared::http::{Call, Route};
use shared::object;
use shared::store::people::mail_write;
use shared::writing::{Account, AccountChange, AccountWriter};

use crate::passwords;
use crate::throttle::forgive;

/// The longest password that is read, in bytes.
const MAX_TYPED: usize = 4096;

/// The route of temporary passwords.
pub(crate) const ROUTE: Route = Route::write(
    "POST",
    "/identity/users/{user_id}/temporary-password",
    "set_temporary_password",
    (200, "TemporaryPassword"),
    || post(set),
)
.scope(UsersWrite)
.optional_json("TemporaryPasswordInput")
.secret()
.if_match()
.reauthenticate()
.conflicts(&[State])
.audited_as(Operation::UserPasswordReset)
.summary("Set a temporary password")
.description(
    "Good for 72 hours and for one sign-in, at which the person chooses another one. Ends the \
     sessions of the person, who is told by mail, and drops an address that waits for its \
     confirmation. Without `password` the service makes one, and only this answer shows it. An \
     invitation is the better way: nobody else knows the password. The settings of the sign-in can \
     forbid temporary passwords.",
);

/// The password that the request brings; `None` if the service makes one.
fn read(body: Json) -> Result<Option<String>> {
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let password = fields.text("password", MAX_TYPED);
    fields.finish();
    violations.check(password)
}

async fn set(mut call: Call) -> HandlerResult {
    let given = read(call.take_body())?;
    let user = call.user("user_id").await?;
    let author = &call.author().await?;
    let (call, given) = (&call, given.as_deref());
    let (made, facts) = call
        .app
        .decide(&call.caller.tenant, move |schema| async move {
            let settings = schema.sign_in();
            let made = given.is_none().then(|| passwords::random(settings, call.app.env()));
            let password = given.or(made.as_deref()).unwrap_or_default();
            let facts = store(call, author, &schema, (user, password)).await?;
            Ok((made, facts))
        })
        .await?;
    let shown = object! { "password" => made, "ends_at" => facts.ends_at };
    Ok(Answer::content(shown).with_secret())
}

/// Refuses temporary passwords if the tenant does not allow them. Outdated settings refuse none.
fn check_allowed(schema: &Schema) -> Result<()> {
    if schema.sign_in().temporary_passwords {
        return Ok(());
    }
    if !schema.verified {
        return Err(Error::Outdated);
    }
    let detail = "this tenant does not allow temporary passwords; send an invitation: `POST \
                  /identity/users/{user_id}/invite`";
    Err(Error::Conflict(detail.to_owned()))
}

/// Stores the password, ends the sessions of the person, and leaves a mail that tells of it.
async fn store(
    call: &Call,
    author: &Author,
    schema: &Schema,
    (user, password): (UserId, &str),
) -> Result<PasswordFacts> {
    let (app, tenant) = (&call.app, &call.caller.tenant);
    let (env, table) = (app.env(), app.table());
    let about = table.get_user(tenant, user).await?;
    // Before the work of hashing.
    check_account(author, &about.value, schema)?;
    call.preconditions.check_write(&[about.tag()])?;
    let prepared =
        passwords::check_policy(password, schema.sign_in(), &about.value, tenant).await?;
    check_allowed(schema)?;
    let sealed = passwords::sealed(app, tenant, user, &prepared).await?;
    let now = env.clock.now();
    let facts = PasswordFacts::temporary(now);
    let mut mail =
        Mail::new(MailKind::TemporaryPassword, tenant.clone(), Recipient::User(user), now);
    mail.locale.clone_from(&about.value.ui_locales);
    let decide = |account: &Account| {
        call.preconditions.check_write(&[account.user.tag()])?;
        if account.user.value.status == UserStatus::Blocked {
            let detail = "the user is blocked; unblock it first";
            return Err(Error::Conflict(detail.to_owned()));
        }
        let mut login = account.facts(&env.random);
        login.password = Some(facts.clone());
        // Who asked for another address may have been somebody else.
        login.pending_address = None;
        let writes = [sealed.clone(), mail_write(&mail, env)];
        Ok(Some(AccountChange::default().login(login).writes(writes).sign_out()))
    };
    let writer = AccountWriter::new(app, author, schema);
    let stored = writer.change(user, Operation::UserPasswordReset, decide).await?;
    let stored = stored.ok_or(Error::NotFound)?;
    // No browser is known any more, so strangers' guesses at the old password must not be in the
    // way of the new one (rule G35).
    if let Err(error) = forgive(app, tenant, &stored.value.username).await {
        tracing::warn!(%error, "a counter of attempts was not cleared");
    }
    Ok(facts)
}
