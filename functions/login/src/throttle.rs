//! Guesses at passwords are slowed down, and the person whose password it is can still sign in
//! (rules G34 to G36).
//!
//! Each attempt is counted before its hash is computed, so parallel guesses gain nothing. A browser
//! in which the person signed in before has a counter of its own, so strangers cannot use up its
//! tries. All other browsers share one counter of the username, whether or not a user has it.
//! Failures are counted by network too: a network guesses at many usernames.

use shared::app::App;
use shared::domain::error::Result;
use shared::domain::id::TenantId;
use shared::domain::people::{
    Reservation as Granted, Throttle, counter_name, own_counter, strangers_counter,
};
use shared::env::Timestamp;

use crate::device::Device;
use crate::visit::Visit;

/// How long failures of one network are counted together, in seconds.
const NETWORK_WINDOW: i64 = 15 * 60;
/// How many failures of one network are answered in a window. Whole offices share an address.
const MOST_OF_NETWORK: u32 = 100;
/// How long requests for mail of one network are counted together, in seconds.
const MAIL_WINDOW: i64 = 3600;
/// How many requests for mail of one network are heeded in a window (rule G37).
const MOST_MAILS: u32 = 30;

/// Who tries a password.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guesser<'d> {
    /// A browser in which this person signed in before.
    Known(&'d Device),
    /// Any other browser.
    Stranger,
    /// The person who is signed in, and who repeats the own password.
    SignedIn,
}

/// An attempt that may be made. It stays counted as a failure unless it succeeds.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// How many attempts before it failed in a row; exact from five on.
    pub(crate) failures: u32,
    counter: String,
    strangers: String,
    /// The network whose failures are counted, if they are.
    network: Option<String>,
}

/// Why an attempt may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The counter of the username or of the browser says wait. The answer is that of a wrong
    /// password.
    Account,
    /// The network has failed too often; the next attempt is worth a try after these seconds.
    Network(i64),
}

/// Asks for an attempt, and counts it. `Err` holds why there is none.
pub(crate) async fn reserve(
    visit: &Visit,
    tenant: &TenantId,
    username: &str,
    guesser: Guesser<'_>,
) -> Result<Result<Attempt, Closed>> {
    let table = visit.app.table();
    let strangers = strangers_counter(tenant, username);
    let (counter, throttle) = match guesser {
        Guesser::Known(device) => {
            let browsers = format!("device {}", device.number());
            (counter_name(&browsers, tenant, username), Throttle::WAITS)
        }
        Guesser::SignedIn => (own_counter(tenant, username), Throttle::WAITS),
        Guesser::Stranger => (strangers.clone(), Throttle::STRANGERS),
    };
    let network = matches!(guesser, Guesser::Stranger).then(|| visit.network.clone());
    if let Some(network) = &network
        && let Some(seconds) = closed_for(visit, network).await?
    {
        return Ok(Err(Closed::Network(seconds)));
    }
    Ok(match table.reserve_attempt(&counter, &throttle).await? {
        Granted::Granted { failures } => Ok(Attempt { failures, counter, strangers, network }),
        Granted::Wait { .. } | Granted::Closed => Err(Closed::Account),
    })
}

impl Attempt {
    /// The password was right: clears the counter of the browser, and that of strangers (rule G35).
    pub(crate) async fn succeeded(&self, visit: &Visit) -> Result<()> {
        let table = visit.app.table();
        // Strangers who write their counter at this moment do not keep this one.
        if self.counter != self.strangers {
            table.clear_attempts(&self.counter).await?;
        }
        table.clear_attempts(&self.strangers).await
    }

    /// The password was wrong: counts it for the network too.
    pub(crate) async fn failed(&self, visit: &Visit) -> Result<()> {
        let Some(network) = &self.network else { return Ok(()) };
        let (window, end) = window_of(visit, NETWORK_WINDOW);
        let counter = (network.as_str(), Some(NETWORK));
        visit.app.table().count_failure(window, counter, MOST_OF_NETWORK, end).await.map(|_| ())
    }
}

/// The name under which failures of a network are counted; no client has it.
const NETWORK: &str = "sign-in";
/// The name under which requests for mail are counted; no client has it.
const MAIL: &str = "mail";

/// The number of the present window, and when it ends.
fn window_of(visit: &Visit, seconds: i64) -> (i64, Timestamp) {
    let window = visit.app.env().clock.now().seconds().div_euclid(seconds);
    (window, Timestamp::from_millis((window + 1) * seconds * 1000))
}

/// For how many seconds a network is not answered any more, if it failed too often.
async fn closed_for(visit: &Visit, network: &str) -> Result<Option<i64>> {
    let (window, end) = window_of(visit, NETWORK_WINDOW);
    let failures = visit.app.table().failures(window, (network, Some(NETWORK))).await?;
    let left = end.seconds() - visit.app.env().clock.now().seconds();
    Ok((failures >= MOST_OF_NETWORK).then_some(left))
}

/// Opens the counter of strangers: after a sign-in by passkey, and after a reset (rule G35).
pub(crate) async fn forgive(app: &App, tenant: &TenantId, username: &str) -> Result<()> {
    app.table().clear_attempts(&strangers_counter(tenant, username)).await
}

/// Whether a request for mail from this network is heeded; counts it (rule G37).
pub(crate) async fn may_ask_for_mail(visit: &Visit) -> Result<bool> {
    let (window, end) = window_of(visit, MAIL_WINDOW);
    let counter = (visit.network.as_str(), Some(MAIL));
    visit.app.table().count_failure(window, counter, MOST_MAILS, end).await
}
