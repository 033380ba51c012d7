//! Browsers: the cookie by which one is known in which a person signed in before, its names, and the
//! network that it is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::SET_COOKIE;
use ring::hmac;
use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{Browser, SecretHash};
use shared::domain::user::User;
use shared::domain::versioned::Version;
use shared::http::cookies::{self, Cookie};
use shared::store::keys::LoginKey;

use crate::visit::Visit;

/// How long a browser stays known, in seconds: one year.
const KNOWN_SECONDS: i64 = 365 * 24 * 3600;

/// A browser in which a person signed in before (rule G35). Strangers cannot use up its tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// The tenant of the person.
    tenant: TenantId,
    /// The person.
    user: UserId,
    /// The version of the user that the sign-in wrote.
    version: u64,
    /// A number that no other browser has.
    number: String,
}

impl Device {
    /// The browser in which a person has just signed in. A browser that is known keeps its number.
    pub(crate) fn new(
        visit: &Visit,
        tenant: &TenantId,
        user: UserId,
        version: Version,
        known: Option<&Self>,
    ) -> Self {
        let number = known.map_or_else(
            || URL_SAFE_NO_PAD.encode(visit.app.env().random.bytes::<16>()),
            |known| known.number.clone(),
        );
        Self { tenant: tenant.clone(), user, version: version.0, number }
    }

    /// The browser that a request comes from, if this person signed in in it before and has not
    /// ended all sessions since. `handle` is the random name of the person's account.
    pub(crate) async fn known(
        visit: &Visit,
        tenant: &TenantId,
        user: &User,
        handle: &SecretHash,
    ) -> Result<Option<Self>> {
        let Some(cookie) = visit.cookie(Cookie::Device) else { return Ok(None) };
        let Some((text, tag)) = cookie.rsplit_once('.') else { return Ok(None) };
        let (Some(device), Ok(tag)) = (Self::parse(text), URL_SAFE_NO_PAD.decode(tag)) else {
            return Ok(None);
        };
        let names = device.tenant == *tenant && device.user == user.id;
        if !names || user.has_signed_out(Version(device.version)) {
            return Ok(None);
        }
        let key = device_key(visit).await?;
        let verified = hmac::verify(&key, signed(text, handle).as_bytes(), &tag).is_ok();
        Ok(verified.then_some(device))
    }

    /// The `Set-Cookie` by which the browser is known from now on.
    pub(crate) async fn cookie(&self, visit: &Visit, handle: &SecretHash) -> Result<HeaderValue> {
        let text = self.text();
        let key = device_key(visit).await?;
        let tag = hmac::sign(&key, signed(&text, handle).as_bytes());
        let value = format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag));
        cookies::set(Cookie::Device, &visit.base_url, &value, Some(KNOWN_SECONDS))
    }

    /// The name of its counter.
    pub(crate) fn number(&self) -> &str {
        &self.number
    }

    fn text(&self) -> String {
        format!("{}.{}.{}.{}", self.tenant, self.user, self.version, self.number)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let device = Self {
            tenant: parts.next()?.parse().ok()?,
            user: parts.next()?.parse().ok()?,
            version: parts.next()?.parse().ok()?,
            number: parts.next()?.to_owned(),
        };
        parts.next().is_none().then_some(device)
    }
}

/// Keeps this browser known when its person ends the other sessions, which wrote this version of the
/// user. Otherwise strangers who close their counter would close out the person as well.
pub(crate) async fn keep_known(
    visit: &Visit,
    signed_in: &SignedIn,
    version: Version,
    mut answer: Response,
) -> Response {
    match known_as_of(visit, signed_in, version).await {
        Ok(cookie) => answer.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie))),
        Err(error) => tracing::warn!(%error, "a browser is not known any more"),
    }
    answer
}

/// The cookie of this browser as of a version of the user, if the browser was known before it.
async fn known_as_of(
    visit: &Visit,
    signed_in: &SignedIn,
    version: Version,
) -> Result<Option<HeaderValue>> {
    let (tenant, user) = (&signed_in.tenant, &signed_in.user.value);
    if visit.cookie(Cookie::Device).is_none() {
        return Ok(None);
    }
    let Some(facts) = visit.app.table().login_facts(tenant, user.id).await? else {
        return Ok(None);
    };
    let handle = &facts.value.user_handle;
    let Some(known) = Device::known(visit, tenant, user, handle).await? else { return Ok(None) };
    Device { version: version.0, ..known }.cookie(visit, handle).await.map(Some)
}

