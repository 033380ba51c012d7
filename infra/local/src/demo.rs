//! The data that the first `kith serve` writes into an empty table, so that a newcomer can call it
//! at once: the tenant `acme`, its definitions, an identity provider, and two clients, whose
//! credentials go into `demo.env`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use shared::domain::author::{Author, Reason};
use shared::domain::client::{Client, HashedSecret};
use shared::domain::definition::{AttributeDefinition, Definition, PersonaDefinition};
use shared::domain::error::Error;
use shared::domain::id::TenantId;
use shared::domain::schema::Schema;
use shared::domain::{Json, Scope, Scopes};
use shared::object;
use shared::store::Table;
use shared::store::definitions::DefinitionEdit;

use crate::Failure;
use crate::identity_provider::IdentityProvider;

/// The demonstration's tenant.
pub const TENANT: &str = "acme";
/// The file with the demonstration's credentials.
pub const ENV_FILE: &str = "demo.env";

/// The clients of the demonstration, and the prefix of their variables.
const CLIENTS: [(&str, &str); 2] = [("crm-backend", "KITH_CLIENT"), ("admin", "KITH_ADMIN_CLIENT")];

/// Variables by name, as `demo.env` holds them.
pub type Variables = BTreeMap<String, String>;

/// The demonstration, once prepared.
pub struct Demonstration {
    /// The file with its credentials.
    pub env_file: PathBuf,
    /// Its identity provider.
    pub identity_provider: IdentityProvider,
}

/// Fills what is missing of the demonstration and writes `demo.env` into `data`. Credentials that
/// are in the file and still good are kept.
pub async fn prepare(table: &Table, data: &Path, url: &str) -> Result<Demonstration, Failure> {
    let tenant: TenantId =
        TENANT.parse().map_err(|_| "the name of the demonstration's tenant is invalid")?;
    let failed = |error: Error| format!("cannot prepare the demonstration: {error}");
    table.create_tenant(&tenant).await.map_err(failed)?;
    define(table, &tenant).await.map_err(failed)?;
    fs::create_dir_all(data)
        .map_err(|error| format!("cannot make `{}`: {error}", data.display()))?;
    let path = data.join(ENV_FILE);
    let stored = read_env(&path).unwrap_or_default();
    let identity_provider = IdentityProvider::prepare(data, url, table, &tenant).await?;
    let mut variables = Variables::from([
        ("KITH_URL".to_owned(), url.to_owned()),
        ("KITH_TENANT".to_owned(), TENANT.to_owned()),
        ("KITH_ISSUER".to_owned(), identity_provider.issuer().to_owned()),
    ]);
    let clients = table.clients(&tenant).await.map_err(failed)?;
    for (name, prefix) in CLIENTS {
        let client = clients.iter().find(|client| client.name == name);
        let (id, secret) =
            credentials(table, &tenant, name, client, stored.get(&format!("{prefix}_SECRET")))
                .await
                .map_err(failed)?;
        variables.insert(format!("{prefix}_ID"), id);
        variables.insert(format!("{prefix}_SECRET"), secret);
    }
    // A file that is right needs no room on the disk.
    if variables != stored {
        write_env(&path, &variables)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    Ok(Demonstration { env_file: path, identity_provider })
}

async fn credentials(
    table: &Table,
    tenant: &TenantId,
    name: &str,
    client: Option<&Client>,
    known: Option<&String>,
) -> Result<(String, String), Error> {
    let now = table.env().clock.now();
    match (client, known) {
        (Some(client), Some(secret))
            if client.live_secret(&HashedSecret::of(secret), now).is_some() =>
        {
            Ok((client.client_id.to_string(), secret.clone()))
        }
        (Some(client), _) => {
            let mut secret = None;
            table
                .change_client(&client.client_id, |client| {
                    secret = Some(client.add_secret(table.env()));
                })
                .await?;
            let secret =
                secret.ok_or_else(|| Error::unexpected("a changed client has a secret"))?;
            Ok((client.client_id.to_string(), secret.reveal().to_owned()))
        }
        (None, _) => {
            let admin = name == "admin";
            let scopes = if admin {
                Scopes::new(Scope::ALL)
            } else {
                Scopes::new([Scope::UsersRead, Scope::UsersWrite, Scope::ConfigRead])
            };
            let (client, secret) = Client::register(tenant, name, scopes, !admin, table.env());
            table.create_client(&client).await?;
            Ok((client.client_id.to_string(), secret.reveal().to_owned()))
        }
    }
}

async fn define(table: &Table, tenant: &TenantId) -> Result<(), Error> {
    let number = object! {
        "category" => "common", "name" => "employee-number", "display_name" => "Employee number",
        "data_format" => "TEXT",
    };
    let number =
        ensure::<AttributeDefinition>(table, tenant, "employee-number", number, |a| &a.name)
            .await?;
    let consumer = object! { "name" => "consumer", "display_name" => "Consumer" };
    ensure::<PersonaDefinition>(table, tenant, "consumer", consumer, |p| &p.name).await?;
    let employee = object! {
        "name" => "customer_employee", "display_name" => "Employee of a customer", "scoped" => true,
        "attributes" => vec![Json::from(number.id)],
    };
    ensure::<PersonaDefinition>(table, tenant, "customer_employee", employee, |p| &p.name).await?;
    Ok(())
}

async fn ensure<T: Definition>(
    table: &Table,
    tenant: &TenantId,
    name: &str,
    document: shared::domain::json::Object,
    name_of: impl Fn(&T) -> &String,
) -> Result<T, Error> {
    let find = |schema: &Schema| {
        T::collection(schema).values().find(|value| name_of(value) == name).cloned()
    };
    if let Some(found) = find(&table.schema(tenant).await?) {
        return Ok(found);
    }
    let create = |_: Option<&_>, schema: &Schema| {
        T::read(Json::Object(document.clone()), None, schema, table.env())
            .map(DefinitionEdit::Create)
    };
    let author = Author::service(tenant.clone(), Reason::Operator);
    let made = table.edit_definition::<T>(&author, None, create, |_| Ok(None)).await?;
    made.map(|made| made.value).ok_or(Error::NotFound)
}

/// Reads a file of `NAME=value` lines.
pub fn read_env(path: &Path) -> std::io::Result<Variables> {
    let text = fs::read_to_string(path)?;
    let pairs =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
}

/// Writes `demo.env`.
fn write_env(path: &Path, variables: &Variables) -> std::io::Result<()> {
    let mut text =
        String::from("# Credentials of the demonstration: `set -a; . ./.kith/demo.env; set +a`\n");
    for (name, value) in variables {
        // INVARIANT: writing to a string does not fail.
        let _ = writeln!(text, "{name}={value}");
    }
    write_owners_file(path, text.as_bytes())
}

/// Writes a file at once or not at all, for its owner's eyes only.
pub(crate) fn write_owners_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    // A file that an earlier start left behind would keep its own mode.
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    fs::rename(new, path)
}
