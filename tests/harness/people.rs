//! People and the identity providers that issue their tokens. A test decides exactly which claims
//! they sign, valid or not.

use serde_json::{Value, json};
use shared::auth::SigningKeys;
use shared::auth::access_token::{AccessTokenClaims, issuer};
use shared::auth::claims::Audience;
use shared::domain::Versioned;
use shared::domain::client::Classifier;
use shared::domain::id::{BaseId, ClientId, TenantId};
use shared::domain::jwk::Algorithm;
use shared::domain::sso::Principal;
use shared::domain::system_profile::SystemProfile;
use shared::store::principals::store_principal;
use shared::store::system_profiles::create_profile;
use shared::store::{Condition, Key, Table, Write};

use crate::call::Call;
use crate::keys::{KeyPair, jwks, with};
use crate::service::{BASE, Client, Service, TENANT};

/// An identity provider, as a tenant knows it.
pub struct Issuer {
    /// The id of its authentication server.
    pub id: String,
    /// The `iss` of its tokens.
    pub url: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// The signing key.
    pub key: KeyPair,
    service: Service,
}

impl Service {
    /// Registers an authentication server of [`TENANT`] whose tokens are trusted, with this subject
    /// type.
    pub async fn issuer(&self, id: &str, subject_type: &str) -> Issuer {
        self.issuer_with(id, json!({ "subject_type": subject_type })).await
    }

    /// Registers an authentication server of [`TENANT`] with changed members; `null` removes one.
    pub async fn issuer_with(&self, id: &str, changes: Value) -> Issuer {
        let issuer = Issuer {
            id: id.to_owned(),
            url: format!("https://{id}.example/realm"),
            audience: "kith".to_owned(),
            key: KeyPair::es256(),
            service: self.clone(),
        };
        let keys: Value = serde_json::from_str(&jwks(&[&issuer.key])).unwrap();
        let server = json!({
            "id": id, "name": id, "subject_type": "predefined", "issuer": issuer.url,
            "audience": issuer.audience, "jwks": keys,
        });
        let admin = self.client(TENANT, "config:write").await;
        admin.post("/api/v1/sso/authentication-servers", with(server, changes)).await.is(201);
        issuer
    }

    /// Declares a system of [`TENANT`] with attributes of the class `NON_SENSITIVE`.
    pub async fn system(&self, id: &str, attributes: &[&str]) {
        let declared =
            attributes.iter().map(|name| json!({ "name": name, "classifier": "NON_SENSITIVE" }));
        let system =
            json!({ "id": id, "name": id, "attributes_definition": declared.collect::<Vec<_>>() });
        let admin = self.client(TENANT, "config:write").await;
        admin.post("/identity/config/systems", system).await.is(201);
    }

    /// Gives a user a new profile in a system, as a sign-in does: where it is.
    pub async fn profile(&self, user: &str, system: &str) -> String {
        let tenant: TenantId = TENANT.parse().unwrap();
        let user = user.parse().expect("a user's id");
        let profile = SystemProfile::new(system.parse().expect("a system's id"), self.table.env());
        let path = format!("{}/{}", profiles(system), profile.id);
        let mut writes = create_profile(&tenant, user, &Versioned::first(profile)).to_vec();
        writes.push(Write::Check(Key::user(&tenant, user), Condition::NotDeleted));
        self.table.commit(writes).await.expect("a system profile");
        path
    }
}

impl Client {
    /// A person who has signed in at the service itself through this client's application, with
    /// these granted scopes.
    pub async fn local_person(&self, user: &str, scopes: &str) -> Person {
        self.local_person_with(user, scopes, |_| {}).await
    }

