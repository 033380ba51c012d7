//! `/identity/imports`: files of people.

use serde_json::json;
use shared::auth::Subject;
use shared::axum::routing::{get, post};
use shared::domain::Json;
use shared::domain::Scope::UsersWrite;
use shared::domain::Versioned;
use shared::domain::error::{Error, Result};
use shared::domain::import::{HashedValues, Import, Mapping, Mode, RowReport};
use shared::domain::string_enum::{StringEnum, expected_word};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::{Call, Route};
use shared::import::{IN_REQUEST_SECONDS, ImportFile, accept, process, report_as_csv};

const IMPORTS: &str = "/identity/imports";

/// Routes of imports.
pub(crate) const ROUTES: [Route; 3] = [
    Route::write("POST", IMPORTS, "create_import", (201, "ImportJob"), || post(create))
        .scope(UsersWrite)
        .rows("ImportRows")
        .query(&["mode", "dry_run", "mapping", "hashes"])
        .summary("Import users")
        .description(
            "Starts a job with the rows of a CSV or NDJSON file. The answer shows the job \
             as it was accepted.",
        ),
    Route::read("GET", "/identity/imports/{id}", "get_import", (200, "ImportJob"), || get(read))
        .scope(UsersWrite)
        .tagged()
        .summary("Read an import")
        .description("Shows how many rows are done."),
    Route::read(
        "GET",
        "/identity/imports/{id}/report",
        "get_import_report",
        (200, "ImportRowList"),
        || get(report),
    )
    .scope(UsersWrite)
    .query(&["limit", "cursor"])
    .csv()
    .summary("Read the report of an import")
    .description("The result of each row, so far. As `text/csv` the whole report in one answer."),
];

async fn create(mut call: Call) -> HandlerResult {
    let until = call.app.env().clock.now().plus_seconds(IN_REQUEST_SECONDS);
    call.preconditions.check_collection()?;
    let mode = word(&call, "mode")?.unwrap_or(Mode::Create);
    let hashes: Option<HashedValues> = word(&call, "hashes")?;
    let dry_run = match call.query("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(Error::Malformed(
                "query parameter `dry_run`: expected `true` or `false`".to_owned(),
            ));
        }
    };
    let mapping = match call.query("mapping") {
        None => Mapping::default(),
        Some(text) => Mapping::read(&Json::parse(text.as_bytes())?)?,
    };
    let (format, bytes) = call.take_rows()?;
    let file = ImportFile { bytes, format, mapping };
    let (app, tenant) = (&call.app, &call.caller.tenant);
    // A person's token has a client too, but the person may lose the rights while the rows wait.
    let Subject::Client { id: client, .. } = &call.caller.subject else {
        let detail = "an import runs with the token of a client; register one for it";
        return Err(Error::NotAllowed(detail.to_owned()));
    };
    let mut id = None;
    let accepted = &mut id;
    let answer = call
        .once(async |record| {
            // The current definitions decide which values are secrets, so that each secret is
            // stored sealed.
            let schema = app.schema_now(tenant).await?;
            let scopes = call.caller.grants.scopes.clone();
            let import = Import::new(app.env(), client.clone(), scopes, mode);
            let import = Import { dry_run, hashes, reason: call.reason().cloned(), ..import };
            let record = |import: &_| record.of(&shown(import));
            let import = accept(app, schema, import, file, record).await?;
            *accepted = Some(import.value.id);
            Ok(shown(&import))
        })
        .await?;
    if let Some(id) = id {
        // The import is accepted even if this fails: the sweeper continues it.
        if let Err(error) = process(app, tenant, id, until).await {
            tracing::warn!(operation = "import", cause = %error);
        }
    }
    Ok(answer)
}

fn shown(import: &Versioned<Import>) -> Answer {
    let location = format!("{IMPORTS}/{}", import.value.id);
    Answer::created(import.value.show(), import.tag(), location)
}

/// A query parameter that is one of the texts of the enumeration `T`.
fn word<T: StringEnum>(call: &Call, name: &str) -> Result<Option<T>> {
    let read = |text: &str| {
        let wrong = || format!("query parameter `{name}`: {}", expected_word(T::ALL, text));
        text.parse().map_err(|_| Error::Malformed(wrong()))
    };
    call.query(name).map(read).transpose()
}

async fn find(call: &Call) -> Result<Versioned<Import>> {
    call.app.table().find_import(&call.caller.tenant, call.id("id")?).await?.ok_or(Error::NotFound)
}

async fn read(call: Call) -> HandlerResult {
    let import = find(&call).await?;
    call.show(import.tag(), || import.value.show())
}

async fn report(call: Call) -> HandlerResult {
    let import = find(&call).await?.value;
    if call.prefers_csv() {
        if call.query("limit").or(call.query("cursor")).is_some() {
            return Err(Error::Malformed(
                "text/csv is the whole report; omit `limit` and `cursor`".to_owned(),
            ));
        }
        call.record_export(json!({ "import": import.id }), import.counts.done() as u64).await?;
        return Ok(Answer::csv(report_as_csv(&call.app, &call.caller.tenant, &import).await?));
    }
    let size = call.page_size()?;
    let bound = import.id.to_string();
    let after = call.open_cursor::<u32>(&bound, call.query("cursor")).await?.unwrap_or(0);
    if after == 0 {
        call.record_export(json!({ "import": import.id }), import.counts.done() as u64).await?;
    }
    let mut rows: Vec<RowReport> = Vec::new();
    // One more than a page takes shows whether there is another one.
    while rows.len() <= size
        && let Some(row) = rows.last().map_or(after, |last| last.row).checked_add(1)
        && let Some((part, _)) = import.part_of(row)
    {
        let found = call.app.table().import_report(&call.caller.tenant, import.id, part).await?;
        let before = rows.len();
        // Rows after a row that still waits are shown once that row is done, so a cursor skips no
        // row.
        rows.extend(
            found
                .into_iter()
                .skip_while(|found| found.row < row)
                .zip(row..)
                .map_while(|(found, due)| (found.row == due).then_some(found)),
        );
        if rows.len() == before {
            break;
        }
    }
    call.page(&bound, size, rows.iter().map(|row| (row.row, row.show()))).await
}
