//! Refresh tokens: opaque, unforgeable, rotated on each use (rule O6).
//!
//! A token is `<family>.<generation>.<mac>`; the MAC covers family and generation under a key that
//! only the token function reads, so nothing that is stored can be replayed. One item per family
//! holds the current generation. A token of the generation before is answered for 10 seconds with
//! the same successor, as a client whose answer was lost would need it; an older one, or a
//! later use, has a good MAC and is therefore a replay: it ends the family.
//!
//! A family is of a client that acts for itself, or of a person who authorised the client. The
//! family of a person is also named among the person's sessions, so that a sign-out ends it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::claims::base64url;
use crate::domain::client::{Authorization, Client};
use crate::domain::error::Result;
use crate::domain::id::ClientId;
use crate::domain::people::FamilyName;
use crate::domain::scope::Scopes;
use crate::domain::versioned::Versioned;
use crate::env::{Env, Timestamp};
use crate::store::people::{delete_family_name, put_family_name};
use crate::store::{CommitError, Condition, Item, Key, Retry, Table, Write};

/// The longest life of a family, in seconds: 30 days from the first token.
pub const FAMILY_SECONDS: i64 = 30 * 24 * 3600;
/// How long the token before the current one is still answered, in seconds.
pub const GRACE_SECONDS: i64 = 10;

/// The stored state of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    client_id: ClientId,
    scopes: Scopes,
    /// The audience of its access tokens, if the first request named one. If empty, the audience of
    /// the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    audience: Vec<String>,
    generation: u64,
    /// When the current token was made.
    pub reached_at: Timestamp,
    /// When the family ends, however often it is rotated.
    pub ends_at: Timestamp,
    /// What a person authorised; `None` if the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Authorization>,
    /// The key with which a public client proves that the token is its own (RFC 9449 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
}

/// The scopes and the audience of an access token that comes with a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its scopes.
    pub scopes: Scopes,
    /// Its audience.
    pub audience: Vec<String>,
}

impl Family {
    /// The family of a client that acts for itself. `audience` is empty if the request named none.
    #[must_use]
    pub fn of_client(client_id: &ClientId, grant: Grant, now: Timestamp) -> Self {
        Self {
            client_id: client_id.clone(),
            scopes: grant.scopes,
            audience: grant.audience,
            generation: 1,
            reached_at: now,
            ends_at: now.plus_seconds(FAMILY_SECONDS),
            person: None,
            jkt: None,
        }
    }

    /// The family of a person who authorised a client. That of a public client ends with the
    /// person's session at the latest, and needs the key of the proof with which it was started
    /// (rule G14).
    #[must_use]
    pub fn of_person(
        client: &Client,
        authorization: Authorization,
        audience: Vec<String>,
        jkt: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let grant = Grant { scopes: authorization.scopes.clone(), audience };
        let family = Self::of_client(&client.client_id, grant, now);
        if !client.is_public() {
            return Self { person: Some(authorization), ..family };
        }
        Self {
            ends_at: family.ends_at.min(authorization.session_ends_at),
            jkt: jkt.map(str::to_owned),
            person: Some(authorization),
            ..family
        }
    }

    /// The grant that the client can get, if it may request `allowed` now.
    #[must_use]
    pub fn grantable(&self, allowed: &Grant) -> Grant {
        Grant {
            scopes: Scopes::new(self.scopes.iter().filter(|scope| allowed.scopes.allows(*scope))),
            audience: self.audience_within(&allowed.audience),
        }
    }

    /// The audience that the client can get, if it may have these parties now.
    #[must_use]
    pub fn audience_within(&self, allowed: &[String]) -> Vec<String> {
        let named = |party: &&String| self.audience.is_empty() || self.audience.contains(party);
        allowed.iter().filter(named).cloned().collect()
    }

    /// Whether a token of this generation can be exchanged: the current one, or for a while the one
    /// before.
    fn accepts(&self, generation: u64, now: Timestamp) -> bool {
        now < self.ends_at
            && (generation == self.generation
                || (generation + 1 == self.generation
                    && now < self.reached_at.plus_seconds(GRACE_SECONDS)))
    }
}

/// A family that is to be stored, and its first token.
#[derive(Debug)]
pub struct NewFamily {
    /// The name of the family.
    pub name: String,
    /// The first token.
    pub token: String,
    state: Family,
}

impl NewFamily {
    /// Names a family and makes its first token.
    #[must_use]
    pub fn new(key: &[u8; 32], state: Family, env: &Env) -> Self {
        let name = base64url(&env.random.bytes::<16>());
        Self { token: token(key, &name, state.generation), name, state }
    }

    /// The writes that store it. If it is of a person, its transaction also checks that the
    /// person's user and session are there.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        let Self { name, state, .. } = self;
        let item = Item::at(&Key::refresh_family(name))
            .versioned(&Versioned::first(state.clone()))
            .expiring(state.ends_at);
        let mut writes = vec![Write::Put(item, Condition::Absent)];
        if let Some(person) = &state.person {
            let named = FamilyName {
                client: state.client_id.clone(),
                sid: person.sid.clone(),
                created_at: state.reached_at,
                ends_at: state.ends_at,
            };
            writes.push(put_family_name(state.client_id.tenant(), person.user, name, &named));
        }
        writes
    }
}

