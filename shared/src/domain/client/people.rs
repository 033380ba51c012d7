//! The part of a client's document that concerns people who sign in.

use super::document::take_string_enums;
use super::{ApplicationType, AuthMethod, Client, Grant, redirect_uri};
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::id::{PartyId, SHAPE};

/// The grants that a client holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    pub(super) authorization_code: bool,
    pub(super) client_credentials: bool,
    pub(super) refresh_token: bool,
}

impl Grants {
    pub(super) const fn of(client: &Client) -> Self {
        Self {
            authorization_code: client.authorization_code,
            client_credentials: client.client_credentials,
            refresh_token: client.refresh_token,
        }
    }

    /// The grants in the order in which documents have them.
    pub(super) fn held(self) -> impl Iterator<Item = Grant> {
        Grant::ALL.into_iter().filter(move |grant| match grant {
            Grant::AuthorizationCode => self.authorization_code,
            Grant::ClientCredentials => self.client_credentials,
            Grant::RefreshToken => self.refresh_token,
        })
    }

    /// Takes the grants of a client that authenticates by `method`. A client whose document names
    /// none has the grant of its kind.
    pub(super) fn take(fields: &mut Fields<'_>, method: AuthMethod) -> Self {
        const NAME: &str = "grant_types";
        let public = method == AuthMethod::None;
        let Some(grants) = take_string_enums::<Grant>(fields, NAME) else {
            return Self {
                authorization_code: public,
                client_credentials: !public,
                ..Self::default()
            };
        };
        let held = |grant| grants.contains(&grant);
        let grants = Self {
            authorization_code: held(Grant::AuthorizationCode),
            client_credentials: held(Grant::ClientCredentials),
            refresh_token: held(Grant::RefreshToken),
        };
        if public && grants.client_credentials {
            let detail = "a public client has no credentials; omit `client_credentials`";
            fields.refuse(NAME, Code::NotAllowed, detail);
        } else if !grants.client_credentials && !grants.authorization_code {
            let detail = "expected `client_credentials` or `authorization_code` among the grants";
            fields.refuse(NAME, Code::Required, detail);
        }
        grants
    }
}

/// What a client's document says of people who sign in.
pub(super) struct SignIn {
    pub(super) redirect_uris: Vec<String>,
    pub(super) post_logout_redirect_uris: Vec<String>,
    pub(super) application_type: ApplicationType,
    pub(super) first_party: bool,
    pub(super) application_id: Option<PartyId>,
}

/// Takes the fields of a client with these grants.
pub(super) fn take(fields: &mut Fields<'_>, grants: Grants) -> SignIn {
    let application_type = fields.string_enum("application_type");
    // Of an unknown type no more is said of the URIs than of the type that may have more of them.
    let unknown = fields.violations().concern("/application_type");
    let of = if unknown { ApplicationType::Native } else { application_type.unwrap_or_default() };
    let taken = SignIn {
        redirect_uris: redirect_uri::take(fields, "redirect_uris", of),
        post_logout_redirect_uris: redirect_uri::take(fields, "post_logout_redirect_uris", of),
        application_type: of,
        first_party: fields.boolean("first_party").unwrap_or_default(),
        application_id: fields
            .parsed("application_id", &format!("the id of an application: {SHAPE}")),
    };
    if !fields.violations().concern("/grant_types") {
        check_uris(fields, grants, &taken);
    }
    taken
}

/// Checks that a client has the redirect URIs that its grants need, and no others.
fn check_uris(fields: &mut Fields<'_>, grants: Grants, taken: &SignIn) {
    if grants.authorization_code {
        if taken.redirect_uris.is_empty() && !fields.violations().concern("/redirect_uris") {
            let detail = "the grant `authorization_code` needs at least one redirect URI";
            fields.refuse("redirect_uris", Code::Required, detail);
        }
        return;
    }
    for (name, uris) in [
        ("redirect_uris", &taken.redirect_uris),
        ("post_logout_redirect_uris", &taken.post_logout_redirect_uris),
    ] {
        if !uris.is_empty() {
            let detail = "only clients with the grant `authorization_code` have redirect URIs; add \
                          it to `grant_types`";
            fields.refuse(name, Code::NotAllowed, detail);
        }
    }
}
