//! Clients in the table.

use super::item::Item;
use super::keys::{self, Key};
use super::retry::Retry;
use super::table::{Range, Table};
use super::write::{CommitError, Condition, Write};
use crate::domain::author::{Author, Reason};
use crate::domain::client::Client;
use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, TenantId};
use crate::domain::versioned::Versioned;

/// The edit of a client.
#[derive(Debug)]
pub enum ClientEdit {
    /// It stays as it is; nothing is written.
    Keep,
    /// It becomes this, less the secrets that have ended.
    Replace(Box<Client>),
    /// It goes. Its tokens live until they expire.
    Delete,
}

impl Table {
    /// Reads a client.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<Versioned<Client>>> {
        self.get(&Key::client(id)).await?.map(|item| item.read()).transpose()
    }

    /// Lists a tenant's clients.
    pub async fn clients(&self, tenant: &TenantId) -> Result<Vec<Client>> {
        let clients = self.clients_after(tenant, None, usize::MAX).await?;
        Ok(clients.into_iter().map(|client| client.value).collect())
    }

    /// Lists a tenant's clients in the order of their ids, those after the id `after`, at most
    /// `limit`.
    pub async fn clients_after(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<Client>>> {
        let partition = keys::partition_of_clients(tenant);
        let mut after = after.map(str::to_owned);
        let mut clients = Vec::new();
        loop {
            let left = i32::try_from(limit.saturating_sub(clients.len())).ok();
            let page = self.query(&partition, Range::All, after.as_deref(), left).await?;
            for item in &page.items {
                clients.push(item.read()?);
            }
            after = page.next;
            if after.is_none() || clients.len() >= limit {
                return Ok(clients);
            }
        }
    }

    /// Stores a new client for the operator.
    pub async fn create_client(&self, client: &Client) -> Result<Versioned<Client>> {
        self.create_client_as(&operator(&client.client_id), client).await
    }

    /// Stores a new client.
    pub async fn create_client_as(
        &self,
        author: &Author,
        client: &Client,
    ) -> Result<Versioned<Client>> {
        let first = Versioned::first(client.clone());
        let item = Item::at(&Key::client(&client.client_id)).versioned(&first);
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let mut writes = vec![Write::Put(item.clone(), Condition::Absent)];
            writes.extend(self.client_entry(author, None, Some(client)).await?);
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(first),
                Err(failed) if failed.at(0) => return Err(failed.into()),
                Err(CommitError::Conditions(_) | CommitError::Contended) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Changes a client: calls `decide` and commits its decision. If another request has changed
    /// the client meanwhile, calls `decide` again. Returns the changed client, or `None` if it was
    /// deleted.
    pub async fn edit_client(
        &self,
        author: &Author,
        id: &ClientId,
        mut decide: impl FnMut(&Versioned<Client>) -> Result<ClientEdit>,
    ) -> Result<Option<Versioned<Client>>> {
        let write_id = self.write_id();
        let mut tried = None;
        let mut retry = Retry::of(self);
        loop {
            let stored = self.find_client(id).await?.ok_or(Error::NotFound)?;
            if stored.log.contains(write_id) {
                return Ok(tried);
            }
            let condition = Condition::Version(stored.version);
            let (next, write) = match decide(&stored)? {
                ClientEdit::Keep => return Ok(Some(stored)),
                ClientEdit::Delete => (None, Write::Delete(Key::client(id), condition)),
                ClientEdit::Replace(mut client) => {
                    client.drop_ended_secrets(self.env.clock.now());
                    let next = stored.changed_to(*client);
                    let item = Item::at(&Key::client(id)).versioned(&next);
                    (Some(next), Write::Put(item, condition))
                }
            };
            let after = next.as_ref().map(|next| &next.value);
            let mut writes = vec![write];
            writes.extend(self.client_entry(author, Some(&stored.value), after).await?);
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(next),
                Err(CommitError::Conditions(_) | CommitError::Contended) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
            tried = next;
        }
    }

    /// Changes a client without a condition on its version, for the operator.
    pub async fn change_client(
        &self,
        id: &ClientId,
        mut edit: impl FnMut(&mut Client),
    ) -> Result<Client> {
        let author = operator(id);
        let changed = self.edit_client(&author, id, |stored| {
            let mut client = stored.value.clone();
            edit(&mut client);
            Ok(ClientEdit::Replace(Box::new(client)))
        });
        Ok(changed.await?.ok_or(Error::NotFound)?.value)
    }

    /// Writes a client unless another request has written it since it was read. Returns the stored
    /// client, even if another request wrote it; `None` if it was deleted.
    pub async fn replace_client(
        &self,
        read: &Versioned<Client>,
        next: &Versioned<Client>,
    ) -> Result<Option<Versioned<Client>>> {
        let item = Item::at(&Key::client(&read.value.client_id)).versioned(next);
        match self.commit(vec![Write::Put(item, Condition::Version(read.version))]).await {
            Ok(()) => Ok(Some(next.clone())),
            Err(CommitError::Conditions(failed)) => {
                let found = failed.into_iter().find_map(|(_, item)| item);
                found.map(|item| item.read()).transpose()
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Deletes a client for the operator. Its tokens live until they expire.
    pub async fn delete_client(&self, id: &ClientId) -> Result<()> {
        self.edit_client(&operator(id), id, |_| Ok(ClientEdit::Delete)).await.map(|_| ())
    }
}

/// The operator, who writes clients at the command line.
fn operator(id: &ClientId) -> Author {
    Author::service(id.tenant().clone(), Reason::Operator)
}
