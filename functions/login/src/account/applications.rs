//! The applications that may act for the person, and the end of that.

use std::collections::BTreeMap;

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::error::Result;
use shared::domain::id::ClientId;

use super::{Done, done};
use crate::pages::Failure;
use crate::pages::account::Application;
use crate::respond::Refusal;
use crate::visit::{Submission, Visit};

/// The applications to which the person gave access, and those that hold refresh tokens.
pub(super) async fn of(visit: &Visit, signed_in: &SignedIn) -> Result<Vec<Application>> {
    let (table, tenant) = (visit.app.table(), &signed_in.tenant);
    let user = signed_in.user.value.id;
    let mut found = BTreeMap::new();
    for (_, family) in table.family_names(tenant, user).await? {
        let id = family.client.to_string();
        found.insert(id, (family.client, Vec::new(), family.created_at));
    }
    for consent in table.client_consents(tenant, user).await? {
        let consent = consent.value;
        found.insert(consent.client.to_string(), (consent.client, consent.scopes, consent.at));
    }
    let mut applications = Vec::new();
    for (id, (client, scopes, at)) in found {
        let known = visit.app.client(&client, |client| Some(client.name.clone())).await?;
        let name = known.map_or_else(|| id.clone(), |(_, name)| name);
        applications.push(Application { id, name, scopes, at });
    }
    Ok(applications)
}

/// Withdraws the access of an application: it asks again, and its refresh tokens end.
pub(super) async fn withdraw(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    let client = submission.fields.get("client").and_then(|id| id.parse::<ClientId>().ok());
    let client = client.ok_or(Refusal::of(Failure::Expired))?;
    let (tenant, user) = (&signed_in.tenant, signed_in.user.value.id);
    visit.app.table().delete_client_consent(tenant, user, &client).await?;
    Ok(done(Done::Client))
}
