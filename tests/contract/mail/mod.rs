//! Mails to people: what the outbox holds, what goes out, and what an operator does (rules G37,
//! G38, G40, G44, G47, G51, G63, G71, G72, G73).

mod bounces;
mod crashes;
mod delivering;
mod emergencies;
mod invitations;
mod limits;
mod links;
mod messages;
mod passwords;
mod ses;

use serde_json::json;
use shared::domain::id::{TenantId, UserId};
use shared::domain::lookup::ValueHash;
use shared::domain::people::{Mail, MailKind, Recipient};
use shared::domain::text;
use shared::env::Timestamp;
use tests::{Client, MailSeen, Postbox, Resource, Service, TENANT, person};

fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

/// The hash of an address, as mails have it.
fn hash_of(address: &str) -> String {
    ValueHash::of(&text::stored_email(address).unwrap()).to_string()
}

/// A service with a person, whose mails are looked at.
#[derive(Clone)]
struct Post {
    service: Service,
    crm: Client,
    jan: Resource,
    id: UserId,
}

impl Post {
    async fn open() -> Self {
        let service = Service::start().await;
        let crm = service.crm().await;
        let jan = crm.create("/identity/users", person("jan")).await;
        let id = jan.id.parse().unwrap();
        Self { service, crm, jan, id }
    }

    /// The same at another service with a copy of the table.
    fn at(&self, service: &Service) -> Self {
        Self { service: service.clone(), crm: self.crm.on(service), ..self.clone() }
    }

    /// A mail to the person.
    fn mail(&self, kind: MailKind) -> Mail {
        Mail::new(kind, tenant(), Recipient::User(self.id), self.service.clock.now())
    }

    async fn put(&self, mail: &Mail) {
        self.service.table.put_mail(mail).await.unwrap();
    }

    /// Puts a mail to the person into the outbox, and sends what is due.
    async fn send(&self, kind: MailKind) -> Vec<MailSeen> {
        self.put(&self.mail(kind)).await;
        self.service.deliver_mails().await
    }

    /// Changes fields of the person.
    async fn change(&self, fields: serde_json::Value) {
        self.crm.patch(&self.jan.path, fields).if_match("*").await.is(200);
    }

    /// Changes the address of the person.
    async fn move_to(&self, address: &str) {
        self.change(json!({ "preferred_email": address })).await;
    }

    /// Sends what is due by this way.
    async fn deliver(&self, way: &Postbox) -> mailer::Deliveries {
        let end = Timestamp::from_millis(i64::MAX);
        self.service.mailer(way.clone()).deliver_due(end).await.unwrap()
    }

    /// How many mails wait, due or not.
    async fn waiting(&self) -> usize {
        let mut waiting = 0;
        for shard in 0..4 {
            let end = Timestamp::from_millis(i64::MAX);
            waiting += self.service.table.mails(shard, end).await.unwrap().len();
        }
        waiting
    }
}
