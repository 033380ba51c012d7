//! The exchange of an authorization code: of many requests with one code, one gets tokens (rule
//! G6).

use super::refresh::NewFamily;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::people::{Code, Exchanged, SecretHash, SessionHash};
use crate::domain::versioned::Versioned;
use crate::store::keys::Child;
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
    /// The code has expired, the session has ended, the person has withdrawn the consent to the
    /// client, or has been forgotten.
    Gone,
}

/// What an exchange starts.
#[derive(Clone, Copy, Debug)]
pub struct Started<'s> {
    /// The family of refresh tokens.
    pub family: &'s NewFamily,
    /// The session in which the code was made, as it is named now.
    pub session: &'s SessionHash,
    /// Whether the person grants something to the client that is remembered (rule G15).
    pub granted: bool,
}

impl Started<'_> {
    /// The checks that what a person takes away is there: the user, the session, and what the
    /// person granted to the client. So a request that takes one of them away finds the family that
    /// begins.
    fn checks(&self, tenant: &TenantId, code: &Code) -> Vec<Write> {
        let session = Key::session(tenant, code.user, self.session);
        let there = |key| Write::Check(key, Condition::NotDeleted);
        let mut checks = vec![check_exists(tenant, code.user), there(session)];
        if self.granted {
            let consent = Child::ClientConsent(&code.client);
            checks.push(there(Key::child(tenant, code.user, consent)));
        }
        checks
    }
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
/// starts one. The family is stored only while the user, the session and the consent to the client
/// are there: a sign-out, a forget or a withdrawal finds it, or it is not stored.
pub async fn claim(
    table: &Table,
    tenant: &TenantId,
    hash: &SecretHash,
    stored: Versioned<Code>,
    exchanged: &Exchanged,
    started: Option<Started<'_>>,
) -> Result<Claim> {
    let write_id = table.write_id();
    let mut stored = stored;
    let mut retry = Retry::of(table);
    loop {
        let mut writes = vec![exchange_code(tenant, hash, &stored, exchanged.clone())];
        writes.extend(started.iter().flat_map(|started| started.checks(tenant, &stored.value)));
        let checks = 1..writes.len();
        writes.extend(started.iter().flat_map(|started| started.family.writes()));
        match table.commit_as(write_id, writes).await {
            Ok(()) => return Ok(Claim::Claimed),
            Err(failed @ CommitError::Conditions(_))
                if !failed.at(0) && checks.clone().any(|place| failed.at(place)) =>
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
