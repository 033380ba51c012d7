//! What people sign in with, put into the table as the login function puts it, without a page.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use shared::domain::audit::Operation;
use shared::domain::author::{Author, Reason};
use shared::domain::id::{ClientId, TenantId, UserId};
use shared::domain::people::{
    ClientConsent, FamilyName, Life, Link, LinkKind, LinkToken, LoginFacts, Passkey, PasskeyFacts,
    PasswordFacts, SecretHash, Session, SessionCookie, SetBy,
};
use shared::store::people::{link_writes, put_family_name, put_passkey};
use shared::store::users::check_exists;
use shared::store::{Condition, Item, Key, Write};
use shared::writing::{Account, AccountChange, AccountCommit, AccountWriter};

use crate::service::{Service, TENANT};

/// Hashes that were made: each costs the time of an Argon2id.
static HASHES: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

impl Service {
    /// Gives a user this password, set by the person.
    pub async fn give_password(&self, user: &str, password: &str) {
        let now = self.clock.now();
        self.give_password_as(user, password, PasswordFacts::lasting(SetBy::Myself, now)).await;
    }

    /// Gives a user this password, with what is known of it.
    pub async fn give_password_as(&self, user: &str, password: &str, facts: PasswordFacts) {
        let (tenant, id) = (tenant(), id(user));
        let write = self.table.password_write(&tenant, id, &phc(password)).await;
        let write = write.expect("a sealed password");
        self.change_account(user, vec![write], |login| login.password = Some(facts.clone())).await;
    }

    /// Gives a user a passkey with a random public key: its id.
    pub async fn give_passkey(&self, user: &str, name: &str) -> SecretHash {
        let env = self.table.env();
        let credential = env.random.bytes::<32>();
        let (hash, now) = (SecretHash::of(&credential), env.clock.now());
        let passkey = Passkey {
            user: id(user),
            user_handle: URL_SAFE_NO_PAD.encode(env.random.bytes::<32>()),
            credential_id: URL_SAFE_NO_PAD.encode(credential),
            algorithm: -7,
            public_key: URL_SAFE_NO_PAD.encode(env.random.bytes::<77>()),
            counter: 0,
            backup_eligible: false,
            backed_up: false,
            created_at: now,
        };
        let facts = PasskeyFacts {
            id: hash.clone(),
            name: name.to_owned(),
            created_at: now,
            last_used_at: None,
            backed_up: false,
        };
        let write = put_passkey(&tenant(), &hash, &passkey);
        self.change_account(user, vec![write], |login| login.passkeys.push(facts.clone())).await;
        hash
    }

    /// Changes what is known of a user's credentials, with further writes.
    pub async fn change_account(
        &self,
        user: &str,
        writes: Vec<Write>,
        mut edit: impl FnMut(&mut LoginFacts) + Send,
    ) {
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::service(tenant(), Reason::Operator);
        let writer = AccountWriter::new(&app, &author, &schema);
        let change = |account: &Account| {
            let mut facts = account.facts(&self.table.env().random);
            edit(&mut facts);
            Ok(Some(AccountChange::default().login(facts).writes(writes.clone())))
        };
        let changed = writer.change(id(user), Operation::UserPasswordSet, change).await;
        changed.expect("a change").expect("a user");
    }

    /// Signs a user in by password: the value of the session's cookie.
    pub async fn give_session(&self, user: &str) -> String {
        self.give_session_as(user, Life::SelfService).await
    }

    /// The same for a session of this life.
    pub async fn give_session_as(&self, user: &str, life: Life) -> String {
        let session = Session::begin(self.table.env(), life, &["pwd"], Some("1"));
        self.give_this_session(user, session).await
    }

    /// Signs a user in with this session: the value of its cookie.
    pub async fn give_this_session(&self, user: &str, session: Session) -> String {
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::account(tenant(), id(user), None);
        let cookie = SessionCookie::new(tenant(), id(user), self.table.env());
        let writer = AccountWriter::new(&app, &author, &schema);
        let begin = |_: &Account| Ok(Some((AccountChange::default(), session.clone())));
        let signed_in = writer.sign_in(id(user), &cookie, None, begin).await;
        signed_in.expect("a sign-in").expect("a session");
        cookie.to_string()
    }

