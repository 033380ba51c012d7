//! Shapes that several schemas refer to by name, so that generated clients have one type for each.

use shared::auth::succession::ALGORITHMS;
use shared::domain::client::Classifier;
use shared::domain::definition::{NAME_OR_PREDEFINED_PATTERN, NAME_PATTERN};
use shared::domain::id::{CLIENT_ID_PATTERN, SLUG_PATTERN, UUID_OR_BASE_ID_PATTERN};
use shared::domain::jwk::Algorithm;
use shared::domain::sso::{SubjectMatching, SubjectType};
use shared::domain::text::MAX_EMAIL;
use shared::domain::user::{MAX_TEXT, UserKind, UserStatus};
use shared::domain::value::{AddressState, MAX_VALUE, MAX_VALUES};
use shared::domain::{Scope, jwk};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, Shape, anything, either, formatted, list, map, matching, named, nullable,
    string, text, uuid, word,
};
use super::Described;

/// The characters of a language tag (RFC 5646 §2.1).
pub(super) const TAG: &str = "[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*";
/// The longest text of a definition, in bytes.
pub(super) const MAX_DEFINITION_TEXT: usize = 1024;

pub(super) fn schemas() -> Vec<Described> {
    ids_and_names().into_iter().chain(of_profiles()).chain(of_access()).collect()
}

fn ids_and_names() -> Vec<Described> {
    vec![
        ("Slug", matching(SLUG_PATTERN, "An id that the caller chose.").into()),
        (
            "ClientId",
            matching(CLIENT_ID_PATTERN, "The id of a client, made by the service.").into(),
        ),
        (
            "UserReference",
            matching(
                UUID_OR_BASE_ID_PATTERN,
                "A user id, or a base profile id, which stands for its user.",
            )
            .into(),
        ),
        ("CategoryName", matching(NAME_PATTERN, "The name of an attribute category.").into()),
        (
            "DefinitionName",
            matching(
                NAME_OR_PREDEFINED_PATTERN,
                "The name of a definition. Only predefined attributes have underscores.",
            )
            .into(),
        ),
        ("DisplayName", text(MAX_DEFINITION_TEXT, "The name on screens.").into()),
        ("Description", text(MAX_DEFINITION_TEXT, "The purpose of the definition.").into()),
        ("Cursor", string(4096, "The start of the next page. Absent on the last page.").into()),
        (
            "EntityTag",
            matching(
                "^\"[!#-~]+\"$",
                "The tag of the resource, as its header `ETag` has it. Items of lists carry it. In \
                 the body of a PUT or PATCH it must be the current one, else the answer is 412.",
            )
            .into(),
        ),
        (
            "Unchanged",
            anything("A field that cannot be written. It is accepted if it is unchanged.").into(),
        ),
    ]
}

fn of_profiles() -> Vec<Described> {
    vec![
        (
            "Username",
            text(
                MAX_TEXT,
                "Unique in the tenant without regard to case (RFC 8265, UsernameCaseMapped). No spaces.",
            )
            .into(),
        ),
        (
            "CustomerUserId",
            text(MAX_TEXT, "The customer's own id of the person. Unique in the tenant.").into(),
        ),
        ("PersonName", text(MAX_TEXT, "A family name or a given name.").into()),
        ("LanguageTags", text(MAX_TEXT, "Language tags (BCP 47), separated by spaces.").into()),
        ("LanguageTagsInput", language_tags()),
        ("EmailAddress", email().into()),
        (
            "UserStatus",
            word(UserStatus::ALL.map(UserStatus::name), "BLOCKED refuses sign-ins of the person.")
                .into(),
        ),
        (
            "UserKind",
            word(UserKind::ALL.map(UserKind::name), "What the profile is of. `person` if left out.")
                .into(),
        ),
        ("AttributeValue", attribute_value().into()),
        ("AttributeValues", attribute_values()),
        ("CategoryAttributes", by_name(named("AttributeValues"), "Attributes by name.").into()),
        (
            "Attributes",
            by_name(named("CategoryAttributes"), "Attributes by category and name.").into(),
        ),
        (
            "CategoryAttributesPatch",
            by_name(
                nullable("AttributeValues"),
                "New values by attribute name. `null` or an empty array removes the attribute.",
            )
            .into(),
        ),
        (
            "AttributesPatch",
            by_name(named("CategoryAttributesPatch"), "New values by category and attribute name.")
                .into(),
        ),
        ("AddressState", address_state().into()),
        ("AddressStates", address_states().into()),
    ]
}

