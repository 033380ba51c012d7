//! Tenants in the table.

use serde::{Deserialize, Serialize};

use super::audit::Record;
use super::definitions::{definition_item, move_epoch};
use super::item::Item;
use super::keys::{self, Key};
use super::table::{Range, Table};
use super::write::{CommitError, Condition, Write};
use crate::domain::audit::{AuditSettings, AuditTimes, LedgerChain, Operation};
use crate::domain::author::{Author, Reason};
use crate::domain::definition::{COMMON, Category};
use crate::domain::error::Result;
use crate::domain::id::{DefinitionId, TenantId};
use crate::domain::schema::LookupForms;
use crate::domain::sso::AuthenticationServer;
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The id.
    pub id: TenantId,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Table {
    /// Creates a tenant with the definitions that each has from the start, for the operator.
    /// `false` when there is one of this name.
    pub async fn create_tenant(&self, id: &TenantId) -> Result<bool> {
        let now = self.env.clock.now();
        let tenant = Versioned::first(Tenant { id: id.clone(), created_at: now });
        let settings = AuditSettings::starting(now);
        let common = Category {
            id: DefinitionId::new(self.env.new_uuid()),
            name: COMMON.to_owned(),
            display_name: Some("Common".to_owned()),
        };
        let mut writes = vec![
            Write::Put(Item::at(&Key::tenant(id)).versioned(&tenant), Condition::Absent),
            move_epoch(id, None, LookupForms::default()),
            Write::Put(definition_item(id, &Versioned::first(common)), Condition::Absent),
            Write::Put(
                definition_item(id, &Versioned::first(AuthenticationServer::system()?)),
                Condition::Absent,
            ),
            Write::Put(definition_item(id, &Versioned::first(settings.clone())), Condition::Absent),
        ];
        let author = Author::service(id.clone(), Reason::Operator);
        let record = Record::of_documents(Operation::TenantCreate, id.to_string(), None, None);
        let record = Record { facts: Some(AuditTimes::facts(&settings)), ..record };
        writes.extend(self.append(&author, &settings, LedgerChain::Settings, record).await?);
        match self.commit(writes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Lists the tenants.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let items = self.query_all(keys::TENANTS, Range::All).await?;
        items.iter().map(|item| item.read::<Tenant>().map(|tenant| tenant.value)).collect()
    }
}
