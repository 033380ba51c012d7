//! The account that a username names, and whether a password is its own. Accounts that do not exist
//! are read and verified like the others (rule G39).

use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::definition::Predefined;
use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::lookup::Lookup;
use shared::domain::people::PasskeyFacts;
use shared::domain::sso::Principal;
use shared::domain::text;
use shared::domain::user::{User, UserStatus};
use shared::domain::versioned::Versioned;
use shared::env::{Timestamp, uuid_at};
use shared::writing::{Account, AccountChange, AccountWriter};

use super::finish::{Authenticated, Used, is_linked, principal};
use crate::device::Device;
use crate::passkeys;
use crate::passwords::{self, Verified};
use crate::state::Proven;
use crate::visit::Visit;

/// What a username names, as the table has it.
pub(super) struct Candidate<'v> {
    visit: &'v Visit,
    tenant: &'v TenantId,
    /// The account; none if there is no such user.
    account: Option<Account>,
    /// The hash of its password; none if it has none.
    stored: Option<String>,
    principal: Option<Versioned<Principal>>,
}

/// What becomes of an attempt.
pub(super) enum Verdict {
    /// The username or the password is wrong, or the person may not sign in with it.
    Wrong,
    /// The password is right, and this user is blocked.
    Blocked(UserId),
    /// The password is right, temporary, and past its end.
    Over,
    /// The password is right, and the person has to choose another one first. The person has these
    /// passkeys.
    MustChange(Proven, Vec<PasskeyFacts>),
    /// The person may be signed in.
    Right(Box<Authenticated>),
}

/// A stored hash that the password fits, so that a repetition need not compute it again.
pub(super) struct VerifiedHash {
    hash: String,
    rehash: Option<String>,
}

impl<'v> Candidate<'v> {
    /// Reads what a username names. A username that nobody has costs the same reads: of a user that
    /// does not exist.
    pub(super) async fn find(
        visit: &'v Visit,
        tenant: &'v TenantId,
        username: &str,
    ) -> Result<Self> {
        let table = visit.app.table();
        let name = text::username(username).unwrap_or_default();
        let holder = table.holder_of(tenant, &[Lookup::unique("username", &name)]).await?;
        let user = holder.unwrap_or_else(|| UserId::new(uuid_at(Timestamp::from_millis(0))));
        let author = Author::account(tenant.clone(), user, None);
        let schema = visit.schema(tenant).await?;
        // The user is read before the password. A change of the password after that changes the
        // user too, and then the sign-in is not committed.
        let account = AccountWriter::new(&visit.app, &author, &schema).read(user).await?;
        let (stored, principal) =
            tokio::try_join!(table.find_password(tenant, user), principal(visit, tenant, user))?;
        let account = account.filter(|account| {
            account.user.value.comparable(Predefined::Username).as_deref() == Some(&*name)
        });
        Ok(Self { visit, tenant, account, stored, principal })
    }

    /// The browser, if the person has signed in in it before.
    pub(super) async fn known_device(&self) -> Result<Option<Device>> {
        let Some(account) = &self.account else { return Ok(None) };
        let Some(login) = &account.login else { return Ok(None) };
        let handle = &login.value.user_handle;
        Device::known(self.visit, self.tenant, &account.user.value, handle).await
    }

    /// Verifies a password by one computation of Argon2id, whether there is a hash or not.
    pub(super) async fn verify(
        self,
        password: &str,
        verified: &mut Option<VerifiedHash>,
    ) -> Result<Verdict> {
        let known = self.account.as_ref().and(self.stored.as_deref());
        let rehash = match verified {
            Some(before) if known == Some(&*before.hash) => before.rehash.clone(),
            _ => match passwords::verify(password, known, self.visit.app.env()).await? {
                Verified::No => return Ok(Verdict::Wrong),
                Verified::Yes { rehash } => {
                    let hash = known.unwrap_or_default().to_owned();
                    *verified = Some(VerifiedHash { hash, rehash: rehash.clone() });
                    rehash
                }
            },
        };
        self.judge(rehash).await
    }

    /// Decides about the right password.
    async fn judge(self, rehash: Option<String>) -> Result<Verdict> {
        let Self { visit, tenant, account, principal, .. } = self;
        let facts = |account: &Account| account.login.as_ref()?.value.password.clone();
        let Some((account, facts)) = account.and_then(|a| facts(&a).map(|facts| (a, facts))) else {
            return Ok(Verdict::Wrong);
        };
        if !is_linked(principal.as_ref()) {
            return Ok(Verdict::Wrong);
        }
        let (now, user) = (visit.app.env().clock.now(), account.user.value.id);
        if account.user.value.status == UserStatus::Blocked {
            return Ok(Verdict::Blocked(user));
        }
        if facts.is_over(now) {
            return Ok(Verdict::Over);
        }
        if facts.must_change {
            let (version, held) = (account.user.version().0, passkeys::held(&account).to_vec());
            return Ok(Verdict::MustChange(Proven { user, version, at: now, keep: false }, held));
        }
        let companions = match rehash {
            Some(phc) => vec![visit.app.table().password_write(tenant, user, &phc).await?],
            None => Vec::new(),
        };
        Ok(Verdict::Right(Box::new(Authenticated {
            account,
            principal,
            used: Used::Password,
            keep: false,
            companions,
            failures: 0,
        })))
    }
}

/// Records that a blocked person signed in, at most once a minute.
pub(crate) async fn record_blocked(visit: &Visit, tenant: &TenantId, user: UserId) -> Result<()> {
    let author = Author::account(tenant.clone(), user, None);
    let found = visit.app.table().find_user(tenant, user).await?;
    let schema = visit.app.schema_of(tenant, found.iter().map(|user| &user.value)).await?;
    let now = visit.app.env().clock.now();
    let seen = |account: &Account| {
        let user = &account.user.value;
        let seen = User { last_login_at: Some(now), ..user.clone() };
        Ok(user.is_login(now).then(|| AccountChange::default().user(seen)))
    };
    let writer = AccountWriter::new(&visit.app, &author, &schema);
    writer.change(user, Operation::UserSignIn, seen).await.map(|_| ())
}