    /// The same, with changed claims. The service's own key signs the token.
    pub async fn local_person_with(
        &self,
        user: &str,
        scopes: &str,
        change: impl FnOnce(&mut AccessTokenClaims),
    ) -> Person {
        let (service, env) = (self.service.clone(), self.service.table.env());
        let client_id: ClientId = self.id.parse().expect("a client's id");
        let now = env.clock.now().seconds();
        let mut claims = AccessTokenClaims {
            iss: issuer(BASE),
            sub: String::new(),
            user_id: Some(user.parse().expect("a user's id")),
            aud: Audience::One(BASE.to_owned()),
            tenant: client_id.tenant().clone(),
            client_id,
            scope: scopes.parse().expect("scopes"),
            jti: env.new_uuid().to_string(),
            iat: now,
            exp: now + 300,
            nbf: None,
            systems: Vec::new(),
            integration: None,
            max_classifier: Classifier::most(),
            cnf: None,
            user_version: None,
            sid: None,
            persona: None,
            claims: Vec::new(),
        };
        claims.sub = claims.expected_subject();
        change(&mut claims);
        let keys = SigningKeys::new(service.table.clone());
        let key = keys.current(Algorithm::Es256).await.expect("a signing key");
        let token = key.sign(&claims).expect("a token");
        Person { service, token }
    }
}

impl Issuer {
    /// A good token of [`TENANT`], issued now, with changed members of its header and its claims;
    /// `null` removes one.
    pub fn token_with(&self, subject: &str, header: Value, claims: Value) -> String {
        let now = self.service.now();
        let due = json!({
            "iss": self.url, "sub": subject, "aud": self.audience, "tenant": TENANT, "iat": now,
            "exp": now + 300,
            "scope": "openid",
        });
        self.key.jws(
            &with(json!({ "alg": self.key.alg, "typ": "JWT", "kid": self.key.kid }), header),
            &with(due, claims),
        )
    }

    /// The base profile id of the person with this subject, in [`TENANT`].
    pub fn base(&self, subject: &str) -> String {
        BaseId::of(subject, &self.url, &TENANT.parse().expect("a tenant's name")).to_string()
    }

    /// Stores that the issuer's subject stands for this user, or that it was unlinked, and gives
    /// the person with a new token.
    pub async fn link_as(&self, user: &str, subject: &str, linked: bool) -> Person {
        link(&self.service.table, user, &self.id, &self.base(subject), linked).await;
        self.person(subject, json!({}))
    }

    /// Stores that the issuer's subject stands for this user, and gives the person with a new
    /// token.
    pub async fn link(&self, user: &str, subject: &str) -> Person {
        self.link_as(user, subject, true).await
    }

    /// A person with this subject and a new token with these additional claims.
    pub fn person(&self, subject: &str, claims: Value) -> Person {
        Person { service: self.service.clone(), token: self.token_with(subject, json!({}), claims) }
    }
}

/// A person with a token.
#[derive(Clone, Debug)]
pub struct Person {
    /// The service that is called.
    pub service: Service,
    /// The token that is sent.
    pub token: String,
}

/// Stores that a base profile id stands for a user of [`TENANT`], as a sign-in does.
pub async fn link(table: &Table, user: &str, server: &str, base: &str, linked: bool) {
    let tenant = TENANT.parse().expect("a tenant's name");
    let user = user.parse().expect("a user's id");
    let principal = Principal::active(
        server.parse().expect("a server's id"),
        base.parse().expect("a base profile id"),
    );
    let principal = Versioned::first(Principal { linked, ..principal });
    let mut writes = store_principal(&tenant, user, &principal, Condition::Absent);
    writes.push(Write::Check(Key::user(&tenant, user), Condition::NotDeleted));
    table.commit(writes).await.expect("a link");
}

/// Where the profiles of a system of [`TENANT`] are.
pub fn profiles(system: &str) -> String {
    format!("/api/v1/tenants/{TENANT}/systems/{system}/users")
}

impl Person {
    /// The same person at another instance.
    pub fn on(&self, service: &Service) -> Self {
        Self { service: service.clone(), ..self.clone() }
    }

    /// A request with the person's token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.service.call(method, path).token(&self.token)
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// A PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    /// A POST without a body.
    pub fn act(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Signs in at a system: gets or creates the person's profile there.
    pub fn sign_in(&self, system: &str) -> Call {
        self.call("POST", &profiles(system))
    }
}
