//! What sign-ins cost, in the units that the table reports.

use tests::{Browser, PersonClient, Service};

use super::{PASSWORD, request, sign_in};

const SIGN_OUT: &str = "/idhub/account/sign-out";

async fn set() -> (Service, PersonClient) {
    let service = Service::start_unaudited().await;
    service.member("jan", PASSWORD).await;
    let client = service.person_client(|client| client.first_party = true).await;
    // The function knows its keys, the definitions and the client.
    service.clock.advance(60);
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    (service, client)
}

#[tokio::test]
async fn the_sign_in_page_costs_no_unit() {
    let (service, client) = set().await;
    let page = Browser::new(&service).get(&request(&client, &[])).await.is(200);
    assert_eq!(page.answer.cost(), (0.0, 0.0, 0.0));
}

#[tokio::test]
async fn a_sign_in_by_password_costs_seven_reads_and_eleven_writes() {
    let (service, client) = set().await;
    service.clock.advance(1);
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[]).await;
    // Read: username, user and facts, password, principal, failures of the network, sessions.
    // Write: the attempt, the code and the removal of the attempt, at one unit; in a transaction the
    // user, the facts, the session and a mail about the new device, at two units each. The listing
    // in the order of change moves.
    assert_eq!(page.answer.cost(), (7.0, 3.0 + 4.0 * 2.0, 2.0));
    browser.forget_session();
    service.clock.advance(1);
    let page = sign_in(&browser, &client, &[]).await;
    // A known device: no mail, and the network is not asked for; its counter and that of strangers
    // end.
    assert_eq!(page.answer.cost(), (6.0, 4.0 + 3.0 * 2.0, 2.0));
}

#[tokio::test]
async fn single_sign_on_costs_two_reads_and_a_write() {
    let (service, client) = set().await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    for prompt in ["", "none"] {
        let page = browser.get(&request(&client, &[("prompt", prompt)])).await;
        page.code();
        assert_eq!(page.answer.cost(), (2.0, 1.0, 0.0), "{prompt}");
    }
    // Once in five minutes the session notes that it is used.
    service.clock.advance(301);
    let page = browser.get(&request(&client, &[])).await;
    assert_eq!(page.answer.cost().1, 2.0);
}

#[tokio::test]
async fn a_consent_with_a_code_costs_three_reads_and_five_writes_and_its_entry_three_more() {
    let services = [Service::start_unaudited().await, Service::start().await];
    // Read: session, user, consent. Write: in a transaction the consent and the check that the user
    // is there, or the user, at two units each; the code. The entry has two units and one in the
    // index.
    for (service, writes) in services.into_iter().zip([(5.0, 0.0), (7.0, 1.0)]) {
        service.member("jan", PASSWORD).await;
        let client = service.person_client(|_| {}).await;
        let browser = service.browser_of("jan", PASSWORD).await;
        let page = browser.get(&request(&client, &[])).await.is(200);
        let allow = [("decision", "allow")];
        let page = browser.submit_form(&page, "/idhub/login/consent", &allow).await;
        page.code();
        assert_eq!(page.answer.cost(), (3.0, writes.0, writes.1));
    }
}

#[tokio::test]
async fn a_sign_out_costs_seven_reads_and_four_writes_and_its_entry_three_more() {
    let services = [Service::start_unaudited().await, Service::start().await];
    // Read: session and user, user and facts, the sessions, the names of refresh tokens twice.
    // Write: in a transaction the user and the session, at two units each. The entry has two units
    // and one in the index.
    for (service, writes) in services.into_iter().zip([(4.0, 0.0), (6.0, 1.0)]) {
        service.member("jan", PASSWORD).await;
        let browser = service.browser_of("jan", PASSWORD).await;
        let page = browser.get("/idhub/account").await.is(200);
        let token = page.form(SIGN_OUT).value("form_token").unwrap();
        let out = browser.call("POST", SIGN_OUT).form(&[("form_token", token)]).await.is(303);
        assert_eq!(out.cost(), (7.0, writes.0, writes.1));
    }
}
