//! The table as it is reached and read.
//!
//! Every read is strongly consistent: what was acknowledged is seen (rule D4). The SDK retries
//! throttling and faults within the timeouts set here and knows nothing of conflicts; those are
//! decided where the rules are.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};

use super::audit::AuditKeys;
use super::item::Item;
use super::keys::{Children, Key, partition_of_user};
use super::meter;
use super::people::LoginKeys;
use super::table_error::classify;
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;
use crate::env::Env;

/// How long one attempt may take: DynamoDB answers within 10 ms, so a silent second is a lost
/// packet.
pub const ATTEMPT: Duration = Duration::from_secs(1);
/// How long one operation may take, attempts and waits together; the functions' own limit is
/// longer.
pub const OPERATION: Duration = Duration::from_secs(3);

/// The client's settings that do not depend on where it runs: timeouts and retries, set on purpose.
#[must_use]
pub fn client_settings() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500));
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(retries)
        // Guards long streams; the attempts here are short and have a time limit.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: Arc<str>,
    pub(super) env: Env,
    /// The definitions that this process has marked as assigned, as of a version.
    pub(super) marked: Arc<Mutex<HashSet<(Key, Version)>>>,
    /// The keys of the audit.
    pub(super) audit: Arc<AuditKeys>,
    /// The keys of the login function.
    pub(super) login: Arc<LoginKeys>,
}

/// How many items a page of a partition has that is erased: the embedded engine knows no megabyte.
const STORED_AT_ONCE: i32 = 1000;

/// Which items of a partition a query reads.
#[derive(Clone, Copy, Debug)]
pub enum Range<'a> {
    /// All of them.
    All,
    /// Items whose sort key starts with this.
    StartsWith(&'a str),
}

/// A page of items of a partition, in the order of their sort keys.
#[derive(Clone, Debug, Default)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// The sort key after which the next page starts; `None` on the last.
    pub next: Option<String>,
}

impl Table {
    /// Wraps a client.
    #[must_use]
    pub fn new(client: Client, name: &str, env: Env) -> Self {
        Self {
            client,
            name: name.into(),
            env,
            marked: Arc::default(),
            audit: Arc::default(),
            login: Arc::default(),
        }
    }