/// Starts the family of a client that acts for itself, and returns its first token. `audience` is
/// empty if the request named none.
pub async fn start(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    scopes: &Scopes,
    audience: &[String],
) -> Result<String> {
    let grant = Grant { scopes: scopes.clone(), audience: audience.to_vec() };
    let state = Family::of_client(client_id, grant, table.env().clock.now());
    let family = NewFamily::new(key, state, table.env());
    table.commit(family.writes()).await?;
    Ok(family.token)
}

/// A refresh token of a client, and its family as it was read.
#[derive(Debug)]
pub struct Presented {
    name: String,
    generation: u64,
    stored: Versioned<Family>,
}

/// Reads the family of a refresh token. `None` if the token is forged or another client's, or if
/// the family has ended.
pub async fn read(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
) -> Result<Option<Presented>> {
    let Some((name, generation)) = open(key, unverified_token) else { return Ok(None) };
    let Some(item) = table.get(&Key::refresh_family(name)).await? else { return Ok(None) };
    let stored = item.read::<Family>()?;
    let own = stored.value.client_id == *client_id;
    Ok(own.then(|| Presented { name: name.to_owned(), generation, stored }))
}

impl Presented {
    /// The family.
    #[must_use]
    pub const fn family(&self) -> &Family {
        &self.stored.value
    }

    /// Whether the token can be exchanged now. A token of the family that cannot is a replay.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.stored.value.accepts(self.generation, now)
    }

    /// Ends the family; `false` if it was written meanwhile and has to be read again.
    pub async fn end(&self, table: &Table) -> Result<bool> {
        committed(table.commit(deletion(&self.name, &self.stored)).await)
    }

    /// Exchanges the token for its successor; `None` if the family was written meanwhile and has to
    /// be read again.
    pub async fn rotate(&self, table: &Table, key: &[u8; 32]) -> Result<Option<String>> {
        let (name, family) = (&self.name, &self.stored.value);
        if self.generation == family.generation {
            let next = Family {
                generation: family.generation + 1,
                reached_at: table.env().clock.now(),
                ..family.clone()
            };
            let item = Item::at(&Key::refresh_family(name))
                .expiring(next.ends_at)
                .versioned(&self.stored.changed_to(next));
            let write = Write::Put(item, Condition::Version(self.stored.version()));
            if !committed(table.commit(vec![write]).await)? {
                return Ok(None);
            }
        }
        Ok(Some(token(key, name, self.generation + 1)))
    }
}

/// The family of a token that this client can exchange now.
pub async fn find(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
) -> Result<Option<Family>> {
    let presented = read(table, key, client_id, unverified_token).await?;
    let now = table.env().clock.now();
    let current = presented.filter(|presented| presented.is_current(now));
    Ok(current.map(|presented| presented.stored.value))
}

/// Ends the family of a token of this client, whichever of the family's tokens it is; `false` when
/// it is no refresh token.
pub async fn revoke(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
) -> Result<bool> {
    let Some((name, _)) = open(key, unverified_token) else { return Ok(false) };
    end(table, name, client_id).await?;
    Ok(true)
}

/// Ends a family of this client by its name, if it is there.
pub async fn end(table: &Table, name: &str, client_id: &ClientId) -> Result<()> {
    let mut retry = Retry::of(table);
    loop {
        let Some(item) = table.get(&Key::refresh_family(name)).await? else { return Ok(()) };
        let stored = item.read::<Family>()?;
        if stored.value.client_id != *client_id
            || committed(table.commit(deletion(name, &stored)).await)?
        {
            return Ok(());
        }
        retry.again().await?;
    }
}

/// The writes that end a family.
fn deletion(name: &str, stored: &Versioned<Family>) -> Vec<Write> {
    let condition = Condition::Version(stored.version());
    let mut writes = vec![Write::Delete(Key::refresh_family(name), condition)];
    if let Some(person) = &stored.value.person {
        let tenant = stored.value.client_id.tenant();
        writes.push(delete_family_name(tenant, person.user, name));
    }
    writes
}

/// Whether a commit succeeded; `false` if another write came in between.
fn committed(outcome: Result<(), CommitError>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(false),
        Err(failed) => Err(failed.into()),
    }
}

fn token(key: &[u8; 32], family: &str, generation: u64) -> String {
    let content = format!("{family}.{generation}");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn open<'a>(key: &[u8; 32], token: &'a str) -> Option<(&'a str, u64)> {
    let (content, mac) = token.rsplit_once('.')?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes(), &mac).ok()?;
    let (family, generation) = content.split_once('.')?;
    Some((family, generation.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o6_a_forged_token_does_not_open() {
        let key = [7; 32];
        let good = token(&key, "family", 3);
        assert_eq!(open(&key, &good), Some(("family", 3)));
        assert_eq!(open(&[8; 32], &good), None);
        assert_eq!(open(&key, &good.replace(".3.", ".4.")), None);
        for wrong in ["", ".", "..", "family.3", "family.3.", "é.é.é"] {
            assert_eq!(open(&key, wrong), None, "{wrong}");
        }
    }
}
