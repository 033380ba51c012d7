//! The exchange of an authorization code: of many requests with one code, one gets tokens (rule
//! G6).

use super::refresh::NewFamily;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::people::{Code, Exchanged, SecretHash, SessionHash};
use crate::domain::versioned::Versioned;
use crate::store::people::exchange_code;
use crate::store::users::check_exists;
use crate::store::{CommitError, Condition, Key, Retry, Table, Write};

/// The outcome of a claim.
#[derive(Debug)]
pub enum Claim {
    /// The code is this request's.
    Claimed,
    /// Another request has exchanged the code.
    Used(Box<Code>),
    /// The code has expired, the session has ended, or the person has been forgotten.
    Gone,
}

/// The session in which a code was made, as it is named now: the person may have authenticated
/// again since. `None` if it has ended.
pub async fn session_of(
    table: &Table,
    tenant: &TenantId,
    code: &Code,
) -> Result<Option<SessionHash>> {
    if table.read_session(tenant, code.user, &code.session).await?.is_some() {
        return Ok(Some(code.session.clone()));
    }
    let sessions = table.list_sessions(tenant, code.user).await?;
    let renewed = sessions.into_iter().find(|(_, session)| session.value.sid == code.sid);
    Ok(renewed.map(|(hash, _)| hash))
}

/// Claims a code that was read, and stores the family of refresh tokens that it starts, if it
/// starts one. The family is stored only while the user and the session are there: a sign-out or a
/// forget finds it, or it is not stored.
pub async fn claim(
    table: &Table,
    tenant: &TenantId,
    hash: &SecretHash,
    stored: Versioned<Code>,
    exchanged: &Exchanged,
    family: Option<(&NewFamily, &SessionHash)>,
) -> Result<Claim> {
    let write_id = table.write_id();
    let mut stored = stored;
    let mut retry = Retry::of(table);
    loop {
        let user = stored.value.user;
        let mut writes = vec![exchange_code(tenant, hash, &stored, exchanged.clone())];
        if let Some((family, session)) = family {
            let session = Key::session(tenant, user, session);
            writes.push(check_exists(tenant, user));
            writes.push(Write::Check(session, Condition::NotDeleted));
            writes.extend(family.writes());
        }
        match table.commit_as(write_id, writes).await {
            Ok(()) => return Ok(Claim::Claimed),
            Err(failed @ CommitError::Conditions(_))
                if !failed.at(0) && (failed.at(1) || failed.at(2)) =>
            {
                return Ok(Claim::Gone);
            }
            Err(CommitError::Conditions(_) | CommitError::Contended) => {}
            Err(failed) => return Err(Error::from(failed)),
        }
        let Some(again) = table.find_code(tenant, hash).await? else { return Ok(Claim::Gone) };
        if again.log_contains(write_id) {
            return Ok(Claim::Claimed);
        }
        if again.value.exchanged.is_some() {
            return Ok(Claim::Used(Box::new(again.value)));
        }
        stored = again;
        retry.again().await?;
    }
}
