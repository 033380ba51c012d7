//! Consents: what people are asked, and what they decided.

use serde_json::{Value, json};
use shared::domain::consent::{
    ConsentKind, LegalBasis, MAX_PURPOSES, Method, Needs, PurposeState, VersionStatus,
};
use utoipa::openapi::{Array, Schema};

use super::super::shapes::{
    OrNull as _, Record, anything, boolean, either, integer, list, map, matching, named, nullable,
    string, text, time, uuid, word,
};
use super::fields::MAX_DEFINITION_TEXT;
use super::{Described, page, whole};

const SHA256: &str = "359f84e43fe50b4619111e3a040868f479e29e4a026654fa398a94fd2546158a";
const FREE: usize = 256;

pub(super) fn schemas() -> Vec<Described> {
    definitions().into_iter().chain(versions()).chain(records()).collect()
}

fn definitions() -> Vec<Described> {
    let shown = terms(Record::new("What people are asked for.").must("id", named("Slug")));
    let whose = text(MAX_DEFINITION_TEXT, "Whose law applies.");
    vec![
        ("Consent", shown.example(consent("marketing")).schema()),
        ("ConsentInput", input().must("id", named("Slug")).example(consent("partners")).schema()),
        (
            "ConsentPatch",
            input().unchanged(&["id"]).optional().example(json!({ "jurisdiction": "NL" })).schema(),
        ),
        ("ConsentList", page("Consent")),
        ("ConsentTerms", terms(Record::new("The terms of a consent.")).schema()),
        ("ConsentKind", word(ConsentKind::ALL.map(ConsentKind::name), "What it is about.").into()),
        ("ConsentNeeds", word(Needs::ALL.map(Needs::name), "What counts as agreement.").into()),
        ("ConsentPurposes", purposes().into()),
        ("ConsentPurpose", purpose()),
        ("Jurisdiction", whose.into()),
        ("Controller", controller()),
        ("Withdrawal", withdrawal()),
    ]
}

fn consent(id: &str) -> Value {
    json!({
        "id": id, "kind": "processing",
        "purposes": [{ "id": "newsletter", "name": "Newsletter", "legal_basis": "consent" }],
        "controller": {
            "name": "Acme", "contact": "DPO", "address": "Kerkstraat 1, Gent",
            "email": "dpo@example.org", "phone": "+3292000000"
        },
        "jurisdiction": "BE", "withdrawal": null, "expires_after_days": 730, "minimum_age": null,
        "needs": "explicit", "keep_proof": false
    })
}

fn words(description: &str) -> utoipa::openapi::Object {
    text(MAX_DEFINITION_TEXT, description)
}

fn purposes() -> Array {
    list(named("ConsentPurpose"), Some(MAX_PURPOSES), "Each is decided alone.")
}

fn withdrawal() -> Schema {
    Record::new("How people withdraw, and what follows.")
        .may("how", words("How.").or_null())
        .may("consequence", words("What follows.").or_null())
        .closed()
        .schema()
}

const DAYS: &str = "After how many days a grant ends.";
const AGE: &str = "The age from which people decide, by `common.birthdate`.";
const PROOF: &str = "Whether a digest outlives an erasure.";

fn terms(record: Record) -> Record {
    record
        .must("kind", named("ConsentKind"))
        .must("purposes", named("ConsentPurposes"))
        .must("controller", named("Controller"))
        .must("jurisdiction", named("Jurisdiction"))
        .must("withdrawal", nullable("Withdrawal"))
        .must("expires_after_days", integer(1, Some(3650), DAYS).or_null())
        .must("minimum_age", integer(1, Some(120), AGE).or_null())
        .must("needs", named("ConsentNeeds"))
        .must("keep_proof", boolean(PROOF))
}

fn input() -> Record {
    Record::new("The terms of a consent to store. Versions that exist keep theirs.")
        .must("kind", named("ConsentKind"))
        .must("purposes", named("ConsentPurposes"))
        .must("controller", named("Controller"))
        .must("jurisdiction", named("Jurisdiction"))
        .may("withdrawal", nullable("Withdrawal"))
        .may("expires_after_days", integer(1, Some(3650), DAYS).or_null())
        .may("minimum_age", integer(1, Some(120), AGE).or_null())
        .may("needs", nullable("ConsentNeeds"))
        .may("keep_proof", boolean(PROOF).or_null())
        .closed()
}

fn purpose() -> Schema {
    let attributes = list(Schema::Object(uuid("")), Some(200), "The definitions of what is used.");
    let recipients = list(named("Slug"), Some(50), "The systems that get it.");
    Record::new("What data is used for.")
        .must("id", named("Slug"))
        .must("name", words("What people call it."))
        .may("description", words("What it means.").or_null())
        .must("legal_basis", word(LegalBasis::ALL.map(LegalBasis::name), "GDPR art. 6."))
        .may("attributes", attributes.or_null())
        .may("recipients", recipients.or_null())
        .may("retention", words("How long data is kept.").or_null())
        .may("sensitive", boolean("Whether data of GDPR art. 9 is among it.").or_null())
        .closed()
        .schema()
}

