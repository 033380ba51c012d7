//! A connection of the load, and what it remembers between requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::request::Builder;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::Measurement;
use crate::fixtures::{TOKEN, token_form};
use crate::operation::{Operation, Query};
use crate::signer::{AUDIENCE, Signer};

/// The address of the service, and the client that calls it.
pub(crate) struct MeasuredService {
    /// `host:port`.
    pub authority: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The key of the client that authenticates by assertions.
    pub signer: Signer,
    /// That client, once it is registered.
    pub signing_client: OnceCell<String>,
    /// The tenant whose people sign in, once their issuer is trusted and their system declared.
    pub people: OnceCell<String>,
    /// The ids of [`BATCH`] users.
    pub batch: OnceCell<Vec<String>>,
    /// Set once the definition of the attribute that queries search by exists.
    pub defined: OnceCell<()>,
}

/// How many users are read at once.
const BATCH: usize = 100;

/// The issuer of people's tokens.
const ISSUER: &str = "https://load.example/realm";

/// Where the profiles of the system are.
fn profiles(tenant: &str) -> String {
    format!("/api/v1/tenants/{tenant}/systems/load/users")
}

/// A user that a connection has to itself.
struct BenchUser {
    path: String,
    id: String,
    username: String,
    family_name: String,
    email: String,
    tag: String,
}

/// How many users each connection has.
const USERS: usize = 8;

/// A connection with what it knows.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    service: Arc<MeasuredService>,
    authorization: String,
    users: Vec<BenchUser>,
    /// A person's token, and where the person's profile is.
    person: (String, String),
    /// The number in the `id_at_customer` of a user that exists.
    known: u64,
    /// A value that one user has as an attribute and as the scope of a persona.
    mark: String,
    turn: usize,
}

/// Numbers what must differ between all connections of all runs.
fn number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

impl Connection {
    /// Connects, gets a token, and makes users.
    pub(crate) async fn open(service: Arc<MeasuredService>) -> Measurement<Self> {
        let stream = TcpStream::connect(&service.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Its end shows in the next request.
        tokio::spawn(connection);
        let mut this = Self {
            sender,
            service,
            authorization: String::new(),
            users: Vec::new(),
            person: Default::default(),
            known: number(),
            mark: format!("mark-{}", number()),
            turn: 0,
        };
        let request = this.request(Operation::Token)?;
        let (_, body) = this.send(request, StatusCode::OK).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        let token = answer.get("access_token").and_then(Value::as_str).ok_or("no token")?;
        this.authorization = format!("Bearer {token}");
        let service = this.service.clone();
        service.signing_client.get_or_try_init(|| this.register()).await?;
        service.people.get_or_try_init(|| this.set_up_sign_in()).await?;
        this.sign_in_own_user().await?;
        service.batch.get_or_try_init(|| this.make_batch()).await?;
        let request = this.upsert(this.known)?;
        this.send(request, StatusCode::CREATED).await?;
        for _ in 0..USERS {
            let request = this.request(Operation::Create)?;
            let (headers, body) = this.send(request, StatusCode::CREATED).await?;
            let user: Value = serde_json::from_slice(&body)?;
            let text =
                |name: &str| user.get(name).and_then(Value::as_str).ok_or("an incomplete user");
            let text = |name: &str| text(name).map(str::to_owned);
            let id = text("id")?;
            this.users.push(BenchUser {
                path: format!("/identity/users/{id}"),
                id,
                username: text("username")?,
                family_name: text("family_name")?,
                email: text("preferred_email")?,
                tag: tag(&headers)?,
            });
        }
        service.defined.get_or_try_init(|| this.define()).await?;
        let marked = json!({
            "username": format!("user.{}", this.mark),
            "attributes": { "common": { "mark": [this.mark] } },
            "personas": [{ "name": "marked", "scope": [this.mark] }],
        });
        this.post("/identity/users", &marked).await?;
        Ok(this)
    }

    /// Makes the users that are read at once; returns their ids.
    async fn make_batch(&mut self) -> Measurement<Vec<String>> {
        let mut ids = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let request = self.request(Operation::Create)?;
            let (_, body) = self.send(request, StatusCode::CREATED).await?;
            let user: Value = serde_json::from_slice(&body)?;
            ids.push(
                user.get("id").and_then(Value::as_str).ok_or("an incomplete user")?.to_owned(),
            );
        }
        Ok(ids)
    }

