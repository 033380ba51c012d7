//! Writes of what belongs to a user move the user's version and leave an entry (rule AU-01).

use serde_json::{Value, json};
use tests::{Service, TENANT, person};

use super::{Kept, USERS, complete, entries};

#[tokio::test]
async fn au01_principals_subjects_and_system_profiles_leave_entries_of_their_user() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (path, id) in [("authentication-servers", "corp"), ("applications", "shop")] {
        let body = json!({ "id": id, "name": id, "subject_type": "predefined" });
        crm.create(&format!("/api/v1/sso/{path}"), body).await;
    }
    service.system("desk", &["nick"]).await;
    let jan = crm.create(USERS, person("jan")).await;
    let tag = jan.tag.clone();
    let last = async || complete(&service, &jan.id).await.pop().unwrap();

    crm.act(&jan.below("principals/corp/unlink")).await.is(200);
    let entry = last().await;
    assert_eq!(
        (entry.operation().as_str(), entry.pointers().join(" ")),
        ("principal.unlink", "/principals/corp".into())
    );
    crm.act(&jan.below("principals/corp/unlink")).await.is(200);
    crm.act(&jan.below("principals/corp/link")).await.is(200);
    assert_eq!(last().await.operation(), "principal.link");
    assert_eq!(entries(&service, &jan.id).await.len(), 3);

    for (side, field, party) in [
        ("application-subjects", "application_id", "shop"),
        ("authentication-server-subjects", "authentication_server_id", "corp"),
    ] {
        let body = json!({ field: party, "subject": "s", "user_id": jan.id });
        let subject = crm.create(&format!("/api/v1/sso/{side}"), body).await;
        let at = format!("/subjects/{party}/{}", subject.id);
        let entry = last().await;
        assert_eq!(
            (entry.operation().as_str(), entry.pointers()),
            ("subject.create", vec![at.clone()])
        );
        crm.delete(&subject.path).if_match("*").await.is(204);
        let entry = last().await;
        assert_eq!((entry.operation().as_str(), entry.pointers()), ("subject.delete", vec![at]));
    }

    let profile = service.profile(&jan.id, "desk").await;
    let change = json!({ "given_name": "J", "system_attributes": { "nick": ["n"] } });
    let changed = crm.patch(&profile, change).if_match("*").await;
    assert_eq!(changed.code(), 200, "{}", changed.text());
    let entry = last().await;
    assert_eq!(entry.operation(), "profile.change");
    assert!(entry.pointers().iter().all(|pointer| pointer.starts_with("/systems/desk/")));
    assert_eq!(entry.values("/systems/desk/overrides/predefined/given_name"), r#"- "J""#);
    crm.delete(&profile).if_match("*").await.is(204);
    assert_eq!(last().await.operation(), "profile.forget");
    assert_eq!(crm.tag_of(&jan.path).await, tag, "nothing of the base profile has changed");
    service.check().await;
}

#[tokio::test]
async fn au01_sign_ins_leave_entries_with_their_server() {
    let service = Service::start().await;
    let issuer = service.issuer("corp", "email").await;
    service.system("shop", &[]).await;
    let claims = json!({ "email": "jan@example.org", "email_verified": true, "given_name": "Jan" });
    let jan = issuer.person("s1", claims);
    let signed_in = jan.sign_in("shop").await;
    assert_eq!(signed_in.code(), 201, "{}", signed_in.text());
    let crm = service.crm().await;
    let user = crm.read(&format!("{USERS}/by/preferred_email/jan@example.org")).await;
    let id = user["id"].as_str().unwrap();
    let first = complete(&service, id).await.pop().unwrap();
    assert_eq!(first.operation(), "user.create");
    let via = serde_json::to_value(&first.entry.via).unwrap();
    assert_eq!(via, json!({ "kind": "sign_in", "server": "corp" }));
    let actor = serde_json::to_value(&first.entry.actor).unwrap();
    assert_eq!(actor, json!({ "kind": "person", "id": id }));
    let pointers = first.pointers();
    assert!(pointers.contains(&"/principals/corp".to_owned()), "{pointers:?}");
    assert!(pointers.contains(&"/systems/shop/id".to_owned()), "{pointers:?}");

    // Another system: the user stays as it is, and gets a profile.
    service.system("desk", &[]).await;
    let before = crm.tag_of(&format!("{USERS}/{id}")).await;
    jan.sign_in("desk").await.is(201);
    let second = complete(&service, id).await.pop().unwrap();
    assert_eq!((second.sequence, second.operation().as_str()), (2, "user.sign_in"));
    assert_eq!(crm.tag_of(&format!("{USERS}/{id}")).await, before);
    // Nothing is new, so nothing is told.
    jan.sign_in("desk").await.is(200);
    assert_eq!(complete(&service, id).await.len(), 2);
    service.check().await;
}

#[tokio::test]
async fn au01_a_person_is_the_actor_of_what_the_person_changes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let me = crm.local_person(&jan.id, "userdata").await;
    me.patch("/identity/me", json!({ "given_name": "J" })).if_match("*").await.is(200);
    let entry = complete(&service, &jan.id).await.pop().unwrap();
    let actor = serde_json::to_value(&entry.entry.actor).unwrap();
    assert_eq!(actor, json!({ "kind": "person", "id": jan.id }));
}

#[tokio::test]
async fn au01_everything_of_a_person_is_told() {
    let (setting, person) = Service::start().await.person_with_everything().await;
    let told: Vec<_> =
        complete(&setting.service, &person.user.id).await.iter().map(Kept::operation).collect();
    for due in
        ["user.create", "user.verify", "subject.create", "user.change", "user.client_consent_grant"]
    {
        assert!(told.iter().any(|operation| operation == due), "{due}: {told:?}");
    }
    setting.service.check().await;
}

#[tokio::test]
async fn au01_without_an_audit_a_child_does_not_move_its_user() {
    let service = Service::start_unaudited().await;
    let crm = service.crm().await;
    let server = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
    crm.create("/api/v1/sso/authentication-servers", server).await;
    let jan = crm.create(USERS, person("jan")).await;
    crm.act(&jan.below("principals/corp/unlink")).await.is(200);
    assert_eq!(service.version_of(&jan.id).await, 1);
    assert!(entries(&service, &jan.id).await.is_empty());
    let settings = service.client(TENANT, "administrator").await.read(super::SETTINGS).await;
    assert_eq!((&settings["level"], &settings["since"]), (&json!("off"), &Value::Null));
}
