//! What people decided about consents, in the form that an import reads.

use std::collections::BTreeMap;

use shared::domain::Json;
use shared::domain::json::Object;
use shared::object;

use crate::failure::Failure;
use crate::remote::Remote;

/// What a user decided: what holds, and not the history.
pub(super) async fn of(remote: &mut Remote, user: &str) -> Result<Json, Failure> {
    let records = remote.page(&format!("/identity/users/{user}/consents"), &mut None).await?;
    Ok(Json::Array(records.iter().flat_map(decisions).map(Json::Object).collect()))
}

/// The decisions of a record: those of one time about one version are one.
fn decisions(record: &Object) -> Vec<Object> {
    let mut decisions: BTreeMap<(String, String), Object> = BTreeMap::new();
    let purposes = record.get("purposes").and_then(Json::as_object);
    for (id, purpose) in purposes.into_iter().flatten() {
        let member = |name: &str| purpose.as_object().and_then(|purpose| purpose.get(name));
        let (Some(version @ Json::Number(number)), Some(Json::String(given_at)), Some(state)) =
            (member("version"), member("given_at"), member("state").and_then(Json::as_str))
        else {
            continue;
        };
        // Who withdrew refuses now; a grant that is over is over there, too.
        let list = if matches!(state, "GRANTED" | "EXPIRED") { "purposes" } else { "denied" };
        let decision = decisions.entry((number.clone(), given_at.clone())).or_insert_with(|| {
            let mut decision = object! {
                "consent" => record.get("consent").cloned(), "version" => version.clone(),
                "given_at" => given_at
            };
            let audience = record.get("audience").filter(|audience| **audience != Json::Null);
            decision.extend(audience.map(|system| ("audience".to_owned(), system.clone())));
            decision.extend(proof(record, version, given_at));
            decision
        });
        let ids = decision.entry(list.to_owned()).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(ids) = ids {
            ids.push(Json::from(id));
        }
    }
    decisions.into_values().collect()
}

/// What proves a decision, if it is the last one of the record.
fn proof(record: &Object, version: &Json, given_at: &str) -> Vec<(String, Json)> {
    const MEMBERS: [&str; 4] = ["locale", "text_sha256", "evidence_uri", "guardian"];
    let evidence = record.get("evidence").and_then(Json::as_object);
    let is_of = |evidence: &&Object| {
        evidence.get("version") == Some(version)
            && evidence.get("given_at").and_then(Json::as_str) == Some(given_at)
    };
    let Some(evidence) = evidence.filter(is_of) else { return Vec::new() };
    let known = |name: &&str| evidence.get(*name).is_some_and(|value| *value != Json::Null);
    let members = MEMBERS.into_iter().filter(known);
    members.filter_map(|name| Some((name.to_owned(), evidence.get(name)?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn co12_an_export_has_what_holds_as_an_import_reads_it() {
        let record = br#"{"consent": "news", "audience": "shop", "purposes": {
            "calls": {"state": "WITHDRAWN", "version": 1, "given_at": "2026-11-22T10:00:00.000Z"},
            "letter": {"state": "GRANTED", "version": 2, "given_at": "2026-11-21T10:00:00.000Z"},
            "offers": {"state": "EXPIRED", "version": 2, "given_at": "2026-11-21T10:00:00.000Z"},
            "quiz": {"state": "DENIED", "version": null, "given_at": "2026-11-21T10:00:00.000Z"}},
            "evidence": {"version": 2, "given_at": "2026-11-21T10:00:00.000Z", "locale": "en",
                "text_sha256": null, "evidence_uri": null, "guardian": "Els", "method": "app"}}"#;
        let Ok(Json::Object(record)) = Json::parse(record) else { panic!() };
        let told = decisions(&record).into_iter().map(|decision| Json::Object(decision).to_text());
        let due = [
            r#"{"consent":"news","version":1,"given_at":"2026-11-22T10:00:00.000Z","audience":"shop","#
                .to_owned() + r#""denied":["calls"]}"#,
            r#"{"consent":"news","version":2,"given_at":"2026-11-21T10:00:00.000Z","audience":"shop","#
                .to_owned() + r#""locale":"en","guardian":"Els","purposes":["letter","offers"]}"#,
        ];
        assert_eq!(told.collect::<Vec<_>>(), due);
    }
}
