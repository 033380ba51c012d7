//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use shared::domain::error::Error;
use shared::domain::id::TenantId;
use shared::store::Table;
use shared::world::World;

use crate::clients::ClientAction;
use crate::output::{print, say};
use crate::serve::{Service, stop_signal};
use crate::table::{Failure, open_local, open_remote};
use crate::{check, clients, export, forget, import, keys, openapi, purge, tour};

/// Kith: the user-profile service. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "kith", version, about, max_term_width = 100)]
pub struct Command {
    #[command(flatten)]
    place: Place,
    /// Print JSON instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

/// Where the table is.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The data folder of the embedded table.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = ".kith",
        conflicts_with = "table"
    )]
    data: PathBuf,
    /// The name of a DynamoDB table, reached with your AWS credentials.
    #[arg(long, global = true, value_name = "NAME")]
    table: Option<String>,
    /// Another endpoint than DynamoDB's own.
    #[arg(long, global = true, value_name = "URL", requires = "table")]
    endpoint: Option<String>,
    /// Another region than that of your AWS configuration.
    #[arg(long, global = true, value_name = "REGION", requires = "table")]
    region: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve all functions on one port, on the embedded table.
    Serve(ServeOptions),
    /// Walk the flows and show each request and answer.
    Tour(tour::Options),
    /// Bring people from a file into a running service. The same command goes on after an
    /// interruption.
    Import(import::Options),
    /// Write the people of a running service as `import` reads them.
    Export(export::Options),
    /// Create and list tenants.
    #[command(subcommand)]
    Tenant(TenantAction),
    /// Register, list, rotate and revoke machine clients.
    #[command(subcommand)]
    Client(ClientAction),
    /// Rotate, list and revoke the keys that sign access tokens.
    #[command(subcommand)]
    Key(keys::Action),
    /// Verify that users and look-ups belong together, both ways.
    Check {
        /// The tenant to verify.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Forget a person everywhere, and search the table for what may be left.
    Forget(forget::Options),
    /// Delete definitions that the API does not, because they were assigned once.
    #[command(subcommand)]
    Definition(DefinitionAction),
    /// Print the OpenAPI description of the service.
    #[command(hide = true)]
    Openapi,
}

#[derive(Debug, Args)]
struct ServeOptions {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = default_address())]
    listen: SocketAddr,
    /// Keep the table in memory; the data folder holds `demo.env` only.
    #[arg(long)]
    memory: bool,
}

fn default_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3000))
}

#[derive(Debug, Subcommand)]
enum TenantAction {
    /// Create a tenant with the definitions that each has from the start.
    Create {
        /// The tenant's name: `^[a-z][a-z0-9-]{1,62}$`.
        name: TenantId,
    },
    /// List the tenants.
    List,
}

#[derive(Debug, Subcommand)]
enum DefinitionAction {
    /// Deprecate an attribute or persona definition, wait until no function remembers it as it was,
    /// and delete it if nobody holds it.
    Purge {
        /// Whose definition.
        #[arg(long)]
        tenant: TenantId,
        /// The definition's id.
        id: String,
    },
}

