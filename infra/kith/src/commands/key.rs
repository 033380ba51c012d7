//! `kith key`: the keys that sign access tokens, rotated and revoked on command (rule O8).

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use shared::auth::SigningKeys;
use shared::auth::signing::{KeyRevocation, KeyRotation};
use shared::auth::succession::{ALGORITHMS, PublishedKey};
use shared::domain::audit::{LedgerChain, Operation};
use shared::domain::author::{Author, Reason};
use shared::domain::error::Error;
use shared::domain::id::TenantId;
use shared::domain::jwk::Algorithm;
use shared::env::Timestamp;
use shared::store::Table;
use shared::store::audit::Record;

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// What is done with the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Publish a new key; it signs after eleven minutes, when every cache has it
    ///
    /// Tokens of the old key stay valid until they expire.
    Rotate {
        /// ES256 or RS256; without it every algorithm in use
        #[arg(long, value_parser = algorithm)]
        alg: Option<Algorithm>,
    },
    /// List the published keys with their times in UTC
    List,
    /// Store private keys and the keys of the audit without the seal of a KMS key
    ///
    /// Use it to seal them with another key, or with none. Deploy the stack without `SealingKeyArn`
    /// first: the functions seal again what they find unsealed, and cannot open what is sealed until
    /// this command has run.
    Unseal,
    /// Revoke a leaked key; it signs no tokens after a minute, and its tokens are refused after six
    ///
    /// If the key is the current one, the next key signs at once. Until all functions know it, some
    /// requests with tokens of either key get 401, and clients have to request a new token. To
    /// avoid that, rotate first and revoke the old key when the new one signs.
    Revoke {
        /// The id of the key
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let known = text.parse().ok().filter(|algorithm| ALGORITHMS.contains(algorithm));
    known.ok_or_else(|| "expected ES256 or RS256".to_owned())
}

