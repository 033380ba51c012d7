//! The cost of a sign-in: the row "get-or-create of a system profile" of the architecture, in units
//! of the table and of the index.

use serde_json::{Value, json};
use tests::{Client, Issuer, Service, person};

use super::{by_base, service};

fn claims(name: &str) -> Value {
    json!({
        "email": format!("{name}@example.org"), "email_verified": true, "given_name": "Jan",
        "family_name": "Janssen", "preferred_username": name
    })
}

/// A service whose functions know the configuration, with the marks of its use.
async fn warm() -> (Service, Client, Issuer) {
    let service = service().await;
    service.end_audit().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    for system in ["shop", "fleet"] {
        idp.person("warm", claims("warm")).sign_in(system).await.is(201);
    }
    (service, crm, idp)
}

#[tokio::test]
async fn the_first_arrival_costs_three_and_twenty_and_one() {
    let (_, _, idp) = warm().await;
    let made = idp.person("1", claims("jan")).sign_in("shop").await.is(201);
    assert_eq!(
        made.cost(),
        (3.0, 20.0, 1.0),
        "user, username, address, two names, principal, profile, the look-ups of the last two, and \
         the check that the subject is not mapped"
    );
}

#[tokio::test]
async fn later_arrivals_cost_three_and_nothing_or_one_and_two_when_the_login_is_recorded() {
    let (service, _, idp) = warm().await;
    let jan = idp.person("1", claims("jan"));
    jan.sign_in("shop").await.is(201);
    assert_eq!(jan.sign_in("shop").await.is(200).cost(), (3.0, 0.0, 0.0));
    service.clock.advance(20);
    jan.sign_in("shop").await.is(200);
    service.clock.advance(9);
    assert_eq!(jan.sign_in("shop").await.is(200).cost(), (3.0, 0.0, 0.0));
    service.clock.advance(31);
    let later = idp.person("1", claims("jan"));
    // Half a minute later what is remembered is compared with the epochs: the configuration's and
    // the trust's.
    later.sign_in("fleet").await.is(201);
    service.clock.advance(20);
    later.sign_in("shop").await.is(200);
    service.clock.advance(9);
    later.sign_in("shop").await.is(200);
    let (read, write, index) = {
        service.clock.advance(31);
        let login = idp.person("1", claims("jan"));
        login.sign_in("nowhere").await.is(404);
        login.sign_in("shop").await.is(200).cost()
    };
    assert_eq!((read, write, index), (3.0, 1.0, 2.0));
}

#[tokio::test]
async fn another_system_costs_three_and_six() {
    let (_, _, idp) = warm().await;
    let jan = idp.person("1", claims("jan"));
    jan.sign_in("shop").await.is(201);
    assert_eq!(
        jan.sign_in("fleet").await.is(201).cost(),
        (3.0, 6.0, 0.0),
        "the profile, its look-up, and the check that the user lives"
    );
}

#[tokio::test]
async fn linking_a_user_whom_a_crm_made_costs_five_and_fourteen() {
    let (_, crm, idp) = warm().await;
    crm.create("/identity/users", person("jan")).await;
    let linked = idp.person("1", claims("jan")).sign_in("shop").await.is(201);
    assert_eq!(
        linked.cost(),
        (5.0, 14.0, 2.0),
        "user, principal, profile, two look-ups, and the checks of the address and of the mapping"
    );
    crm.get(&by_base("1", &idp.url)).await.is(200);
}
