//! Exports of the audit, and the key that signs their digests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use maintenance::digests::{DigestFault, DigestReport};
use serde_json::{Value, json};
use shared::domain::audit::DigestLink;
use shared::domain::id::TenantId;
use shared::domain::json::Json;
use shared::domain::jwk::Jwk;
use shared::store::Table;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// Prints the public key of the digests.
pub(super) async fn print_key(location: &TableLocation) -> Result<ExitCode, Failure> {
    let key = key_of(&location.open().await?).await?;
    say(key.to_json())?;
    Ok(ExitCode::SUCCESS)
}

/// Verifies an export; fails if something is wrong.
pub(super) async fn verify(
    folder: &Path,
    tenant: &TenantId,
    jwk: Option<PathBuf>,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let report = if let Some(file) = jwk {
        read(folder, tenant, &key_in(&file)?, None)?
    } else {
        let table = location.open_tenant(tenant).await?;
        let failed = Resource::Tenant.failed();
        let key = key_of(&table).await?;
        let written = table.last_digest(tenant).await.map_err(&failed)?;
        let mut report = read(folder, tenant, &key, written.as_ref())?;
        let lost = table.lost_of_ledger(tenant, &report.heads).await.map_err(&failed)?;
        report.lost(tenant, &lost);
        report
    };
    print(&report, console)?;
    match report.faults.first() {
        None => Ok(ExitCode::SUCCESS),
        Some(DigestFault { key, .. }) => {
            let count = counted(report.faults.len(), "fault");
            Err(format!("found {count}; the first is at `{key}`").into())
        }
    }
}

fn read(
    folder: &Path,
    tenant: &TenantId,
    key: &Jwk,
    written: Option<&DigestLink>,
) -> Result<DigestReport, Failure> {
    if !folder.join(tenant.as_str()).is_dir() {
        let folder = folder.display();
        return Err(
            format!("expected the folder `{tenant}` in `{folder}`: a copy of the bucket").into()
        );
    }
    let report = maintenance::digests::verify(folder, tenant, key, written);
    let folder = folder.display();
    Ok(report.map_err(|error| format!("cannot read the export in `{folder}`: {error}"))?)
}

/// The key of the digests as the table has it.
async fn key_of(table: &Table) -> Result<Jwk, Failure> {
    let key = table.digest_jwk().await.map_err(Resource::Key.failed())?;
    let none = "the table has no key of digests: no audit was exported yet";
    Ok(key.ok_or(none)?)
}

/// The key in a file.
fn key_in(file: &Path) -> Result<Jwk, Failure> {
    let name = file.display();
    let text = fs::read(file).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    let json = Json::parse(&text).map_err(|error| format!("`{name}`: {error}"))?;
    let expected = || format!("`{name}`: expected a JWK, as `kith audit key` prints it");
    let members = json.as_object().ok_or_else(expected)?;
    let wrong = |error| format!("`{name}`: {error}; `kith audit key` prints one");
    Ok(Jwk::read(members).map_err(wrong)?)
}

fn print(report: &DigestReport, console: Console) -> Result<(), Failure> {
    let DigestReport { digests, objects, entries, unreadable, without_users, .. } = report;
    let faults = &report.faults;
    if console.json {
        let shown = |fault: &DigestFault| json!({ "key": fault.key, "detail": fault.detail });
        let (first, last) = report.hours.unzip();
        return say(json!({
            "digests": digests, "objects": objects, "entries": entries, "unreadable": unreadable,
            "hours_without_users": without_users, "first_hour": first, "last_hour": last,
            "is_later_part": report.is_later_part, "unnamed": report.unnamed,
            "faults": faults.iter().map(shown).collect::<Value>()
        }));
    }
    say(format_args!(
        "{}, {}, {}, {}",
        counted(*digests, "digest"),
        counted(*objects, "object"),
        counted(*entries, "entry"),
        counted(faults.len(), "fault")
    ))?;
    if let Some((first, last)) = report.hours {
        say(format_args!("  from {first} to {last}"))?;
    }
    if report.is_later_part {
        say("  the first digest names an earlier one, which is not in the folder")?;
    }
    if *without_users > 0 {
        let hours = counted(*without_users, "hour");
        say(format_args!("  {hours} without entries of users, because `search` was off"))?;
    }
    for key in &report.unnamed {
        say(format_args!(
            "  no digest names `{key}`: a repetition left it, or somebody put it there"
        ))?;
    }
    for DigestFault { key, detail } in faults {
        say(format_args!("  {key}: {detail}"))?;
    }
    Ok(())
}
