//! Commits: one way to commit one write or several.
//!
//! One write is a conditional put, update or delete; several are one transaction. A failure that
//! leaves the outcome open is resolved here: each attempt stores its id in the item that it writes.
//! Finding this id there means that the write happened (rule I2).

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};

use super::expression::{Attributes, PlannedWrite, WriteAction};
use super::item::Item;
use super::keys::Key;
use super::meter;
use super::table::{Table, key_attributes};
use super::table_error::TableError;
use super::write::{CommitError, Condition, Write};
use crate::domain::versioned::{WriteId, WriteLog};
use crate::env::Timestamp;

/// Why one attempt to commit failed.
enum AttemptError {
    ConditionsFailed(Vec<(usize, Option<Item>)>),
    Contended,
    Unknown(String),
    Throttled(String),
    Broken(String),
}

impl Table {
    /// Commits all of `writes` or none.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.commit_as(self.write_id(), writes).await
    }

    /// An id for a write, to be made before the loop that repeats it.
    #[must_use]
    pub fn write_id(&self) -> WriteId {
        self.env.random.bytes()
    }

    /// Commits all of `writes` or none, under an id that earlier attempts of the same write had
    /// too: an attempt may have been committed although the SDK's own repetition of it returned a
    /// conflict.
    ///
    /// A user's own item is not among them: the pipeline of `shared::writing` alone writes users.
    pub async fn commit_as(&self, id: WriteId, writes: Vec<Write>) -> Result<(), CommitError> {
        if writes.iter().any(Write::puts_user) {
            return Err(CommitError::Broken("a user is written around the pipeline".to_owned()));
        }
        self.commit_user_writes(id, writes).await
    }

    /// As [`Table::commit_as`], for the writes that may put a user or its tombstone.
    pub(super) async fn commit_user_writes(
        &self,
        id: WriteId,
        mut writes: Vec<Write>,
    ) -> Result<(), CommitError> {
        // A client request token belongs to one payload, and the time is part of the payload.
        let token = u64::from_be_bytes(self.env.random.bytes());
        let now = self.env.clock.now();
        for write in &mut writes {
            if let Write::Put(item, _) = write {
                item.log_write(id);
            }
        }
        // It guesses whether a leaving user is the last of its set. A failed condition corrects the
        // guess.
        let mut alone = vec![true; writes.len()];
        for turn in 1..=5 {
            match self.attempt(&writes, &alone, token, now).await {
                Ok(()) => return Ok(()),
                Err(AttemptError::ConditionsFailed(failed)) => {
                    if failed
                        .iter()
                        .any(|(_, item)| item.as_ref().is_some_and(|item| item.log().contains(id)))
                    {
                        return Ok(());
                    }
                    if !correct_guesses(&writes, &mut alone, &failed) {
                        return failed_conditions(&writes, failed);
                    }
                }
                Err(AttemptError::Unknown(what)) => {
                    return self.find_own_write(&writes, id, what).await;
                }
                Err(AttemptError::Contended) => return Err(CommitError::Contended),
                Err(AttemptError::Throttled(what)) if turn == 5 => {
                    return Err(CommitError::Throttled(what));
                }
                Err(AttemptError::Throttled(_)) => self.pause(turn).await,
                Err(AttemptError::Broken(what)) => return Err(CommitError::Broken(what)),
            }
        }
        Err(CommitError::Contended)
    }

    async fn attempt(
        &self,
        writes: &[Write],
        alone: &[bool],
        token: u64,
        now: Timestamp,
    ) -> Result<(), AttemptError> {
        // A repeat after a lost answer does the same, so it needs no token.
        if let [Write::Delete(key, Condition::Guarded)] = writes {
            return self.delete(key).await;
        }
        let planned =
            writes.iter().zip(alone).map(|(write, alone)| PlannedWrite::of(write, *alone, now));
        let mut planned: Vec<_> = planned.collect();
        match (planned.pop(), planned.is_empty()) {
            (None, _) => Ok(()),
            (
                Some(PlannedWrite { action: WriteAction::Put(item), condition, values, .. }),
                true,
            ) => self.put(item, condition, values).await,
            (
                Some(PlannedWrite {
                    action: WriteAction::Update(key, change),
                    condition,
                    names,
                    values,
                }),
                true,
            ) => self.update(key, change, condition, names, values).await,
            // A lone delete with a condition is a transaction too: its token makes a repeat after a
            // lost answer safe.
            (Some(last), _) => {
                planned.push(last);
                self.transact(planned, alone, token).await
            }
        }
    }

    async fn put(
        &self,
        item: Attributes,
        condition: &str,
        values: Option<Attributes>,
    ) -> Result<(), AttemptError> {
        let request = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes);
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                AttemptError::ConditionsFailed(vec![(0, failed.item().cloned().map(Item::stored))])
            }
            Some(PutItemError::TransactionConflictException(_)) => AttemptError::Contended,
            _ => attempt_error("PutItem", &error),
        })?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    async fn update(
        &self,
        key: Attributes,
        change: &str,
        condition: &str,
        names: Option<HashMap<String, String>>,
        values: Option<Attributes>,
    ) -> Result<(), AttemptError> {
        let request = self
            .client
            .update_item()
            .table_name(&*self.name)
            .set_key(Some(key))
            .update_expression(change)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes);
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                AttemptError::ConditionsFailed(vec![(0, failed.item().cloned().map(Item::stored))])
            }
            Some(UpdateItemError::TransactionConflictException(_)) => AttemptError::Contended,
            _ => attempt_error("UpdateItem", &error),
        })?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    /// Deletes an item if it is there, at half the price of a transaction.
    async fn delete(&self, key: &Key) -> Result<(), AttemptError> {
        let request = self
            .client
            .delete_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes);
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(DeleteItemError::TransactionConflictException(_)) => AttemptError::Contended,
            _ => attempt_error("DeleteItem", &error),
        })?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    async fn transact(
        &self,
        planned: Vec<PlannedWrite>,
        alone: &[bool],
        token: u64,
    ) -> Result<(), AttemptError> {
        let items: Result<Vec<_>, _> =
            planned.into_iter().map(|write| write.in_transaction(&self.name)).collect();
        // A client request token belongs to one payload, and the guesses about leaving users are
        // part of the payload.
        let guesses = alone
            .iter()
            .fold(0u64, |sum, alone| sum.wrapping_mul(3).wrapping_add(u64::from(*alone) + 1));
        let token = format!("{token:016x}{guesses:016x}");
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(
                items.map_err(|error| AttemptError::Broken(error.to_string()))?,
            ))
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(|error| cancellation_error(&error))?;
        meter::written(answer.consumed_capacity());
        Ok(())
    }

    /// Resolves an unknown outcome: looks for the id of the commit in an item that it puts.
    async fn find_own_write(
        &self,
        writes: &[Write],
        id: WriteId,
        what: String,
    ) -> Result<(), CommitError> {
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
        Err(CommitError::Unavailable(what))
    }
}

