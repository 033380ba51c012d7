//! `POST /identity/users/query`: users by a filter.
//!
//! A search by a look-up sees every acknowledged write (rule D4). A search that walks the listing
//! may be a moment behind.

use serde::{Deserialize, Serialize};
use shared::domain::error::{Code, Error, Violations};
use shared::domain::field::Fields;
use shared::domain::json::Object;
use shared::domain::{Json, Result};
use shared::filter::search::{SearchLimits, SearchPage, SearchPosition, UserSearch};
use shared::filter::{Branch, Filter};
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::http::page::{MAX_PAGE, MAX_PAGE_BYTES, PAGE, page_size};
use shared::object;
use shared::store::meter::CapacityMeter;

/// The position of the next page, as its cursor holds it.
#[derive(Serialize, Deserialize)]
struct QueryPosition {
    #[serde(flatten)]
    place: SearchPosition,
    /// How many users the pages so far have shown.
    #[serde(default)]
    passed: u64,
}

struct UserQuery {
    filter: Json,
    size: usize,
    cursor: Option<String>,
    explain: bool,
}

fn question(body: Json) -> Result<UserQuery> {
    let mut violations = Violations::default();
    let mut fields = Fields::new(body, "", &mut violations);
    let filter = fields.value("filter");
    if filter.is_none() {
        fields.refuse("filter", Code::Required, "`filter` is required");
    }
    let size = match fields.value("limit") {
        None => PAGE,
        Some(Json::Number(text)) if page_size(Some(&text)).is_ok() => page_size(Some(&text))?,
        Some(Json::Number(_)) => {
            let detail = format!("expected a number from 1 to {MAX_PAGE}");
            fields.refuse("limit", Code::WrongFormat, detail);
            PAGE
        }
        Some(other) => {
            fields.wrong_type("limit", &format!("a number from 1 to {MAX_PAGE}"), &other);
            PAGE
        }
    };
    let cursor = fields.text("cursor", 4096);
    let explain = fields.boolean("explain").unwrap_or_default();
    fields.finish();
    violations.check(())?;
    Ok(UserQuery { filter: filter.unwrap_or(Json::Null), size, cursor, explain })
}

/// Answers a query with a page of whole profiles.
pub(crate) async fn query(mut call: Call) -> HandlerResult {
    let question = question(call.take_body())?;
    let bound = question.filter.to_text();
    let position = call.open_cursor::<QueryPosition>(&bound, question.cursor.as_deref()).await?;
    let before = position.as_ref().map_or(0, |position| position.passed);
    let position = position.map(|position| position.place);
    call.app
        .decide(&call.caller.tenant, async |schema| {
            let mut filter = Filter::read(&question.filter, &schema)?;
            filter.name_users(call.app.table(), &call.caller.tenant).await?;
            let search = UserSearch::of(call.app.table(), &schema, &filter);
            if position.as_ref().is_some_and(|position| !search.is_of_plan(position)) {
                let detail =
                    "the definitions have changed since this cursor was made; start from the first page";
                // Or the cursor is of a process that knows newer definitions.
                return Err(if schema.verified {
                    Error::Malformed(detail.to_owned())
                } else {
                    Error::Outdated
                });
            }
            let limits = SearchLimits { users: question.size, bytes: MAX_PAGE_BYTES };
            let (page, next) = search.page(position.as_ref(), limits).await?;
            let items: Vec<_> = page
                .users
                .iter()
                .map(|user| Json::Object(user.tag().with(user.value.show(&schema))))
                .collect();
            let mut content = object! { "items" => items };
            let passed = before + page.users.len() as u64;
            call.record_pages(before, passed, || filter.names(&schema)).await?;
            if let Some(place) = next {
                let cursor = call.cursor(&bound, &QueryPosition { place, passed }).await?;
                content.insert("next_cursor".to_owned(), Json::from(cursor));
            }
            if search.walks_listing() || page.read > page.users.len() {
                content.insert("scanned".to_owned(), Json::from(page.read as u64));
            }
            if question.explain {
                content
                    .insert("explain".to_owned(), Json::Object(explain(search.branches(), &page)));
            }
            Ok(Answer::content(content))
        })
        .await
}

fn explain(branches: &[Branch], page: &SearchPage) -> Object {
    let branch = |branch: &Branch| {
        let mut shown = object! { "source" => branch.source.name() };
        if let Some((by, operator)) = branch.by.as_ref().zip(branch.operator) {
            shown.insert("by".to_owned(), Json::from(by));
            shown.insert("operator".to_owned(), Json::from(operator.name()));
        }
        Json::Object(shown)
    };
    let units = CapacityMeter::open_units();
    object! {
        "plan" => branches.iter().map(branch).collect::<Vec<_>>(),
        "read_units" => Json::Number(units.read.to_string()),
        "items_read" => units.items_read,
        "users_read" => page.read as u64,
    }
}
