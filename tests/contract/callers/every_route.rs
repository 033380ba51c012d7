//! Every route of every function, called by each kind of caller: who is refused, and how.

use serde_json::json;
use shared::domain::Scope;
use shared::domain::client::Integration;
use shared::domain::definition::BuiltInPersona::{self, Administrator, Auditor};
use shared::domain::id::PartyId;
use shared::http::{Callers, Route};
use tests::{Answer, Call, Client, Person, Service, SignedIn, TENANT};

use super::{ALL, Office, USERS};

/// The outcome of a call before its use case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passes,
    /// 401 with a challenge.
    Unauthenticated,
    /// 403 with this slug.
    Forbidden(&'static str),
    /// 403 because no persona of the person grants the scope: another token would not help.
    WithoutRight,
}

use Verdict::{Forbidden, Passes, Unauthenticated, WithoutRight};

const SCOPE: Verdict = Forbidden("insufficient-scope");
const NOT_ALLOWED: Verdict = Forbidden("not-allowed");
const BLOCKED: Verdict = Forbidden("user-blocked");

impl Verdict {
    fn of(answer: &Answer) -> Self {
        match (answer.code(), answer.header("content-type")) {
            (401, _) => Unauthenticated,
            (403, _)
                if answer.header("www-authenticate").is_none()
                    && answer.text().contains("no persona of yours") =>
            {
                assert_eq!(answer.slug(), "insufficient-scope");
                WithoutRight
            }
            (403, Some("application/problem+json")) => [SCOPE, NOT_ALLOWED, BLOCKED]
                .into_iter()
                .find(|one| matches!(one, Forbidden(slug) if *slug == answer.slug()))
                .unwrap(),
            _ => Passes,
        }
    }
}

/// What a caller sends to say who it is.
#[derive(Clone)]
enum Credentials {
    Nothing,
    Token(String),
    /// The cookie of a session, from a page of the service.
    Cookie(SignedIn),
    /// The cookie of a session, from a page of another site.
    ForeignCookie(SignedIn),
}

/// A kind of caller, and what is due at each kind of route.
struct Kind {
    name: &'static str,
    credentials: Credentials,
    due: fn(&Route) -> Verdict,
}

/// The route's path with ids of the right shape, that nobody has, below the system `shop`.
fn path(route: &Route) -> String {
    const NOBODY: &str = "0192f3c1-0000-7000-8000-00000000dead";
    let path = route.path.replace("{tenant_id}", TENANT).replace("{system_id}", "shop");
    path.replace("{client_id}", "acme.000102030405060708090a0b0c0d0e0f")
        .replace("{secret_id}", NOBODY)
        .replace("{user_id}", NOBODY)
        .replace("{persona_id}", NOBODY)
        .replace("{session_id}", NOBODY)
        .replace("{authentication_server_id}", "nowhere")
        .replace("{value}", "nobody")
        .replace("{consent_id}", "nothing")
        .replace("{number}", "1")
        .replace("{version}", "effective")
        .replace("{id}", NOBODY)
}

/// A call whose precondition always fails, so it changes nothing even if the caller is allowed.
fn call(service: &Service, route: &Route, credentials: &Credentials) -> Call {
    let path = path(route);
    let call = match credentials {
        Credentials::Nothing => service.call(route.method, &path),
        Credentials::Token(token) => service.call(route.method, &path).token(token),
        Credentials::Cookie(person) => person.call(route.method, &path),
        Credentials::ForeignCookie(person) => person.bare(route.method, &path),
    };
    let call = call.if_match("\"stale\"");
    match route.body {
        shared::http::Body::Json(_) | shared::http::Body::OptionalJson(_) => call.json(json!({})),
        _ => call,
    }
}

fn with_scope(client: &Client) -> String {
    client.token.clone()
}

async fn client(
    office: &Office,
    scopes: &str,
    edit: impl FnOnce(&mut shared::domain::client::Client),
) -> String {
    with_scope(&office.service.register_as(TENANT, scopes, edit).await.with_token().await)
}

/// A local person with these rights, and with a token that has these scopes.
async fn local(
    office: &Office,
    name: &str,
    rights: &[BuiltInPersona],
    scopes: &str,
) -> (tests::Resource, Person) {
    let user = office.application.person_with(name, rights).await;
    let person = office.application.local_person(&user.id, scopes).await;
    (user, person)
}

