//! Invitations (rules G33, G38, G45 and U19).

use serde_json::json;
use shared::domain::definition::BuiltInPersona::{Administrator, Helpdesk};
use shared::domain::people::MailKind;
use tests::{MailSeen, TENANT, person, with};

use super::{Tenant, USERS, official, refused};

fn invited(mails: &[MailSeen]) -> Vec<&str> {
    let invitations = mails.iter().filter(|mail| mail.kind == MailKind::Invitation);
    invitations.map(|mail| mail.to.as_str()).collect()
}

#[tokio::test]
async fn u19_an_administrator_invites_another_who_has_lost_the_way_in() {
    let tenant = Tenant::open().await;
    let lost = tenant.admin.create(USERS, official("lost", Administrator)).await;
    tenant.of_boss.act(&lost.below("invite")).await.is(204);
    let mails = tenant.service.deliver_mails().await;
    assert_eq!(invited(&mails), ["lost@example.org"]);
    assert!(mails[0].link().starts_with(&format!("{}/idhub/login/link", tests::BASE)));
    // The token lies nowhere: not in the table, not in an entry of the audit.
    let secret = mails[0].token().rsplit('.').next().unwrap();
    assert!(!tenant.service.items().await.iter().any(|item| item.contains(secret)), "G44");
    let auditor = tenant.service.client(TENANT, "audit:read").await;
    let newest = auditor.read(&lost.below("audit")).await["items"][0].clone();
    assert_eq!(newest["operation"], "user.invite");
    tenant.service.check().await;
}

#[tokio::test]
async fn g33_a_new_user_is_invited_if_the_request_says_so() {
    let tenant = Tenant::open().await;
    let create = |name: &str, more| tenant.of_hugo.post(USERS, with(person(name), more));
    let jan = create("jan", json!({ "invite": true })).await.created();
    assert_eq!(jan.body.get("invite"), None);
    for (name, more) in [
        ("els", json!({ "invite": false })),
        ("piet", json!({})),
        ("ida", json!({ "invite": null })),
    ] {
        create(name, more).await.is(201);
    }
    assert_eq!(invited(&tenant.service.deliver_mails().await), ["jan@example.org"]);
    for (more, due) in [
        (json!({ "invite": "yes" }), "/invite wrong-type"),
        (json!({ "invite": true, "preferred_email": null }), "/invite not-allowed"),
    ] {
        let refused = create("wrong", more).await.is(422);
        assert_eq!(refused.violations(), [due]);
    }
    // Nobody is invited who is not made.
    create("jan", json!({ "invite": true })).await.is(409);
    refused(
        &tenant
            .of_hugo
            .post(USERS, with(official("eve", Administrator), json!({ "invite": true })))
            .await,
        "rights",
    );
    assert!(tenant.service.deliver_mails().await.is_empty());
    // Other ways of writing take no such wish.
    let patch = tenant.of_hugo.patch(&jan.path, json!({ "invite": true })).if_match("*");
    assert_eq!(patch.await.is(422).violations(), ["/invite unknown"]);
    tenant.service.check().await;
}

#[tokio::test]
async fn i1_a_repeated_creation_or_invitation_mails_once() {
    let tenant = Tenant::open().await;
    let body = with(person("jan"), json!({ "invite": true }));
    let create = || tenant.clerk.post(USERS, body.clone()).key("create");
    let first = create().await.created();
    assert_eq!(create().await.is(201).header("idempotency-replayed"), Some("true"));
    assert_eq!(invited(&tenant.service.deliver_mails().await).len(), 1);
    let invite = || tenant.clerk.act(&first.below("invite")).key("invite");
    invite().await.is(204);
    assert_eq!(invite().await.is(204).header("idempotency-replayed"), Some("true"));
    assert_eq!(invited(&tenant.service.deliver_mails().await).len(), 1);
}

#[tokio::test]
async fn g33_who_cannot_get_the_mail_is_not_invited() {
    let tenant = Tenant::open().await;
    let silent = tenant.admin.create_user("silent").await;
    let conflict = tenant.clerk.act(&silent.below("invite")).await.is(409);
    assert_eq!(conflict.slug(), "conflict");
    let jan = tenant.user("jan").await;
    tenant.clerk.act(&jan.below("invite")).if_match("\"stale\"").await.is(412);
    tenant.admin.act(&jan.below("block")).await.is(200);
    tenant.clerk.act(&jan.below("invite")).await.is(409);
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-00000000dead/invite";
    tenant.clerk.act(nobody).await.is(404);
    assert!(tenant.service.deliver_mails().await.is_empty());
}

#[tokio::test]
async fn g62_who_invites_has_the_rights_of_the_person() {
    let tenant = Tenant::open().await;
    refused(&tenant.of_hugo.act(&tenant.boss.below("invite")).await, "administrator");
    refused(&tenant.clerk.act(&tenant.boss.below("invite")).await, "administrator");
    let ida = tenant.admin.create(USERS, official("ida", Helpdesk)).await;
    tenant.of_hugo.act(&ida.below("invite")).await.is(204);
    assert_eq!(invited(&tenant.service.deliver_mails().await), ["ida@example.org"]);
}

#[tokio::test]
async fn g45_an_invitation_goes_to_the_address_of_the_moment_and_to_no_other() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    tenant.clerk.act(&jan.below("invite")).await.is(204);
    // The address changes before the mail leaves.
    let moved = json!({ "preferred_email": "jan@elsewhere.example" });
    tenant.clerk.patch(&jan.path, moved).if_match("*").await.is(200);
    assert!(tenant.service.deliver_mails().await.is_empty());
    tenant.clerk.act(&jan.below("invite")).await.is(204);
    assert_eq!(invited(&tenant.service.deliver_mails().await), ["jan@elsewhere.example"]);
}
