//! The effect of token claims on a profile.

use serde_json::{Value, json};
use tests::{Client, Issuer, Service, base64url};

use super::{by_base, service};

/// A mapping of the default claims and some more.
fn mapping(more: Value) -> Value {
    let due = json!({ "given_name": "given_name", "family_name": "family_name", "email": "preferred_email",
        "email_verified": "email_verified", "locale": "ui_locales", "preferred_username": "username" });
    json!({ "claims": tests::with(due, more) })
}

async fn later(service: &Service, idp: &Issuer, claims: Value) {
    service.clock.advance(61);
    idp.person("1", claims).sign_in("shop").await.is(200);
}

async fn jan(crm: &Client, idp: &Issuer) -> Value {
    crm.read(&by_base("1", &idp.url)).await
}

#[tokio::test]
async fn a_refresh_takes_the_providers_newer_values_and_leaves_what_it_does_not_name() {
    let service = service().await;
    let crm = service.crm().await;
    crm.define("department", json!({})).await;
    crm.define("levels", json!({ "data_format": "NUMERIC" })).await;
    let idp = service
        .issuer_with("idp", mapping(json!({ "dep": "common.department", "lvl": "common.levels" })))
        .await;
    let claims = json!({
        "given_name": "Jan", "family_name": "Janssen", "dep": "Sales", "lvl": [1, "2"],
        "preferred_username": "jan"
    });
    idp.person("1", claims).sign_in("shop").await.is(201);
    assert_eq!(
        jan(&crm, &idp).await["attributes"],
        json!({ "common": { "department": ["Sales"], "levels": ["1", "2"] } })
    );
    later(
        &service,
        &idp,
        json!({
            "given_name": "Johan", "dep": ["Sales", "Support"], "preferred_username": "other"
        }),
    )
    .await;
    let after = jan(&crm, &idp).await;
    assert_eq!(
        (after["given_name"].as_str(), after["family_name"].as_str()),
        (Some("Johan"), Some("Janssen"))
    );
    assert_eq!(after["attributes"]["common"]["department"], json!(["Sales", "Support"]));
    assert_eq!(after["username"], "jan", "a username is chosen once");
    service.check().await;
}

#[tokio::test]
async fn a_claim_that_does_not_fit_is_dropped_and_stands_in_nobodys_way() {
    let service = service().await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "unique": true, "single_value": true })).await;
    crm.define("level", json!({ "data_format": "NUMERIC" })).await;
    let more =
        json!({ "badge": "common.badge", "level": "common.level", "number": "id_at_customer" });
    let idp = service.issuer_with("idp", mapping(more)).await;
    let taken = json!({
        "username": "els", "id_at_customer": "C-1", "attributes": { "common": { "badge": ["b"] } }
    });
    crm.create("/identity/users", taken).await;
    let claims = json!({ "given_name": 7, "family_name": "\u{7}", "locale": "not a tag", "email": "nowhere",
        "badge": "b", "level": "high", "number": "C-1", "email_verified": true });
    idp.person("1", claims).sign_in("shop").await.is(201);
    let made = jan(&crm, &idp).await;
    for name in ["given_name", "family_name", "ui_locales", "preferred_email", "id_at_customer"] {
        assert_eq!(made[name], Value::Null, "{name}");
    }
    assert_eq!(
        (made["attributes"].clone(), made["email_verified"].clone()),
        (json!({}), json!(false))
    );
    // The next login stores claims whose value is free, and drops those whose value is taken.
    later(&service, &idp, json!({ "badge": "b", "number": "C-2", "given_name": "Jan" })).await;
    assert_eq!(jan(&crm, &idp).await["given_name"], "Jan");
    later(&service, &idp, json!({ "badge": "c", "number": "C-2" })).await;
    let after = jan(&crm, &idp).await;
    assert_eq!(
        (after["id_at_customer"].as_str(), &after["attributes"]["common"]["badge"]),
        (Some("C-2"), &json!(["c"]))
    );
    service.check().await;
}

