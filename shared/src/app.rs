//! What a function holds for its whole life: the table, what it has read from it, and where it
//! runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use tokio::sync::OnceCell;

use crate::auth::user_token::Unverified;
use crate::auth::{
    AuthError, Caller, PublicKeys, RemoteKeys, SigningKeys, access_token, signing, user_token,
};
use crate::domain::client::{Client, HashedSecret};
use crate::domain::definition::DataFormat;
use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, TenantId};
use crate::domain::schema::{HashKey, Schema};
use crate::domain::user::User;
use crate::domain::versioned::{Tag, Versioned};
use crate::fetch::Fetcher;
use crate::script::Scripts;
use crate::store::{Key, Table};
use crate::world::{Timestamp, World};

/// How long read configuration is trusted, in seconds.
pub const CACHE_SECONDS: i64 = 30;
/// How long a function may still write by definitions that were changed, in seconds: the life of
/// its cache and of a request.
pub const SETTLED_SECONDS: i64 = CACHE_SECONDS + 30;
/// How long a token waits for the note that its client's secret was used.
const NOTE_PATIENCE: Duration = Duration::from_millis(500);
/// The most clients and tenants that one function remembers.
const MAX_REMEMBERED: usize = 1000;

/// The state of one function.
#[derive(Clone)]
pub struct App(Arc<State>);

struct State {
    table: Table,
    base_url: Option<String>,
    public_keys: PublicKeys,
    signing_keys: SigningKeys,
    remote_keys: RemoteKeys,
    cursor_key: OnceCell<[u8; 32]>,
    hash_key: OnceCell<Vec<u8>>,
    scripts: Scripts,
    schemas: Remembered<TenantId, Schema>,
    clients: Remembered<ClientId, Versioned<Client>>,
    callers: Remembered<Digest, Verified>,
    issuers: Remembered<Digest, Trusting>,
}

/// A token that was verified.
enum Verified {
    /// A machine client's.
    Client(access_token::Verified),
    /// A person's, with the tag of the authentication server by which it was verified.
    Person(user_token::Verified, Tag),
}

impl Verified {
    fn caller(&self, now: Timestamp, base_url: &str) -> Result<Caller, AuthError> {
        match self {
            Self::Client(token) => token.caller(now, base_url),
            Self::Person(token, _) => token.caller(now),
        }
    }
}

/// The tenants that trust an issuer, each with the claim that names it.
type Trusting = Vec<(TenantId, String)>;

/// The hash of a token and of what it was verified against.
type Digest = [u8; 32];

fn digest<const N: usize>(parts: [&str; N]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(b"\n");
    }
    hash.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

/// What was read, and when.
struct Remembered<K, V>(Mutex<HashMap<K, (Timestamp, Arc<V>)>>);

impl<K: std::hash::Hash + Eq + Clone, V> Remembered<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, key: &K) -> Option<(Timestamp, Arc<V>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn put(&self, key: &K, value: Arc<V>, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_REMEMBERED && !entries.contains_key(key) {
            entries.retain(|_, (read_at, _)| is_young(*read_at, now));
        }
        if entries.len() < MAX_REMEMBERED || entries.contains_key(key) {
            entries.insert(key.clone(), (now, value));
        }
    }
}

impl Remembered<ClientId, Versioned<Client>> {
    /// Puts a version in the place of one that is remembered and not newer; that does not make it
    /// younger.
    fn amend(&self, client: &Arc<Versioned<Client>>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, remembered)) = entries.get_mut(&client.value.client_id)
            && remembered.version() <= client.version()
        {
            *remembered = client.clone();
        }
    }
}

fn verified(schema: &Schema) -> Arc<Schema> {
    Arc::new(Schema { verified: true, ..schema.clone() })
}

fn is_young(read_at: Timestamp, now: Timestamp) -> bool {
    (0..CACHE_SECONDS * 1000).contains(&(now.millis() - read_at.millis()))
}

impl App {
    /// Makes the state of a function. `base_url` has no trailing slash; without it each request's
    /// own domain is the base.
    #[must_use]
    pub fn new(table: Table, base_url: Option<String>, scripts: Scripts) -> Self {
        Self::with_fetcher(table, base_url, scripts, Fetcher::default())
    }

    /// Makes the state of a function that fetches what others publish in its own way.
    #[must_use]
    pub fn with_fetcher(
        table: Table,
        base_url: Option<String>,
        scripts: Scripts,
        fetcher: Fetcher,
    ) -> Self {
        Self(Arc::new(State {
            public_keys: PublicKeys::new(table.clone()),
            signing_keys: SigningKeys::new(table.clone()),
            remote_keys: RemoteKeys::new(fetcher, table.world().clock.clone()),
            cursor_key: OnceCell::new(),
            hash_key: OnceCell::new(),
            scripts,
            schemas: Remembered::new(),
            clients: Remembered::new(),
            callers: Remembered::new(),
            issuers: Remembered::new(),
            base_url,
            table,
        }))
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// The clock and the randomness.
    #[must_use]
    pub fn world(&self) -> &World {
        self.0.table.world()
    }

    /// The base URL that was set, if one was.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_deref()
    }

