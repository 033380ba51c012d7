//! Processes one row: creates or changes its user, as a request for one user would do.

mod consents;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::exchange::ClashingRow;
use super::has_user;
use crate::app::App;
use crate::domain::audit::Operation;
use crate::domain::author::{Author, Reason, Writer};
use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Error, Result, Violation};
use crate::domain::hashing::Hashes;
use crate::domain::id::{TenantId, UserId};
use crate::domain::import::{Import, Mode, RowReport, RowStatus, RowTask, apply};
use crate::domain::json::{Json, Object};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::WriteId;
use crate::domain::{View, WriteContext, text};
use crate::store::user_writes::{PreparedUser, UserWrite};
use crate::store::users::StoredUser;
use crate::writing::{Policy, ProfileWriter, WriteOutcome};

/// How often a row is decided again because its user is created or deleted meanwhile.
const TURNS: u32 = 4;

/// The result of one attempt at a row.
pub(super) enum RowOutcome {
    /// The row has its status.
    Done(RowReport),
    /// The table does not accept it now, or the outcome is unknown.
    Later,
}

/// Processes the rows of a part.
pub(super) struct RowProcessor<'r> {
    app: &'r App,
    tenant: &'r TenantId,
    import: &'r Import,
    /// Whether rows may have been written already.
    doubtful: bool,
    /// The outcomes of rows of this part, for rows that share a value with them.
    results: Mutex<HashMap<u32, (RowStatus, Option<UserId>)>>,
}

impl<'r> RowProcessor<'r> {
    pub(super) fn new(
        app: &'r App,
        tenant: &'r TenantId,
        import: &'r Import,
        doubtful: bool,
    ) -> Self {
        Self { app, tenant, import, doubtful, results: Mutex::default() }
    }

    /// Keeps the outcome of a row.
    pub(super) fn record(&self, row: &RowReport) {
        self.results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(row.row, (row.status, row.id));
    }

    /// Works one row, which was tried so often before.
    pub(super) async fn process(
        &self,
        task: &RowTask,
        document: &Object,
        tries: u32,
    ) -> RowOutcome {
        if tries > 0 {
            self.app.table().pause(tries + 3).await;
        }
        let row = ProcessedRow {
            rows: self,
            task,
            document,
            again: tries > 0 || self.doubtful,
            hashes: Hashes::imported(self.import.hashes),
        };
        let done = |(status, id)| {
            RowOutcome::Done(RowReport { row: task.row, status, id: Some(id), errors: Vec::new() })
        };
        let error = match row.apply().await {
            Ok(applied) => return done(applied),
            Err(Error::Unavailable(_) | Error::Outdated | Error::AlreadyRecorded) => {
                return RowOutcome::Later;
            }
            Err(error) => error,
        };
        let Ok(schema) = self.app.schema(self.tenant).await else { return RowOutcome::Later };
        let errors = apply::row_violations(error, &schema).unwrap_or_else(|error| {
            tracing::error!(operation = "import", tenant = %self.tenant, row = task.row, cause = %error);
            let detail = "the service failed at this row; the error is logged";
            vec![Violation { pointer: String::new(), code: Code::Unexpected, detail: detail.to_owned() }]
        });
        RowOutcome::Done(RowReport::error(task.row, errors))
    }
}