/// Corrects the guesses about leaving users; `false` when something else failed, or nothing can be
/// corrected.
fn correct_guesses(writes: &[Write], alone: &mut [bool], failed: &[(usize, Option<Item>)]) -> bool {
    for (index, item) in failed {
        let (Some(Write::Leave(_, user)), Some(guess)) =
            (writes.get(*index), alone.get_mut(*index))
        else {
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

/// The conditions that failed. If an item has moved on by more versions than its log keeps, its log
/// may have lost the id of this write: then the outcome is not known.
fn failed_conditions(
    writes: &[Write],
    failed: Vec<(usize, Option<Item>)>,
) -> Result<(), CommitError> {
    for (index, item) in &failed {
        let read = match writes.get(*index) {
            Some(Write::Put(_, Condition::Version(v) | Condition::Unused(v))) => *v,
            _ => continue,
        };
        let found = item.as_ref().and_then(Item::version);
        if found.is_some_and(|found| found.0 > read.0 + WriteLog::KEPT as u64) {
            return Err(CommitError::Unavailable(
                "the item has changed too often to tell whether the write succeeded".to_owned(),
            ));
        }
    }
    Err(CommitError::Conditions(failed))
}

fn attempt_error<E: aws_sdk_dynamodb::error::ProvideErrorMetadata, R>(
    operation: &str,
    error: &SdkError<E, R>,
) -> AttemptError {
    match TableError::of(error) {
        TableError::Broken(code) => AttemptError::Broken(format!("{operation}: {code}")),
        TableError::Throttled(code) => AttemptError::Throttled(format!("{operation}: {code}")),
        TableError::Unknown(code) => AttemptError::Unknown(format!("{operation}: {code}")),
    }
}

fn cancellation_error<R>(error: &SdkError<TransactWriteItemsError, R>) -> AttemptError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return attempt_error("TransactWriteItems", error);
    };
    let reasons = cancelled.cancellation_reasons();
    let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
    let failed: Vec<_> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(index, reason): (usize, &CancellationReason)| {
            (index, reason.item.clone().map(Item::stored))
        })
        .collect();
    if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
        AttemptError::Throttled("TransactWriteItems: throttled".to_owned())
    } else if has("TransactionConflict") {
        AttemptError::Contended
    } else if failed.is_empty() {
        let codes: Vec<_> = reasons
            .iter()
            .filter_map(CancellationReason::code)
            .filter(|code| *code != "None")
            .collect();
        AttemptError::Broken(format!("TransactWriteItems: {}", codes.join(", ")))
    } else {
        AttemptError::ConditionsFailed(failed)
    }
}
