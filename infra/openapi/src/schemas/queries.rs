//! Lists of users, and questions for them.

use serde_json::json;
use shared::http::page::{MAX_PAGE, PAGE};
use users::MAX_IDS;
use utoipa::openapi::Schema;

use super::super::shapes::{
    OrNull, Record, anything, boolean, either, integer, list, map, named, number, string, text,
    time, user, uuid, word,
};
use super::users::MAX_TEXT;

pub(super) fn schemas() -> [(&'static str, Schema); 5] {
    [
        ("UserList", users()),
        ("UserNames", names()),
        ("UserBatch", batch()),
        ("UserQuery", query()),
        ("UserQueryResult", result()),
    ]
}

fn users() -> Schema {
    let tombstone =
        Record::new("What is left of a user who was forgotten; only with `updated_since`.")
            .must("id", uuid("The id."))
            .must("deleted_at", time("When the user was forgotten."))
            .closed()
            .schema();
    let member =
        either([named("User"), tombstone.into()], "A user as it is now, or what is left of it.");
    let since = "From where the next call goes on that asks for changes. It may show again what \
                 this one showed; it misses nothing.";
    Record::new("Users, the one first whose last change is the oldest; a page may end early.")
        .must("items", list(member, Some(MAX_PAGE), "Whole profiles, and tombstones."))
        .may("next_cursor", string(4096, "Where the next page starts; absent on the last one."))
        .must("next_updated_since", time(since))
        .schema()
}

fn names() -> Schema {
    let ids = list(Schema::Object(user("A user.")), Some(MAX_IDS), "The users.");
    Record::new("The users who are asked for.")
        .must("ids", ids)
        .closed()
        .example(json!({ "ids": ["0192f3c1-5a00-7000-8000-000000000001"] }))
        .schema()
}

fn batch() -> Schema {
    let missing = list(
        Schema::Object(string(MAX_TEXT, "An id.")),
        Some(MAX_IDS),
        "The ids that nobody has, as sent.",
    );
    Record::new("The users who were asked for.")
        .must(
            "items",
            list(named("User"), Some(MAX_IDS), "Whole profiles, in the order of the ids."),
        )
        .must("missing", missing)
        .schema()
}

fn query() -> Schema {
    let scim = "A filter of RFC 7644 §3.4.2.2 over fields, `attributes.<category>.<name>` and \
                `personas[…]`: `eq ne co sw ew gt ge lt le pr`, `and or not`, parentheses, and \
                `eq null` for what has no value; at most 10 terms.";
    let member = anything(
        "The value that the field or attribute has; `null` for none; for `personas` what one of \
         them has.",
    );
    let mut equal = map(
        None,
        Schema::Object(member),
        "Fields, `attributes.<category>.<name>` and `personas` that must all be equal.",
    );
    (equal.min_properties, equal.max_properties) = (Some(1), Some(10));
    let most = i32::try_from(MAX_PAGE).ok();
    let mut limit = integer(1, most, "The most users of a page.");
    limit.default = Some(PAGE.into());
    Record::new("A question for users.")
        .must(
            "filter",
            either([string(2048, scim).into(), equal.into()], "What the users have in common."),
        )
        .may("limit", limit.or_null())
        .may("cursor", text(4096, "The `next_cursor` of the page before.").or_null())
        .may("explain", boolean("Whether to say how the question was answered.").or_null())
        .closed()
        .example(json!({ "filter": { "preferred_email": "jan@example.org" } }))
        .schema()
}

fn result() -> Schema {
    let sources = ["look-up", "prefix", "id", "listing"];
    let branch = Record::new("Where users were looked for.")
        .must("source", word(sources, "What led to users."))
        .may(
            "by",
            string(
                MAX_TEXT,
                "The field whose values were looked up; absent where the whole listing is walked.",
            ),
        )
        .may("operator", word(["eq", "sw", "ge", "le"], "The operator that was looked up by."))
        .schema();
    let explain = Record::new("How the question was answered.")
        .must(
            "plan",
            list(branch, None, "The branches, one after another; none where nobody can match."),
        )
        .must("read_units", number("What the request consumed, in read units of the table."))
        .must(
            "items_read",
            integer(0, None, "How many items were read, of the table and of its index."),
        )
        .must("users_read", integer(0, None, "How many users were read and compared."))
        .schema();
    Record::new(
        "The users that match; a page may end early, and be empty before the last where many were \
         compared.",
    )
    .must("items", list(named("User"), Some(MAX_PAGE), "Whole profiles."))
    .may("next_cursor", string(4096, "Where the next page starts; absent on the last one."))
    .may(
        "scanned",
        integer(
            0,
            None,
            "How many users were compared, at most 1000: where that is more than were found, and \
             where the listing was walked.",
        ),
    )
    .may("explain", explain)
    .schema()
}
