//! The command line.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::{
    admin, audit, check, client, completions, credential, definition, doctor, event, events,
    export, forget, import, key, mail, man, openapi, serve, session, table, tenant, token, tour,
};
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::Console;

/// Kith, the user-profile service; without a command it serves
#[derive(Debug, Parser)]
#[command(name = "kith", version = env!("KITH_VERSION"), max_term_width = 100)]
pub(crate) struct Command {
    #[command(flatten)]
    location: TableLocation,
    /// Print JSON, for scripts
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Print results and errors alone: no progress, no hints
    #[arg(long, short, global = true, help_heading = "Global options")]
    quiet: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

// An option that comes from a variable would stand in the usage as if it were required, so the
// usage of such commands is written.
#[derive(Debug, Subcommand)]
enum Action {
    /// Serve all functions on one port, with the embedded table
    Serve(serve::Options),
    /// Run the flows of the service and show each request and answer
    Tour(tour::Options),
    /// Print a token of a person, issued by the identity provider of `kith serve`
    #[command(override_usage = "kith token [OPTIONS] --subject <SUBJECT>")]
    Token(token::Options),
    /// Import a file of people into a running service; the same command resumes an interrupted
    /// import
    #[command(override_usage = "kith import [OPTIONS] <FILE>")]
    Import(import::Options),
    /// Export the users of a running service in the form that `import` reads
    Export(export::Options),
    /// Create and list tenants
    #[command(subcommand)]
    Tenant(tenant::Action),
    /// Register, list, rotate and revoke clients
    #[command(subcommand)]
    Client(client::Action),
    /// Invite administrators
    #[command(subcommand)]
    Admin(admin::Action),
    /// End sessions of people
    #[command(subcommand)]
    Session(session::Action),
    /// Take credentials of people away, and adopt imported hashes as passwords
    #[command(subcommand)]
    Credential(credential::Action),
    /// List the mails that wait, and send mail to an address again
    #[command(subcommand)]
    Mail(mail::Action),
    /// Rotate, list and revoke the keys that sign access tokens
    #[command(subcommand)]
    Key(key::Action),
    /// Verify that users and index entries agree in both directions
    Check(check::Options),
    /// Verify that nobody changed the audit behind the service's back
    #[command(subcommand)]
    Audit(audit::Action),
    /// Check a running service end to end, and its DynamoDB table with --table
    Doctor(doctor::Options),
    /// Delete a user everywhere, and search the table for texts that may be left
    Forget(forget::Options),
    /// Delete definitions that the API refuses to delete because users have had them
    #[command(subcommand)]
    Definition(definition::Action),
    /// Publish change events again
    #[command(subcommand)]
    Events(events::Action),
    /// Create a table in DynamoDB, or complete a restored one
    #[command(subcommand)]
    Table(table::Action),
    /// Print the OpenAPI description of the service, or a collection of its requests
    Openapi(openapi::Options),
    /// Print a sample event with a token and ids that a service knows, for `cargo lambda invoke`
    #[command(override_usage = "kith event [OPTIONS] <EVENT>")]
    Event(event::Options),
    /// Print the completion script of a shell
    Completions(completions::Options),
    /// Print a manual page, or write all of them
    Man(man::Options),
}

impl Command {
    /// Runs the command. Returns the exit code of the program.
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let location = self.location.clone();
        location.check()?;
        self.act().await.map_err(|failure| location.explain(failure))
    }

