//! The differences between the ways in which profiles are written.

use crate::domain::id::PersonaId;
use crate::domain::versioned::WriteId;

/// The policy of a write.
///
/// | write | unapproved changes | derived attributes | write id |
/// |---|---|---|---|
/// | a request, [`Policy::request`] | become a change request | on a change | new |
/// | a row of an import, [`Policy::import`] | are refused | on a change | of job and row |
/// | a sign-in, [`Policy::sign_in`] | are not among its claims | on a change | of the call |
/// | an approval, [`Policy::approval`] | are what is approved | on a change | new |
/// | a recomputation, [`Policy::recomputation`] | there are none | computed again | new |
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How to treat changes that need an approval.
    pub unapproved: OnUnapproved,
    /// When derived attributes are computed.
    pub derivation: DerivationMode,
    /// The id under which earlier attempts of the same write were made, if there were any.
    pub write_id: Option<WriteId>,
    /// Whether everything is checked and nothing is written.
    pub dry_run: bool,
}

/// How to treat changes that need an approval which the author cannot give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnapproved {
    /// They become a change request; values of a new user or persona are refused.
    Ask(WriteTarget),
    /// They are refused.
    Refuse,
    /// They are written: the author was approved, or changes no such attribute.
    Write,
}

/// When derived attributes are computed. A value that cannot be derived stays, and the log says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivationMode {
    /// When what the scripts see has changed.
    OnChange,
    /// In any case.
    Always,
}

/// The part of a profile that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteTarget {
    /// The user's own fields.
    User,
    /// A persona of the user.
    Persona(PersonaId),
    /// A persona that the user does not have yet.
    NewPersona(PersonaId),
    /// The user's own fields, and personas that the user does not have yet.
    UserAndNewPersonas,
}

impl Policy {
    /// The policy of a request.
    #[must_use]
    pub const fn request(target: WriteTarget) -> Self {
        Self::new(OnUnapproved::Ask(target), DerivationMode::OnChange, None)
    }

    /// The policy of a row of an import, written under this id.
    #[must_use]
    pub const fn import(write_id: WriteId, dry_run: bool) -> Self {
        Self {
            dry_run,
            ..Self::new(OnUnapproved::Refuse, DerivationMode::OnChange, Some(write_id))
        }
    }

    /// The policy of a sign-in, written under this id.
    #[must_use]
    pub const fn sign_in(write_id: WriteId) -> Self {
        Self::new(OnUnapproved::Write, DerivationMode::OnChange, Some(write_id))
    }

    /// The policy of a change request that is applied.
    #[must_use]
    pub const fn approval() -> Self {
        Self::new(OnUnapproved::Write, DerivationMode::OnChange, None)
    }

    /// The policy of recomputing derived attributes.
    #[must_use]
    pub const fn recomputation() -> Self {
        Self::new(OnUnapproved::Write, DerivationMode::Always, None)
    }

    const fn new(
        unapproved: OnUnapproved,
        derivation: DerivationMode,
        write_id: Option<WriteId>,
    ) -> Self {
        Self { unapproved, derivation, write_id, dry_run: false }
    }
}
