//! The end of each sign-in: the session, and what goes with it.

use http::HeaderValue;
use http::header::SET_COOKIE;
use shared::app::SignedIn;
use shared::auth::access_token::issuer;
use shared::axum::response::{IntoResponse, Response};
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::{Error, Result};
use shared::domain::id::{BaseId, PartyId, TenantId, UserId};
use shared::domain::people::rights::portal_scopes;
use shared::domain::people::{
    Life, LoginFacts, MailKind, SecretHash, Session, SessionCookie, SessionHash,
};
use shared::domain::schema::Schema;
use shared::domain::sso::{Principal, SYSTEM};
use shared::domain::user::{User, UserStatus};
use shared::domain::versioned::Versioned;
use shared::http::cookies::{self, Cookie};
use shared::store::Write;
use shared::store::people::mail_write;
use shared::store::sign_in::Binding;
use shared::store::users::StoredUser;
use shared::writing::{Account, AccountChange, AccountCommit, AccountWriter};

use crate::device::Device;
use crate::respond::see_other;
use crate::state::{Goal, PageState};
use crate::visit::Visit;
use crate::{authorize, mails, throttle};

/// After so many failures in a row the person is told of the success (rule G38).
const MANY_FAILURES: u32 = 5;

/// A person who has just proved who they are.
pub(crate) struct Authenticated {
    /// The account as it was read before the credential was.
    pub(crate) account: Account,
    /// The principal at the built-in authentication server, if it is stored.
    pub(crate) principal: Option<Versioned<Principal>>,
    /// The credential.
    pub(crate) used: Used,
    /// Whether the browser is to stay signed in when it is closed.
    pub(crate) keep: bool,
    /// Writes for the transaction of the session. None of them is the item of the account's facts.
    pub(crate) companions: Vec<Write>,
    /// How many attempts before it failed in a row.
    pub(crate) failures: u32,
}

/// The credential that proved who a person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// The password.
    Password,
    /// A passkey with user verification, which is two factors (rule G55).
    Passkey {
        /// The hash of its id.
        id: SecretHash,
        /// Whether it is backed up.
        backed_up: bool,
    },
}

impl Used {
    /// How the person authenticated (RFC 8176).
    const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Passkey { .. } => &["swk", "user"],
        }
    }

    /// The authentication context class: how many factors.
    const fn class(&self) -> &'static str {
        match self {
            Self::Password => "1",
            Self::Passkey { .. } => "2",
        }
    }

    fn note(&self, facts: &mut LoginFacts, visit: &Visit) {
        let now = visit.app.env().clock.now();
        match self {
            Self::Password => facts.password_used(now),
            Self::Passkey { id, backed_up } => facts.passkey_used(id, *backed_up, now),
        }
    }
}

/// The end of a sign-in.
pub(crate) enum Finished {
    /// The person is signed in: the answer, with the cookies.
    Answer(Response),
    /// The account has changed since it was read. The caller reads it and the credential again, and
    /// verifies again.
    Again,
    /// The person is not linked to the built-in authentication server.
    Unlinked,
    /// The person is blocked.
    Blocked,
}

fn system() -> Result<PartyId> {
    SYSTEM.parse().map_err(Error::unexpected)
}

/// The principal of a user at the built-in authentication server, if it is stored.
pub(crate) async fn principal(
    visit: &Visit,
    tenant: &TenantId,
    user: UserId,
) -> Result<Option<Versioned<Principal>>> {
    visit.app.table().find_principal(tenant, user, &system()?).await
}

/// Whether a person with this principal may sign in.
pub(crate) fn is_linked(principal: Option<&Versioned<Principal>>) -> bool {
    principal.is_none_or(|principal| principal.value.linked)
}

