//! The embedded engine as `aws-sdk-dynamodb` sees it.

mod folder;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Config, Region};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, Delete, GlobalSecondaryIndex,
    KeySchemaElement, KeyType, KeysAndAttributes, Projection, ProjectionType, Put,
    ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
    TimeToLiveSpecification, TransactWriteItem, Update,
};

use super::Embedded;

const TABLE: &str = "kith";

fn s(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn n(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn set(values: &[&str]) -> AttributeValue {
    AttributeValue::Ss(values.iter().map(|&value| value.to_owned()).collect())
}

fn client(embedded: &Embedded) -> Client {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = Config::builder()
        .behavior_version_latest()
        .region(Region::new("local"))
        .credentials_provider(credentials)
        .http_client(embedded.http_client());
    Client::from_conf(config.build())
}

async fn create_table(client: &Client) {
    let attribute = |name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder()
        .index_name("gsi1")
        .set_key_schema(Some(vec![key("gsi1pk", KeyType::Hash), key("gsi1sk", KeyType::Range)]))
        .projection(keys_only);
    let names = ["pk", "sk", "gsi1pk", "gsi1sk"];
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(names.map(attribute).to_vec()))
        .set_key_schema(Some(vec![key("pk", KeyType::Hash), key("sk", KeyType::Range)]))
        .global_secondary_indexes(index.build().unwrap())
        .send()
        .await
        .unwrap();
}

async fn in_memory() -> Client {
    let client = client(&Embedded::memory().unwrap());
    create_table(&client).await;
    client
}

fn put(client: &Client, pk: &str, sk: &str) -> PutItemFluentBuilder {
    client.put_item().table_name(TABLE).item("pk", s(pk)).item("sk", s(sk))
}

async fn get(client: &Client, pk: &str, sk: &str, name: &str) -> Option<AttributeValue> {
    let get = client.get_item().table_name(TABLE).key("pk", s(pk)).key("sk", s(sk));
    get.consistent_read(true).send().await.unwrap().item?.remove(name)
}

fn put_if_absent(pk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .item("pk", s(pk))
        .item("sk", s("-"))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn add_user(pk: &str, user: &str) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(TABLE)
        .key("pk", s(pk))
        .key("sk", s("-"))
        .update_expression("ADD #users :u")
        .expression_attribute_names("#users", "users")
        .expression_attribute_values(":u", set(&[user]));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

fn delete_if_users(pk: &str, users: &[&str]) -> TransactWriteItem {
    let delete = Delete::builder()
        .table_name(TABLE)
        .key("pk", s(pk))
        .key("sk", s("-"))
        .condition_expression("#users = :set")
        .expression_attribute_names("#users", "users")
        .expression_attribute_values(":set", set(users))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().delete(delete.build().unwrap()).build()
}

#[tokio::test]
async fn writes_report_table_and_index_units() {
    let client = in_memory().await;
    let written = put(&client, "u", "PROFILE")
        .item("gsi1pk", s("L#1"))
        .item("gsi1sk", s("2026"))
        .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
        .send()
        .await
        .unwrap();

    assert!(written.request_id().is_some());
    let units = written.consumed_capacity.unwrap();
    assert_eq!(units.capacity_units, Some(2.0));
    assert_eq!(units.table.unwrap().capacity_units, Some(1.0));
    assert_eq!(units.global_secondary_indexes.unwrap()["gsi1"].capacity_units, Some(1.0));

    let read = client
        .get_item()
        .table_name(TABLE)
        .key("pk", s("u"))
        .key("sk", s("PROFILE"))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
        .send()
        .await
        .unwrap();
    assert_eq!(read.item.unwrap()["gsi1sk"], s("2026"));
    assert_eq!(read.consumed_capacity.unwrap().table.unwrap().capacity_units, Some(1.0));
}

#[tokio::test]
async fn a_failed_condition_returns_the_item() {
    let client = in_memory().await;
    put(&client, "u", "-").item("version", n(7)).send().await.unwrap();

    let refused = put(&client, "u", "-")
        .condition_expression("version = :v")
        .expression_attribute_values(":v", n(6))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    assert!(refused.is_conditional_check_failed_exception());
    assert_eq!(refused.message(), Some("The conditional request failed"));
    let PutItemError::ConditionalCheckFailedException(refused) = refused else {
        panic!("{refused}")
    };
    assert_eq!(refused.item.unwrap()["version"], n(7));
}

#[tokio::test]
async fn a_cancelled_transaction_has_a_reason_for_each_action() {
    let client = in_memory().await;
    put(&client, "taken", "-").item("owner", s("u1")).send().await.unwrap();

    let cancelled = client
        .transact_write_items()
        .transact_items(put_if_absent("free"))
        .transact_items(put_if_absent("taken"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    let TransactWriteItemsError::TransactionCanceledException(cancelled) = cancelled else {
        panic!("{cancelled}")
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(reasons[0].item(), None);
    assert_eq!(reasons[1].item().unwrap()["owner"], s("u1"));
    assert_eq!(get(&client, "free", "-", "pk").await, None);
}

#[tokio::test]
async fn a_token_is_replayed_with_the_same_payload_only() {
    let client = in_memory().await;
    let send = |action| {
        let write = client.transact_write_items().client_request_token("t1");
        write.transact_items(action).send()
    };
    send(put_if_absent("a")).await.unwrap();
    send(put_if_absent("a")).await.unwrap();

    let refused = send(put_if_absent("b")).await.unwrap_err().into_service_error();
    assert!(refused.is_idempotent_parameter_mismatch_exception(), "{refused}");
    assert_eq!(get(&client, "b", "-", "pk").await, None);
}

#[tokio::test]
async fn sets_grow_and_are_compared_whatever_their_order() {
    let client = in_memory().await;
    let send = |action| client.transact_write_items().transact_items(action).send();
    send(add_user("e", "u2")).await.unwrap();
    send(add_user("e", "u1")).await.unwrap();

    let refused = send(delete_if_users("e", &["u1"])).await.unwrap_err();
    assert_eq!(refused.code(), Some("TransactionCanceledException"));
    assert!(get(&client, "e", "-", "users").await.is_some());

    send(delete_if_users("e", &["u2", "u1"])).await.unwrap();
    assert_eq!(get(&client, "e", "-", "users").await, None);
}

#[tokio::test]
async fn a_query_pages_through_a_prefix() {
    let client = in_memory().await;
    for sk in ["B#1", "S#1", "S#2", "S#3", "T#1"] {
        put(&client, "u", sk).send().await.unwrap();
    }
    let (mut seen, mut start) = (Vec::new(), None);
    loop {
        let page = client
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s("u"))
            .expression_attribute_values(":prefix", s("S#"))
            .consistent_read(true)
            .limit(2)
            .set_exclusive_start_key(start)
            .send()
            .await
            .unwrap();
        seen.push(page.items().iter().map(|item| item["sk"].clone()).collect::<Vec<_>>());
        start = page.last_evaluated_key;
        if start.is_none() {
            break;
        }
    }
    assert_eq!(seen, [vec![s("S#1"), s("S#2")], vec![s("S#3")]]);
}

#[tokio::test]
async fn a_batch_reads_what_exists() {
    let client = in_memory().await;
    put(&client, "a", "-").send().await.unwrap();
    let key = |pk| [("pk".to_owned(), s(pk)), ("sk".to_owned(), s("-"))].into();
    let keys = KeysAndAttributes::builder().keys(key("a")).keys(key("b")).consistent_read(true);

    let batch = client.batch_get_item().request_items(TABLE, keys.build().unwrap());
    let batch = batch.send().await.unwrap();
    assert_eq!(batch.responses.unwrap()[TABLE].len(), 1);
    assert!(batch.unprocessed_keys.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn a_sweep_deletes_what_is_past_its_time() {
    let embedded = Embedded::memory().unwrap();
    let client = client(&embedded);
    create_table(&client).await;
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true);
    let update = client.update_time_to_live().table_name(TABLE);
    update.time_to_live_specification(ttl.build().unwrap()).send().await.unwrap();
    put(&client, "past", "-").item("expires_at", n(1_700_000_000)).send().await.unwrap();
    put(&client, "later", "-").item("expires_at", n(9_000_000_000)).send().await.unwrap();

    assert_eq!(embedded.sweep_ttl().await.unwrap(), 1);
    let left = client.scan().table_name(TABLE).send().await.unwrap();
    assert_eq!(left.items()[0]["pk"], s("later"));
}

#[tokio::test]
async fn errors_have_the_codes_of_the_service() {
    let client = in_memory().await;
    let unknown = client.list_tables().send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("UnknownOperationException"));
    let absent = client.describe_table().table_name("absent").send().await.unwrap_err();
    assert_eq!(absent.code(), Some("ResourceNotFoundException"));
    let no_key = client.get_item().table_name(TABLE).send().await.unwrap_err();
    assert_eq!(no_key.code(), Some("ValidationException"));
    let empty = put(&client, "", "-").send().await.unwrap_err();
    assert_eq!(empty.code(), Some("ValidationException"));
}

#[tokio::test]
async fn tasks_can_race_in_memory() {
    let client = in_memory().await;
    put(&client, "c", "-").item("version", n(0)).send().await.unwrap();
    let step = || async {
        assert_eq!(get(&client, "c", "-", "version").await, Some(n(0)));
        let update = put(&client, "c", "-").item("version", n(1));
        let update = update.condition_expression("version = :v");
        update.expression_attribute_values(":v", n(0)).send().await.is_ok()
    };
    let (one, other) = tokio::join!(step(), step());
    assert!(one != other, "both read before either wrote, and one won");
}
