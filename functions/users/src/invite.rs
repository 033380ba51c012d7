//! `POST /identity/users/{user_id}/invite`: a mail with a link by which the person sets a password.

use shared::axum::routing::post;
use shared::domain::Scope::UsersWrite;
use shared::domain::audit::Operation;
use shared::domain::error::{Code, Error, Result, expected_not};
use shared::domain::id::TenantId;
use shared::domain::json::Json;
use shared::domain::lookup::email_hash;
use shared::domain::people::rights::check_account;
use shared::domain::people::{Mail, MailFacts, MailKind, Recipient};
use shared::domain::user::{User, UserStatus};
use shared::env::Env;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::State;
use shared::http::{Call, Route};
use shared::store::Write;
use shared::store::people::mail_write;
use shared::writing::{Account, AccountChange, AccountWriter};

/// The member of a new user's document that asks for an invitation.
const INVITE: &str = "invite";

/// The route of invitations.
pub(crate) const ROUTES: [Route; 1] = [Route::write(
    "POST",
    "/identity/users/{user_id}/invite",
    "invite_user",
    (204, ""),
    || post(invite),
)
.scope(UsersWrite)
.if_match()
.reauthenticate()
.conflicts(&[State])
.audited_as(Operation::UserInvite)
.summary("Invite a user")
.description(
    "Mails a link by which the person sets a password, good for 7 days. Earlier invitations stop \
     to be good.",
)];

/// Takes the wish for an invitation out of the document of a new user.
pub(crate) fn take(document: &mut Json) -> Result<bool> {
    let Json::Object(members) = document else { return Ok(false) };
    match members.shift_remove(INVITE) {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Bool(wanted)) => Ok(wanted),
        Some(other) => {
            let detail = expected_not("a boolean", &other);
            Err(Error::invalid(format!("/{INVITE}"), Code::WrongType, detail))
        }
    }
}

/// Refuses the wish to invite a new user who has no address.
pub(crate) fn check(user: &User) -> Result<()> {
    if user.preferred_email.is_some() {
        return Ok(());
    }
    let detail = "an invitation goes to `preferred_email`; send one, or omit `invite`";
    Err(Error::invalid(format!("/{INVITE}"), Code::NotAllowed, detail))
}

/// The write that puts the invitation of a user into the outbox. It is good only for the address
/// that the user has now.
pub(crate) fn mail(tenant: &TenantId, user: &User, env: &Env) -> Write {
    let address = user.preferred_email.as_deref().and_then(email_hash);
    let to = Recipient::User(user.id);
    let mail = Mail {
        locale: user.ui_locales.clone(),
        facts: MailFacts { address, ..MailFacts::default() },
        ..Mail::new(MailKind::Invitation, tenant.clone(), to, env.clock.now())
    };
    mail_write(&mail, env)
}

async fn invite(call: Call) -> HandlerResult {
    let user = call.user("user_id").await?;
    let author = &call.author().await?;
    let (call, tenant) = (&call, &call.caller.tenant);
    call.once(|record| async move {
        call.app
            .decide(tenant, move |schema| async move {
                let schema = &*schema;
                let decide = |account: &Account| {
                    let user = &account.user.value;
                    check_account(author, user, schema)?;
                    call.preconditions.check_write(&[account.user.tag()])?;
                    check_reachable(user)?;
                    let mut writes: Vec<_> = record.of(&Answer::nothing())?.into_iter().collect();
                    writes.push(mail(tenant, user, call.app.env()));
                    Ok(Some(AccountChange::default().writes(writes)))
                };
                let writer = AccountWriter::new(&call.app, author, schema);
                let invited = writer.change(user, Operation::UserInvite, decide).await?;
                invited.map(|_| Answer::nothing()).ok_or(Error::NotFound)
            })
            .await
    })
    .await
}

/// Refuses to invite a person who would not get the mail, or could not sign in.
fn check_reachable(user: &User) -> Result<()> {
    let detail = if user.status == UserStatus::Blocked {
        "the user is blocked; unblock it first"
    } else if user.preferred_email.is_none() {
        "the user has no `preferred_email`; set one first"
    } else {
        return Ok(());
    };
    Err(Error::Conflict(detail.to_owned()))
}