/// A local person with these rights, who is signed in with a browser.
async fn browsing(
    office: &Office,
    name: &str,
    rights: &[BuiltInPersona],
) -> (tests::Resource, SignedIn) {
    let user = office.application.person_with(name, rights).await;
    let person = office.service.signed_in(&user.id).await;
    (user, person)
}

/// The expected answer to a client with every scope, unless the route needs more than scopes.
fn due_of_client(route: &Route) -> Verdict {
    match route.callers {
        Callers::People(_) => NOT_ALLOWED,
        _ => Passes,
    }
}

async fn kinds(office: &Office) -> Vec<Kind> {
    let service = &office.service;
    let token =
        |name, token: String, due| Kind { name, credentials: Credentials::Token(token), due };
    let crm = |client: &mut shared::domain::client::Client| {
        client.integration = Some(Integration::Crm);
    };
    let bound = |client: &mut shared::domain::client::Client| {
        client.integration = Some(Integration::Crm);
        client.systems = vec!["shop".parse::<PartyId>().unwrap()];
    };
    let corp = service.issuer("corp", "predefined").await;
    let els = office.crm.create(USERS, tests::person("els")).await;
    let els = corp.link(&els.id, "els").await;
    let mut kinds = vec![
        Kind { name: "no token", credentials: Credentials::Nothing, due: |_| Unauthenticated },
        token("a client without the scope", client(office, "userdata", crm).await, |route| {
            if route.callers.granted().is_some() { SCOPE } else { NOT_ALLOWED }
        }),
        token("a client with the scope", client(office, ALL, crm).await, due_of_client),
        token("an unmarked client", client(office, ALL, |_| {}).await, |route| {
            match route.callers {
                Callers::IntegrationsOrPeople(_) => NOT_ALLOWED,
                _ => due_of_client(route),
            }
        }),
        token("a client of a system", client(office, ALL, bound).await, |route| {
            let within = route.within_system || route.for_audience;
            if within { due_of_client(route) } else { NOT_ALLOWED }
        }),
        token("an external person", els.token, |route| match route.callers {
            Callers::Granted(_) => Unauthenticated,
            _ => Passes,
        }),
    ];
    kinds.extend(local_people(office).await);
    kinds.extend(people_with_cookies(office).await);
    kinds
}

/// People who signed in at the service, with tokens of an application.
async fn local_people(office: &Office) -> Vec<Kind> {
    let token = |name, person: Person, due| Kind {
        name,
        credentials: Credentials::Token(person.token),
        due,
    };
    let (_, guest) = local(office, "guest", &[], "userdata").await;
    let (_, known) = local(office, "known", &[Administrator], "openid").await;
    let (_, eager) = local(office, "eager", &[], ALL).await;
    let (_, boss) = local(office, "boss", &[Administrator], ALL).await;
    let (user, blocked) = local(office, "blocked", &[Administrator], ALL).await;
    office.block(&user).await;
    let (user, gone) = local(office, "gone", &[], ALL).await;
    office.crm.delete(&user.path).if_match("*").await.is(204);
    vec![
        token("a local person without a grant", guest, |route| match route.callers {
            Callers::Granted(_) | Callers::People(Some(_)) => SCOPE,
            _ => Passes,
        }),
        // An application that knows who the person is has nothing of the person by that.
        token("a local person with `openid` alone", known, |route| match route.callers {
            Callers::People(Some(_)) => Passes,
            _ => SCOPE,
        }),
        token("a local person without a right", eager, |route| match route.callers {
            Callers::Granted(_) => WithoutRight,
            _ => Passes,
        }),
        token("a local person with the right", boss, |_| Passes),
        // People see and withdraw their consents, blocked or not (rule CO-03).
        token("a local person who is blocked", blocked, |route| match route.callers {
            Callers::People(_) if route.path.contains("{consent_id}") => Passes,
            Callers::People(_) if route.name == "list_own_consents" => Passes,
            _ => BLOCKED,
        }),
        token("a local person who is gone", gone, |route| match route.callers {
            Callers::Granted(_) | Callers::GrantedOrPeople(_) => Unauthenticated,
            _ => Passes,
        }),
    ]
}

