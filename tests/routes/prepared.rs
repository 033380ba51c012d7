//! The resources that the events name, with the same ids.

use serde_json::{Value, json};
use shared::app::App;
use shared::domain::author::{Author, Reason};
use shared::domain::change_request::{Actor, ChangeRequest};
use shared::domain::client::Client;
use shared::domain::definition::{
    AttributeDefinition, Category, Definition, PersonaDefinition, Predefined, Workflow,
};
use shared::domain::hashing::Hashes;
use shared::domain::id::{BaseId, DefinitionId, TenantId};
use shared::domain::import::{Import, ImportState, Mode, RowCounts, RowReport, RowStatus};
use shared::domain::people::{Life, Session, SessionCookie};
use shared::domain::system::System;
use shared::domain::system_profile::SystemProfile;
use shared::domain::user::User;
use shared::domain::{Json, Scope, Scopes, Versioned};
use shared::store::definitions::DefinitionEdit;
use shared::store::imports::ImportStep;
use shared::store::system_profiles::create_profile;
use shared::store::{Condition, Key, Table, Write};
use shared::writing::AccountWriter;
use tests::{KeyPair, TENANT, jwks, link};

use crate::gateway::Gateway;

const USER: &str = "0192f3c1-5a00-7000-8000-000000000001";
const PERSONA: &str = "0192f3c1-5a00-7000-8000-000000000002";
const CUSTOMER_EMPLOYEE: &str = "0192f3c1-5a00-7000-8000-000000000003";
const PAYROLL: &str = "0192f3c1-5a00-7000-8000-000000000004";
const EMPLOYEE_NUMBER: &str = "0192f3c1-5a00-7000-8000-000000000005";
const COST_CENTRE: &str = "0192f3c1-5a00-7000-8000-000000000006";
const CONTRACTOR: &str = "0192f3c1-5a00-7000-8000-000000000007";
const FULLNAME: &str = "0192f3c1-5a00-7000-8000-000000000009";
const CHANGE_REQUEST: &str = "0192f3c1-5a00-7000-8000-00000000000a";
const IMPORT: &str = "0192f3c1-5a00-7000-8000-00000000000c";
const SECRET: &str = "0192f3c1-5a00-7000-8000-00000000000d";
const SESSION: &str = "0192f3c1-5a00-7000-8000-00000000000e";
const NOTES: &str = "acme.0f0e0d0c0b0a09080706050403020102";
const CRM_BACKEND: &str = "acme.0f0e0d0c0b0a09080706050403020100";
const FORMER_BACKEND: &str = "acme.0f0e0d0c0b0a09080706050403020101";
const SYSTEM_PROFILE: &str = "5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11";
const IBAN: &str = "0192f3c1-5a00-7000-8000-00000000000b";

/// Definitions, whose ids the service makes itself when they are created over HTTP.
pub async fn definitions(table: &Table, tenant: &TenantId) {
    let attribute =
        |name: &str| json!({ "category": "common", "name": name, "data_format": "TEXT" });
    define(table, tenant, json!({ "name": "payroll" }), |c: &mut Category| c.id = id(PAYROLL))
        .await;
    let with = |of: &'static str| move |a: &mut AttributeDefinition| a.id = id(of);
    define(table, tenant, attribute("employee-number"), with(EMPLOYEE_NUMBER)).await;
    define(table, tenant, attribute("cost-centre"), with(COST_CENTRE)).await;
    let with = |of: &'static str| move |p: &mut PersonaDefinition| p.id = id(of);
    let employee =
        json!({ "name": "customer_employee", "scoped": true, "attributes": [EMPLOYEE_NUMBER] });
    define(table, tenant, employee, with(CUSTOMER_EMPLOYEE)).await;
    define(table, tenant, json!({ "name": "contractor" }), with(CONTRACTOR)).await;
    let mut iban = attribute("iban");
    iban["approval_policy"] = json!({ "statements": [{ "client_scope": "administrator" }] });
    define(table, tenant, iban, |a: &mut AttributeDefinition| a.id = id(IBAN)).await;
    let script = "function main(workItem) { workItem.output = tb.simpleResponse({ fullname: \
                  [workItem.input.value.given_name] }); }";
    define(table, tenant, json!({ "name": "fullname", "script": script }), |w: &mut Workflow| {
        w.id = id(FULLNAME);
    })
    .await;
}

