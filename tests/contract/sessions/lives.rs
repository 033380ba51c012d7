//! How long sessions live (rule G21).

use serde_json::json;
use shared::domain::definition::BuiltInPersona::{Administrator, Auditor, Helpdesk};
use shared::domain::people::SEEN_SECONDS;

use super::{House, ME, USERS, over};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn g21_a_session_ends_after_7_days_without_use() {
    let house = House::open().await;
    let (_, browser) = house.guest("jan").await;
    house.service.clock.advance(7 * DAY - 1);
    browser.get(ME).await.is(200);
    house.service.clock.advance(7 * DAY - 1);
    browser.get(ME).await.is(200);
    house.service.clock.advance(7 * DAY);
    over(&browser).await;
}

#[tokio::test]
async fn g21_a_session_ends_after_30_days_however_much_it_is_used() {
    let house = House::open().await;
    let (_, browser) = house.guest("jan").await;
    for _ in 0..5 {
        house.service.clock.advance(6 * DAY - 1);
        browser.get(ME).await.is(200);
    }
    house.service.clock.advance(4);
    browser.get(ME).await.is(200);
    house.service.clock.advance(1);
    over(&browser).await;
}

#[tokio::test]
async fn g21_with_any_right_a_session_rests_30_minutes_and_lasts_12_hours() {
    let house = House::open().await;
    for (name, rights) in [("boss", Administrator), ("hugo", Helpdesk), ("otto", Auditor)] {
        let (_, idle) = house.official(name, rights).await;
        house.service.clock.advance(30 * MINUTE - 1);
        idle.get(ME).await.is(200);
        house.service.clock.advance(30 * MINUTE);
        over(&idle).await;

        let (_, busy) = house.official(&format!("{name}-2"), rights).await;
        for _ in 0..36 {
            house.service.clock.advance(20 * MINUTE - 1);
            busy.get(USERS).await.is(200);
        }
        house.service.clock.advance(35);
        busy.get(USERS).await.is(200);
        house.service.clock.advance(1);
        over(&busy).await;
    }
}

#[tokio::test]
async fn g21_who_gets_a_right_has_the_shorter_life_at_once() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    house.service.clock.advance(13 * HOUR);
    browser.get(ME).await.is(200);
    let admin = house.admin().await;
    let persona = admin.add_persona(&jan, json!({ "name": "auditor" })).await;
    over(&browser).await;
    // And who loses it has the longer one.
    let tag = admin.tag_of(&persona.path).await;
    admin.act(&format!("{}/suspend", persona.path)).if_match(&tag).await.is(200);
    browser.get(ME).await.is(200);
}

#[tokio::test]
async fn g21_the_use_of_a_session_is_noted_each_five_minutes() {
    let house = House::open().await;
    let (_, browser) = house.guest("jan").await;
    browser.get(ME).await.is(200);
    house.service.clock.advance(SEEN_SECONDS - 1);
    // The session and its user.
    assert_eq!(browser.get(ME).await.is(200).units.write, 0.0);
    house.service.clock.advance(1);
    // The function's memory of the configuration is older than half a minute.
    assert!(browser.get(ME).await.is(200).units.write > 0.0);
    let again = browser.get(ME).await.is(200);
    assert_eq!(again.cost(), (2.0, 0.0, 0.0));
    let seen = house.sessions(&browser).await[0]["seen_at"].clone();
    assert_eq!(seen, json!(house.service.clock.now().to_string()));
}
