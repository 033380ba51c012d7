//! The person signs out: here, on one other device, on all others, or everywhere (rules G23, G24).

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::SessionHash;
use shared::domain::versioned::Version;
use shared::store::people::keep_session;
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
        end_everywhere(visit, &signed_in).await?;
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
        let version = end_others(visit, &signed_in).await?;
        return Ok(keep_known(visit, &signed_in, version, done(Done::Sessions)).await);
    }
    let sid = submission.fields.get("session").ok_or(Refusal::of(Failure::Expired))?;
    // A page of an earlier version names the session by its hash, and nothing has such an id.
    if !end_one(visit, &signed_in, sid).await? && sid.parse::<SessionHash>().is_ok() {
        return Err(Refusal::restarting(Failure::Changed, Some(PATH.to_owned())));
    }
    Ok(done(Done::Session))
}

/// Ends the session of this id, and the refresh tokens that it started; the audit tells of it (rule
/// G65). `false` if there is none.
pub(crate) async fn end_one(visit: &Visit, signed_in: &SignedIn, sid: &str) -> Result<bool> {
    let schema = visit.schema(&signed_in.tenant).await?;
    let author = author(visit, signed_in);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    match writer.end_session(signed_in.user.value.id, sid, |_, _| true).await {
        // The person was forgotten at this moment.
        Err(Error::NotFound) => Ok(false),
        ended => ended,
    }
}

/// Ends all sessions, whatever has become of this one.
async fn end_everywhere(visit: &Visit, signed_in: &SignedIn) -> Result<()> {
    let end = |_: &Account| Ok(Some(AccountChange::default().sign_out()));
    match end_all(visit, signed_in, None, end).await {
        // The person was forgotten at this moment.
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Ends all sessions but this one. Returns the version of the user that it wrote. If this session
/// has ended, was used, or has another secret by now, nothing ends, and the person is told so.
async fn end_others(visit: &Visit, signed_in: &SignedIn) -> Result<Version, Refusal> {
    let (tenant, user, hash) = (&signed_in.tenant, signed_in.user.value.id, &signed_in.hash);
    let changed = || Refusal::restarting(Failure::Changed, Some(PATH.to_owned()));
    // The request has noted that the session is used, so it is read again.
    let session = visit.app.table().read_session(tenant, user, hash).await?;
    let session = session.ok_or_else(changed)?;
    let end = |account: &Account| {
        if account.user.value.has_signed_out(session.value.user_version) {
            return Ok(None);
        }
        let keep = keep_session(tenant, user, hash, &session, account.next_version());
        Ok(Some(AccountChange::default().writes([keep]).sign_out()))
    };
    match end_all(visit, signed_in, Some(hash), end).await {
        Ok(ended) => ended.ok_or_else(changed),
        Err(Error::AlreadyRecorded | Error::NotFound) => Err(changed()),
        Err(error) => Err(error.into()),
    }
}

/// Ends all sessions but `except` by one write of the user, as `edit` makes it. Returns the version
/// of the user that it wrote; `None` if `edit` says that nothing changes.
async fn end_all(
    visit: &Visit,
    signed_in: &SignedIn,
    except: Option<&SessionHash>,
    edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
) -> Result<Option<Version>> {
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    let schema = visit.schema(tenant).await?;
    let author = author(visit, signed_in);
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    let ended = writer.change(user, Operation::UserSessionsEnd, edit).await?;
    let Some(ended) = ended else { return Ok(None) };
    // They are over already; this frees their place and their refresh tokens.
    visit.app.table().delete_sessions(tenant, user, except).await?;
    Ok(Some(ended.version()))
}
