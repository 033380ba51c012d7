//! `kith audit`: verifies that nobody changed the audit behind the service's back, in the table (rule
//! AU-07) or in its export (rule AU-15).

mod digests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::domain::Version;
use shared::domain::audit::Chain;
use shared::domain::id::{TenantId, UserId};
use shared::env::Timestamp;
use shared::store::audit::{AuditFault, AuditKey, AuditReport, VerifyPosition};

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Verify that no audit entry was changed, removed, swapped or added
    Verify(Options),
    /// Print the public key of the digests of exports, as a JWK
    ///
    /// Keep it outside the account: with it an export can be verified without the table.
    Key,
}

/// What to verify.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The tenant to verify: its users and its ledger
    #[arg(long)]
    tenant: TenantId,
    /// Verify this user alone
    #[arg(long)]
    user: Option<UserId>,
    /// The fingerprint that the key of the audit must have, from an earlier run or a log
    ///
    /// Without it a key that somebody put into the table passes.
    #[arg(long, conflicts_with = "digests")]
    key: Option<String>,
    /// Verify an export in this folder, a copy of the bucket
    #[arg(long, value_name = "DIR", conflicts_with = "user")]
    digests: Option<PathBuf>,
    /// Verify the export with the public key in this file, and without the table
    ///
    /// `kith audit key` prints that key. A key of the table proves nothing against a person who can
    /// write the table.
    #[arg(long, value_name = "FILE", requires = "digests")]
    jwk: Option<PathBuf>,
}

/// Verifies and prints the report; fails if something is wrong.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Action::Verify(Options { tenant, user, key: due, digests, jwk }) = action else {
        return digests::print_key(location).await;
    };
    if let Some(folder) = digests {
        return digests::verify(&folder, &tenant, jwk, location, console).await;
    }
    let table = location.open_tenant(&tenant).await?;
    let failed = Resource::User.failed();
    let key = table.find_audit_key().await.map_err(&failed)?.map(AuditKey::fingerprint);
    if let Some(due) = due.filter(|due| Some(due) != key.as_ref()) {
        let found = key.map_or_else(|| "there is none".to_owned(), |key| format!("found `{key}`"));
        return Err(format!("expected a key of the audit with fingerprint `{due}`, {found}").into());
    }
    let report = if let Some(user) = user {
        let found = table.verify_user(&tenant, user).await.map_err(&failed)?;
        let found = found.ok_or(format!("tenant `{tenant}` has no user `{user}`"))?;
        AuditReport::of_user(user, found)
    } else {
        let start = VerifyPosition::default();
        let until = Timestamp::from_millis(i64::MAX);
        let verified = table.verify_tenant(&tenant, start, until, usize::MAX).await;
        verified.map_err(&failed)?.0
    };
    print(&report, key.as_deref(), console)?;
    match report.first_fault() {
        None => Ok(ExitCode::SUCCESS),
        Some((chain, sequence, _)) => {
            let count = counted(report.faults.len(), "fault");
            Err(format!("found {count}; the first is {} {}", place(chain), sequence.0).into())
        }
    }
}

fn print(report: &AuditReport, key: Option<&str>, console: Console) -> Result<(), Failure> {
    if console.json {
        let faults: Vec<_> = report.faults.iter().map(shown).collect();
        return say(json!({
            "users": report.users, "ledgers": report.ledgers, "entries": report.entries,
            "gaps": report.gaps, "key": key, "faults": faults
        }));
    }
    say(format_args!(
        "{}, {}, {}, {}, {}",
        counted(report.users, "user"),
        counted(report.ledgers, "ledger chain"),
        counted(report.entries, "entry"),
        counted(report.gaps, "gap"),
        counted(report.faults.len(), "fault")
    ))?;
    if let Some(key) = key {
        say(format_args!("key {key}"))?;
    }
    for (chain, sequence, fault) in &report.faults {
        say(format_args!("  {} {}: {}", place(*chain), sequence.0, words(*fault)))?;
    }
    Ok(())
}

fn shown((chain, sequence, fault): &(Chain, Version, AuditFault)) -> Value {
    let (user, ledger) = match chain {
        Chain::User(user) => (Some(user.to_string()), None),
        Chain::Ledger(chain) => (None, Some(chain.to_string())),
    };
    json!({ "user_id": user, "chain": ledger, "sequence": sequence.0, "fault": fault.name() })
}

fn place(chain: Chain) -> String {
    match chain {
        Chain::User(user) => format!("user {user}, entry"),
        Chain::Ledger(chain) => format!("ledger {chain}, entry"),
    }
}

const fn words(fault: AuditFault) -> &'static str {
    match fault {
        AuditFault::HeadMissing => "the user's item names no last entry",
        AuditFault::HeadChanged => "the name of the last entry was not written by the service",
        AuditFault::EntryMissing => "the entry is missing, and its time is not over",
        AuditFault::EntryChanged => "the entry was changed",
        AuditFault::Restarted => {
            "the chain began anew here, though the audit was on: what was before was taken away"
        }
        AuditFault::EntryAdded => "the entry was not written by the service at this place",
    }
}
