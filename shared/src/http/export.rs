//! Exports: reads of so many profiles at once that the tenant's ledger tells of them (rule AU-20).

use serde_json::{Value, json};

use super::call::Call;
use crate::domain::audit::{LedgerChain, Operation};
use crate::domain::error::Result;
use crate::store::audit::Record;

/// From how many profiles on the pages of a list are an export.
pub const EXPORT: u64 = 1000;

impl Call {
    /// Tells of an export when the pages of a list pass [`EXPORT`] profiles: `before` this page, and
    /// with it. `filter` names the fields and operators by which they were chosen, and no values.
    pub async fn record_pages(
        &self,
        before: u64,
        after: u64,
        filter: impl FnOnce() -> Vec<String>,
    ) -> Result<()> {
        if before >= EXPORT || after < EXPORT {
            return Ok(());
        }
        self.record_export(json!({ "filter": filter() }), after).await
    }

    /// Tells of an export of at least `count` records.
    pub async fn record_export(&self, mut facts: Value, count: u64) -> Result<()> {
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("count".to_owned(), json!(count));
        }
        let (tenant, table) = (&self.caller.tenant, self.app.table());
        let settings = self.app.schema(tenant).await?.audit();
        let record = Record {
            operation: Operation::Export,
            target: Some(self.route.name.to_owned()),
            changes: Vec::new(),
            facts: Some(facts),
        };
        let chain = LedgerChain::of_read(self.request_id.as_bytes());
        table.record(&self.author().await?, &settings, chain, record).await
    }
}
