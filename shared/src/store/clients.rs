//! Clients in the table.

use super::commit::{Condition, Failed, Write};
use super::item::Item;
use super::keys::{self, Key};
use super::table::{Range, Table};
use crate::domain::client::Client;
use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, TenantId};
use crate::domain::versioned::Versioned;

const TURNS: u32 = 8;

impl Table {
    /// Reads a client.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<Versioned<Client>>> {
        self.get(&Key::client(id)).await?.map(|item| item.read()).transpose()
    }

    /// Lists a tenant's clients.
    pub async fn clients(&self, tenant: &TenantId) -> Result<Vec<Client>> {
        let items = self.query_all(&keys::partition_of_clients(tenant), Range::All).await?;
        items.iter().map(|item| item.read::<Client>().map(|client| client.value)).collect()
    }

    /// Stores a new client.
    pub async fn create_client(&self, client: &Client) -> Result<()> {
        let item = Item::at(&Key::client(&client.client_id)).versioned(&Versioned::first(client.clone()));
        Ok(self.commit(vec![Write::Put(item, Condition::Absent)]).await?)
    }

    /// Changes a client; decides anew when somebody else changed it meanwhile.
    pub async fn change_client(&self, id: &ClientId, mut edit: impl FnMut(&mut Client)) -> Result<Client> {
        for turn in 1..=TURNS {
            let stored = self.find_client(id).await?.ok_or(Error::NotFound)?;
            let mut client = stored.value.clone();
            edit(&mut client);
            let next = stored.changed_to(client);
            let item = Item::at(&Key::client(id)).versioned(&next);
            match self.commit(vec![Write::Put(item, Condition::Version(stored.version))]).await {
                Ok(()) => return Ok(next.value),
                Err(Failed::Conditions(_) | Failed::Contended) => self.pause(turn).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Deletes a client. Its tokens live until they expire.
    pub async fn delete_client(&self, id: &ClientId) -> Result<()> {
        for turn in 1..=TURNS {
            let stored = self.find_client(id).await?.ok_or(Error::NotFound)?;
            match self.commit(vec![Write::Delete(Key::client(id), Condition::Version(stored.version))]).await {
                Ok(()) => return Ok(()),
                Err(Failed::Conditions(_) | Failed::Contended) => self.pause(turn).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }
}
