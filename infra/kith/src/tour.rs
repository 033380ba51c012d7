//! `kith tour`: the onboarding flow as a client walks it, each request and each answer shown.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use clap::Args;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::world::World;

use crate::demo::{self, ENV_FILE, Env};
use crate::serve::Service;
use crate::table::Failure;

/// Where the tour goes, and as whom.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// A running service. Without it: the one in `demo.env` if it answers, else one started in memory for the tour.
    #[arg(long)]
    url: Option<String>,
    /// A client with users:read, users:write, config:read and the `refresh_token` grant.
    #[arg(long, requires = "client_secret")]
    client_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "client_id")]
    client_secret: Option<String>,
    /// A client with the scope administrator.
    #[arg(long, requires = "admin_client_secret")]
    admin_client_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "admin_client_id")]
    admin_client_secret: Option<String>,
}

/// Walks the tour; fails at the first step that does not do what it should.
pub async fn run(options: Options, data: &Path) -> Result<(), Failure> {
    let known = demo::read_env(&data.join(ENV_FILE)).unwrap_or_default();
    let answers = match known.get("KITH_URL") {
        Some(url) if options.url.is_none() => reqwest::get(format!("{url}/idhub/oidc/v1/jwks")).await.is_ok(),
        _ => false,
    };
    if options.url.is_some() || answers {
        return Tour::new(options, &known)?.walk().await;
    }
    let folder = Scratch::new()?;
    let service = Service::start(SocketAddr::from(([127, 0, 0, 1], 0)), &folder.0, true).await?;
    let env = demo::read_env(&service.env_file).map_err(|error| error.to_string())?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(service.run(async {
        // A dropped sender stops the service as well.
        let _ = stopped.await;
    }));
    let walked = Tour::new(options, &env)?.walk().await;
    drop(stop);
    serving.await.map_err(|error| error.to_string())??;
    walked
}

/// A folder that goes when the tour ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("kith-tour-{}", World::default().new_uuid()));
        std::fs::create_dir(&path).map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is an empty folder in the system's place for such.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Credentials {
    id: String,
    secret: String,
}

struct Tour {
    http: reqwest::Client,
    url: String,
    client: Credentials,
    admin: Credentials,
    token: String,
    admin_token: String,
    steps: usize,
    colour: bool,
    /// Keeps names of this walk apart from those of others.
    mark: String,
}

/// What came back.
struct Reply {
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn etag(&self) -> &str {
        self.headers.get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default()
    }

    fn text(&self, pointer: &str) -> Result<String, Failure> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| format!("the answer has no `{pointer}`"))
    }
}

/// What the administrator defined.
struct Defined {
    /// The id of the attribute that a persona may hold.
    badge: String,
    /// Where the derived attribute is, and its tag.
    fullname: (String, String),
}

/// A request of the tour.
struct Ask<'a> {
    method: Method,
    path: &'a str,
    body: Option<Value>,
    headers: Vec<(&'static str, &'a str)>,
}

