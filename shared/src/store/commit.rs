//! Writes: conditions as a type, and one way to commit one write or several.
//!
//! A write without a condition cannot be expressed. One write is a conditional put, update or delete; several are one
//! transaction. A failure that leaves the outcome open is settled here: the id of each attempt is kept in the item it writes,
//! so one's own id found there means that the write happened (rule I2).

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::item::Item;
use super::keys::Key;
use super::meter;
use super::table::{Fault, Table, key_attributes};
use crate::domain::error::Error;
use crate::domain::id::UserId;
use crate::domain::versioned::{Version, WriteId, WriteLog};

/// What must be true of the item when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no such item, or it is past its time.
    Absent,
    /// The item has this version: nobody wrote it since it was read.
    Version(Version),
    /// As [`Condition::Version`], and the definition was never assigned.
    Unused(Version),
    /// Nobody but this user holds the item; an item that is gone is held by nobody.
    Owner(UserId),
    /// The item is a user and not what is left of a forgotten one.
    Live,
}

/// One write of a commit.
#[derive(Clone, Debug)]
pub enum Write {
    /// Puts the whole item.
    Put(Item, Condition),
    /// Deletes the item.
    Delete(Key, Condition),
    /// Changes nothing; the commit fails if the condition does not hold.
    Check(Key, Condition),
    /// Adds the user to the set of those who have the e-mail address, which holds at most [`MAX_SHARING`].
    Join(Key, UserId),
    /// Takes the user out of the set; the item goes with its last member.
    Leave(Key, UserId),
    /// Marks a definition as assigned, if it exists and takes new assignments.
    MarkUsed(Key),
}

/// The most users who share one e-mail address.
pub const MAX_SHARING: usize = 100;

/// Why a commit did not happen. In every case nothing of it did, unless `Unsettled` says that nobody knows.
#[derive(Debug)]
pub enum Failed {
    /// Conditions that did not hold: the index of the write, and the item that was there.
    Conditions(Vec<(usize, Option<Item>)>),
    /// Somebody else was writing one of the items at this moment.
    Contended,
    /// The table takes no writes now, or the outcome is not known.
    Unavailable(String),
    /// A defect.
    Broken(String),
}

impl Failed {
    /// Whether the condition of the write with this index did not hold.
    #[must_use]
    pub fn at(&self, index: usize) -> bool {
        matches!(self, Self::Conditions(failed) if failed.iter().any(|(i, _)| *i == index))
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unavailable(what) => Self::Unavailable(what),
            Failed::Contended => Self::Unavailable("too many writers at once".to_owned()),
            Failed::Broken(what) => Self::Unexpected(what),
            Failed::Conditions(_) => Self::unexpected("a condition failed that nobody decides about"),
        }
    }
}

/// How one attempt ended.
enum Attempt {
    Refused(Vec<(usize, Option<Item>)>),
    Contended,
    Unknown(String),
    Passing(String),
    Broken(String),
}

impl Table {
    /// Commits all of `writes` or none.
    pub async fn commit(&self, mut writes: Vec<Write>) -> Result<(), Failed> {
        let id: WriteId = self.world.random.bytes();
        for write in &mut writes {
            if let Write::Put(item, _) = write {
                item.log_write(id);
            }
        }
        // Whether a leaving user is the last of its set is guessed, and the guess corrected by what the condition shows.
        let mut alone = vec![true; writes.len()];
        for turn in 1..=5 {
            match self.attempt(&writes, &alone, id).await {
                Ok(()) => return Ok(()),
                Err(Attempt::Refused(failed)) => {
                    if failed.iter().any(|(_, item)| item.as_ref().is_some_and(|item| item.log().contains(id))) {
                        return Ok(());
                    }
                    if !correct(&writes, &mut alone, &failed) {
                        return settle(&writes, failed);
                    }
                }
                Err(Attempt::Unknown(what)) => return self.look_back(&writes, id, what).await,
                Err(Attempt::Contended) => return Err(Failed::Contended),
                Err(Attempt::Passing(what)) if turn == 5 => return Err(Failed::Unavailable(what)),
                Err(Attempt::Passing(_)) => self.pause(turn).await,
                Err(Attempt::Broken(what)) => return Err(Failed::Broken(what)),
            }
        }
        Err(Failed::Contended)
    }

