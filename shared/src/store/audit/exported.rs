//! What was exported, compared with what the table has now.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::chain_walk::AuditFault;
use super::export::AuditFaultAt;
use super::kept::Kept;
use crate::domain::audit::{Chain, DigestLink, ExportedHead, LedgerChain};
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::{Key, Walk};
use crate::store::table::Table;

impl Table {
    /// The last digest that was stored; `None` if there is none.
    pub async fn last_digest(&self, tenant: &TenantId) -> Result<Option<DigestLink>> {
        #[derive(Deserialize)]
        struct Stored {
            previous: Option<DigestLink>,
        }
        let stored: Option<Versioned<Kept>> = self.progress(tenant, Walk::Export).await?;
        let Some(stored) = stored else { return Ok(None) };
        let key = self.find_audit_key().await?;
        let known = key.and_then(|key| stored.value.open::<Stored>(key, tenant, Walk::Export));
        known.map(|stored| stored.previous).ok_or_else(|| {
            let place = Key::progress(tenant, Walk::Export);
            let (pk, sk) = (place.pk(), place.sk());
            Error::Conflict(format!(
                "the service has not written the progress of the export (`{pk}` / \
                 `{sk}`): the last digest is not known"
            ))
        })
    }

    /// What the ledger no longer has of these exported entries. One may be gone once its time is
    /// over.
    pub async fn lost_of_ledger(
        &self,
        tenant: &TenantId,
        exported: &[ExportedHead],
    ) -> Result<Vec<AuditFaultAt>> {
        let (now, heads) = (self.env.clock.now(), self.ledger_heads(tenant).await?);
        let named =
            |last: &ExportedHead| Some((last.chain.parse::<LedgerChain>().ok()?, last.sequence));
        let key = |(chain, sequence)| Key::audit_entry(tenant, Chain::Ledger(chain), sequence);
        let keys: BTreeSet<_> = exported.iter().filter_map(named).map(key).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let items = self.get_parts(&keys, &["pk", "sk", "mac"]).await?;
        let mac = |item: &Item| URL_SAFE_NO_PAD.encode(item.get_bytes("mac").unwrap_or_default());
        let found: HashMap<_, _> = items.iter().map(|item| (item.key(), mac(item))).collect();
        let lost = exported.iter().filter_map(|last| {
            let (chain, sequence) = named(last)?;
            let is_behind = heads.get(&chain).is_none_or(|head| head.sequence < sequence);
            let fault = match found.get(&key((chain, sequence))) {
                Some(mac) if *mac != last.mac => AuditFault::EntryChanged,
                None if last.ends.is_none_or(|ends| ends > now) => AuditFault::EntryMissing,
                _ if is_behind => AuditFault::HeadMissing,
                _ => return None,
            };
            Some((Chain::Ledger(chain), sequence, fault))
        });
        Ok(lost.collect())
    }
}
