//! Callers of another tenant or system, who call every route with every id that they should not
//! know.

use serde_json::{Value, json};
use shared::domain::client::Integration;
use shared::http::Route;
use tests::{Answer, Call, Client, KeyPair, Person, Service, TENANT, escape, jwks, person};

use super::base_id;

/// Ids that nobody has.
const NOBODY: &str = "0192f3c1-0000-7000-8000-00000000dead";
const NO_BASE: &str = "00000000000000000000000000000000000000000000000000000000deadbeef";

pub(super) const OTHER: &str = "globex";

/// All that there is of a person and of a tenant, by the names of path parameters.
pub(super) struct Ids(pub(super) Vec<(&'static str, Vec<String>)>);

/// Texts that no answer to another tenant may contain.
pub(super) struct Secrets(pub(super) Vec<String>);

/// A tenant with a person who has a value in every field.
pub(super) async fn populated(service: &Service) -> (Ids, Secrets) {
    let crm = service
        .client(TENANT, "users:read users:write config:read config:write administrator")
        .await;
    let idp = service.issuer("idp", "email").await;
    let category =
        crm.create("/identity/config/attribute-categories", json!({ "name": "payroll" })).await;
    let attribute = crm.define("secret-name", json!({})).await;
    let guarded =
        json!({ "approval_policy": { "statements": [{ "client_scope": "administrator" }] } });
    crm.define("guarded", guarded).await;
    let script = "function main(w) { w.output = tb.simpleResponse({}); }";
    let workflow = crm
        .create("/identity/config/workflows", json!({ "name": "quiet", "script": script }))
        .await;
    let definition = crm.define_persona("employee", json!({ "scoped": true })).await;
    let application = json!({ "id": "erp", "name": "ERP", "subject_type": "predefined" });
    crm.create("/api/v1/sso/applications", application).await;
    let user = crm.create("/identity/users", person("wilhelmina")).await;
    let persona = crm.add_persona(&user, json!({ "name": "employee", "scope": ["chemco"] })).await;
    let subject = json!({ "application_id": "erp", "subject": "erp-4711", "user_id": user.id });
    let at_application = crm.create("/api/v1/sso/application-subjects", subject).await;
    let subject =
        json!({ "authentication_server_id": "idp", "subject": "idp-4711", "user_id": user.id });
    let at_server = crm.create("/api/v1/sso/authentication-server-subjects", subject).await;
    let mina = idp
        .person("mina-4711", json!({ "email": "wilhelmina@example.org", "email_verified": true }));
    let shop = mina.sign_in("shop").await.created();
    let fleet = mina.sign_in("fleet").await.created();
    let writer = service.client(TENANT, "users:write").await;
    let guarded = json!({ "attributes": { "common": { "guarded": ["x"] } } });
    let request = writer.patch(&user.path, guarded).if_match("*").await.is(202).field("id");
    let digest = crate::consents::ask(&crm, "news").await;
    let decision = json!({
        "consent": "news", "version": 1, "locale": "en", "text_sha256": digest,
        "purposes": ["letter"], "method": "paper", "guardian": "guardian-4711"
    });
    crm.post(&user.below("consents"), decision).await.is(200);
    let client = json!({ "name": "other", "scopes": ["users:read"] });
    let client = crm.post("/config/clients", client).await.is(201);
    Box::pin(service.give_session(&user.id)).await;
    let sessions = crm.read(&user.below("sessions")).await;
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let ids = Ids(vec![
        ("user_id", vec![user.id.clone(), base_id("mina-4711", &idp.url)]),
        ("persona_id", vec![persona.id.clone()]),
        ("session_id", vec![session.clone()]),
        ("authentication_server_id", vec!["idp".to_owned()]),
        ("client_id", vec![client.field("client_id")]),
        ("secret_id", vec![client.json()["secrets"][0]["id"].as_str().unwrap().to_owned()]),
        ("tenant_id", vec![TENANT.to_owned()]),
        ("consent_id", vec!["news".to_owned()]),
        ("number", vec!["1".to_owned()]),
        ("system_id", vec!["shop".to_owned(), "fleet".to_owned()]),
        (
            "id",
            vec![
                category.id,
                attribute.id,
                workflow.id,
                definition.id,
                at_application.id,
                at_server.id,
                request,
                shop.id.clone(),
                fleet.id.clone(),
                base_id("mina-4711", &idp.url),
                "idp".to_owned(),
                "erp".to_owned(),
                "shop".to_owned(),
                "news".to_owned(),
                user.id.clone(),
            ],
        ),
    ]);
    let secrets = [
        "wilhelmina",
        "Janssen",
        "erp-4711",
        "idp-4711",
        "mina-4711",
        "chemco",
        "secret-name",
        "guardian-4711",
        &user.id,
        &persona.id,
        &session,
        &shop.id,
        &fleet.id,
    ];
    (ids, Secrets(secrets.map(str::to_owned).to_vec()))
}

impl Ids {
    /// Every path that a route has with these ids; one that is not known by name is nobody's.
    pub(super) fn paths(&self, route: &Route, fixed: &[(&str, &str)]) -> Vec<String> {
        let query = if route.path.ends_with("/at") { "?version=1" } else { "" };
        let mut paths = vec![format!("{}{query}", route.path)];
        for (name, ids) in &self.0 {
            let hole = format!("{{{name}}}");
            let fixed: Vec<_> = fixed
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, id)| (*id).to_owned())
                .collect();
            let ids = if fixed.is_empty() { ids } else { &fixed };
            paths = paths
                .iter()
                .flat_map(|path| ids.iter().map(|id| path.replace(&hole, id)))
                .collect();
        }
        paths.sort();
        paths.dedup();
        paths
    }

    /// The same path with ids that nobody has.
    pub(super) fn nobodys(&self, path: &str) -> String {
        let known: Vec<_> = self.0.iter().flat_map(|(_, ids)| ids).collect();
        let parts = path.split('/').map(|part| {
            let (part, action) =
                part.split_once(':').map_or((part, None), |(part, action)| (part, Some(action)));
            let other = match part {
                _ if !known.iter().any(|id| *id == part) => part,
                part if part.len() == 36 => NOBODY,
                part if part.len() == 64 => NO_BASE,
                part if part.contains('.') => "acme.000102030405060708090a0b0c0d0e0f",
                _ => "nowhere",
            };
            action.map_or_else(|| other.to_owned(), |action| format!("{other}:{action}"))
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

impl Secrets {
    #[track_caller]
    pub(super) fn are_kept(&self, what: &str, answer: &Answer) {
        let headers = format!("{:?}", answer.headers);
        for secret in &self.0 {
            assert!(
                !answer.text().contains(secret) && !headers.contains(secret),
                "{what} tells {secret}: {}",
                answer.text()
            );
        }
    }
}

/// The request that a route takes, with a body that changes nothing and a condition that holds of
/// everything.
fn shaped(call: Call, route: &Route) -> Call {
    let call =
        if matches!(route.method, "PUT" | "PATCH" | "DELETE") { call.if_match("*") } else { call };
    match route.body {
        shared::http::route::Body::Json(_) | shared::http::route::Body::OptionalJson(_) => {
            call.json(json!({}))
        }
        _ => call,
    }
}

/// The content of an answer, without the parts that differ between two requests.
fn said(answer: &Answer) -> (u16, Value) {
    let mut body: Value = serde_json::from_str(answer.text()).unwrap_or_default();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    (answer.code(), body)
}

/// A caller who must not see anything.
pub(super) enum Stranger<'s> {
    Machine(&'s Client),
    Person(&'s Person),
}

impl Stranger<'_> {
    pub(super) fn call(&self, route: &Route, path: &str) -> Call {
        let filter = format!("?filter={}", escape("preferred_email eq \"wilhelmina@example.org\""));
        let path = &format!(
            "{path}{}",
            if route.required_query.contains(&"filter") { &*filter } else { "" }
        );
        shaped(
            match self {
                Self::Machine(client) => client.call(route.method, path),
                Self::Person(person) => person.call(route.method, path),
            },
            route,
        )
    }

    const fn calls(&self, route: &Route) -> bool {
        match self {
            Self::Machine(_) => route.callers.granted().is_some(),
            Self::Person(_) => route.callers.include_people(),
        }
    }
}

/// Calls every route that names something with every id, and asserts that each is answered as one
/// that never existed. How many were called.
pub(super) async fn crawl(
    stranger: &Stranger<'_>,
    ids: &Ids,
    secrets: &Secrets,
    fixed: &[(&str, &str)],
    of: impl Fn(&Route) -> bool,
) -> usize {
    let mut called = 0;
    for routes in local::serve::functions() {
        for route in routes
            .iter()
            .filter(|route| stranger.calls(route) && route.path.contains('{') && of(route))
        {
            for path in ids.paths(route, fixed) {
                let what = format!("{} {path}", route.method);
                let answer = stranger.call(route, &path).await;
                secrets.are_kept(&what, &answer);
                let nobody = stranger.call(route, &ids.nobodys(&path)).await;
                assert_eq!(said(&answer), said(&nobody), "{what}");
                // A path that creates a missing resource is refused by the precondition of these
                // calls.
                let makes = route.path.contains("/by/") && answer.code() == 412;
                assert!(
                    makes || matches!(answer.code(), 403 | 404 | 422),
                    "{what}: {}",
                    answer.text()
                );
                called += 1;
            }
        }
    }
    called
}

/// Another tenant that trusts the same issuer, and a person with the same subject.
pub(super) async fn neighbour(service: &Service) -> (Client, Person) {
    service.create_tenant(OTHER).await;
    let scopes = "users:read users:write config:read config:write administrator userdata openid";
    let crm = service
        .register_as(OTHER, scopes, |client| client.integration = Some(Integration::Crm))
        .await
        .with_token()
        .await;
    let key = KeyPair::es256();
    let keys: Value = serde_json::from_str(&jwks(&[&key])).unwrap();
    let server = json!({
        "id": "own-idp", "name": "own-idp", "subject_type": "email",
        "issuer": "https://idp.example/realm", "audience": "kith", "jwks": keys,
    });
    crm.create("/api/v1/sso/authentication-servers", server).await;
    let now = service.now();
    let claims = json!({
        "iss": "https://idp.example/realm", "sub": "mina-4711", "aud": "kith", "tenant": OTHER,
        "iat": now, "exp": now + 300, "scope": "openid",
        "email": "wilhelmina@example.org", "email_verified": true,
    });
    let token = key.jws(&json!({ "alg": "ES256", "kid": key.kid }), &claims);
    (crm, Person { service: service.clone(), token })
}
