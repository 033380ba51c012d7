//! Faults at every store call of what writes accounts (rules I2, I3).

use shared::domain::audit::Operation;
use shared::domain::error::{Error, Result};
use shared::domain::people::{LinkKind, LinkToken, PasswordFacts, SetBy};
use shared::store::people::use_link;
use shared::writing::{Account, AccountChange};
use tests::{Fault, Snapshot};

use super::{Home, PASSWORD, tenant};

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    SignIn,
    EndAll,
    ResetByLink,
    RemoveCredentials,
    Consent,
    Withdraw,
    Forget,
}

const ACTS: [Act; 7] = [
    Act::SignIn,
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
        let snapshot = home.service.snapshot();
        Self { home, token, snapshot }
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
            Act::Consent => {
                let client = home.crm.id.parse().unwrap();
                let consent =
                    shared::domain::people::ClientConsent::extended(None, client, &["openid"], now);
                table.put_client_consent(&tenant(), home.id, &consent).await.map(|()| true)
            }
            Act::Withdraw => {
                let client = home.crm.id.parse().unwrap();
                table.delete_client_consent(&tenant(), home.id, &client).await
            }
            Act::Forget => match home.crm.delete(&home.user.path).await.code() {
                204 => Ok(true),
                503 => Err(Error::Unavailable(String::new())),
                other => panic!("{other}"),
            },
        }
    }

    /// Whether it happened, as the table tells.
    async fn happened(&self, act: Act, home: &Home) -> bool {
        let table = &home.service.table;
        let facts = table.login_facts(&tenant(), home.id).await.unwrap();
        let client = home.crm.id.parse().unwrap();
        let consent = table.find_client_consent(&tenant(), home.id, &client).await.unwrap();
        match act {
            Act::SignIn => home.sessions().await.len() == 2,
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

/// The faults of one call, as the tests of all writes have them.
fn faults_of(call: usize) -> [Fault; 5] {
    let even = call.is_multiple_of(2);
    [
        if even { Fault::Unreachable } else { Fault::ServerError },
        if even { Fault::Lost } else { Fault::LostServerError },
        Fault::Silent,
        if even { Fault::Throttled } else { Fault::ThrottledMember(0) },
        Fault::Conflict(0),
    ]
}

#[tokio::test(start_paused = true)]
async fn i2_i3_accounts_survive_each_fault_at_each_store_call() {
    for act in ACTS {
        let stage = Stage::set(act).await;
        let home = stage.fork().await;
        home.service.faults.reset();
        assert!(stage.act(act, &home).await.unwrap(), "{act:?}");
        let calls = home.service.faults.seen().len();
        assert!(stage.happened(act, &home).await, "{act:?}");
        home.service.check().await;
        for call in 0..calls {
            for fault in faults_of(call) {
                let what = format!("{act:?} under {fault:?} at call {call}");
                let home = stage.fork().await;
                home.service.faults.reset();
                home.service.faults.at(call, fault);
                let done = stage.act(act, &home).await;
                home.service.faults.reset();
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
        let home = stage.fork().await;
        home.service.faults.reset();
        assert!(stage.act(act, &home).await.unwrap(), "{act:?}");
        let calls = home.service.faults.seen().len();
        for call in 0..calls {
            for after in [false, true] {
                let what = format!("{act:?}, a crash at call {call}, after it: {after}");
                let home = stage.fork().await;
                home.service.faults.reset();
                if after {
                    home.service.faults.at(call, Fault::Lost);
                }
                home.service.faults.from(call + usize::from(after), Fault::Unreachable);
                let done = stage.act(act, &home).await;
                home.service.faults.reset();
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
