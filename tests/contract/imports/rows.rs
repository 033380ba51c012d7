//! The outcomes of rows, in both modes and both formats.

use serde_json::{Value, json};
use tests::{TENANT, escape, person};

use super::{CSV, NDJSON, USERS, done, import, only, outcomes, report, send, service, usernames};

fn lines(documents: &[Value]) -> String {
    documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn rows_of_csv_make_users() {
    let (service, crm) = service().await;
    let file = "username,id_at_customer,family_name,preferred_email,email_verified,personas,\
                attributes.common.note,attributes.common.badge\r\njan,C1,Janssen,jan@example.org,\
                true,\"member(a,b)\",hello,1\r\npiet,C2,,,,,\"[\"\"x\"\",\"\"y\"\"]\",\r\n\"an \
                b\",C3,,nobody,,member,,\r\nels,C4,,,,,,1\r\nshort,C5\r\n";
    let (job, rows) = done(&crm, "", CSV, file).await;
    let due = [
        "created",
        "created",
        "error /personas/0/scope required",
        "error /attributes/common/badge not-unique",
        "error  wrong-format",
    ];
    assert_eq!(outcomes(&rows), due);
    assert_eq!(rows[2]["errors"].as_array().unwrap().len(), 3, "{}", rows[2]);
    let counts = ["rows", "done", "created", "updated", "unchanged", "errors"]
        .map(|name| job[name].as_u64().unwrap());
    assert_eq!(counts, [5, 5, 2, 0, 0, 3]);
    let jan = only(&crm, json!({ "username": "jan" })).await;
    assert_eq!(jan["id"], rows[0]["id"]);
    assert_eq!(jan["email_verified"], true);
    assert_eq!(jan["attributes"], json!({ "common": { "note": ["hello"], "badge": ["1"] } }));
    assert_eq!(jan["personas"][0]["scope"], json!(["a", "b"]));
    let piet = only(&crm, json!({ "id_at_customer": "C2" })).await;
    assert_eq!(piet["attributes"]["common"]["note"], json!(["x", "y"]));
    assert_eq!(service.check().await.users, 2);
}

#[tokio::test]
async fn a_column_of_another_name_is_mapped() {
    let (_, crm) = service().await;
    let mapping = escape(r#"{"Login":"username","Notiz":"attributes.common.note","Intern":null}"#);
    let file = "Login;Notiz;Intern\njan;'=1+1;x\n";
    let (_, rows) = done(&crm, &format!("mapping={mapping}"), CSV, file).await;
    assert_eq!(outcomes(&rows), ["created"]);
    let jan = only(&crm, json!({ "username": "jan" })).await;
    assert_eq!(jan["attributes"]["common"]["note"], json!(["=1+1"]));
    let line = json!({ "Login": "an", "Notiz": ["x"], "Intern": 1 });
    let (_, rows) = done(&crm, &format!("mapping={mapping}"), NDJSON, line.to_string()).await;
    assert_eq!(outcomes(&rows), ["created"]);
}

#[tokio::test]
async fn upsert_changes_what_a_row_names_and_finds_by_id_then_customer_then_username() {
    let (service, crm) = service().await;
    let mut jan = person("jan");
    jan["id_at_customer"] = json!("C1");
    jan["personas"] = json!([{ "name": "member", "scope": ["a"] }]);
    let jan = crm.create(USERS, jan).await;
    let an = crm.create(USERS, person("an")).await;
    let file = lines(&[
        json!({ "id": jan.id.to_uppercase(), "given_name": "Johannes" }),
        json!({ "id_at_customer": "C2", "username": "new" }),
        json!({
            "username": "AN", "family_name": null,
            "personas": [{ "name": "member", "scope": ["b"] }]
        }),
    ]);
    let (_, rows) = done(&crm, "mode=upsert", NDJSON, file.clone()).await;
    assert_eq!(outcomes(&rows), ["updated", "created", "updated"]);
    assert_eq!([&rows[0]["id"], &rows[2]["id"]], [&json!(jan.id), &json!(an.id)]);
    let now = crm.read(&jan.path).await;
    assert_eq!(
        (now["given_name"].as_str(), now["family_name"].as_str()),
        (Some("Johannes"), Some("Janssen"))
    );
    let now = crm.read(&an.path).await;
    assert_eq!((now["username"].as_str(), &now["family_name"]), (Some("AN"), &Value::Null));
    assert_eq!(now["personas"].as_array().unwrap().len(), 1);
    // The same once more changes nothing.
    let (job, rows) = done(&crm, "mode=upsert", NDJSON, file).await;
    assert_eq!(outcomes(&rows), ["unchanged"; 3]);
    assert_eq!(job["unchanged"], 3);
    assert_eq!(crm.read(&an.path).await, now);
    // Personas are added and never taken away.
    let file = lines(&[
        json!({
            "id": jan.id,
            "personas": [{ "name": "member", "scope": ["a"] }, { "name": "member", "scope": ["c"] }]
        }),
        json!({ "id": an.id, "personas": [{ "name": "member" }] }),
        json!({ "id": "0192f3c1-5a00-7000-8000-0000000000aa", "username": "given" }),
        json!({
            "id": "0192f3c1-5a00-7000-8000-0000000000ab", "username": "given2",
            "attribute_values": []
        }),
        json!({ "username": "new", "attribute_values": [] }),
    ]);
    let (_, rows) = done(&crm, "mode=upsert", NDJSON, file).await;
    let unknown = "error /attribute_values unknown";
    assert_eq!(
        outcomes(&rows),
        ["updated", "error /personas/0/scope required", "created", unknown, unknown]
    );
    assert_eq!(crm.read(&jan.path).await["personas"].as_array().unwrap().len(), 2);
    assert_eq!(rows[2]["id"], "0192f3c1-5a00-7000-8000-0000000000aa");
    service.check().await;
}

#[tokio::test]
async fn an_empty_cell_clears_and_p3_holds() {
    let (_, crm) = service().await;
    let mut jan = person("jan");
    jan["attributes"] = json!({ "common": { "note": ["x"], "badge": ["1"] } });
    jan["email_verified"] = json!(true);
    let jan = crm.create(USERS, jan).await;
    let header = "username,given_name,email_verified,attributes.common.note";
    let (_, rows) = done(&crm, "mode=upsert", CSV, format!("{header}\njan,,true,\n")).await;
    assert_eq!(outcomes(&rows), ["updated"]);
    let now = crm.read(&jan.path).await;
    assert_eq!(
        (&now["given_name"], &now["attributes"]),
        (&Value::Null, &json!({ "common": { "badge": ["1"] } }))
    );
    let (_, rows) = done(&crm, "mode=upsert", CSV, format!("{header}\njan,,false,\n")).await;
    assert_eq!(outcomes(&rows), ["error /email_verified not-editable"]);
}

#[tokio::test]
async fn who_is_there_is_an_error_in_mode_create_and_so_is_a_forgotten_id() {
    let (service, crm) = service().await;
    let jan = crm.create(USERS, person("jan")).await;
    let gone = crm.create(USERS, person("gone")).await;
    crm.delete(&gone.path).await.is(204);
    let file = lines(&[
        json!({ "username": "JAN" }),
        json!({ "id": jan.id, "username": "x1" }),
        json!({ "id": gone.id, "username": "x2" }),
        json!({ "username": "x3", "attributes": { "common": { "gone": ["1"] } } }),
    ]);
    for mode in ["create", "upsert"] {
        let (_, rows) =
            done(&crm, &format!("mode={mode}&dry_run=true"), NDJSON, file.clone()).await;
        let dry = outcomes(&rows);
        let (_, rows) = done(&crm, &format!("mode={mode}"), NDJSON, file.clone()).await;
        assert_eq!(outcomes(&rows), dry, "{mode}");
        let unknown = "error /attributes/common unknown";
        let due = match mode {
            "create" => [
                "error /username not-unique",
                "error /id not-unique",
                "error /id not-unique",
                unknown,
            ],
            _ => ["updated", "error /username not-unique", "error /id not-unique", unknown],
        };
        if mode == "create" {
            assert_eq!(dry, due);
        } else {
            assert_eq!([&dry[0], &dry[2], &dry[3]], [due[0], due[2], due[3]]);
        }
    }
    service.check().await;
}

#[tokio::test]
async fn of_two_rows_with_one_key_the_first_wins() {
    let (service, crm) = service().await;
    let file = lines(&[
        json!({ "username": "Jan", "id_at_customer": "C1" }),
        json!({ "username": "jAN" }),
        json!({ "username": "an", "id_at_customer": "C1" }),
        json!({ "username": "an", "id_at_customer": "c1" }),
        json!({ "username": "b 1", "attributes": { "common": { "badge": ["7"] } } }),
        json!({ "username": "b2", "attributes": { "common": { "badge": ["7"] } } }),
        json!({ "username": "b3", "attributes": { "common": { "badge": ["7"] } } }),
    ]);
    let due = [
        "created",
        "error /username not-unique",
        "error /id_at_customer not-unique",
        "created",
        "error /username wrong-format",
        "created",
        "error /attributes/common/badge not-unique",
    ];
    for mode in ["create", "upsert"] {
        let (_, rows) =
            done(&crm, &format!("mode={mode}&dry_run=true"), NDJSON, file.clone()).await;
        assert_eq!(outcomes(&rows), due, "dry {mode}");
        assert!(rows[1]["errors"][0]["detail"].as_str().unwrap().contains("row 1"));
    }
    assert_eq!(service.check().await.users, 0, "a dry run writes nothing");
    let (_, rows) = done(&crm, "mode=create", NDJSON, file).await;
    assert_eq!(outcomes(&rows), due);
}

#[tokio::test]
async fn a_dry_run_writes_the_job_and_its_report_alone() {
    let (service, crm) = service().await;
    let jan = crm.create(USERS, person("jan")).await;
    // The ledger tells of the report that was read.
    let of_others = |item: &String| !item.contains("#M#") && !item.contains("#AU\")");
    let before: Vec<_> = service.items().await.into_iter().filter(of_others).collect();
    let file =
        "username,family_name,attributes.common.badge\njan,Peeters,1\nan,,2\npiet,,2\njan2,,3\n";
    let (job, rows) = done(&crm, "mode=upsert&dry_run=true", CSV, file).await;
    assert_eq!(
        outcomes(&rows),
        ["updated", "created", "error /attributes/common/badge not-unique", "created"]
    );
    assert_eq!(job["dry_run"], true);
    // Of many rows that want one value the first has it, also where all that came between are at
    // fault.
    let many: Vec<_> = (0..30)
        .map(|n| {
            json!({
                "username": format!("m{n}"), "attributes": { "common": { "badge": ["9"] } }
            })
        })
        .collect();
    let (_, rows) = done(&crm, "dry_run=true", NDJSON, lines(&many)).await;
    assert_eq!(outcomes(&rows).iter().filter(|outcome| *outcome == "created").count(), 1);
    let after: Vec<_> = service.items().await.into_iter().filter(of_others).collect();
    assert_eq!(after, before);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn a2_hashed_values_need_an_administrator_and_wait_sealed() {
    let (service, crm) = service().await;
    let secret = crm.define("secret", json!({ "data_format": "HASH" })).await;
    let admin = service.client(TENANT, "users:read users:write administrator").await;
    let kept = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ";
    let user = |name: &str, secret: &str| {
        json!({
            "username": name, "attributes": { "common": { "secret": [secret] } }
        })
    };
    let file = lines(&[
        user("a1", "hunter2hunter2"),
        user("a2", kept),
        user("a3", "$argon2id$v=19$m=1,t=1,p=1$x$y"),
    ]);
    let (_, rows) = done(&crm, "hashes=plain", NDJSON, file.clone()).await;
    assert_eq!(outcomes(&rows), ["error /attributes/common/secret not-allowed"; 3]);
    let wrong = "error /attributes/common/secret/0 wrong-format";
    let (_, rows) = done(&admin, "hashes=argon2id", NDJSON, file.clone()).await;
    assert_eq!(outcomes(&rows), [wrong, "created", wrong]);
    let (_, rows) = done(&admin, "hashes=plain", NDJSON, file).await;
    assert_eq!(outcomes(&rows), ["created", wrong, wrong]);
    let items = service.items().await;
    assert!(
        !items.iter().any(|item| item.contains("hunter2")),
        "a secret is a hash wherever it is stored"
    );
    assert_eq!(items.iter().filter(|item| item.contains(kept)).count(), 1);
    // Nor where a row should not have it.
    let values = json!([{ "attribute_definition_id": secret.id, "value": ["hunter2hunter2"] }]);
    let (_, rows) =
        done(&admin, "", NDJSON, lines(&[json!({ "username": "a4", "attribute_values": values })]))
            .await;
    assert!(outcomes(&rows)[0].starts_with("error "), "{rows:?}");
    let seen = service.faults.seen();
    assert!(seen.iter().any(|call| call.body.to_string().contains("sealed")));
    assert!(
        !seen.iter().any(|call| call.body.to_string().contains("hunter2")),
        "nor does it ever leave the function"
    );
    let a2 = only(&crm, json!({ "username": "a2" })).await;
    assert_eq!(a2["attributes"]["common"]["secret"], json!([{ "set": true }]));
}

#[tokio::test]
async fn a5_what_needs_an_approval_is_an_error() {
    let (service, crm) = service().await;
    let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
    crm.define("iban", json!({ "approval_policy": policy })).await;
    let jan = crm.create(USERS, person("jan")).await;
    let user =
        |name: &str| json!({ "username": name, "attributes": { "common": { "iban": ["BE68"] } } });
    let file = lines(&[user("jan"), user("an")]);
    let (_, rows) = done(&crm, "mode=upsert", NDJSON, file.clone()).await;
    assert_eq!(outcomes(&rows), ["error /attributes/common/iban not-allowed"; 2]);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
    let admin = service.client(TENANT, "administrator").await;
    let (_, rows) = done(&admin, "mode=upsert", NDJSON, file).await;
    assert_eq!(outcomes(&rows), ["updated", "created"]);
    // Taking a value away is a change too.
    let file = "username,attributes.common.iban\njan,\n";
    let (_, rows) = done(&crm, "mode=upsert", CSV, file).await;
    assert_eq!(outcomes(&rows), ["error /attributes/common/iban not-allowed"]);
}

#[tokio::test]
async fn a3_what_is_required_and_what_is_derived_binds_rows() {
    let (_, crm) = service().await;
    let script = "function main(w) { var p = w.input.value; w.output = tb.simpleResponse({ full: \
                  [p.given_name + \" \" + p.family_name] }); }";
    let workflow =
        crm.create("/identity/config/workflows", json!({ "name": "w", "script": script })).await;
    crm.define("full", json!({ "derived": { "workflow_id": workflow.id }, "search": "exact" }))
        .await;
    crm.define("must", json!({ "required": true })).await;
    let file = lines(&[
        json!({
            "username": "jan", "given_name": "Jan", "family_name": "J",
            "attributes": { "common": { "must": ["1"] } }
        }),
        json!({ "username": "an" }),
        json!({ "username": "piet", "attributes": { "common": { "must": ["1"], "full": ["x"] } } }),
    ]);
    let (_, rows) = done(&crm, "", NDJSON, file).await;
    let due = [
        "created",
        "error /attributes/common/must required",
        "error /attributes/common/full not-editable",
    ];
    assert_eq!(outcomes(&rows), due);
    let jan = only(&crm, json!({ "attributes.common.full": "Jan J" })).await;
    assert_eq!(jan["username"], "jan");
}

#[tokio::test]
async fn what_a_row_costs() {
    let (service, crm) = service().await;
    service.end_audit().await;
    service.clock.advance(31);
    let user = |n: usize, name: &str| {
        let mut user = person(&format!("jan{n}"));
        (user["id_at_customer"], user["given_name"]) = (json!(format!("C{n}")), json!(name));
        user
    };
    let file =
        |count: usize, name: &str| lines(&(0..count).map(|n| user(n, name)).collect::<Vec<_>>());
    let cost = async |mode: &str, name: &str| {
        let (one, many) = (file(1, name), file(41, name));
        let first = send(&crm, &format!("mode={mode}&dry_run=true"), NDJSON, one.clone())
            .await
            .is(201)
            .cost();
        assert!(first.1 > 0.0);
        let whole = send(&crm, &format!("mode={mode}"), NDJSON, many).await.is(201).cost();
        (whole.0 / 41.0, whole.1 / 41.0, whole.2 / 41.0)
    };
    let within =
        |found: f64, due: f64| assert!((due..due + 1.5).contains(&found), "{found} for {due}");
    // As a POST: a user, its two unique values, its address and its two names, twice each because
    // it is one transaction.
    let (read, write, index) = cost("create", "Jan").await;
    within(write, 12.0);
    assert!(read < 0.5, "{read}");
    assert!((1.0..2.5).contains(&index), "{index}");
    // The look-up and the user.
    let (read, write, index) = cost("upsert", "Jan").await;
    within(read, 2.0);
    assert!(write < 1.5 && index < 0.5, "{write} {index}");
    // The user, and one entry for another.
    let (read, write, _) = cost("upsert", "Johannes").await;
    within(read, 2.0);
    within(write, 6.0);
    assert_eq!(service.check().await.users, 41);
}

#[tokio::test]
async fn s1_a_large_import_is_worked_in_parts() {
    let (service, crm) = service().await;
    let file = usernames(250);
    let made = import(&crm, "", CSV, file).await;
    let rows = report(&crm, &made).await;
    assert_eq!(
        rows.iter().map(|row| row["row"].as_u64().unwrap()).collect::<Vec<_>>(),
        (1..=250).collect::<Vec<_>>()
    );
    assert_eq!(service.check().await.users, 250);
    assert!(
        !service
            .items()
            .await
            .iter()
            .any(|item| item.contains("ROWS#") || item.contains("IMPORTS"))
    );
}
