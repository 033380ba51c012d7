//! Writes in the form that DynamoDB takes: an action on an item, and the expression that must hold.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::keys::Key;
use super::table::key_attributes;
use super::write::{Condition, MAX_SHARING, Write};
use crate::domain::id::UserId;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// The attributes of an item or a key, or the values of an expression.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// A write as it is sent to DynamoDB.
pub(super) struct PlannedWrite {
    pub action: WriteAction,
    pub condition: &'static str,
    pub names: Option<HashMap<String, String>>,
    pub values: Option<Attributes>,
}

/// The action of a write, with the item or its key.
pub(super) enum WriteAction {
    Put(Attributes),
    Delete(Attributes),
    Check(Attributes),
    Update(Attributes, &'static str),
}

impl PlannedWrite {
    /// Plans a write. `alone` is the guess whether a user that leaves a set is its last member.
    pub(super) fn of(write: &Write, alone: bool, now: Timestamp) -> Self {
        match write {
            Write::Put(item, condition) => {
                Self::on(WriteAction::Put(item.clone().into_attributes()), *condition, now)
            }
            Write::Delete(key, condition) => {
                Self::on(WriteAction::Delete(key_attributes(key)), *condition, now)
            }
            Write::Check(key, condition) => {
                Self::on(WriteAction::Check(key_attributes(key)), *condition, now)
            }
            Write::Join(key, user) => Self {
                action: WriteAction::Update(key_attributes(key), "ADD #users :user"),
                condition: "attribute_not_exists(pk) OR size(#users) < :most",
                names: Some(users_name()),
                values: Some(values([(":user", one(*user)), (":most", number(MAX_SHARING))])),
            },
            Write::Sharing { key, seen, join } => Self::sharing(key, seen, *join),
            Write::Leave(key, user) if alone => Self {
                action: WriteAction::Delete(key_attributes(key)),
                condition: "#users = :user",
                names: Some(users_name()),
                values: Some(values([(":user", one(*user))])),
            },
            Write::Leave(key, user) => Self {
                action: WriteAction::Update(key_attributes(key), "DELETE #users :user"),
                condition: "contains(#users, :id) AND size(#users) > :one",
                names: Some(users_name()),
                values: Some(values([
                    (":user", one(*user)),
                    (":id", text(*user)),
                    (":one", number(1)),
                ])),
            },
            Write::Count(key, most, until) => Self::counted(
                key,
                "ADD counted :one SET expires_at = :until",
                "attribute_not_exists(pk) OR counted < :most",
                [(":one", number(1)), (":most", number(most)), (":until", number(until.seconds()))],
            ),
            Write::Recount { key, seen, count, next_at, until } => Self::counted(
                key,
                "SET counted = :count, next_at = :next, expires_at = :until",
                "counted = :seen",
                [
                    (":seen", number(seen)),
                    (":count", number(count)),
                    (":next", number(next_at.millis())),
                    (":until", number(until.seconds())),
                ],
            ),
            Write::SetForms(key, version, forms) => Self::update(
                key,
                "SET forms = :forms, version = :next",
                "version = :version",
                *version,
                [
                    (":forms", AttributeValue::S((*forms).to_owned())),
                    (":next", number(version.next().0)),
                ],
            ),
            Write::MarkUsed(key, version) => Self::update(
                key,
                "SET used = :true",
                "version = :version AND attribute_not_exists(deprecated)",
                *version,
                [(":true", AttributeValue::Bool(true))],
            ),
            Write::MarkUnused(key, version) => {
                let condition = "version = :version AND attribute_exists(deprecated)";
                Self::update(key, "REMOVE used", condition, *version, [])
            }
            Write::MarkUnheld(key, version, unheld) => Self::update(
                key,
                "SET unheld = :unheld",
                "version = :version",
                *version,
                [(":unheld", texts(unheld))],
            ),
        }
    }

