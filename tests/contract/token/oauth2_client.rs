//! The crate `oauth2` as client of the service; the clients of other languages are in
//! `tests/clients`.

use std::convert::Infallible;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IntrospectionUrl, RefreshToken, RequestTokenError, RevocationUrl, Scope,
    StandardRevocableToken, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::json;
use tests::{Client, Service, TENANT};

type Configured =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

/// The registered client as the crate has it, with the endpoints that the metadata names.
async fn configured(client: &Client, secret: &str) -> Configured {
    let metadata = client
        .service
        .call("GET", "/.well-known/oauth-authorization-server/idhub/oidc")
        .await
        .is(200);
    BasicClient::new(ClientId::new(client.id.clone()))
        .set_client_secret(ClientSecret::new(secret.to_owned()))
        .set_token_uri(TokenUrl::new(metadata.field("token_endpoint")).unwrap())
        .set_introspection_url(
            IntrospectionUrl::new(metadata.field("introspection_endpoint")).unwrap(),
        )
        .set_revocation_url(RevocationUrl::new(metadata.field("revocation_endpoint")).unwrap())
}

async fn start() -> (Service, Client, Configured) {
    let service = Service::start().await;
    let client = service.register(TENANT, "users:read users:write".parse().unwrap(), true).await;
    let configured = configured(&client, &client.secret).await;
    (service, client, configured)
}

/// Sends the crate's requests to the service.
fn http(
    service: &Service,
) -> impl Fn(HttpRequest) -> std::pin::Pin<Box<dyn Future<Output = Sent> + Send>> {
    let service = service.clone();
    move |request| {
        let service = service.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut call = service.call(parts.method.as_str(), parts.uri.path());
            for (name, value) in &parts.headers {
                call = call.header(name.as_str(), value);
            }
            let content_type = parts.headers["content-type"].to_str().unwrap();
            let answer = call.body(content_type, body).await;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

type Sent = Result<HttpResponse, Infallible>;

#[tokio::test]
async fn o4_the_crate_oauth2_gets_tokens_by_either_way_of_sending_a_secret() {
    let (service, _, configured) = start().await;
    for (way, username) in [(AuthType::BasicAuth, "jan"), (AuthType::RequestBody, "piet")] {
        let configured = configured.clone().set_auth_type(way);

        let tokens = configured
            .exchange_client_credentials()
            .add_scope(Scope::new("users:write".to_owned()))
            .request_async(&http(&service))
            .await
            .unwrap();

        assert_eq!(tokens.token_type(), &BasicTokenType::Bearer);
        assert_eq!(tokens.expires_in().map(|life| life.as_secs()), Some(900));
        assert_eq!(tokens.scopes(), Some(&vec![Scope::new("users:write".to_owned())]));
        let token = tokens.access_token().secret();
        service
            .call("POST", "/identity/users")
            .token(token)
            .json(json!({ "username": username }))
            .await
            .is(201);
    }
}

#[tokio::test]
async fn o6_the_crate_oauth2_rotates_refresh_tokens() {
    let (service, _, configured) = start().await;
    let first =
        configured.exchange_client_credentials().request_async(&http(&service)).await.unwrap();
    let first = first.refresh_token().unwrap();

    let tokens =
        configured.exchange_refresh_token(first).request_async(&http(&service)).await.unwrap();

    assert_ne!(tokens.refresh_token().unwrap().secret(), first.secret());
    service.call("GET", "/identity/users/x").token(tokens.access_token().secret()).await.is(404);
}

#[tokio::test]
async fn o7_the_crate_oauth2_introspects_and_revokes() {
    let (service, client, configured) = start().await;
    let tokens =
        configured.exchange_client_credentials().request_async(&http(&service)).await.unwrap();
    let refresh_token = tokens.refresh_token().unwrap();
    let revocable: [(&AccessToken, StandardRevocableToken); 2] = [
        (tokens.access_token(), tokens.access_token().into()),
        (&AccessToken::new(refresh_token.secret().clone()), refresh_token.into()),
    ];
    for (token, revocable) in revocable {
        let answer = configured.introspect(token).request_async(&http(&service)).await.unwrap();
        assert!(answer.active());
        assert_eq!(answer.client_id().map(|id| id.as_str()), Some(&*client.id));

        configured.revoke_token(revocable).unwrap().request_async(&http(&service)).await.unwrap();

        assert!(
            !configured.introspect(token).request_async(&http(&service)).await.unwrap().active()
        );
    }
}

#[tokio::test]
async fn o1_the_crate_oauth2_reports_what_is_refused() {
    let (service, client, good) = start().await;
    let wrong = configured(&client, "kith_wrong").await;
    let unknown = RefreshToken::new("unknown".to_owned());
    let http = http(&service);
    let refused = [
        (
            wrong.exchange_client_credentials().request_async(&http).await,
            BasicErrorResponseType::InvalidClient,
        ),
        (
            good.exchange_client_credentials()
                .add_scope(Scope::new("administrator".to_owned()))
                .request_async(&http)
                .await,
            BasicErrorResponseType::InvalidScope,
        ),
        (
            good.exchange_refresh_token(&unknown).request_async(&http).await,
            BasicErrorResponseType::InvalidGrant,
        ),
    ];
    for (answer, due) in refused {
        let Err(RequestTokenError::ServerResponse(error)) = answer else {
            panic!("not refused as due: {answer:?}")
        };
        assert_eq!(error.error(), &due);
        assert!(error.error_description().is_some());
    }
}
