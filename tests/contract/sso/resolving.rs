//! Which user a server means by a subject, and by which subject an application knows a user

use serde_json::{Value, json};
use tests::{Call, Client, Resource, Service, TENANT, person};

const SSO: &str = "/api/v1/sso";
const NOBODY: &str = "0192f3c1-0000-7000-8000-000000000001";

/// A client of a tenant with a server and an application of each subject type, each named by it.
async fn scene(service: &Service) -> Client {
    let crm = service.crm().await;
    for kind in ["email", "userid", "username", "predefined"] {
        for path in ["authentication-servers", "applications"] {
            let party = json!({ "id": kind, "name": kind, "subject_type": kind });
            crm.create(&format!("{SSO}/{path}"), party).await;
        }
    }
    crm
}

fn which_user(crm: &Client, server: &str, subject: &str) -> Call {
    let body = json!({ "authentication_server_id": server, "subject": subject });
    crm.post(&format!("{SSO}/authentication-server-subjects/resolve"), body)
}

fn which_subject(crm: &Client, application: &str, user: &str) -> Call {
    let body = json!({ "application_id": application, "user_id": user });
    crm.post(&format!("{SSO}/application-subjects/resolve"), body)
}

async fn map(crm: &Client, side: &str, subject: &str, user: &Resource) -> Resource {
    let body = json!({
        format!("{}_id", side.replace('-', "_")): "predefined", "subject": subject, "user_id": user.id
    });
    crm.create(&format!("{SSO}/{side}-subjects"), body).await
}

#[tokio::test]
async fn a_subject_of_each_type_finds_its_user() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    crm.create("/identity/users", person("piet")).await;
    map(&crm, "authentication-server", "s-1", &jan).await;
    for (server, subject) in [
        ("email", "jan@example.org"),
        ("email", "JAN@Example.ORG"),
        ("userid", &jan.id),
        ("userid", &jan.id.to_uppercase()),
        ("username", "jan"),
        ("predefined", "s-1"),
        ("system", "jan"),
    ] {
        let found = which_user(&crm, server, subject).await.is(200);
        assert_eq!(
            (found.json(), found.tag()),
            (jan.body.clone(), jan.tag.clone()),
            "{server} {subject}"
        );
        assert_eq!(found.cost().1, 0.0);
    }
    for (server, subject) in [
        ("email", "nobody@example.org"),
        ("email", "jan"),
        ("userid", NOBODY),
        ("userid", "jan"),
        ("username", "nobody"),
        ("username", "JAN"),
        ("system", "JAN"),
        ("username", "jan@example.org"),
        ("predefined", "S-1"),
        ("predefined", "jan"),
        ("system", "nobody"),
        ("system", &jan.id),
    ] {
        which_user(&crm, server, subject).await.is(404);
    }
}

#[tokio::test]
async fn a_user_is_known_by_a_subject_of_each_type() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    let bare = crm.create_user("bare").await;
    map(&crm, "application", "s-1", &jan).await;
    for (application, subject) in [
        ("email", "jan@example.org"),
        ("userid", &jan.id),
        ("username", "jan"),
        ("predefined", "s-1"),
    ] {
        let found = which_subject(&crm, application, &jan.id).await.is(200);
        let due = json!({ "application_id": application, "user_id": jan.id, "subject": subject });
        assert_eq!((found.json(), found.header("etag"), found.cost().1), (due, None, 0.0));
    }
    for (application, due) in
        [("email", 404), ("userid", 200), ("username", 200), ("predefined", 404)]
    {
        which_subject(&crm, application, &bare.id).await.is(due);
    }
}