    /// A change of a set of users, or a check of it, as it was seen.
    fn sharing(key: &Key, seen: &BTreeSet<UserId>, join: Option<UserId>) -> Self {
        let users = AttributeValue::Ss(seen.iter().map(ToString::to_string).collect());
        let condition = match (seen.is_empty(), join) {
            (true, _) => "attribute_not_exists(pk)",
            (false, None) => "#users = :seen",
            (false, Some(_)) => "#users = :seen AND size(#users) < :most",
        };
        let most = join.filter(|_| !seen.is_empty()).map(|_| (":most", number(MAX_SHARING)));
        let seen = (!seen.is_empty()).then_some((":seen", users));
        let bound = seen.into_iter().chain(join.map(|user| (":user", one(user)))).chain(most);
        let values: Attributes = bound.map(|(name, value)| (name.to_owned(), value)).collect();
        let key = key_attributes(key);
        Self {
            action: join.map_or(WriteAction::Check(key.clone()), |_| {
                WriteAction::Update(key, "ADD #users :user")
            }),
            condition,
            names: (!values.is_empty()).then(users_name),
            values: (!values.is_empty()).then_some(values),
        }
    }

    /// An update of a counter.
    fn counted<const N: usize>(
        key: &Key,
        expression: &'static str,
        condition: &'static str,
        bound: [(&'static str, AttributeValue); N],
    ) -> Self {
        let action = WriteAction::Update(key_attributes(key), expression);
        Self { action, condition, names: None, values: Some(values(bound)) }
    }

    /// An update of an item of this version.
    fn update<const N: usize>(
        key: &Key,
        expression: &'static str,
        condition: &'static str,
        version: Version,
        bound: [(&'static str, AttributeValue); N],
    ) -> Self {
        let bound = bound.into_iter().chain([(":version", number(version.0))]);
        Self {
            action: WriteAction::Update(key_attributes(key), expression),
            condition,
            names: None,
            values: Some(bound.map(|(name, value)| (name.to_owned(), value)).collect()),
        }
    }

    fn on(action: WriteAction, condition: Condition, now: Timestamp) -> Self {
        let (condition, value) = match condition {
            Condition::Absent => (
                "attribute_not_exists(pk) OR expires_at <= :now",
                Some((":now", number(now.seconds()))),
            ),
            Condition::Guarded => ("attribute_exists(pk) OR attribute_not_exists(pk)", None),
            Condition::Version(version) => {
                ("version = :version", Some((":version", number(version.0))))
            }
            Condition::Unused(version) => (
                "version = :version AND attribute_not_exists(used)",
                Some((":version", number(version.0))),
            ),
            Condition::Owner(user) => {
                ("attribute_not_exists(pk) OR holder = :holder", Some((":holder", text(user))))
            }
            Condition::Mapping(id) => {
                let id = AttributeValue::S(id.to_string());
                ("attribute_not_exists(pk) OR mapping = :mapping", Some((":mapping", id)))
            }
            Condition::NotDeleted => {
                ("attribute_exists(pk) AND attribute_not_exists(deleted_at)", None)
            }
        };
        Self { action, condition, names: None, values: value.map(|value| values([value])) }
    }

    /// The write as part of a transaction; if it is refused, the item that is there comes back.
    pub(super) fn in_transaction(self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        Ok(match self.action {
            WriteAction::Put(attributes) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes))
                    .condition_expression(self.condition)
                    .set_expression_attribute_names(self.names)
                    .set_expression_attribute_values(self.values)
                    .return_values_on_condition_check_failure(old)
                    .build()?,
            ),
            WriteAction::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .condition_expression(self.condition)
                    .set_expression_attribute_names(self.names)
                    .set_expression_attribute_values(self.values)
                    .return_values_on_condition_check_failure(old)
                    .build()?,
            ),
            WriteAction::Check(key) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .condition_expression(self.condition)
                    .set_expression_attribute_names(self.names)
                    .set_expression_attribute_values(self.values)
                    .return_values_on_condition_check_failure(old)
                    .build()?,
            ),
            WriteAction::Update(key, change) => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .update_expression(change)
                    .condition_expression(self.condition)
                    .set_expression_attribute_names(self.names)
                    .set_expression_attribute_values(self.values)
                    .return_values_on_condition_check_failure(old)
                    .build()?,
            ),
        }
        .build())
    }
}

/// `users` is a reserved word of DynamoDB.
fn users_name() -> HashMap<String, String> {
    HashMap::from([("#users".to_owned(), "users".to_owned())])
}

fn values<const N: usize>(values: [(&str, AttributeValue); N]) -> Attributes {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn number(number: impl Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn text(user: UserId) -> AttributeValue {
    AttributeValue::S(user.to_string())
}

fn texts(texts: &[String]) -> AttributeValue {
    AttributeValue::L(texts.iter().cloned().map(AttributeValue::S).collect())
}

fn one(user: UserId) -> AttributeValue {
    AttributeValue::Ss(vec![user.to_string()])
}
