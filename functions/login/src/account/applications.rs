//! The applications that may act for the person, and the end of that.

use std::collections::BTreeMap;

use shared::app::SignedIn;
use shared::axum::response::Response;
use shared::domain::error::{Error, Result};
use shared::domain::id::ClientId;
use shared::writing::AccountWriter;

use super::{Done, author, done};
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

/// Withdraws the access of an application: it asks again, and its refresh tokens end. The audit
/// tells of it (rule G65).
pub(super) async fn withdraw(submission: Submission) -> Result<Response, Refusal> {
    let visit = &submission.visit;
    let signed_in = visit.required().await?;
    let client = submission.fields.get("client").and_then(|id| id.parse::<ClientId>().ok());
    let client = client.ok_or(Refusal::of(Failure::Expired))?;
    let (schema, author) = (visit.schema(&signed_in.tenant).await?, author(visit, &signed_in));
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    match writer.withdraw_from_client(&signed_in.user, &client).await {
        Ok(_) => Ok(done(Done::Client)),
        // The person was forgotten at this moment.
        Err(Error::NotFound) => Err(Refusal::of(Failure::SignedOut)),
        Err(error) => Err(error.into()),
    }
}
