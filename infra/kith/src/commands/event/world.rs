//! The resources that sample events name: found in a service, or created there.

use serde_json::{Value, json};
use shared::domain::id::TenantId;
use shared::env::{Env, Timestamp};
use shared::http::Callers;

use super::placeholders::{
    ADDRESS, APPLICATION_SUBJECT, ATTRIBUTES, CALLBACK, CHANGE_REQUEST, CHOSEN, CLIENT,
    CUSTOMER_ID, DEFINITIONS, FORMER_CLIENT, FUTURE, IMPORT, ISSUER, NOTES, PAST, PERSONA,
    PERSONAS, POINTS, SECRET, SERVER_SUBJECT, SUBJECT, SYSTEM_PROFILE, SYSTEMS, TEXT, USER,
    USERNAME,
};
use super::sample::SampleEvent;
use crate::access::Credentials;
use crate::commands::token::Demonstration;
use crate::failure::Failure;
use crate::remote::{Remote, RemoteRequest};

const USERS: &str = "/identity/users";
const CLIENTS: &str = "/config/clients";

/// A service, as an administrator, a back end and a person call it.
pub(super) struct World {
    administrator: Remote,
    back_end: Option<Remote>,
    people: Option<Demonstration>,
    credentials: (String, String),
    tenant: TenantId,
    env: Env,
    pub(super) url: String,
}

impl World {
    /// Opens a service; nothing is sent yet.
    pub(super) fn open(
        administrator: Credentials,
        back_end: Option<Remote>,
        people: Option<Demonstration>,
    ) -> Result<Self, Failure> {
        let credentials = (administrator.client_id.clone(), administrator.client_secret.clone());
        let tenant = credentials.0.split_once('.').and_then(|(tenant, _)| tenant.parse().ok());
        let tenant = tenant.ok_or("expected the id of a client, e.g. acme.0f0e…")?;
        let (url, env) = (administrator.url.clone(), Env::default());
        let administrator = administrator.open(env.clone())?;
        Ok(Self { administrator, back_end, people, credentials, tenant, env, url })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.env.clock.now()
    }

    /// Replaces the placeholders of the event by ids and credentials of the service.
    pub(super) async fn fill(
        &mut self,
        event: &mut SampleEvent,
        token: Option<String>,
    ) -> Result<(), Failure> {
        event.replace("/tenants/acme/", &format!("/tenants/{}/", self.tenant));
        self.fill_times(event);
        self.fill_definitions(event).await?;
        self.fill_consents(event).await?;
        self.fill_clients(event).await?;
        if event.names(IMPORT) {
            event.replace(IMPORT, &self.import().await?);
        }
        let person = match event.route.callers {
            Callers::People(_) if token.is_none() => true,
            _ => event.names(SYSTEM_PROFILE),
        };
        let texts = [USER, USERNAME, CUSTOMER_ID, ADDRESS, CHANGE_REQUEST, SUBJECT, SERVER_SUBJECT];
        if person || texts.into_iter().chain([APPLICATION_SUBJECT]).any(|text| event.names(text)) {
            let user = self.user().await?;
            let signed_in = if person { Some(self.sign_in(&user).await?) } else { None };
            self.fill_user(event, &user, signed_in.as_ref()).await?;
            if let (Some((own, _)), None, Callers::People(_)) =
                (signed_in, &token, event.route.callers)
            {
                event.set_token(&own);
            }
        }
        if event.needs_credentials() {
            event.set_credentials(&self.credentials.0, &self.credentials.1);
        }
        if event.needs_token() {
            let token = match (token, event.route.callers) {
                (Some(token), _) => token,
                (None, Callers::IntegrationsOrPeople(_)) => self.integration(event).await?,
                (None, _) => self.administrator.token().await?,
            };
            event.set_token(&token);
        }
        Ok(())
    }

    fn fill_times(&self, event: &mut SampleEvent) {
        for (old, seconds) in [(PAST, -3600), (FUTURE, 7 * 24 * 3600)] {
            let new = self.now().plus_seconds(seconds).to_string();
            event.replace(old, &new);
            event.replace(&old.replace(':', "%3A"), &new.replace(':', "%3A"));
        }
    }

