//! Tokens of the demonstration, and the tenants that accept them.

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Map, Value, json};
use shared::domain::Json;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::Definition;
use shared::domain::id::TenantId;
use shared::domain::system::System;
use shared::env::Env;
use shared::fetch::Fetcher;
use shared::http;
use shared::store::Table;
use shared::store::definitions::DefinitionEdit;
use tower::ServiceExt as _;

use super::{IdentityProvider, PATH, TokenRequest};
use crate::demo::{self, Demonstration};
use crate::serve::{merged, own_state, scripts};
use crate::table::open_local;

const URL: &str = "http://127.0.0.1:3000";

/// A service on a table in memory, with a data folder of its own.
struct Place {
    folder: PathBuf,
    table: Table,
}

impl Place {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kith-idp-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, table: open_local(None, Env::default()).await.unwrap() }
    }

    /// Starts the service at a URL; what people call, and the provider.
    async fn start(&self, url: &str) -> (Router, IdentityProvider) {
        let state = own_state(&self.table, url, &scripts().unwrap(), &Fetcher::default());
        let prepared = Box::pin(demo::prepare(&state, &self.folder, url)).await;
        let Demonstration { identity_provider, .. } = prepared.unwrap();
        let router = merged(|| state.clone()).merge(identity_provider.router());
        (http::serve(router, self.table.env().clone()), identity_provider)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn token(provider: &IdentityProvider, audience: &str) -> String {
    let mut claims = Map::new();
    claims.insert("scope".to_owned(), "openid".into());
    claims.insert("email".to_owned(), "mia@example.org".into());
    claims.insert("email_verified".to_owned(), true.into());
    let audience = &[audience][..];
    let request =
        TokenRequest { subject: "mia", audience, tenant: demo::TENANT, lifetime: 60, claims };
    provider.token(request).unwrap()
}

async fn call(router: &Router, method: &str, path: &str, token: &str) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty());
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Whether a token is taken: its person has no profile yet, which is 404.
async fn takes(router: &Router, token: &str) -> bool {
    match call(router, "GET", "/identity/me", token).await.0 {
        StatusCode::OK | StatusCode::NOT_FOUND => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("{other}"),
    }
}

async fn declare_system(table: &Table) {
    let document = Json::parse(
        br#"{"id":"webshop","name":"Web shop","attributes_definition":[{"name":"points","classifier":"LOW"}]}"#,
    );
    let (document, tenant): (_, TenantId) = (document.unwrap(), demo::TENANT.parse().unwrap());
    let create = |_: Option<&_>, schema: &_| {
        System::read(document.clone(), None, schema, table.env()).map(DefinitionEdit::Create)
    };
    let author = Author::service(tenant.clone(), Reason::Operator);
    table.edit_definition::<System>(&author, None, create, |_| Ok(Vec::new())).await.unwrap();
}

#[tokio::test]
async fn s2_tokens_of_the_demonstration_are_taken_by_its_own_service_alone() {
    let (here, there) = (Place::new("here").await, Place::new("there").await);
    let (service, provider) = here.start(URL).await;
    let (other, _) = there.start(URL).await;
    let good = token(&provider, URL);
    assert!(takes(&service, &good).await);
    assert!(!takes(&other, &good).await, "another data folder has another key");
    assert!(!takes(&service, &token(&provider, "https://kith.example.org")).await);
    let stranger = IdentityProvider::new(provider.issuer().to_owned(), Env::default()).unwrap();
    assert!(!takes(&service, &token(&stranger, URL)).await);

    // Where the key is registered again, nobody can name an issuer that is no https URL.
    let tenant = demo::TENANT.parse().unwrap();
    let schema = there.table.schema(&tenant).await.unwrap();
    let document = json!({
        "id": "copy", "name": "copy", "subject_type": "email", "issuer": provider.issuer(),
        "jwks": provider.keys(),
    });
    let document = Json::parse(document.to_string().as_bytes()).unwrap();
    let refused = super::AuthenticationServer::read(document, None, &schema, there.table.env());
    assert!(refused.unwrap_err().to_string().contains("expected an https URL"));
}