/// Signs a person in and goes on to what the person came for. One transaction puts the session and
/// the user, so block, reset, unlink and forget come before it or end the session.
pub(crate) async fn finish_sign_in(
    visit: &Visit,
    state: &PageState,
    authenticated: Authenticated,
) -> Result<Finished> {
    if !is_linked(authenticated.principal.as_ref()) {
        return Ok(Finished::Unlinked);
    }
    if authenticated.account.user.value.status == UserStatus::Blocked {
        return Ok(Finished::Blocked);
    }
    let tenant = &state.tenant;
    let user = &authenticated.account.user.value;
    let schema = visit.app.schema_of(tenant, [user]).await?;
    let sign_in = SignIn { visit, tenant, schema: &schema, authenticated: &authenticated };
    let Some(signed_in) = Box::pin(sign_in.commit()).await? else { return Ok(Finished::Again) };
    if matches!(authenticated.used, Used::Passkey { .. }) {
        let username = &signed_in.person.user.value.username;
        if throttle::forgive(&visit.app, tenant, username).await.is_err() {
            tracing::warn!("the counter of strangers was not cleared");
        }
    }
    let mut response = match &state.goal {
        Goal::Path(path) => see_other(path),
        Goal::SignOut(_) => see_other(&state.restart()),
        Goal::Authorize(request) => authorize::go_on(visit, request, &signed_in.person)
            .await
            .unwrap_or_else(IntoResponse::into_response),
    };
    for cookie in signed_in.cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(Finished::Answer(response))
}

/// A sign-in that is being committed.
struct SignIn<'s> {
    visit: &'s Visit,
    tenant: &'s TenantId,
    schema: &'s Schema,
    authenticated: &'s Authenticated,
}

/// A person who is signed in, and the cookies that say so.
struct Committed {
    person: SignedIn,
    cookies: Vec<HeaderValue>,
}