    /// The table as another function has it: it has read nothing but keys that never change.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { marked: Arc::default(), ..self.clone() }
    }

    /// The client, for the operator's program alone, which creates the table.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the table's rules take time and randomness from.
    #[must_use]
    pub const fn env(&self) -> &Env {
        &self.env
    }

    /// Reads one item; what is past its time counts as absent (rule D8).
    pub async fn get(&self, key: &Key) -> Result<Option<Item>> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key("pk", AttributeValue::S(key.pk().to_owned()))
            .key("sk", AttributeValue::S(key.sk().to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| classify("GetItem", &error))?;
        meter::read(answer.consumed_capacity(), usize::from(answer.item.is_some()));
        Ok(answer.item.map(Item::stored).filter(|item| !self.is_expired(item)))
    }

    /// Checks that the table answers a strongly consistent read. Costs one read unit.
    pub async fn ping(&self) -> Result<()> {
        self.get(&Key::health()).await.map(drop)
    }

    /// Reads many items, in any order; absent ones are left out.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>> {
        self.get_parts(keys, &[]).await
    }

    /// Reads these attributes of many items, or all if none is named, in any order; absent items
    /// are left out. Without `expires_at` in it, expired items are listed too.
    pub(super) async fn get_parts(&self, keys: &[Key], attributes: &[&str]) -> Result<Vec<Item>> {
        let aliases: Vec<_> = (0..attributes.len()).map(|i| format!("#{i}")).collect();
        let names =
            aliases.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned())).collect();
        let (projection, names) =
            (!attributes.is_empty()).then(|| (aliases.join(", "), names)).unzip();
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            let mut wanted: Vec<_> = chunk.iter().map(key_attributes).collect();
            let mut tries = 0;
            while !wanted.is_empty() {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(true)
                    .set_projection_expression(projection.clone())
                    .set_expression_attribute_names(names.clone())
                    .build()
                    .map_err(Error::unexpected)?;
                let answer = self
                    .client
                    .batch_get_item()
                    .request_items(&*self.name, request)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| classify("BatchGetItem", &error))?;
                let found = answer.responses.iter().flatten().map(|(_, items)| items.len()).sum();
                meter::read(answer.consumed_capacity(), found);
                let found = answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items)
                    .map(Item::stored);
                items.extend(found.filter(|item| !self.is_expired(item)));
                wanted = answer
                    .unprocessed_keys
                    .and_then(|mut tables| tables.remove(&*self.name))
                    .map(|left| left.keys)
                    .unwrap_or_default();
                tries += 1;
                if tries > 5 && !wanted.is_empty() {
                    return Err(Error::Unavailable(
                        "BatchGetItem left keys unprocessed".to_owned(),
                    ));
                }
                if !wanted.is_empty() {
                    self.pause(tries).await;
                }
            }
        }
        Ok(items)
    }

    /// Reads items of one partition after the sort key `after`, at most `limit` of them.
    pub async fn query(
        &self,
        pk: &str,
        range: Range<'_>,
        after: Option<&str>,
        limit: Option<i32>,
    ) -> Result<ItemPage> {
        let mut page = self.query_page(true, pk, range, after, limit).await?;
        page.items.retain(|item| !self.is_expired(item));
        Ok(page)
    }

    /// As [`Table::query`], the last sort key first, with items that are past their time and not yet
    /// removed.
    pub(super) async fn query_back(
        &self,
        pk: &str,
        range: Range<'_>,
        after: Option<&str>,
        limit: Option<i32>,
    ) -> Result<ItemPage> {
        self.query_page(false, pk, range, after, limit).await
    }

    /// As [`Table::query`], with items that are past their time and not yet removed.
    async fn query_page(
        &self,
        forward: bool,
        pk: &str,
        range: Range<'_>,
        after: Option<&str>,
        limit: Option<i32>,
    ) -> Result<ItemPage> {
        let mut request = self
            .client
            .query()
            .table_name(&*self.name)
            .consistent_read(true)
            .scan_index_forward(forward)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .set_limit(limit);
        request = match range {
            Range::All => request.key_condition_expression("pk = :pk"),
            Range::StartsWith(start) => request
                .key_condition_expression("pk = :pk AND begins_with(sk, :start)")
                .expression_attribute_values(":start", AttributeValue::S(start.to_owned())),
        };
        if let Some(after) = after {
            request = request
                .exclusive_start_key("pk", AttributeValue::S(pk.to_owned()))
                .exclusive_start_key("sk", AttributeValue::S(after.to_owned()));
        }
        let answer = request.send().await.map_err(|error| classify("Query", &error))?;
        meter::read(answer.consumed_capacity(), answer.items().len());
        let next = answer
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("sk"))
            .and_then(|sk| sk.as_s().ok())
            .cloned();
        Ok(ItemPage {
            items: answer.items.unwrap_or_default().into_iter().map(Item::stored).collect(),
            next,
        })
    }

    /// Reads the children of a user that are of one kind, in the order of their sort keys.
    pub async fn children(
        &self,
        tenant: &TenantId,
        user: UserId,
        kind: Children,
    ) -> Result<Vec<Item>> {
        self.query_all(&partition_of_user(tenant, user), Range::StartsWith(kind.prefix())).await
    }

    /// Reads every item of one partition.
    pub async fn query_all(&self, pk: &str, range: Range<'_>) -> Result<Vec<Item>> {
        let mut items = self.query_pages(pk, range).await?;
        items.retain(|item| !self.is_expired(item));
        Ok(items)
    }

    /// Reads every item that a partition holds, what is past its time and not yet removed included.
    pub async fn query_stored(&self, pk: &str) -> Result<Vec<Item>> {
        self.query_pages(pk, Range::All).await
    }

    /// Reads a page of them: as many as DynamoDB reads at once.
    pub(super) async fn query_stored_page(
        &self,
        pk: &str,
        after: Option<&str>,
    ) -> Result<ItemPage> {
        self.query_page(true, pk, Range::All, after, Some(STORED_AT_ONCE)).await
    }

    async fn query_pages(&self, pk: &str, range: Range<'_>) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.query_page(true, pk, range, after.as_deref(), None).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    fn is_expired(&self, item: &Item) -> bool {
        item.is_expired(self.env.clock.now())
    }

    /// Waits before the `attempt`-th repetition: up to 10 ms, 20, 40 … 320, at random, so that
    /// writes that collided do not collide again.
    pub async fn pause(&self, attempt: u32) {
        let most = 10_u64 << attempt.min(6).saturating_sub(1);
        let wait = 1 + self.env.random.below(most);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// A key in the form that DynamoDB takes.
pub(super) fn key_attributes(key: &Key) -> std::collections::HashMap<String, AttributeValue> {
    Item::at(key).into_attributes()
}
