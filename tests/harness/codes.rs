//! Clients in which people sign in, and authorization codes as the login function makes them.

use serde_json::Value;
use shared::domain::client::{AuthMethod, Client as Registered};
use shared::domain::id::{ClientId, PersonaId, TenantId, UserId};
use shared::domain::people::{Code, Secret, SessionCookie};

use crate::answer::Answer;
use crate::call::Call;
use crate::service::{Client, Service, TENANT};

/// The verifier of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The redirect URI of [`PersonClient`]s.
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// The origin of their pages.
pub const ORIGIN: &str = "https://app.example";

/// A client of [`TENANT`] in which people sign in.
#[derive(Clone, Debug)]
pub struct PersonClient {
    /// The service that it calls.
    pub service: Service,
    /// The client's id.
    pub id: String,
    /// The client's secret; a public client has none.
    pub secret: Option<String>,
}

/// What a code is bound to. Good values stand in every field.
#[derive(Clone, Debug)]
pub struct GiveCode {
    /// The client's id.
    pub client: String,
    /// The user's id.
    pub user: String,
    /// The redirect URI.
    pub redirect_uri: String,
    /// The challenge.
    pub challenge: String,
    /// The `nonce`.
    pub nonce: Option<String>,
    /// The granted scopes.
    pub scope: String,
    /// The parameter `claims`.
    pub claims: Option<String>,
    /// The thumbprint of the key of a proof.
    pub dpop_jkt: Option<String>,
    /// The id of the persona that the person chose.
    pub persona: Option<String>,
    /// The value of the session's cookie; without one the person signs in anew.
    pub session: Option<String>,
}

impl GiveCode {
    /// A code for a client and a user, with the scope `openid`.
    pub fn of(client: &str, user: &str) -> Self {
        Self {
            client: client.to_owned(),
            user: user.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            challenge: CHALLENGE.to_owned(),
            nonce: None,
            scope: "openid".to_owned(),
            claims: None,
            dpop_jkt: None,
            persona: None,
            session: None,
        }
    }

    /// With these scopes.
    pub fn scope(self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self }
    }
}

impl Service {
    /// Registers a public client in which people sign in, with every scope of people, as `edit`
    /// leaves it.
    pub async fn person_client(&self, edit: impl FnOnce(&mut Registered)) -> PersonClient {
        let tenant: TenantId = TENANT.parse().expect("a tenant's name");
        let scopes = "openid profile email address phone userdata offline_access";
        let scopes = scopes.parse().expect("scopes");
        let uris = vec![REDIRECT_URI.to_owned()];
        let env = self.table.env();
        let mut client = Registered::register_person_client(&tenant, "app", scopes, uris, env);
        edit(&mut client);
        let secret = client.takes_secrets().then(|| client.add_secret(env));
        self.table.create_client(&client).await.expect("a client");
        PersonClient {
            service: self.clone(),
            id: client.client_id.to_string(),
            secret: secret.map(|secret| secret.reveal().to_owned()),
        }
    }

    /// The same with a secret.
    pub async fn confidential_client(&self, edit: impl FnOnce(&mut Registered)) -> PersonClient {
        self.person_client(|client| {
            client.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
            edit(client);
        })
        .await
    }

    /// Puts a code into the table, as the login function does when the person has signed in and has
    /// granted to the client what it asks for.
    pub async fn give_code(&self, give: &GiveCode) -> String {
        let tenant: TenantId = TENANT.parse().expect("a tenant's name");
        let user: UserId = give.user.parse().expect("a user's id");
        let client: ClientId = give.client.parse().expect("a client's id");
        let registered = self.table.find_client(&client).await.expect("a read");
        let asks = |known: &Registered| known.needs_consent() && known.remembers_consent();
        if registered.is_some_and(|registered| asks(&registered.value)) {
            let scopes: Vec<_> = give.scope.split(' ').collect();
            Box::pin(self.give_client_consent(&give.user, &give.client, &scopes)).await;
        }
        let cookie = match &give.session {
            Some(cookie) => cookie.clone(),
            None => Box::pin(self.give_session(&give.user)).await,
        };
        let cookie: SessionCookie = cookie.parse().expect("a cookie");
        let session = self.table.read_session(&tenant, user, &cookie.hash()).await;
        let session = session.expect("a read").expect("a session").value;
        let code = Code {
            client,
            redirect_uri: give.redirect_uri.clone(),
            challenge: give.challenge.clone(),
            nonce: give.nonce.clone(),
            scope: give.scope.split(' ').map(str::to_owned).collect(),
            claims: give.claims.clone(),
            audience: Vec::new(),
            dpop_jkt: give.dpop_jkt.clone(),
            user,
            user_version: session.user_version,
            persona: give.persona.as_ref().map(|id| id.parse::<PersonaId>().expect("an id")),
            sid: session.sid,
            session: cookie.hash(),
            session_ends_at: session.ends_at,
            auth_time: session.auth_time,
            amr: session.amr,
            acr: Some("1".to_owned()),
            created_at: self.clock.now(),
            exchanged: None,
        };
        let secret = Secret::new(&self.table.env().random);
        self.table.put_code(&tenant, &secret, &code).await.expect("a code");
        secret.to_string()
    }
}

impl PersonClient {
    /// The same client of another instance.
    pub fn on(&self, service: &Service) -> Self {
        Self { service: service.clone(), ..self.clone() }
    }

    /// The client as a machine client, for the requests that both make.
    pub fn as_client(&self) -> Client {
        Client {
            service: self.service.clone(),
            id: self.id.clone(),
            secret: self.secret.clone().unwrap_or_default(),
            token: String::new(),
        }
    }

    /// A request to an OAuth endpoint with the client's id, and its secret if it has one.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Call {
        let mut form = form.to_vec();
        form.push(("client_id", &self.id));
        form.extend(self.secret.as_deref().map(|secret| ("client_secret", secret)));
        self.service.call("POST", path).form(&form)
    }

    /// A request to the token endpoint.
    pub fn token_for(&self, form: &[(&str, &str)]) -> Call {
        self.post("/idhub/oidc/v1/token", form)
    }

    /// Exchanges a code that is bound to good values.
    pub fn exchange(&self, code: &str) -> Call {
        self.token_for(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ])
    }

    /// Exchanges a refresh token.
    pub fn refresh(&self, token: &str) -> Call {
        self.token_for(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// What a code for this client and this user is bound to.
    pub fn code_of(&self, user: &str, scope: &str) -> GiveCode {
        GiveCode::of(&self.id, user).scope(scope)
    }

    /// Signs a person in with these scopes; the answer of the token endpoint.
    pub async fn sign_in(&self, user: &str, scope: &str) -> Answer {
        self.sign_in_with(&self.code_of(user, scope)).await
    }

    /// Signs a person in by a code that is bound to these values.
    pub async fn sign_in_with(&self, give: &GiveCode) -> Answer {
        let code = self.service.give_code(give).await;
        self.exchange(&code).await.is(200)
    }

    /// What userinfo answers to an access token.
    pub fn userinfo(&self, access_token: &str) -> Call {
        self.service.call("GET", "/idhub/oidc/v1/userinfo").token(access_token)
    }

    /// What introspection by another client of the tenant says about a token.
    pub async fn introspected(&self, by: &Client, token: &str) -> Value {
        let answer = by.service.call("POST", "/idhub/oidc/v1/introspect").form(&[
            ("token", token),
            ("client_id", &by.id),
            ("client_secret", &by.secret),
        ]);
        answer.await.is(200).json()
    }
}
