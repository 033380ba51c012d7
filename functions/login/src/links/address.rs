//! A link confirms a new address, or stops the change of one (rule G50).

use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::definition::Predefined;
use shared::domain::error::Result;
use shared::domain::people::LoginFacts;
use shared::domain::user::{Origin, User, UserStatus};
use shared::domain::view::View;
use shared::store::people::use_link;
use shared::writing::{Account, AccountChange, AccountWriter};

use super::{Found, dead, done, is_for, pending, refused};
use crate::pages::Answered;
use crate::respond::Refusal;
use crate::visit::Visit;

/// Makes the address that waits the address of the person. The rules for addresses hold as for any
/// write: it may be another account's by now.
pub(super) async fn confirm(visit: &Visit, found: &Found) -> Result<Response, Refusal> {
    let edit = |user: &User, facts: &mut LoginFacts| {
        let mut next = user.clone();
        next.preferred_email = pending(facts).map(str::to_owned);
        next.record_provenance(user, View::SelfService);
        next.email_verified = true;
        facts.pending_address = None;
        (next, false)
    };
    change(visit, found, Operation::UserChange, edit).await?;
    Ok(done(visit, found, Answered::Confirmed))
}

/// Stops the change of the address: an address that waits is forgotten, an address that the person
/// confirmed is replaced by the old one, and all sessions end.
pub(super) async fn undo(visit: &Visit, found: &Found) -> Result<Response, Refusal> {
    let edit = |user: &User, facts: &mut LoginFacts| {
        let mut next = user.clone();
        let undo = facts.undo.take();
        facts.pending_address = None;
        let changed = |old: &str| {
            let own = user.provenance.get(Predefined::PreferredEmail.name());
            // An address that an administrator has set since stays.
            own == Some(&Origin::Person) && user.preferred_email.as_deref() != Some(old)
        };
        if let Some(undo) = undo
            && undo.address.as_deref().is_some_and(changed)
        {
            next.preferred_email = undo.address;
            next.record_provenance(user, View::SelfService);
            next.email_verified = undo.verified;
        }
        (next, true)
    };
    change(visit, found, Operation::UserAddressUndo, edit).await?;
    Ok(done(visit, found, Answered::Undone))
}

/// Changes the account and uses the link up, in one transaction. `edit` says whether all sessions
/// end.
async fn change(
    visit: &Visit,
    found: &Found,
    operation: Operation,
    edit: impl Fn(&User, &mut LoginFacts) -> (User, bool) + Send + Sync,
) -> Result<(), Refusal> {
    let Found { token, link, account } = found;
    let (env, tenant, id) = (visit.app.env(), &token.tenant, account.user.value.id);
    let change = |account: &Account| {
        let active = account.user.value.status == UserStatus::Active;
        if !active || !is_for(&link.value, account, visit) {
            return Ok(None);
        }
        let mut facts = account.facts(&env.random);
        let (user, signs_out) = edit(&account.user.value, &mut facts);
        let change = AccountChange::default().user(user).login(facts).writes(use_link(token, link));
        Ok(Some(if signs_out { change.sign_out() } else { change }))
    };
    let schema = visit.schema(tenant).await?;
    let author = Author::account(tenant.clone(), id, visit.request_id());
    match AccountWriter::new(&visit.app, &author, &schema).change(id, operation, change).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(dead(visit, token)),
        Err(error) => Err(refused(visit, found, error)),
    }
}