/// The key of the MAC.
async fn device_key(visit: &Visit) -> Result<hmac::Key> {
    let key = visit.app.table().login_key(LoginKey::Device).await?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

/// What the MAC of a cookie covers: the cookie and the random name of the account.
fn signed(text: &str, handle: &SecretHash) -> String {
    format!("device:{text}:{handle}")
}

/// The network of an address: the address itself of IPv4, the /56 of IPv6, which one subscriber has
/// (RFC 6177 §2).
pub(crate) fn network(address: &str) -> String {
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let prefix = Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 56));
            format!("{prefix}/56")
        }
        Err(_) => address.to_owned(),
    }
}

/// A network as it is kept and shown, which is never a whole address (rule G24): the /24 of IPv4,
/// the /48 of IPv6. `None` if no address is known.
pub(crate) fn place(network: &str) -> Option<String> {
    let address = network.split('/').next()?.parse().ok()?;
    Some(match address {
        IpAddr::V4(address) => {
            let prefix = Ipv4Addr::from_bits(address.to_bits() & !(u32::MAX >> 24));
            format!("{prefix}/24")
        }
        IpAddr::V6(address) => {
            let prefix = Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 48));
            format!("{prefix}/48")
        }
    })
}

/// The browsers by the word in their `User-Agent` that no earlier one has.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];

/// The systems likewise.
const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// What a `User-Agent` tells of a browser; `None` if it tells nothing. The names are the service's
/// own, so that a page and a mail never show what a stranger wrote.
pub(crate) fn browser(agent: &str) -> Option<Browser> {
    let find = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name)
    };
    let safari = || agent.contains("Safari/").then_some("Safari");
    let (name, system) = (find(&BROWSERS).or_else(safari), find(&SYSTEMS));
    (name.is_some() || system.is_some())
        .then(|| Browser { name: name.map(str::to_owned), system: system.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g35_a_network_is_an_address_or_the_prefix_of_a_subscriber() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1234:56ff:1:2:3:4", "2001:db8:1234:5600::/56"),
            ("2001:db8:1234:5601::9", "2001:db8:1234:5600::/56"),
            ("-", "-"),
        ] {
            assert_eq!(network(address), expected);
        }
    }

    #[test]
    fn g24_what_is_shown_of_an_address_is_its_network() {
        for (address, expected) in [
            ("203.0.113.7", Some("203.0.113.0/24")),
            ("::ffff:203.0.113.7", Some("203.0.113.0/24")),
            ("2001:db8:1234:56ff:1:2:3:4", Some("2001:db8:1234::/48")),
            ("-", None),
        ] {
            assert_eq!(place(&network(address)).as_deref(), expected);
        }
    }

    #[test]
    fn g24_a_browser_has_names_of_known_words() {
        for (agent, name, system) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("Firefox"),
                Some("Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                Some("Edge"),
                Some("Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                Some("Safari"),
                Some("iOS"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Mobile Safari/537.36",
                Some("Chrome"),
                Some("Android"),
            ),
            ("Firefox/140.0", Some("Firefox"), None),
            ("curl/8.9 (Linux)", None, Some("Linux")),
        ] {
            let found = browser(agent).unwrap();
            assert_eq!((found.name.as_deref(), found.system.as_deref()), (name, system));
        }
        assert_eq!(browser("<script>"), None);
    }

    #[test]
    fn g35_a_device_reads_back() {
        let device = Device {
            tenant: "acme".parse().unwrap(),
            user: "0192f3c1-0000-7000-8000-000000000001".parse().unwrap(),
            version: 7,
            number: "AAAA".to_owned(),
        };
        assert_eq!(Device::parse(&device.text()), Some(device.clone()));
        for wrong in ["", "acme", "acme.x.7.A", &format!("{}.x", device.text())] {
            assert_eq!(Device::parse(wrong), None, "{wrong}");
        }
    }
}
