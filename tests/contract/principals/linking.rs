//! Listing, linking and unlinking

use serde_json::json;
use tests::{Service, TENANT};

use super::{SERVERS, bind, is_unlinked, list, principal, scene};

#[tokio::test]
async fn p50_each_authentication_server_has_a_principal_of_the_user_and_the_built_in_one_is_first()
{
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    crm.create(SERVERS, json!({ "id": "zeta", "name": "Z", "subject_type": "email" })).await;
    let system = principal("system", true, "ACTIVE");
    let pending = ["corp", "other", "zeta"].map(|server| principal(server, true, "PENDING"));
    assert_eq!(list(&crm, &jan).await, json!([system, pending[0], pending[1], pending[2]]));
    let base = bind(&service, &jan, "other").await;
    crm.act(&jan.below("principals/zeta/unlink")).await.is(200);
    let due = json!([
        system,
        pending[0],
        principal("other", true, "ACTIVE"),
        principal("zeta", false, "UNLINKED")
    ]);
    assert_eq!(list(&crm, &jan).await, due);
    let by_base = crm.read(&format!("/identity/users/{base}/principals")).await;
    assert_eq!(by_base, crm.read(&jan.below("principals")).await);
    let text = crm.get(&jan.below("principals")).await.is(200).text().to_owned();
    assert!(!text.contains(base.as_str()), "what an issuer calls the user is nobody's to see");
}

#[tokio::test]
async fn unlinking_keeps_the_base_profile_id_and_linking_brings_it_back() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let base = bind(&service, &jan, "corp").await;
    let (link, unlink) = (jan.below("principals/corp/link"), jan.below("principals/corp/unlink"));
    let linked = crm.act(&link).await.is(200);
    assert_eq!((linked.json(), linked.cost().1), (principal("corp", true, "ACTIVE"), 0.0));
    assert_eq!(is_unlinked(&service, &base).await, Some(false));

    let unlinked = crm.act(&unlink).await.is(200);
    assert_eq!(unlinked.json(), principal("corp", false, "UNLINKED"));
    assert_ne!(unlinked.tag(), linked.tag());
    assert_eq!(is_unlinked(&service, &base).await, Some(true));
    let again = crm.act(&unlink).await.is(200);
    assert_eq!((again.json(), again.tag(), again.cost().1), (unlinked.json(), unlinked.tag(), 0.0));
    // The id still names the user to those who administer it.
    assert_eq!(crm.read(&format!("/identity/users/{base}")).await["id"], json!(jan.id));

    let back = crm.act(&format!("/identity/users/{base}/principals/corp/link")).await.is(200);
    assert_eq!(back.json(), principal("corp", true, "ACTIVE"));
    assert_ne!(back.tag(), linked.tag(), "it was changed twice since");
    assert_eq!(is_unlinked(&service, &base).await, Some(false));
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
    service.check().await;
}

#[tokio::test]
async fn a_user_is_unlinked_before_anybody_signed_in_and_linked_again() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let (link, unlink) = (jan.below("principals/corp/link"), jan.below("principals/corp/unlink"));
    let pending = crm.act(&link).await.is(200);
    assert_eq!((pending.json(), pending.cost().1), (principal("corp", true, "PENDING"), 0.0));
    let unlinked = crm.act(&unlink).if_match(&pending.tag()).await.is(200);
    assert_eq!(unlinked.json(), principal("corp", false, "UNLINKED"));
    let items =
        service.table.principals(&TENANT.parse().unwrap(), jan.id.parse().unwrap()).await.unwrap();
    assert_eq!(items.iter().map(|item| item.value.base.clone()).collect::<Vec<_>>(), [None]);
    let back = crm.act(&link).if_match(&unlinked.tag()).await.is(200);
    assert_eq!(back.json(), principal("corp", true, "PENDING"));
    assert_ne!(back.tag(), pending.tag());
    assert_eq!(list(&crm, &jan).await[1], principal("corp", true, "PENDING"));
}

#[tokio::test]
async fn h1_a_stale_tag_changes_nothing() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let base = bind(&service, &jan, "corp").await;
    let (link, unlink) = (jan.below("principals/corp/link"), jan.below("principals/corp/unlink"));
    let first = crm.act(&link).await.is(200).tag();
    for stale in ["\"old\"", &format!("W/{first}")] {
        assert_eq!(crm.act(&unlink).if_match(stale).await.is(412).tag(), first);
    }
    crm.act(&unlink).if_none_match(&first).await.is(412);
    assert_eq!(is_unlinked(&service, &base).await, Some(false));
    crm.act(&unlink).if_match(&first).await.is(200);
    crm.act(&unlink).if_match(&first).await.is(412);
    crm.act(&link).if_match("*").await.is(200);
    crm.act(&jan.below("principals/system/unlink")).if_match("\"old\"").await.is(412);
}

#[tokio::test]
async fn the_built_in_server_is_unlinked_and_linked_as_others_are() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let linked = crm.act(&jan.below("principals/system/link")).await.is(200);
    assert_eq!((linked.json(), linked.cost().1), (principal("system", true, "ACTIVE"), 0.0));
    assert!(linked.header("etag").is_some());
    let unlinked = crm.act(&jan.below("principals/system/unlink")).await.is(200);
    assert_eq!(unlinked.json(), principal("system", false, "UNLINKED"));
    assert_eq!(list(&crm, &jan).await[0], principal("system", false, "UNLINKED"));
    let again = crm.act(&jan.below("principals/system/unlink")).await.is(200);
    assert_eq!((again.tag(), again.cost().1), (unlinked.tag(), 0.0));
    crm.act(&jan.below("principals/system/link")).await.is(200);
    assert_eq!(list(&crm, &jan).await[0], principal("system", true, "ACTIVE"));
    service.check().await;
}

