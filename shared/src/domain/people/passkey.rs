//! Passkeys: the public half of a credential, which the login function alone reads.

use serde::{Deserialize, Serialize};

use crate::domain::id::UserId;
use crate::env::Timestamp;

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The user who signs in with it.
    pub user: UserId,
    /// The user handle with which it was made, in base64url.
    pub user_handle: String,
    /// Its id, in base64url.
    pub credential_id: String,
    /// The algorithm of its signatures, as COSE numbers it.
    pub algorithm: i64,
    /// The public key: CBOR of COSE as the authenticator made it, in base64url.
    pub public_key: String,
    /// The signature counter that came last.
    pub counter: u32,
    /// Whether it can be backed up.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// When it was added.
    pub created_at: Timestamp,
}
