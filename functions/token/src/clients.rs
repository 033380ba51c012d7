//! Clients as their tenant's administrators see them.

use shared::axum::routing::{delete, get, patch, post};
use shared::domain::client::{Client, PlainSecret};
use shared::domain::error::{Code, Error, Result};
use shared::domain::id::{ClientId, PartyId};
use shared::domain::json::Object;
use shared::domain::jwk::Algorithm;
use shared::domain::schema::Schema;
use shared::domain::{Json, Scope, Tag, Versioned};
use shared::http::answer::{Answer, HandlerResult};
use shared::http::{Call, Route};
use shared::store::clients::ClientEdit;

const CLIENTS: &str = "/config/clients";
const CLIENT: &str = "/config/clients/{client_id}";

/// The routes of clients.
pub(crate) const ROUTES: [Route; 5] = [
    Route::write("POST", CLIENTS, "create_client", (201, "RegisteredClient"), || post(create))
        .scope(Scope::Administrator)
        .json("MachineClientInput")
        .secret()
        .reauthenticate()
        .summary("Register a client")
        .description(
            "The answer shows the secret once, unless the client authenticates by \
             `private_key_jwt` or is public (`none`).",
        ),
    Route::read("GET", CLIENTS, "list_clients", (200, "MachineClientList"), || get(list))
        .scope(Scope::Administrator)
        .query(&["limit", "cursor"])
        .summary("List clients")
        .description("In the order of their ids."),
    Route::read("GET", CLIENT, "get_client", (200, "MachineClient"), || get(read))
        .scope(Scope::Administrator)
        .tagged()
        .summary("Read a client"),
    Route::write("PATCH", CLIENT, "patch_client", (200, "MachineClient"), || patch(change))
        .scope(Scope::Administrator)
        .json("MachineClientPatch")
        .reauthenticate()
        .summary("Change a client")
        .description("Takes effect within 30 seconds. Issued tokens stay valid until they expire."),
    Route::write("DELETE", CLIENT, "delete_client", (204, ""), || delete(remove))
        .scope(Scope::Administrator)
        .reauthenticate()
        .summary("Delete a client")
        .description("Its tokens stay valid until they expire."),
];

/// The path of a client.
pub(crate) fn location(id: &ClientId) -> String {
    format!("{CLIENTS}/{id}")
}

/// The client that the path names; one of another tenant is not found.
pub(crate) fn client_id(call: &Call) -> Result<ClientId> {
    let id: ClientId = call.id("client_id")?;
    if *id.tenant() == call.caller.tenant { Ok(id) } else { Err(Error::NotFound) }
}

/// Changes a client and forgets what is remembered of it, also when the change failed.
pub(crate) async fn edited(
    call: &Call,
    id: &ClientId,
    decide: impl FnMut(&Versioned<Client>) -> Result<ClientEdit>,
) -> Result<Option<Versioned<Client>>> {
    let author = call.author().await?;
    let edited = call.app.table().edit_client(&author, id, decide).await;
    call.app.forget_client(id);
    edited
}

/// The answer to the creation of a resource with a secret. Only this answer shows the secret.
pub(crate) fn revealed(
    mut content: Object,
    secret: &PlainSecret,
    tag: &Tag,
    location: String,
) -> Answer {
    content.insert("client_secret".to_owned(), Json::from(secret.reveal()));
    Answer::created(content, tag, location).with_secret()
}

async fn create(mut call: Call) -> HandlerResult {
    call.preconditions.check_collection()?;
    let env = call.app.env().clone();
    let mut client = Client::read(call.take_body(), None, &call.caller.tenant, &env)?;
    if let Some(id) = &client.application_id
        && !has_application(&call, id).await?
    {
        return Err(unknown_application());
    }
    let secret = client.takes_secrets().then(|| client.add_secret(&env));
    publish_key(&call, client.access_token_signing_alg).await?;
    let made = call.app.table().create_client_as(&call.author().await?, &client).await?;
    let (content, location) = (client.show(), location(&client.client_id));
    Ok(match secret {
        Some(secret) => revealed(content, &secret, made.tag(), location),
        None => Answer::created(content, made.tag(), location),
    })
}

/// Whether the tenant has an application. The cached configuration may be older than it.
async fn has_application(call: &Call, id: &PartyId) -> Result<bool> {
    let tenant = &call.caller.tenant;
    let known = |schema: &Schema| schema.applications.get(id.as_str()).is_some();
    Ok(known(&*call.app.schema(tenant).await?) || known(&*call.app.schema_now(tenant).await?))
}

fn unknown_application() -> Error {
    let detail = "there is no such application; create it first";
    Error::invalid("/application_id", Code::NotFound, detail)
}

/// Makes sure that a key of a client's algorithm is published before its first token is signed with
/// it (rule O8). That of ES256 is made with the service's first token.
async fn publish_key(call: &Call, algorithm: Algorithm) -> Result<()> {
    match algorithm {
        Algorithm::Es256 => Ok(()),
        other => call.app.signing_keys().prepare(other).await,
    }
}

async fn list(call: Call) -> HandlerResult {
    let size = call.page_size()?;
    let after = call.open_cursor::<ClientId>("", call.query("cursor")).await?;
    let after = after.as_ref().map(ClientId::as_str);
    // One more than the page has says whether there is another.
    let clients = call.app.table().clients_after(&call.caller.tenant, after, size + 1).await?;
    let entries = clients
        .iter()
        .map(|client| (&client.value.client_id, client.tag().with(client.value.show())));
    call.page("", size, entries).await
}

async fn read(call: Call) -> HandlerResult {
    let client = call.app.table().find_client(&client_id(&call)?).await?.ok_or(Error::NotFound)?;
    call.show(client.tag(), || client.value.show())
}

async fn change(mut call: Call) -> HandlerResult {
    let id = client_id(&call)?;
    let body = call.take_body();
    let wanted = body
        .as_object()
        .and_then(|body| body.get("access_token_signing_alg"))
        .and_then(Json::as_str);
    if wanted == Some(Algorithm::Rs256.name()) {
        publish_key(&call, Algorithm::Rs256).await?;
    }
    let application = body
        .as_object()
        .and_then(|body| body.get("application_id"))
        .and_then(Json::as_str)
        .and_then(|id| id.parse().ok());
    let known = match &application {
        Some(id) => has_application(&call, id).await?,
        None => true,
    };
    let decide = |stored: &Versioned<Client>| {
        call.preconditions.check_write(&[stored.tag()])?;
        let next = stored.value.patched(&body, call.app.env())?;
        if !known && next.application_id != stored.value.application_id {
            return Err(unknown_application());
        }
        Ok(if next == stored.value {
            ClientEdit::Keep
        } else {
            ClientEdit::Replace(Box::new(next))
        })
    };
    let client = edited(&call, &id, decide).await?.ok_or(Error::NotFound)?;
    Ok(Answer::resource(client.value.show(), client.tag()))
}

async fn remove(call: Call) -> HandlerResult {
    let id = client_id(&call)?;
    let decide = |stored: &Versioned<Client>| {
        call.preconditions.check_write(&[stored.tag()])?;
        Ok(ClientEdit::Delete)
    };
    edited(&call, &id, decide).await?;
    Ok(Answer::nothing())
}