    async fn attempt(&self, writes: &[Write], alone: &[bool], id: WriteId) -> Result<(), Attempt> {
        match writes {
            [] => Ok(()),
            [Write::Put(item, condition)] => self.put(item.clone(), *condition).await,
            [Write::MarkUsed(key)] => self.mark(key).await,
            _ => self.transact(writes, alone, id).await,
        }
    }

    async fn put(&self, item: Item, condition: Condition) -> Result<(), Attempt> {
        let expression = self.expression(condition);
        let mut request = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item.into_attributes()))
            .condition_expression(expression.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes);
        for (name, value) in expression.values {
            request = request.expression_attribute_values(name, value);
        }
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed)) => {
                Attempt::Refused(vec![(0, failed.item().cloned().map(Item::stored))])
            }
            Some(aws_sdk_dynamodb::operation::put_item::PutItemError::TransactionConflictException(_)) => {
                Attempt::Contended
            }
            _ => fault("PutItem", &error),
        })?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    async fn mark(&self, key: &Key) -> Result<(), Attempt> {
        let answer = self
            .client
            .update_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)))
            .update_expression(MARK)
            .condition_expression(MARKABLE)
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(_)) => {
                    Attempt::Refused(vec![(0, None)])
                }
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::TransactionConflictException(_)) => {
                    Attempt::Contended
                }
                _ => fault("UpdateItem", &error),
            })?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    async fn transact(&self, writes: &[Write], alone: &[bool], id: WriteId) -> Result<(), Attempt> {
        let items: Result<Vec<_>, _> =
            writes.iter().zip(alone).map(|(write, alone)| self.transaction_item(write, *alone)).collect();
        // One token for one payload: the guess about leaving users is part of it.
        let guesses = alone.iter().fold(0u64, |sum, alone| sum.wrapping_mul(3).wrapping_add(u64::from(*alone) + 1));
        let token = format!("{:016x}{guesses:016x}", u64::from_be_bytes(id));
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.map_err(|error| Attempt::Broken(error.to_string()))?))
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(|error| cancelled(&error))?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    fn transaction_item(
        &self,
        write: &Write,
        alone: bool,
    ) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let table = &*self.name;
        let returned = ReturnValuesOnConditionCheckFailure::AllOld;
        let builder = TransactWriteItem::builder();
        Ok(match write {
            Write::Put(item, condition) => {
                let expression = self.expression(*condition);
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item.clone().into_attributes()))
                    .condition_expression(expression.text)
                    .set_expression_attribute_values(expression.map())
                    .return_values_on_condition_check_failure(returned);
                builder.put(put.build()?)
            }
            Write::Delete(key, condition) => {
                let expression = self.expression(*condition);
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .condition_expression(expression.text)
                    .set_expression_attribute_values(expression.map())
                    .return_values_on_condition_check_failure(returned);
                builder.delete(delete.build()?)
            }
            Write::Check(key, condition) => {
                let expression = self.expression(*condition);
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .condition_expression(expression.text)
                    .set_expression_attribute_values(expression.map())
                    .return_values_on_condition_check_failure(returned);
                builder.condition_check(check.build()?)
            }
            Write::Join(key, user) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .update_expression("ADD #users :user")
                    .condition_expression("attribute_not_exists(pk) OR size(#users) < :most")
                    .expression_attribute_names("#users", "users")
                    .expression_attribute_values(":user", one(*user))
                    .expression_attribute_values(":most", AttributeValue::N(MAX_SHARING.to_string()))
                    .return_values_on_condition_check_failure(returned);
                builder.update(update.build()?)
            }
            Write::Leave(key, user) if alone => {
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .condition_expression("#users = :user")
                    .expression_attribute_names("#users", "users")
                    .expression_attribute_values(":user", one(*user))
                    .return_values_on_condition_check_failure(returned);
                builder.delete(delete.build()?)
            }
            Write::Leave(key, user) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .update_expression("DELETE #users :user")
                    .condition_expression("contains(#users, :id) AND size(#users) > :one")
                    .expression_attribute_names("#users", "users")
                    .expression_attribute_values(":user", one(*user))
                    .expression_attribute_values(":id", AttributeValue::S(user.to_string()))
                    .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
                    .return_values_on_condition_check_failure(returned);
                builder.update(update.build()?)
            }
            Write::MarkUsed(key) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(key)))
                    .update_expression(MARK)
                    .condition_expression(MARKABLE)
                    .expression_attribute_values(":true", AttributeValue::Bool(true));
                builder.update(update.build()?)
            }
        }
        .build())
    }

    fn expression(&self, condition: Condition) -> Expression {
        let version = |v: Version| (":version", AttributeValue::N(v.0.to_string()));
        match condition {
            Condition::Absent => {
                let now = AttributeValue::N(self.world.clock.now().seconds().to_string());
                Expression { text: "attribute_not_exists(pk) OR expires_at <= :now", values: vec![(":now", now)] }
            }
            Condition::Version(v) => Expression { text: "version = :version", values: vec![version(v)] },
            Condition::Unused(v) => {
                Expression { text: "version = :version AND attribute_not_exists(used)", values: vec![version(v)] }
            }
            Condition::Owner(user) => Expression {
                text: "attribute_not_exists(pk) OR holder = :holder",
                values: vec![(":holder", AttributeValue::S(user.to_string()))],
            },
            Condition::Live => {
                Expression { text: "attribute_exists(pk) AND attribute_not_exists(deleted_at)", values: Vec::new() }
            }
        }
    }

    /// Settles an unknown outcome by looking for one's own id in an item that the commit puts.
    async fn look_back(&self, writes: &[Write], id: WriteId, what: String) -> Result<(), Failed> {
        let witness = writes.iter().find_map(|write| match write {
            Write::Put(item, _) if item.log().contains(id) => Some(item.key()),
            _ => None,
        });
        if let Some(key) = witness
            && let Ok(Some(item)) = self.get(&key).await
            && item.log().contains(id)
        {
            return Ok(());
        }
        Err(Failed::Unavailable(what))
    }
}

