//! The credentials of a request: an access token, with the proof that it is the caller's own where
//! the token is bound to a key; or the cookie of a session.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::cookies::{self, Cookie};
use super::edge::base_url;
use super::rejection::Rejection;
use super::same_origin;
use crate::app::{App, SignedIn};
use crate::auth::Caller;
use crate::auth::dpop::Proof;
use crate::domain::error::Error;
use crate::domain::people::SessionCookie;

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    /// Every holder may use it (RFC 6750 §2.1).
    Bearer,
    /// Only with a proof of possession (RFC 9449 §7.1).
    Dpop,
}

/// Who calls, by the credentials of the request.
pub struct Identified {
    /// The caller.
    pub caller: Caller,
    /// The session and the user of a person who calls with a cookie.
    pub signed_in: Option<SignedIn>,
}

/// The caller of a request: a client, a local person or, where `people` may call too, an external
/// person. A request has either an access token or the cookie of a session (rule G20).
pub async fn identify(app: &App, parts: &Parts, people: bool) -> Result<Identified, Rejection> {
    let base_url = base_url(app, &parts.extensions)?;
    if !cookies::is_sent(&parts.headers, Cookie::Session, &base_url) {
        let caller = by_token(app, parts, &base_url, people).await?;
        return Ok(Identified { caller, signed_in: None });
    }
    if parts.headers.contains_key(AUTHORIZATION) {
        let detail = "a request has either a cookie or `Authorization`; omit one of them";
        return Err(Error::Malformed(detail.to_owned()).into());
    }
    same_origin::check_call(parts, &base_url)?;
    let cookie = cookies::read(&parts.headers, Cookie::Session, &base_url)
        .and_then(|text| text.parse::<SessionCookie>().ok())
        .ok_or(Rejection::NoSession)?;
    let signed_in = app.signed_in(&cookie).await?.ok_or(Rejection::NoSession)?;
    let caller = signed_in.caller(&base_url);
    Ok(Identified { caller, signed_in: Some(signed_in) })
}

/// The caller that an access token names. A token that is bound to a key is refused without a proof
/// that was made with it for this request, and a proof is used up.
async fn by_token(
    app: &App,
    parts: &Parts,
    base_url: &str,
    people: bool,
) -> Result<Caller, Rejection> {
    let (scheme, token) = read(&parts.headers)?;
    let caller = app.caller(token, base_url, people).await;
    match scheme {
        Scheme::Bearer => match caller? {
            Caller { jkt: Some(_), .. } => Err(Rejection::BadToken(
                "the token is bound to a key; send it as `Authorization: DPoP` with a proof",
            )),
            caller => Ok(caller),
        },
        Scheme::Dpop => {
            let caller = caller.map_err(|error| match Rejection::from(error) {
                Rejection::BadToken(detail) => Rejection::BadBoundToken(detail),
                other => other,
            })?;
            let unbound = "the token is not bound to a key; send it as `Authorization: Bearer`";
            let jkt = caller.jkt.as_deref().ok_or(Rejection::BadBoundToken(unbound))?;
            let proof = Proof::of(parts, base_url, app.env().clock.now())?;
            let proof = proof
                .ok_or(Rejection::BadProof("the proof is missing; send it in the header `DPoP`"))?;
            proof.covers(token, jkt)?;
            proof.use_once(app.table(), &caller.tenant).await?;
            Ok(caller)
        }
    }
}

fn read(headers: &HeaderMap) -> Result<(Scheme, &str), Rejection> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().ok_or(Rejection::NoCredentials)?;
    if lines.next().is_some() {
        return Err(Rejection::BadToken("several `Authorization` headers; send one"));
    }
    let line =
        line.to_str().map_err(|_| Rejection::BadToken("this is not a token of this service"))?;
    let (scheme, token) = line.split_once(' ').ok_or(Rejection::NoCredentials)?;
    let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let scheme = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
    let (_, scheme) = scheme.ok_or(Rejection::NoCredentials)?;
    Ok((scheme, token.trim_matches(' ')))
}
