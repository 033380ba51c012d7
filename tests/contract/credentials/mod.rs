//! What people sign in with, at the table and the writer of accounts: sessions, passwords, links,
//! codes, attempts, administrators (rules G6 to G62 as far as they are rules of the store).

mod administrators;
mod attempts;
mod changing;
mod checking;
mod codes;
mod faults;
mod forgetting;
mod links;
mod outbox;
mod passwords;
mod races;
mod sessions;

use shared::app::App;
use shared::domain::audit::Operation;
use shared::domain::author::Author;
use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{ClientConsent, Life, Session, SessionCookie, SessionHash};
use shared::domain::schema::Schema;
use shared::domain::user::User;
use shared::domain::versioned::Versioned;
use shared::writing::{Account, AccountChange, AccountWriter};
use tests::{Client, Resource, Service, TENANT};

/// A password that the policy takes.
const PASSWORD: &str = "sunlight over a quiet harbour";

fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

/// A service with a user, and what writes its account.
#[derive(Clone)]
struct Home {
    service: Service,
    crm: Client,
    user: Resource,
    id: UserId,
}

impl Home {
    async fn start() -> Self {
        Self::of(Service::start().await).await
    }

    async fn of(service: Service) -> Self {
        let crm = service.crm().await;
        let user = crm.create("/identity/users", tests::person("jan")).await;
        let id = user.id.parse().unwrap();
        Self { service, crm, user, id }
    }

    /// The same at another service with the same table, or a copy of it.
    fn at(&self, service: &Service) -> Self {
        Self { service: service.clone(), crm: self.crm.on(service), ..self.clone() }
    }

    async fn schema(&self) -> Schema {
        self.service.table.schema(&tenant()).await.unwrap()
    }

    /// Does something with a writer of the user's account, as the person.
    async fn change(
        &self,
        operation: Operation,
        edit: impl FnMut(&Account) -> Result<Option<AccountChange>> + Send,
    ) -> Result<Option<Versioned<User>>> {
        let (app, schema) = (self.service.app(), self.service.table.schema(&tenant()).await?);
        let author = Author::account(tenant(), self.id, None);
        AccountWriter::new(&app, &author, &schema).change(self.id, operation, edit).await
    }

    /// Signs the person in as the login function does: the person must not be blocked.
    async fn sign_in(&self, replaced: Option<&SessionHash>) -> Result<Option<SessionCookie>> {
        let schema = self.service.table.schema(&tenant()).await?;
        self.sign_in_at(&self.service.app(), &schema, replaced).await
    }

    async fn sign_in_at(
        &self,
        app: &App,
        schema: &Schema,
        replaced: Option<&SessionHash>,
    ) -> Result<Option<SessionCookie>> {
        let author = Author::account(tenant(), self.id, None);
        let cookie = SessionCookie::new(tenant(), self.id, app.env());
        let session = Session::begin(app.env(), Life::SelfService, &["pwd"], Some("1"));
        let begin = |account: &Account| {
            let may = account.user.value.check_active().is_ok();
            Ok(may.then(|| (AccountChange::default(), session.clone())))
        };
        let writer = AccountWriter::new(app, &author, schema);
        Ok(writer.sign_in(self.id, &cookie, replaced, begin).await?.map(|_| cookie))
    }

    /// Ends the session with this id, as the person.
    async fn end_session(&self, sid: &str) -> Result<bool> {
        let (app, schema) = (self.service.app(), self.service.table.schema(&tenant()).await?);
        let author = Author::account(tenant(), self.id, None);
        AccountWriter::new(&app, &author, &schema).end_session(self.id, sid, |_, _| true).await
    }

    /// Lets the person grant scopes to the client.
    async fn grant_to_client(&self, scopes: &[&str]) -> Result<bool> {
        let (app, schema) = (self.service.app(), self.service.table.schema(&tenant()).await?);
        let author = Author::account(tenant(), self.id, None);
        let user = self.service.table.get_user(&tenant(), self.id).await?;
        let (client, now) = (self.crm.id.parse().unwrap(), self.service.clock.now());
        let consent = ClientConsent::extended(None, client, scopes, now);
        AccountWriter::new(&app, &author, &schema).grant_to_client(&user, &consent).await
    }

    /// Lets the person withdraw the access of the client.
    async fn withdraw_from_client(&self) -> Result<bool> {
        let (app, schema) = (self.service.app(), self.service.table.schema(&tenant()).await?);
        let author = Author::account(tenant(), self.id, None);
        let user = self.service.table.get_user(&tenant(), self.id).await?;
        let client = self.crm.id.parse().unwrap();
        AccountWriter::new(&app, &author, &schema).withdraw_from_client(&user, &client).await
    }

    /// Whether the session of a cookie is alive: it and its user are read.
    async fn is_alive(&self, cookie: &SessionCookie) -> bool {
        let table = &self.service.table;
        let session = table.read_session(&tenant(), self.id, &cookie.hash()).await.unwrap();
        let user = table.find_user(&tenant(), self.id).await.unwrap();
        let (Some(session), Some(user)) = (session, user) else { return false };
        session.value.is_alive(&user.value, Life::SelfService, self.service.clock.now())
    }

    async fn sessions(&self) -> Vec<(SessionHash, Versioned<Session>)> {
        self.service.table.list_sessions(&tenant(), self.id).await.unwrap()
    }

    /// How many sessions of the person are alive.
    async fn alive(&self) -> usize {
        let Some(user) = self.service.table.find_user(&tenant(), self.id).await.unwrap() else {
            return 0;
        };
        let now = self.service.clock.now();
        let sessions = self.sessions().await.into_iter();
        sessions.filter(|(_, s)| s.value.is_alive(&user.value, Life::SelfService, now)).count()
    }
}
