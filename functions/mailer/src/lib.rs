//! Mail to people: the function that alone may send.
//!
//! Other functions put mails into an outbox in the table. A mail there names a person and a kind;
//! it holds no token and no address that the profile does not have. This function makes the
//! one-time link of a mail when it sends the mail, so the token is nowhere but in the message (rule
//! G44).
//!
//! The table's stream calls it for each new mail. A schedule calls it each minute for mails that
//! wait. SNS calls it when an address does not take mail.

mod addressee;
mod bounce;
mod delivery;
mod event;
mod limits;
mod message;
mod texts;
mod transport;

use std::collections::BTreeMap;

use lettre::message::Mailbox;
use serde::Serialize;
use shared::app::App;
use shared::domain::error::{Error, Result};
use shared::domain::id::TenantId;
use shared::domain::lookup::email_hash;
use shared::domain::people::Bounced;
use shared::env::Timestamp;
use shared::store::Key;
use shared::store::keys::OUTBOX_SHARDS;

pub use self::addressee::Skipped;
use self::bounce::Notification;
pub use self::delivery::{MAX_TRIES, Outcome};
pub use self::event::{Handled, MailerEvent, handle};
pub use self::limits::{DAILY, HOURLY};
pub use self::message::Message;
pub use self::transport::{SendError, Ses, Transport};

/// How long one call works, in seconds; the next one continues.
pub const BUDGET_SECONDS: i64 = 40;

/// Sends mails by one way, from one sender.
pub struct Mailer<T> {
    app: App,
    transport: T,
    from: Mailbox,
    base_url: String,
    /// The host of the service, as mails name it.
    service: String,
}

/// Whether a text is a sender: an address or `Name <address>`.
#[must_use]
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// What became of some mails, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deliveries {
    /// They were sent.
    pub sent: u64,
    /// They go to nobody.
    pub skipped: u64,
    /// Their persons got enough mails.
    pub limited: u64,
    /// They wait for another try.
    pub delayed: u64,
    /// They can never be sent, or were tried often enough.
    pub failed: u64,
    /// How long ago the oldest of the mails whose time had come was put into the outbox, in
    /// seconds.
    pub oldest_seconds: i64,
}

impl Deliveries {
    fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Sent => &mut self.sent,
            Outcome::Skipped(Skipped::Limited) => &mut self.limited,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Delayed => &mut self.delayed,
            Outcome::Refused | Outcome::GivenUp => &mut self.failed,
            Outcome::Gone => return,
        } += 1;
    }
}

/// What became of the mails of each tenant.
#[derive(Default)]
struct Tally(BTreeMap<TenantId, Deliveries>);

impl Tally {
    /// Counts a mail. A mail that could not be delivered because of the table waits.
    fn add(&mut self, tenant: &TenantId, outcome: Result<Outcome>) {
        let outcome = outcome.unwrap_or_else(|error| {
            tracing::error!(operation = "deliver_mail", %tenant, cause = %error);
            Outcome::Delayed
        });
        self.0.entry(tenant.clone()).or_default().add(outcome);
    }

    /// Logs the numbers of each tenant, without names and addresses (rule G71), and sums them up.
    fn close(self) -> Deliveries {
        let mut total = Deliveries::default();
        for (tenant, Deliveries { sent, skipped, limited, delayed, failed, .. }) in self.0 {
            tracing::info!(
                operation = "mails", %tenant, sent, skipped, limited, delayed, failed
            );
            total.sent += sent;
            total.skipped += skipped;
            total.limited += limited;
            total.delayed += delayed;
            total.failed += failed;
        }
        total
    }
}

impl<T: Transport> Mailer<T> {
    /// A mailer. `from` is an address or `Name <address>`. The base URL has to be configured: links
    /// never come from the header of a request (rule G47).
    pub fn new(app: App, transport: T, from: &str) -> Result<Self> {
        let from = from.parse::<Mailbox>().map_err(|_| {
            Error::unexpected("the sender of mail: expected an address or `Name <address>`")
        })?;
        let base_url = app.base_url().map(str::to_owned);
        let base_url =
            base_url.ok_or_else(|| Error::unexpected("mails need a configured base URL"))?;
        let service = base_url.split_once("://").map_or(base_url.as_str(), |(_, host)| host);
        let service = service.to_owned();
        Ok(Self { app, transport, from, base_url, service })
    }

    /// Delivers the mails of the outbox whose time has come, until none is left or `until` has
    /// come.
    pub async fn deliver_due(&self, until: Timestamp) -> Result<Deliveries> {
        let (mut tally, mut oldest_seconds) = (Tally::default(), 0);
        for shard in 0..OUTBOX_SHARDS {
            let now = self.now();
            for (key, mail) in self.app.table().mails(shard, now).await? {
                let age = now.seconds() - mail.value.created_at.seconds();
                oldest_seconds = oldest_seconds.max(age);
                if self.now() >= until {
                    continue;
                }
                let tenant = mail.value.tenant.clone();
                tally.add(&tenant, self.deliver_mail(&key, mail).await);
            }
        }
        Ok(Deliveries { oldest_seconds, ..tally.close() })
    }

    /// Delivers mails by their keys. What fails waits in the outbox.
    async fn deliver_some(&self, keys: impl Iterator<Item = &Key>, until: Timestamp) -> Deliveries {
        let mut tally = Tally::default();
        for key in keys {
            if self.now() >= until {
                break;
            }
            match self.app.table().mail(key).await {
                Ok(Some(mail)) => {
                    let tenant = mail.value.tenant.clone();
                    tally.add(&tenant, self.deliver_mail(key, mail).await);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(operation = "deliver_mail", cause = %error),
            }
        }
        tally.close()
    }

    /// Notes a bounce or a complaint, as SNS brings it: no mail goes to the address any more (rule
    /// G72). A notification of another kind changes nothing.
    pub async fn note_failure(&self, notification: &str) -> Result<()> {
        let Some(notification) = Notification::read(notification) else {
            tracing::warn!(operation = "bounce", cause = "unreadable notification");
            return Ok(());
        };
        let Some((reason, addresses)) = notification.dead() else { return Ok(()) };
        let Some((tenant, user)) = notification.user() else {
            tracing::warn!(operation = "bounce", cause = "the message has no tags of this service");
            return Ok(());
        };
        tracing::info!(operation = "bounce", %tenant, cause = reason.name());
        for address in addresses.into_iter().filter_map(email_hash) {
            let bounced = Bounced { address, at: self.now() };
            self.app.table().mark_bounced(&tenant, user, bounced).await?;
        }
        Ok(())
    }
}
