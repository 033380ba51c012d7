//! A person who is signed in with a browser, and the calls that its pages make.

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona;
use shared::http::cookies::{self, Cookie};

use crate::call::Call;
use crate::fixtures::Resource;
use crate::service::{BASE, Client, Service};

/// A person with the cookie of a session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The service that is called.
    pub service: Service,
    /// The value of the cookie.
    pub cookie: String,
}

impl Service {
    /// A person who has just signed in with a browser.
    pub async fn signed_in(&self, user: &str) -> SignedIn {
        SignedIn { service: self.clone(), cookie: Box::pin(self.give_session(user)).await }
    }
}

impl Client {
    /// A user with a persona of a built-in definition, as this client may grant it.
    pub async fn person_with(&self, username: &str, rights: &[BuiltInPersona]) -> Resource {
        let persona = |rights: &BuiltInPersona| json!({ "name": rights.name() });
        let mut body = crate::fixtures::person(username);
        body["personas"] = rights.iter().map(persona).collect();
        self.create("/identity/users", body).await
    }
}

impl SignedIn {
    /// The same person at another instance.
    pub fn on(&self, service: &Service) -> Self {
        Self { service: service.clone(), ..self.clone() }
    }

    /// A request with the cookie alone, as any site can make a browser send it.
    pub fn bare(&self, method: &str, path: &str) -> Call {
        let name = cookies::name(Cookie::Session, BASE);
        self.service.call(method, path).header("cookie", format!("{name}={}", self.cookie))
    }

    /// A request of a page of the service.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.bare(method, path)
            .header("kith-portal", "1")
            .header("origin", BASE)
            .header("sec-fetch-site", "same-origin")
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// A POST with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// A POST without a body.
    pub fn act(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// A PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }
}
