//! The configurations of tenants, as a function remembers them.

use std::sync::Arc;

use super::App;
use super::cache::is_young;
use crate::auth::signing;
use crate::domain::definition::DataFormat;
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::schema::{HashKey, Schema};
use crate::domain::user::User;
use crate::store::Key;

fn verified(schema: &Schema) -> Arc<Schema> {
    Arc::new(Schema { verified: true, ..schema.clone() })
}

impl App {
    /// A tenant's configuration, at most 30 seconds old; after that its epoch says whether it is
    /// still true.
    pub async fn schema(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        let now = self.env().clock.now();
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
        let now = self.env().clock.now();
        if self.table().epoch(&known.tenant).await? == known.epoch {
            self.0.schemas.put(&known.tenant, known.clone(), now);
            return Ok(None);
        }
        self.load_schema(&known.tenant).await.map(Some)
    }

    async fn load_schema(&self, tenant: &TenantId) -> Result<Arc<Schema>> {
        let now = self.env().clock.now();
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

    /// Lets `work` decide by a tenant's configuration. If a cached configuration refuses the
    /// request and has changed since, `work` decides again with the current one. So no outdated
    /// definition refuses a request.
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
}
