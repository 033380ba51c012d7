//! Failed authentications are slowed down: after some in a minute, from one address for one client
//! or for any, the answer is 429.
//!
//! Only failures are counted, and only a failing request gets 429. A client that authenticates pays
//! nothing, and strangers who know its id cannot lock it out. Nobody guesses a secret of 256 random
//! bits: the limit bounds what guessing costs the service.

use std::net::{IpAddr, Ipv6Addr};

use shared::app::App;
use shared::domain::Result;
use shared::env::Timestamp;

/// How long failures are counted together, in seconds.
const WINDOW: i64 = 60;
/// How many failures of one client from one address are answered in a window.
const MOST_OF_CLIENT: u32 = 10;
/// How many failures from one address are answered in a window.
const MOST_OF_ADDRESS: u32 = 100;

/// What counts as one address: a subscriber has a whole /64 of IPv6 (RFC 6177 §2).
fn network(address: &str) -> String {
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string()
        }
        Err(_) => address.to_owned(),
    }
}

/// Counts a failure; says after how many seconds the next is worth a try, when there were too many.
pub(crate) async fn failed(app: &App, client: &str, address: &str) -> Result<Option<i64>> {
    let address = network(address);
    let now = app.env().clock.now().seconds();
    let window = now.div_euclid(WINDOW);
    let end = (window + 1) * WINDOW;
    let until = Timestamp::from_millis(end * 1000);
    // The address first: past its limit, ids that are made up leave no counters behind.
    for (client, most) in [(None, MOST_OF_ADDRESS), (Some(client), MOST_OF_CLIENT)] {
        if !app.table().count_failure(window, (&address, client), most, until).await? {
            return Ok(Some(end - now));
        }
    }
    Ok(None)
}
