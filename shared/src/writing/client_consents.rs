//! What people grant to clients (rule G15).
//!
//! A grant is a child of the user: profile and credentials stay as they are, and the audit tells of
//! the grant in the chain of the user (rule G65).

use super::account::AccountWriter;
use super::pipeline::{CommitAttempt, ProfileWriter};
use super::policy::Policy;
use crate::domain::audit::{Change, Operation, diff_client_consent, diff_client_tokens};
use crate::domain::error::Result;
use crate::domain::hashing::Hashes;
use crate::domain::id::{ClientId, UserId};
use crate::domain::people::{ClientConsent, FamilyName};
use crate::domain::versioned::Versioned;
use crate::store::people::{FAMILIES_ENDED, delete_client_consent, end_family, put_client_consent};
use crate::store::user_writes::{CompanionWrites, UserWrite};
use crate::store::users::{StoredUser, check_exists};
use crate::store::{Retry, Write};

/// The writes of a grant, and what the audit tells of them.
type GrantWrites = (Vec<Write>, Vec<Change>);

impl AccountWriter<'_> {
    /// Adds scopes to what a person granted to a client; `false` if each was granted before. The
    /// person was read for this request.
    pub async fn grant_to_client(
        &self,
        user: &StoredUser,
        granted: &ClientConsent,
    ) -> Result<bool> {
        let (tenant, id, client) = (&self.author.tenant, user.value.id, &granted.client);
        let scopes: Vec<_> = granted.scopes.iter().map(String::as_str).collect();
        let grant = |stored: Option<&Versioned<ClientConsent>>, _: &[String]| {
            let before = stored.map(|stored| &stored.value);
            let next = ClientConsent::extended(before, client.clone(), &scopes, granted.at);
            let changes = diff_client_consent(client, before, Some(&next));
            let put = put_client_consent(tenant, id, stored, next);
            (vec![put, check_exists(tenant, id)], changes)
        };
        let operation = Operation::UserClientConsentGrant;
        self.change_client_consent(user, client, operation, grant).await
    }

    /// Takes back what a person granted to a client, and ends the refresh tokens that the client
    /// has of the person; `false` if it had neither. The person was read for this request.
    pub async fn withdraw_from_client(&self, user: &StoredUser, client: &ClientId) -> Result<bool> {
        let (tenant, id) = (&self.author.tenant, user.value.id);
        let withdraw = |stored: Option<&Versioned<ClientConsent>>, families: &[String]| {
            let delete = stored.map(|stored| delete_client_consent(tenant, id, stored));
            let ends = families.iter().flat_map(|family| end_family(tenant, id, family));
            let writes: Vec<_> = delete.into_iter().chain(ends).collect();
            let changes = diff_client_consent(client, stored.map(|stored| &stored.value), None);
            if changes.is_empty() && !families.is_empty() {
                // A client of the first party has refresh tokens without a consent.
                return (writes, diff_client_tokens(client));
            }
            (writes, changes)
        };
        let operation = Operation::UserClientConsentWithdraw;
        let withdrawn = self.change_client_consent(user, client, operation, withdraw).await?;
        if withdrawn {
            // Those that did not fit, and those that began meanwhile.
            let held = |name: &FamilyName| name.client == *client;
            self.app.table().delete_families(tenant, id, held).await?;
        }
        Ok(withdrawn)
    }

    /// Commits the writes that `change` makes of what is stored, with what the audit tells of them;
    /// `false` if it tells nothing, since nothing changes. A withdrawal sees the names of families
    /// of refresh tokens that the client has of the person, as many as one transaction ends.
    async fn change_client_consent(
        &self,
        user: &StoredUser,
        client: &ClientId,
        operation: Operation,
        change: impl Fn(Option<&Versioned<ClientConsent>>, &[String]) -> GrantWrites + Send + Sync,
    ) -> Result<bool> {
        let (table, tenant, id) = (self.app.table(), &self.author.tenant, user.value.id);
        let author = self.author.clone().doing(operation);
        let (hashes, policy) = (Hashes::default(), Policy::sign_in(self.write_id));
        let writer = ProfileWriter::new(self.app, &author, self.schema, &hashes, policy);
        let (mut retry, mut current) = (Retry::of(table), user.clone());
        loop {
            let stored = table.find_client_consent(tenant, id, client).await?;
            let families = match operation {
                Operation::UserClientConsentWithdraw => self.families_of(id, client).await?,
                _ => Vec::new(),
            };
            let (writes, changes) = change(stored.as_ref(), &families);
            if changes.is_empty() {
                return Ok(stored.is_some_and(|stored| stored.log_contains(self.write_id)));
            }
            let companions = CompanionWrites { writes, changes, ..CompanionWrites::default() };
            let write = UserWrite::Keep(Box::new(current));
            match Box::pin(writer.commit(write, |_| Ok(companions))).await? {
                CommitAttempt::Written(_) => return Ok(true),
                CommitAttempt::Contended | CommitAttempt::Refused(_) => retry.again().await?,
            }
            current = table.get_user(tenant, id).await?;
            if self.has_written(&current) {
                return Ok(true);
            }
        }
    }

    /// The families of refresh tokens that a client has of a person, as many as one transaction
    /// ends.
    async fn families_of(&self, user: UserId, client: &ClientId) -> Result<Vec<String>> {
        let names = self.app.table().family_names(&self.author.tenant, user).await?;
        let held = names.into_iter().filter(|(_, name)| name.client == *client);
        Ok(held.map(|(family, _)| family).take(FAMILIES_ENDED).collect())
    }
}
