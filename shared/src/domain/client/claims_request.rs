//! The parameter `claims` of an authorization request (OpenID Connect Core §5.5).

use serde::{Deserialize, Serialize};

use crate::domain::json::{Json, Object};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::string_enum::string_enum;

string_enum! {
    /// A claim about a person that a client may ask for by its name (OpenID Connect Core §5.1).
    StandardClaim {
        /// Given name and family name.
        Name = "name",
        /// The given name.
        GivenName = "given_name",
        /// The family name.
        FamilyName = "family_name",
        /// The username.
        PreferredUsername = "preferred_username",
        /// The first language.
        Locale = "locale",
        /// The e-mail address.
        Email = "email",
        /// Whether the address is verified.
        EmailVerified = "email_verified",
        /// The postal address, in its parts.
        Address = "address",
        /// The telephone number.
        PhoneNumber = "phone_number",
        /// Whether the number is verified.
        PhoneNumberVerified = "phone_number_verified",
        /// When the profile was last changed.
        UpdatedAt = "updated_at",
    }
}

impl StandardClaim {
    /// The scope that opens the claim (OpenID Connect Core §5.4).
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Email | Self::EmailVerified => Scope::Email,
            Self::Address => Scope::Address,
            Self::PhoneNumber | Self::PhoneNumberVerified => Scope::Phone,
            _ => Scope::Profile,
        }
    }
}

/// The claims that a client asks for by their names. Whether a claim is essential makes no
/// difference: a claim that the person has is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Those that the ID token has to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<StandardClaim>,
    /// Those that userinfo has to answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<StandardClaim>,
    /// The subject that the person must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

const EXPECTED: &str = "expected `claims` as a JSON object with the members `userinfo` and \
                        `id_token`, whose members are null or objects";

impl ClaimsRequest {
    /// Reads the parameter; says what is wrong with it. Claims that this service does not know are
    /// left out.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let document = Json::parse(text.as_bytes()).map_err(|_| EXPECTED)?;
        let members = document.as_object().ok_or(EXPECTED)?;
        let (id_token, userinfo) = (asked(members, "id_token")?, asked(members, "userinfo")?);
        Ok(Self {
            id_token: known(id_token),
            userinfo: known(userinfo),
            sub: id_token.and_then(subject),
        })
    }

    /// The scopes whose claims it asks for: what a person has to know who consents.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        Scopes::new(self.id_token.iter().chain(&self.userinfo).map(|claim| claim.scope()))
    }

    /// The claims of these scopes. A client gets by its name no claim whose scope it may not ask
    /// for.
    #[must_use]
    pub fn within(&self, scopes: &Scopes) -> Self {
        let kept = |claims: &[StandardClaim]| {
            claims.iter().copied().filter(|claim| scopes.allows(claim.scope())).collect()
        };
        Self {
            id_token: kept(&self.id_token),
            userinfo: kept(&self.userinfo),
            sub: self.sub.clone(),
        }
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The claims that one member asks for.
fn asked<'m>(members: &'m Object, name: &str) -> Result<Option<&'m Object>, &'static str> {
    let Some(claims) = members.get(name).filter(|claims| **claims != Json::Null) else {
        return Ok(None);
    };
    let claims = claims.as_object().ok_or(EXPECTED)?;
    let fits = |claim: &Json| matches!(claim, Json::Null | Json::Object(_));
    if claims.values().all(fits) { Ok(Some(claims)) } else { Err(EXPECTED) }
}

fn known(claims: Option<&Object>) -> Vec<StandardClaim> {
    let names = claims.into_iter().flat_map(Object::keys);
    let mut known: Vec<StandardClaim> = names.filter_map(|name| name.parse().ok()).collect();
    known.sort_unstable();
    known
}

fn subject(claims: &Object) -> Option<String> {
    claims.get("sub")?.as_object()?.get("value")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_known_claims_are_read_and_others_are_left_out() {
        let text = r#"{"userinfo":{"name":{"essential":true},"picture":null,"email":null},
            "id_token":{"email":{"essential":true},"acr":{"values":["2"]},"sub":{"value":"x"}}}"#;
        let request = ClaimsRequest::parse(text).unwrap();
        assert_eq!(request.userinfo, [StandardClaim::Name, StandardClaim::Email]);
        assert_eq!(request.id_token, [StandardClaim::Email]);
        assert_eq!(request.sub.as_deref(), Some("x"));
        assert_eq!(request.scopes(), "profile email".parse().unwrap());
        let less = request.within(&"openid profile".parse().unwrap());
        assert_eq!((less.userinfo, less.id_token), (vec![StandardClaim::Name], vec![]));
        assert!(ClaimsRequest::parse(r#"{"userinfo":null,"other":1}"#).unwrap().is_empty());
        let text = r#"{"userinfo":{"phone_number":null,"address":{"essential":true}}}"#;
        let request = ClaimsRequest::parse(text).unwrap();
        assert_eq!(request.userinfo, [StandardClaim::Address, StandardClaim::PhoneNumber]);
        assert_eq!(request.scopes(), "address phone".parse().unwrap());
        let less = request.within(&"openid phone".parse().unwrap());
        assert_eq!(less.userinfo, [StandardClaim::PhoneNumber]);
        for wrong in ["", "[]", "x", r#"{"userinfo":[]}"#, r#"{"id_token":{"name":true}}"#] {
            assert!(ClaimsRequest::parse(wrong).is_err(), "{wrong}");
        }
    }
}
