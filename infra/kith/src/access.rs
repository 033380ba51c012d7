//! Which running service a command calls, and as which client.

use std::path::Path;

use clap::Args;
use local::demo::{self, ENV_FILE};
use reqwest::Url;

use crate::failure::Failure;

/// The service that is called, and the client that calls it.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// The base URL of the service; by default the one in `demo.env` of the data folder
    #[arg(long, env = "KITH_URL", value_parser = base_url)]
    pub(crate) url: Option<String>,
    /// The id of the client
    #[arg(long, env = "KITH_CLIENT_ID", value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The secret of the client; the variable keeps it out of the list of processes
    #[arg(long, env = "KITH_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub(crate) client_secret: Option<String>,
}

/// Takes the URL of a service, or nothing: an empty variable is none.
pub(crate) fn base_url(text: &str) -> Result<String, &'static str> {
    let good = |url: Url| matches!(url.scheme(), "http" | "https");
    if text.is_empty() || Url::parse(text).is_ok_and(good) {
        return Ok(text.to_owned());
    }
    Err("expected an http or https URL, e.g. https://kith.example.org")
}

/// The service that is called, and the client's own credentials.
pub(crate) struct Credentials {
    /// Without a slash at the end.
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

/// The variables of the demonstration's back end begin with it.
pub(crate) const BACK_END: &str = "KITH_CLIENT";
/// The variables of the demonstration's administrator begin with it.
pub(crate) const ADMINISTRATOR: &str = "KITH_ADMIN_CLIENT";

impl Access {
    /// Takes missing options from the environment of the demonstration, where the variables of its
    /// client begin with `client`.
    pub(crate) fn credentials(self, data: &Path, client: &str) -> Result<Credentials, Failure> {
        let mut known = demo::read_env(&data.join(ENV_FILE)).unwrap_or_default();
        // Credentials are for the service that they came with.
        let elsewhere = |url: &String| {
            !url.is_empty()
                && known
                    .get("KITH_URL")
                    .is_none_or(|known| known.trim_end_matches('/') != url.trim_end_matches('/'))
        };
        if self.url.as_ref().is_some_and(elsewhere) {
            known.clear();
        }
        let value = |given: Option<String>, name: &str, option: &str| {
            let missing = || format!("{name} is not set; set it or use --{option}");
            given
                .filter(|given| !given.is_empty())
                .or_else(|| known.get(name).cloned())
                .ok_or_else(missing)
        };
        Ok(Credentials {
            url: value(self.url, "KITH_URL", "url")?.trim_end_matches('/').to_owned(),
            client_id: value(self.client_id, &format!("{client}_ID"), "client-id")?,
            client_secret: value(self.client_secret, &format!("{client}_SECRET"), "client-secret")?,
        })
    }
}
