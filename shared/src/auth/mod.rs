//! Tokens and the keys behind them: signing, verification, refresh tokens.

pub mod access_token;
pub mod jose;
pub mod refresh;
mod rsa;
pub mod signer;
pub mod signing;
pub mod succession;

pub use access_token::Caller;
pub use signing::{PublicKeys, SigningKeys};