#[tokio::test]
async fn a_value_that_an_administrator_or_client_wrote_stays_when_the_definition_says_override() {
    let service = service().await;
    let crm = service.crm().await;
    crm.define("kept", json!({ "override": true })).await;
    crm.define("moved", json!({})).await;
    let idp = service
        .issuer_with("idp", mapping(json!({ "kept": "common.kept", "moved": "common.moved" })))
        .await;
    idp.person("1", json!({ "kept": "a", "moved": "a" })).sign_in("shop").await.is(201);
    later(&service, &idp, json!({ "kept": "b", "moved": "b" })).await;
    assert_eq!(
        jan(&crm, &idp).await["attributes"]["common"],
        json!({ "kept": ["b"], "moved": ["b"] }),
        "the provider's own value moves"
    );
    let written = json!({ "attributes": { "common": { "kept": ["here"], "moved": ["here"] } } });
    crm.patch(&by_base("1", &idp.url), written).if_match("*").await.is(200);
    later(&service, &idp, json!({ "kept": "c", "moved": "c" })).await;
    assert_eq!(
        jan(&crm, &idp).await["attributes"]["common"],
        json!({ "kept": ["here"], "moved": ["c"] })
    );
    // A value that was removed has no source any more.
    crm.patch(&by_base("1", &idp.url), json!({ "attributes": { "common": { "kept": [] } } }))
        .if_match("*")
        .await
        .is(200);
    later(&service, &idp, json!({ "kept": "d" })).await;
    assert_eq!(jan(&crm, &idp).await["attributes"]["common"]["kept"], json!(["d"]));
    // The same for predefined attributes.
    let definitions =
        crm.get("/identity/config/attribute-definitions?name=given_name").await.is(200).json();
    let definition = format!(
        "/identity/config/attribute-definitions/{}",
        definitions["items"][0]["id"].as_str().unwrap()
    );
    crm.patch(&definition, json!({ "override": true })).if_match("*").await.is(200);
    crm.patch(&by_base("1", &idp.url), json!({ "given_name": "Written" }))
        .if_match("*")
        .await
        .is(200);
    later(&service, &idp, json!({ "given_name": "Claimed", "family_name": "Claimed" })).await;
    let after = jan(&crm, &idp).await;
    assert_eq!(
        (after["given_name"].as_str(), after["family_name"].as_str()),
        (Some("Written"), Some("Claimed"))
    );
    service.check().await;
}

#[tokio::test]
async fn among_providers_the_one_with_the_lowest_priority_number_wins() {
    let service = service().await;
    let crm = service.crm().await;
    let first =
        service.issuer_with("first", json!({ "subject_type": "email", "priority": 1 })).await;
    let second =
        service.issuer_with("second", json!({ "subject_type": "email", "priority": 2 })).await;
    let equal =
        service.issuer_with("equal", json!({ "subject_type": "email", "priority": 2 })).await;
    let claims = |name: &str| {
        json!({
            "email": "jan@example.org", "email_verified": true, "given_name": name
        })
    };
    let given = async || {
        crm.read(&by_base("1", &first.url)).await["given_name"].as_str().unwrap().to_owned()
    };
    first
        .person("1", json!({ "email": "jan@example.org", "email_verified": true }))
        .sign_in("shop")
        .await
        .is(201);
    for (idp, name, wins) in [
        (&second, "two", true),
        (&equal, "equal", true),
        (&second, "two", true),
        (&first, "one", true),
        (&second, "two", false),
    ] {
        let before = crm.read(&by_base("1", &first.url)).await["given_name"].clone();
        later(&service, idp, claims(name)).await;
        assert_eq!(given().await == name, wins, "{name} after {before}");
    }
    // A provider that is gone holds nothing back.
    crm.delete("/api/v1/sso/authentication-servers/first").await.is(409);
    service.check().await;
}

#[tokio::test]
async fn a3_what_needs_an_approval_or_is_derived_is_not_fed_by_claims() {
    let service = service().await;
    let crm = service.crm().await;
    let guarded = crm.define("rank", json!({})).await;
    let idp = service.issuer_with("idp", mapping(json!({ "rank": "common.rank" }))).await;
    idp.person("1", json!({ "rank": "private" })).sign_in("shop").await.is(201);
    let policy =
        json!({ "approval_policy": { "statements": [{ "client_scope": "administrator" }] } });
    crm.patch(&guarded.path, policy).if_match("*").await.is(200);
    later(&service, &idp, json!({ "rank": "general" })).await;
    assert_eq!(jan(&crm, &idp).await["attributes"]["common"]["rank"], json!(["private"]));
}

