//! Mail through an SMTP server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use lettre::address::Envelope;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use mailer::{Message, SendError, Transport};

use crate::Failure;
use crate::dynamodb::is_this_machine;

/// How long one step of the protocol may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The answers that concern the credentials and not the message.
const OF_CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// An SMTP server.
#[derive(Clone)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl fmt::Debug for Smtp {
    /// Without the server's URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

impl FromStr for Smtp {
    type Err = Failure;

    /// Reads a URL: `smtps://user:password@host`, `smtp://host:587?tls=required`, or `smtp://` and
    /// a host of this machine. Mails hold links that let people in, so they leave this machine over
    /// TLS alone.
    fn from_str(url: &str) -> Result<Self, Failure> {
        let expected = "expected `smtps://user:password@host`, `smtp://host:587?tls=required`, or \
                        `smtp://localhost:PORT` for a server on this machine";
        let uri: Uri = url.parse().map_err(|_| expected)?;
        let authority = uri.authority().ok_or(expected)?;
        let safe = match uri.scheme_str() {
            Some("smtps") => true,
            Some("smtp") => {
                let required = uri.query().unwrap_or_default().split('&');
                required.into_iter().any(|part| part == "tls=required")
                    || is_this_machine(authority)
            }
            _ => false,
        };
        if !safe {
            return Err(expected.into());
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| expected)?;
        Ok(Self(builder.timeout(Some(TIMEOUT)).build()))
    }
}

impl Transport for Smtp {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|_| SendError::Refused("not an address".to_owned()))
        };
        let envelope = Envelope::new(Some(address(&message.from)?), vec![address(&message.to)?]);
        let envelope = envelope.map_err(|error| SendError::Refused(error.to_string()))?;
        self.0.send_raw(&envelope, &message.mime).await.map(drop).map_err(|error| reason(&error))
    }
}

/// Why a message was not taken, without the words of the server, which may name the address.
fn reason(error: &lettre::transport::smtp::Error) -> SendError {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() && !OF_CREDENTIALS.contains(&code) => {
            SendError::Refused(code.to_string())
        }
        Some(code) => SendError::Unavailable(code.to_string()),
        None if error.is_timeout() => SendError::Unavailable("timeout".to_owned()),
        None if error.is_tls() => SendError::Unavailable("tls".to_owned()),
        None => SendError::Unavailable("no connection".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g51_mail_leaves_this_machine_over_tls_alone() {
        for (url, due) in [
            ("smtp://localhost:2525", true),
            ("smtp://127.0.0.1:2525", true),
            ("smtps://jan:secret@mail.example.org", true),
            ("smtp://mail.example.org:587?tls=required", true),
            ("smtp://mail.example.org:587", false),
            ("smtp://mail.example.org:587?tls=opportunistic", false),
            ("http://localhost", false),
            ("localhost:25", false),
            ("", false),
        ] {
            assert_eq!(url.parse::<Smtp>().is_ok(), due, "{url}");
        }
        let smtp: Smtp = "smtps://jan:secret@mail.example.org".parse().unwrap();
        assert!(!format!("{smtp:?}").contains("secret"));
    }
}