#[tokio::test]
async fn an_address_that_several_users_have_is_nobodys_subject() {
    let crm = scene(&Service::start().await).await;
    let mut users = Vec::new();
    for name in ["jan", "piet", "joris"] {
        users.push(
            crm.create(
                "/identity/users",
                json!({ "username": name, "preferred_email": "all@example.org" }),
            )
            .await,
        );
    }
    for answer in [
        which_user(&crm, "email", "all@example.org").await.is(409),
        which_subject(&crm, "email", &users[0].id).await.is(409),
    ] {
        assert_eq!(
            (answer.slug(), &answer.json()["count"]),
            ("several-found".to_owned(), &json!(3))
        );
        assert!(!answer.text().contains("all@example.org"));
    }
    crm.delete(&users[1].path).await.is(204);
    assert_eq!(which_user(&crm, "email", "all@example.org").await.is(409).json()["count"], 2);
    crm.patch(&users[2].path, json!({ "preferred_email": "joris@example.org" }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(which_user(&crm, "email", "all@example.org").await.is(200).field("username"), "jan");
    which_subject(&crm, "email", &users[0].id).await.is(200);
}

#[tokio::test]
async fn s8_a_mapping_counts_before_the_subject_type() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create_user("jan").await;
    let piet = crm.create_user("piet").await;
    let sides =
        [("authentication-server", "authentication_server_id"), ("application", "application_id")];
    for (side, field) in sides {
        let body = json!({ field: "username", "subject": "piet", "user_id": jan.id });
        crm.create(&format!("{SSO}/{side}-subjects"), body).await;
    }
    let answers = async || {
        let user = which_user(&crm, "username", "piet").await.is(200).field("id");
        (user, which_subject(&crm, "username", &jan.id).await.is(200).field("subject"))
    };
    assert_eq!(answers().await, (jan.id.clone(), "piet".to_owned()));
    // The application would take one for the other.
    which_subject(&crm, "username", &piet.id).await.is(404);
    which_user(&crm, "username", "jan").await.is(200);
    let changed = json!({ "subject_type": "predefined" });
    for (side, _) in sides {
        crm.patch(&format!("{SSO}/{side}s/username"), changed.clone()).if_match("*").await.is(200);
    }
    assert_eq!(answers().await, (jan.id.clone(), "piet".to_owned()));
    which_user(&crm, "username", "jan").await.is(404);
}

#[tokio::test]
async fn s6_s8_a_mapping_counts_at_each_type_until_it_is_deleted() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    for kind in ["email", "userid", "username", "predefined"] {
        let known = async || {
            let answer = which_subject(&crm, kind, &jan.id).await;
            (answer.code(), answer.json().get("subject").cloned())
        };
        let before = known().await;
        let mut made = Vec::new();
        for (side, field) in [
            ("authentication-server", "authentication_server_id"),
            ("application", "application_id"),
        ] {
            let body = json!({ field: kind, "subject": "s-1", "user_id": jan.id });
            made.push(crm.create(&format!("{SSO}/{side}-subjects"), body).await);
        }
        assert_eq!(which_user(&crm, kind, "s-1").await.is(200).field("id"), jan.id, "{kind}");
        assert_eq!(known().await, (200, Some(json!("s-1"))), "{kind}");
        for mapping in made {
            crm.delete(&mapping.path).await.is(204);
        }
        which_user(&crm, kind, "s-1").await.is(404);
        assert_eq!(known().await, before, "{kind}");
    }
}

#[tokio::test]
async fn d4_resolving_sees_every_write_that_was_acknowledged() {
    let service = Service::start().await;
    let crm = scene(&service).await;
    let other = crm.on(&service.instance());
    which_user(&other, "username", "nobody").await.is(404);
    for round in 0..5 {
        let (old, new) = (format!("old{round}"), format!("new{round}"));
        let user = crm.create("/identity/users", person(&old)).await;
        let at = |name: &str| format!("{name}@example.org");
        which_user(&other, "username", &old).await.is(200);
        which_user(&other, "email", &at(&old)).await.is(200);
        let patch = json!({ "username": new, "preferred_email": at(&new) });
        crm.patch(&user.path, patch).if_match(&user.tag).await.is(200);
        for (kind, before, after) in [("username", &old, &new), ("email", &at(&old), &at(&new))] {
            which_user(&other, kind, before).await.is(404);
            which_user(&other, kind, after).await.is(200);
            assert_eq!(
                which_subject(&other, kind, &user.id).await.is(200).field("subject"),
                *after
            );
        }
        for (side, id) in [("authentication-server", &new), ("application", &new)] {
            let made = map(&crm, side, id, &user).await;
            let question = || {
                if side == "application" {
                    which_subject(&other, "predefined", &user.id)
                } else {
                    which_user(&other, "predefined", id)
                }
            };
            question().await.is(200);
            crm.delete(&made.path).await.is(204);
            question().await.is(404);
        }
    }
}

