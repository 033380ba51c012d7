//! Refresh tokens: opaque, unforgeable, rotated on each use (rule O6).
//!
//! A token is `<family>.<generation>.<mac>`; the MAC covers family and generation under a key that
//! only the token function reads, so nothing that is stored can be replayed. One item per family
//! holds the current generation. A token of the generation before is answered for 10 seconds with
//! the same successor, as a client whose answer was lost would need it; an older one, or a
//! later use, has a good MAC and is therefore a replay: it ends the family.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::claims::base64url;
use crate::domain::error::Result;
use crate::domain::id::ClientId;
use crate::domain::scope::Scopes;
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;
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
    /// The grant that the client can get, if it may request `allowed` now.
    #[must_use]
    pub fn grantable(&self, allowed: &Grant) -> Grant {
        let named = |party: &&String| self.audience.is_empty() || self.audience.contains(party);
        Grant {
            scopes: Scopes::new(self.scopes.iter().filter(|scope| allowed.scopes.allows(*scope))),
            audience: allowed.audience.iter().filter(named).cloned().collect(),
        }
    }

    /// Whether a token of this generation can be exchanged: the current one, or for a while the one
    /// before.
    fn accepts(&self, generation: u64, now: Timestamp) -> bool {
        generation == self.generation
            || (generation + 1 == self.generation
                && now < self.reached_at.plus_seconds(GRACE_SECONDS))
    }
}

/// The family of a token that this client can exchange now.
pub async fn find(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
) -> Result<Option<Family>> {
    let Some((family, generation)) = open(key, unverified_token) else { return Ok(None) };
    let Some(item) = table.get(&Key::refresh_family(family)).await? else { return Ok(None) };
    let family = item.read::<Family>()?.value;
    let usable =
        family.client_id == *client_id && family.accepts(generation, table.env().clock.now());
    Ok(usable.then_some(family))
}

/// Ends the family of a token of this client, whichever of the family's tokens it is; `false` when
/// it is no refresh token.
pub async fn revoke(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
) -> Result<bool> {
    let Some((family, _)) = open(key, unverified_token) else { return Ok(false) };
    let item_key = Key::refresh_family(family);
    let mut retry = Retry::of(table);
    loop {
        let Some(item) = table.get(&item_key).await? else { return Ok(true) };
        let stored = item.read::<Family>()?;
        if stored.value.client_id != *client_id {
            return Ok(true);
        }
        match table
            .commit(vec![Write::Delete(item_key.clone(), Condition::Version(stored.version()))])
            .await
        {
            Ok(()) => return Ok(true),
            Err(CommitError::Conditions(_) | CommitError::Contended) => retry.again().await?,
            Err(failed) => return Err(failed.into()),
        }
    }
}

/// The outcome of a request with a refresh token.
#[derive(Debug)]
pub enum Exchange {
    /// The token is valid: the next token, and the grant that comes with it.
    Granted(String, Grant),
    /// It is forged, expired, revoked, replayed or another client's.
    InvalidGrant,
    /// The token is valid, but the request names more scopes than may be granted. Nothing changed.
    InvalidScope,
    /// The token is valid, but the request names another audience, or the client may no longer have
    /// tokens for any audience of the token. Nothing changed. Holds the audiences that are allowed.
    InvalidTarget(Vec<String>),
}

/// Starts a family and returns its first token. `audience` is empty if the request named none.
pub async fn start(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    scopes: &Scopes,
    audience: &[String],
) -> Result<String> {
    let now = table.env().clock.now();
    let family = base64url(&table.env().random.bytes::<16>());
    let ends_at = now.plus_seconds(FAMILY_SECONDS);
    let state = Family {
        client_id: client_id.clone(),
        scopes: scopes.clone(),
        audience: audience.to_vec(),
        generation: 1,
        reached_at: now,
        ends_at,
    };
    let item = Item::at(&Key::refresh_family(&family))
        .versioned(&Versioned::first(state))
        .expiring(ends_at);
    table.commit(vec![Write::Put(item, Condition::Absent)]).await?;
    Ok(token(key, &family, 1))
}

/// Exchanges a token for its successor. It grants the wanted scopes and audience. By default these
/// are all that the family started with and that the client may still request (`allowed`). A
/// request for more is refused.
pub async fn exchange(
    table: &Table,
    key: &[u8; 32],
    client_id: &ClientId,
    unverified_token: &str,
    allowed: &Grant,
    wanted_scopes: Option<&Scopes>,
    wanted_audience: &[String],
) -> Result<Exchange> {
    let Some((family, generation)) = open(key, unverified_token) else {
        return Ok(Exchange::InvalidGrant);
    };
    let item_key = Key::refresh_family(family);
    let mut retry = Retry::of(table);
    loop {
        let Some(item) = table.get(&item_key).await? else {
            return Ok(Exchange::InvalidGrant);
        };
        let stored = item.read::<Family>()?;
        if stored.value.client_id != *client_id {
            return Ok(Exchange::InvalidGrant);
        }
        let now = table.env().clock.now();
        let current = stored.value.generation;
        let most = stored.value.grantable(allowed);
        let scopes = wanted_scopes.unwrap_or(&most.scopes).clone();
        let replayed = !stored.value.accepts(generation, now);
        if !replayed && (scopes.is_empty() || !most.scopes.allows_all(&scopes)) {
            return Ok(Exchange::InvalidScope);
        }
        let others = wanted_audience.iter().any(|party| !most.audience.contains(party));
        if !replayed && (most.audience.is_empty() || others) {
            return Ok(Exchange::InvalidTarget(most.audience));
        }
        let committed = if replayed {
            table
                .commit(vec![Write::Delete(item_key.clone(), Condition::Version(stored.version()))])
                .await
        } else if generation == current {
            let next = Family { generation: current + 1, reached_at: now, ..stored.value.clone() };
            let version = stored.version();
            let item =
                Item::at(&item_key).expiring(next.ends_at).versioned(&stored.changed_to(next));
            table.commit(vec![Write::Put(item, Condition::Version(version))]).await
        } else {
            Ok(())
        };
        match committed {
            Ok(()) if replayed => return Ok(Exchange::InvalidGrant),
            Ok(()) => {
                let wanted = Some(wanted_audience).filter(|wanted| !wanted.is_empty());
                let audience = wanted.map_or(most.audience, <[String]>::to_vec);
                let next = token(key, family, generation + 1);
                return Ok(Exchange::Granted(next, Grant { scopes, audience }));
            }
            Err(CommitError::Conditions(_) | CommitError::Contended) => retry.again().await?,
            Err(failed) => return Err(failed.into()),
        }
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
