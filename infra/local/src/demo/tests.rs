//! The administrator of the demonstration and its link.

use shared::domain::audit::Operation;
use shared::domain::people::{LoginFacts, PasswordFacts, SetBy};
use shared::env::Env;
use shared::fetch::Fetcher;
use shared::writing::{Account, AccountChange, AccountWriter};

use super::*;
use crate::serve::{own_state, scripts};
use crate::table::open_local;

const URL: &str = "http://localhost:3000";

struct Place {
    folder: PathBuf,
    app: App,
    tenant: TenantId,
}

impl Place {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kith-demo-{}-{name}", std::process::id()));
        let table = open_local(None, Env::default()).await.unwrap();
        let app = own_state(&table, URL, &scripts().unwrap(), &Fetcher::default());
        Self { folder, app, tenant: TENANT.parse().unwrap() }
    }

    /// Starts the demonstration; gives the link of its administrator.
    async fn start(&self) -> Option<String> {
        Box::pin(prepare(&self.app, &self.folder, URL)).await.unwrap().invitation
    }

    async fn lives(&self, link: &str) -> bool {
        let token: LinkToken = link.split_once('#').unwrap().1.parse().unwrap();
        self.app.table().find_link(&token).await.unwrap().is_some()
    }

    /// Changes the account of the administrator.
    async fn change(&self, edit: impl Fn(&Account) -> AccountChange + Send + Sync) {
        let found = people::find(self.app.table(), &self.tenant, ADMINISTRATOR).await.unwrap();
        let schema = self.app.schema_now(&self.tenant).await.unwrap();
        let author = Author::service(self.tenant.clone(), Reason::Operator);
        let writer = AccountWriter::new(&self.app, &author, &schema);
        let change = |account: &Account| Ok(Some(edit(account)));
        let changed = writer.change(found.unwrap().value.id, Operation::UserChange, change).await;
        changed.unwrap().unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn g63_each_start_gives_a_new_link_until_the_administrator_has_a_password() {
    let place = Place::new("links").await;
    let first = place.start().await.unwrap();
    assert!(first.starts_with(&format!("{URL}/idhub/login/link#acme.")), "{first}");
    let second = place.start().await.unwrap();
    assert!(!place.lives(&first).await && place.lives(&second).await);
    let now = place.app.env().clock.now();
    let password = Some(PasswordFacts::lasting(SetBy::Myself, now));
    place
        .change(|account| {
            let facts = account.facts(&place.app.env().random);
            AccountChange::default().login(LoginFacts { password: password.clone(), ..facts })
        })
        .await;
    assert_eq!(place.start().await, None);
    assert!(place.lives(&second).await, "nothing has used it");
}

#[tokio::test]
async fn g63_a_user_who_is_no_administrator_does_not_become_one_by_a_start() {
    let place = Place::new("demoted").await;
    place.start().await.unwrap();
    place
        .change(|account| {
            let mut user = account.user.value.clone();
            user.personas.clear();
            AccountChange::default().user(user)
        })
        .await;
    assert_eq!(place.start().await, None);
    let found = people::find(place.app.table(), &place.tenant, ADMINISTRATOR).await.unwrap();
    assert!(found.unwrap().value.personas.is_empty());
}
