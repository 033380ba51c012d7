//! Faults at every store call of what writes accounts (rules I2, I3).

use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::{LinkKind, LinkToken, PasswordFacts, SetBy};
use shared::store::people::use_link;
use shared::writing::{Account, AccountChange};
use tests::{Fault, Faults, Snapshot};

use super::{Home, PASSWORD, tenant};

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    SignIn,
    EndOne,
    EndAll,
    ResetByLink,
    RemoveCredentials,
    Consent,
    Withdraw,
    Forget,
}

const ACTS: [Act; 8] = [
    Act::SignIn,
    Act::EndOne,
    Act::EndAll,
    Act::ResetByLink,
    Act::RemoveCredentials,
    Act::Consent,
    Act::Withdraw,
    Act::Forget,
];

/// A person with credentials, in a table that is copied for each case.
struct Stage {
    home: Home,
    token: LinkToken,
    /// The id of the person's session.
    sid: String,
    snapshot: Snapshot,
}

impl Stage {
    async fn set(act: Act) -> Self {
        let home = Home::start().await;
        let user = &home.user.id;
        home.service.give_password(user, PASSWORD).await;
        home.service.give_passkey(user, "phone").await;
        home.service.give_session(user).await;
        home.service.give_family(user, &home.crm.id, "family").await;
        let token = home.service.give_link(user, LinkKind::Reset).await;
        if act == Act::Withdraw {
            home.service.give_client_consent(user, &home.crm.id, &["openid"]).await;
        }
        let sid = home.sessions().await[0].1.value.sid.clone();
        let snapshot = home.service.snapshot();
        Self { home, token, sid, snapshot }
    }

    /// The person in a copy of the table, with warm caches.
    async fn fork(&self) -> Home {
        let home = self.home.at(&self.snapshot.start());
        home.service.table.audit_key().await.unwrap();
        home.service.table.login_key(shared::store::keys::LoginKey::Seal).await.unwrap();
        home.crm.get(&home.user.path).await.is(200);
        home
    }

    /// Does it; whether the service says that it is done.
    async fn act(&self, act: Act, home: &Home) -> Result<bool> {
        let (table, now) = (&home.service.table, home.service.clock.now());
        match act {
            Act::SignIn => Ok(home.sign_in(None).await?.is_some()),
            Act::EndOne => home.end_session(&self.sid).await,
            Act::EndAll => {
                let end = |_: &Account| Ok(Some(AccountChange::default().sign_out()));
                Ok(home.change(Operation::UserSessionsEnd, end).await?.is_some())
            }
            Act::ResetByLink => {
                let Some(link) = table.find_link(&self.token).await? else { return Ok(true) };
                let put = table.password_write(&tenant(), home.id, "$argon2id$new").await?;
                let change = |account: &Account| {
                    let mut facts = account.facts(&table.env().random);
                    facts.password = Some(PasswordFacts::lasting(SetBy::Myself, now));
                    let writes = use_link(&self.token, &link).into_iter().chain([put.clone()]);
                    Ok(Some(AccountChange::default().login(facts).writes(writes).sign_out()))
                };
                Ok(home.change(Operation::UserPasswordReset, change).await?.is_some())
            }
            Act::RemoveCredentials => {
                let change = |account: &Account| {
                    let mut facts = account.facts(&table.env().random);
                    let gone: Vec<_> = facts
                        .passkeys
                        .drain(..)
                        .map(|passkey| {
                            shared::store::people::delete_passkey(&tenant(), &passkey.id, home.id)
                        })
                        .collect();
                    facts.password = None;
                    let password = shared::store::people::delete_password(&tenant(), home.id);
                    let writes = gone.into_iter().chain([password]);
                    Ok(Some(AccountChange::default().login(facts).writes(writes)))
                };
                Ok(home.change(Operation::UserPasskeyRemove, change).await?.is_some())
            }
            Act::Consent => home.grant_to_client(&["openid"]).await,
            Act::Withdraw => home.withdraw_from_client().await,
            Act::Forget => match home.crm.delete(&home.user.path).await.code() {
                204 => Ok(true),
                503 => Err(Error::Unavailable(String::new())),
                other => panic!("{other}"),
            },
        }
    }

    /// How many store calls it makes without faults.
    async fn calls(&self, act: Act) -> usize {
        let home = self.fork().await;
        home.service.faults.reset();
        assert!(self.act(act, &home).await.unwrap(), "{act:?}");
        let calls = home.service.faults.seen().len();
        assert!(self.happened(act, &home).await, "{act:?}");
        home.service.check().await;
        calls
    }

    /// Does it in a copy of the table, under faults. Gives the copy, and what the service says.
    async fn under(&self, act: Act, arrange: impl FnOnce(&Faults)) -> (Home, Result<bool>) {
        let home = self.fork().await;
        home.service.faults.reset();
        arrange(&home.service.faults);
        let done = self.act(act, &home).await;
        home.service.faults.reset();
        (home, done)
    }

    /// Whether it happened, as the table tells.
    async fn happened(&self, act: Act, home: &Home) -> bool {
        let table = &home.service.table;
        let facts = table.login_facts(&tenant(), home.id).await.unwrap();
        let client = home.crm.id.parse().unwrap();
        let consent = table.find_client_consent(&tenant(), home.id, &client).await.unwrap();
        match act {
            Act::SignIn => home.sessions().await.len() == 2,
            Act::EndOne => home.sessions().await.is_empty(),
            Act::EndAll => home.alive().await == 0,
            Act::ResetByLink => {
                let password = table.find_password(&tenant(), home.id).await.unwrap();
                let reset = password.as_deref() == Some("$argon2id$new");
                assert_eq!(table.find_link(&self.token).await.unwrap().is_none(), reset);
                assert_eq!(home.alive().await == 0, reset);
                reset
            }
            Act::RemoveCredentials => !facts.unwrap().value.has_credential(),
            Act::Consent => consent.is_some(),
            Act::Withdraw => {
                let families = table.family_names(&tenant(), home.id).await.unwrap();
                consent.is_none() && families.is_empty()
            }
            Act::Forget => table.find_user(&tenant(), home.id).await.unwrap().is_none(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i2_i3_accounts_survive_each_fault_at_each_store_call() {
    for act in ACTS {
        let stage = Stage::set(act).await;
        for call in 0..stage.calls(act).await {
            for fault in Fault::of_call(call) {
                let what = format!("{act:?} under {fault:?} at call {call}");
                let (home, done) = stage.under(act, |faults| faults.at(call, fault)).await;
                let happened = stage.happened(act, &home).await;
                match done {
                    Ok(done) => assert!(done && happened, "{what}"),
                    Err(Error::Unavailable(_)) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
                home.service.check().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i3_accounts_survive_a_crash_at_each_store_call() {
    for act in ACTS {
        let stage = Stage::set(act).await;
        for call in 0..stage.calls(act).await {
            for after in [false, true] {
                let what = format!("{act:?}, a crash at call {call}, after it: {after}");
                let crash = |faults: &Faults| {
                    if after {
                        faults.crash_after(call);
                    } else {
                        faults.from(call, Fault::Unreachable);
                    }
                };
                let (home, done) = stage.under(act, crash).await;
                assert!(done.is_err_and(|error| error.is_temporary()), "{what}");
                home.service.check().await;
                if act == Act::Forget {
                    home.service.sweep().await;
                    assert_eq!(home.service.check().await.unfinished, 0, "{what}");
                }
            }
        }
    }
}
