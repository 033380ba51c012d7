//! A fault or a crash at each store call of what is done with passkeys: all of it happens or nothing,
//! and the person can do it again.

use shared::domain::people::MailKind;
use tests::{Answer, Authenticator, Browser, Fault, Faults, Service, Snapshot, TENANT};

use super::{ACCOUNT, ADD, ADD_OPTIONS, Home, OPTIONS, PASSKEY, REMOVE, SIGN_IN, facts_of};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Add,
    Remove,
    SignIn,
}

/// Jan's service, whose table is copied for each case, and Jan's authenticator.
struct Scene {
    home: Home,
    snapshot: Snapshot,
    authenticator: Authenticator,
}

impl Scene {
    async fn set() -> Self {
        let home = Home::with_password().await;
        let mut authenticator = Authenticator::new("ES256");
        home.add(&mut authenticator, "key").await;
        let snapshot = home.service.snapshot();
        Self { home, snapshot, authenticator }
    }

    /// Does it on a service, whose network fails in this way once the page is there.
    async fn act(
        &mut self,
        (service, browser): (&Service, &Browser),
        act: Act,
        arrange: impl FnOnce(&Faults),
    ) -> Answer {
        let path = if act == Act::SignIn { SIGN_IN } else { ACCOUNT };
        let page = browser.get(path).await.is(200);
        let ask = async |path| browser.call("POST", path).await.is(200).json();
        let id = self.home.passkeys().await[0].id.to_string();
        let (action, field, value) = match act {
            Act::Add => {
                (ADD, "credential", Authenticator::new("ES256").create(&ask(ADD_OPTIONS).await))
            }
            Act::Remove => (REMOVE, "id", id),
            Act::SignIn => (PASSKEY, "credential", self.authenticator.get(&ask(OPTIONS).await)),
        };
        // The form is gone if it was done before.
        let hidden = |name| page.forms.iter().find_map(|form| form.value(name)).unwrap_or_default();
        let fields = [
            ("state", hidden("state")),
            ("form_token", hidden("form_token")),
            ("name", "phone"),
            (field, &value),
        ];
        service.faults.reset();
        arrange(&service.faults);
        browser.call("POST", action).form(&fields).await
    }

    /// A copy of the service, and a browser at it: of Jan, or of nobody for a sign-in.
    fn copy(&self, act: Act) -> (Service, Browser) {
        let service = self.snapshot.start();
        let browser = match act {
            Act::SignIn => Browser::new(&service),
            _ => self.home.browser.copy().on(&service),
        };
        (service, browser)
    }

    async fn names(&self, service: &Service) -> Vec<String> {
        let facts = facts_of(service, &self.home.user.id).await;
        facts.into_iter().map(|passkey| passkey.name).collect()
    }

    async fn under(&mut self, act: Act, what: &str, arrange: impl FnOnce(&Faults)) {
        let (service, browser) = self.copy(act);
        let answer = self.act((&service, &browser), act, arrange).await;
        service.faults.reset();
        let what = format!("{act:?} under {what}");
        assert!(matches!(answer.code(), 303 | 503), "{what}: {} {}", answer.code(), answer.text());
        for word in ["DynamoDB", "TransactWriteItems", "Throttl"] {
            assert!(!answer.text().contains(word), "E2: {what}: {}", answer.text());
        }
        let done = answer.code() == 303;
        let before = self.names(&service).await;
        match act {
            Act::Add => {
                assert!(!done || before.contains(&"phone".to_owned()), "{what}: {before:?}");
            }
            Act::Remove => assert!(!done || before.is_empty(), "{what}: {before:?}"),
            Act::SignIn => assert_eq!(done, answer.headers.contains_key("set-cookie"), "{what}"),
        }
        service.check().await;
        let again = self.act((&service, &browser), act, |_| ()).await;
        assert_eq!(again.code(), 303, "{what}, again: {}", again.text());
        let after = self.names(&service).await;
        match act {
            Act::Add => assert!(after.contains(&"phone".to_owned()), "{what}: {after:?}"),
            Act::Remove => assert_eq!(after, [""; 0], "{what}"),
            Act::SignIn => assert_eq!(after, ["key"], "{what}"),
        }
        service.check().await;
    }
}

async fn at_each_call(act: Act) {
    let mut scene = Scene::set().await;
    let (service, browser) = scene.copy(act);
    let answer = scene.act((&service, &browser), act, |_| ()).await;
    assert_eq!(answer.code(), 303, "{act:?}: {}", answer.text());
    let calls = service.faults.operations().len();
    assert!(calls > 3, "{act:?} makes {calls} calls");
    for call in 0..calls {
        for fault in [Fault::ServerError, Fault::Lost, Fault::Conflict(0)] {
            let what = format!("{fault:?} at call {call}");
            scene.under(act, &what, |faults| faults.at(call, fault)).await;
        }
        let what = format!("a crash after the effect of call {call}");
        scene.under(act, &what, |faults| faults.crash_after(call)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn i3_adding_a_passkey_survives_each_fault() {
    at_each_call(Act::Add).await;
}

#[tokio::test(start_paused = true)]
async fn i3_removing_a_passkey_survives_each_fault() {
    at_each_call(Act::Remove).await;
}

#[tokio::test(start_paused = true)]
async fn i3_signing_in_with_a_passkey_survives_each_fault() {
    at_each_call(Act::SignIn).await;
}

#[tokio::test(start_paused = true)]
async fn i2_a_sign_in_that_was_written_behind_a_conflict_is_not_taken_for_a_copy() {
    let mut scene = Scene::set().await;
    let (service, browser) = scene.copy(Act::SignIn);
    // The answer is lost, and the repetition comes back as a conflict.
    let arrange = |faults: &Faults| {
        faults.next("TransactWriteItems", Fault::Lost);
        faults.next("TransactWriteItems", Fault::Conflict(0));
    };
    let answer = scene.act((&service, &browser), Act::SignIn, arrange).await.is(303);
    assert!(answer.headers.contains_key("set-cookie"));
    let (tenant, user) = (TENANT.parse().unwrap(), scene.home.user.id.parse().unwrap());
    let sessions = service.table.list_sessions(&tenant, user).await.unwrap();
    assert_eq!(sessions.len(), 2, "that of the browser of before, and one more");
    let mails = service.deliver_mails().await;
    assert!(mails.iter().all(|mail| mail.kind != MailKind::PasskeyCopied), "{mails:?}");
    service.check().await;
}
