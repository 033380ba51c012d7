//! The sessions that people and administrators see and end (rule G24).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{Administrator, Helpdesk};
use shared::domain::people::{Browser, KeptClaims, Life, Session};
use tests::SignedIn;

use super::{House, ME, OWN, items, over};

fn ids(sessions: &[Value]) -> Vec<String> {
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn g24_people_see_where_they_are_signed_in() {
    let house = House::open().await;
    let (jan, first) = house.guest("jan").await;
    house.service.clock.advance(60);
    let session = Session {
        browser: Some(Browser {
            name: Some("Firefox".to_owned()),
            system: Some("Linux".to_owned()),
        }),
        network: Some("192.0.2.0/24".to_owned()),
        keep: true,
        ..Session::begin(house.service.table.env(), Life::SelfService, &["swk", "user"], Some("2"))
    };
    let sid = session.sid.clone();
    let cookie = house.service.give_this_session(&jan.id, session).await;
    let second = SignedIn { cookie, ..first.clone() };
    let (now, end) = ("2026-11-21T10:01:00.000Z", "2026-12-21T10:01:00.000Z");
    let sessions = house.sessions(&second).await;
    assert_eq!(
        sessions[0],
        json!({
            "id": sid, "created_at": now, "authenticated_at": now, "seen_at": now, "ends_at": end,
            "amr": ["swk", "user"], "acr": "2", "browser": "Firefox",
            "operating_system": "Linux", "network": "192.0.2.0/24", "current": true,
            "remembered": true,
        })
    );
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[1]["browser"], Value::Null);
    assert_eq!(sessions[1]["operating_system"], Value::Null);
    let current = |sessions: &[Value]| -> Vec<_> {
        sessions.iter().map(|session| session["current"].as_bool().unwrap()).collect()
    };
    assert_eq!(current(&sessions), [true, false]);
    assert_eq!(current(&house.sessions(&first).await), [false, true]);
    let seen = items(&house.admin.get(&jan.below("sessions")).await.is(200).json());
    assert_eq!(ids(&seen), ids(&sessions));
    assert_eq!(current(&seen), [false, false]);
    // No answer holds what is in the cookie.
    let secret = second.cookie.rsplit('.').next().unwrap();
    assert!(!json!(sessions).to_string().contains(secret));
}

#[tokio::test]
async fn g24_one_session_is_ended_by_its_person_or_by_an_administrator() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let lost = house.service.signed_in(&jan.id).await;
    let (els, _) = house.guest("els").await;
    let of_lost = || async { ids(&house.sessions(&lost).await) };
    let current = house.sessions(&lost).await;
    let current = current.iter().find(|session| session["current"] == true).unwrap();
    let id = current["id"].as_str().unwrap().to_owned();
    assert!(of_lost().await.contains(&id));
    // A session is not found at another person.
    house.admin.delete(&els.below(&format!("sessions/{id}"))).await.is(404);
    browser.delete(&format!("{OWN}/nothing")).await.is(404);
    browser.delete(&format!("{OWN}/{id}")).await.is(204);
    over(&lost).await;
    browser.delete(&format!("{OWN}/{id}")).await.is(404);
    assert_eq!(house.sessions(&browser).await.len(), 1);

    let id = ids(&house.sessions(&browser).await).remove(0);
    house.admin.delete(&jan.below(&format!("sessions/{id}"))).await.is(204);
    over(&browser).await;
    house.admin.delete(&jan.below(&format!("sessions/{id}"))).await.is(404);
    house.service.check().await;
}

#[tokio::test]
async fn g24_sessions_that_are_over_are_not_listed_and_not_ended() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let id = ids(&house.sessions(&browser).await).remove(0);
    house.service.clock.advance(8 * 86_400);
    let admin = house.admin().await;
    assert_eq!(admin.get(&jan.below("sessions")).await.is(200).json(), json!({ "items": [] }));
    admin.delete(&jan.below(&format!("sessions/{id}"))).await.is(404);
}

#[tokio::test]
async fn g24_nobody_ends_the_sessions_of_people_with_more_rights() {
    let house = House::open().await;
    let (boss, of_boss) = house.official("boss", Administrator).await;
    let (hugo, of_hugo) = house.official("hugo", Helpdesk).await;
    let (jan, of_jan) = house.guest("jan").await;
    let sessions = items(&of_hugo.get(&boss.below("sessions")).await.is(200).json());
    let one = boss.below(&format!("sessions/{}", ids(&sessions)[0]));
    for path in [boss.below("sessions"), one] {
        assert_eq!(of_hugo.delete(&path).await.is(403).slug(), "not-allowed");
    }
    of_boss.get(ME).await.is(200);
    of_hugo.delete(&jan.below("sessions")).await.is(204);
    over(&of_jan).await;
    // The own ones are the own, by whichever route.
    of_hugo.delete(&hugo.below("sessions")).await.is(204);
    over(&of_hugo).await;
}

#[tokio::test]
async fn claims_that_no_attribute_takes_are_shown_with_the_session_and_end_with_it() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let claims = BTreeMap::from([("shoe".to_owned(), json!({ "size": 43 }))]);
    let kept = KeptClaims { server: "corp".parse().unwrap(), claims };
    let env = house.service.table.env();
    let session =
        Session { claims: Some(kept), ..Session::begin(env, Life::SelfService, &[], None) };
    let cookie = house.service.give_this_session(&jan.id, session).await;
    let federated = SignedIn { cookie, ..browser.clone() };
    let due = json!({ "authentication_server_id": "corp", "claims": { "shoe": { "size": 43 } } });
    for list in [
        federated.get(OWN).await.is(200).json(),
        house.admin.get(&jan.below("sessions")).await.is(200).json(),
    ] {
        let with: Vec<_> =
            items(&list).into_iter().filter_map(|session| session.get("claims").cloned()).collect();
        assert_eq!(with, std::slice::from_ref(&due));
    }
    let me = federated.get(ME).await.is(200);
    assert!(!me.text().contains("shoe"));
    browser.delete(OWN).await.is(204);
    assert!(!json!(house.sessions(&browser).await).to_string().contains("shoe"));
}

#[tokio::test]
async fn g24_external_people_see_and_end_the_sessions_of_their_profile() {
    let house = House::open().await;
    let corp = house.service.issuer("corp", "predefined").await;
    let (jan, browser) = house.guest("jan").await;
    let external = corp.link(&jan.id, "jan").await;
    let sessions = items(&external.get(OWN).await.is(200).json());
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["current"], false);
    external.delete(OWN).await.is(204);
    over(&browser).await;
}
