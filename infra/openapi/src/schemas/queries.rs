//! Lists of users, and queries for them.

use serde_json::json;
use shared::http::page::{MAX_PAGE, PAGE};
use users::MAX_IDS;
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, anything, boolean, either, integer, list, map, named, nullable, number,
    string, time, uuid, word,
};
use super::Described;

/// The longest id or field name in an answer.
const MAX_NAME: usize = 256;

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("UserList", users()),
        ("Tombstone", tombstone()),
        ("UserNames", names()),
        ("UserBatch", batch()),
        ("UserQuery", query()),
        ("FilterExpression", string(2048, EXPRESSION).into()),
        ("FilterFields", fields().into()),
        ("UserQueryResult", result()),
        ("QueryPlan", plan()),
        ("QueryBranch", branch()),
    ]
}

const EXPRESSION: &str = "A filter (RFC 7644 §3.4.2.2) over fields, \
                          `attributes.<category>.<name>` and `personas[…]`, with `eq ne co sw ew \
                          gt ge lt le pr`, `and or not`, parentheses, and `eq null` for no value. \
                          At most 10 terms.";
const ID: &str = "0192f3c1-5a00-7000-8000-000000000001";

fn tombstone() -> Schema {
    Record::new("What remains of a deleted user. Listed only with `updated_since`.")
        .must("id", uuid("The id."))
        .must("deleted_at", time("When the user was deleted."))
        .closed()
        .schema()
}

fn users() -> Schema {
    let since = "The `updated_since` of the next call for changes. That call may show changes \
                 again. It misses none.";
    let member = either([named("User"), named("Tombstone")], "A user, or its tombstone.");
    Record::new("Users in the order of their last changes. A page may end early.")
        .must("items", list(member, Some(MAX_PAGE), "Users and tombstones."))
        .may("next_cursor", named("Cursor"))
        .must("next_updated_since", time(since))
        .schema()
}

fn names() -> Schema {
    Record::new("The users to read.")
        .must("ids", list(named("UserReference"), Some(MAX_IDS), "The users."))
        .closed()
        .example(json!({ "ids": [ID] }))
        .schema()
}

fn batch() -> Schema {
    let id = Schema::Object(string(MAX_NAME, "An id."));
    Record::new("The users that were found.")
        .must("items", list(named("User"), Some(MAX_IDS), "Users, in the order of the ids."))
        .must("missing", list(id, Some(MAX_IDS), "The ids that no user has, as sent."))
        .schema()
}

fn fields() -> Object {
    let member = anything(
        "The value of the field or attribute; `null` for none. For `personas`, fields of one \
         persona.",
    );
    let mut fields = map(
        None,
        Schema::Object(member),
        "Fields, `attributes.<category>.<name>` and `personas` that must all be equal.",
    );
    (fields.min_properties, fields.max_properties) = (Some(1), Some(10));
    fields
}

fn query() -> Schema {
    let most = i32::try_from(MAX_PAGE).ok();
    let limit = integer(1, most, &format!("The most users of a page: {PAGE} if it is left out."));
    let filter = either([named("FilterExpression"), named("FilterFields")], "Which users to find.");
    Record::new("A query for users.")
        .must("filter", filter)
        .may("limit", limit.or_null())
        .may("cursor", nullable("Cursor"))
        .may("explain", boolean("Whether to explain how the query was answered.").or_null())
        .closed()
        .example(json!({ "filter": { "preferred_email": "jan@example.org" } }))
        .schema()
}

fn branch() -> Schema {
    let sources = ["look-up", "prefix", "id", "listing"];
    let by = "The field of the index entries. Absent if the whole listing is walked.";
    Record::new("One way to candidates.")
        .must("source", word(sources, "How candidates are found."))
        .may("by", string(MAX_NAME, by))
        .may("operator", word(["eq", "sw", "ge", "le"], "The operator of the look-up."))
        .schema()
}

fn plan() -> Schema {
    let branches = "Branches, one after another. None if no user can match.";
    Record::new("How the query was answered.")
        .must("plan", list(named("QueryBranch"), None, branches))
        .must("read_units", number("Read units of the table that the request consumed."))
        .must("items_read", integer(0, None, "Items that were read from table and index."))
        .must("users_read", integer(0, None, "Users that were read and compared."))
        .schema()
}

fn result() -> Schema {
    let scanned = "How many users were compared, at most 1000. Present if that is more than were \
                   found, or if the listing was walked.";
    Record::new("The users that match. A page may end early, even empty, before the last page.")
        .must("items", list(named("User"), Some(MAX_PAGE), "Users."))
        .may("next_cursor", named("Cursor"))
        .may("scanned", integer(0, None, scanned))
        .may("explain", named("QueryPlan"))
        .schema()
}
