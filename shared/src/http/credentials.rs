//! The credentials of a request: an access token, and the proof that it is the caller's own where
//! the token is bound to a key.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::edge::base_url;
use super::rejection::Rejection;
use crate::app::App;
use crate::auth::Caller;
use crate::auth::dpop::Proof;

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    /// Every holder may use it (RFC 6750 §2.1).
    Bearer,
    /// Only with a proof of possession (RFC 9449 §7.1).
    Dpop,
}

/// The caller of a request: a client, a local person or, where `people` may call too, an external
/// person. A token that is bound to a key is refused without a proof that was made with it for this
/// request, and a proof is used up.
pub async fn caller(app: &App, parts: &Parts, people: bool) -> Result<Caller, Rejection> {
    let base_url = base_url(app, &parts.extensions)?;
    let (scheme, token) = read(&parts.headers)?;
    let caller = app.caller(token, &base_url, people).await;
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
            let proof = Proof::of(parts, &base_url, app.env().clock.now())?;
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
