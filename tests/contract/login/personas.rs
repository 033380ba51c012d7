//! The persona in which a person signs in.

use serde_json::{Value, json};
use tests::{Browser, PersonClient, Resource, Service};

use super::{PASSWORD, id_token, request, sign_in, start};

const ACTION: &str = "/idhub/login/persona";

async fn set() -> (Service, PersonClient, Resource, Vec<Resource>) {
    let (service, jan, client) = start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let mut personas = Vec::new();
    for scope in ["Antwerp", "Brussels"] {
        let persona = json!({ "name": "employee", "scope": [scope] });
        personas.push(crm.add_persona(&jan, persona).await);
    }
    (service, client, jan, personas)
}

fn persona(claims: &Value) -> Option<String> {
    claims.get("persona")?["id"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn g62_a_person_with_several_personas_chooses_one_and_the_session_remembers_it() {
    let (service, client, _, personas) = set().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await.is(200);
    assert!(page.url.starts_with("/idhub/oidc/v1/authorize?"), "{}", page.url);
    for shown in ["Antwerp", "Brussels", &personas[0].id, &personas[1].id] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let chosen = personas[1].id.as_str();
    let done = browser.submit_form(&page, ACTION, &[("persona", chosen)]).await;
    assert_eq!(persona(&id_token(&client, &done).await).as_deref(), Some(chosen));
    let silent = browser.get(&request(&client, &[("prompt", "none")])).await;
    assert_eq!(persona(&id_token(&client, &silent).await).as_deref(), Some(chosen));
}

#[tokio::test]
async fn g62_a_choice_after_some_minutes_is_remembered_too() {
    let (service, client, _, personas) = set().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await.is(200);
    // The request that brings the choice notes that the session is used, which changes its item.
    service.clock.advance(301);
    let chosen = personas[1].id.as_str();
    browser.submit_form(&page, ACTION, &[("persona", chosen)]).await.code();
    let silent = browser.get(&request(&client, &[("prompt", "none")])).await;
    assert_eq!(persona(&id_token(&client, &silent).await).as_deref(), Some(chosen));
}

#[tokio::test]
async fn g62_the_preferred_or_the_only_persona_is_taken_without_a_question() {
    let (service, client, jan, personas) = set().await;
    let crm = service.crm().await;
    let browser = Browser::new(&service);
    crm.act(&format!("{}/prefer", personas[0].path)).await.is(200);
    let page = sign_in(&browser, &client, &[]).await;
    let claims = id_token(&client, &page).await;
    assert_eq!(persona(&claims).as_deref(), Some(personas[0].id.as_str()));
    // The preferred persona is out of force: one is left.
    crm.act(&format!("{}/suspend", personas[0].path)).await.is(200);
    let page = browser.get(&request(&client, &[])).await;
    let claims = id_token(&client, &page).await;
    assert_eq!(persona(&claims).as_deref(), Some(personas[1].id.as_str()));
    crm.act(&format!("{}/suspend", personas[1].path)).await.is(200);
    let page = browser.get(&request(&client, &[])).await;
    assert_eq!(persona(&id_token(&client, &page).await), None);
    assert_eq!(crm.read(&jan.path).await["username"], "jan");
}

#[tokio::test]
async fn g62_a_persona_that_is_not_in_force_cannot_be_chosen() {
    let (service, client, _, personas) = set().await;
    let crm = service.crm().await;
    let third = {
        let eva = service.member("eva", PASSWORD).await;
        crm.add_persona(&eva, json!({ "name": "employee", "scope": ["Ghent"] })).await
    };
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await.is(200);
    for wrong in [third.id.as_str(), "x", ""] {
        let page = browser.submit_form(&page, ACTION, &[("persona", wrong)]).await.is(200);
        assert!(page.has_form(ACTION), "{wrong}");
    }
    crm.act(&format!("{}/suspend", personas[1].path)).await.is(200);
    let chosen = personas[1].id.as_str();
    let page = browser.submit_form(&page, ACTION, &[("persona", chosen)]).await;
    let claims = id_token(&client, &page).await;
    assert_eq!(persona(&claims).as_deref(), Some(personas[0].id.as_str()), "the one that is left");
}