const MARK: &str = "SET used = :true";
const MARKABLE: &str = "attribute_exists(pk) AND attribute_not_exists(deprecated)";

struct Expression {
    text: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Expression {
    fn map(self) -> Option<std::collections::HashMap<String, AttributeValue>> {
        let values: std::collections::HashMap<_, _> =
            self.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        (!values.is_empty()).then_some(values)
    }
}

fn one(user: UserId) -> AttributeValue {
    AttributeValue::Ss(vec![user.to_string()])
}

/// Corrects the guesses about leaving users; `false` when something else failed, or nothing can be corrected.
fn correct(writes: &[Write], alone: &mut [bool], failed: &[(usize, Option<Item>)]) -> bool {
    for (index, item) in failed {
        let (Some(Write::Leave(_, user)), Some(guess)) = (writes.get(*index), alone.get_mut(*index)) else {
            return false;
        };
        let members = item.as_ref().map(|item| item.get_set("users")).unwrap_or_default();
        let last = members.len() == 1;
        if !members.contains(&user.to_string()) || *guess == last {
            return false;
        }
        *guess = last;
    }
    true
}

/// Says which conditions failed. An item that moved on by more versions than its log keeps may hide one's own write: then
/// nobody knows.
fn settle(writes: &[Write], failed: Vec<(usize, Option<Item>)>) -> Result<(), Failed> {
    for (index, item) in &failed {
        let read = match writes.get(*index) {
            Some(Write::Put(_, Condition::Version(v) | Condition::Unused(v))) => *v,
            _ => continue,
        };
        let found = item.as_ref().and_then(Item::version);
        if found.is_some_and(|found| found.0 > read.0 + WriteLog::KEPT as u64) {
            return Err(Failed::Unavailable("the item moved on too far to tell whether it was written".to_owned()));
        }
    }
    Err(Failed::Conditions(failed))
}

fn fault<E: aws_sdk_dynamodb::error::ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> Attempt {
    match Fault::of(error) {
        Fault::Broken(code) => Attempt::Broken(format!("{operation}: {code}")),
        Fault::Passing(code) => Attempt::Passing(format!("{operation}: {code}")),
        Fault::Unknown(code) => Attempt::Unknown(format!("{operation}: {code}")),
    }
}

fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Attempt {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return fault("TransactWriteItems", error);
    };
    let reasons = cancelled.cancellation_reasons();
    let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
    let failed: Vec<_> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(index, reason): (usize, &CancellationReason)| (index, reason.item.clone().map(Item::stored)))
        .collect();
    if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
        Attempt::Passing("TransactWriteItems: throttled".to_owned())
    } else if has("TransactionConflict") {
        Attempt::Contended
    } else if failed.is_empty() {
        let codes: Vec<_> =
            reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").collect();
        Attempt::Broken(format!("TransactWriteItems: {}", codes.join(", ")))
    } else {
        Attempt::Refused(failed)
    }
}
