//! A call of an OAuth endpoint: a form, and the client that has authenticated.

use std::sync::Arc;

use http::HeaderValue;
use http::header::ORIGIN;
use http::request::Parts;
use serde_json::Value;
use shared::app::App;
use shared::auth::access_token::issuer;
use shared::auth::dpop::Proof;
use shared::axum::Json;
use shared::axum::extract::{FromRequest, Request};
use shared::axum::response::{IntoResponse, Response};
use shared::domain::Versioned;
use shared::domain::client::Client;
use shared::http::body::read_body;
use shared::http::edge::{base_url, name_caller};
use shared::http::negotiation::{is_plain, media_type};
use shared::http::{Effect, Route};

use crate::client_authentication::authenticate;
use crate::error::{OAuthError, no_store};
use crate::form::Form;

/// The largest form, in bytes: two tokens of 8 KB. It is read before the client is known.
const MAX_FORM: usize = 16 * 1024;

/// A request whose form is read and whose client has authenticated.
pub(crate) struct OAuthCall {
    /// The state of the function.
    pub app: App,
    /// The client.
    pub client: Arc<Versioned<Client>>,
    /// The parameters.
    pub form: Form,
    /// The base URL of the service.
    pub base_url: String,
    parts: Parts,
}

impl FromRequest<App> for OAuthCall {
    type Rejection = OAuthError;

    async fn from_request(request: Request, app: &App) -> Result<Self, OAuthError> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request(
                "expected Content-Type application/x-www-form-urlencoded",
            ));
        }
        if !is_plain(&parts.headers) {
            let detail = "expected a body without Content-Encoding; send it uncompressed";
            return Err(OAuthError::invalid_request(detail));
        }
        let secret = parts
            .extensions
            .get::<&'static Route>()
            .is_some_and(|route| route.effect == Effect::Secret);
        if secret && parts.headers.contains_key("idempotency-key") {
            return Err(OAuthError::invalid_request(
                "the answer of this route carries a secret; omit Idempotency-Key",
            ));
        }
        let body = read_body(&parts.headers, body, MAX_FORM).await?;
        let form = Form::parse(&body)?;
        let base_url = base_url(app, &parts.extensions)?;
        let client = authenticate(app, &parts, &form, &base_url).await?;
        name_caller(
            &parts.extensions,
            client.value.client_id.tenant(),
            client.value.client_id.as_str(),
        );
        Ok(Self { app: app.clone(), client, form, base_url, parts })
    }
}

impl OAuthCall {
    /// The key that the token is to be bound to: the proof of possession that came with the
    /// request, if one did, used up.
    pub(crate) async fn proof(&self) -> Result<Option<Proof>, OAuthError> {
        let proof = Proof::of(&self.parts, &self.base_url, self.app.env().clock.now())?;
        if let Some(proof) = &proof {
            proof.use_once(self.app.table(), self.client.value.client_id.tenant()).await?;
        }
        Ok(proof)
    }

    /// The origin of the page that sent the request, if one did.
    pub(crate) fn origin(&self) -> Option<&HeaderValue> {
        self.parts.headers.get(ORIGIN)
    }

    /// The issuer of the service's tokens.
    pub(crate) fn issuer(&self) -> String {
        issuer(&self.base_url)
    }
}

/// An answer that is stored nowhere.
pub(crate) fn answer(content: Value) -> Response {
    let mut response = Json(content).into_response();
    no_store(&mut response);
    response
}
