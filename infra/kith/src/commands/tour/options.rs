//! The command line of `kith tour`.

use clap::Args;

use crate::access::base_url;

/// The service that the tour calls, and its credentials.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Run the life of a person: sign-in, two systems, an override, deletion in one system and
    /// everywhere
    #[arg(long)]
    pub(super) lifecycle: bool,
    /// Run the flow of people who sign in: invitation, password, sign-in to an application by
    /// OpenID Connect, sign-out; reads the mails of `kith serve` in the data folder
    #[arg(long, conflicts_with = "lifecycle")]
    pub(super) people: bool,
    /// The base URL of a running service; by default the one in `demo.env` if it answers, else a
    /// service in memory
    #[arg(long, value_parser = base_url)]
    pub(super) url: Option<String>,
    /// A client with users:read, users:write, config:read and the grant `refresh_token`
    #[arg(long, requires = "client_secret")]
    pub(super) client_id: Option<String>,
    /// The secret of the client
    #[arg(long, requires = "client_id")]
    pub(super) client_secret: Option<String>,
    /// A client with the scope administrator
    #[arg(long, requires = "admin_client_secret")]
    pub(super) admin_client_id: Option<String>,
    /// The secret of the client with the scope administrator
    #[arg(long, requires = "admin_client_id")]
    pub(super) admin_client_secret: Option<String>,
    /// A public native client in which people sign in, with the redirect URI
    /// `http://127.0.0.1/callback`
    #[arg(long, requires = "people")]
    pub(super) people_client_id: Option<String>,
}