fn controller() -> Schema {
    Record::new("Who decides why and how data is processed.")
        .must("name", words("The organisation."))
        .must("contact", words("Whom to ask."))
        .must("address", words("The postal address."))
        .must("email", words("The e-mail address."))
        .must("phone", words("The phone number."))
        .closed()
        .schema()
}

fn versions() -> Vec<Described> {
    let input_text = json!({ "en": { "title": "News", "text": "We send you our newsletter." } });
    vec![
        (
            "ConsentVersion",
            summary(Record::new("A version of a consent: the terms, and what people read."))
                .must("locales", map(None, named("ConsentText"), "The texts, by language tag."))
                .must("terms", named("ConsentTerms"))
                .must("created_at", time("When it was made."))
                .example(version())
                .schema(),
        ),
        (
            "ConsentVersionInput",
            Record::new("A version of a consent to create. It takes the terms as they are.")
                .must("locales", map(None, named("ConsentTextInput"), "Texts, by language tag."))
                .may("effective_at", time("From when on. Now, if left out.").or_null())
                .may("reconsent", named("Reconsent"))
                .closed()
                .example(json!({ "locales": input_text, "reconsent": "required" }))
                .schema(),
        ),
        ("ConsentVersionSummary", summary(Record::new("A version without texts.")).schema()),
        ("ConsentVersionList", page("ConsentVersionSummary")),
        (
            "ConsentText",
            Record::new("What people read.")
                .must("title", text(FREE, "The title."))
                .must("text", string(262_144, "The text, if it is kept here.").or_null())
                .must("uri", string(2048, "Where it is, if it is not.").or_null())
                .must("media_type", text(FREE, "Its media type."))
                .must("sha256", digest())
                .schema(),
        ),
        (
            "ConsentTextInput",
            Record::new("What people read: `text`, or `uri` with `sha256`.")
                .must("title", text(FREE, "The title."))
                .may("text", string(262_144, "The text. It may have lines.").or_null())
                .may("uri", string(2048, "An https URL.").or_null())
                .may("media_type", text(FREE, "`text/plain` if left out.").or_null())
                .may("sha256", digest().or_null())
                .closed()
                .schema(),
        ),
        (
            "Reconsent",
            anything(
                "What it asks of those who agreed before: `none`, `required` from its time on, or \
                 `{\"by\": <time>}`.",
            )
            .into(),
        ),
    ]
}

fn digest() -> utoipa::openapi::Object {
    matching("^[0-9A-Fa-f]{64}$", "The SHA-256 of the text.")
}

fn summary(record: Record) -> Record {
    record
        .must("version", integer(1, None, "Its number."))
        .must("status", word(VersionStatus::ALL.map(VersionStatus::name), "What became of it."))
        .must("effective_at", time("From when on people are asked for it."))
        .must("reconsent", named("Reconsent"))
        .must("retired_at", time("When it was retired.").or_null())
}

fn version() -> Value {
    let mut terms = consent("marketing");
    if let Some(terms) = terms.as_object_mut() {
        terms.remove("id");
    }
    json!({
        "version": 1, "status": "EFFECTIVE", "effective_at": "2026-11-21T10:00:00.000Z",
        "reconsent": "none", "retired_at": null,
        "locales": { "en": {
            "title": "News", "text": "We send you our newsletter.", "uri": null,
            "media_type": "text/plain", "sha256": SHA256
        } },
        "terms": terms, "created_at": "2026-11-21T10:00:00.000Z"
    })
}

fn records() -> Vec<Described> {
    vec![
        ("ConsentRecord", record("What a person decided about a consent.").schema()),
        ("ConsentRecordList", whole("ConsentRecord")),
        (
            "RecordedConsent",
            record("What a person decided about a consent, after a decision.")
                .must("already", boolean("Whether the request changed nothing."))
                .example(recorded())
                .schema(),
        ),
        ("ConsentDecision", decision()),
        (
            "ConsentWithdrawal",
            Record::new("A withdrawal.")
                .may("purposes", purpose_ids("From these. From all, if left out.").or_null())
                .closed()
                .example(json!({ "purposes": ["newsletter"] }))
                .schema(),
        ),
        ("DecidedPurpose", decided_purpose()),
        ("ConsentEvidence", evidence(Record::new("What proves a decision.")).schema()),
        ("ConsentMethod", word(Method::ALL.map(Method::name), "How the person decided.").into()),
        ("PurposeState", word(PurposeState::ALL.map(PurposeState::name), "What holds.").into()),
        ("ConsentEvent", event()),
        ("ConsentHistory", page("ConsentEvent")),
        (
            "ConsentReceipt",
            Record::new("A receipt: ISO/IEC TS 27560, with the fields of Kantara's 1.1.")
                .must("receipt", string(1_048_576, "A JWS (RFC 7515), signed by ES256."))
                .schema(),
        ),
        ("ConsentQuestion", question()),
        (
            "ConsentStanding",
            Record::new("Whether the user agrees now.")
                .must("granted", boolean("Whether data may be used."))
                .must("version", integer(1, None, "The version that was decided about.").or_null())
                .must("needs_reconsent", boolean("Whether to ask the person anew."))
                .must("until", time("Until when it stays so.").or_null())
                .example(json!({
                    "granted": true, "version": 1, "needs_reconsent": false, "until": null
                }))
                .schema(),
        ),
    ]
}

