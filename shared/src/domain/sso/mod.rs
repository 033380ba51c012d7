//! Authentication servers and applications, and how their subjects map to users.

mod application;
mod claims;
mod principal;
mod server;
mod subject;

pub use self::application::Application;
pub use self::claims::{ClaimTarget, MAX_CLAIMS};
pub use self::principal::{Principal, PrincipalStatus};
pub use self::server::{AuthenticationServer, SYSTEM, TENANT_CLAIM};
pub use self::subject::{Side, SubjectInput, SubjectMapping, SubjectQuery, refuse_absent};
use super::error::Code;
use super::field::Fields;
use super::id::PartyId;
use super::json::Json;
use super::string_enum::string_enum;
use crate::domain::id::SHAPE;

string_enum! {
    /// How a subject is compared with a username.
    SubjectMatching {
        /// Byte by byte.
        Exact = "exact",
        /// Up to the case of ASCII letters.
        AsciiCase = "ascii-case",
    }
}

string_enum! {
    /// How the subjects of a server or an application are found.
    SubjectType {
        /// The subject is the preferred e-mail address of exactly one user.
        Email = "email",
        /// The subject is the user's id.
        Userid = "userid",
        /// The subject is the username.
        Username = "username",
        /// The subject comes from a mapping alone.
        Predefined = "predefined",
    }
}

const MAX_TEXT: usize = 1024;

/// Takes the id that the caller chooses when it makes a server, an application or a system.
pub(super) fn take_id<'a>(
    fields: &mut Fields<'_>,
    current: Option<&PartyId>,
    mut others: impl Iterator<Item = &'a PartyId>,
) -> Option<PartyId> {
    if let Some(id) = current {
        fields.unchanged(
            "id",
            &Json::from(id),
            Code::Immutable,
            "ids never change; omit the field",
        );
        return Some(id.clone());
    }
    let text = fields.required_text("id", MAX_TEXT)?;
    let Ok(id) = text.parse::<PartyId>() else {
        fields.refuse("id", Code::WrongFormat, format!("expected {SHAPE}"));
        return None;
    };
    if others.any(|other| *other == id) {
        fields.taken("id");
    }
    Some(id)
}