    fn upsert(&self, number: u64) -> Measurement<Request<Full<Bytes>>> {
        let request =
            self.start(Method::PUT, &format!("/identity/users/by/id_at_customer/load-{number}"));
        Ok(request
            .header("content-type", "application/json")
            .body(Full::from(person(number).to_string()))?)
    }

    /// Does an operation once, on the next of its users; the answer must be as due.
    pub(crate) async fn perform(&mut self, operation: Operation) -> Measurement {
        self.turn = self.turn.wrapping_add(1);
        let request = self.request(operation)?;
        let (headers, _) = self.send(request, operation.due()).await?;
        if matches!(operation, Operation::Patch | Operation::Rename) {
            let tag = tag(&headers)?;
            let turn = self.turn % USERS;
            self.users.get_mut(turn).ok_or("no user")?.tag = tag;
        }
        Ok(())
    }

    /// Defines what queries find users by.
    async fn define(&mut self) -> Measurement {
        let attribute = json!({
            "category": "common", "name": "mark", "data_format": "TEXT", "search": "exact"
        });
        self.post("/identity/config/attribute-definitions", &attribute).await?;
        self.post("/config/persona-definitions", &json!({ "name": "marked", "scoped": true })).await
    }

    /// Creates something.
    async fn post(&mut self, path: &str, body: &Value) -> Measurement {
        let request = self.start(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(Full::from(body.to_string()))?, StatusCode::CREATED).await?;
        Ok(())
    }

    /// Registers the client that authenticates by assertions.
    async fn register(&mut self) -> Measurement<String> {
        let body = json!({
            "name": "load", "scopes": ["users:read"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [self.service.signer.jwk()] },
        });
        let request =
            self.start(Method::POST, "/config/clients").header("content-type", "application/json");
        let (_, answer) =
            self.send(request.body(Full::from(body.to_string()))?, StatusCode::CREATED).await?;
        let client: Value = serde_json::from_slice(&answer)?;
        Ok(client.get("client_id").and_then(Value::as_str).ok_or("no client")?.to_owned())
    }

    /// Trusts the issuer of people's tokens, and declares their system; returns the tenant.
    async fn set_up_sign_in(&mut self) -> Measurement<String> {
        let server = json!({
            "id": "load", "name": "load", "subject_type": "email", "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks": { "keys": [self.service.signer.jwk()] },
        });
        let system = json!({ "id": "load", "name": "load" });
        for (path, body) in
            [("/api/v1/sso/authentication-servers", server), ("/identity/config/systems", system)]
        {
            self.post(path, &body).await?;
        }
        Ok(self.service.client_id.split('.').next().ok_or("a client without a tenant")?.to_owned())
    }

    /// Signs in a person that only this connection uses.
    async fn sign_in_own_user(&mut self) -> Measurement {
        let tenant = self.service.people.get().ok_or("no people")?;
        let token = self.service.signer.person(ISSUER, tenant, number())?;
        let request = self.sign_in(&token)?;
        let (headers, _) = self.send(request, StatusCode::CREATED).await?;
        let path = headers.get("location").ok_or("no Location")?.to_str()?.to_owned();
        self.person = (token, path);
        Ok(())
    }

    fn sign_in(&self, token: &str) -> Measurement<Request<Full<Bytes>>> {
        let tenant = self.service.people.get().ok_or("no people")?;
        let request = Request::post(profiles(tenant)).header("host", &self.service.authority);
        Ok(request.header("authorization", format!("Bearer {token}")).body(Full::default())?)
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        due: StatusCode,
    ) -> Measurement<(HeaderMap, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.status != due {
            return Err(format!(
                "{due} was due, {} came: {}",
                parts.status,
                String::from_utf8_lossy(&body)
            )
            .into());
        }
        Ok((parts.headers, body))
    }

