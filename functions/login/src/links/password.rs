//! A link sets a password: the first one of a person who was invited, or another one.

use http::StatusCode;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Result;
use shared::domain::people::{LinkKind, MailKind, PasswordFacts, SetBy};
use shared::domain::user::UserStatus;
use shared::store::people::{mail_write, use_link};
use shared::writing::{Account, AccountChange, AccountWriter};

use super::{Found, dead, done, explain, is_for, refused};
use crate::mails;
use crate::pages::Answered;
use crate::passwords::{self, Context};
use crate::respond::Refusal;
use crate::throttle::forgive;
use crate::visit::Visit;

/// Sets the password. One transaction uses the link up, stores the password and ends all sessions,
/// so of many uses at once one succeeds (rule G45). A password that is refused uses nothing up.
pub(super) async fn set(visit: &Visit, found: &Found, typed: &str) -> Result<Response, Refusal> {
    let Found { token, link, account } = found;
    let (env, tenant, user) = (visit.app.env(), &token.tenant, &account.user.value);
    let password = match passwords::check(typed, &Context::of(user, tenant)).await? {
        Ok(password) => password,
        Err(weak) => {
            return explain(visit, found, Some(weak), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let invited = link.value.kind == LinkKind::Invitation;
    let mut writes = use_link(token, link);
    writes.push(passwords::sealed(&visit.app, tenant, user.id, &password).await?);
    let facts = account.login.as_ref().map(|login| &login.value);
    if !invited || facts.is_some_and(|facts| facts.password.is_some()) {
        let mail = mails::to_user(visit, tenant, user.id, MailKind::PasswordChanged);
        writes.push(mail_write(&mail, env));
    }
    let change = |account: &Account| {
        let now = env.clock.now();
        let current = &account.user.value;
        let works = current.status == UserStatus::Active && is_for(&link.value, account, visit);
        if !works || link.value.ends_at <= now {
            return Ok(None);
        }
        let mut facts = account.facts(&env.random);
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
        // Who asked for another address may have been somebody else.
        facts.pending_address = None;
        let mut user = current.clone();
        // The link came by a mail to this address (rule G48).
        user.email_verified |= invited && link.value.address.is_some();
        Ok(Some(AccountChange::default().user(user).login(facts).writes(writes.clone()).sign_out()))
    };
    let schema = visit.schema(tenant).await?;
    let author = Author::account(tenant.clone(), user.id, visit.request_id());
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    let operation = if invited { Operation::UserPasswordSet } else { Operation::UserPasswordReset };
    match writer.change(user.id, operation, change).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(dead(visit, token)),
        Err(error) => return Err(refused(visit, found, error)),
    }
    // The person has the new password; strangers' guesses at the old one are of no account.
    if let Err(error) = forgive(&visit.app, tenant, &user.username).await {
        tracing::warn!(%error, "a counter of attempts was not cleared");
    }
    Ok(done(visit, found, if invited { Answered::Invited } else { Answered::Reset }))
}
