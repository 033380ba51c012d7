//! `kith serve`: all functions on one port, on the embedded table.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use local::serve::Service;

use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::say;
use crate::signals::stop_signal;

/// Where to serve.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = default_address())]
    listen: SocketAddr,
    /// Keep the table in memory; the data folder holds `demo.env` only.
    #[arg(long)]
    memory: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: default_address(), memory: false }
    }
}

fn default_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3000))
}

/// Serves until it is told to stop.
pub(crate) async fn run(options: Options, location: &TableLocation) -> Result<ExitCode, Failure> {
    if location.is_remote() {
        return Err("`serve` runs on the embedded table; a DynamoDB table is served by the \
                    deployed functions"
            .into());
    }
    shared::log::to(std::io::stderr);
    let service = Service::start(options.listen, &location.data, options.memory).await?;
    say(how_to(&service))?;
    service.run(stop_signal()).await?;
    Ok(ExitCode::SUCCESS)
}

fn how_to(service: &Service) -> String {
    let (url, env) = (&service.url, service.env_file.display());
    format!(
        "Kith serves on {url}   (Ctrl-C stops it)

  API reference:        {url}/docs
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
