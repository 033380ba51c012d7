//! What consents cost in capacity units.

use serde_json::json;
use tests::Service;

use super::{CHECK, Office};

#[tokio::test]
async fn co16_a_check_is_one_read_and_a_decision_four_writes() {
    let office = Office::on(Service::start_unaudited().await, json!({})).await;
    let yes = office.yes(1, json!({})).await;
    // The functions know the definitions.
    office.check(json!({})).await;
    office.withdraw().await.is(404);
    // A grant reads whether the definitions are still so. The first decision checks that the user is
    // there.
    let first = office.decide(yes.clone()).await.is(200);
    assert_eq!(first.cost(), (3.0, 6.0, 0.0));
    let question = json!({ "user": office.jan.id, "consent": "news", "purposes": ["letter"] });
    let check = office.crm.post(CHECK, question).await.is(200);
    assert_eq!(check.cost(), (1.0, 0.0, 0.0));
    let repeat = office.decide(yes.clone()).await.is(200);
    assert_eq!(repeat.cost(), (2.0, 0.0, 0.0));
    let withdrawn = office.withdraw().await.is(200);
    assert_eq!(withdrawn.cost(), (2.0, 4.0, 0.0));
    let again = office.decide(yes).await.is(200);
    assert_eq!(again.cost(), (3.0, 4.0, 0.0));
}

#[tokio::test]
async fn co16_a_grant_that_ends_has_an_index_entry() {
    let ends = json!({ "expires_after_days": 30 });
    let office = Office::on(Service::start_unaudited().await, ends).await;
    office.check(json!({})).await;
    let first = office.decide(office.yes(1, json!({})).await).await.is(200);
    assert_eq!(first.cost(), (3.0, 6.0, 1.0));
}

#[tokio::test]
async fn co16_a_bound_attribute_costs_a_read_for_each_audience() {
    let service = Service::start().await;
    let shoe = service.crm().await.define("shoe", json!({})).await;
    let purposes = json!({ "purposes": [super::uses("letter", &[&shoe.id])] });
    let office = Office::on(service, purposes).await;
    office.service.system("shop", &["points"]).await;
    let path = office.service.profile(&office.jan.id, "shop").await;
    let cost = async || {
        office.crm.get(&path).await.is(200);
        office.crm.get(&path).await.is(200).cost()
    };
    let before = cost().await;
    let bind = json!({ "consent": "news/letter" });
    office.crm.patch(&shoe.path, bind).if_match("*").await.is(200);
    office.service.clock.advance(31);
    office.agree(json!({})).await;
    let after = cost().await;
    assert_eq!((before, after), ((3.0, 0.0, 0.0), (5.0, 0.0, 0.0)));
}
