//! Being forgotten, and coming back (rules D7 and D9).

use serde_json::json;
use tests::{Fault, profiles};

use super::{base_id, by_base, one, service, told};

#[tokio::test]
async fn d9_forgotten_in_one_system_the_person_comes_back_on_the_same_base_with_a_new_id() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({ "given_name": "Jan" }));
    let (shop, fleet) = (jan.sign_in("shop").await.created(), jan.sign_in("fleet").await.created());
    let user = crm.read(&by_base("1", &idp.url)).await;
    jan.call("DELETE", &shop.path).await.is(204);
    assert_eq!(told(&crm.get(&shop.path).await), (404, "not-found".to_owned()));
    crm.get(&fleet.path).await.is(200);
    let again = jan.sign_in("shop").await.created();
    assert_ne!(again.id, shop.id);
    crm.get(&shop.path).await.is(404);
    assert_eq!(crm.read(&by_base("1", &idp.url)).await["id"], user["id"]);
    service.check().await;
}

#[tokio::test]
async fn d9_forgotten_everywhere_the_person_comes_back_as_somebody_new_and_the_old_ids_are_gone_for_ever()
 {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "email").await;
    let claims = json!({
        "given_name": "Wilhelmina", "email": "mina@example.org", "email_verified": true,
        "preferred_username": "mina"
    });
    let mina = idp.person("subject-of-mina", claims);
    let shop = mina.sign_in("shop").await.created();
    let fleet = mina.sign_in("fleet").await.created();
    let user = crm.read(&by_base("subject-of-mina", &idp.url)).await;
    let old = format!("/identity/users/{}", user["id"].as_str().unwrap());
    crm.delete(&by_base("subject-of-mina", &idp.url)).await.is(204);
    let items = service.items().await.concat();
    for plaintext in [
        "Wilhelmina",
        "wilhelmina",
        "mina@example.org",
        "subject-of-mina",
        &base_id("subject-of-mina", &idp.url),
        &shop.id,
        &fleet.id,
    ] {
        assert!(!items.contains(plaintext), "D7: {plaintext}");
    }
    let gone = [
        old.as_str(),
        shop.path.as_str(),
        fleet.path.as_str(),
        &by_base("subject-of-mina", &idp.url),
    ];
    for path in gone {
        crm.get(path).await.is(404);
    }
    let back = mina.sign_in("shop").await.created();
    assert_ne!(back.id, shop.id);
    let new = crm.read(&by_base("subject-of-mina", &idp.url)).await;
    assert_ne!(new["id"], user["id"], "the base profile id resolves to the new user");
    assert_eq!(one(&crm, json!({ "username": "mina" })).await["id"], new["id"]);
    for path in [old.as_str(), shop.path.as_str(), fleet.path.as_str()] {
        crm.get(path).await.is(404);
    }
    // Nor does the tombstone's end bring them back.
    service.clock.advance(91 * 24 * 3600);
    for path in [old.as_str(), shop.path.as_str(), fleet.path.as_str()] {
        let crm = service.crm().await;
        crm.get(path).await.is(404);
    }
    service.check().await;
}

#[tokio::test(start_paused = true)]
async fn d7_an_interrupted_forget_is_completed_by_the_next_sign_in() {
    for call in 1.. {
        let service = service().await;
        let crm = service.crm().await;
        let idp = service.issuer("idp", "email").await;
        let claims = json!({
            "given_name": "Wilhelmina", "email": "mina@example.org", "email_verified": true
        });
        let mina = idp.person("1", claims);
        mina.sign_in("shop").await.is(201);
        mina.sign_in("fleet").await.is(201);
        let user = crm.read(&by_base("1", &idp.url)).await;
        let path = format!("/identity/users/{}", user["id"].as_str().unwrap());
        crm.get(&path).await.is(200);
        service.faults.reset();
        service.faults.from(call, Fault::Unreachable);
        let forgotten = crm.delete(&path).await.code();
        service.faults.reset();
        let gone = crm.get(&path).await.code() == 404;
        let met = mina.sign_in("shop").await;
        let now = crm.read(&by_base("1", &idp.url)).await;
        if gone {
            met.is(201);
            assert_ne!(now["id"], user["id"]);
            // Of the old user only a tombstone remains, which at the very end is not filed yet.
            let items = service.items().await;
            // The ledger tells of the erasure.
            let elsewhere = items.iter().filter(|item| !item.contains("#AU\")"));
            let old = elsewhere.filter(|item| item.contains(user["id"].as_str().unwrap()));
            assert!(
                old.clone().all(|item| item.contains("PROFILE") && item.contains("deleted_at")),
                "call {call}: {old:?}"
            );
            service.sweep().await;
            assert_eq!(service.check().await.unfinished, 0, "call {call}");
        } else {
            met.is(200);
            assert_eq!(now["id"], user["id"]);
        }
        service.check().await;
        if forgotten == 204 {
            assert!(call > 3, "the forget has that many calls");
            return;
        }
    }
}

#[tokio::test]
async fn d7_a_repeat_with_the_key_shows_nothing_of_a_profile_that_was_forgotten() {
    let service = service().await;
    let crm = service.crm().await;
    let idp = service.issuer("idp", "predefined").await;
    let jan = idp.person("1", json!({ "given_name": "Jan" }));
    let made = jan.sign_in("shop").key("k").await.created();
    crm.delete(&made.path).await.is(204);
    assert_eq!(told(&jan.sign_in("shop").key("k").await), (404, "not-found".to_owned()));
    let again = jan.sign_in("shop").key("l").await.created();
    crm.delete(&by_base("1", &idp.url)).await.is(204);
    assert_eq!(told(&jan.sign_in("shop").key("l").await), (404, "not-found".to_owned()));
    crm.get(&again.path).await.is(404);
    assert_eq!(profiles("shop"), made.path.rsplit_once('/').unwrap().0);
}
