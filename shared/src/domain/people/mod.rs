//! People who sign in at the service itself: their sessions, credentials, codes, links and mail, and
//! what their tenant asks of credentials.
//!
//! A user holds what everybody may see of it. What a person needs to sign in is kept beside: facts
//! about credentials ([`LoginFacts`]) in the user's partition, secrets in partitions that one
//! function reads.

mod attempts;
mod browser;
mod code;
mod grant;
mod link;
mod login;
mod mail;
mod passkey;
pub mod rights;
mod secret;
pub mod session;
mod settings;

pub use self::attempts::{
    Reservation, Throttle, counter_name, counters_of, own_counter, strangers_counter,
};
pub use self::browser::Browser;
pub use self::code::{CODE_SECONDS, Code, EXCHANGED_SECONDS, Exchanged};
pub use self::grant::{ClientConsent, FamilyName};
pub use self::link::{Link, LinkKind, LinkName, LinkToken};
pub use self::login::{
    Bounced, LoginFacts, MAX_PASSKEYS, PasskeyFacts, PasswordFacts, PendingAddress, SetBy,
    TEMPORARY_SECONDS, UNDO_SECONDS, Undo,
};
pub use self::mail::{MAIL_SECONDS, Mail, MailFacts, MailKind, Recipient};
pub use self::passkey::Passkey;
pub use self::secret::{Secret, SecretHash};
pub use self::session::{
    KeptClaims, Life, MAX_SESSIONS, SEEN_SECONDS, Session, SessionCookie, SessionHash,
};
pub use self::settings::{MINIMUM_LENGTHS, SignInSettings};