/// Runs the command and prints its outcome.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let table = location.open().await?;
    let keys = location.signing_keys(&table).await?;
    match action {
        Action::Rotate { alg } => rotate(&table, &keys, alg, console).await?,
        Action::List => {
            let (published, now) = (keys.list().await.map_err(failed)?, table.env().clock.now());
            if console.json {
                say(published.iter().map(|key| entry(key, now)).collect::<Value>())?;
            }
            for key in published.iter().filter(|_| !console.json) {
                say(format_args!(
                    "{}\t{}\t{}\tsigns {} to {}\tpublished until {}",
                    key.kid,
                    key.algorithm,
                    status(key, now),
                    key.sign_from,
                    key.sign_until,
                    key.drop_at
                ))?;
            }
        }
        Action::Unseal => {
            // The keys of the audit last: without a seal they are refused as long as private keys
            // are sealed.
            let signing = keys.unseal().await.map_err(failed)?;
            let count = signing + table.unseal_audit_keys().await.map_err(failed)?;
            console.print(&json!({ "unsealed": count }), || {
                format!("unsealed {}", counted(count, "key"))
            })?;
            if count > 0 {
                record(&table, None, "unsealed").await?;
            }
        }
        Action::Revoke { kid } => {
            let revoked = keys.revoke(&kid).await.map_err(failed)?;
            let now = table.env().clock.now();
            console.print(&revocation(&revoked), || describe_revocation(&revoked, now))?;
            record(&table, Some(&kid), "revoked").await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Rotates one algorithm after the other, and prints what was done even if not all could be.
async fn rotate(
    table: &Table,
    keys: &SigningKeys,
    algorithm: Option<Algorithm>,
    console: Console,
) -> Result<(), Failure> {
    let algorithms = match algorithm {
        Some(algorithm) => vec![algorithm],
        None => in_use(keys).await?,
    };
    let (mut done, mut outcome) = (Vec::new(), Ok(()));
    for algorithm in algorithms {
        match keys.rotate(algorithm).await {
            Ok(rotated) => done.push(rotated),
            Err(error) => {
                outcome = Err(failed(error));
                break;
            }
        }
    }
    if console.json {
        say(done.iter().map(rotation).collect::<Value>())?;
    }
    for rotated in done.iter().filter(|_| !console.json) {
        say(describe_rotation(rotated))?;
    }
    for rotated in &done {
        outcome = outcome.and(record(table, Some(&rotated.new.kid), "rotated").await);
    }
    outcome
}

/// Tells the ledger of each tenant what the operator did with the keys, which is done: one tenant
/// that cannot be told does not keep the others from it. The first failure is the answer.
async fn record(table: &Table, kid: Option<&str>, change: &str) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for tenant in table.tenants().await.map_err(failed)? {
        outcome = outcome.and(record_in(table, tenant.id, kid, change).await.map_err(failed));
    }
    outcome
}

async fn record_in(
    table: &Table,
    tenant: TenantId,
    kid: Option<&str>,
    change: &str,
) -> Result<(), Error> {
    let settings = table.audit_settings(&tenant).await?;
    let author = Author::service(tenant, Reason::Operator);
    let record = Record {
        operation: Operation::KeyRotate,
        target: Some(kid.map_or_else(|| "keys".to_owned(), |kid| format!("keys/{kid}"))),
        changes: Vec::new(),
        facts: Some(json!({ "change": change })),
    };
    table.record(&author, &settings, LedgerChain::Configuration, record).await
}

/// The algorithms of which keys are published, at least ES256.
async fn in_use(keys: &SigningKeys) -> Result<Vec<Algorithm>, Failure> {
    let published = keys.list().await.map_err(failed)?;
    let used = |algorithm: &Algorithm| {
        *algorithm == Algorithm::Es256 || published.iter().any(|key| key.algorithm == *algorithm)
    };
    Ok(ALGORITHMS.into_iter().filter(used).collect())
}

fn rotation(rotated: &KeyRotation) -> Value {
    let old = rotated.old.as_ref();
    json!({
        "alg": rotated.new.algorithm,
        "kid": rotated.new.kid,
        "sign_from": rotated.new.sign_from,
        "old": old.map(|old| json!({
            "kid": old.kid, "sign_until": old.sign_until, "drop_at": old.drop_at
        })),
    })
}

fn describe_rotation(rotated: &KeyRotation) -> String {
    let new = &rotated.new;
    let made =
        format!("published {} key {}, which signs from {}", new.algorithm, new.kid, new.sign_from);
    match &rotated.old {
        None => made,
        Some(old) => format!(
            "{made}\nkey {} signs until then, and stays published until {}",
            old.kid, old.drop_at
        ),
    }
}

fn revocation(revoked: &KeyRevocation) -> Value {
    json!({
        "kid": revoked.key.kid,
        "alg": revoked.key.algorithm,
        "revoked": true,
        "signing": revoked.signing.as_ref().map(|key| &key.kid),
    })
}

fn describe_revocation(revoked: &KeyRevocation, now: Timestamp) -> String {
    if now < revoked.key.sign_from {
        return format!("revoked key {}, which had not signed yet", revoked.key.kid);
    }
    let signs = revoked
        .signing
        .as_ref()
        .map(|key| format!("; key {} signs now", key.kid))
        .unwrap_or_default();
    format!(
        "revoked key {}{signs}\nA running token function may sign with this key for one more minute, \
         or two if the table is slow.\nThe functions refuse its tokens after five and a half \
         minutes at most. Others who verify tokens may cache the JWKS for five \
         minutes.\nClients whose tokens are refused (401) have to request new ones.",
        revoked.key.kid
    )
}

fn status(key: &PublishedKey, now: Timestamp) -> &'static str {
    match (key.sign_from <= now, now < key.sign_until) {
        (false, _) => "next",
        (true, true) => "signs",
        (true, false) => "old",
    }
}

fn entry(key: &PublishedKey, now: Timestamp) -> Value {
    json!({
        "kid": key.kid,
        "alg": key.algorithm,
        "status": status(key, now),
        "sign_from": key.sign_from,
        "sign_until": key.sign_until,
        "drop_at": key.drop_at,
    })
}

/// An error of an operation on a key.
fn failed(error: Error) -> Failure {
    Resource::Key.failed()(error)
}