fn record(description: &str) -> Record {
    Record::new(description)
        .must("consent", named("Slug"))
        .must("audience", nullable("Slug"))
        .must("purposes", map(None, named("DecidedPurpose"), "What was decided, by purpose."))
        .must("evidence", nullable("ConsentEvidence"))
}

fn decided_purpose() -> Schema {
    Record::new("What holds of a purpose. Purposes without it are undecided.")
        .must("state", named("PurposeState"))
        .must("version", integer(1, None, "The version.").or_null())
        .must("given_at", time("When it was decided."))
        .must("until", time("Until when a grant holds.").or_null())
        .must("sequence", integer(1, None, "The entry of the history."))
        .schema()
}

fn evidence(record: Record) -> Record {
    record
        .must("version", integer(1, None, "The version that was read.").or_null())
        .must("locale", text(FREE, "The language that was read.").or_null())
        .must("text_sha256", digest().or_null())
        .must("method", nullable("ConsentMethod"))
        .must("actor", actor())
        .must("client", nullable("ClientId"))
        .must("given_at", time("When the person decided."))
        .must("evidence_uri", string(2048, "Where more evidence is.").or_null())
        .must("guardian", text(FREE, "Who decided for the person.").or_null())
}

fn actor() -> Schema {
    let null = super::super::shapes::null();
    either([named("ClientActor"), named("PersonActor"), null], "Who recorded it.")
}

fn event() -> Schema {
    let states = map(
        None,
        Schema::Object(text(16, "`GRANTED`, `DENIED` or `WITHDRAWN`.")),
        "What was decided, by purpose.",
    );
    let record = Record::new("An entry of a history. Entries never change.")
        .must("sequence", integer(1, None, "Its number."))
        .must("at", time("When it was recorded."))
        .must("purposes", states)
        .must("until", time("Until when a grant holds.").or_null());
    evidence(record).schema()
}

fn purpose_ids(description: &str) -> Array {
    list(named("Slug"), Some(MAX_PURPOSES), description)
}

fn decision() -> Schema {
    Record::new("What a person decided, and about which text.")
        .must("consent", named("Slug"))
        .may("audience", nullable("Slug"))
        .must("version", integer(1, Some(100), "The version in effect."))
        .must("locale", text(FREE, "The language that the person read."))
        .must("text_sha256", digest())
        .may("purposes", purpose_ids("Those that the person agrees to.").or_null())
        .may("denied", purpose_ids("Those that the person refuses.").or_null())
        .must("method", named("ConsentMethod"))
        .may("evidence_uri", string(2048, "An https URL of more evidence.").or_null())
        .may("guardian", text(FREE, "Who decides for the person.").or_null())
        .closed()
        .example(json!({
            "consent": "marketing", "version": 1, "locale": "en", "text_sha256": SHA256,
            "purposes": ["newsletter"], "method": "web_form"
        }))
        .schema()
}

fn recorded() -> Value {
    json!({
        "consent": "marketing", "audience": null,
        "purposes": { "newsletter": {
            "state": "GRANTED", "version": 1, "given_at": "2026-11-21T10:00:00.000Z",
            "until": null, "sequence": 1
        } },
        "evidence": {
            "version": 1, "locale": "en", "text_sha256": SHA256, "method": "web_form",
            "actor": { "client_id": "acme.0f0e0d0c0b0a09080706050403020100" },
            "client": "acme.0f0e0d0c0b0a09080706050403020100",
            "given_at": "2026-11-21T10:00:00.000Z", "evidence_uri": null, "guardian": null
        },
        "already": false
    })
}

fn question() -> Schema {
    let attributes = Schema::Object(text(FREE, "An id, or a path as `given_name`."));
    Record::new("Whether a user agrees to purposes and to the use of attributes.")
        .must("user", text(FREE, "The user, as paths name users."))
        .must("consent", named("Slug"))
        .may("audience", nullable("Slug"))
        .may("purposes", purpose_ids("All of these. All there are, if nothing is named.").or_null())
        .may("attributes", list(attributes, Some(100), "All of these.").or_null())
        .closed()
        .example(json!({
            "user": "0192f3c1-5a00-7000-8000-000000000001", "consent": "marketing",
            "purposes": ["newsletter"]
        }))
        .schema()
}
