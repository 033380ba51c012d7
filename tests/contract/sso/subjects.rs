//! Subjects of authentication servers and of applications

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

const SSO: &str = "/api/v1/sso";

struct Side {
    client: Client,
    path: String,
    field: &'static str,
}

impl Side {
    fn post(&self, party: &str, subject: &str, user: &str) -> tests::Call {
        self.client
            .post(&self.path, json!({ self.field: party, "subject": subject, "user_id": user }))
    }

    async fn list(&self, query: &str) -> Vec<Value> {
        tests::without_tags(self.client.read(&format!("{}?{query}", self.path)).await)["items"]
            .as_array()
            .unwrap()
            .clone()
    }
}

async fn sides(service: &Service) -> (Side, Side) {
    let crm = service.crm().await;
    for (path, ids) in
        [("authentication-servers", ["corp", "other"]), ("applications", ["shop", "blog"])]
    {
        for id in ids {
            let party = json!({ "id": id, "name": id, "subject_type": "predefined" });
            crm.create(&format!("{SSO}/{path}"), party).await;
        }
    }
    let side =
        |path: &str, field| Side { client: crm.clone(), path: format!("{SSO}/{path}"), field };
    (
        side("authentication-server-subjects", "authentication_server_id"),
        side("application-subjects", "application_id"),
    )
}

#[tokio::test]
async fn a_subject_is_mapped_read_listed_and_deleted() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    for (side, party, other) in [(&servers, "corp", "other"), (&applications, "shop", "blog")] {
        let made = side.post(party, "s-1", &jan.id).await.created();
        assert_eq!(made.path, format!("{}/{}", side.path, made.id));
        assert_eq!(
            made.body,
            json!({ "id": made.id, side.field: party, "subject": "s-1", "user_id": jan.id })
        );
        let read = side.client.get(&made.path).await.is(200);
        assert_eq!((read.json(), read.tag()), (made.body.clone(), made.tag.clone()));
        side.client.get(&made.path).if_none_match(&made.tag).await.is(304);

        assert!(side.list(&format!("user_id={}", jan.id)).await.contains(&made.body));
        assert_eq!(
            side.list(&format!("user_id={}&{}={party}", jan.id, side.field)).await,
            [made.body]
        );
        assert!(side.list(&format!("user_id={}&{}={other}", jan.id, side.field)).await.is_empty());

        side.client.delete(&made.path).if_match("\"old\"").await.is(412);
        side.client.delete(&made.path).if_match(&made.tag).await.is(204);
        side.client.delete(&made.path).await.is(404);
        side.client.get(&made.path).await.is(404);
        side.post(party, "s-1", &jan.id).await.is(201);
    }
    service.check().await;
}

#[tokio::test]
async fn e3_a_subject_belongs_to_one_user() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    let piet = servers.client.create_user("piet").await;
    for (side, party, other) in [(&servers, "corp", "other"), (&applications, "shop", "blog")] {
        side.post(party, "s", &jan.id).await.is(201);
        let refused = side.post(party, "s", &piet.id).await.is(409);
        assert_eq!(
            (refused.slug(), refused.violations()),
            ("already-exists".to_owned(), vec!["/subject not-unique".to_owned()])
        );
        side.post(party, "s", &jan.id).await.is(409);
        side.post(other, "s", &piet.id).await.is(201);
        side.post(party, "S", &piet.id).await.is(201);
    }
    service.check().await;
}

#[tokio::test]
async fn e3_a_user_has_one_subject_at_an_application_and_several_at_a_server() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    applications.post("shop", "one", &jan.id).await.is(201);
    let refused = applications.post("shop", "two", &jan.id).await.is(409);
    assert_eq!(refused.violations(), ["/user_id not-unique"]);
    applications.post("blog", "two", &jan.id).await.is(201);
    servers.post("corp", "one", &jan.id).await.is(201);
    servers.post("corp", "two", &jan.id).await.is(201);
}

#[tokio::test]
async fn unknown_ids_are_not_valid() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    let nobody = "0192f3c1-0000-7000-8000-000000000001";
    for (side, party) in [(&servers, "corp"), (&applications, "shop")] {
        for (party, user, due) in [
            ("nothing", jan.id.as_str(), format!("/{} not-found", side.field)),
            ("NOT AN ID", &jan.id, format!("/{} not-found", side.field)),
            (party, nobody, "/user_id not-found".to_owned()),
            (party, "x", "/user_id not-found".to_owned()),
        ] {
            assert_eq!(side.post(party, "s", user).await.is(422).violations(), [due]);
        }
        let due = [
            format!("/{} required", side.field),
            "/subject required".to_owned(),
            "/user_id required".to_owned(),
        ];
        assert_eq!(side.client.post(&side.path, json!({})).await.is(422).violations(), due);
        let more = json!({ side.field: party, "subject": "s", "user_id": jan.id, "colour": 1 });
        assert_eq!(
            side.client.post(&side.path, more).await.is(422).violations(),
            ["/colour unknown"]
        );
        side.client.get(&side.path).await.is(400);
        side.client.get(&format!("{}?user_id=x", side.path)).await.is(400);
        side.client.get(&format!("{}/x", side.path)).await.is(404);
    }
    // The other side's parameter is unknown here.
    servers
        .client
        .get(&format!("{}?user_id={nobody}&application_id=shop", servers.path))
        .await
        .is(400);
}

