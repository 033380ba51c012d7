//! Tokens and the keys behind them: signing, verification, refresh tokens.

pub mod access_token;
pub mod claims;
pub mod dpop;
pub mod jose;
pub mod refresh;
pub mod signer;
pub mod signing;

pub use access_token::Caller;
pub use signing::{PublicKeys, SigningKeys};