    fn filter(&self, query: Query, user: &BenchUser) -> String {
        let mark = &self.mark;
        match query {
            Query::Id => format!("id eq \"{}\"", user.id),
            Query::Username => format!("username eq \"{}\"", user.username),
            Query::Name => format!("family_name eq \"{}\"", user.family_name),
            Query::NameStart => format!("family_name sw \"{}\"", user.family_name),
            Query::Attribute => format!("attributes.common.mark eq \"{mark}\""),
            Query::Persona => format!("personas[name eq \"marked\" and scope eq \"{mark}\"]"),
            Query::EitherUsername => {
                format!("username eq \"{}\" or username eq \"user.{mark}\"", user.username)
            }
            Query::Listing => "status eq \"ACTIVE\"".to_owned(),
        }
    }

    fn start(&self, method: Method, path: &str) -> Builder {
        let builder =
            Request::builder().method(method).uri(path).header("host", &self.service.authority);
        if self.authorization.is_empty() {
            builder
        } else {
            builder.header("authorization", &self.authorization)
        }
    }

    fn request(&self, operation: Operation) -> Measurement<Request<Full<Bytes>>> {
        let user = || self.users.get(self.turn % USERS).ok_or("no user");
        let json = |builder: Builder, body: &Value| {
            builder.header("content-type", "application/json").body(Full::from(body.to_string()))
        };
        let patch = |body: &Value| -> Measurement<_> {
            let user = user()?;
            Ok(json(self.start(Method::PATCH, &user.path).header("if-match", &user.tag), body)?)
        };
        Ok(match operation {
            Operation::Token => Request::post(TOKEN)
                .header("host", &self.service.authority)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(token_form(&self.service.client_id, &self.service.client_secret).into())?,
            Operation::TokenByAssertion => {
                let client = self.service.signing_client.get().ok_or("no client that signs")?;
                let audience = format!("http://{}/idhub/oidc", self.service.authority);
                let assertion = self.service.signer.assertion(client, &audience, number())?;
                let form = format!(
                    "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%\
                     3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
                );
                Request::post(TOKEN)
                    .header("host", &self.service.authority)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.into())?
            }
            Operation::Create => {
                json(self.start(Method::POST, "/identity/users"), &person(number()))?
            }
            Operation::Read => self.start(Method::GET, &user()?.path).body(Full::default())?,
            Operation::NotModified => {
                let user = user()?;
                self.start(Method::GET, &user.path)
                    .header("if-none-match", &user.tag)
                    .body(Full::default())?
            }
            Operation::Find => {
                let body = json!({ "filter": { "preferred_email": user()?.email } });
                json(self.start(Method::POST, "/identity/users/query"), &body)?
            }
            Operation::Patch => {
                let language =
                    if (self.turn / USERS).is_multiple_of(2) { "nl-BE" } else { "fr-BE" };
                patch(&json!({ "ui_locales": language }))?
            }
            Operation::Rename => patch(&json!({ "given_name": format!("Jan{}", number()) }))?,
            Operation::Arrive => {
                let tenant = self.service.people.get().ok_or("no people")?;
                self.sign_in(&self.service.signer.person(ISSUER, tenant, number())?)?
            }
            Operation::ArriveAgain => self.sign_in(&self.person.0)?,
            Operation::Synchronise => {
                self.start(Method::GET, "/identity/users?limit=50").body(Full::default())?
            }
            Operation::BatchGet => {
                let ids = self.service.batch.get().ok_or("no users to read at once")?;
                json(self.start(Method::POST, "/identity/users/batch-get"), &json!({ "ids": ids }))?
            }
            Operation::UpsertNew => self.upsert(number())?,
            Operation::UpsertSame => self.upsert(self.known)?,
            Operation::ReadProfile => {
                self.start(Method::GET, &self.person.1).body(Full::default())?
            }
            Operation::Query(query) => {
                let body = json!({ "filter": self.filter(query, user()?), "limit": 20 });
                json(self.start(Method::POST, "/identity/users/query"), &body)?
            }
        })
    }
}

/// A user with username, e-mail and both names.
fn person(number: u64) -> Value {
    json!({
        "username": format!("user.{number}"),
        "preferred_email": format!("user.{number}@example.org"),
        "given_name": format!("Jan{}", number % 997),
        "family_name": format!("Janssen{}", number % 9973),
    })
}

fn tag(headers: &HeaderMap) -> Measurement<String> {
    Ok(headers.get("etag").ok_or("no tag")?.to_str()?.to_owned())
}