#[tokio::test]
async fn a_subject_is_found_on_its_own_side_only() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    let made = servers.post("corp", "s", &jan.id).await.created();
    applications.client.get(&format!("{}/{}", applications.path, made.id)).await.is(404);
    applications.client.delete(&format!("{}/{}", applications.path, made.id)).await.is(404);
    applications.client.get(&format!("{}/{}", applications.path, jan.id)).await.is(404);
}

#[tokio::test]
async fn every_user_is_linked_to_the_built_in_server_by_its_username() {
    let service = Service::start().await;
    let (servers, _) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    let due = json!({
        "id": jan.id, "authentication_server_id": "system", "subject": "jan", "user_id": jan.id
    });
    assert_eq!(servers.list(&format!("user_id={}", jan.id)).await, vec![due.clone()]);
    assert_eq!(
        servers.list(&format!("user_id={}&authentication_server_id=system", jan.id)).await,
        vec![due.clone()]
    );
    let path = format!("{}/{}", servers.path, jan.id);
    let read = servers.client.get(&path).await.is(200);
    assert_eq!(read.json(), due);

    servers.client.patch(&jan.path, json!({ "username": "johannes" })).if_match("*").await.is(200);
    let moved = servers.client.get(&path).await.is(200);
    assert_eq!(moved.field("subject"), "johannes");
    assert_ne!(moved.tag(), read.tag());
    let refused = servers.post("system", "x", &jan.id).await.is(422);
    assert_eq!(refused.violations(), ["/authentication_server_id not-allowed"]);
    servers.client.delete(&path).await.is(409);
}

#[tokio::test]
async fn d7_subjects_vanish_with_their_user_and_are_free_again() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    let jan = servers.client.create_user("jan").await;
    let piet = servers.client.create_user("piet").await;
    let mut made: Vec<Resource> = Vec::new();
    for (side, party) in [(&servers, "corp"), (&applications, "shop")] {
        made.push(side.post(party, "s", &jan.id).await.created());
    }
    servers.client.delete(&jan.path).await.is(204);
    for (side, gone) in [&servers, &applications].into_iter().zip(&made) {
        side.client.get(&gone.path).await.is(404);
        side.client.delete(&gone.path).await.is(404);
        assert!(side.list(&format!("user_id={}", jan.id)).await.is_empty());
        assert_eq!(side.post("corp", "t", &jan.id).await.code(), 422);
    }
    servers.client.get(&format!("{}/{}", servers.path, jan.id)).await.is(404);
    for (side, party) in [(&servers, "corp"), (&applications, "shop")] {
        side.post(party, "s", &piet.id).await.is(201);
    }
    service.check().await;
}

#[tokio::test]
async fn e1_what_names_nothing_is_named_beside_what_cannot_be_read() {
    let service = Service::start().await;
    let (servers, applications) = sides(&service).await;
    for side in [&servers, &applications] {
        let body = json!({ side.field: "nosuch", "subject": "", "user_id": "nope", "colour": 1 });
        let refused = side.client.post(&side.path, body).await.is(422);
        let due = [
            "/colour unknown",
            &*format!("/{} not-found", side.field),
            "/subject wrong-format",
            "/user_id not-found",
        ];
        let mut found = refused.violations();
        found.sort();
        let mut due = due.map(str::to_owned).to_vec();
        due.sort();
        assert_eq!(found, due);
        let somebody = "0192f3c1-5a00-7000-8000-000000000001";
        let body = json!({ side.field: "nosuch", "subject": "s", "user_id": somebody });
        let refused = side.client.post(&side.path, body).await.is(422);
        assert_eq!(refused.violations().len(), 2, "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_deleting_a_mapping_never_takes_another_one_along() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(
        "/api/v1/sso/applications",
        json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" }),
    )
    .await;
    let user = crm.create("/identity/users", person("jan")).await;
    let path = "/api/v1/sso/application-subjects";
    let body =
        |subject: &str| json!({ "application_id": "shop", "subject": subject, "user_id": user.id });
    for round in 0..20 {
        let first = crm.create(path, body(&format!("a{round}"))).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (crm, first) = (crm.clone(), first.path.clone());
            tasks.spawn(async move { crm.delete(&first).await.code() });
        }
        let second = loop {
            let made = crm.post(path, body(&format!("b{round}"))).await;
            match made.code() {
                201 => break made,
                409 => tokio::task::yield_now().await,
                other => panic!("{other}"),
            }
        };
        for code in tasks.join_all().await {
            assert!(code == 204 || code == 404, "{code}");
        }
        let location = second.header("location").unwrap().to_owned();
        crm.get(&location).await.is(200);
        assert!(service.check().await.problems.is_empty());
        crm.delete(&location).await.is(204);
    }
}