    async fn fill_definitions(&mut self, event: &mut SampleEvent) -> Result<(), Failure> {
        for (shown, path, id, rest) in CHOSEN {
            if event.names(shown) && self.get(&format!("{path}/{id}")).await?.is_none() {
                self.create(path, &with(rest, json!({ "id": id, "name": id }))?).await?;
            }
        }
        for (placeholder, path, name, rest) in DEFINITIONS {
            if event.names(placeholder) || path == ATTRIBUTES && event.names(name) {
                event.replace(placeholder, &self.definition(path, name, rest).await?);
            }
        }
        Ok(())
    }

    async fn fill_clients(&mut self, event: &mut SampleEvent) -> Result<(), Failure> {
        for (placeholder, name) in [(CLIENT, "events-client"), (FORMER_CLIENT, "events-former")] {
            if event.names(placeholder) {
                let body = json!({ "name": name, "scopes": ["users:read"] });
                let client = self.new_client(&body).await?;
                event.replace(placeholder, text(&client, "/client_id")?);
                event.replace(SECRET, text(&client, "/secrets/0/id")?);
            }
        }
        if event.names(NOTES) {
            let body = json!({
                "name": "events-notes", "scopes": ["openid", "profile"], "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
            });
            let client = self.new_client(&body).await?;
            event.replace(NOTES, text(&client, "/client_id")?);
        }
        Ok(())
    }

    /// `signed_in` is the token of the user as a person, and the system profile.
    async fn fill_user(
        &mut self,
        event: &mut SampleEvent,
        user: &Value,
        signed_in: Option<&(String, String)>,
    ) -> Result<(), Failure> {
        let id = text(user, "/id")?;
        self.decide(event, id).await?;
        if event.names(PERSONA) {
            event.replace(PERSONA, &self.persona(id).await?);
        }
        if event.names(CHANGE_REQUEST) {
            event.replace(CHANGE_REQUEST, &self.change_request(id).await?);
        }
        for (placeholder, field, party, of) in [
            (SERVER_SUBJECT, "authentication_server_id", "corporate", "authentication-server"),
            (APPLICATION_SUBJECT, "application_id", "payroll", "application"),
        ] {
            let path = format!("/api/v1/sso/{of}-subjects");
            if event.route.path.starts_with(&path) {
                event.replace(placeholder, &self.subject(&path, field, party, id).await?);
            }
        }
        if let Some((_, profile)) = signed_in {
            event.replace(SYSTEM_PROFILE, profile);
        }
        for (placeholder, field) in [
            (USER, "/id"),
            (USERNAME, "/username"),
            (CUSTOMER_ID, "/id_at_customer"),
            (ADDRESS, "/preferred_email"),
        ] {
            if event.names(placeholder) {
                event.replace(placeholder, text(user, field)?);
            }
        }
        Ok(())
    }

    /// The user of the events: the one with their customer's id, not blocked and with an address.
    async fn user(&mut self) -> Result<Value, Failure> {
        let path = format!("{USERS}/by/id_at_customer/{CUSTOMER_ID}");
        if let Some(user) = self.get(&path).await? {
            if user.get("status") == Some(&json!("BLOCKED")) {
                let path = format!("{USERS}/{}/unblock", text(&user, "/id")?);
                let key = self.key();
                self.administrator.send(&RemoteRequest::act(&path, &key)).await?.good(&path)?;
            }
            if user.pointer("/preferred_email").is_some_and(Value::is_string) {
                return Ok(user);
            }
            let path = format!("{USERS}/{}", text(&user, "/id")?);
            let body = json!({ "preferred_email": ADDRESS }).to_string().into_bytes();
            let ask = RemoteRequest::patch(&path, body);
            return self.administrator.send(&ask).await?.good(&path)?.value();
        }
        let user = |username: &str, address: &str| {
            json!({
                "username": username, "id_at_customer": CUSTOMER_ID, "family_name": "Janssen",
                "given_name": "Jan", "preferred_email": address,
            })
        };
        match self.post(USERS, &user(USERNAME, ADDRESS)).await? {
            Ok(user) => Ok(user),
            // Another user has the name.
            Err(_) => {
                self.create(USERS, &user("jan.janssen.event", "jan.janssen.event@example.org"))
                    .await
            }
        }
    }

