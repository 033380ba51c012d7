//! What a caller sees of a profile and may set in it.

use super::definition::AttributeDefinition;
use super::error::Code;

/// The fields of a profile that a caller may see and set. The view follows from the route and from
/// what is granted to the caller, and not from whether the caller is a client or a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Every attribute is there and can be set.
    #[default]
    Administrative,
    /// Every attribute is shown. A system can override the attributes that do not belong to the
    /// person everywhere.
    SystemOverride,
    /// The person's own: Hidden attributes are not there, Read Only ones cannot be changed.
    SelfService,
}

impl View {
    /// Whether the attribute is there in this view.
    #[must_use]
    pub const fn shows(self, definition: &AttributeDefinition) -> bool {
        matches!(self, Self::Administrative | Self::SystemOverride) || !definition.hidden
    }

    /// Why this view cannot change the attribute, if it cannot.
    #[must_use]
    pub fn refuses(self, definition: &AttributeDefinition) -> Option<(Code, String)> {
        if let Some(derived) = &definition.derived {
            let detail = format!(
                "the workflow `{}` derives `{}`; omit it",
                derived.workflow_id, definition.name
            );
            return Some((Code::NotEditable, detail));
        }
        if self == Self::SystemOverride && (definition.unique || definition.data_format.is_hashed())
        {
            let kind = if definition.unique { "unique" } else { "a secret" };
            return Some((
                Code::NotAllowed,
                format!("`{}` is {kind}; a system cannot override it", definition.name),
            ));
        }
        let read_only = self == Self::SelfService && definition.read_only;
        read_only.then(|| {
            (
                Code::ReadOnly,
                format!("`{}` is read only; ask an administrator to change it", definition.name),
            )
        })
    }
}
