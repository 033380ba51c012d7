//! The audit: what each write leaves, what it must not hold, and how it ends (rules AU-01 to
//! AU-21).

mod children;
mod configuration;
mod daily;
mod forgetting;
mod history;
mod holding;
mod keys;
mod laundering;
mod limits;
mod races;
mod reading;
mod searching;
mod secrets;
mod seeing;
mod settings;
mod sources;
pub(crate) mod verifying;
mod watching;
mod writing;

use std::collections::BTreeSet;

use shared::domain::audit::{Chain, Detail, Entry, LedgerChain};
use shared::domain::id::{TenantId, UserId};
use shared::store::audit::StoredEntry;
use shared::store::keys::{Children, partition_of_ledger, partition_of_user};
use shared::store::table::Range;
use tests::{Service, TENANT};

pub const USERS: &str = "/identity/users";
pub const SETTINGS: &str = "/identity/config/audit";

/// An entry as the table has it, with its sealed part.
pub struct Kept {
    pub sequence: u64,
    pub entry: Entry,
    pub detail: Detail,
}

impl Kept {
    /// The name of what was done.
    pub fn operation(&self) -> String {
        self.entry.operation.to_string()
    }

    /// The pointers of what changed, in order.
    pub fn pointers(&self) -> Vec<String> {
        let mut pointers: Vec<_> =
            self.entry.changes.iter().map(|change| change.pointer.clone()).collect();
        pointers.sort();
        pointers
    }

    /// What changed at a pointer, as `<from> <to>` in JSON; `-` is no value.
    #[track_caller]
    pub fn values(&self, pointer: &str) -> String {
        let place = self.entry.changes.iter().position(|change| change.pointer == pointer);
        let place = place.unwrap_or_else(|| panic!("no {pointer}: {:?}", self.pointers()));
        let text = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        let value = &self.detail.values[place];
        format!("{} {}", text(&value.from), text(&value.to))
    }
}

pub fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

/// The entries of a user, oldest first.
pub async fn entries(service: &Service, user: &str) -> Vec<Kept> {
    let user: UserId = user.parse().unwrap();
    let range = Range::StartsWith(Children::AuditEntries.prefix());
    read(service, &partition_of_user(&tenant(), user), range, Chain::User(user)).await
}

/// The entries of a chain of the ledger, oldest first.
pub async fn ledger(service: &Service, chain: LedgerChain) -> Vec<Kept> {
    let start = format!("{chain}#");
    let range = Range::StartsWith(&start);
    read(service, &partition_of_ledger(&tenant()), range, Chain::Ledger(chain)).await
}

/// The entries of all chains of the ledger in which reads are told.
pub async fn reads(service: &Service) -> Vec<Kept> {
    let mut found = Vec::new();
    for chain in LedgerChain::all().filter(|chain| matches!(chain, LedgerChain::Reads(_))) {
        found.extend(ledger(service, chain).await);
    }
    found
}

async fn read(service: &Service, partition: &str, range: Range<'_>, chain: Chain) -> Vec<Kept> {
    let key = service.table.audit_key().await.unwrap();
    let items = service.table.query_all(partition, range).await.unwrap();
    let read = |item| {
        let stored = StoredEntry::read(item).expect("an entry");
        assert!(stored.is_authentic(key, &tenant(), chain), "{chain} {}", stored.sequence.0);
        let detail = stored.open(key, &tenant(), chain).expect("a sealed part");
        Kept { sequence: stored.sequence.0, entry: stored.entry.unwrap(), detail }
    };
    items.iter().map(read).collect()
}

/// Asserts that each version of a user has exactly one entry, and that each is linked to the one
/// before.
#[track_caller]
pub fn complete<'a>(service: &'a Service, user: &'a str) -> impl Future<Output = Vec<Kept>> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let entries = entries(service, user).await;
        let sequences: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
        let version = service.version_of(user).await;
        assert_eq!(sequences, (1..=version).collect::<Vec<_>>(), "{at}");
        for pair in entries.windows(2) {
            let previous = pair[1].entry.previous.as_ref().expect("a link");
            assert_eq!(previous.sequence.0, pair[0].sequence, "{at}");
        }
        entries
    }
}

/// Asserts that each version of each user has its entry.
pub async fn all_complete(service: &Service) {
    for user in everybody(service).await {
        complete(service, &user).await;
    }
}

/// All users of the tenant who are there.
pub async fn everybody(service: &Service) -> BTreeSet<String> {
    let crm = service.crm().await;
    let (mut found, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = crm.read(&format!("{USERS}?limit=100{cursor}")).await;
        for item in page["items"].as_array().unwrap() {
            found.insert(item["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}
