//! The context in which a written profile is read: configuration, clock, hashes and the writer's
//! view.

use super::hashing::Hashes;
use super::schema::Schema;
use super::view::View;
use crate::env::Env;

/// The context in which the document of a profile is read.
#[derive(Clone, Copy)]
pub struct WriteContext<'w> {
    /// The tenant's configuration.
    pub schema: &'w Schema,
    /// Time and randomness.
    pub env: &'w Env,
    /// The salted hashes of this request.
    pub hashes: &'w Hashes,
    /// What the writer sees and may set.
    pub view: View,
}
