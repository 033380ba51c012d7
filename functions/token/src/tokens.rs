//! The answer of the token endpoint: the tokens, signed.

use serde_json::{Value, json};
use shared::auth::access_token::AccessTokenClaims;
use shared::auth::claims::{Audience, Confirmation};
use shared::auth::dpop::Proof;
use shared::auth::id_token::{self, IdToken};
use shared::auth::refresh::Grant;
use shared::domain::client::Authorization;
use shared::domain::id::BaseId;
use shared::domain::json::{Json, Object};
use shared::domain::{Scope, Scopes};

use crate::call::OAuthCall;
use crate::error::OAuthError;
use crate::person::Person;

/// The id and the times of an access token that is to be signed.
pub(crate) struct NewToken {
    pub(crate) jti: String,
    iat: i64,
    pub(crate) exp: i64,
}

impl NewToken {
    /// A token that begins now. That of a public client ends with the person's session at the
    /// latest (rule G14).
    pub(crate) fn new(call: &OAuthCall, given: Option<&Authorization>) -> Self {
        let (env, client) = (call.app.env(), &call.client.value);
        let iat = env.clock.now().seconds();
        let end = given.filter(|_| client.is_public()).map(|at| at.session_ends_at.seconds());
        let exp = iat + client.access_token_lifetime;
        Self { jti: env.new_uuid().to_string(), iat, exp: end.map_or(exp, |end| exp.min(end)) }
    }
}

/// What a person authorised, and the person now.
pub(crate) struct Authorised<'a> {
    pub(crate) given: &'a Authorization,
    pub(crate) person: &'a Person,
    /// The `nonce` of the authorization request, when its code is exchanged.
    pub(crate) nonce: Option<&'a str>,
}

/// What is answered.
pub(crate) struct Issue<'a> {
    pub(crate) token: NewToken,
    pub(crate) grant: Grant,
    pub(crate) by: Option<Authorised<'a>>,
    pub(crate) proof: Option<&'a Proof>,
    pub(crate) refresh_token: Option<String>,
}

/// Signs the tokens of an answer. Those of a person come with an ID token if `openid` is granted.
pub(crate) async fn sign(call: &OAuthCall, issue: Issue<'_>) -> Result<Value, OAuthError> {
    let client = &call.client.value;
    let key = call.app.signing_keys().current(client.access_token_signing_alg).await?;
    let access_token = key.sign(&access_token(call, &issue))?;
    let id_token = match &issue.by {
        Some(by) if issue.grant.scopes.allows(Scope::Openid) => {
            let claims = id_token(call, by, &access_token);
            Some(key.sign_as(id_token::TYP, &Json::Object(claims))?)
        }
        _ => None,
    };
    let mut content = json!({
        "access_token": access_token,
        "token_type": if issue.proof.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": issue.token.exp - issue.token.iat,
        "scope": issue.grant.scopes.to_string(),
    });
    if let Some(members) = content.as_object_mut() {
        members.extend(issue.refresh_token.map(|token| ("refresh_token".to_owned(), token.into())));
        members.extend(id_token.map(|token| ("id_token".to_owned(), token.into())));
    }
    Ok(content)
}

fn access_token(call: &OAuthCall, issue: &Issue<'_>) -> AccessTokenClaims {
    let (client, iss) = (&call.client.value, call.issuer());
    let tenant = client.client_id.tenant().clone();
    let given = issue.by.as_ref().map(|by| by.given);
    let sub = match given {
        Some(at) => BaseId::of(&at.user.to_string(), &iss, &tenant).to_string(),
        None => client.client_id.to_string(),
    };
    // A refresh token is no right of the access token.
    let scope = issue.grant.scopes.iter().filter(|scope| *scope != Scope::OfflineAccess);
    AccessTokenClaims {
        iss,
        sub,
        aud: match issue.grant.audience.as_slice() {
            [party] => Audience::One(party.clone()),
            parties => Audience::Several(parties.to_vec()),
        },
        user_id: given.map(|at| at.user),
        client_id: client.client_id.clone(),
        scope: Scopes::new(scope),
        tenant,
        jti: issue.token.jti.clone(),
        iat: issue.token.iat,
        exp: issue.token.exp,
        nbf: None,
        systems: client.systems.clone(),
        integration: client.integration.filter(|_| given.is_none()),
        max_classifier: client.max_classifier,
        cnf: issue.proof.map(|proof| Confirmation { jkt: proof.jkt.clone() }),
        user_version: given.map(|at| at.user_version.0),
        sid: given.map(|at| at.sid.clone()),
        persona: given.and_then(|at| at.persona),
        claims: given.map(|at| at.claims.within(&client.scopes).userinfo).unwrap_or_default(),
    }
}

/// The claims of an ID token (rule G8). Those about the person are the ones that `claims` asked
/// for; what scopes open is told by userinfo.
fn id_token(call: &OAuthCall, by: &Authorised<'_>, access_token: &str) -> Object {
    let person = by.person;
    let token = IdToken {
        issuer: &call.issuer(),
        sub: &person.sub,
        client_id: &call.client.value.client_id,
        authorization: by.given,
        nonce: by.nonce,
        access_token,
        claims: person.claims.clone(),
        persona: person.persona.clone(),
    };
    token.claims(call.app.env().clock.now())
}
