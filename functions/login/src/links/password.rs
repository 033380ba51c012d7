//! A link sets a password: the first one of a person who was invited, or another one.

use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Result;
use shared::domain::people::{LinkKind, PasswordFacts, SetBy};
use shared::domain::user::UserStatus;
use shared::store::people::{mail_write, use_link};
use shared::writing::{Account, AccountWriter};

use super::{Found, dead, done, explain, is_for, refused};
use crate::fields::Fields;
use crate::pages::Answered;
use crate::pages::passkeys::REMOVE_ALL;
use crate::respond::Refusal;
use crate::throttle::forgive;
use crate::visit::Visit;
use crate::{mails, passkeys, passwords};

/// Sets the password. One transaction uses the link up, stores the password and ends all sessions,
/// so of many uses at once one succeeds (rule G45). It removes the passkeys too, if the person chose
/// that (rule G49). A password that is refused uses nothing up.
pub(super) async fn set(
    visit: &Visit,
    found: &Found,
    fields: &Fields,
) -> Result<Response, Refusal> {
    let Found { token, link, account } = found;
    let (env, tenant, user) = (visit.app.env(), &token.tenant, &account.user.value);
    let typed = fields.get("new_password").unwrap_or_default();
    let removes = fields.get(REMOVE_ALL).is_some();
    let password = match passwords::check_chosen(&visit.app, typed, user, tenant).await? {
        Ok(password) => password,
        Err(weak) => return explain(visit, found, Some(weak), removes).await,
    };
    let invited = link.value.kind == LinkKind::Invitation;
    let mut writes = use_link(token, link);
    writes.push(passwords::sealed(&visit.app, tenant, user.id, &password).await?);
    let mut removed = false;
    let change = |account: &Account| {
        let now = env.clock.now();
        let current = &account.user.value;
        let works = current.status == UserStatus::Active && is_for(&link.value, account, visit);
        if !works || link.value.ends_at <= now {
            return Ok(None);
        }
        let mut facts = account.facts(&env.random);
        removed = removes && !facts.passkeys.is_empty();
        let is_first = facts.password.is_none();
        facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
        // Who asked for another address may have been somebody else.
        facts.pending_address = None;
        let mut user = current.clone();
        // The link came by a mail to this address (rule G48).
        user.email_verified |= invited && link.value.address.is_some();
        let change = passkeys::remove_if(removes, tenant, user.id, &mut facts);
        let mut writes = writes.clone();
        if !invited || removed || !is_first {
            let mail = mails::password_changed(visit, tenant, user.id, removed);
            writes.push(mail_write(&mail, env));
        }
        Ok(Some(change.user(user).login(facts).writes(writes).sign_out()))
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
    let answered = match (removed, invited) {
        (true, _) => Answered::Removed,
        (false, true) => Answered::Invited,
        (false, false) => Answered::Reset,
    };
    Ok(done(visit, found, answered))
}
