//! Sessions of people in a browser, and the cookie that names one.
//!
//! A session is an item of the table. The cookie carries its key and its secret, so one read finds
//! it, and its deletion ends it at once (ADR 0065). A session that is older than the user's last
//! "end all sessions" is over without being deleted (ADR 0066).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::browser::Browser;
use super::secret::{Secret, SecretHash};
use crate::domain::id::{PartyId, PersonaId, TenantId, UserId, WrongShape};
use crate::domain::scope::Scopes;
use crate::domain::user::{User, UserStatus};
use crate::domain::versioned::Version;
use crate::env::{Env, Timestamp};

/// The most sessions of one person; the oldest one ends when another begins (rule G26).
pub const MAX_SESSIONS: usize = 20;
/// How old `seen_at` may be before a request writes it again, in seconds.
pub const SEEN_SECONDS: i64 = 5 * 60;

/// The hash of a session's secret, which names the session in the person's partition.
pub type SessionHash = SecretHash;

/// How long a session lives (rule G21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The session of a person without rights over others: 7 days without use, 30 days at most.
    SelfService,
    /// The session of a person with any portal scope: 30 minutes without use, 12 hours at most.
    Administrative,
}

impl Life {
    /// The life of the session of a person who has these portal scopes.
    #[must_use]
    pub const fn with(rights: &Scopes) -> Self {
        if rights.is_empty() { Self::SelfService } else { Self::Administrative }
    }

    /// How long the session lives without use, in seconds.
    #[must_use]
    pub const fn idle_seconds(self) -> i64 {
        match self {
            Self::SelfService => 7 * 24 * 3600,
            Self::Administrative => 30 * 60,
        }
    }

    /// How long it lives after the person authenticated, in seconds.
    #[must_use]
    pub const fn absolute_seconds(self) -> i64 {
        match self {
            Self::SelfService => 30 * 24 * 3600,
            Self::Administrative => 12 * 3600,
        }
    }
}

/// Claims of an authentication server that no attribute takes. They live in the session alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptClaims {
    /// The authentication server that said them.
    pub server: PartyId,
    /// The claims by their names.
    pub claims: BTreeMap<String, Value>,
}

/// A session of a person in one browser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The id of the session in ID tokens. It stays when the person authenticates again.
    pub sid: String,
    /// When the person first signed in with this browser.
    pub created_at: Timestamp,
    /// When the person last authenticated.
    pub auth_time: Timestamp,
    /// How the person authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class that was met.
    pub acr: Option<String>,
    /// When the session was last used, to within [`SEEN_SECONDS`].
    pub seen_at: Timestamp,
    /// When the session ends, however much it is used.
    pub ends_at: Timestamp,
    /// The version of the user that the sign-in wrote. The session is over once the user's
    /// `signed_out` is greater.
    pub user_version: Version,
    /// Whether the browser keeps the cookie when it is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// The browser, if something is known of it. Earlier versions stored words at `browser`.
    #[serde(default, rename = "agent", skip_serializing_if = "Option::is_none")]
    pub browser: Option<Browser>,
    /// The network from which the person signed in, never the whole address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The persona that the person chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// What the authentication server said beyond the attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<KeptClaims>,
}

impl Session {
    /// A session that begins now. `user_version` is set when it is stored.
    #[must_use]
    pub fn begin(env: &Env, life: Life, amr: &[&str], acr: Option<&str>) -> Self {
        let now = env.clock.now();
        Self {
            sid: env.random_uuid().to_string(),
            created_at: now,
            auth_time: now,
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            acr: acr.map(str::to_owned),
            seen_at: now,
            ends_at: now.plus_seconds(life.absolute_seconds()),
            user_version: Version::FIRST,
            keep: false,
            browser: None,
            network: None,
            persona: None,
            claims: None,
        }
    }

    /// The session after the person has authenticated again: it goes on under a new secret and keeps
    /// its id.
    #[must_use]
    pub fn renewed(&self, again: Self) -> Self {
        Self {
            sid: self.sid.clone(),
            created_at: self.created_at,
            persona: again.persona.or(self.persona),
            claims: again.claims.or_else(|| self.claims.clone()),
            ..again
        }
    }

    /// Whether the session is alive for this user, whose rights give it this life. The caller
    /// checks that the user is still linked to the built-in authentication server.
    #[must_use]
    pub fn is_alive(&self, user: &User, life: Life, now: Timestamp) -> bool {
        let idle_end = self.seen_at.plus_seconds(life.idle_seconds());
        let end = self.ends_at.min(self.auth_time.plus_seconds(life.absolute_seconds()));
        user.status == UserStatus::Active
            && !user.has_signed_out(self.user_version)
            && now < idle_end
            && now < end
    }

    /// Whether `seen_at` is to be written again.
    #[must_use]
    pub fn is_seen_again(&self, now: Timestamp) -> bool {
        now >= self.seen_at.plus_seconds(SEEN_SECONDS)
    }

    /// Whether the person authenticated in the last `seconds`.
    #[must_use]
    pub fn is_recent(&self, seconds: i64, now: Timestamp) -> bool {
        now <= self.auth_time.plus_seconds(seconds)
    }
}

