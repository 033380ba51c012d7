//! `kith client`: machine clients, by the rules that hold over HTTP too.

mod registration;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use shared::auth::SigningKeys;
use shared::domain::Json;
use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::client::{Client, PlainSecret, Secret};
use shared::domain::error::Error;
use shared::domain::id::{ClientId, TenantId};
use shared::domain::json::Object;
use shared::store::Table;
use shared::store::clients::ClientEdit;

use self::registration::{Registration, option};
use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted, say};

/// What is done with clients.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Register a client; its secret, if it has one, is shown once
    Create(Box<Registration>),
    /// List the clients of a tenant
    List {
        /// The tenant
        #[arg(long)]
        tenant: TenantId,
    },
    /// Add a secret, which is shown once; a client has at most two
    Rotate {
        /// The client
        client_id: ClientId,
        /// End the older secrets after this many hours; without it they live until they are
        /// revoked
        #[arg(long, value_name = "N")]
        overlap_hours: Option<u32>,
    },
    /// Delete a client or one of its secrets; its access tokens live until they expire
    Revoke {
        /// The client
        client_id: ClientId,
        /// The id of the secret to revoke; without it the client is deleted
        #[arg(long, value_name = "ID")]
        secret: Option<String>,
    },
}

/// Does what the command says.
pub(crate) async fn run(
    action: Action,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let table = match &action {
        Action::Create(registration) => location.open_tenant(&registration.tenant).await?,
        Action::List { tenant } => location.open_tenant(tenant).await?,
        Action::Rotate { .. } | Action::Revoke { .. } => location.open().await?,
    };
    let keys = match &action {
        Action::Create(_) => location.signing_keys(&table).await?,
        _ => SigningKeys::new(table.clone()),
    };
    act(action, &keys, &table, console).await?;
    Ok(ExitCode::SUCCESS)
}

async fn act(
    action: Action,
    keys: &SigningKeys,
    table: &Table,
    console: Console,
) -> Result<(), Failure> {
    match action {
        Action::Create(registration) => create(&registration, keys, table, console).await,
        Action::List { tenant } => list(&tenant, table, console).await,
        Action::Rotate { client_id, overlap_hours } => {
            rotate(&client_id, overlap_hours, table, console).await
        }
        Action::Revoke { client_id, secret } => {
            revoke(&client_id, secret.as_deref(), table, console).await
        }
    }
}

/// An error of an operation on the client with this id.
fn failed_with(id: &ClientId) -> impl Fn(Error) -> Failure {
    move |error| match error {
        Error::NotFound => {
            let tenant = id.tenant();
            format!("there is no client `{id}`; see `kith client list --tenant {tenant}`").into()
        }
        error => failed(error),
    }
}

/// An error of an operation on a client.
fn failed(error: Error) -> Failure {
    Resource::Client.failed()(error)
}

async fn create(
    registration: &Registration,
    keys: &SigningKeys,
    table: &Table,
    console: Console,
) -> Result<(), Failure> {
    let tenant = &registration.tenant;
    let document = Json::Object(registration.document()?);
    let read = Client::read(document, None, tenant, table.env());
    let mut client = read.map_err(|error| failed(error.pointing(option)))?;
    let secret = client.takes_secrets().then(|| client.add_secret(table.env()));
    keys.prepare(client.access_token_signing_alg).await.map_err(failed)?;
    table.create_client(&client).await.map_err(failed)?;
    revealed(console, client.show(), &client.client_id, secret.as_ref())
}

async fn list(tenant: &TenantId, table: &Table, console: Console) -> Result<(), Failure> {
    let clients = table.clients(tenant).await.map_err(failed)?;
    if console.json {
        return say(Json::from(clients.iter().map(Client::show).collect::<Vec<_>>()).to_text());
    }
    for c in &clients {
        say(format_args!(
            "{}\t{}\t{}\t{}",
            c.client_id,
            c.name,
            c.scopes,
            counted(c.secrets.len(), "secret")
        ))?;
    }
    Ok(())
}

