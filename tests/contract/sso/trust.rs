//! Which tenants trust which token issuers: trust changes with the configuration of their servers

use local::serve;
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::AuthError;
use shared::fetch::Fetcher;

use tests::{BASE, Client, KeyPair, Service, TENANT, jwks, with};

const SERVERS: &str = "/api/v1/sso/authentication-servers";
const ISSUER: &str = "https://login.example/realm";

fn server(id: &str, key: &KeyPair, changes: Value) -> Value {
    let keys: Value = serde_json::from_str(&jwks(&[key])).unwrap();
    let server = json!({
        "id": id, "name": id, "subject_type": "predefined", "issuer": ISSUER, "audience": "kith",
        "jwks": keys,
    });
    with(server, changes)
}

fn token(service: &Service, key: &KeyPair, changes: Value) -> String {
    let now = service.now();
    let claims = json!({
        "iss": ISSUER, "sub": "jan", "aud": "kith", "tenant": TENANT, "iat": now, "exp": now + 300
    });
    key.jws(&json!({ "alg": key.alg, "typ": "JWT", "kid": key.kid }), &with(claims, changes))
}

/// A function that remembers nothing.
fn fresh(service: &Service) -> App {
    serve::own_state(&service.table, BASE, &tests::scripts(), &Fetcher::default())
}

/// The tenant that a token is good in.
async fn tenant_of(app: &App, token: &str) -> Result<String, AuthError> {
    app.caller(token, BASE, true).await.map(|caller| caller.tenant.to_string())
}

async fn trusted(service: &Service, issuer: &str) -> Vec<(String, String)> {
    let trusting = service.table.trusting(issuer).await.unwrap();
    trusting.into_iter().map(|(tenant, claim)| (tenant.to_string(), claim)).collect()
}

async fn refused(service: &Service, token: &str) -> bool {
    matches!(tenant_of(&fresh(service), token).await, Err(AuthError::BadToken(_)))
}

async fn change(crm: &Client, patch: Value) {
    crm.patch(&format!("{SERVERS}/corp"), patch).if_match("*").await.is(200);
}

fn of(tenant: &str, claim: &str) -> (String, String) {
    (tenant.to_owned(), claim.to_owned())
}

#[tokio::test]
async fn trust_moves_with_the_issuer_and_the_claim_and_goes_with_the_server() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let key = KeyPair::es256();
    let good = token(&service, &key, json!({}));
    assert!(refused(&service, &good).await);
    crm.create(SERVERS, server("corp", &key, json!({}))).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant")]);
    assert_eq!(tenant_of(&fresh(&service), &good).await.unwrap(), TENANT);

    change(&crm, json!({ "name": "Corporation", "priority": 3 })).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant")]);
    change(&crm, json!({ "tenant_claim": "org" })).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "org")]);
    assert!(refused(&service, &good).await);
    let of_org = token(&service, &key, json!({ "tenant": null, "org": TENANT }));
    assert_eq!(tenant_of(&fresh(&service), &of_org).await.unwrap(), TENANT);

    let moved = "https://login.example/other";
    change(&crm, json!({ "issuer": moved })).await;
    assert_eq!(trusted(&service, ISSUER).await, []);
    assert_eq!(trusted(&service, moved).await, [of(TENANT, "org")]);
    assert!(refused(&service, &of_org).await);
    change(&crm, json!({ "issuer": null })).await;
    assert_eq!(trusted(&service, moved).await, []);
    change(&crm, json!({ "issuer": ISSUER, "tenant_claim": null })).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant")]);
    crm.delete(&format!("{SERVERS}/corp")).await.is(204);
    assert_eq!(trusted(&service, ISSUER).await, []);
    assert!(refused(&service, &good).await);
}

#[tokio::test]
async fn a_server_that_is_older_than_its_trust_is_trusted_from_its_next_change_on_and_can_go() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let key = KeyPair::es256();
    let corp = crm.create(SERVERS, server("corp", &key, json!({}))).await;
    let forgotten = async || {
        let item = shared::store::Key::trust(ISSUER, &TENANT.parse().unwrap());
        let write = shared::store::Write::Delete(item, shared::store::Condition::Guarded);
        service.table.commit(vec![write]).await.unwrap();
    };
    forgotten().await;
    change(&crm, json!({ "name": "Corporation" })).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant")]);
    forgotten().await;
    crm.delete(&corp.path).await.is(204);
    assert_eq!(trusted(&service, ISSUER).await, []);
}

