//! The caller that a token names. The keys of the service, or those of an issuer that a tenant
//! trusts, verify the token.

use std::sync::Arc;

use ring::digest::{Context, SHA256};

use super::App;
use super::cache::is_young;
use crate::auth::user_token::UnverifiedUserToken;
use crate::auth::{AuthError, Caller, access_token, user_token};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::Tag;
use crate::env::Timestamp;

/// A token that was verified.
pub(super) enum VerifiedToken {
    /// An access token of this service: a client's or a local person's.
    Client(access_token::VerifiedAccessToken),
    /// An external person's, with the tag of the authentication server by which it was verified.
    Person(user_token::VerifiedUserToken, Tag),
}

impl VerifiedToken {
    fn caller(&self, now: Timestamp, base_url: &str) -> Result<Caller, AuthError> {
        match self {
            Self::Client(token) => token.caller(now, base_url),
            Self::Person(token, _) => token.caller(now),
        }
    }
}

/// The tenants that trust an issuer, each with the claim that names it.
pub(super) type TrustingTenants = Vec<(TenantId, String)>;

/// The hash of a token and of what it was verified against.
pub(super) type Digest = [u8; 32];

fn digest<const N: usize>(parts: [&str; N]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(b"\n");
    }
    hash.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

/// A person's token of another issuer than this service.
fn foreign<'t>(unverified_token: &'t str, base_url: &str) -> Option<UnverifiedUserToken<'t>> {
    let token = UnverifiedUserToken::open(unverified_token).ok()?;
    (token.issuer() != access_token::issuer(base_url)).then_some(token)
}

impl App {
    /// The caller that a token names: an access token of this service or, where `people` may call
    /// too, a token of an issuer that a tenant trusts. A signature is verified once in 30 seconds.
    /// Each call checks whether the token has expired, and whether the trust in its issuer is
    /// unchanged.
    pub async fn caller(
        &self,
        unverified_token: &str,
        base_url: &str,
        people: bool,
    ) -> Result<Caller, AuthError> {
        let now = self.env().clock.now();
        let digest = digest([base_url, if people { "any" } else { "client" }, unverified_token]);
        if let Some((read_at, verified)) = self.0.callers.get(&digest)
            && is_young(read_at, now)
            && self.still_trusts(&verified).await?
        {
            return verified.caller(now, base_url);
        }
        let verified = self.verify(unverified_token, base_url, people).await?;
        let caller = verified.caller(now, base_url)?;
        self.0.callers.put(&digest, Arc::new(verified), now);
        Ok(caller)
    }

    async fn verify(
        &self,
        unverified_token: &str,
        base_url: &str,
        people: bool,
    ) -> Result<VerifiedToken, AuthError> {
        let of_person = if people { foreign(unverified_token, base_url) } else { None };
        let Some(unverified) = of_person else {
            let token = access_token::VerifiedAccessToken::verify(
                unverified_token,
                self.public_keys(),
                base_url,
            )
            .await;
            return match token {
                Ok(token) => Ok(VerifiedToken::Client(token)),
                Err(AuthError::BadToken(_))
                    if !people && foreign(unverified_token, base_url).is_some() =>
                {
                    Err(AuthError::BadToken("this route takes client tokens, not user tokens"))
                }
                Err(error) => Err(error),
            };
        };
        let tenant = self.tenant_of(&unverified).await?;
        let mut schema = self.schema(&tenant).await?;
        if schema.issuer(unverified.issuer()).is_none() {
            // The cached configuration may be older than the trust in the issuer.
            schema = self.schema_now(&tenant).await?;
        }
        let server = schema.issuer(unverified.issuer());
        let server = server.ok_or(AuthError::BadToken(user_token::UNKNOWN))?;
        let tag = schema.servers.get(server.id.as_str()).map(|entry| entry.stored.tag().clone());
        let now = self.env().clock.now();
        let token = unverified.verify(tenant, server, self.remote_keys(), base_url, now).await?;
        Ok(VerifiedToken::Person(token, tag.unwrap_or_default()))
    }

    /// Whether the authentication server that verified a person's token is unchanged. A cached
    /// token does not outlive the cached state of its issuer.
    async fn still_trusts(&self, verified: &VerifiedToken) -> Result<bool> {
        let VerifiedToken::Person(token, tag) = verified else { return Ok(true) };
        let schema = self.schema(token.tenant()).await?;
        Ok(schema
            .servers
            .get(token.server().as_str())
            .is_some_and(|entry| entry.stored.tag() == tag))
    }

    /// The tenant that a token names, among those that trust its issuer. That list is at most 30
    /// seconds old; a tenant that it lacks is read again before a refusal. An issuer without any
    /// tenant is not cached, because strangers can name any issuer.
    async fn tenant_of(&self, token: &UnverifiedUserToken<'_>) -> Result<TenantId, AuthError> {
        let (now, digest) = (self.env().clock.now(), digest([token.issuer()]));
        if let Some((read_at, trusting)) = self.0.issuers.get(&digest)
            && is_young(read_at, now)
            && let Ok(tenant) = token.tenant(&trusting)
        {
            return Ok(tenant);
        }
        let trusting = Arc::new(self.table().trusting(token.issuer()).await?);
        if !trusting.is_empty() {
            self.0.issuers.put(&digest, trusting.clone(), now);
        }
        token.tenant(&trusting)
    }
}
