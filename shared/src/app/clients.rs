//! The clients that authenticate, as a function remembers them.

use std::sync::Arc;
use std::time::Duration;

use super::App;
#[cfg(doc)]
use super::CACHE_SECONDS;
use super::cache::is_young;
use crate::domain::client::{Client, HashedSecret};
use crate::domain::error::Result;
use crate::domain::id::ClientId;
use crate::domain::versioned::Versioned;

/// How long a token waits for the note that its client's secret was used.
const NOTE_PATIENCE: Duration = Duration::from_millis(500);

impl App {
    /// The client and the result of `matches`, if `matches` accepts the client. Tries the cached
    /// client first. On a miss it reads the table once. So a new secret works at once, and an
    /// unknown client costs as much as a wrong secret (rule O2).
    pub async fn client<T>(
        &self,
        id: &ClientId,
        mut fits: impl FnMut(&Client) -> Option<T>,
    ) -> Result<Option<(Arc<Versioned<Client>>, T)>> {
        let now = self.env().clock.now();
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
    /// of one write. It is best effort: a fault or another writer is no concern of the caller who
    /// authenticates, and is waited for `NOTE_PATIENCE` at the most.
    pub async fn record_use(&self, client: &Arc<Versioned<Client>>, presented: &HashedSecret) {
        let now = self.env().clock.now();
        let Some(used) = client.value.used_on_day_of(now, presented) else { return };
        let next = Arc::new(client.changed_to(used));
        // The cache changes before the table. So one of many requests writes. If the table fails,
        // later requests do not try until the client is read again.
        self.amend(&next);
        let write = self.table().replace_client(client, &next);
        match tokio::time::timeout(NOTE_PATIENCE, write).await {
            Ok(Ok(Some(stored))) => self.amend(&Arc::new(stored)),
            Ok(Ok(None)) => self.forget_client(&next.value.client_id),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// Replaces the cached client unless the cached one is newer. This does not extend its time in
    /// the cache.
    fn amend(&self, client: &Arc<Versioned<Client>>) {
        let not_newer = |cached: &Versioned<Client>| cached.version() <= client.version();
        self.0.clients.amend(&client.value.client_id, client, not_newer);
    }
}