async fn rotate(
    id: &ClientId,
    overlap_hours: Option<u32>,
    table: &Table,
    console: Console,
) -> Result<(), Failure> {
    let now = table.env().clock.now();
    let end = overlap_hours.map(|hours| now.plus_seconds(i64::from(hours) * 3600));
    let (secret, plain) = Secret::generate(table.env());
    let author = Author::service(id.tenant().clone(), Reason::Operator);
    let author = author.doing(Operation::ClientSecret);
    let added = table.edit_client(&author, id, |stored| {
        let mut client = stored.value.clone();
        client.rotate(secret.clone(), end, now)?;
        Ok(ClientEdit::Replace(Box::new(client)))
    });
    added.await.map_err(failed_with(id))?;
    let mut content = secret.show();
    content.insert("client_id".to_owned(), Json::from(id));
    revealed(console, content, id, Some(&plain))
}

async fn revoke(
    id: &ClientId,
    secret: Option<&str>,
    table: &Table,
    console: Console,
) -> Result<(), Failure> {
    let Some(secret) = secret else {
        table.delete_client(id).await.map_err(failed_with(id))?;
        return console.print(&json!({ "client_id": id, "revoked": true }), || {
            format!("deleted client {id}; its access tokens live until they expire")
        });
    };
    let author = Author::service(id.tenant().clone(), Reason::Operator);
    let author = author.doing(Operation::ClientSecret);
    let removed = table.edit_client(&author, id, |stored| {
        let mut client = stored.value.clone();
        if client.remove_secret(secret) {
            Ok(ClientEdit::Replace(Box::new(client)))
        } else {
            Err(Error::Conflict(format!(
                "the client has no secret `{secret}`; see `kith --json client list`"
            )))
        }
    });
    removed.await.map_err(failed_with(id))?;
    console.print(&json!({ "client_id": id, "secret": secret, "revoked": true }), || {
        format!(
            "revoked secret {secret} of client {id}; every function refuses it within 30 seconds"
        )
    })
}