fn of_access() -> Vec<Described> {
    vec![
        ("Scope", word(Scope::ALL.map(Scope::name), "A scope of access tokens.").into()),
        (
            "Classifier",
            word(
                Classifier::ALL.map(Classifier::name),
                "How sensitive an attribute of a system is. A client sees attributes up to its \
                 `max_classifier`.",
            )
            .into(),
        ),
        (
            "SigningAlgorithm",
            word(ALGORITHMS.map(Algorithm::name), "The algorithm that signs access tokens.").into(),
        ),
        (
            "SubjectType",
            word(
                SubjectType::ALL.map(SubjectType::name),
                "How a subject that is not mapped is matched with a user: by e-mail address, user \
                 id or username, or not at all (`predefined`).",
            )
            .into(),
        ),
        (
            "SubjectMatching",
            word(
                SubjectMatching::ALL.map(SubjectMatching::name),
                "How the server's subjects are compared with usernames, if `subject_type` is \
                 `username`: byte by byte, or up to the case of ASCII letters. `exact` if it is left \
                 out.",
            )
            .into(),
        ),
        ("PublicKeys", public_keys()),
        ("KeysUrl", keys_url().into()),
        ("Actor", actor()),
        (
            "ClientActor",
            Record::new("A machine client.").must("client_id", named("ClientId")).closed().schema(),
        ),
        (
            "PersonActor",
            Record::new("A person.").must("user_id", uuid("The user.")).closed().schema(),
        ),
    ]
}

fn email() -> Object {
    let mut email =
        formatted("idn-email", "An e-mail address. Its domain has at least two labels.");
    email.max_length = Some(MAX_EMAIL);
    email
}

fn language_tags() -> Schema {
    let tag = matching(&format!("^{TAG}$"), "A language tag.");
    let mut text = string(MAX_TEXT, "Language tags, separated by spaces or commas.");
    text.pattern = Some(format!("^[ ,]*{TAG}([ ,]+{TAG})*[ ,]*$"));
    either(
        [text.or_null().into(), list(Schema::Object(tag), None, "Language tags.").into()],
        "Language tags (BCP 47). Answers show one string.",
    )
}

fn attribute_value() -> Object {
    let about = format!(
        "A value in the attribute's data format: a string; for NUMERIC also a number, shown as a \
         decimal string; for JSON any value but `null`. Hashes show `{{\"set\": true}}`, which a \
         write takes for the stored hash. At most {MAX_VALUE} bytes."
    );
    anything(&about)
}

fn attribute_values() -> Schema {
    let about = "The values of an attribute. An empty array removes the attribute.";
    list(named("AttributeValue"), Some(MAX_VALUES), about).into()
}

/// Members by the name of a category or of an attribute.
fn by_name(members: impl Into<Shape>, description: &str) -> Object {
    map(Some(matching(NAME_PATTERN, "A name that the tenant defines.")), members, description)
}

/// A pattern and not an enumeration: openapi-generator takes an array of enumerations in a map for
/// an object.
fn address_state() -> Object {
    let states = AddressState::ALL.map(AddressState::name).join("|");
    matching(&format!("^({states})$"), "VERIFIED: the e-mail address is known to be the person's.")
}

fn address_states() -> Object {
    let states = list(named("AddressState"), None, "The states of the values, in their order.");
    by_name(
        Schema::Object(by_name(states, "States by attribute name.")),
        "Whether the values of EMAIL attributes are known to be the person's.",
    )
}

fn public_keys() -> Schema {
    let key = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A public key (RFC 7517 §4)."))
        .build();
    Record::new("Public keys (RFC 7517 §5), instead of `jwks_uri`.")
        .must("keys", list(Schema::Object(key), None, "The keys."))
        .schema()
}

fn keys_url() -> Object {
    let about = "The URL of the public keys, instead of `jwks`.";
    let mut url = https(about);
    url.max_length = Some(jwk::MAX_URL);
    url
}

/// An https URL.
pub(super) fn https(description: &str) -> Object {
    let mut url = matching(
        "^https://[^/|# \\\\\\x00-\\x1f\\x7f-\\x9f][^|# \\\\\\x00-\\x1f\\x7f-\\x9f]*$",
        description,
    );
    url.max_length = Some(MAX_DEFINITION_TEXT);
    url
}

fn actor() -> Schema {
    either([named("ClientActor"), named("PersonActor")], "A machine client or a person.")
}
