//! What rows become, in both modes and both formats.

use serde_json::{Value, json};

use super::{CSV, NDJSON, USERS, done, import, only, outcomes, report, service};

#[tokio::test]
async fn rows_of_csv_make_users() {
    let (service, crm) = service().await;
    let file = "username,id_at_customer,family_name,preferred_email,email_verified,personas,attributes.common.note,attributes.common.badge\r\n\
        jan,C1,Janssen,jan@example.org,true,\"member(a,b)\",hello,1\r\n\
        piet,C2,,,,,\"[\"\"x\"\",\"\"y\"\"]\",\r\n\
        \"an b\",C3,,nobody,,member,,\r\n\
        els,C4,,,,,,1\r\n";
    let (job, rows) = done(&crm, "", CSV, file).await;
    assert_eq!(
        outcomes(&rows),
        ["created", "created", "error /username wrong-format", "error /attributes/common/badge not-unique"]
    );
    assert_eq!(rows[2]["errors"].as_array().unwrap().len(), 3, "{}", rows[2]);
    let counts = ["rows", "done", "created", "updated", "unchanged", "errors"].map(|name| job[name].as_u64().unwrap());
    assert_eq!(counts, [4, 4, 2, 0, 0, 2]);
    let jan = only(&crm, json!({ "username": "jan" })).await;
    assert_eq!(jan["id"], rows[0]["id"]);
    assert_eq!(jan["email_verified"], true);
    assert_eq!(jan["attributes"], json!({ "common": { "note": ["hello"], "badge": ["1"] } }));
    assert_eq!(jan["personas"][0]["scope"], json!(["a", "b"]));
    let piet = only(&crm, json!({ "id_at_customer": "C2" })).await;
    assert_eq!(piet["attributes"]["common"]["note"], json!(["x", "y"]));
    assert_eq!(service.check().await.users, 2);
}