impl RowProcessor<'_> {
    /// The username of a row's user, in its comparable form.
    pub(super) async fn username_of(&self, document: &Object) -> Result<Option<String>> {
        let task = RowTask::default();
        let row = self.row(&task, document);
        let Some(id) = row.find().await? else { return Ok(None) };
        let user = self.app.table().find_user(self.tenant, id).await?;
        Ok(user.and_then(|user| text::username(&user.value.username)))
    }

    fn row<'p>(&'p self, task: &'p RowTask, document: &'p Object) -> ProcessedRow<'p> {
        let hashes = Hashes::imported(self.import.hashes);
        ProcessedRow { rows: self, task, document, again: false, hashes }
    }

    /// Writes two rows at once, whose users exchange a unique value; `None` if that is not what
    /// stands in their way.
    pub(super) async fn exchange(
        &self,
        one: &ClashingRow,
        other: &ClashingRow,
    ) -> Result<Option<[RowReport; 2]>> {
        let rows = [self.row(&one.0, &one.1), self.row(&other.0, &other.1)];
        let rows = &rows;
        let done = self
            .app
            .decide(self.tenant, move |schema| async move {
                let (author, second) = (rows[0].author(), rows[1].author());
                let mut prepared = Vec::new();
                for row in rows {
                    match row.prepare(&schema).await? {
                        Some(user) => prepared.push(user),
                        None => return Ok(None),
                    }
                }
                let Ok([one, other]) = <[_; 2]>::try_from(prepared) else { return Ok(None) };
                let ids = [one.user().value.id, other.user().value.id];
                if ids[0] == ids[1] {
                    return Ok(None);
                }
                let writer =
                    rows[0].writer(&author, &schema, self.import.change_of(rows[0].task.row));
                let written = writer.commit_exchange([one, other], &second).await?;
                Ok(written.then_some(ids))
            })
            .await;
        if let Ok(Some(ids)) = &done {
            for (row, id) in rows.iter().zip(ids) {
                row.record_consents(*id).await?;
            }
        }
        match done {
            Ok(ids) => Ok(ids.map(|[first, second]| {
                [(one, first), (other, second)].map(|((task, _), id)| RowReport {
                    row: task.row,
                    status: RowStatus::Updated,
                    id: Some(id),
                    errors: Vec::new(),
                })
            })),
            // The report of each row has its other errors already.
            Err(Error::Invalid(_) | Error::NotUnique(_) | Error::NotFound | Error::Outdated) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// A row that is being processed.
struct ProcessedRow<'r> {
    rows: &'r RowProcessor<'r>,
    task: &'r RowTask,
    document: &'r Object,
    /// Whether it may have been written already.
    again: bool,
    hashes: Hashes,
}

impl ProcessedRow<'_> {
    /// Makes or changes the user, and records what the person decided about consents: what became
    /// of the row, and who it is.
    async fn apply(&self) -> Result<(RowStatus, UserId)> {
        let (status, user) = self.apply_to_user().await?;
        let recorded = self.record_consents(user).await?;
        let changed = recorded && status == RowStatus::Unchanged;
        Ok((if changed { RowStatus::Updated } else { status }, user))
    }

    async fn apply_to_user(&self) -> Result<(RowStatus, UserId)> {
        let import = self.rows.import;
        let made = self.new_user_id();
        let (app, tenant) = (self.rows.app, self.rows.tenant);
        if self.again
            && !import.dry_run
            && app.table().was_written(tenant, made, self.creation()).await?
        {
            return Ok((RowStatus::Created, made));
        }
        if import.mode == Mode::Create {
            return self.create().await;
        }
        for _ in 0..TURNS {
            if let Some(user) = self.find().await? {
                match self.change(user).await {
                    // Forgotten meanwhile.
                    Err(Error::NotFound) => {}
                    changed => return changed,
                }
            }
            match self.create().await {
                // Another request created the user at this moment, or another value is taken.
                Err(Error::NotUnique(taken)) if self.find().await?.is_none() => {
                    return Err(Error::NotUnique(taken));
                }
                Err(Error::NotUnique(_)) => {}
                created => return created,
            }
        }
        Err(Error::Unavailable("a user that comes and goes".to_owned()))
    }

    /// The id of the user that the row makes.
    fn new_user_id(&self) -> UserId {
        let given = self.document.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
        given.unwrap_or_else(|| self.rows.import.user_of(self.task.row))
    }

    fn creation(&self) -> WriteId {
        self.rows.import.creation_of(self.task.row)
    }

    /// The user that the row names: by `id` if the row has one, else by `id_at_customer`, else by
    /// `username`.
    async fn find(&self) -> Result<Option<UserId>> {
        let (table, tenant) = (self.rows.app.table(), self.rows.tenant);
        let value = |name: &str| self.document.get(name).filter(|value| **value != Json::Null);
        if value("id").is_some() {
            return Ok(table
                .find_user(tenant, self.new_user_id())
                .await?
                .map(|_| self.new_user_id()));
        }
        let customer = value(Predefined::IdAtCustomer.name()).and_then(Json::as_str);
        let username =
            value(Predefined::Username.name()).and_then(Json::as_str).and_then(text::username);
        let lookups = match (customer, username) {
            (Some(id), _) => lookup::of_id_at_customer(id),
            (None, Some(username)) => vec![Lookup::unique(Predefined::Username, &username)],
            (None, None) => return Ok(None),
        };
        table.holder_of(tenant, &lookups).await
    }

    async fn create(&self) -> Result<(RowStatus, UserId)> {
        let (author, dry_run) = (self.author(), self.rows.import.dry_run);
        let read = |context: &WriteContext<'_>| {
            self.refuse_secrets(context.schema)?;
            let user = apply::create(self.document, self.new_user_id(), context)?;
            self.consents(Some(&user), context.schema)?;
            Ok(user)
        };
        let (author, read) = (&author, &read);
        self.rows
            .app
            .decide(self.rows.tenant, move |schema| async move {
                let writer = self.writer(author, &schema, self.creation());
                let user = writer.create(read, |_| Ok(Vec::new())).await?;
                if dry_run {
                    self.check_shared(&user.value).await?;
                }
                Ok((RowStatus::Created, user.value.id))
            })
            .await
    }

    async fn change(&self, id: UserId) -> Result<(RowStatus, UserId)> {
        let (author, import) = (self.author(), self.rows.import);
        let creation = self.creation();
        let edit = |current: &StoredUser, context: &WriteContext<'_>| {
            // The row itself created the user.
            if current.log_contains(creation) {
                return Ok(current.value.clone());
            }
            self.refuse_secrets(context.schema)?;
            let user = apply::merge(&current.value, self.document, context)?;
            self.consents(Some(&user), context.schema)?;
            Ok(user)
        };
        let (author, edit) = (&author, &edit);
        self.rows
            .app
            .decide(self.rows.tenant, move |schema| async move {
                let writer = self.writer(author, &schema, import.change_of(self.task.row));
                match writer.change(id, edit, |_| Ok(Vec::new())).await? {
                    WriteOutcome::Written(user) => {
                        if import.dry_run {
                            self.check_shared(&user.value).await?;
                        }
                        Ok((RowStatus::Updated, id))
                    }
                    WriteOutcome::Unchanged(user) if user.log_contains(creation) => {
                        Ok((RowStatus::Created, id))
                    }
                    WriteOutcome::Unchanged(_) => Ok((RowStatus::Unchanged, id)),
                    WriteOutcome::Pending(_) => {
                        Err(Error::unexpected("an import makes no change requests"))
                    }
                }
            })
            .await
    }

    /// The user of the row as the row leaves it, ready to be committed.
    async fn prepare(&self, schema: &Schema) -> Result<Option<PreparedUser>> {
        let (rows, author) = (self.rows, self.author());
        let Some(id) = self.find().await? else { return Ok(None) };
        let current = rows.app.table().get_user(rows.tenant, id).await?;
        schema.check_covers(&current.value)?;
        self.refuse_secrets(schema)?;
        let writer = self.writer(&author, schema, rows.import.change_of(self.task.row));
        let context = writer.context();
        let proposed = apply::merge(&current.value, self.document, &context)?;
        self.consents(Some(&proposed), schema)?;
        let user = writer.prepare(&context, Some(&current), proposed).await?.into_user()?;
        let write = UserWrite::Update(Box::new(current), user);
        writer.prepare_write(write).map(Some)
    }

    fn author(&self) -> Author {
        let Import { id, scopes, .. } = self.rows.import;
        Author {
            tenant: self.rows.tenant.clone(),
            writer: Writer::Client(self.rows.import.client.clone(), scopes.clone()),
            view: View::Administrative,
            request_id: None,
            reason: Reason::ImportRow(*id, self.task.row),
            operation: Operation::UserChange,
            note: self.rows.import.reason.clone(),
            session: None,
            confirms_address: false,
        }
    }

    fn writer<'w>(
        &'w self,
        author: &'w Author,
        schema: &'w Schema,
        write_id: WriteId,
    ) -> ProfileWriter<'w> {
        let policy = Policy::import(write_id, self.rows.import.dry_run);
        ProfileWriter::new(self.rows.app, author, schema, &self.hashes, policy)
    }

    fn refuse_secrets(&self, schema: &Schema) -> Result<()> {
        apply::refuse_secrets(self.document, &self.rows.import.scopes, schema)
    }

    /// What a dry run asks beside the table: does a row before this one hold a value that the user
    /// would have?
    async fn check_shared(&self, user: &User) -> Result<()> {
        let mut taken = Vec::new();
        for (place, row) in &self.task.shares {
            if self
                .outcome(*row)
                .await?
                .is_some_and(|(status, id)| has_user(status) && id != Some(user.id))
            {
                let detail = format!("row {row} has the same value, which must be unique");
                taken.push(Violation::taken(place.clone(), detail));
            }
        }
        if taken.is_empty() { Ok(()) } else { Err(Error::NotUnique(taken)) }
    }

    /// The outcome of an earlier row.
    async fn outcome(&self, row: u32) -> Result<Option<(RowStatus, Option<UserId>)>> {
        let rows = self.rows;
        let result =
            || rows.results.lock().unwrap_or_else(PoisonError::into_inner).get(&row).copied();
        if let Some(result) = result() {
            return Ok(Some(result));
        }
        let Some((part, _)) = rows.import.part_of(row) else { return Ok(None) };
        for reported in rows.app.table().import_report(rows.tenant, rows.import.id, part).await? {
            rows.record(&reported);
        }
        Ok(result())
    }
}
