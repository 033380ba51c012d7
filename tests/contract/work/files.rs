//! Import files with wide rows, deep documents or many rows.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::imports::{CSV, NDJSON, done, outcomes, send, service};

/// The time limit of an unoptimised program for a file of 4 MB. It used to take minutes.
const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn wk1_a_header_of_4_mb_is_refused_at_once() {
    let (_service, crm) = service().await;
    let most = 4 * 1024 * 1024;
    for (query, column) in [("mapping=%7B%22x%22%3Anull%7D", "x,"), ("", "id,"), ("", "\"x\",")] {
        let header = column.repeat(most / column.len());
        let begun = Instant::now();
        let refused = send(&crm, query, CSV, header).await.is(422);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_eq!(refused.violations(), [" too-many"], "{query}");
    }
    // A row of too many cells is found in the same way.
    let row = format!("username\n{}\n", ",".repeat(4_000_000));
    let refused = send(&crm, "", CSV, row).await.is(422);
    assert!(refused.text().contains("row 1"), "{}", refused.text());
}

#[tokio::test]
async fn wk1_a_mapping_of_many_names_is_compared_once_with_each_column() {
    let (_service, crm) = service().await;
    let names: Vec<_> = (0..1500).map(|i| format!("%22n{i}%22:null")).collect();
    let header: Vec<_> = (0..1000).map(|i| format!("n{i}")).collect();
    let query = format!("mapping=%7B{}%7D", names.join(","));
    let begun = Instant::now();
    let refused = send(&crm, &query, CSV, format!("{}\n1\n", header.join(","))).await.is(422);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(refused.violations().len(), 200);
}

#[tokio::test]
async fn wk2_a_row_whose_category_is_long_is_in_error_and_others_are_not() {
    let (_service, crm) = service().await;
    let names: Vec<_> = (0..6000).map(|i| format!("\"a{i}\":[\"x\"]")).collect();
    let long = format!(
        "{{\"username\":\"a\",\"attributes\":{{\"{}\":{{{}}}}}}}",
        "c".repeat(120_000),
        names.join(",")
    );
    let file = format!("{long}\n{}\n", json!({ "username": "b" }));
    let begun = Instant::now();
    let (job, report) = done(&crm, "", NDJSON, file).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(outcomes(&report), ["error /attributes unknown", "created"]);
    assert!(job.to_string().len() < 2000 && !report[0].to_string().contains("ccc"));
}

#[tokio::test]
async fn wk2_a_line_longer_than_a_row_may_be_is_not_parsed() {
    let (_service, crm) = service().await;
    let long = format!("{{\"username\":\"a\",\"x\":[{}0]}}", "0,".repeat(200_000));
    let (_, report) = done(&crm, "", NDJSON, format!("{long}\n{{\"username\":\"b\"}}\n")).await;
    assert_eq!(outcomes(&report), ["error  too-large", "created"]);
}