    async fn act(self) -> Result<ExitCode, Failure> {
        let (location, console) = (&self.location, Console { json: self.json, quiet: self.quiet });
        match self.action.unwrap_or_else(|| Action::Serve(serve::Options::of_environment())) {
            Action::Serve(options) => serve::run(options, location, console).await,
            Action::Tour(options) => tour::run(options, location).await,
            Action::Import(options) => import::run(options, location, console).await,
            Action::Export(options) => export::run(options, location, console).await,
            Action::Tenant(action) => tenant::run(action, location, console).await,
            Action::Client(action) => client::run(action, location, console).await,
            Action::Admin(action) => admin::run(action, location, console).await,
            Action::Session(action) => session::run(action, location, console).await,
            Action::Credential(action) => credential::run(action, location, console).await,
            Action::Mail(action) => mail::run(action, location, console).await,
            Action::Key(action) => key::run(action, location, console).await,
            Action::Check(options) => check::run(options, location, console).await,
            Action::Audit(action) => audit::run(action, location, console).await,
            Action::Doctor(options) => doctor::run(options, location, console).await,
            Action::Forget(options) => forget::run(options, location, console).await,
            Action::Definition(action) => definition::run(action, location, console).await,
            Action::Events(action) => events::run(action, location, console).await,
            Action::Table(action) => table::run(action, location, console).await,
            Action::Token(options) => token::run(options, location, console),
            Action::Openapi(options) => openapi::run(&options, console),
            Action::Event(options) => event::run(options, location).await,
            Action::Completions(options) => completions::run(&options, Self::command()),
            Action::Man(options) => man::run(&options, Self::command(), console),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shared::auth::signer::PrivateKey;
    use shared::domain::jwk::Algorithm;

    use super::*;

    const NO_TENANT: &str = "there is no tenant `globex`; see `kith tenant list`, or create it with \
                             `kith tenant create globex`";

    async fn kith(data: &Path, line: &str) -> Result<ExitCode, String> {
        let words = ["kith", "--data"].into_iter().chain(data.to_str());
        let command = Command::try_parse_from(words.chain(line.split(' ')));
        let done = command.map_err(|error| error.to_string())?.run().await;
        done.map_err(|failure| failure.to_string())
    }

    #[tokio::test]
    async fn ec3_a_command_names_what_it_does_not_find() {
        let data = std::env::temp_dir().join(format!("kith-test-{}-named", std::process::id()));
        std::fs::create_dir(&data).unwrap();
        kith(&data, "tenant create acme").await.unwrap();
        kith(&data, "check --tenant acme").await.unwrap();
        kith(&data, "audit verify --tenant acme").await.unwrap();
        let forget = "forget --tenant acme 0192f3c1-0000-7000-8000-000000000001";
        for (line, due) in [
            ("tenant create acme", "there is a tenant `acme` already"),
            (
                "client revoke acme.0123456789abcdef0123456789abcdef",
                "there is no client `acme.0123456789abcdef0123456789abcdef`; see `kith client list \
                 --tenant acme`",
            ),
            ("key revoke unknown", "no published key has this id; see `kith key list`"),
            (
                "definition purge --tenant acme x",
                "tenant `acme` has no attribute or persona definition `x`",
            ),
            (
                "audit verify --tenant acme --user 0192f3c1-0000-7000-8000-000000000001",
                "tenant `acme` has no user `0192f3c1-0000-7000-8000-000000000001`",
            ),
            (forget, "tenant `acme` has no user `0192f3c1-0000-7000-8000-000000000001`"),
            ("client create --tenant globex --name x --scope users:read", NO_TENANT),
            ("client list --tenant globex", NO_TENANT),
            ("check --tenant globex", NO_TENANT),
            ("audit verify --tenant globex", NO_TENANT),
            ("forget --tenant globex --verify janssen", NO_TENANT),
            ("forget --tenant globex 0192f3c1-0000-7000-8000-000000000001", NO_TENANT),
            ("definition purge --tenant globex x", NO_TENANT),
            ("events replay --tenant globex --since 2026-11-21T10:00:00Z", NO_TENANT),
            ("session end --tenant globex", NO_TENANT),
            ("mail list --tenant globex", NO_TENANT),
            ("mail resume --tenant globex jan", NO_TENANT),
            ("credential adopt --tenant globex --attribute common.old", NO_TENANT),
            ("credential reset --tenant globex jan --base-url https://id.example.org", NO_TENANT),
            (
                "admin invite --tenant globex --username jan --base-url https://id.example.org",
                NO_TENANT,
            ),
            (
                "tenant list --region eu-west-1",
                "--region is for a table in DynamoDB; name the table by --table",
            ),
        ] {
            assert_eq!(kith(&data, line).await.unwrap_err(), due, "{line}");
        }
        std::fs::remove_dir_all(data).unwrap();
    }

    #[tokio::test]
    async fn au15_an_export_without_digests_does_not_verify() {
        let data = std::env::temp_dir().join(format!("kith-test-{}-export", std::process::id()));
        let folder = data.join("export/acme/2026/11/21");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("10.ndjson"), "{\"forged\":1}\n").unwrap();
        let random = shared::env::Random::default();
        let secret = PrivateKey::generate(Algorithm::Es256, &random).unwrap();
        let key = PrivateKey::parse(Algorithm::Es256, &secret, &random).unwrap();
        let jwk = data.join("key.jwk");
        std::fs::write(&jwk, key.jwk(Algorithm::Es256).to_json().to_string()).unwrap();
        let export = data.join("export");
        let verify = |tenant: &str| {
            let (export, jwk) = (export.display(), jwk.display());
            format!("audit verify --tenant {tenant} --digests {export} --jwk {jwk}")
        };
        let error = Box::pin(kith(&data, &verify("acme"))).await.unwrap_err();
        assert_eq!(error, "found 1 fault; the first is at `acme/digests/`");
        let error = Box::pin(kith(&data, &verify("acmee"))).await.unwrap_err();
        assert!(error.starts_with("expected the folder `acmee` in"), "{error}");
        let error = Box::pin(kith(&data, "serve --memory --audit-export x")).await.unwrap_err();
        assert!(error.contains("cannot be used with"), "{error}");
        std::fs::remove_dir_all(data).unwrap();
    }
}