/// Clients, whose ids the service makes itself when they are registered over HTTP.
pub async fn clients(table: &Table, tenant: &TenantId) {
    for (name, id) in [("crm-backend", CRM_BACKEND), ("former", FORMER_BACKEND)] {
        let scopes = Scopes::new([Scope::UsersRead]);
        let (mut client, _) = Client::register(tenant, name, scopes, false, table.env());
        client.client_id = id.parse().unwrap();
        SECRET.clone_into(&mut client.secrets[0].id);
        table.create_client(&client).await.unwrap();
    }
    let redirect_uris = vec!["https://app.example.com/callback".to_owned()];
    let scopes = Scopes::new([Scope::Openid, Scope::Profile]);
    let mut notes =
        Client::register_person_client(tenant, "notes", scopes, redirect_uris, table.env());
    notes.client_id = NOTES.parse().unwrap();
    table.create_client(&notes).await.unwrap();
}

/// A browser in which the user has signed in.
pub async fn session(table: &Table, tenant: &TenantId) {
    let user = USER.parse().unwrap();
    let app = App::new(table.another(), None, tests::scripts());
    let schema = table.schema(tenant).await.unwrap();
    let author = Author::account(tenant.clone(), user, None);
    let session = Session {
        sid: SESSION.to_owned(),
        ..Session::begin(table.env(), Life::SelfService, &["pwd"], Some("1"))
    };
    let cookie = SessionCookie::new(tenant.clone(), user, table.env());
    let writer = AccountWriter::new(&app, &author, &schema);
    let account = writer.read(user).await.unwrap().unwrap();
    let begun = writer.begin_session(&account.user, &cookie, session, None).await;
    table.commit(begun.unwrap().writes).await.unwrap();
}

fn id(text: &str) -> DefinitionId {
    text.parse().unwrap()
}

async fn define<T: Definition>(
    table: &Table,
    tenant: &TenantId,
    document: Value,
    name: impl Fn(&mut T),
) {
    let document = Json::parse(document.to_string().as_bytes()).unwrap();
    let create = |_: Option<&_>, schema: &_| {
        let mut made = T::read(document.clone(), None, schema, table.env())?;
        name(&mut made);
        Ok(DefinitionEdit::Create(made))
    };
    let author = Author::service(tenant.clone(), Reason::Operator);
    table.edit_definition::<T>(&author, None, create, |_| Ok(Vec::new())).await.unwrap();
}

/// Everything else, which is created over HTTP with the ids that it shall have.
pub async fn resources(gateway: &Gateway) {
    let create = async |function: &str, path: &str, body: Value| {
        gateway.request(function, "POST", path, Some(body)).await.is(201)
    };
    let jan = json!({
        "id": USER, "username": "jan.janssen", "id_at_customer": "CRM-0042",
        "family_name": "Janssen", "given_name": "Jan",
        "preferred_email": "jan@example.org",
        "attributes": { "common": { "employee-number": ["42"] } },
        "personas": [{ "id": PERSONA, "name": "customer_employee", "scope": ["chemco"] }]
    });
    create("users", "/identity/users", jan).await;
    // A server or an application with a mapping cannot be deleted. So the events that delete name
    // others.
    for name in ["corporate", "former"] {
        let server = json!({ "id": name, "name": name, "subject_type": "predefined" });
        create("subjects", "/api/v1/sso/authentication-servers", server).await;
    }
    for name in ["payroll", "helpdesk", "former"] {
        let application = json!({ "id": name, "name": name, "subject_type": "predefined" });
        create("subjects", "/api/v1/sso/applications", application).await;
    }
    let subject =
        |party: &str, id: &str| json!({ party: id, "subject": "8f14e45f", "user_id": USER });
    let server = subject("authentication_server_id", "corporate");
    create("subjects", "/api/v1/sso/authentication-server-subjects", server).await;
    create("subjects", "/api/v1/sso/application-subjects", subject("application_id", "payroll"))
        .await;
    let declared = json!([{ "name": "points", "classifier": "NON_SENSITIVE" }]);
    let system = json!({ "id": "loyalty", "name": "Loyalty", "attributes_definition": declared });
    create("definitions", "/identity/config/systems", system).await;
    for id in ["marketing", "surveys"] {
        let consent = json!({
            "id": id, "kind": "processing", "jurisdiction": "BE", "expires_after_days": 730,
            "purposes": [{ "id": "newsletter", "name": "Newsletter", "legal_basis": "consent" }],
            "controller": {
                "name": "Acme", "contact": "DPO", "address": "Gent", "email": "privacy@example.org",
                "phone": "+3292000000"
            }
        });
        create("definitions", "/identity/config/consents", consent).await;
    }
    let text = json!({ "title": "News", "text": "We send you our newsletter." });
    let version = json!({ "locales": { "en": text } });
    let made = create("definitions", "/identity/config/consents/marketing/versions", version).await;
    let digest = &made.json()["locales"]["en"]["sha256"];
    let decision = json!({
        "consent": "marketing", "version": 1, "locale": "en", "text_sha256": digest,
        "purposes": ["newsletter"], "method": "web_form"
    });
    let path = format!("/identity/users/{USER}/consents");
    gateway.request("users", "POST", &path, Some(decision)).await.is(200);
}

