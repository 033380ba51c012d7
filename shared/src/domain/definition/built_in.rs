//! The built-in persona definitions: rights that every tenant can grant.
//!
//! They exist without being stored, under ids that are the same in every tenant, and nobody changes
//! them. A tenant that stored a definition of such a name before keeps its own: the built-in one is
//! not there then.

use uuid::Uuid;

use super::persona::PersonaDefinition;
use crate::domain::id::DefinitionId;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::string_enum::string_enum;

string_enum! {
    /// A built-in persona definition, by its name.
    BuiltInPersona {
        /// Everything.
        Administrator = "administrator",
        /// Users, without the configuration.
        Helpdesk = "helpdesk",
        /// Users, configuration and audit, to read.
        Auditor = "auditor",
    }
}

impl BuiltInPersona {
    /// The id of the definition.
    #[must_use]
    pub const fn id(self) -> DefinitionId {
        let mut bytes = [0; 16];
        bytes[14] = 1;
        bytes[15] = self as u8 + 1;
        DefinitionId::new(Uuid::new_v8(bytes))
    }

    /// The built-in definition with this id.
    #[must_use]
    pub fn with_id(id: DefinitionId) -> Option<Self> {
        Self::ALL.into_iter().find(|persona| persona.id() == id)
    }

    /// The scopes that it grants.
    #[must_use]
    pub fn portal_scopes(self) -> Scopes {
        Scopes::new(match self {
            Self::Administrator => vec![Scope::Administrator],
            Self::Helpdesk => vec![Scope::UsersRead, Scope::UsersWrite],
            Self::Auditor => vec![Scope::UsersRead, Scope::ConfigRead, Scope::AuditRead],
        })
    }

    /// The definition.
    #[must_use]
    pub fn definition(self) -> PersonaDefinition {
        let (display_name, description) = match self {
            Self::Administrator => ("Administrator", "May do everything."),
            Self::Helpdesk => ("Helpdesk", "Reads and changes users."),
            Self::Auditor => ("Auditor", "Reads users, configuration and audit."),
        };
        PersonaDefinition {
            id: self.id(),
            name: self.name().to_owned(),
            display_name: Some(display_name.to_owned()),
            description: Some(description.to_owned()),
            attributes: Vec::new(),
            scoped: false,
            portal_scopes: self.portal_scopes(),
            system: true,
            deprecated: false,
        }
    }
}