impl SignIn<'_> {
    fn user(&self) -> &StoredUser {
        &self.authenticated.account.user
    }

    /// Commits the session; `None` if the account has changed.
    async fn commit(&self) -> Result<Option<Committed>> {
        let Self { visit, tenant, schema, authenticated } = self;
        let (env, account) = (visit.app.env(), &authenticated.account);
        let user = &account.user.value;
        let cookie = SessionCookie::new((*tenant).clone(), user.id, env);
        let known = self.known_device().await?;
        let before = self.session_of_browser().await?;
        let session = match &before {
            Some((_, before)) => before.renewed(self.session()),
            None => self.session(),
        };
        let author = Author::account((*tenant).clone(), user.id, visit.request_id());
        let writer = AccountWriter::new(&visit.app, &author, schema);
        let replaced = before.as_ref().map(|(hash, _)| hash);
        let start = writer.begin_session(&account.user, &cookie, session, replaced).await?;
        let session = start.session.clone();
        let mut facts = account.facts(&env.random);
        authenticated.used.note(&mut facts, visit);
        let now = env.clock.now();
        let mut change = AccountChange::default()
            .user(User { last_login_at: Some(now), ..user.clone() })
            .login(facts)
            .writes(self.companions(known.as_ref()))
            .begin(start);
        if let Some(binding) = self.binding()? {
            change = change.changes(binding.change()).writes(binding.writes(tenant, user.id));
        }
        // The account is not as it was, or a companion lost against another request.
        let AccountCommit::Written(_) =
            writer.commit_as_read(account, &change, Operation::UserSignIn).await?
        else {
            return Ok(None);
        };
        self.end_other_session().await;
        let cookies = self.cookies(&cookie, &session, known.as_ref()).await?;
        let person = SignedIn {
            tenant: (*tenant).clone(),
            hash: cookie.hash(),
            session: Versioned::first(session),
            user: account.user.clone(),
            rights: portal_scopes(user, schema, now),
        };
        Ok(Some(Committed { person, cookies }))
    }

    /// The session of a person with the rights of now (rule G21).
    fn session(&self) -> Session {
        let Self { visit, schema, authenticated, .. } = self;
        let env = visit.app.env();
        let life = Life::with(&portal_scopes(&self.user().value, schema, env.clock.now()));
        let (methods, class) = (authenticated.used.methods(), authenticated.used.class());
        Session {
            keep: authenticated.keep && life == Life::SelfService,
            browser: visit.browser(),
            network: visit.place(),
            ..Session::begin(env, life, methods, Some(class))
        }
    }

    /// The session that the browser has of this person: the new one takes its place (rule G18).
    async fn session_of_browser(&self) -> Result<Option<(SessionHash, Session)>> {
        let user = &self.user().value;
        let cookie = self.visit.session_cookie();
        let Some(cookie) = cookie.filter(|c| c.tenant == *self.tenant && c.user == user.id) else {
            return Ok(None);
        };
        let hash = cookie.hash();
        let stored = self.visit.app.table().read_session(self.tenant, user.id, &hash).await?;
        let stored = stored.filter(|stored| !user.has_signed_out(stored.value.user_version));
        Ok(stored.map(|stored| (hash, stored.value)))
    }

    /// Ends the session that the browser has of somebody else. It ends by itself if this fails.
    async fn end_other_session(&self) {
        let Some(cookie) = self.visit.session_cookie() else { return };
        if cookie.tenant == *self.tenant && cookie.user == self.user().value.id {
            return;
        }
        let table = self.visit.app.table();
        if table.delete_session(&cookie.tenant, cookie.user, &cookie.hash()).await.is_err() {
            tracing::warn!("the session of another person was not ended");
        }
    }

    async fn known_device(&self) -> Result<Option<Device>> {
        let Some(login) = &self.authenticated.account.login else { return Ok(None) };
        Device::known(self.visit, self.tenant, &self.user().value, &login.value.user_handle).await
    }

    /// The principal and its look-up, if the person has not signed in at this issuer before.
    fn binding(&self) -> Result<Option<Binding>> {
        let base = BaseId::of(
            &self.user().value.id.to_string(),
            &issuer(&self.visit.base_url),
            self.tenant,
        );
        let stored = self.authenticated.principal.as_ref();
        let is_bound =
            |principal: &Principal| !principal.open && principal.base.as_ref() == Some(&base);
        let bound = stored.is_some_and(|stored| is_bound(&stored.value));
        Ok(if bound { None } else { Some(Binding::of(&system()?, &base, stored)) })
    }

    /// The companions of the credential, and mails to the person (rule G38).
    fn companions(&self, known: Option<&Device>) -> Vec<Write> {
        let Self { visit, tenant, authenticated, .. } = self;
        let user = &self.user().value;
        let mut writes = authenticated.companions.clone();
        let mut tell = |kind| {
            let mail = mails::to_user(visit, tenant, user.id, kind);
            writes.push(mail_write(&mail, visit.app.env()));
        };
        if authenticated.failures >= MANY_FAILURES {
            tell(MailKind::Failures);
        }
        // Of the first browser there is nothing to compare with.
        if known.is_none() && user.last_login_at.is_some() {
            tell(MailKind::NewDevice);
        }
        writes
    }

    /// The cookies of the session and of the browser.
    async fn cookies(
        &self,
        cookie: &SessionCookie,
        session: &Session,
        known: Option<&Device>,
    ) -> Result<Vec<HeaderValue>> {
        let Self { visit, tenant, .. } = self;
        let left = (session.ends_at.millis() - visit.app.env().clock.now().millis()) / 1000;
        let max_age = session.keep.then_some(left);
        let value = cookie.to_string();
        let mut cookies = vec![cookies::set(Cookie::Session, &visit.base_url, &value, max_age)?];
        let user = self.user().value.id;
        if let Some(login) = &self.authenticated.account.login {
            let device = Device::new(visit, tenant, user, session.user_version, known);
            cookies.push(device.cookie(visit, &login.value.user_handle).await?);
        }
        Ok(cookies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g57_a_password_and_a_passkey_are_the_only_credentials() {
        let passkey = Used::Passkey { id: SecretHash::of(b"id"), backed_up: false };
        for used in [Used::Password, passkey] {
            // A new credential has to be listed here. `sms` and `otp` of RFC 8176 are no methods.
            let methods: &[&str] = match &used {
                Used::Password => &["pwd"],
                Used::Passkey { .. } => &["swk", "user"],
            };
            assert_eq!(used.methods(), methods);
        }
    }
}