#[tokio::test]
async fn o5_a_server_without_keys_has_subjects_and_no_token_is_trusted() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let key = KeyPair::es256();
    let made = crm.create(SERVERS, server("corp", &key, json!({ "jwks": null }))).await;
    assert_eq!((&made.body["issuer"], &made.body["jwks"]), (&json!(ISSUER), &Value::Null));
    assert!(refused(&service, &token(&service, &key, json!({}))).await);
    let jan = crm.create_user("jan").await;
    let subject =
        json!({ "authentication_server_id": "corp", "subject": "jan", "user_id": jan.id });
    crm.create("/api/v1/sso/authentication-server-subjects", subject).await;
    for wrong in ["https://login.example/a|b", "https://login.example|acme", "https://|"] {
        let body = server("other", &key, json!({ "issuer": wrong }));
        assert_eq!(
            crm.post(SERVERS, body).await.is(422).violations(),
            ["/issuer wrong-format"],
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn d5_two_tenants_trust_one_issuer_and_each_decides_about_its_own_people() {
    let service = Service::start().await;
    service.create_tenant("beta").await;
    let crm = service.crm().await;
    let beta = service.client("beta", "config:write").await;
    let (key, own) = (KeyPair::es256(), KeyPair::es256());
    crm.create(SERVERS, server("corp", &key, json!({}))).await;
    // Beta says that another key is the issuer's.
    beta.create(SERVERS, server("mine", &own, json!({}))).await;
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant"), of("beta", "tenant")]);
    let of_beta = json!({ "tenant": "beta" });
    assert_eq!(
        tenant_of(&fresh(&service), &token(&service, &key, json!({}))).await.unwrap(),
        TENANT
    );
    assert_eq!(
        tenant_of(&fresh(&service), &token(&service, &own, of_beta.clone())).await.unwrap(),
        "beta"
    );
    assert!(
        refused(&service, &token(&service, &own, json!({}))).await,
        "beta's key signs for nobody of acme"
    );
    assert!(refused(&service, &token(&service, &key, of_beta)).await);

    // Nor does another claim help: the key is that of the tenant which the claim names.
    beta.patch(&format!("{SERVERS}/mine"), json!({ "tenant_claim": "org" }))
        .if_match("*")
        .await
        .is(200);
    let both = json!({ "org": "beta" });
    assert!(refused(&service, &token(&service, &own, both.clone())).await);
    assert_eq!(
        tenant_of(&fresh(&service), &token(&service, &key, both)).await.unwrap(),
        TENANT,
        "nor does it keep out"
    );
    assert!(refused(&service, &token(&service, &own, json!({ "org": TENANT }))).await);

    // If one tenant withdraws its trust, the other tenant keeps its own.
    beta.delete(&format!("{SERVERS}/mine")).await.is(204);
    assert_eq!(trusted(&service, ISSUER).await, [of(TENANT, "tenant")]);
    assert_eq!(
        tenant_of(&fresh(&service), &token(&service, &key, json!({}))).await.unwrap(),
        TENANT
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn trust_is_what_the_last_change_says_however_many_there_are_at_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let key = KeyPair::es256();
    let corp = crm.create(SERVERS, server("corp", &key, json!({}))).await;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..8 {
        let crm = crm.on(&service.instance());
        let path = corp.path.clone();
        let patch = json!({
            "issuer": format!("https://login{}.example", i % 3), "tenant_claim": format!("claim{i}")
        });
        tasks.spawn(async move { crm.patch(&path, patch).if_match("*").await.is(200) });
    }
    tasks.join_all().await;
    let now = crm.read(&corp.path).await;
    let mut found = trusted(&service, ISSUER).await;
    for i in 0..3 {
        let issuer = format!("https://login{i}.example");
        let trusting = trusted(&service, &issuer).await;
        assert_eq!(trusting.is_empty(), now["issuer"] != json!(issuer), "{issuer}");
        found.extend(trusting);
    }
    assert_eq!(found, [of(TENANT, now["tenant_claim"].as_str().unwrap())]);
}