    async fn persona(&mut self, user: &str) -> Result<String, Failure> {
        const NAME: &str = "customer_employee";
        let path = format!("{USERS}/{user}/personas");
        if let Some(id) = self.find(&path, "name", NAME).await? {
            return Ok(id);
        }
        let number = self.definition(ATTRIBUTES, "employee-number", TEXT).await?;
        let rest = json!({ "scoped": true, "attributes": [number] }).to_string();
        self.definition(PERSONAS, NAME, &rest).await?;
        let persona = self.create(&path, &json!({ "name": NAME, "scope": ["chemco"] })).await?;
        Ok(text(&persona, "/id")?.to_owned())
    }

    /// A waiting change request of the user. The back end makes it, because nobody may approve an
    /// own request.
    async fn change_request(&mut self, user: &str) -> Result<String, Failure> {
        let waiting = format!("/identity/change-requests?status=PENDING&user_id={user}");
        if let Some(id) = self.find(&waiting, "status", "PENDING").await? {
            return Ok(id);
        }
        let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
        let rest = with(TEXT, json!({ "approval_policy": policy }))?.to_string();
        self.definition(ATTRIBUTES, "iban", &rest).await?;
        let back_end = self.back_end.as_mut();
        let back_end = back_end.ok_or(
            "a change request needs a client without the scope \
                                       administrator; set KITH_CLIENT_ID and KITH_CLIENT_SECRET",
        )?;
        let number = format!("BE{}", self.env.clock.now().millis());
        let body = json!({ "attributes": { "common": { "iban": [number] } } });
        let path = format!("{USERS}/{user}");
        let ask = RemoteRequest::patch(&path, body.to_string().into_bytes());
        let request = back_end.send(&ask).await?.good(&path)?.value()?;
        Ok(text(&request, "/id")?.to_owned())
    }

    /// The mapping of a subject to the user.
    async fn subject(
        &mut self,
        path: &str,
        field: &str,
        party: &str,
        user: &str,
    ) -> Result<String, Failure> {
        let list = format!("{path}?user_id={user}&{field}={party}");
        if let Some(id) = self.find(&list, "subject", SUBJECT).await? {
            return Ok(id);
        }
        let body = json!({ field: party, "subject": SUBJECT, "user_id": user });
        Ok(text(&self.create(path, &body).await?, "/id")?.to_owned())
    }

    async fn import(&mut self) -> Result<String, Failure> {
        const PATH: &str = "/identity/imports";
        let key = self.key();
        let rows = b"username\nan.peeters\n".to_vec();
        let ask = RemoteRequest::post(PATH, &key, "text/csv", rows).query("dry_run", "true");
        let job = self.administrator.send(&ask).await?.good(PATH)?.value()?;
        Ok(text(&job, "/id")?.to_owned())
    }

    /// Replaces clients of this name by a new client, because their secrets are not known any more.
    async fn new_client(&mut self, body: &Value) -> Result<Value, Failure> {
        let name = text(body, "/name")?;
        let mut old = Vec::new();
        self.administrator
            .each(CLIENTS, |client| {
                let of = |field: &str| client.get(field).and_then(shared::domain::Json::as_str);
                old.extend(of("client_id").filter(|_| of("name") == Some(name)).map(str::to_owned));
                Ok(())
            })
            .await?;
        for id in old {
            let path = format!("{CLIENTS}/{id}");
            self.administrator.send(&RemoteRequest::delete(&path)).await?.good(&path)?;
        }
        let body = body.to_string().into_bytes();
        let ask = RemoteRequest::post(CLIENTS, "", "application/json", body).without_key();
        self.administrator.send(&ask).await?.good(CLIENTS)?.value()
    }

