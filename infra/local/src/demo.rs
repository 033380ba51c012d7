//! The data that the first `kith serve` writes into an empty table, so that a newcomer can call it
//! at once: the tenant `acme`, its definitions, an identity provider, an administrator, and
//! clients, whose credentials go into `demo.env`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use maintenance::people;
use shared::app::App;
use shared::domain::author::{Author, Reason};
use shared::domain::client::{ApplicationType, Client, HashedSecret};
use shared::domain::definition::{AttributeDefinition, Definition, PersonaDefinition};
use shared::domain::error::Error;
use shared::domain::id::TenantId;
use shared::domain::people::{LinkToken, rights};
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

/// The username of the demonstration's administrator.
pub const ADMINISTRATOR: &str = "admin";
/// The address of the demonstration's administrator. Mails to it are files.
const ADDRESS: &str = "admin@example.org";

/// The client of the demonstration in which people sign in: a program on a person's device.
const PEOPLE: &str = "demo application";
/// The variable with its id.
pub const PEOPLE_CLIENT: &str = "KITH_PEOPLE_CLIENT_ID";
/// Where it gets its codes; any port goes (RFC 8252 §7.3).
pub const PEOPLE_REDIRECT: &str = "http://127.0.0.1/callback";
/// The scopes that it may ask for.
const PEOPLE_SCOPES: [Scope; 5] =
    [Scope::Openid, Scope::Profile, Scope::Email, Scope::Userdata, Scope::OfflineAccess];

/// The machine clients of the demonstration, and the prefix of their variables.
const CLIENTS: [(&str, &str); 2] = [("crm-backend", "KITH_CLIENT"), ("admin", "KITH_ADMIN_CLIENT")];

/// Variables by name, as `demo.env` holds them.
pub type Variables = BTreeMap<String, String>;

/// The demonstration, once prepared.
pub struct Demonstration {
    /// The file with its credentials.
    pub env_file: PathBuf,
    /// Its identity provider.
    pub identity_provider: IdentityProvider,
    /// The link by which its administrator sets a password, until it has one.
    pub invitation: Option<String>,
}

/// Fills what is missing of the demonstration and writes `demo.env` into `data`. Credentials that
/// are in the file and still good are kept.
pub async fn prepare(app: &App, data: &Path, url: &str) -> Result<Demonstration, Failure> {
    let table = app.table();
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
    let known = clients.iter().find(|client| client.name == PEOPLE);
    let people_client = match known {
        Some(client) => client.client_id.to_string(),
        None => register_people(table, &tenant).await.map_err(failed)?,
    };
    variables.insert(PEOPLE_CLIENT.to_owned(), people_client);
    // A file that is right needs no room on the disk.
    if variables != stored {
        write_env(&path, &variables)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    let token = invite(app, &tenant).await.map_err(failed)?;
    let invitation = token.map(|token| people::link(url, &token));
    Ok(Demonstration { env_file: path, identity_provider, invitation })
}

/// Makes the administrator if there is none, and a link by which it sets a password; `None` if it
/// can sign in already. A user of this name who is no administrator does not become one.
async fn invite(app: &App, tenant: &TenantId) -> Result<Option<LinkToken>, Error> {
    if let Some(user) = people::find(app.table(), tenant, ADMINISTRATOR).await? {
        let schema = app.schema_now(tenant).await?;
        if !rights::is_administrator(&user.value, &schema, app.env().clock.now()) {
            return Ok(None);
        }
    }
    match people::invite(app, tenant, ADMINISTRATOR, Some(ADDRESS)).await {
        Ok(invited) => Ok(invited.token),
        // Somebody has given it another address.
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Registers the client in which people sign in; returns its id.
async fn register_people(table: &Table, tenant: &TenantId) -> Result<String, Error> {
    let redirect_uris = vec![PEOPLE_REDIRECT.to_owned()];
    let scopes = Scopes::new(PEOPLE_SCOPES);
    let env = table.env();
    let client = Client::register_person_client(tenant, PEOPLE, scopes, redirect_uris, env);
    let client = Client { application_type: ApplicationType::Native, first_party: true, ..client };
    table.create_client(&client).await?;
    Ok(client.client_id.to_string())
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
    let made = table.edit_definition::<T>(&author, None, create, |_| Ok(Vec::new())).await?;
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