impl<'a> Ask<'a> {
    const fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, headers: Vec::new() }
    }

    fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    fn post(path: &'a str, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    fn patch(path: &'a str, tag: &'a str, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path) }.with("if-match", tag)
    }

    fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Tour {
    fn new(options: Options, env: &Env) -> Result<Self, Failure> {
        let value = |given: Option<String>, name: &str| {
            let missing = || format!("{name} is not known: give it as an option, or walk where a demo.env is");
            given.or_else(|| env.get(name).cloned()).ok_or_else(missing)
        };
        let client = Credentials {
            id: value(options.client_id, "KITH_CLIENT_ID")?,
            secret: value(options.client_secret, "KITH_CLIENT_SECRET")?,
        };
        let admin = Credentials {
            id: value(options.admin_client_id, "KITH_ADMIN_CLIENT_ID")?,
            secret: value(options.admin_client_secret, "KITH_ADMIN_CLIENT_SECRET")?,
        };
        let url = value(options.url, "KITH_URL")?.trim_end_matches('/').to_owned();
        let world = World::default();
        let mark = format!("{:08x}", u32::from_be_bytes(world.random.bytes()));
        let colour = std::io::stdout().is_terminal();
        let (token, admin_token) = (String::new(), String::new());
        Ok(Self { http: reqwest::Client::new(), url, client, admin, token, admin_token, steps: 0, colour, mark })
    }

    async fn walk(mut self) -> Result<(), Failure> {
        self.paint(Style::new().bold(), &format!("A tour of Kith at {}", self.url));
        self.step("Metadata", Ask::get("/.well-known/oauth-authorization-server/idhub/oidc"), 200).await?;
        let defined = self.define().await?;
        self.sign_in(false).await?;
        let user = self.onboard().await?;
        self.change(&user).await?;
        let tag = self.attributes(&user).await?;
        self.approval(&user, &tag).await?;
        self.personas(&user, &defined.badge).await?;
        self.leave(&user).await?;
        self.retire(&defined.fullname).await?;
        self.paint(AnsiColor::Green.on_default().bold(), &format!("\n{} steps, each as it should be.", self.steps));
        Ok(())
    }

    async fn sign_in(&mut self, admin: bool) -> Result<(), Failure> {
        let who = if admin { &self.admin } else { &self.client };
        let (id, secret) = (who.id.clone(), who.secret.clone());
        let title = if admin { "A token for the administrator" } else { "A token for the back end" };
        let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
        let reply = self.grant(title, &form).await?;
        self.token = reply.text("/access_token")?;
        if let Ok(refresh) = reply.text("/refresh_token") {
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &refresh),
                ("client_id", &id),
                ("client_secret", &secret),
            ];
            self.token = self.grant("The refresh token for the next one", &form).await?.text("/access_token")?;
        }
        Ok(())
    }

    /// The administrator defines attributes, a persona that may hold one of them, and a workflow that derives one.
    async fn define(&mut self) -> Result<Defined, Failure> {
        self.sign_in(true).await?;
        self.admin_token.clone_from(&self.token);
        let name = self.name("badge");
        let body = json!({ "category": "common", "name": name, "data_format": "TEXT", "display_name": "Badge" });
        let path = "/identity/config/attribute-definitions";
        let badge = self.step("Define an attribute", Ask::post(path, body), 201).await?.text("/id")?;
        let list = format!("{path}?category=common&name={name}");
        self.step("Find it by name", Ask::get(&list), 200).await?.text("/items/0/id")?;
        let body = json!({ "name": format!("guest_{}", self.mark), "scoped": true, "attributes": [badge] });
        self.step("Define a persona that may hold it", Ask::post("/config/persona-definitions", body), 201).await?;
        let body = json!({ "category": "common", "name": self.name("contact"), "data_format": "EMAIL" });
        self.step("An attribute that holds e-mail addresses", Ask::post(path, body), 201).await?;
        let body = json!({ "category": "common", "name": self.name("pin"), "data_format": "HASH" });
        self.step("One that holds a secret", Ask::post(path, body), 201).await?;
        let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
        let body = json!({
            "category": "common", "name": self.name("iban"), "data_format": "TEXT", "approval_policy": policy,
        });
        self.step("One that an administrator has to approve", Ask::post(path, body), 201).await?;
        let fullname = self.derive(path).await?;
        Ok(Defined { badge, fullname })
    }

    /// The administrator writes a workflow, tries it, and defines the attribute that it derives.
    async fn derive(&mut self, path: &str) -> Result<(String, String), Failure> {
        let name = self.name("fullname");
        let script = format!(
            r#"function main(workItem) {{ var p = workItem.input.value; workItem.output = tb.simpleResponse({{ "{name}": [p.given_name + " " + p.family_name] }}); }}"#
        );
        let body = json!({ "name": name, "script": script });
        let made = self.step("Write a workflow", Ask::post("/identity/config/workflows", body), 201).await?;
        let workflow = made.text("/id")?;
        let test = format!("/identity/config/workflows/{workflow}/test");
        let sample = json!({ "input": { "given_name": "Jan", "family_name": "Janssen", "attributes": {} } });
        let tried = self.step("Try it on a sample", Ask::post(&test, sample), 200).await?;
        expect(tried.text(&format!("/output/{name}/0"))? == "Jan Janssen", "the workflow answers something else")?;
        let body = json!({
            "category": "common", "name": name, "data_format": "TEXT", "derived": { "workflow_id": workflow },
        });
        let made = self.step("An attribute that it derives", Ask::post(path, body), 201).await?;
        Ok((format!("{path}/{}", made.text("/id")?), made.etag().to_owned()))
    }

    /// The name of one of the attributes that this walk defines.
    fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.mark)
    }

    async fn onboard(&mut self) -> Result<String, Failure> {
        let mark = self.mark.clone();
        let body = json!({
            "username": format!("jan.{mark}"), "given_name": "Jan", "family_name": "Janssen", "ui_locales": "nl-be, fr-BE",
            "id_at_customer": format!("CRM-{mark}"), "preferred_email": format!("jan.{mark}@example.org"),
        });
        let key = format!("onboard-{mark}");
        let create = || Ask::post("/identity/users", body.clone()).with("idempotency-key", &key);
        let first = self.step("Create a user", create(), 201).await?;
        let id = first.text("/id")?;
        let again =
            self.step("The same request again, as a retry sends it: the same answer, one user", create(), 201).await?;
        expect(again.body == first.body, "the replay differs")?;
        let twin = json!({ "username": format!("JAN.{mark}") });
        self.step("A username that differs only in case is taken", Ask::post("/identity/users", twin), 409).await?;
        let wrong = json!({ "username": "no spaces", "preferred_email": "nobody", "shoe_size": 43 });
        self.step("Every violation is listed", Ask::post("/identity/users", wrong), 422).await?;
        let filter = json!({ "filter": { "preferred_email": format!("Jan.{mark}@Example.org") } });
        let found =
            self.step("Find the user by e-mail, at once", Ask::post("/identity/users/query", filter), 200).await?;
        expect(found.text("/items/0/id")? == id, "another user was found")?;
        Ok(id)
    }

    async fn change(&mut self, id: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        let badge = self.name("badge");
        let first = self.step("Read it, with its tag", Ask::get(&path), 200).await?;
        let tag = first.etag();
        self.step("Read it again only if it changed", Ask::get(&path).with("if-none-match", tag), 304).await?;
        let patch = json!({ "given_name": "Johannes", "attributes": { "common": { &badge: ["42"] } } });
        let changed = self.step("Change two fields of what was read", Ask::patch(&path, tag, patch), 200).await?;
        expect(changed.text(&format!("/attributes/common/{badge}/0"))? == "42", "the attribute is not there")?;
        let stale = json!({ "given_name": "Jan" });
        self.step("A change of what is no longer so is refused", Ask::patch(&path, tag, stale.clone()), 412).await?;
        let blind = Ask { body: Some(stale), ..Ask::new(Method::PATCH, &path) };
        self.step("A change without a tag is refused", blind, 428).await?;
        let block = format!("{path}/block");
        self.step("Block the user", Ask::new(Method::POST, &block), 200).await?;
        let unblock = format!("{path}/unblock");
        self.step("And let it in again", Ask::new(Method::POST, &unblock), 200).await?;
        Ok(())
    }

    /// What is in an attribute depends on its data format; returns the user's tag.
    async fn attributes(&mut self, id: &str) -> Result<String, Failure> {
        let path = format!("/identity/users/{id}");
        let [contact, pin, fullname] = ["contact", "pin", "fullname"].map(|what| self.name(what));
        let address = format!("jan.{}@home.example.org", self.mark);
        let user = self.step("What the workflow made of the names", Ask::get(&path), 200).await?;
        expect(user.text(&format!("/attributes/common/{fullname}/0"))? == "Johannes Janssen", "the name is another")?;
        let patch =
            json!({ "attributes": { "common": { &contact: [&address], &pin: ["correct horse battery staple"] } } });
        let title = "Set an address and a secret, which nobody is shown again";
        let set = self.step(title, Ask::patch(&path, user.etag(), patch), 200).await?;
        let shown = set.body.pointer(&format!("/attributes/common/{pin}"));
        expect(shown == Some(&json!([{ "set": true }])), "the secret is shown")?;
        let state = format!("/attribute_states/common/{contact}/0");
        expect(set.text(&state)? == "PENDING", "the address is verified already")?;
        let verify = format!("{path}/verify");
        let known = json!({ "attribute": format!("common.{contact}"), "value": address });
        let verified =
            self.administrator("The administrator knows the address", Ask::post(&verify, known), 200).await?;
        expect(verified.text(&state)? == "VERIFIED", "the address is not verified")?;
        Ok(verified.etag().to_owned())
    }

    /// What needs an approval becomes a change request.
    async fn approval(&mut self, id: &str, tag: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        let iban = self.name("iban");
        let patch = json!({ "attributes": { "common": { &iban: ["BE68539007547034"] } } });
        let title = "A change that has to be approved waits";
        let asked = self.step(title, Ask::patch(&path, tag, patch), 202).await?;
        let request = format!("/identity/change-requests/{}", asked.text("/id")?);
        let (approve, list) = (format!("{request}/approve"), format!("/identity/change-requests?user_id={id}"));
        self.step("Nobody approves an own request", Ask::new(Method::POST, &approve), 403).await?;
        let waiting = self.administrator("The administrator sees who asks for what", Ask::get(&list), 200).await?;
        expect(waiting.text("/items/0/status")? == "PENDING", "nothing waits")?;
        let approved = self.administrator("And approves it", Ask::new(Method::POST, &approve), 200).await?;
        expect(approved.text("/status")? == "APPROVED", "it is not approved")?;
        let user = self.step("Now it is there", Ask::get(&path), 200).await?;
        expect(user.text(&format!("/attributes/common/{iban}/0"))? == "BE68539007547034", "the attribute is not there")
    }

    async fn personas(&mut self, user: &str, attribute: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{user}/personas");
        let body = json!({ "name": format!("guest_{}", self.mark), "scope": ["chemco"], "status": "PENDING" });
        let made = self.step("Give the user a persona", Ask::post(&path, body.clone()), 201).await?;
        self.step("The same persona twice is refused", Ask::post(&path, body), 409).await?;
        let persona = format!("{path}/{}", made.text("/id")?);
        let patch = json!({ "valid_until": "2030-01-01T00:00:00Z" });
        let changed = self.step("Change the persona", Ask::patch(&persona, made.etag(), patch), 200).await?;
        let value = json!({ "attribute_definition_id": attribute, "value": ["B-7"] });
        let single = format!("{persona}/attribute");
        self.step("Set one of its attributes", Ask::patch(&single, changed.etag(), value), 200).await?;
        let activate = format!("{persona}/activate");
        self.step("Put it in force", Ask::new(Method::POST, &activate), 200).await?;
        let filter = format!("personas[name eq \"guest_{}\" and scope eq \"chemco\"]", self.mark);
        let found = self
            .step("Find who plays it", Ask::post("/identity/users/query", json!({ "filter": filter })), 200)
            .await?;
        expect(found.text("/items/0/id")? == user, "another user was found")
    }

    async fn leave(&mut self, id: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        self.step("Forget the user", Ask::new(Method::DELETE, &path), 204).await?;
        self.step("The user is gone", Ask::get(&path), 404).await?;
        let filter = json!({ "filter": { "username": format!("jan.{}", self.mark) } });
        let found = self.step("And cannot be found", Ask::post("/identity/users/query", filter), 200).await?;
        expect(found.body.pointer("/items") == Some(&json!([])), "somebody was found")
    }

    /// The administrator retires the derived attribute, so that no script runs for it any more.
    async fn retire(&mut self, (path, tag): &(String, String)) -> Result<(), Failure> {
        let patch = json!({ "deprecated": true });
        let title = "The administrator retires the derived attribute";
        self.administrator(title, Ask::patch(path, tag, patch), 200).await.map(drop)
    }

    /// A step with the administrator's token.
    async fn administrator(&mut self, title: &str, ask: Ask<'_>, due: u16) -> Result<Reply, Failure> {
        std::mem::swap(&mut self.token, &mut self.admin_token);
        let reply = self.step(title, ask, due).await;
        std::mem::swap(&mut self.token, &mut self.admin_token);
        reply
    }

    async fn grant(&mut self, title: &str, form: &[(&str, &str)]) -> Result<Reply, Failure> {
        self.title(title);
        let shown = form.iter().map(|(name, value)| {
            if name.ends_with("secret") || *name == "refresh_token" {
                format!("{name}=…")
            } else {
                format!("{name}={value}")
            }
        });
        self.request("POST", "/idhub/oidc/v1/token", &[], &shown.collect::<Vec<_>>().join("&"));
        let sent = self.http.post(format!("{}/idhub/oidc/v1/token", self.url)).form(form).send().await;
        self.answer(sent, 200).await
    }

    async fn step(&mut self, title: &str, ask: Ask<'_>, due: u16) -> Result<Reply, Failure> {
        self.title(title);
        let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        self.request(ask.method.as_str(), ask.path, &ask.headers, &body);
        let mut request = self.http.request(ask.method.clone(), format!("{}{}", self.url, ask.path));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        self.answer(request.send().await, due).await
    }

    async fn answer(&mut self, sent: Result<reqwest::Response, reqwest::Error>, due: u16) -> Result<Reply, Failure> {
        let response = sent.map_err(|error| format!("{} does not answer: {}", self.url, error.without_url()))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        self.reply(status, &headers, &hide_tokens(text, &body));
        if status.as_u16() != due {
            return Err(format!("step {}: {due} was due, {status} came", self.steps));
        }
        Ok(Reply { headers, body })
    }

    fn title(&mut self, title: &str) {
        self.steps += 1;
        self.paint(Style::new().bold(), &format!("\n{}. {title}", self.steps));
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        self.paint(AnsiColor::Cyan.on_default(), &format!("   {method} {path}"));
        for (name, value) in headers {
            println!("   {name}: {value}");
        }
        if !body.is_empty() {
            println!("   {body}");
        }
    }

    fn reply(&self, status: StatusCode, headers: &HeaderMap, body: &str) {
        let colour =
            if status.is_client_error() || status.is_server_error() { AnsiColor::Yellow } else { AnsiColor::Green };
        self.paint(colour.on_default(), &format!("   → {status}"));
        for name in ["location", "etag", "idempotency-replayed"] {
            if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
                println!("     {name}: {value}");
            }
        }
        if !body.is_empty() {
            println!("     {body}");
        }
    }

    fn paint(&self, style: Style, text: &str) {
        if self.colour { println!("{style}{text}{style:#}") } else { println!("{text}") }
    }
}

/// The answer's text with tokens cut short: they are secrets, and long.
fn hide_tokens(text: String, body: &Value) -> String {
    let tokens = ["access_token", "refresh_token"].into_iter().filter_map(|name| body.get(name)?.as_str());
    tokens.fold(text, |text, token| {
        let start: String = token.chars().take(12).collect();
        text.replace(token, &format!("{start}…"))
    })
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
