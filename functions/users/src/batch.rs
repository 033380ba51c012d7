//! `POST /identity/users/batch-get`: the users who are named. The parts that the batch route of
//! system profiles shares are here too.

use std::collections::{HashMap, HashSet};

use shared::domain::Json;
use shared::domain::error::{Code, Error, Result, Violations};
use shared::domain::field::Fields;
use shared::domain::id::{UserId, UserName};
use shared::domain::json::Object;
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::MAX_PAGE_BYTES;
use shared::object;
use shared::store::users::StoredUser;

/// The most ids of one call.
pub const MAX_IDS: usize = 100;
/// The longest id, in bytes.
pub(crate) const MAX_ID: usize = 256;
/// How many users or profiles are read at once.
pub(crate) const BATCH: usize = 25;

/// Answers with the users who are named, in that order.
pub(crate) async fn get(mut call: Call) -> HandlerResult {
    let ids = ids(call.take_body())?;
    let (tenant, table) = (&call.caller.tenant, call.app.table());
    let names: HashSet<UserName> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let holders = table.resolve_all(tenant, &names).await?;
    let mut batch = BatchAnswer::new("users");
    for ids in ids.chunks(BATCH) {
        let named =
            |id: &String| id.parse().ok().and_then(|name: UserName| holders.get(&name).copied());
        let wanted: HashSet<UserId> = ids.iter().filter_map(named).collect();
        let found = table.find_users(tenant, &wanted.into_iter().collect::<Vec<_>>()).await?;
        let schema = call.app.schema_of(tenant, found.iter().map(|user| &user.value)).await?;
        let found: HashMap<UserId, &StoredUser> =
            found.iter().map(|user| (user.value.id, user)).collect();
        for id in ids {
            let user = named(id).and_then(|user| found.get(&user));
            batch.take(id, user.map(|user| user.tag().with(user.value.show(&schema))))?;
        }
    }
    Ok(Answer::content(batch.show()))
}

fn ids(body: Json) -> Result<Vec<String>> {
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let ids = fields.required_texts("ids", MAX_IDS, MAX_ID).unwrap_or_default();
    fields.finish();
    violations.check(ids)
}

/// The answer to a request for several ids: the items found, and the ids not found.
pub(crate) struct BatchAnswer {
    instead: &'static str,
    items: Vec<Json>,
    missing: Vec<String>,
    bytes: usize,
}

impl BatchAnswer {
    /// An empty one; `instead` says what the ids name, and what else a caller may do who asks for
    /// too much.
    #[must_use]
    pub(crate) const fn new(instead: &'static str) -> Self {
        Self { instead, items: Vec::new(), missing: Vec::new(), bytes: 0 }
    }

    /// Adds the resource of an id to the answer. If an answer grows too large, the request is
    /// refused and the error says how many resources fit. No resource is omitted silently.
    pub(crate) fn take(&mut self, id: &str, item: Option<Object>) -> Result<()> {
        let Some(item) = item.map(Json::Object) else {
            self.missing.push(id.to_owned());
            return Ok(());
        };
        self.bytes += item.to_text().len();
        if self.bytes > MAX_PAGE_BYTES {
            let (fit, instead) = (self.items.len(), self.instead);
            let detail = format!(
                "the answer would have more than {MAX_PAGE_BYTES} bytes; ask for {fit} {instead}"
            );
            return Err(Error::invalid("/ids", Code::TooLarge, detail));
        }
        self.items.push(item);
        Ok(())
    }

    /// The answer.
    #[must_use]
    pub(crate) fn show(self) -> Object {
        object! { "items" => self.items, "missing" => self.missing }
    }
}
