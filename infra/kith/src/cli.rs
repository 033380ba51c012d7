//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    check, client, definition, export, forget, import, key, openapi, serve, tenant, tour,
};
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::Console;

/// Kith: the user-profile service. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "kith", version, about, max_term_width = 100)]
pub(crate) struct Command {
    #[command(flatten)]
    location: TableLocation,
    /// Print JSON instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve all functions on one port, on the embedded table.
    Serve(serve::Options),
    /// Walk the flows and show each request and answer.
    Tour(tour::Options),
    /// Bring people from a file into a running service. The same command goes on after an
    /// interruption.
    Import(import::Options),
    /// Write the people of a running service as `import` reads them.
    Export(export::Options),
    /// Create and list tenants.
    #[command(subcommand)]
    Tenant(tenant::Action),
    /// Register, list, rotate and revoke machine clients.
    #[command(subcommand)]
    Client(client::Action),
    /// Rotate, list and revoke the keys that sign access tokens.
    #[command(subcommand)]
    Key(key::Action),
    /// Verify that users and look-ups belong together, both ways.
    Check(check::Options),
    /// Forget a person everywhere, and search the table for what may be left.
    Forget(forget::Options),
    /// Delete definitions that the API does not, because they were assigned once.
    #[command(subcommand)]
    Definition(definition::Action),
    /// Print the OpenAPI description of the service.
    #[command(hide = true)]
    Openapi,
}

impl Command {
    /// Does what the command says, and says with what the program ends.
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let (location, console) = (&self.location, Console { json: self.json });
        match self.action.unwrap_or_else(|| Action::Serve(serve::Options::default())) {
            Action::Serve(options) => serve::run(options, location).await,
            Action::Tour(options) => tour::run(options, location).await,
            Action::Import(options) => import::run(options, location, console).await,
            Action::Export(options) => export::run(options, location, console).await,
            Action::Tenant(action) => tenant::run(action, location, console).await,
            Action::Client(action) => client::run(action, location, console).await,
            Action::Key(action) => key::run(action, location, console).await,
            Action::Check(options) => check::run(options, location, console).await,
            Action::Forget(options) => forget::run(options, location, console).await,
            Action::Definition(action) => definition::run(action, location, console).await,
            Action::Openapi => openapi::run(),
        }
    }
}
