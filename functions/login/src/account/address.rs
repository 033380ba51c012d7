//! The person asks for another e-mail address. It waits beside the profile until a link that was
//! sent to it is used; the old address is told, with a link that stops the change (rule G50).

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::{LoginFacts, Mail, MailKind, PendingAddress, UNDO_SECONDS, Undo};
use shared::domain::text;
use shared::domain::user::User;
use shared::env::Timestamp;
use shared::store::people::mail_write;
use shared::writing::{Account, AccountChange};

use super::{Done, PATH, done, refuse};
use crate::forgot::address_hash;
use crate::mails;
use crate::pages::Failure;
use crate::pages::account::AccountFailure;
use crate::respond::Refusal;
use crate::visit::{Submission, Visit};

/// Asks for another address.
pub(super) async fn change(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    if !visit.is_recent(&signed_in.session.value) {
        return Ok(Visit::sign_in_again(&signed_in.tenant, PATH));
    }
    let typed = submission.fields.get("email").unwrap_or_default().trim();
    let Some(comparable) = text::email(typed) else {
        return refuse(&submission, &signed_in, AccountFailure::WrongAddress).await;
    };
    let present = signed_in.user.value.preferred_email.as_deref().and_then(text::stored_email);
    if present == Some(comparable) {
        return refuse(&submission, &signed_in, AccountFailure::SameAddress).await;
    }
    let ask = |user: &User, facts: &mut LoginFacts, now: Timestamp| {
        facts.undo = undo(user, facts.undo.take(), now);
        facts.pending_address =
            Some(PendingAddress { address: text::nfc(typed).into_owned(), asked_at: now });
        let old = facts.undo.as_ref().and_then(|undo| undo.address.as_deref());
        let mut mails = vec![mail(visit, &signed_in, MailKind::AddressConfirm, typed)];
        mails.extend(old.map(|old| mail(visit, &signed_in, MailKind::AddressNotice, old)));
        mails
    };
    store(visit, &signed_in, Operation::UserAddressAsk, ask).await?;
    Ok(done(Done::Address))
}

/// The way back to the address that the person has now. While there is a way back from an earlier
/// change, it stays: nobody gets rid of it by a further change.
fn undo(user: &User, before: Option<Undo>, now: Timestamp) -> Option<Undo> {
    let until = now.plus_seconds(UNDO_SECONDS);
    if let Some(before) = before.filter(|before| now < before.until) {
        return Some(Undo { until, ..before });
    }
    let address = user.preferred_email.clone()?;
    Some(Undo { address: Some(address), verified: user.email_verified, until })
}

fn mail(visit: &Visit, signed_in: &SignedIn, kind: MailKind, address: &str) -> Mail {
    let mut mail = mails::to_user(visit, &signed_in.tenant, signed_in.user.value.id, kind);
    mail.facts.address = Some(address_hash(address));
    mail
}

/// Cancels the change. The address that waits is forgotten; its link works no more.
pub(super) async fn cancel(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    let cancel = |_: &User, facts: &mut LoginFacts, _| {
        facts.pending_address = None;
        Vec::new()
    };
    store(visit, &signed_in, Operation::UserAddressUndo, cancel).await?;
    Ok(done(Done::Cancelled))
}

/// Changes what is known of the address. `edit` returns the mails that go out with the change.
async fn store(
    visit: &Visit,
    signed_in: &SignedIn,
    operation: Operation,
    edit: impl Fn(&User, &mut LoginFacts, Timestamp) -> Vec<Mail> + Send + Sync,
) -> Result<(), Refusal> {
    let env = visit.app.env();
    let change = |account: &Account| {
        let mut facts = account.facts(&env.random);
        let mails = edit(&account.user.value, &mut facts, env.clock.now());
        let mails = mails.iter().map(|mail| mail_write(mail, env));
        Ok(Some(AccountChange::default().login(facts).writes(mails)))
    };
    match super::change(visit, signed_in, operation, change).await {
        Ok(_) => Ok(()),
        Err(Error::SignedOut | Error::AlreadyRecorded | Error::NotFound) => {
            Err(Refusal::restarting(Failure::Changed, Some(PATH.to_owned())))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::id::UserId;
    use shared::env::Env;

    use super::*;

    #[test]
    fn g50_a_further_change_keeps_the_way_back_to_the_first_address() {
        let env = Env::default();
        let now = env.clock.now();
        let mut user = User::new(UserId::new(env.new_uuid()), "jan".to_owned(), now);
        assert_eq!(undo(&user, None, now), None);
        user.preferred_email = Some("own@example.org".to_owned());
        user.email_verified = true;
        let first = undo(&user, None, now).unwrap();
        assert_eq!(first.address.as_deref(), Some("own@example.org"));
        assert!(first.verified);
        user.preferred_email = Some("thief@example.org".to_owned());
        let later = now.plus_seconds(UNDO_SECONDS - 1);
        let second = undo(&user, Some(first.clone()), later).unwrap();
        assert_eq!(second.address.as_deref(), Some("own@example.org"));
        assert!(second.until > first.until);
        let over = now.plus_seconds(UNDO_SECONDS);
        let third = undo(&user, Some(first), over).unwrap();
        assert_eq!(third.address.as_deref(), Some("thief@example.org"));
    }
}