    /// The published signing keys.
    #[must_use]
    pub fn public_keys(&self) -> &PublicKeys {
        &self.0.public_keys
    }

    /// The private signing keys; only the token function has the right to read them.
    #[must_use]
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.0.signing_keys
    }

    /// The keys that others publish.
    #[must_use]
    pub fn remote_keys(&self) -> &RemoteKeys {
        &self.0.remote_keys
    }

    /// What runs the scripts of workflows.
    #[must_use]
    pub fn scripts(&self) -> &Scripts {
        &self.0.scripts
    }

    /// The key under which cursors are sealed.
    pub async fn cursor_key(&self) -> Result<&[u8; 32]> {
        let read = async || {
            let secret = signing::read_secret(self.table(), &Key::cursor_key()).await?;
            secret.try_into().map_err(|_| Error::unexpected("the cursor key has 32 bytes"))
        };
        self.0.cursor_key.get_or_try_init(read).await
    }

    /// A tenant's configuration, at most 30 seconds old; after that its epoch says whether it is
    /// still true.
    pub async fn schema(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        let now = self.world().clock.now();
        match self.0.schemas.get(tenant) {
            Some((read_at, schema)) if is_young(read_at, now) => Ok(schema),
            Some((_, schema)) => Ok(self.newer_schema(&schema).await?.unwrap_or(schema)),
            None => self.load_schema(tenant).await,
        }
    }

    /// A tenant's configuration as it is now, at the cost of one read when it has not changed.
    pub async fn schema_now(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        match self.0.schemas.get(tenant) {
            Some((_, schema)) => Ok(self.newer_schema(&schema).await?.unwrap_or(schema)),
            None => self.load_schema(tenant).await,
        }
    }

    /// Forgets a tenant's configuration, which was changed from here.
    pub fn forget_schema(&self, tenant: &TenantId) {
        self.0.schemas.forget(tenant);
    }

    /// A tenant's configuration if it changed since `known` was read.
    async fn newer_schema(&self, known: &Arc<Schema>) -> Result<Option<Arc<Schema>>> {
        let now = self.world().clock.now();
        if self.table().epoch(&known.tenant).await? == known.epoch {
            self.0.schemas.put(&known.tenant, known.clone(), now);
            return Ok(None);
        }
        self.load_schema(&known.tenant).await.map(Some)
    }

    async fn load_schema(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        let now = self.world().clock.now();
        // The epoch is read before the definitions: what is remembered is never newer than its
        // epoch says.
        let epoch = self.table().epoch(tenant).await?;
        let mut schema = Schema { epoch, ..self.table().schema(tenant).await? };
        if schema.custom_attributes().any(|a| a.data_format == DataFormat::SearchableHash) {
            let read = async || signing::read_secret(self.table(), &Key::hash_key()).await;
            let secret = self.0.hash_key.get_or_try_init(read).await?;
            schema.hash_key = Some(HashKey::derive(secret, tenant));
        }
        let schema = Arc::new(schema);
        self.0.schemas.put(tenant, schema.clone(), now);
        Ok(schema)
    }

    /// Lets `work` decide by a tenant's configuration. What a remembered configuration refuses is
    /// decided once more if the configuration has changed: nobody is refused by definitions
    /// that are no longer true.
    pub async fn decide<T, W: Future<Output = Result<T>>>(
        &self,
        tenant: &TenantId,
        mut work: impl FnMut(Arc<Schema>) -> W,
    ) -> Result<T> {
        let schema = self.schema(tenant).await?;
        match work(schema.clone()).await {
            Err(refusal @ (Error::Invalid(_) | Error::UnsupportedFilter(_) | Error::Outdated)) => {
                match self.newer_schema(&schema).await? {
                    Some(newer) => work(verified(&newer)).await,
                    // The marks of use, which move no epoch, may be what is not known here.
                    None if matches!(refusal, Error::Outdated) => {
                        work(verified(&*self.load_schema(tenant).await?)).await
                    }
                    None => Err(refusal),
                }
            }
            decided => decided,
        }
    }

    /// A configuration that knows every definition that these users hold values of.
    pub async fn schema_of<'u>(
        &self,
        tenant: &TenantId,
        users: impl IntoIterator<Item = &'u User>,
    ) -> Result<Arc<Schema>> {
        let schema = self.schema(tenant).await?;
        if users.into_iter().all(|user| schema.covers(user)) {
            return Ok(schema);
        }
        Ok(self.newer_schema(&schema).await?.unwrap_or(schema))
    }

    /// The caller that a token stands for: an access token of this service or, where `people` may
    /// call too, a token of an issuer that a tenant trusts. A signature is verified once in 30
    /// seconds; whether the token has expired, and whether its issuer is still trusted as it
    /// was, is looked at each time.
    pub async fn caller(
        &self,
        unverified_token: &str,
        base_url: &str,
        people: bool,
    ) -> Result<Caller, AuthError> {
        let now = self.world().clock.now();
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
    ) -> Result<Verified, AuthError> {
        let foreign = if people { Unverified::open(unverified_token).ok() } else { None };
        let foreign = foreign.filter(|token| token.issuer() != access_token::issuer(base_url));
        let Some(unverified) = foreign else {
            let token =
                access_token::Verified::verify(unverified_token, self.public_keys(), base_url)
                    .await?;
            return Ok(Verified::Client(token));
        };
        let tenant = self.tenant_of(&unverified).await?;
        let mut schema = self.schema(&tenant).await?;
        if schema.issuer(unverified.issuer()).is_none() {
            // What is remembered may be older than the trust.
            schema = self.schema_now(&tenant).await?;
        }
        let server = schema.issuer(unverified.issuer());
        let server = server.ok_or(AuthError::BadToken(user_token::UNKNOWN))?;
        let tag = schema.servers.get(server.id.as_str()).map(|entry| entry.stored.tag().clone());
        let now = self.world().clock.now();
        let token = unverified.verify(tenant, server, self.remote_keys(), base_url, now).await?;
        Ok(Verified::Person(token, tag.unwrap_or_default()))
    }

    /// Whether the authentication server by which a person's token was verified is still as it was
    /// then: what is remembered of a token does not outlive what is remembered of its issuer.
    async fn still_trusts(&self, verified: &Verified) -> Result<bool> {
        let Verified::Person(token, tag) = verified else { return Ok(true) };
        let schema = self.schema(token.tenant()).await?;
        Ok(schema
            .servers
            .get(token.server().as_str())
            .is_some_and(|entry| entry.stored.tag() == tag))
    }

    /// The tenant that a token names, of those that trust its issuer; which ones do is at most 30
    /// seconds old, and no reason to refuse a tenant. That nobody trusts an issuer is not
    /// remembered: strangers name what they like.
    async fn tenant_of(&self, token: &Unverified<'_>) -> Result<TenantId, AuthError> {
        let (now, digest) = (self.world().clock.now(), digest([token.issuer()]));
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

    /// A client that fits, with what was found to fit. One that is remembered and fits costs
    /// nothing; in every other case it is read once, so that what is remembered cannot hide a
    /// secret made since, and an unknown client costs what a wrong secret does (rule O2).
    pub async fn client<T>(
        &self,
        id: &ClientId,
        mut fits: impl FnMut(&Client) -> Option<T>,
    ) -> Result<Option<(Arc<Versioned<Client>>, T)>> {
        let now = self.world().clock.now();
        if let Some((read_at, client)) = self.0.clients.get(id)
            && is_young(read_at, now)
            && let Some(found) = fits(&client.value)
        {
            return Ok(Some((client, found)));
        }
        let client = self.table().find_client(id).await?.map(Arc::new);
        if let Some(client) = &client {
            self.0.clients.put(id, client.clone(), now);
        }
        Ok(client.and_then(|client| fits(&client.value).map(|found| (client, found))))
    }

    /// Forgets a client, which was changed from here. Other processes learn of the change within
    /// [`CACHE_SECONDS`].
    pub fn forget_client(&self, id: &ClientId) {
        self.0.clients.forget(id);
    }

    /// Notes the day on which a client's secret is used, once a day for each secret and at the cost
    /// of one write. It is best effort: a fault or another writer is no concern of whoever
    /// authenticates, and is waited for [`NOTE_PATIENCE`] at the most.
    pub async fn note_use(&self, client: &Arc<Versioned<Client>>, presented: &HashedSecret) {
        let now = self.world().clock.now();
        let Some(used) = client.value.used_on_day_of(now, presented) else { return };
        let next = Arc::new(client.changed_to(used));
        // Known here before it is stored: of many requests one writes, and where the table fails
        // the next ones do not try, until the client is read anew.
        self.0.clients.amend(&next);
        let write = self.table().replace_client(client, &next);
        match tokio::time::timeout(NOTE_PATIENCE, write).await {
            Ok(Ok(Some(stored))) => self.0.clients.amend(&Arc::new(stored)),
            Ok(Ok(None)) => self.forget_client(&next.value.client_id),
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
