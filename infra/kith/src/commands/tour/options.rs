//! The command line of `kith tour`.

use clap::Args;

use crate::remote::base_url;

/// Where the tour goes, and as whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Walk the life of a person instead: sign-in, two systems, an override, being forgotten in
    /// one and in all.
    #[arg(long)]
    pub(super) lifecycle: bool,
    /// A running service. Without it: the one in `demo.env` if it answers, else one started in
    /// memory for the tour.
    #[arg(long, value_parser = base_url)]
    pub(super) url: Option<String>,
    /// A client with users:read, users:write, config:read and the `refresh_token` grant.
    #[arg(long, requires = "client_secret")]
    pub(super) client_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "client_id")]
    pub(super) client_secret: Option<String>,
    /// A client with the scope administrator.
    #[arg(long, requires = "admin_client_secret")]
    pub(super) admin_client_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "admin_client_id")]
    pub(super) admin_client_secret: Option<String>,
}