impl Command {
    /// Does what the command says, and says with what the program ends.
    pub async fn run(self) -> Result<ExitCode, Failure> {
        let action = self
            .action
            .unwrap_or(Action::Serve(ServeOptions { listen: default_address(), memory: false }));
        let done = match action {
            Action::Import(options) => {
                return import::run(options, &self.place.data, self.json).await;
            }
            Action::Serve(options) => serve(options, &self.place).await,
            Action::Tour(options) => tour::run(options, &self.place.data).await,
            Action::Export(options) => export::run(options, &self.place.data, self.json).await,
            Action::Openapi => say(openapi::document()?),
            Action::Tenant(action) => tenant(action, &self.place.open().await?, self.json).await,
            Action::Client(action) => {
                clients::run(action, &self.place.open().await?, self.json).await
            }
            Action::Definition(DefinitionAction::Purge { tenant, id }) => {
                // Nothing serves an embedded table while this program has it open.
                let wait = if self.place.table.is_some() { purge::SETTLED } else { Duration::ZERO };
                purge::run(&self.place.open().await?, &tenant, &id, wait, self.json).await
            }
            Action::Key(action) => keys::run(action, &self.place.open().await?, self.json).await,
            Action::Forget(options) => {
                let replaced = match options.replaced() {
                    Some(name) => Some(self.place.other(name).await?),
                    None => None,
                };
                options.run(&self.place.open().await?, replaced, self.json).await
            }
            Action::Check { tenant } => {
                check::run(&self.place.open().await?, &tenant, self.json).await
            }
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

impl Place {
    async fn open(&self) -> Result<Table, Failure> {
        match &self.table {
            Some(name) => open_remote(name, self.endpoint.as_deref(), self.region.clone()).await,
            None if !self.data.exists() => {
                Err(format!("there is no data folder `{}`", self.data.display()))
            }
            None => open_local(Some(&self.data), World::default()).await,
        }
    }

    /// Another table of the same account.
    async fn other(&self, name: &str) -> Result<Table, Failure> {
        if self.table.is_none() {
            return Err("only a DynamoDB table replaces another: say --table".to_owned());
        }
        open_remote(name, self.endpoint.as_deref(), self.region.clone()).await
    }
}

async fn serve(options: ServeOptions, place: &Place) -> Result<(), Failure> {
    if place.table.is_some() {
        return Err("`serve` runs on the embedded table; a DynamoDB table is served by the \
                    deployed functions"
            .to_owned());
    }
    shared::log::to(std::io::stderr);
    let service = Service::start(options.listen, &place.data, options.memory).await?;
    say(how_to(&service))?;
    service.run(stop_signal()).await
}

fn how_to(service: &Service) -> String {
    let (url, env) = (&service.url, service.env_file.display());
    format!(
        "Kith serves on {url}   (Ctrl-C stops it)

  see the whole flow:   kith tour        (cargo run -- tour)
  or by hand, in another terminal:

    set -a; . {env}; set +a
    TOKEN=$(curl -s $KITH_URL/idhub/oidc/v1/token -d grant_type=client_credentials \\
      -u \"$KITH_CLIENT_ID:$KITH_CLIENT_SECRET\" | sed \
         's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
    curl -i $KITH_URL/identity/users -H \"Authorization: Bearer $TOKEN\" \\
      --json '{{\"username\": \"jan.janssen\", \"preferred_email\": \"jan@example.org\"}}'
"
    )
}

/// Reads one of a few words; help and refusals list them.
pub(crate) fn one_of<W>(
    names: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = W>
where
    W: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// What went wrong, for people.
pub(crate) fn said(error: Error) -> Failure {
    match error {
        Error::Invalid(violations) => {
            let lines: Vec<_> =
                violations.iter().map(|v| format!("{}: {}", v.pointer, v.detail)).collect();
            lines.join("\n")
        }
        Error::NotFound => "there is no such client".to_owned(),
        Error::Unavailable(what) => format!("the table is not available: {what}"),
        Error::Conflict(what) | Error::Unexpected(what) => what,
        other => format!("{other:?}"),
    }
}

async fn tenant(action: TenantAction, table: &Table, as_json: bool) -> Result<(), Failure> {
    match action {
        TenantAction::Create { name } => {
            if !table.create_tenant(&name).await.map_err(said)? {
                return Err(format!("there is a tenant `{name}`"));
            }
            print(as_json, &json!({ "id": name }), || format!("tenant {name} created"))?;
        }
        TenantAction::List => {
            let tenants = table.tenants().await.map_err(said)?;
            print(as_json, &json!(tenants), || {
                let lines: Vec<_> = tenants
                    .iter()
                    .map(|tenant| format!("{}\t{}", tenant.id, tenant.created_at))
                    .collect();
                lines.join("\n")
            })?;
        }
    }
    Ok(())
}