    /// A token of a client that may bring people, and their issuer.
    async fn integration(&mut self, event: &mut SampleEvent) -> Result<String, Failure> {
        if let Some(people) = &self.people {
            event.replace(ISSUER, people.issuer());
        }
        let scopes = ["users:read", "users:write"];
        let body = json!({ "name": "events-crm", "scopes": scopes, "integration": "crm" });
        let client = self.new_client(&body).await?;
        let credentials = Credentials {
            url: self.url.clone(),
            client_id: text(&client, "/client_id")?.to_owned(),
            client_secret: text(&client, "/client_secret")?.to_owned(),
        };
        credentials.open(self.env.clone())?.token().await
    }

    /// Signs the user in at a system as a person; the token, and the system profile.
    async fn sign_in(&mut self, user: &Value) -> Result<(String, String), Failure> {
        if self.get(&format!("{SYSTEMS}/webshop")).await?.is_none() {
            let body = with(POINTS, json!({ "id": "webshop", "name": "Web shop" }))?;
            self.create(SYSTEMS, &body).await?;
        }
        let people = self.people.as_ref().ok_or(
            "this event needs a person, and the service is not the `kith serve` of the data \
             folder; give a token of a person by --token",
        )?;
        let token = people.sign_in_token(text(user, "/id")?, text(user, "/preferred_email")?)?;
        let path = format!("/api/v1/tenants/{}/systems/webshop/users", self.tenant);
        let key = self.key();
        let ask = RemoteRequest::act(&path, &key);
        let profile = self.administrator.send_with(&token, &ask).await?.good(&path)?.value()?;
        Ok((token, text(&profile, "/id")?.to_owned()))
    }

    /// The id of the definition with a name, which is made if there is none.
    async fn definition(&mut self, path: &str, name: &str, rest: &str) -> Result<String, Failure> {
        if let Some(id) = self.find(&format!("{path}?name={name}"), "name", name).await? {
            return Ok(id);
        }
        let made = self.create(path, &with(rest, json!({ "name": name }))?).await?;
        Ok(text(&made, "/id")?.to_owned())
    }

    /// The id of the first item of a list that has a value.
    async fn find(
        &mut self,
        path: &str,
        field: &str,
        value: &str,
    ) -> Result<Option<String>, Failure> {
        let list = self.administrator.send(&RemoteRequest::get(path)).await?;
        let list = list.good(path)?.value()?;
        let items = list.get("items").unwrap_or(&list).as_array().map_or(&[][..], Vec::as_slice);
        let found = items.iter().find(|item| item.get(field) == Some(&json!(value)));
        found.map(|item| Ok(text(item, "/id")?.to_owned())).transpose()
    }

    /// The resource at a path; `None` if there is none.
    pub(super) async fn get(&mut self, path: &str) -> Result<Option<Value>, Failure> {
        let reply = self.administrator.send(&RemoteRequest::get(path)).await?;
        if reply.status.as_u16() == 404 {
            return Ok(None);
        }
        reply.good(path)?.value().map(Some)
    }

    pub(super) async fn create(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.post(path, body).await?
    }

    /// Posts a body; the inner error is the refusal of the service.
    async fn post(&mut self, path: &str, body: &Value) -> Result<Result<Value, Failure>, Failure> {
        let key = self.key();
        let body = body.to_string().into_bytes();
        let ask = RemoteRequest::post(path, &key, "application/json", body);
        Ok(self.administrator.send(&ask).await?.good(path).and_then(|reply| reply.value()))
    }

    fn key(&self) -> String {
        self.env.random_uuid().to_string()
    }
}

/// A document with further members.
fn with(rest: &str, members: Value) -> Result<Value, Failure> {
    let mut document: Value = serde_json::from_str(rest).map_err(|error| error.to_string())?;
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), members) {
        document.extend(members);
    }
    Ok(document)
}

pub(super) fn text<'v>(document: &'v Value, pointer: &str) -> Result<&'v str, Failure> {
    let found = document.pointer(pointer).and_then(Value::as_str);
    Ok(found.ok_or_else(|| format!("an answer of the service has no `{pointer}`"))?)
}