/// A token of the user as a person, from an issuer that the tenant trusts.
pub async fn person(gateway: &Gateway) -> String {
    const ISSUER: &str = "https://id.example.org/people";
    let key = KeyPair::es256();
    let keys: Value = serde_json::from_str(&jwks(&[&key])).unwrap();
    let server = json!({
        "id": "people", "name": "people", "subject_type": "predefined", "issuer": ISSUER,
        "audience": "kith", "jwks": keys,
    });
    gateway
        .request("subjects", "POST", "/api/v1/sso/authentication-servers", Some(server))
        .await
        .is(201);
    let base = BaseId::of("jan", ISSUER, &TENANT.parse().unwrap());
    link(gateway.table(), USER, "people", base.as_str(), true).await;
    let now = gateway.table().env().clock.now().seconds();
    let claims = json!({
        "iss": ISSUER, "sub": "jan", "aud": "kith", "tenant": TENANT, "iat": now, "exp": now + 300,
        "scope": "openid",
    });
    key.jws(&json!({ "alg": key.alg, "kid": key.kid }), &claims)
}

/// A change of the user that another client asked for and that waits, and an import that is
/// finished.
pub async fn change_request(table: &Table, tenant: &TenantId) {
    let schema = table.schema(tenant).await.unwrap();
    let before = table.get_user(tenant, USER.parse().unwrap()).await.unwrap();
    let mut after: User = before.value.clone();
    after.attributes.insert(id(IBAN), vec!["BE68539007547034".to_owned()]);
    let other =
        Actor::ClientId(format!("{tenant}.000102030405060708090a0b0c0d0e0f").parse().unwrap());
    let mut request =
        ChangeRequest::new(&before, &after, None, other, &schema, table.env()).unwrap();
    request.id = CHANGE_REQUEST.parse().unwrap();
    let author = Author::service(tenant.clone(), Reason::Request);
    table.create_change_request(&author, &schema, request, &Hashes::default()).await.unwrap();
    import(table, tenant).await;
}

/// An import that is finished.
async fn import(table: &Table, tenant: &TenantId) {
    let now = table.env().clock.now();
    let mut import = Import {
        id: IMPORT.parse().unwrap(),
        mode: Mode::Create,
        dry_run: false,
        hashes: None,
        client: format!("{tenant}.000102030405060708090a0b0c0d0e0f").parse().unwrap(),
        scopes: Scopes::new([Scope::UsersWrite]),
        reason: None,
        state: ImportState::Completed,
        parts: vec![1],
        next: 1,
        counts: RowCounts::default(),
        leased_until: None,
        created_at: now,
        updated_at: now,
        completed_at: Some(now),
    };
    import.counts.add(RowStatus::Created);
    let import = Versioned::first(import);
    table.create_import(tenant, &import, None).await.unwrap();
    let row = RowReport {
        row: 1,
        status: RowStatus::Created,
        id: Some(USER.parse().unwrap()),
        errors: Vec::new(),
    };
    let step = ImportStep { part: 0, report: vec![row], waiting: Vec::new() };
    let next = import.changed_to(import.value.clone());
    assert!(table.step_import(tenant, &import, &next, Some(&step)).await.unwrap());
}

/// A system in which the user has a profile.
pub async fn system_profile(table: &Table, tenant: &TenantId) {
    let system = json!({
        "id": "webshop", "name": "Web shop",
        "attributes_definition": [{ "name": "points", "classifier": "LOW" }]
    });
    define(table, tenant, system, |_: &mut System| {}).await;
    let user = USER.parse().unwrap();
    let mut profile = SystemProfile::new("webshop".parse().unwrap(), table.env());
    profile.id = SYSTEM_PROFILE.parse().unwrap();
    profile.overrides.predefined.insert(Predefined::GivenName, "Johannes".to_owned());
    let mut writes = create_profile(tenant, user, &Versioned::first(profile)).to_vec();
    writes.push(Write::Check(Key::user(tenant, user), Condition::NotDeleted));
    table.commit(writes).await.unwrap();
}
