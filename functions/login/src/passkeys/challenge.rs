//! Challenges: random bytes that an authenticator signs, good once, for five minutes and for one
//! browser (rule G52).
//!
//! The challenge is a sealed text: 32 random bytes, its end, and what the ceremony has to remember.
//! It comes back in what the authenticator signs, so the service keeps nothing before it is used. A
//! challenge that was used is noted until its end.

use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::env::Timestamp;
use shared::store::keys::SingleUse;

use super::Failed;
use super::client_data::Ceremony;
use super::refusal::Refusal;
use crate::visit::Visit;

/// How long a challenge is good, in seconds.
pub(super) const SECONDS: i64 = 5 * 60;

/// A challenge of this service that came back in time.
#[derive(Debug)]
pub(super) struct Challenge {
    text: String,
    until: Timestamp,
    /// What the ceremony remembers.
    pub(super) memory: String,
}

/// For what a challenge is sealed: a ceremony, and the session in which it takes place.
fn purpose(ceremony: Ceremony, session: &str) -> String {
    format!("{} {session}", ceremony.purpose())
}

/// Makes a challenge for a ceremony in a session, which is empty before the sign-in.
pub(super) async fn issue(
    visit: &Visit,
    ceremony: Ceremony,
    session: &str,
    memory: &str,
) -> Result<String> {
    let env = visit.app.env();
    let until = env.clock.now().plus_seconds(SECONDS).millis().to_be_bytes();
    let random: [u8; 32] = env.random.bytes();
    let content = [&random[..], &until, memory.as_bytes()].concat();
    visit.seal_text(&purpose(ceremony, session), &content).await
}

impl Challenge {
    /// Opens a challenge that was made for this browser, ceremony and session.
    pub(super) async fn open(
        visit: &Visit,
        ceremony: Ceremony,
        session: &str,
        text: String,
    ) -> Result<Self, Failed> {
        let content = visit.open_text(&purpose(ceremony, session), &text).await?;
        let (until, memory) = content.as_deref().and_then(parts).ok_or(Refusal::Challenge)?;
        if until <= visit.app.env().clock.now() {
            return Err(Refusal::Challenge.into());
        }
        Ok(Self { text, until, memory })
    }

    /// Uses the challenge up; refused if it was used before.
    pub(super) async fn spend(&self, visit: &Visit, tenant: &TenantId) -> Result<(), Failed> {
        let used = SingleUse::Challenge(&self.text);
        if visit.app.table().use_once(tenant, used, self.until).await? {
            Ok(())
        } else {
            Err(Refusal::Spent.into())
        }
    }
}

/// The end of a challenge and what it remembers.
fn parts(content: &[u8]) -> Option<(Timestamp, String)> {
    let (until, memory) = content.get(32..)?.split_first_chunk()?;
    let until = Timestamp::from_millis(i64::from_be_bytes(*until));
    Some((until, String::from_utf8(memory.to_vec()).ok()?))
}
