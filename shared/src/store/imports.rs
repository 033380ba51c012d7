//! Imports in the table: the job, its rows as long as they wait, and its report.
//!
//! INVARIANT: rows, report and counts change in one transaction under the job's version, so they
//! agree after every fault.

use super::index::SortRange;
use super::item::Item;
use super::keys::{self, IMPORTS, Key};
use super::retry::Retry;
use super::table::Table;
use super::write::{CommitError, Condition, Write};
use crate::domain::error::{Error, Result};
use crate::domain::id::{ImportId, TenantId};
use crate::domain::import::{Import, KEPT_SECONDS, RowReport, RowTask, WAITING_SECONDS};
use crate::domain::versioned::Versioned;
use crate::env::Timestamp;

/// The result of one step of an import: the report of a part, and its rows that wait.
pub struct ImportStep {
    /// The part.
    pub part: usize,
    /// The outcomes of its rows so far.
    pub report: Vec<RowReport>,
    /// The rows that still wait.
    pub waiting: Vec<RowTask>,
}

fn job_item(tenant: &TenantId, job: &Versioned<Import>) -> Item {
    let Import { id, created_at, .. } = job.value;
    let item = Item::at(&Key::import(tenant, id))
        .versioned(job)
        .expiring(created_at.plus_seconds(KEPT_SECONDS));
    if job.value.is_finished() {
        item
    } else {
        item.listed(IMPORTS, format!("{tenant}#{created_at}#{id}"))
    }
}

/// An import that is not finished, as the list of them has it: tenant by tenant, of each tenant the
/// oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingImport {
    /// The tenant.
    pub tenant: TenantId,
    /// The job.
    pub id: ImportId,
    place: String,
}

impl WaitingImport {
    /// When it was sent.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.place.split('#').find_map(Timestamp::parse)
    }

    /// Where the list goes on after it.
    #[must_use]
    pub fn after(&self) -> String {
        format!("{}!", self.place)
    }

    /// Where the list goes on after all jobs of its tenant. If the place of a job does not name the
    /// tenant, only this job is passed.
    #[must_use]
    pub fn after_tenant(&self) -> String {
        let tenant = format!("{}#", self.tenant);
        if self.place.starts_with(&tenant) { format!("{}$", self.tenant) } else { self.after() }
    }
}

fn list_item<T: serde::Serialize>(key: &Key, list: &[T], until: Timestamp) -> Result<Item> {
    let text = serde_json::to_string(list).map_err(Error::unexpected)?;
    Ok(Item::at(key).text("doc", text).expiring(until))
}

fn read_list<T: serde::de::DeserializeOwned>(item: &Item) -> Result<Vec<T>> {
    // The parser's own message may quote a value.
    serde_json::from_str(item.get_text("doc").unwrap_or_default())
        .map_err(|_| Error::unexpected("cannot read a stored item of an import"))
}

/// How often a step of an import is tried. A request with a file has to answer in time, and the
/// sweeper continues with the rest.
const ATTEMPTS: u32 = 6;

/// How long the parts of an import are tried to be stored, in seconds after it came: a gateway
/// waits 30 seconds for the answer.
const STORING_SECONDS: i64 = 15;
/// How often one part is tried if the table throttles it.
const THROTTLED_ATTEMPTS: u32 = 60;
/// How often one part is tried if the table does not answer.
const UNANSWERED_ATTEMPTS: u32 = 3;

impl Table {
    /// Stores the rows of a part before the import itself exists; no request finds them until then.
    /// All parts have one partition key, for which DynamoDB accepts 1000 units a second. A part
    /// that it does not accept now is tried again.
    pub async fn put_import_rows(
        &self,
        tenant: &TenantId,
        job: &Import,
        part: usize,
        tasks: &[RowTask],
    ) -> Result<()> {
        let until = job.created_at.plus_seconds(WAITING_SECONDS);
        let item = list_item(&Key::import_rows(tenant, job.id, part), tasks, until)?;
        let give_up = job.created_at.plus_seconds(STORING_SECONDS);
        for attempt in 1.. {
            let write = Write::Put(item.clone(), Condition::Guarded);
            let Err(failed) = self.commit(vec![write]).await else { break };
            self.wait_to_store(attempt, give_up, failed).await?;
        }
        Ok(())
    }

