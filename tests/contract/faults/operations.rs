//! The writes that are put under faults.

/// A write under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateUser,
    CreateUserOnce,
    CreateUserWithNewAttribute,
    PatchPlain,
    PatchIndexed,
    Block,
    AddPersona,
    AddPersonaOnce,
    RemovePersona,
    DeleteUser,
    CreateSubject,
    DeleteSubject,
    CreateDefinition,
    CreateDefinitionOnce,
    DeleteDefinition,
    Refresh,
    AskForChange,
    Approve,
    ApproveOnce,
    Reject,
    RejectOnce,
    Link,
    Unlink,
    UnlinkOnce,
    UnlinkBeforeSignIn,
    CreateServer,
    MoveServer,
    PatchProfile,
    OverrideIndexed,
    ForgetProfile,
    UpsertNew,
    UpsertOld,
}

impl Operation {
    pub const ALL: [Self; 32] = [
        Self::CreateUser,
        Self::CreateUserOnce,
        Self::CreateUserWithNewAttribute,
        Self::PatchPlain,
        Self::PatchIndexed,
        Self::Block,
        Self::AddPersona,
        Self::AddPersonaOnce,
        Self::RemovePersona,
        Self::DeleteUser,
        Self::CreateSubject,
        Self::DeleteSubject,
        Self::CreateDefinition,
        Self::CreateDefinitionOnce,
        Self::DeleteDefinition,
        Self::Refresh,
        Self::AskForChange,
        Self::Approve,
        Self::ApproveOnce,
        Self::Reject,
        Self::RejectOnce,
        Self::Link,
        Self::Unlink,
        Self::UnlinkOnce,
        Self::UnlinkBeforeSignIn,
        Self::CreateServer,
        Self::MoveServer,
        Self::PatchProfile,
        Self::OverrideIndexed,
        Self::ForgetProfile,
        Self::UpsertNew,
        Self::UpsertOld,
    ];

    /// Whether the request carries an Idempotency-Key, so that a repeat is answered as the first
    /// would have been.
    pub fn has_key(self) -> bool {
        matches!(
            self,
            Self::CreateUserOnce
                | Self::AddPersonaOnce
                | Self::CreateDefinitionOnce
                | Self::Block
                | Self::ApproveOnce
                | Self::RejectOnce
                | Self::UnlinkOnce
        )
    }

    /// Whether it is one of the operations of system profiles.
    pub fn is_of_profiles(self) -> bool {
        matches!(self, Self::PatchProfile | Self::OverrideIndexed | Self::ForgetProfile)
    }

    /// Whether it is one of the operations of change requests.
    pub fn is_of_requests(self) -> bool {
        matches!(
            self,
            Self::AskForChange
                | Self::Approve
                | Self::ApproveOnce
                | Self::Reject
                | Self::RejectOnce
        )
    }
}
