//! The caller of a request in the use case: its user, its view, and its name in policies and
//! records.

use super::call::Call;
use crate::auth::{SessionHandle, Subject};
use crate::domain::View;
use crate::domain::change_request::Actor;
use crate::domain::definition::PolicySubject;
use crate::domain::error::{Error, Result};
use crate::domain::id::UserId;
use crate::domain::user::User;
use crate::store::users::StoredUser;

impl Call {
    /// The fields of profiles that the caller may see and set.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// The caller as policies see it; `me` is the user of a person who calls in self-service.
    pub fn policy_subject<'a>(&'a self, me: Option<&'a User>) -> Result<PolicySubject<'a>> {
        let now = self.app.env().clock.now();
        let scopes = &self.caller.grants.scopes;
        match (&self.caller.subject, self.administrator(), me) {
            (Subject::Client { .. }, ..) => Ok(PolicySubject::client(scopes)),
            (_, Some(me), _) => Ok(PolicySubject::administrator(me, now, scopes)),
            (_, None, Some(me)) => Ok(PolicySubject::person(me, now)),
            (_, None, None) => Err(not_looked_up()),
        }
    }

    /// The caller as requests and decisions name it; `me` is the user of a person who calls in
    /// self-service.
    pub fn actor(&self, me: Option<&User>) -> Result<Actor> {
        match (&self.caller.subject, me) {
            (Subject::Client { id, .. }, _) => Ok(Actor::ClientId(id.clone())),
            (Subject::Local { user, .. }, _) => Ok(Actor::UserId(*user)),
            (Subject::External(_), Some(me)) => Ok(Actor::UserId(me.id)),
            (Subject::External(_), None) => Err(not_looked_up()),
        }
    }

    /// The user of a person who calls in self-service; `None` if a client calls, or a person who
    /// acts by granted scopes.
    pub async fn person(&self) -> Result<Option<StoredUser>> {
        if self.caller.is_person() && self.view == View::SelfService {
            self.me().await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// The user of a local person who acts by granted scopes.
    #[must_use]
    pub fn administrator(&self) -> Option<&User> {
        let user = self.user.as_ref().filter(|_| self.view == View::Administrative);
        user.map(|user| &user.value)
    }

    /// The session of a person who calls with its cookie.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionHandle> {
        self.caller.session()
    }

    /// Refuses a person whose sign-in with this browser is longer ago than five minutes (rule G22),
    /// for acts that only sometimes need a recent one.
    pub fn check_recent(&self) -> Result<()> {
        match self.session() {
            Some(session) if !session.is_recent(self.app.env().clock.now()) => {
                Err(Error::Reauthenticate)
            }
            _ => Ok(()),
        }
    }

    /// The profile of the person who calls: not found before the first sign-in, refused once it is
    /// blocked or unlinked from the issuer. That of a person with a cookie was read with the
    /// session.
    pub async fn me(&self) -> Result<StoredUser> {
        if let Some(user) = &self.user {
            return Ok((**user).clone());
        }
        let user =
            self.app.table().get_user(&self.caller.tenant, self.linked_user().await?).await?;
        user.value.check_active()?;
        self.caller.check_signed_in(&user.value)?;
        Ok(user)
    }

    /// The user of the person who calls, perhaps a tombstone by now. Of an external person it is
    /// not found before the first sign-in, and refused once it is unlinked from the issuer.
    pub async fn linked_user(&self) -> Result<UserId> {
        let person = match &self.caller.subject {
            Subject::Client { .. } => return Err(Error::NotFound),
            Subject::Local { user, .. } => return Ok(*user),
            Subject::External(person) => person,
        };
        let base = self
            .app
            .table()
            .find_base(&self.caller.tenant, &person.base)
            .await?
            .ok_or(Error::NoProfile)?;
        base.check_linked()?;
        Ok(base.user)
    }
}

pub(super) fn not_looked_up() -> Error {
    Error::unexpected("the user of a person who calls was not read")
}