#[tokio::test]
async fn d7_nobody_is_found_once_forgotten() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create("/identity/users", person("jan")).await;
    map(&crm, "authentication-server", "s-1", &jan).await;
    map(&crm, "application", "s-1", &jan).await;
    crm.delete(&jan.path).await.is(204);
    let address = "jan@example.org";
    for (server, subject) in [
        ("email", address),
        ("userid", &jan.id),
        ("username", "jan"),
        ("predefined", "s-1"),
        ("system", "jan"),
    ] {
        which_user(&crm, server, subject).await.is(404);
    }
    for application in ["email", "userid", "username", "predefined"] {
        let refused = which_subject(&crm, application, &jan.id).await.is(422);
        assert_eq!(refused.violations(), ["/user_id not-found"]);
    }
}

#[tokio::test]
async fn e1_questions_that_name_nothing_are_refused_with_all_that_is_wrong() {
    let service = Service::start().await;
    let crm = scene(&service).await;
    let jan = crm.create_user("jan").await;
    let server = "/authentication_server_id not-found";
    for wrong in ["nothing", "NOT AN ID"] {
        assert_eq!(which_user(&crm, wrong, "jan").await.is(422).violations(), [server]);
        assert_eq!(
            which_subject(&crm, wrong, &jan.id).await.is(422).violations(),
            ["/application_id not-found"]
        );
    }
    for wrong in [NOBODY, "x", &"0".repeat(64)] {
        assert_eq!(
            which_subject(&crm, "email", wrong).await.is(422).violations(),
            ["/user_id not-found"],
            "{wrong}"
        );
    }
    let both = which_subject(&crm, "nothing", NOBODY).await.is(422);
    assert_eq!(both.violations(), ["/application_id not-found", "/user_id not-found"]);
    let post = |side: &str, body: Value| crm.post(&format!("{SSO}/{side}-subjects/resolve"), body);
    let none = ["/authentication_server_id required", "/colour unknown", "/subject required"];
    assert_eq!(
        post("authentication-server", json!({ "colour": 1 })).await.is(422).violations(),
        none
    );
    let none = ["/application_id required", "/user_id wrong-type"];
    assert_eq!(post("application", json!({ "user_id": 1 })).await.is(422).violations(), none);

    service.create_tenant("other").await;
    let other = service.client("other", "users:read users:write config:write").await;
    assert_eq!(which_user(&other, "username", "jan").await.is(422).violations(), [server]);
    which_user(&other, "system", "jan").await.is(404);
    let writer = service.client(TENANT, "users:write").await;
    which_user(&writer, "username", "jan").await.is(403);
}

#[tokio::test]
async fn h1_the_tag_of_the_user_who_is_found_is_guarded() {
    let crm = scene(&Service::start().await).await;
    let jan = crm.create_user("jan").await;
    which_user(&crm, "username", "jan").if_match(&jan.tag).await.is(200);
    let refused = which_user(&crm, "username", "jan").if_match("\"old\"").await.is(412);
    assert_eq!(refused.tag(), jan.tag);
    which_user(&crm, "username", "jan").if_none_match(&jan.tag).await.is(412);
    let keyed = which_user(&crm, "username", "jan").key("k").await.is(200);
    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    let again = which_user(&crm, "username", "jan").key("k").await.is(200);
    assert_ne!(again.tag(), keyed.tag(), "what reads is not replayed");
}