/// Shows the new client or secret. The secret is shown only this once.
fn revealed(
    console: Console,
    mut content: Object,
    id: &ClientId,
    secret: Option<&PlainSecret>,
) -> Result<(), Failure> {
    if console.json {
        if let Some(secret) = secret {
            content.insert("client_secret".to_owned(), Json::from(secret.reveal()));
        }
        return say(Json::Object(content).to_text());
    }
    say(format_args!("client_id      {id}"))?;
    match secret {
        Some(secret) => {
            say(format_args!("client_secret  {}\n\nThe secret is shown only now.", secret.reveal()))
        }
        None => say("\nThe client has no secret: it is public, or authenticates with its own key."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{action, table};

    async fn kith(table: &Table, line: &str) -> Result<(), String> {
        let words: Vec<_> = ["client"].into_iter().chain(line.split('|')).collect();
        let action = action(&words).map_err(|error| error.to_string())?;
        let keys = SigningKeys::new(table.clone());
        let done = act(action, &keys, table, Console::default()).await;
        done.map_err(|failure| failure.to_string())
    }

    async fn only(table: &Table) -> Client {
        table.clients(&"acme".parse().unwrap()).await.unwrap().pop().unwrap()
    }

    #[tokio::test]
    async fn a_client_is_registered_with_all_that_http_takes() {
        let table = table().await;
        let line = "create|--tenant|acme|--name|crm|--scope|users:read users:write|\
            --default-scope|users:read|--grant|refresh_token|\
            --auth-method|private_key_jwt|--jwks-uri|https://keys.example.org|--lifetime|300|\
            --signing-alg|ES256|--dpop|\
            --system|shop|--system|desk|--integration|crm|--max-classifier|LOW|--audience|erp";
        kith(&table, line).await.unwrap();
        let due = Json::parse(
            br#"{"name":"crm","token_endpoint_auth_method":"private_key_jwt",
                "scopes":["users:read","users:write"],"default_scopes":["users:read"],
                "grant_types":["client_credentials","refresh_token"],"redirect_uris":[],
                "post_logout_redirect_uris":[],"application_type":"web","first_party":false,
                "application_id":null,"jwks":null,
                "jwks_uri":"https://keys.example.org","systems":["shop","desk"],
                "integration":"crm","max_classifier":"LOW",
                "access_token_lifetime":300,"access_token_signing_alg":"ES256","audience":["erp"],
                "dpop_bound_access_tokens":true,"secrets":[]}"#,
        );
        let mut shown = only(&table).await.show();
        shown.shift_remove("client_id");
        assert_eq!(Json::Object(shown), due.unwrap());
    }

    #[tokio::test]
    async fn g2_a_client_in_which_people_sign_in_has_redirect_uris_and_codes() {
        let table = table().await;
        for (line, method, grants, kind) in [
            ("--public|--native|--first-party", "none", "authorization_code", "native"),
            (
                "--grant|refresh_token",
                "client_secret_basic",
                "authorization_code client_credentials refresh_token",
                "web",
            ),
        ] {
            let uri = if kind == "web" { "https://app.example/cb" } else { "http://127.0.0.1/cb" };
            let line = format!(
                "create|--tenant|acme|--name|app|--scope|openid profile|--redirect-uri|{uri}|{line}"
            );
            kith(&table, &line).await.unwrap();
            let client = only(&table).await;
            let shown = client.show();
            let words = |name: &str| match shown.get(name) {
                Some(Json::Array(words)) => {
                    words.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
                }
                Some(word) => word.as_str().unwrap_or_default().to_owned(),
                None => String::new(),
            };
            assert_eq!(words("token_endpoint_auth_method"), method);
            assert_eq!(words("grant_types"), grants);
            assert_eq!(
                (words("application_type").as_str(), words("redirect_uris").as_str()),
                (kind, uri)
            );
            assert_eq!(client.first_party, kind == "native");
            assert_eq!(client.secrets.is_empty(), kind == "native");
            kith(&table, &format!("revoke|{}", client.client_id)).await.unwrap();
        }
        let refused = kith(
            &table,
            "create|--tenant|acme|--name|app|--scope|openid|--redirect-uri|http://localhost/cb",
        );
        let reasons = refused.await.unwrap_err();
        assert!(reasons.contains("--redirect-uri: "), "{reasons}");
    }

    #[tokio::test]
    async fn e1_what_http_refuses_is_refused_with_every_reason() {
        let table = table().await;
        let refused = kith(
            &table,
            "create|--tenant|acme|--name| |--scope|users:read|--lifetime|1|--system|A",
        )
        .await;
        let reasons = refused.unwrap_err();
        for option in ["--name: ", "--lifetime: ", "--system: "] {
            assert!(reasons.contains(option), "{reasons}");
        }
        assert!(table.clients(&"acme".parse().unwrap()).await.unwrap().is_empty());
        for (wrong, due) in [
            ("--name|", "a value is required for '--name <NAME>'"),
            ("--signing-alg|ES265", "a similar value exists: 'ES256'"),
            ("--auth-method|private_key", "possible values: client_secret_basic"),
            ("--jwks|missing.json", "cannot read `missing.json`: "),
        ] {
            let line = format!("create|--tenant|acme|--scope|users:read|--name|x|{wrong}");
            let refused = kith(&table, &line.replace("|--name|x|--name|", "|--name|")).await;
            assert!(refused.unwrap_err().contains(due), "{wrong}");
        }
    }

    #[tokio::test]
    async fn o9_secrets_are_rotated_and_revoked_as_over_http() {
        let table = table().await;
        kith(&table, "create|--tenant|acme|--name|crm|--scope|users:read").await.unwrap();
        let first = only(&table).await;
        let id = first.client_id.as_str();
        kith(&table, &format!("rotate|{id}|--overlap-hours|24")).await.unwrap();
        let two = only(&table).await.secrets;
        assert_eq!((two.len(), &two[0].id, two[1].expires_at), (2, &first.secrets[0].id, None));
        let left = two[0].expires_at.unwrap().seconds() - two[1].created_at.seconds();
        assert!((24 * 3600 - 5..=24 * 3600).contains(&left));
        assert!(kith(&table, &format!("rotate|{id}")).await.unwrap_err().contains("revoke"));
        assert!(
            kith(&table, &format!("revoke|{id}|--secret|x")).await.unwrap_err().contains("`x`")
        );
        kith(&table, &format!("revoke|{id}|--secret|{}", two[0].id)).await.unwrap();
        kith(&table, &format!("rotate|{id}")).await.unwrap();
        kith(&table, &format!("rotate|{id}|--overlap-hours|0")).await.unwrap();
        assert_eq!(only(&table).await.secrets.len(), 1);
        kith(&table, &format!("revoke|{id}")).await.unwrap();
        assert!(table.clients(&"acme".parse().unwrap()).await.unwrap().is_empty());
        assert_eq!(
            kith(&table, &format!("rotate|{id}")).await.unwrap_err(),
            format!("there is no client `{id}`; see `kith client list --tenant acme`")
        );
    }
}
