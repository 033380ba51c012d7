//! Tokens and the keys behind them: signing, verification, refresh tokens.

pub mod access_token;
pub mod audit_digest;
pub mod caller;
pub mod claims;
pub mod code_exchange;
pub mod dpop;
pub mod error;
pub mod id_token;
pub mod jose;
pub mod person_claims;
pub mod pkce;
pub mod provider;
pub mod published;
pub mod refresh;
pub mod remote_keys;
mod rsa;
pub mod signer;
pub mod signing;
pub mod succession;
pub mod user_token;

pub use caller::{Caller, Grants, Person, SessionHandle, Subject, TokenOfPerson, Via};
pub use error::AuthError;
pub use published::PublishedKeyCache;
pub use remote_keys::RemoteKeys;
pub use signing::SigningKeys;
