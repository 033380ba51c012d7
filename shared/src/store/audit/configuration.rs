//! What the ledger tells of a definition or a client that changes (rule AU-16).

use serde::Deserialize as _;

use super::ledger::Record;
use crate::domain::audit::{AuditSettings, AuditTimes, LedgerChain, Level, Operation, digest_of};
use crate::domain::author::Author;
use crate::domain::client::Client;
use crate::domain::definition::{Definition, DefinitionKind};
use crate::domain::error::{Error, Result};
use crate::domain::json::Json;
use crate::domain::schema::Schema;
use crate::store::table::Table;
use crate::store::write::Write;

impl Table {
    /// The writes of the ledger's entry of a definition that changes.
    pub(in crate::store) async fn definition_entry<T: Definition>(
        &self,
        author: &Author,
        schema: &Schema,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Vec<Write>> {
        let operation = match (before, after) {
            _ if T::KIND == DefinitionKind::Audit => Operation::TenantSettings,
            (None, _) => Operation::ConfigCreate,
            (_, None) => Operation::ConfigDelete,
            (Some(_), Some(_)) => Operation::ConfigChange,
        };
        let mut settings = schema.audit();
        let document = |value: Option<&T>| {
            value.map(serde_json::to_value).transpose().map_err(Error::unexpected)
        };
        let (mut old, mut new) = (document(before)?, document(after)?);
        if T::KIND == DefinitionKind::Workflow {
            old.iter_mut().chain(&mut new).for_each(shorten_script);
        }
        // What ends the audit, or begins it, is told too (rule AU-16).
        if let Some(changed) = new.as_ref().filter(|_| T::KIND == DefinitionKind::Audit)
            && settings.level == Level::Off
        {
            settings = AuditSettings::deserialize(changed).map_err(Error::unexpected)?;
        }
        let key = after.or(before).map(Definition::key).unwrap_or_default();
        let name = T::PATH.rsplit('/').next().unwrap_or_default();
        let target = T::ONLY.map_or_else(|| format!("{name}/{key}"), |_| name.to_owned());
        let mut record = Record::of_documents(operation, target, old.as_ref(), new.as_ref());
        let mut chain = LedgerChain::Configuration;
        if T::KIND == DefinitionKind::Audit {
            chain = LedgerChain::Settings;
            let after = new.map(AuditSettings::deserialize).transpose();
            record.facts = after.map_err(Error::unexpected)?.as_ref().map(AuditTimes::facts);
        }
        self.append(author, &settings, chain, record).await
    }

    /// The writes of the ledger's entry of a client that changes.
    pub(in crate::store) async fn client_entry(
        &self,
        author: &Author,
        before: Option<&Client>,
        after: Option<&Client>,
    ) -> Result<Vec<Write>> {
        let Some(id) = after.or(before).map(|client| &client.client_id) else {
            return Ok(Vec::new());
        };
        let operation = match (before, after) {
            (None, _) => Operation::ClientCreate,
            (_, None) => Operation::ClientDelete,
            _ if author.operation == Operation::ClientSecret => Operation::ClientSecret,
            _ => Operation::ClientChange,
        };
        let document = |client: Option<&Client>| {
            let shown = client.map(|client| Json::Object(client.show()).to_text());
            shown.and_then(|text| serde_json::from_str(&text).ok())
        };
        let (old, new) = (document(before), document(after));
        let target = format!("clients/{id}");
        let mut record = Record::of_documents(operation, target, old.as_ref(), new.as_ref());
        for change in record.changes.iter_mut().filter(|change| change.pointer == "/secrets") {
            change.hide();
        }
        let settings = self.audit_settings(&author.tenant).await?;
        self.append(author, &settings, LedgerChain::of_client(id), record).await
    }
}

/// Puts the hash and the length of a workflow's script in its place: scripts are long, and readers
/// of the audit need no rights to them (rule AU-16).
fn shorten_script(document: &mut serde_json::Value) {
    if let Some(script) = document.get_mut("script") {
        *script = digest_of(script);
    }
}
