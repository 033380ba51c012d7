//! Files that are accepted or refused before any row is processed.

use serde_json::{Value, json};
use tests::{TENANT, escape};

use super::{CSV, IMPORTS, NDJSON, USERS, done, import, only, outcomes, report, send, service};

#[tokio::test]
async fn e1_every_column_at_fault_is_named_at_once() {
    let (service, crm) = service().await;
    let file = "username,wrong,attributes.common.gone,attributes.nobody.x,note\njan,1,2,3,4\n";
    let refused = send(&crm, "", CSV, file).await.is(422);
    let due = [
        "/attributes.common.gone unknown",
        "/attributes.nobody.x unknown",
        "/note unknown",
        "/wrong unknown",
    ];
    assert_eq!(refused.violations(), due);
    let mapping = escape(r#"{"a":"attributes.common.gone","b":"status"}"#);
    let refused = send(&crm, &format!("mapping={mapping}"), NDJSON, "{}").await.is(422);
    assert_eq!(refused.violations(), ["/b unknown"]);
    let mapping = escape(r#"{"a":"attributes.common.gone"}"#);
    let refused = send(&crm, &format!("mapping={mapping}"), NDJSON, r#"{"a":["1"]}"#).await.is(422);
    assert_eq!(refused.violations(), ["/a unknown"]);
    // An attribute that is defined meanwhile is known at once.
    let other = crm.on(&service.instance());
    other.define("gone", json!({})).await;
    send(&crm, "", CSV, "username,attributes.common.gone\njan,1\n").await.is(201);
}

#[tokio::test]
async fn s1_a_file_of_4_mb_is_accepted_at_the_write_throughput_of_one_partition() {
    let (service, crm) = service().await;
    service.faults.limit_partitions(1000.0);
    let row =
        |n: usize| format!("{{\"username\":\"p.{n}\",\"note\":\"{}\"}}\n", "x".repeat(40_000));
    let file: String = (0..100).map(row).collect();
    assert!(file.len() > 3 * 1024 * 1024);
    let accepted = send(&crm, "mode=create", NDJSON, file).await;
    assert!([200, 201, 202].contains(&accepted.code()), "{}", accepted.text());
}

#[tokio::test]
async fn s1_an_import_is_accepted_whose_rows_took_all_that_their_partition_may_write() {
    let (service, crm) = service().await;
    service.faults.limit_partitions(100.0);
    let row =
        |n: usize| format!("{{\"username\":\"p.{n}\",\"note\":\"{}\"}}\n", "x".repeat(40_000));
    let file: String = (0..7).map(row).collect();
    let accepted = send(&crm, "mode=create", NDJSON, file).await;
    assert!([200, 201, 202].contains(&accepted.code()), "{}", accepted.text());
}

#[tokio::test]
async fn s1_p1_a_file_has_limits_of_its_own() {
    let (_, crm) = service().await;
    send(&crm, "", CSV, "").await.is(422);
    send(&crm, "", CSV, "username\n").await.is(422);
    send(&crm, "", CSV, format!("username\n{}", "x\n".repeat(5001))).await.is(422);
    let most = 4 * 1024 * 1024;
    let row = "{\"username\":\"jan\"}\n";
    let mut file = row.to_owned();
    file.push_str(&" ".repeat(most - row.len()));
    send(&crm, "", NDJSON, file.clone()).await.is(201);
    file.push(' ');
    assert_eq!(send(&crm, "", NDJSON, file).await.is(413).slug(), "too-large");
    let long = "x".repeat(300 * 1024);
    crm.call("POST", USERS)
        .body("application/json", format!("{{\"username\":\"{long}\"}}"))
        .await
        .is(413);
    let rows = format!(
        "{{\"username\":\"{long}\"}}\n{{\"a\":1,\"a\":2}}\n{{\"username\":\"\\ud800\"}}\n[1]\n"
    );
    let (_, rows) = done(&crm, "", NDJSON, rows).await;
    assert_eq!(
        outcomes(&rows),
        ["error  too-large", "error  wrong-format", "error  wrong-format", "error  wrong-type"]
    );
}

#[tokio::test]
async fn what_is_not_a_file_of_people_is_refused() {
    let (service, crm) = service().await;
    for media in
        ["application/json", "text/plain", "text/csv; charset=iso-8859-1", "application/gzip"]
    {
        send(&crm, "", media, "username\njan\n").await.is(415);
    }
    for query in [
        "mode=replace",
        "dry_run=yes",
        "mapping=x",
        "mapping=%7B%22a%22%3A1",
        "delimiter=x",
        "mode=create&mode=upsert",
    ] {
        send(&crm, query, CSV, "username\njan\n").await.is(400);
    }
    let reader = service.client(TENANT, "users:read").await;
    send(&reader, "", CSV, "username\njan\n").await.is(403);
    service.call("POST", IMPORTS).body(CSV, "username\njan\n").await.is(401);
    let call = crm.call("POST", IMPORTS).body(CSV, "username\njan\n");
    call.clone().if_match("\"x\"").await.is(412);
    call.header("accept", "text/html").await.is(406);
    crm.call("PUT", IMPORTS).await.is(405);
}

#[tokio::test]
async fn h6_h5_an_import_and_its_report_are_resources() {
    let (_, crm) = service().await;
    let accepted = send(&crm, "", CSV, "username\njan\nan\npiet\n").await.is(201);
    assert_eq!(accepted.field("state"), "PENDING", "as it was accepted");
    let made = accepted.created();
    assert_eq!(made.path, format!("{IMPORTS}/{}", made.id));
    let now = crm.get(&made.path).await.is(200);
    assert_eq!(now.field("state"), "COMPLETED");
    assert_ne!(now.tag(), made.tag);
    crm.get(&made.path).if_none_match(&now.tag()).await.is(304);
    crm.get(&made.path).if_match(&made.tag).await.is(412);
    assert_eq!(crm.call("HEAD", &made.path).await.is(200).text(), "");
    assert_eq!(now.header("cache-control"), Some("private, no-cache"));
    crm.delete(&made.path).await.is(405);

    let path = made.below("report");
    let first = crm.read(&format!("{path}?limit=2")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = crm.read(&format!("{path}?limit=2&cursor={cursor}")).await;
    assert_eq!(last["items"][0]["row"], 3);
    assert!(last.get("next_cursor").is_none());
    // H7: a cursor is of its own report.
    let other = import(&crm, "", CSV, "username\nels\nklaas\nbo\n").await;
    crm.get(&format!("{}?cursor={cursor}", other.below("report"))).await.is(400);
    crm.get(&format!("{path}?limit=101")).await.is(400);

    let table = crm.get(&path).header("accept", "text/csv, application/json;q=0.5").await.is(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<_> = table.text().lines().collect();
    assert_eq!(lines[0], "row,status,id,errors");
    assert_eq!(lines[1], format!("1,created,{},", first["items"][0]["id"].as_str().unwrap()));
    assert_eq!(lines.len(), 4);
    crm.get(&path).header("accept", "application/json, text/csv").await.is(200).json();
    for query in ["limit=1", "cursor=x"] {
        crm.get(&format!("{path}?{query}")).header("accept", "text/csv").await.is(400);
    }
    crm.get(&made.path).header("accept", "text/csv").await.is(406);
}

#[tokio::test]
async fn i1_the_same_key_replays_what_was_accepted() {
    let (service, crm) = service().await;
    let call = |query: &str, media: &str, file: &str| {
        crm.call("POST", &format!("{IMPORTS}?{query}")).body(media, file.to_owned()).key("k")
    };
    let file = "username\njan\n";
    let first = call("mode=upsert", CSV, file).await.is(201);
    let again = call("mode=upsert", CSV, file).await.is(201);
    assert_eq!(again.text(), first.text());
    assert_eq!((again.tag(), again.header("idempotency-replayed")), (first.tag(), Some("true")));
    for (query, media, file) in [
        ("mode=create", CSV, file),
        ("mode=upsert&dry_run=true", CSV, file),
        ("mode=upsert&mapping=%7B%7D", CSV, file),
        ("mode=upsert", NDJSON, file),
        ("mode=upsert", CSV, "username\nan\n"),
    ] {
        call(query, media, file).await.is(422);
    }
    assert_eq!(service.check().await.users, 1);
}

#[tokio::test]
async fn d5_an_import_of_another_tenant_is_not_there() {
    let (service, crm) = service().await;
    let made = import(&crm, "", CSV, "username\njan\n").await;
    service.create_tenant("other").await;
    let other = service.client("other", "users:read users:write administrator").await;
    other.get(&made.path).await.is(404);
    other.get(&made.below("report")).await.is(404);
    crm.get(&format!("{IMPORTS}/0192f3c1-5a00-7000-8000-0000000000ff")).await.is(404);
    crm.get(&format!("{IMPORTS}/x")).await.is(404);
    // The people of another tenant are strangers, by id too.
    let jan = report(&crm, &made).await[0]["id"].clone();
    let line = json!({ "id": jan, "username": "jan" }).to_string();
    let (_, rows) = done(&other, "mode=upsert", NDJSON, line).await;
    assert_eq!(outcomes(&rows), ["created"]);
    assert_eq!(
        only(&crm, json!({ "username": "jan" })).await["updated_at"],
        only(&crm, json!({ "id": jan })).await["created_at"]
    );
}

#[tokio::test]
async fn d7_what_an_import_leaves_says_nothing_of_people() {
    let (service, crm) = service().await;
    let script = "function main(w) { throw new Error(w.input.value.family_name); }";
    let workflow =
        crm.create("/identity/config/workflows", json!({ "name": "w", "script": script })).await;
    let schema = json!({ "type": "object", "additionalProperties": false });
    crm.define("card", json!({ "data_format": "JSON", "json_schema": schema })).await;
    crm.define("made", json!({ "derived": { "workflow_id": workflow.id } })).await;
    let values = ["Geheimenis", "raadsel@example.org", "verborgen", "onbekend"];
    let lines = [
        json!({ "username": "a1", "family_name": values[0] }),
        json!({
            "username": values[1].replace('@', " "), "preferred_email": format!("x {}", values[1])
        }),
        json!({ "username": "a3", "attributes": { "common": { "card": [{ values[2]: 1 }] } } }),
        json!({
            "username": "a4", values[1]: 1, "attributes": { "common": { values[1]: [values[3]] } }
        }),
    ];
    let file = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let made = import(&crm, "", NDJSON, file).await;
    let rows = report(&crm, &made).await;
    // A workflow that fails refuses nobody.
    assert_eq!(rows[0]["status"], "created", "{rows:?}");
    assert!(rows[1..].iter().all(|row| row["status"] == "error"), "{rows:?}");
    let traces: Vec<_> =
        service.items().await.into_iter().filter(|item| item.contains("#M#")).collect();
    assert_eq!(traces.len(), 2, "the job and the report");
    for value in values.iter().flat_map(|value| [*value, value.split('@').next().unwrap()]) {
        assert!(!traces.iter().any(|item| item.contains(value)), "{value}: {traces:?}");
        assert!(!Value::from(rows.clone()).to_string().contains(value), "{value}");
    }
}