    /// Lets a user authenticate again in the browser with this cookie: the value of the next one;
    /// `None` if the session has ended.
    pub async fn renew_session(&self, cookie: &str) -> Option<String> {
        let cookie: SessionCookie = cookie.parse().expect("a cookie");
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::account(tenant(), cookie.user, None);
        let (env, replaced) = (self.table.env(), cookie.hash());
        let next = SessionCookie::new(tenant(), cookie.user, env);
        loop {
            let writer = AccountWriter::new(&app, &author, &schema);
            let account = writer.read(cookie.user).await.expect("a read").expect("a user");
            let before = self.table.read_session(&tenant(), cookie.user, &replaced).await;
            let before = before.expect("a read")?.value;
            let session = Session::begin(env, Life::SelfService, &["pwd"], Some("1"));
            let session = before.renewed(session);
            let begun = writer.begin_session(&account.user, &next, session, Some(&replaced)).await;
            let change = AccountChange::default().begin(begun.expect("a session"));
            let put = writer.commit(account, change, Operation::UserSignIn).await;
            if matches!(put.expect("a commit"), AccountCommit::Written(_)) {
                return Some(next.to_string());
            }
        }
    }

    /// Puts a session of a user that no sign-in of now has begun: the user stays as it is but for its
    /// version.
    pub async fn put_session(&self, user: &str, session: Session) -> SessionCookie {
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::account(tenant(), id(user), None);
        let cookie = SessionCookie::new(tenant(), id(user), self.table.env());
        let writer = AccountWriter::new(&app, &author, &schema);
        let account = writer.read(id(user)).await.expect("a read").expect("a user");
        let begun = writer.begin_session(&account.user, &cookie, session, None).await;
        let change = AccountChange::default().begin(begun.expect("a session"));
        let put = writer.commit(account, change, Operation::UserSignIn).await.expect("a commit");
        assert!(matches!(put, AccountCommit::Written(_)), "somebody else wrote the user");
        cookie
    }

    /// Gives a client a family of refresh tokens of a user, of which the table holds the names.
    pub async fn give_family(&self, user: &str, client: &str, family: &str) {
        let now = self.clock.now();
        let client = client.parse().expect("a client's id");
        let ends_at = now.plus_seconds(3600);
        let name = FamilyName { client, sid: "sid".to_owned(), created_at: now, ends_at };
        let item = Item::at(&Key::refresh_family(family)).expiring(ends_at).logged();
        let (tenant, user) = (tenant(), id(user));
        let writes = vec![
            Write::Put(item, Condition::Absent),
            put_family_name(&tenant, user, family, &name),
            check_exists(&tenant, user),
        ];
        self.table.commit(writes).await.expect("a family");
    }

    /// Gives a user a one-time link, as the mailer makes it.
    pub async fn give_link(&self, user: &str, kind: LinkKind) -> LinkToken {
        let (tenant, user, env) = (tenant(), id(user), self.table.env());
        let token = LinkToken::new(&tenant, &env.random);
        let ends_at = env.clock.now().plus_seconds(kind.seconds());
        let link = Link { user, kind, address: None, ends_at };
        let previous = self.table.link_name(&tenant, user, kind).await.expect("a read");
        let mut writes = link_writes(&token, &link, previous.as_ref());
        writes.push(check_exists(&tenant, user));
        self.table.commit(writes).await.expect("a link");
        token
    }

    /// Lets a user grant scopes to a client.
    pub async fn give_client_consent(&self, user: &str, client: &str, scopes: &[&str]) {
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::account(tenant(), id(user), None);
        let stored = self.table.get_user(&tenant(), id(user)).await.expect("a user");
        let client: ClientId = client.parse().expect("a client's id");
        let consent = ClientConsent::extended(None, client, scopes, self.clock.now());
        let writer = AccountWriter::new(&app, &author, &schema);
        writer.grant_to_client(&stored, &consent).await.expect("a consent");
    }

    /// Lets a user withdraw the access of a client; whether the client had any.
    pub async fn withdraw_from_client(&self, user: &str, client: &str) -> bool {
        let (app, schema) = (self.app(), self.table.schema(&tenant()).await.expect("a schema"));
        let author = Author::account(tenant(), id(user), None);
        let stored = self.table.get_user(&tenant(), id(user)).await.expect("a user");
        let client: ClientId = client.parse().expect("a client's id");
        let writer = AccountWriter::new(&app, &author, &schema);
        writer.withdraw_from_client(&stored, &client).await.expect("a withdrawal")
    }
}

/// The hash of a password in the form in which the login function makes it.
fn phc(password: &str) -> String {
    let mut made = HASHES.lock().unwrap_or_else(PoisonError::into_inner);
    let hash = || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let (salt, mut hash) = ([7; 16], [0; 32]);
        argon2.hash_password_into(password.as_bytes(), &salt, &mut hash).expect("a hash");
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}")
    };
    made.entry(password.to_owned()).or_insert_with(hash).clone()
}

fn tenant() -> TenantId {
    TENANT.parse().expect("a tenant's name")
}

fn id(user: &str) -> UserId {
    user.parse().expect("a user's id")
}