#[tokio::test]
async fn s2_an_http_issuer_is_kept_and_never_given() {
    let place = Place::new("kept").await;
    let (_, provider) = place.start(URL).await;
    let tenant = demo::TENANT.parse().unwrap();
    let schema = place.table.schema(&tenant).await.unwrap();
    let demo = schema.issuer(provider.issuer()).unwrap();
    let with = |issuer: Option<&str>| super::AuthenticationServer {
        issuer: issuer.map(str::to_owned),
        ..demo.clone()
    };
    let change = |current: &super::AuthenticationServer, issuer: &str| {
        let mut document: Value =
            serde_json::from_str(&Json::Object(current.show()).to_text()).unwrap();
        document["issuer"] = json!(issuer);
        let document = Json::parse(document.to_string().as_bytes()).unwrap();
        super::AuthenticationServer::read(document, Some(current), &schema, place.table.env())
    };
    assert!(change(demo, provider.issuer()).is_ok(), "the stored value may be sent back");
    for (current, issuer) in [
        (demo.clone(), "http://127.0.0.1:3001/demo-idp"),
        (with(Some("https://login.example.org")), provider.issuer()),
        (with(None), provider.issuer()),
    ] {
        let refused = change(&current, issuer).unwrap_err().to_string();
        assert!(refused.contains("expected an https URL"), "{issuer}: {refused}");
    }
}

#[tokio::test]
async fn its_metadata_leads_to_the_key_that_signs() {
    let place = Place::new("metadata").await;
    let (service, provider) = place.start(URL).await;
    let path = format!("{PATH}/.well-known/openid-configuration");
    let (status, metadata) = call(&service, "GET", &path, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(metadata["issuer"], format!("{URL}{PATH}"));
    let keys = metadata["jwks_uri"].as_str().unwrap().strip_prefix(URL).unwrap();
    let (status, keys) = call(&service, "GET", keys, "").await;
    assert_eq!((status, &keys), (StatusCode::OK, &provider.keys()));
    assert_eq!(keys["keys"][0]["kty"], "EC");
    assert_eq!(keys["keys"][0].get("d"), None);
    let header = token(&provider, URL);
    let header = jsonwebtoken::decode_header(&header).unwrap();
    assert_eq!(header.kid.as_deref(), keys["keys"][0]["kid"].as_str());
}

#[tokio::test]
async fn its_issuer_follows_the_address_until_somebody_has_signed_in() {
    let place = Place::new("moving").await;
    drop(place.start("http://127.0.0.1:3001").await);
    let (service, provider) = place.start("http://127.0.0.1:3002").await;
    assert_eq!(provider.issuer(), "http://127.0.0.1:3002/demo-idp");
    declare_system(&place.table).await;
    let path = "/api/v1/tenants/acme/systems/webshop/users";
    let mia = token(&provider, "http://127.0.0.1:3002");
    let (status, profile) = call(&service, "POST", path, &mia).await;
    assert_eq!(status, StatusCode::CREATED, "{profile}");

    let (service, provider) = place.start("http://127.0.0.1:3003").await;
    assert_eq!(provider.issuer(), "http://127.0.0.1:3002/demo-idp");
    let mia = token(&provider, "http://127.0.0.1:3003");
    let (status, again) = call(&service, "POST", path, &mia).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &profile["id"]));
}

#[tokio::test]
async fn what_an_administrator_changed_of_it_stays() {
    let place = Place::new("changed").await;
    drop(place.start(URL).await);
    let tenant: TenantId = demo::TENANT.parse().unwrap();
    let change = |current: Option<&shared::domain::schema::StoredDefinition<_>>, schema: &_| {
        let current: &super::AuthenticationServer = &current.unwrap().stored.value;
        let mut document = current.show();
        document.insert("priority".to_owned(), Json::from(7_u64));
        // With the issuer as it is shown, as a PATCH sends it.
        let document = Json::Object(document);
        super::AuthenticationServer::read(document, Some(current), schema, place.table.env())
            .map(DefinitionEdit::Replace)
    };
    let author = Author::service(tenant.clone(), Reason::Operator);
    place
        .table
        .edit_definition(&author, Some(super::SERVER), change, |_| Ok(Vec::new()))
        .await
        .unwrap();
    let (service, provider) = place.start(URL).await;
    assert!(takes(&service, &token(&provider, URL)).await);
    let schema = place.table.schema(&tenant).await.unwrap();
    assert_eq!(schema.servers.get(super::SERVER).unwrap().stored.value.priority, 7);
}
