//! Faults of the table at each store call of a sign-in: the person is signed in or sees a page that
//! says to try again, and the table is in order (rules I2, I3).

use tests::{Browser, Fault, Page, PersonClient, Resource, Service, Snapshot};

use super::{PASSWORD, WRONG, request, session_of, sessions, start};

/// A service in which a browser shows the sign-in page, to be copied for each case.
struct Stage {
    snapshot: Snapshot,
    jan: Resource,
    client: PersonClient,
    browser: Browser,
    page: Page,
}

/// A copy of it.
struct Scene {
    service: Service,
    client: PersonClient,
    browser: Browser,
    page: Page,
}

impl Stage {
    async fn set(again: bool) -> Self {
        let (service, jan, client) = start().await;
        let browser = Browser::new(&service);
        if again {
            // Not the first sign-in: nothing is bound, a device is known, a session is replaced.
            let page = browser.get(&request(&client, &[])).await.is(200);
            browser.enter(&page, "jan", PASSWORD).await.code();
        }
        let page = browser.get(&request(&client, &[("prompt", "login")])).await.is(200);
        Self { snapshot: service.snapshot(), jan, client, browser, page }
    }

    fn scene(&self) -> Scene {
        let service = self.snapshot.start();
        Scene {
            client: self.client.on(&service),
            browser: self.browser.copy().on(&service),
            page: self.page.clone(),
            service,
        }
    }

    /// How many store calls a sign-in makes without faults.
    async fn calls(&self, password: &str) -> usize {
        let scene = self.scene();
        scene.service.faults.reset();
        scene.sign_in(password).await;
        scene.service.faults.operations().len()
    }

    async fn under(&self, what: &str, arrange: impl Fn(&Service)) {
        let scene = self.scene();
        scene.service.faults.reset();
        arrange(&scene.service);
        let page = scene.sign_in(PASSWORD).await;
        scene.service.faults.reset();
        let status = page.answer.code();
        assert!(matches!(status, 303 | 503), "{what}: {status} {}", page.text());
        if status == 503 {
            assert!(page.answer.header("retry-after").is_some(), "{what}");
            assert!(page.text().contains("<h1"), "{what}: a page");
            for word in ["DynamoDB", "Transact", "Throttl"] {
                assert!(!page.text().contains(word), "{what}: {}", page.text());
            }
        }
        scene.service.check().await;
        if status == 303 {
            assert!(session_of(&scene.service, &scene.browser).await.is_some(), "{what}");
            scene.client.exchange(&page.code()).await.is(200);
        }
        // A repeat of the form succeeds.
        scene.service.clock.advance(2);
        let page = scene.sign_in(PASSWORD).await;
        scene.client.exchange(&page.code()).await.is(200);
        scene.service.check().await;
    }
}

impl Scene {
    async fn sign_in(&self, password: &str) -> Page {
        self.browser.enter(&self.page, "jan", password).await
    }
}

/// The faults of a call that is answered.
fn faults_of(call: usize) -> impl Iterator<Item = Fault> {
    Fault::of_call(call).into_iter().filter(|fault| !matches!(fault, Fault::Silent))
}

async fn each_fault_at_each_call(again: bool) {
    let stage = Stage::set(again).await;
    let calls = stage.calls(PASSWORD).await;
    assert!(calls > 5, "{calls}");
    for call in 0..calls {
        for fault in faults_of(call) {
            let what = format!("{fault:?} at call {call}");
            stage.under(&what, |service| service.faults.at(call, fault.clone())).await;
        }
    }
}

async fn a_crash_at_each_call(again: bool) {
    let stage = Stage::set(again).await;
    for call in 0..stage.calls(PASSWORD).await {
        let what = format!("a crash before call {call}");
        stage.under(&what, |service| service.faults.from(call, Fault::Unreachable)).await;
        let what = format!("a crash after call {call}");
        stage.under(&what, |service| service.faults.crash_after(call)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn i3_the_first_sign_in_survives_each_fault_at_each_store_call() {
    each_fault_at_each_call(false).await;
}

#[tokio::test(start_paused = true)]
async fn i3_a_later_sign_in_survives_each_fault_at_each_store_call() {
    each_fault_at_each_call(true).await;
}

#[tokio::test(start_paused = true)]
async fn i3_the_first_sign_in_survives_a_crash_at_each_store_call() {
    a_crash_at_each_call(false).await;
}

#[tokio::test(start_paused = true)]
async fn i3_a_later_sign_in_survives_a_crash_at_each_store_call() {
    a_crash_at_each_call(true).await;
}

#[tokio::test(start_paused = true)]
async fn i2_a_sign_in_that_was_written_behind_a_conflict_begins_one_session() {
    for again in [false, true] {
        let stage = Stage::set(again).await;
        let scene = stage.scene();
        scene.service.faults.reset();
        // The answer is lost, and the repetition comes back as a conflict.
        scene.service.faults.next("TransactWriteItems", Fault::Lost);
        scene.service.faults.next("TransactWriteItems", Fault::Conflict(0));
        let page = scene.sign_in(PASSWORD).await;
        scene.client.exchange(&page.code()).await.is(200);
        assert!(session_of(&scene.service, &scene.browser).await.is_some());
        assert_eq!(sessions(&scene.service, &stage.jan).await, 1);
        scene.service.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn i3_a_fault_signs_nobody_in_with_a_wrong_password() {
    let stage = Stage::set(false).await;
    for call in 0..stage.calls(WRONG).await {
        for fault in faults_of(call) {
            let scene = stage.scene();
            scene.service.faults.reset();
            scene.service.faults.at(call, fault.clone());
            let page = scene.sign_in(WRONG).await;
            assert!(matches!(page.answer.code(), 422 | 503), "{fault:?} at {call}");
            assert_eq!(scene.browser.cookie("session"), None);
        }
    }
}
