//! Names, addresses and values of all scripts and spellings, as people and their systems write
//! them.

mod forms;
mod repeats;
mod texts;

use serde_json::{Value, json};
use tests::{Client, Service};

pub const USERS: &str = "/identity/users";

/// The same text in two spellings of Unicode: composed and decomposed.
pub const TWINS: [(&str, &str); 4] = [
    (
        "\u{bc15}\u{c11c}\u{c900}",
        "\u{1107}\u{1161}\u{11a8}\u{1109}\u{1165}\u{110c}\u{116e}\u{11ab}",
    ),
    ("\u{622}\u{645}\u{646}", "\u{627}\u{653}\u{645}\u{646}"),
    ("\u{995}\u{9cb}\u{9b2}", "\u{995}\u{9c7}\u{9be}\u{9b2}"),
    ("\u{30ac}\u{30ae}", "\u{30ab}\u{3099}\u{30ad}\u{3099}"),
];

/// A service with unique attributes for mails and badges, and a text that is found by its start.
pub async fn service() -> (Service, Client) {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("mail", json!({ "data_format": "EMAIL", "unique": true })).await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("note", json!({ "search": "prefix" })).await;
    (service, crm)
}

/// How many users a filter finds.
pub async fn count(crm: &Client, filter: Value) -> usize {
    crm.find(filter).await.len()
}