const COOKIE: WrongShape = WrongShape("`<tenant>.<user>.<secret>`");

/// The value of a session's cookie: `<tenant>.<user>.<secret>`. Its `Debug` form hides the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The tenant.
    pub tenant: TenantId,
    /// The person.
    pub user: UserId,
    secret: Secret,
}

impl SessionCookie {
    /// The cookie of a new session.
    #[must_use]
    pub fn new(tenant: TenantId, user: UserId, env: &Env) -> Self {
        Self { tenant, user, secret: Secret::new(&env.random) }
    }

    /// The hash that names the session.
    #[must_use]
    pub fn hash(&self) -> SessionHash {
        self.secret.hash()
    }
}

impl fmt::Display for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.tenant, self.user, self.secret)
    }
}

impl FromStr for SessionCookie {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(COOKIE);
        let (tenant, user, secret) = (part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(COOKIE);
        }
        Ok(Self { tenant: tenant.parse()?, user: user.parse()?, secret: secret.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Clock;

    fn env() -> Env {
        Env { clock: Clock::stopped_at(Timestamp::from_millis(0)), ..Env::default() }
    }

    fn user() -> User {
        User::new(UserId::new(uuid::Uuid::nil()), "jan".to_owned(), Timestamp::from_millis(0))
    }

    #[test]
    fn g17_a_cookie_reads_back_and_takes_nothing_else() {
        let env = env();
        let id = UserId::new(env.new_uuid());
        let cookie = SessionCookie::new("acme".parse().unwrap(), id, &env);
        let text = cookie.to_string();
        assert_eq!(text.parse::<SessionCookie>().unwrap(), cookie);
        for wrong in
            ["", "acme", "acme..", &format!("{text}."), &format!("{text}A"), &format!("A{text}")]
        {
            assert!(wrong.parse::<SessionCookie>().is_err(), "{wrong}");
        }
        assert!(!format!("{cookie:?}").contains(text.rsplit('.').next().unwrap()));
    }

    #[test]
    fn g21_a_session_ends_without_use_and_at_its_absolute_end() {
        let (env, user) = (env(), user());
        for (life, idle, absolute) in
            [(Life::SelfService, 7 * 86_400, 30 * 86_400), (Life::Administrative, 1800, 43_200)]
        {
            let mut session = Session::begin(&env, life, &["pwd"], None);
            let at = |seconds| Timestamp::from_millis(0).plus_seconds(seconds);
            assert!(session.is_alive(&user, life, at(idle - 1)));
            assert!(!session.is_alive(&user, life, at(idle)));
            session.seen_at = at(absolute - 2);
            assert!(session.is_alive(&user, life, at(absolute - 1)));
            assert!(!session.is_alive(&user, life, at(absolute)));
        }
    }

    #[test]
    fn g21_a_session_is_as_short_as_the_rights_that_the_person_has_now() {
        let (env, user) = (env(), user());
        let session = Session::begin(&env, Life::SelfService, &["pwd"], None);
        let later = Timestamp::from_millis(0).plus_seconds(1800);
        assert!(session.is_alive(&user, Life::SelfService, later));
        assert!(!session.is_alive(&user, Life::Administrative, later));
    }

    #[test]
    fn g23_a_session_is_over_when_all_were_ended_after_it() {
        let (env, mut user) = (env(), user());
        let mut session = Session::begin(&env, Life::SelfService, &["pwd"], None);
        session.user_version = Version(7);
        let now = env.clock.now();
        user.signed_out = 7;
        assert!(session.is_alive(&user, Life::SelfService, now));
        user.signed_out = 8;
        assert!(!session.is_alive(&user, Life::SelfService, now));
        user.signed_out = 0;
        user.status = UserStatus::Blocked;
        assert!(!session.is_alive(&user, Life::SelfService, now));
    }

    #[test]
    fn g24_a_session_of_a_version_that_stored_the_browser_in_words_is_read() {
        let session = Session::begin(&env(), Life::SelfService, &["pwd"], None);
        let mut stored = serde_json::to_value(&session).unwrap();
        stored["browser"] = "Firefox on Linux".into();
        assert_eq!(serde_json::from_value::<Session>(stored).unwrap(), session);
        let browser = Browser { name: Some("Firefox".to_owned()), system: None };
        let session = Session { browser: Some(browser), ..session };
        let stored = serde_json::to_value(&session).unwrap();
        // An earlier version expects words there.
        assert!(stored.get("browser").is_none(), "{stored}");
        assert_eq!(serde_json::from_value::<Session>(stored).unwrap(), session);
    }

    #[test]
    fn g18_a_renewed_session_keeps_its_id() {
        let env = env();
        let first = Session::begin(&env, Life::SelfService, &["pwd"], None);
        env.clock.advance(60);
        let again = first.renewed(Session::begin(&env, Life::SelfService, &["swk"], None));
        assert_eq!((&again.sid, again.created_at), (&first.sid, first.created_at));
        assert_eq!(again.auth_time, env.clock.now());
        assert_eq!(again.amr, ["swk"]);
    }
}
