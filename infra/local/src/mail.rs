//! Mail under `kith serve`: into files of the data folder, or out through an SMTP server. When the
//! service is deployed, the function `mailer` sends through SES.

mod folder;
mod smtp;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mailer::{Mailer, Message, SendError, Transport};
use shared::app::App;

pub use self::folder::{FOLDER, Folder};
pub use self::smtp::Smtp;

/// The sender, unless another one is given.
pub const FROM: &str = "Kith <no-reply@localhost.localdomain>";
/// How long the mailer rests when it has looked for mails.
const REST: Duration = Duration::from_millis(500);
/// How long one look may take, in seconds.
const TURN: i64 = 60;

/// The way that mail leaves by.
#[derive(Clone, Debug)]
pub enum Route {
    /// Into a folder.
    Folder(Folder),
    /// Through an SMTP server.
    Smtp(Smtp),
}

/// Tells the person at the terminal of a mail that was sent.
pub type Teller = Arc<dyn Fn(&Message) + Send + Sync>;

/// A route that tells of each mail.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) route: Route,
    pub(crate) teller: Option<Teller>,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("route", &self.route).finish_non_exhaustive()
    }
}

impl Transport for Told {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        match &self.route {
            Route::Folder(folder) => folder.send(message).await?,
            Route::Smtp(smtp) => smtp.send(message).await?,
        }
        if let Some(teller) = &self.teller {
            teller(message);
        }
        Ok(())
    }
}

/// Delivers the mails of the outbox again and again.
pub(crate) async fn run(app: App, way: Told, from: String) -> Infallible {
    let mailer = match Mailer::new(app.clone(), way, &from) {
        Ok(mailer) => mailer,
        Err(error) => {
            tracing::error!(operation = "mails", cause = %error);
            std::future::pending().await
        }
    };
    loop {
        let until = app.env().clock.now().plus_seconds(TURN);
        if let Err(error) = mailer.deliver_due(until).await {
            tracing::error!(operation = "mails", cause = %error);
        }
        tokio::time::sleep(REST).await;
    }
}
