//! People who are signed in with a browser.
//!
//! A session and its user are read for each request and remembered by no cache: once a session has
//! ended, the next request is refused (rule G23).

use super::App;
use crate::auth::access_token::issuer;
use crate::auth::{Caller, Grants, SessionHandle, Subject, Via};
use crate::domain::error::Result;
use crate::domain::id::{BaseId, TenantId};
use crate::domain::people::rights::portal_scopes;
use crate::domain::people::{Life, Session, SessionCookie, SessionHash};
use crate::domain::scope::Scopes;
use crate::domain::versioned::Versioned;
use crate::store::users::StoredUser;

/// A person who is signed in with a browser.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The tenant.
    pub tenant: TenantId,
    /// The hash of the session's secret: its key.
    pub hash: SessionHash,
    /// The session.
    pub session: Versioned<Session>,
    /// The person's user.
    pub user: StoredUser,
    /// The scopes that the personas of the person grant now.
    pub rights: Scopes,
}

impl SignedIn {
    /// The person as the caller of a service with this base URL.
    #[must_use]
    pub fn caller(&self, base_url: &str) -> Caller {
        let (user, session) = (self.user.value.id, &self.session.value);
        let base = BaseId::of(&user.to_string(), &issuer(base_url), &self.tenant);
        let handle = SessionHandle {
            hash: self.hash.clone(),
            sid: session.sid.clone(),
            authenticated_at: session.auth_time,
        };
        Caller {
            tenant: self.tenant.clone(),
            subject: Subject::Local { user, base, via: Via::Session(handle) },
            grants: Grants { scopes: self.rights.clone(), ..Grants::default() },
            jkt: None,
            token: None,
        }
    }
}

impl App {
    /// The session of a cookie with its user; `None` if the session is unknown or has ended: unused
    /// for too long, at its absolute end, by a block, an erasure or "sign out everywhere".
    pub async fn signed_in(&self, cookie: &SessionCookie) -> Result<Option<SignedIn>> {
        let (table, tenant) = (self.table(), &cookie.tenant);
        let hash = cookie.hash();
        let Some(session) = table.read_session(tenant, cookie.user, &hash).await? else {
            return Ok(None);
        };
        let Some(user) = table.find_user(tenant, cookie.user).await? else { return Ok(None) };
        let schema = self.schema_of(tenant, [&user.value]).await?;
        let now = self.env().clock.now();
        let rights = portal_scopes(&user.value, &schema, now);
        if !session.value.is_alive(&user.value, Life::with(&rights), now) {
            return Ok(None);
        }
        Ok(Some(SignedIn { tenant: tenant.clone(), hash, session, user, rights }))
    }

    /// Notes that a session was used, unless that was noted within the last five minutes.
    pub async fn see_again(&self, signed_in: &SignedIn) -> Result<()> {
        let SignedIn { tenant, hash, session, user, .. } = signed_in;
        if !session.value.is_seen_again(self.env().clock.now()) {
            return Ok(());
        }
        self.table().touch_session(tenant, user.value.id, hash, session).await
    }
}
