//! The secrets of a client: two may live at a time, so that one succeeds the other without downtime
//! (rule O9).

use shared::axum::routing::{delete, post};
use shared::domain::audit::Operation;
use shared::domain::client::{Client, Rotation, Secret};
use shared::domain::error::Error;
use shared::domain::{Scope, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::route::Conflict::State;
use shared::http::{Call, Route};
use shared::store::clients::ClientEdit;

use crate::clients::{client_id, edited, location, revealed};

const SECRETS: &str = "/config/clients/{client_id}/secrets";
const SECRET: &str = "/config/clients/{client_id}/secrets/{secret_id}";

/// The routes of secrets.
pub(crate) const ROUTES: [Route; 2] = [
    Route::write("POST", SECRETS, "create_client_secret", (201, "NewClientSecret"), || {
        post(create)
    })
    .scope(Scope::Administrator)
    .optional_json("ClientSecretInput")
    .secret()
    .reauthenticate()
    .if_match()
    .conflicts(&[State])
    .audited_as(Operation::ClientSecret)
    .summary("Add a secret to a client")
    .description(
        "The answer shows the secret once. `ETag` and `If-Match` are those of the client.",
    ),
    Route::write("DELETE", SECRET, "delete_client_secret", (204, ""), || delete(remove))
        .scope(Scope::Administrator)
        .audited_as(Operation::ClientSecret)
        .reauthenticate()
        .summary("Revoke a secret")
        .description("`If-Match` is that of the client."),
];

async fn create(mut call: Call) -> HandlerResult {
    let id = client_id(&call)?;
    let body = call.take_body();
    let env = call.app.env();
    let now = env.clock.now();
    // Made once, before any repetition of the write. So the answer shows the secret that is stored.
    let (mut secret, plain) = Secret::generate(env);
    let decide = |stored: &Versioned<Client>| {
        call.preconditions.check_write(&[stored.tag()])?;
        let rotation = Rotation::read(body.clone(), now)?;
        secret.expires_at = rotation.expires_at;
        let mut client = stored.value.clone();
        client.rotate(secret.clone(), rotation.previous_expires_at, now)?;
        Ok(ClientEdit::Replace(Box::new(client)))
    };
    let client = edited(&call, &id, decide).await?.ok_or(Error::NotFound)?;
    let location = format!("{}/secrets/{}", location(&id), secret.id);
    Ok(revealed(secret.show(), &plain, client.tag(), location))
}

async fn remove(call: Call) -> HandlerResult {
    let id = client_id(&call)?;
    let secret: String = call.id("secret_id")?;
    let decide = |stored: &Versioned<Client>| {
        let mut client = stored.value.clone();
        if !client.remove_secret(&secret) {
            return Err(Error::NotFound);
        }
        call.preconditions.check_write(&[stored.tag()])?;
        Ok(ClientEdit::Replace(Box::new(client)))
    };
    edited(&call, &id, decide).await?;
    Ok(Answer::nothing())
}
