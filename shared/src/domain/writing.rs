//! What writing a profile goes by: the configuration, the world, who writes, and the hashes made so
//! far.

use super::definition::AttributeDefinition;
use super::error::Code;
use super::hashing::Hashes;
use super::schema::Schema;
use crate::world::World;

/// Whose eyes and hands touch a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// A machine client or an administrator: reads and writes every attribute.
    #[default]
    Full,
    /// A machine client at a system profile: sees every attribute, and may override in one system
    /// what is not of the person alone.
    Overriding,
    /// The person, with a user token: Hidden attributes are not there, Read Only ones cannot be
    /// changed.
    Own,
}

impl Access {
    /// Whether the attribute is there for this access.
    #[must_use]
    pub const fn shows(self, definition: &AttributeDefinition) -> bool {
        matches!(self, Self::Full | Self::Overriding) || !definition.hidden
    }

    /// Why this access cannot change the attribute, if it cannot.
    #[must_use]
    pub fn refuses(self, definition: &AttributeDefinition) -> Option<(Code, String)> {
        if let Some(derived) = &definition.derived {
            let detail =
                format!("`{}` is derived by the workflow {}", definition.name, derived.workflow_id);
            return Some((Code::NotEditable, detail));
        }
        if self == Self::Overriding && (definition.unique || definition.data_format.is_hashed()) {
            let kind = if definition.unique { "unique" } else { "a secret" };
            return Some((
                Code::NotAllowed,
                format!("`{}` is {kind} and cannot be overridden", definition.name),
            ));
        }
        let read_only = self == Self::Own && definition.read_only;
        read_only.then(|| (Code::ReadOnly, format!("`{}` is read only", definition.name)))
    }
}

/// What the reading of a profile's document goes by.
#[derive(Clone, Copy)]
pub struct Writing<'w> {
    /// The tenant's configuration.
    pub schema: &'w Schema,
    /// Time and randomness.
    pub world: &'w World,
    /// The salted hashes of this request.
    pub hashes: &'w Hashes,
    /// Who writes.
    pub access: Access,
}
