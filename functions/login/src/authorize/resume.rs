//! The return from a page that a signed-in person got during an authorization request.

use std::sync::Arc;

use shared::app::SignedIn;
use shared::domain::client::Client;
use shared::domain::versioned::Versioned;

use super::next::Progress;
use super::request::AuthorizationRequest;
use crate::pages::Failure;
use crate::respond::{Refusal, see_other};
use crate::visit::{Submission, Visit};

/// A request that goes on after a page.
pub(crate) struct Resumed {
    client: Arc<Versioned<Client>>,
    request: AuthorizationRequest,
    signed_in: SignedIn,
}

/// Finds client and person of a page that was sent. If another person is signed in by now than the
/// one who got the page, or nobody is, the request starts again.
pub(crate) async fn resume(submission: &Submission) -> Result<Resumed, Refusal> {
    let (visit, state) = (&submission.visit, submission.state()?);
    let request = state.request().ok_or(Refusal::of(Failure::Expired))?.clone();
    let again = || Refusal::from(see_other(&request.path()));
    let signed_in = visit.signed_in().await?.filter(|signed_in| {
        signed_in.tenant == state.tenant && Some(signed_in.user.value.id) == state.person
    });
    let signed_in = signed_in.ok_or_else(again)?;
    let uri = request.redirect_uri.as_str();
    let found = visit.app.client(&request.client_id, |client| client.redirect_uri(uri)).await?;
    let (client, _) = found.ok_or(Refusal::of(Failure::UnknownClient))?;
    Ok(Resumed { client, request: request.signed_in(), signed_in })
}

impl Resumed {
    /// The request.
    pub(crate) const fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// The request on its way.
    pub(crate) fn progress<'p>(&'p self, visit: &'p Visit) -> Progress<'p> {
        Progress {
            visit,
            client: &self.client.value,
            request: &self.request,
            signed_in: &self.signed_in,
        }
    }
}
