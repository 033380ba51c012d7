//! What people sign in with, in the table: sessions, credentials, links, codes, attempts, mail.
//!
//! INVARIANT: a session or a credential is put in a transaction that also puts the person's user
//! under the version that was read, by the `AccountWriter` of `writing`. So block, reset, unlink and
//! forget, which write the user too, come before it or after it and never in between.

mod administrators;
mod attempts;
mod client_consents;
mod codes;
mod credentials;
mod links;
mod login_key;
mod outbox;
mod sessions;

pub use self::attempts::clear_attempts_write;
pub(crate) use self::client_consents::{delete_client_consent, put_client_consent};
pub use self::codes::exchange_code;
pub(in crate::store) use self::credentials::owned_by_login;
pub(crate) use self::credentials::put_login;
pub use self::credentials::{delete_passkey, delete_password, put_passkey, update_passkey};
pub(in crate::store) use self::links::owned_by_name;
pub use self::links::{delete_link, link_writes, use_link};
pub(in crate::store) use self::login_key::LoginKeys;
pub use self::outbox::{delete_mail, mail_count, mail_write, update_mail};
pub(crate) use self::sessions::{FAMILIES_ENDED, end_family, end_session};
pub use self::sessions::{delete_family_name, keep_session, put_family_name};