/// People who are signed in with a browser.
async fn people_with_cookies(office: &Office) -> Vec<Kind> {
    let cookie =
        |name, person: SignedIn, due| Kind { name, credentials: Credentials::Cookie(person), due };
    let (_, boss) = browsing(office, "boss-cookie", &[Administrator]).await;
    let (_, auditor) = browsing(office, "auditor-cookie", &[Auditor]).await;
    let (_, guest) = browsing(office, "guest-cookie", &[]).await;
    let (user, blocked) = browsing(office, "blocked-cookie", &[Administrator]).await;
    office.block(&user).await;
    let (user, gone) = browsing(office, "gone-cookie", &[]).await;
    office.crm.delete(&user.path).if_match("*").await.is(204);
    let (user, over) = browsing(office, "over-cookie", &[]).await;
    office.crm.delete(&user.below("sessions")).await.is(204);
    let foreign = Credentials::ForeignCookie(boss.clone());
    vec![
        cookie("a cookie of an administrator", boss, |_| Passes),
        cookie("a cookie of an auditor", auditor, |route| match route.callers {
            Callers::Granted(Scope::UsersRead | Scope::ConfigRead | Scope::AuditRead) => Passes,
            Callers::Granted(_) => WithoutRight,
            _ => Passes,
        }),
        cookie("a cookie without a right", guest, |route| match route.callers {
            Callers::Granted(_) => WithoutRight,
            _ => Passes,
        }),
        cookie("a cookie of a blocked person", blocked, |_| Unauthenticated),
        cookie("a cookie of a deleted person", gone, |_| Unauthenticated),
        cookie("a cookie of a session that was ended", over, |_| Unauthenticated),
        // Rule G19.
        Kind {
            name: "a cookie from another site",
            credentials: foreign,
            due: |route| if route.method == "GET" { Passes } else { NOT_ALLOWED },
        },
    ]
}

#[tokio::test]
async fn every_route_lets_in_whom_its_callers_name_and_nobody_else() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let mut called = 0;
    for kind in Box::pin(kinds(&office)).await {
        for route in local::serve::functions().into_iter().flatten() {
            let answer = call(&office.service, route, &kind.credentials).await;
            let what =
                format!("{} calls {} {}: {}", kind.name, route.method, route.path, answer.text());
            if route.callers == Callers::Anyone {
                // A token changes nothing: the OAuth endpoints authenticate clients themselves. Pages
                // for browsers ask where a form comes from, which comes with the cookies here.
                let without = call(&office.service, route, &Credentials::Nothing).await;
                let same = (answer.code() == 403) == (without.code() == 403);
                assert!(same || !route.listed, "{what}");
                continue;
            }
            assert_eq!(Verdict::of(&answer), (kind.due)(route), "{what}");
            let challenge = answer.header("www-authenticate");
            let due = matches!(Verdict::of(&answer), Unauthenticated | SCOPE);
            assert_eq!(challenge.is_some(), due, "{what}");
            if let Some(challenge) = challenge
                && route.method != "HEAD"
            {
                // A gateway may rename the header.
                assert_eq!(answer.problem()["challenge"], *challenge, "{what}");
            }
            called += 1;
        }
    }
    assert!(called > 900, "{called}");
    office.service.check().await;
}

#[test]
fn a_route_is_within_a_system_if_its_path_names_one() {
    for route in local::serve::functions().into_iter().flatten() {
        assert_eq!(route.within_system, route.path.contains("{system_id}"), "{}", route.name);
    }
}

#[test]
fn external_persons_have_no_grants_whatever_their_tokens_say() {
    use shared::auth::{Caller, Grants, Person, Subject};
    use shared::domain::{Scope, View};
    let person = Person {
        server: "corp".parse().unwrap(),
        subject: "jan".to_owned(),
        base: shared::domain::id::BaseId::of("jan", "corp", &TENANT.parse().unwrap()),
        scopes: ["users:read", "administrator"].map(str::to_owned).to_vec(),
        signed_in_at: tests::START,
        claims: shared::domain::json::Object::new(),
    };
    let caller = Caller {
        tenant: TENANT.parse().unwrap(),
        subject: Subject::External(std::sync::Arc::new(person)),
        grants: Grants::default(),
        jkt: None,
        token: None,
    };
    assert!(Callers::Granted(Scope::UsersRead).check(&caller).is_err());
    for callers in [
        Callers::GrantedOrPeople(Scope::UsersRead),
        Callers::IntegrationsOrPeople(Scope::UsersRead),
    ] {
        assert_eq!(callers.check(&caller).unwrap(), View::SelfService);
    }
}
