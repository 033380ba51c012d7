//! `kith serve`: all functions on one port, on the embedded table.

use std::io::IsTerminal as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Command, FromArgMatches as _};
use local::base_url::BaseUrl;
use local::cors::Origin;
use local::mail::{Route, Smtp};
use local::serve::Service;
use mailer::Message;
use shared::log::{self, Level};

use crate::arguments::one_of;
use crate::failure::Failure;
use crate::location::TableLocation;
use crate::output::{Console, say};
use crate::signals::stop_signal;

/// Where to serve.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to listen: `HOST:PORT`, or a port on this machine
    #[arg(long, value_name = "ADDRESS", default_value_t = default_address(), value_parser = address)]
    listen: SocketAddr,
    /// The base URL that people and clients reach the service by, if it is not this machine's own
    #[arg(long, value_name = "URL")]
    base_url: Option<BaseUrl>,
    /// Send mails through this SMTP server: `smtps://user:password@host`,
    /// `smtp://host:587?tls=required` or `smtp://localhost:2525`; without it they are files in the
    /// data folder
    #[arg(
        long,
        value_name = "URL",
        env = "KITH_SMTP",
        hide_env_values = true,
        requires = "mail_from"
    )]
    smtp: Option<Smtp>,
    /// The sender of mails: an address or `Name <address>`
    #[arg(long, value_name = "ADDRESS", requires = "smtp")]
    mail_from: Option<String>,
    /// Keep the table in memory; the data folder holds `demo.env`, a key and mails only
    #[arg(long, conflicts_with = "audit_export")]
    memory: bool,
    /// Lend the table to programs of this machine over DynamoDB's protocol, as `kith`
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    dynamodb: Option<SocketAddr>,
    /// Let web pages of these origins call: `https://app.example.com`, with commas between several,
    /// or `*`
    #[arg(long, value_name = "ORIGINS", value_delimiter = ',')]
    cors: Vec<Origin>,
    /// Export the audit to this folder, each hour after it has ended
    #[arg(long, value_name = "DIR")]
    audit_export: Option<PathBuf>,
    /// The least severe lines to log: as text if the error output is a terminal, else as JSON
    #[arg(
        long,
        value_name = "LEVEL",
        env = "KITH_LOG",
        default_value = "info",
        value_parser = one_of::<Level>(["error", "warn", "info", "debug"])
    )]
    log: Level,
}

impl Options {
    /// The options of `kith` without a command.
    pub(crate) fn of_environment() -> Self {
        let command = Self::augment_args(Command::new("kith"));
        let read = command.try_get_matches_from(["kith"]);
        let read = read.and_then(|matches| Self::from_arg_matches(&matches));
        read.unwrap_or_else(|error| error.exit())
    }
}

fn default_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3000))
}

/// Reads an address, a host name with a port, or a port alone, which is one of this machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let expected = "expected HOST:PORT or a port, e.g. localhost:3000 or 3000";
    if text.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        return Err(expected.to_owned());
    }
    let found = text.to_socket_addrs().map_err(|error| format!("{expected} ({error})"))?;
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|address| !address.is_ipv4());
    found.first().copied().ok_or_else(|| expected.to_owned())
}

/// Serves until Ctrl-C or SIGTERM.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    if location.is_remote() {
        return Err("`serve` uses the embedded table; the \
                    deployed functions serve a DynamoDB table"
            .into());
    }
    if options.cors.len() > 1 && options.cors.contains(&Origin::Any) {
        let cause = "`--cors` has `*` and other origins; `*` allows all of them, so give it alone";
        return Err(cause.into());
    }
    if std::io::stderr().is_terminal() {
        log::as_text(std::io::stderr, options.log);
    } else {
        log::as_json(std::io::stderr, options.log);
    }
    let (listen, base_url) = (options.listen, options.base_url);
    let service =
        Box::pin(Service::start(listen, base_url, &location.data, options.memory)).await?;
    let mut service = service.called_from(options.cors);
    match options.smtp.zip(options.mail_from) {
        Some((smtp, from)) => service = service.mailing(Route::Smtp(smtp), sender(from)?),
        // The person at this terminal reads the mails, with the links in them.
        None if !console.quiet => service = service.telling_mails(Arc::new(tell)),
        None => {}
    }
    if let Some(folder) = options.audit_export {
        std::fs::create_dir_all(&folder).map_err(|error| {
            let name = folder.display();
            format!("cannot make the folder `{name}` of `--audit-export`: {error}")
        })?;
        service = service.exporting_audit(folder);
    }
    let lent = match options.dynamodb {
        Some(address) => Some(service.lend(address).await?),
        None => None,
    };
    let stop = stop_signal();
    say(format_args!("Kith serves on {}   (Ctrl-C stops it)", service.url))?;
    if let Some(address) = lent {
        say(format_args!("Its table, `kith`, is lent on http://{address}"))?;
    }
    if !console.quiet {
        say(how_to(&service))?;
        if let Some(link) = &service.invitation {
            say(invitation(link))?;
        }
    }
    service.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Takes a sender of mails, or says what one is.
fn sender(text: String) -> Result<String, Failure> {
    if mailer::is_sender(&text) {
        return Ok(text);
    }
    Err(format!("--mail-from: expected an address or `Name <address>`, found `{text}`").into())
}

/// Shows a mail that is a file now, with its link.
fn tell(message: &Message) {
    let link = message.link.as_ref().map(|link| format!("\n  {link}")).unwrap_or_default();
    // If the terminal is gone, the mail is in the data folder.
    let _ = say(format_args!("Mail to {}: {}{link}", message.to, message.subject));
}

fn invitation(link: &str) -> String {
    format!(
        "  Set the password of the administrator, `admin`. The link works once, for 7 days:

    {link}
"
    )
}

fn how_to(service: &Service) -> String {
    let (url, env) = (&service.url, service.env_file.display());
    format!(
        "
  API reference:        {url}/docs
  Sign in:              {url}/idhub/login/acme
  See the whole flow:   kith tour        (cargo run -- tour)
  A person's token:     kith token --subject mia --email mia@example.org
  Or by hand, in another terminal:

    set -a; . {env}; set +a
    TOKEN=$(curl -s $KITH_URL/idhub/oidc/v1/token -d grant_type=client_credentials \\
      -u \"$KITH_CLIENT_ID:$KITH_CLIENT_SECRET\" | sed \
         's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
    curl -i $KITH_URL/identity/users -H \"Authorization: Bearer $TOKEN\" \\
      --json '{{\"username\": \"jan.janssen\", \"preferred_email\": \"jan@example.org\"}}'
"
    )
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_port_a_host_name_or_an_address_is_listened_on() {
        for (text, due) in [
            ("3132", "127.0.0.1:3132"),
            (":3132", "127.0.0.1:3132"),
            ("localhost:3132", "127.0.0.1:3132"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), due, "{text}");
        }
        for wrong in ["", "localhost", "http://localhost:3000/", "127.0.0.1:99999"] {
            let said = address(wrong).unwrap_err();
            assert_eq!(
                said, "expected HOST:PORT or a port, e.g. localhost:3000 or 3000",
                "{wrong}"
            );
        }
    }
}
