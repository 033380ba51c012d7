//! The person signs out: here, on one other device, on all others, or everywhere (rules G23, G24).

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::SessionHash;
use shared::domain::versioned::Version;
use shared::store::people::{end_session as delete_session, keep_session};
use shared::writing::{Account, AccountChange, AccountWriter};

use super::{Done, PATH, author, done};
use crate::device::keep_known;
use crate::end_session;
use crate::fields::with_query;
use crate::pages::Failure;
use crate::respond::{Refusal, see_other};
use crate::visit::{Submission, Visit};

/// The page after signing out: without a session it says so.
const SIGNED_OUT: &str = "/idhub/oidc/v1/logout";

/// Signs out in this browser, or everywhere.
pub(super) async fn sign_out(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let Some(signed_in) = visit.signed_in().await? else { return Ok(see_other(SIGNED_OUT)) };
    if submission.fields.get("everywhere").is_some() {
        end_all(visit, &signed_in, false).await?;
    }
    let tenant = signed_in.tenant.as_str();
    let page = see_other(&with_query(SIGNED_OUT, &[("tenant", tenant)]));
    Ok(end_session::sign_out(visit, &signed_in, page).await?)
}

/// Ends one other session, or all others.
pub(super) async fn end(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    if !visit.is_recent(&signed_in.session.value) {
        return Ok(Visit::sign_in_again(&signed_in.tenant, PATH));
    }
    if submission.fields.get("others").is_some() {
        let answer = done(Done::Sessions);
        return Ok(match end_all(visit, &signed_in, true).await? {
            Some(version) => keep_known(visit, &signed_in, version, answer).await,
            None => answer,
        });
    }
    let session = submission.fields.get("session").and_then(|id| id.parse::<SessionHash>().ok());
    let session = session.ok_or(Refusal::of(Failure::Expired))?;
    end_one(visit, &signed_in, &session).await?;
    Ok(done(Done::Session))
}

/// Ends one session and the refresh tokens that it started; the audit tells of it (rule G65).
async fn end_one(
    visit: &Visit,
    signed_in: &SignedIn,
    session: &SessionHash,
) -> Result<(), Refusal> {
    let (tenant, user, table) = (&signed_in.tenant, signed_in.user.value.id, visit.app.table());
    let Some(stored) = table.read_session(tenant, user, session).await? else { return Ok(()) };
    let sid = stored.value.sid;
    // Before, so that none outlives the session; and again, for one that it has just started.
    table.delete_families(tenant, user, |family| family.sid == sid).await?;
    let change = |_: &Account| {
        Ok(Some(AccountChange::default().writes([delete_session(tenant, user, session)])))
    };
    let schema = visit.schema(tenant).await?;
    let author = author(visit, signed_in);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    writer.change(user, Operation::UserSessionsEnd, change).await?;
    table.delete_families(tenant, user, |family| family.sid == sid).await?;
    Ok(())
}

/// Ends all sessions by one write of the user; this one stays if it is `kept`. Returns the version
/// of the user that it wrote; `None` if they had ended.
async fn end_all(
    visit: &Visit,
    signed_in: &SignedIn,
    kept: bool,
) -> Result<Option<Version>, Refusal> {
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    // The request has noted that the session is used, so it is read again.
    let session = visit.app.table().read_session(tenant, user, &signed_in.hash).await?;
    let Some(session) = session else { return Ok(None) };
    let change = |account: &Account| {
        if account.user.value.has_signed_out(session.value.user_version) {
            return Ok(None);
        }
        let version = account.next_version();
        let keep = kept.then(|| keep_session(tenant, user, &signed_in.hash, &session, version));
        Ok(Some(AccountChange::default().writes(keep).sign_out()))
    };
    let schema = visit.schema(tenant).await?;
    let author = author(visit, signed_in);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    let ended = match writer.change(user, Operation::UserSessionsEnd, change).await {
        Ok(ended) => ended.map(|user| user.version()),
        Err(Error::NotFound) => None,
        // This session was used, or ended, at the same time.
        Err(Error::AlreadyRecorded) => {
            return Err(Refusal::restarting(Failure::Changed, Some(PATH.to_owned())));
        }
        Err(error) => return Err(error.into()),
    };
    // They are over already; this frees their place and their refresh tokens.
    let except = kept.then_some(&signed_in.hash);
    visit.app.table().delete_sessions(tenant, user, except).await?;
    Ok(ended)
}