#[tokio::test]
async fn i1_a_repeat_with_its_key_is_answered_as_the_first_was() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let (link, unlink) = (jan.below("principals/corp/link"), jan.below("principals/corp/unlink"));
    let first = crm.act(&unlink).key("k").await.is(200);
    crm.act(&link).await.is(200);
    let again = crm.act(&unlink).key("k").await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    assert_eq!(list(&crm, &jan).await[1], principal("corp", true, "PENDING"));
    // A request that changes nothing is recorded too.
    let nothing = crm.act(&link).key("l").await.is(200);
    crm.act(&unlink).await.is(200);
    let again = crm.act(&link).key("l").await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &nothing.body));
    assert_eq!(list(&crm, &jan).await[1], principal("corp", false, "UNLINKED"));
    crm.delete(&jan.path).await.is(204);
    crm.act(&link).key("l").await.is(404);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_scopes_count() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-000000000001/principals";
    for action in ["link", "unlink"] {
        for server in ["nothing", "NOT AN ID", "a"] {
            let server = server.replace(' ', "%20");
            crm.act(&jan.below(&format!("principals/{server}/{action}"))).await.is(404);
        }
        crm.act(&format!("{nobody}/corp/{action}")).await.is(404);
        crm.act(&format!("/identity/users/{}/principals/corp/{action}", "0".repeat(64)))
            .await
            .is(404);
    }
    crm.get(nobody).await.is(404);
    let reader = service.client(TENANT, "users:read").await;
    reader.get(&jan.below("principals")).await.is(200);
    reader.act(&jan.below("principals/corp/unlink")).await.is(403);
    service.client(TENANT, "users:write").await.get(&jan.below("principals")).await.is(403);

    // A server that another instance made a moment ago is known here.
    let other = crm.on(&service.instance());
    other.act(&jan.below("principals/corp/unlink")).await.is(200);
    crm.create(SERVERS, json!({ "id": "new", "name": "New", "subject_type": "email" })).await;
    other.act(&jan.below("principals/new/unlink")).await.is(200);

    service.create_tenant("beta").await;
    let beta = service.client("beta", "users:read users:write").await;
    beta.get(&jan.below("principals")).await.is(404);
    beta.act(&jan.below("principals/system/link")).await.is(404);
}

#[tokio::test]
async fn d6_a_server_that_a_user_was_unlinked_from_stays() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    crm.act(&jan.below("principals/corp/link")).await.is(200);
    crm.act(&jan.below("principals/other/unlink")).await.is(200);
    assert_eq!(crm.delete(&format!("{SERVERS}/other")).await.is(409).slug(), "in-use");
    crm.delete(&format!("{SERVERS}/corp")).await.is(204);
}

#[tokio::test]
async fn d7_principals_and_base_profile_ids_vanish_with_their_user() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let base = bind(&service, &jan, "corp").await;
    crm.act(&jan.below("principals/other/unlink")).await.is(200);
    crm.delete(&jan.path).await.is(204);
    crm.get(&jan.below("principals")).await.is(404);
    crm.get(&format!("/identity/users/{base}/principals")).await.is(404);
    crm.act(&jan.below("principals/corp/unlink")).await.is(404);
    assert_eq!(is_unlinked(&service, &base).await, None);
    let left =
        service.table.principals(&TENANT.parse().unwrap(), jan.id.parse().unwrap()).await.unwrap();
    assert_eq!(left, []);
    assert!(!service.items().await.iter().any(|item| item.contains(base.as_str())));
    service.check().await;
}

#[tokio::test]
async fn base_profile_ids_name_users_in_mappings_and_questions() {
    let service = Service::start().await;
    let (crm, jan) = scene(&service).await;
    let base = bind(&service, &jan, "corp").await;
    let applications = "/api/v1/sso/application-subjects";
    crm.create(
        "/api/v1/sso/applications",
        json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" }),
    )
    .await;
    for (path, field, party) in [
        (applications, "application_id", "shop"),
        ("/api/v1/sso/authentication-server-subjects", "authentication_server_id", "other"),
    ] {
        let made = crm
            .create(path, json!({ field: party, "subject": "s", "user_id": base.as_str() }))
            .await;
        assert_eq!(made.body["user_id"], json!(jan.id));
        let list = crm.read(&format!("{path}?user_id={base}&{field}={party}")).await;
        let list = tests::without_tags(list);
        assert_eq!(list["items"], json!([made.body]));
    }
    let question = json!({ "application_id": "shop", "user_id": base.as_str() });
    let found = crm.post(&format!("{applications}/resolve"), question).await.is(200);
    assert_eq!(
        found.json(),
        json!({ "application_id": "shop", "user_id": jan.id, "subject": "s" })
    );

    let unknown = "0".repeat(64);
    assert_eq!(
        crm.read(&format!("{applications}?user_id={unknown}")).await,
        json!({ "items": [] })
    );
    let body = json!({ "application_id": "nothing", "subject": "s", "user_id": unknown });
    let due = ["/application_id not-found", "/user_id not-found"];
    assert_eq!(crm.post(applications, body).await.is(422).violations(), due);
}
