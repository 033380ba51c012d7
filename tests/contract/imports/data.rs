//! Files as people and their programs write them.

use serde_json::json;
use tests::Client;

use super::{CSV, NDJSON, done, only, outcomes, send, service};

async fn usernames(crm: &Client) -> usize {
    crm.read("/identity/users?limit=100").await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn dt1_a_quote_that_is_never_closed_refuses_the_file() {
    let (_, crm) = service().await;
    for file in [
        "username,given_name,attributes.common.note\nb.1,An,ok\nb.2,Bo,\"called back\nb.3,Cy,ok\n",
        "username,attributes.common.note\nb.1,\"line one\nline two\"\nb.2,\"line one\nlin",
        "username,\"given_name\nb.1,An\n",
        "username\n\"",
    ] {
        for query in ["", "dry_run=true", "mode=upsert"] {
            let refused = send(&crm, query, CSV, file).await.is(422);
            assert_eq!(refused.violations(), [" wrong-format"], "{file:?} {query}");
            assert!(refused.text().contains("is never closed"), "{}", refused.text());
        }
    }
    assert_eq!(usernames(&crm).await, 0);
}

#[tokio::test]
async fn dt1_text_after_a_closing_quote_is_an_error_of_its_row() {
    let (_, crm) = service().await;
    let file = "username,given_name,attributes.common.note\nb.1,\"Bo\" Maes,x\nb.2,\"Bo \"\"B\"\" \
                Maes\",x\nb.3,Cy,\"called back\nb.4,Di,\"ok\"\nb.5,Ed,5\" nail\n";
    for query in ["dry_run=true", ""] {
        let (_, rows) = done(&crm, query, CSV, file).await;
        let due = ["error  wrong-format", "created", "error  wrong-format", "created"];
        assert_eq!(outcomes(&rows), due, "{query}");
    }
    assert_eq!(only(&crm, json!({ "username": "b.2" })).await["given_name"], "Bo \"B\" Maes");
    let refused = send(&crm, "", CSV, "\"username\"x,given_name\njan,Jan\n").await.is(422);
    assert_eq!(refused.violations(), [" wrong-format"]);
}

#[tokio::test]
async fn dt11_a_file_whose_lines_end_by_cr_is_read() {
    let (_, crm) = service().await;
    let file = "username,given_name,attributes.common.note\rb.1,An,a;b;c;d;e;f;g;h\rb.2,Bo,e;f\r";
    let (_, rows) = done(&crm, "", CSV, file).await;
    assert_eq!(outcomes(&rows), ["created", "created"]);
    let an = only(&crm, json!({ "username": "b.1" })).await;
    assert_eq!(an["attributes"]["common"]["note"], json!(["a;b;c;d;e;f;g;h"]));
}

#[tokio::test]
async fn dt_files_of_spreadsheets_are_read() {
    let (_, crm) = service().await;
    let file = "username,given_name,family_name\r\nb9.1,An,Peeters\r\n,,\r\n,\"\", \r\n\r\n";
    let (job, rows) = done(&crm, "", CSV, file).await;
    assert_eq!((outcomes(&rows).len(), &job["rows"]), (1, &json!(1)));
    let (_, rows) = done(&crm, "", CSV, "sep=;\r\nusername;given_name\r\nb9.2;An\r\n").await;
    assert_eq!(outcomes(&rows), ["created"]);
    let file = "username,attributes.common.note\nb8.1,[external] contractor\n\
                b8.2,{5B0D2C7E-1111-4222-8333-0123456789AB}\nb8.3,\"[\"\"x\"\"]\"\n";
    let (_, rows) = done(&crm, "", CSV, file).await;
    assert_eq!(outcomes(&rows), ["created", "created", "created"]);
    for (username, note) in [
        ("b8.1", "[external] contractor"),
        ("b8.2", "{5B0D2C7E-1111-4222-8333-0123456789AB}"),
        ("b8.3", "x"),
    ] {
        let found = only(&crm, json!({ "username": username })).await;
        assert_eq!(found["attributes"]["common"]["note"], json!([note]));
    }
    crm.define("card", json!({ "data_format": "JSON" })).await;
    let (_, rows) = done(&crm, "", CSV, "username,attributes.common.card\nb8.4,[x\n").await;
    assert_eq!(outcomes(&rows), ["error /attributes/common/card wrong-format"]);
}

#[tokio::test]
async fn dt_another_encoding_is_told_with_advice() {
    let (_, crm) = service().await;
    let utf_16 = "username\njan\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (media, file) in [(CSV, utf_16.clone()), (NDJSON, utf_16)] {
        let refused = send(&crm, "", media, file).await.is(422);
        assert!(refused.text().contains("found UTF-16; save the file as UTF-8"));
    }
    for (media, file) in [
        (CSV, &b"username,given_name\njan,Andr\xe9\n"[..]),
        (NDJSON, b"{\"username\":\"jan\",\"given_name\":\"Andr\xe9\"}\n"),
    ] {
        let (_, rows) = done(&crm, "", media, file).await;
        assert_eq!(outcomes(&rows), ["error  wrong-format"]);
        assert!(rows[0].to_string().contains("Latin-1"), "{}", rows[0]);
    }
    // API Gateway makes text of a CSV file, and this character of what is not UTF-8.
    let (_, rows) = done(&crm, "", CSV, "username,given_name\njan,Andr\u{fffd}\n").await;
    assert_eq!(outcomes(&rows), ["error  wrong-format"]);
    assert!(rows[0].to_string().contains("lost character"), "{}", rows[0]);
    // A byte order mark is no part of the text.
    let user = crm
        .call("POST", "/identity/users")
        .body("application/json", b"\xef\xbb\xbf{\"username\":\"mark\"}".to_vec());
    user.await.is(201);
}

#[tokio::test]
async fn dt_usernames_change_hands_in_one_file() {
    let (service, crm) = service().await;
    let head = "id_at_customer,username\n";
    let (_, rows) =
        done(&crm, "", CSV, format!("{head}1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n7,g\n8,h\n")).await;
    let ids: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
    // Two swap, three pass on what the next one gives up, and one wants what a stranger keeps.
    let file = format!("{head}1,b\n2,a\n3,d\n4,e\n5,x\n6,g\n");
    let (_, rows) = done(&crm, "mode=upsert", CSV, file.clone()).await;
    let taken = "error /username not-unique";
    assert_eq!(outcomes(&rows), ["updated", "updated", "updated", "updated", "updated", taken]);
    for (n, username) in [(0, "b"), (1, "a"), (2, "d"), (3, "e"), (4, "x"), (5, "f"), (6, "g")] {
        assert_eq!(only(&crm, json!({ "username": username })).await["id"], ids[n], "{username}");
    }
    let (_, rows) = done(&crm, "mode=upsert", CSV, file).await;
    assert_eq!(outcomes(&rows)[..5], ["unchanged"; 5]);
    assert_eq!(service.check().await.users, 8);
}
