//! Files of people, of 4 MB.

use shared::domain::import::MAX_BYTES;

use crate::{Ledger, Scene, measure};

/// The most memory of an import beyond what the service has when it is idle.
const MAX_MEMORY: usize = 64_000_000;

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";

/// Files of which no row makes a user.
fn files() -> Vec<(&'static str, &'static str, String)> {
    // A program without optimisation is slow, and reads smaller ones.
    let most = MAX_BYTES / if cfg!(debug_assertions) { 4 } else { 1 } - 100;
    let fill = |part: &str| part.repeat(most / part.len());
    let rows = |row: String| format!("{row}\n").repeat(most / (row.len() + 1));
    let row =
        |inner: &str, size: usize| format!("{{\"x\":[{}0]}}", inner.repeat(size / inner.len()));
    let many: Vec<_> = (0..8000).map(|i| format!("\"a{i:05}\":[\"x\"]")).collect();
    let long = format!("{{\"attributes\":{{\"{}\":{{{}}}}}}}", "c".repeat(120_000), many.join(","));
    vec![
        ("a wide header", CSV, fill("x,")),
        ("a wide header of a field", CSV, fill("id,")),
        ("a wide header in quotes", CSV, fill("\"a\",")),
        ("wide rows", CSV, format!("username\n{}", ",".repeat(most - 20))),
        ("quotes", CSV, format!("username\n{}", "\"".repeat(most - 20))),
        ("short rows", CSV, format!("email_verified\n{}", "x\n".repeat(4900))),
        ("empty lines", CSV, format!("username{}", "\n".repeat(most - 20))),
        ("lists in cells", CSV, {
            let cell = format!("\"[{}0]\"\n", "0,".repeat(120_000));
            format!("attributes.common.note\n{}", cell.repeat((most - 100) / cell.len()))
        }),
        ("rows of numbers", NDJSON, rows(row("0,", 250_000))),
        ("rows of objects", NDJSON, rows(row("{\"\":0},", 250_000))),
        ("rows of texts", NDJSON, rows(row("\"\",", 250_000))),
        ("rows with a long category", NDJSON, rows(long)),
        ("one line", NDJSON, row("0,", most - 20)),
        ("open brackets", NDJSON, fill("[")),
        ("short lines", NDJSON, "{}\n".repeat(4900)),
        ("blank lines", NDJSON, fill(" \n")),
    ]
}

#[tokio::test]
async fn wk2_every_file_costs_within_its_budget() {
    let scene = Scene::open().await;
    let mut ledger = Ledger::default();
    for (name, media, file) in files() {
        assert!(file.len() <= MAX_BYTES, "{name}");
        for query in ["", "?mapping=%7B%22x%22:null%7D"] {
            let call = scene.service.call("POST", &format!("/identity/imports{query}"));
            let call = call.token(&scene.token).body(media, file.clone());
            let (code, cost) = measure(call).await;
            ledger.note(&format!("{name} {query}"), code, cost, MAX_MEMORY);
        }
    }
    ledger.close();
}