#[tokio::test]
async fn a4_derived_attributes_follow_the_claims() {
    let service = service().await;
    let crm = service.crm().await;
    let script = "function main(workItem) { var p = workItem.input.value; workItem.output = \
                  tb.simpleResponse({ fullname: [p.given_name + ' ' + p.family_name] }); }";
    let workflow = crm
        .create("/identity/config/workflows", json!({ "name": "names", "script": script }))
        .await;
    crm.define("fullname", json!({ "derived": { "workflow_id": workflow.id } })).await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("1", json!({ "given_name": "Jan", "family_name": "Janssen" }))
        .sign_in("shop")
        .await
        .is(201);
    assert_eq!(jan(&crm, &idp).await["attributes"]["common"]["fullname"], json!(["Jan Janssen"]));
    later(&service, &idp, json!({ "given_name": "Johan" })).await;
    assert_eq!(jan(&crm, &idp).await["attributes"]["common"]["fullname"], json!(["Johan Janssen"]));
}

#[tokio::test]
async fn a_changed_address_is_verified_only_if_the_token_says_so() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("1", json!({ "email": "a@example.org", "email_verified": true }))
        .sign_in("shop")
        .await
        .is(201);
    later(&service, &idp, json!({ "email": "A@example.org" })).await;
    let address = |user: &Value| {
        (
            user["preferred_email"].as_str().unwrap().to_owned(),
            user["email_verified"].as_bool().unwrap(),
        )
    };
    assert_eq!(
        address(&jan(&crm, &idp).await),
        ("A@example.org".to_owned(), true),
        "the same address"
    );
    later(&service, &idp, json!({ "email": "b@example.org" })).await;
    assert_eq!(address(&jan(&crm, &idp).await), ("b@example.org".to_owned(), false));
    later(&service, &idp, json!({ "email": "b@example.org", "email_verified": true })).await;
    assert_eq!(address(&jan(&crm, &idp).await), ("b@example.org".to_owned(), true));
    service.check().await;
}

#[tokio::test]
async fn p1_numbers_in_claims_keep_their_digits() {
    let service = service().await;
    let crm = service.crm().await;
    crm.define("number", json!({ "data_format": "NUMERIC" })).await;
    let idp = service.issuer_with("idp", mapping(json!({ "n": "common.number" }))).await;
    for (sent, stored) in [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1234567890123456789", "0.1234567890123456789"),
    ] {
        let now = service.now();
        let claims = format!(
            r#"{{"iss":"{}","sub":"s{sent}","aud":"kith","tenant":"acme","iat":{now},"exp":{},"n":{sent}}}"#,
            idp.url,
            now + 300
        );
        let content = format!(
            "{}.{}",
            base64url(json!({ "alg": "ES256", "kid": idp.key.kid }).to_string()),
            base64url(claims)
        );
        let token = format!("{content}.{}", base64url(idp.key.sign(content.as_bytes())));
        service.call("POST", &tests::profiles("shop")).token(&token).await.is(201);
        let user = crm.read(&by_base(&format!("s{sent}"), &idp.url)).await;
        assert_eq!(user["attributes"]["common"]["number"], json!([stored]));
    }
}

#[tokio::test]
async fn a_workflow_that_fails_keeps_nobody_out_and_what_it_derives_stays_as_it_was() {
    let service = service().await;
    let crm = service.crm().await;
    let script = "function main(w) { var p = w.input.value; if (p.given_name === 'Boom') { throw \
                  new Error('hidden words'); } w.output = tb.simpleResponse({ greeting: ['Hello ' \
                  + p.given_name] }); }";
    let workflow = crm
        .create("/identity/config/workflows", json!({ "name": "greet", "script": script }))
        .await;
    crm.define("greeting", json!({ "derived": { "workflow_id": workflow.id } })).await;
    let idp = service.issuer("idp", "predefined").await;
    idp.person("2", json!({ "given_name": "Boom" })).sign_in("shop").await.is(201);
    idp.person("1", json!({ "given_name": "Jan" })).sign_in("shop").await.is(201);
    later(&service, &idp, json!({ "given_name": "Boom" })).await;
    let after = jan(&crm, &idp).await;
    assert_eq!(
        (after["given_name"].as_str(), &after["attributes"]["common"]["greeting"]),
        (Some("Boom"), &json!(["Hello Jan"]))
    );
    later(&service, &idp, json!({ "given_name": "Johan" })).await;
    assert_eq!(jan(&crm, &idp).await["attributes"]["common"]["greeting"], json!(["Hello Johan"]));
    service.check().await;
}