    /// Waits for the next attempt to store items of a new import. Fails with the last error if no
    /// attempt is left.
    async fn wait_to_store(
        &self,
        attempt: u32,
        give_up: Timestamp,
        failed: CommitError,
    ) -> Result<()> {
        let attempts = match failed {
            CommitError::Throttled(_) => THROTTLED_ATTEMPTS,
            CommitError::Unavailable(_) => UNANSWERED_ATTEMPTS,
            CommitError::Contended => ATTEMPTS,
            CommitError::Conditions(_) | CommitError::Broken(_) => return Err(failed.into()),
        };
        if attempt >= attempts || self.env.clock.now() >= give_up {
            return Err(failed.into());
        }
        self.pause(attempt).await;
        Ok(())
    }

    /// Stores an import whose rows are stored, and `record` in the same transaction. The rows may
    /// have used up the write units of the partition, which the import shares.
    pub async fn create_import(
        &self,
        tenant: &TenantId,
        job: &Versioned<Import>,
        record: Option<Write>,
    ) -> Result<()> {
        let mut writes = vec![Write::Put(job_item(tenant, job), Condition::Absent)];
        writes.extend(record);
        let write_id = self.write_id();
        let give_up = job.value.created_at.plus_seconds(STORING_SECONDS);
        for attempt in 1.. {
            match self.commit_as(write_id, writes.clone()).await {
                Ok(()) => break,
                Err(failed) if failed.at(1) => return Err(Error::AlreadyRecorded),
                Err(failed @ CommitError::Unavailable(_)) => return Err(failed.into()),
                Err(failed) => self.wait_to_store(attempt, give_up, failed).await?,
            }
        }
        Ok(())
    }

    /// Reads an import.
    pub async fn find_import(
        &self,
        tenant: &TenantId,
        id: ImportId,
    ) -> Result<Option<Versioned<Import>>> {
        self.get(&Key::import(tenant, id)).await?.map(|item| item.read()).transpose()
    }

    /// The rows of a part that wait; `None` if they were deleted.
    pub async fn import_rows(
        &self,
        tenant: &TenantId,
        id: ImportId,
        part: usize,
    ) -> Result<Option<Vec<RowTask>>> {
        self.get(&Key::import_rows(tenant, id, part))
            .await?
            .map(|item| read_list(&item))
            .transpose()
    }

    /// The outcomes of the rows of a part so far, in their order.
    pub async fn import_report(
        &self,
        tenant: &TenantId,
        id: ImportId,
        part: usize,
    ) -> Result<Vec<RowReport>> {
        let item = self.get(&Key::import_report(tenant, id, part)).await?;
        item.map_or_else(|| Ok(Vec::new()), |item| read_list(&item))
    }

    /// Writes the import as `next`, and a part as `step` says. `false` if another worker wrote the
    /// import since it was read.
    pub async fn step_import(
        &self,
        tenant: &TenantId,
        before: &Versioned<Import>,
        next: &Versioned<Import>,
        step: Option<&ImportStep>,
    ) -> Result<bool> {
        let Import { id, created_at, .. } = next.value;
        let mut writes =
            vec![Write::Put(job_item(tenant, next), Condition::Version(before.version()))];
        if let Some(ImportStep { part, report, waiting }) = step {
            let key = Key::import_report(tenant, id, *part);
            let report = list_item(&key, report, created_at.plus_seconds(KEPT_SECONDS))?;
            writes.push(Write::Put(report, Condition::Guarded));
            let key = Key::import_rows(tenant, id, *part);
            writes.push(if waiting.is_empty() {
                Write::Delete(key, Condition::Guarded)
            } else {
                Write::Put(
                    list_item(&key, waiting, created_at.plus_seconds(WAITING_SECONDS))?,
                    Condition::Guarded,
                )
            });
        }
        let write_id = self.write_id();
        let mut retry = Retry::of(self).at_most(ATTEMPTS);
        loop {
            match self.commit_as(write_id, writes.clone()).await {
                Ok(()) => return Ok(true),
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed) if failed.at(0) => return Ok(false),
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// The first import from this place of the list on that is not finished; the list begins at "".
    pub async fn waiting_import(&self, from: &str) -> Result<Option<WaitingImport>> {
        let mut from = from.to_owned();
        loop {
            // A bound is never empty.
            let sorts = if from.is_empty() { SortRange::All } else { SortRange::From(&from) };
            let page = self.query_index(IMPORTS, sorts, None, Some(1)).await?;
            let Some((key, position)) = page.keys.first().zip(page.positions.first()) else {
                return Ok(None);
            };
            let place = position.sort().to_owned();
            if let Some((tenant, id)) = keys::import_of_partition(key.pk()) {
                return Ok(Some(WaitingImport { tenant, id, place }));
            }
            from = format!("{place}!");
        }
    }
}
