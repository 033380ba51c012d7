//! A table of what a definition takes and refuses, held against every place where a value is
//! written (rule A1).

use serde_json::{Value, json};

use super::{Desk, Place, said};

/// The values that a definition accepts and refuses. Values are JSON texts.
pub struct Table {
    definition: Value,
    /// The sent value and the shown value.
    right: Vec<(String, String)>,
    /// The sent value, the code of the refusal, and a part of its message.
    wrong: Vec<(String, &'static str, &'static str)>,
}

impl Table {
    /// Of a format, without any property.
    pub fn of(format: &str) -> Self {
        Self::with(json!({ "data_format": format }))
    }

    /// Of a definition.
    pub const fn with(definition: Value) -> Self {
        Self { definition, right: Vec::new(), wrong: Vec::new() }
    }

    /// Values that come back as they were sent.
    pub fn takes(mut self, values: &[&str]) -> Self {
        self.right.extend(values.iter().map(|v| ((*v).to_owned(), (*v).to_owned())));
        self
    }

    /// A value that comes back in another form.
    pub fn shows(mut self, sent: &str, shown: &str) -> Self {
        self.right.push((sent.to_owned(), shown.to_owned()));
        self
    }

    /// Values that are refused with a code, and with a text that holds `says`.
    pub fn refuses(mut self, code: &'static str, says: &'static str, values: &[&str]) -> Self {
        self.wrong.extend(values.iter().map(|v| ((*v).to_owned(), code, says)));
        self
    }

    /// Writes every value at every place.
    pub async fn hold(self) {
        let desk = Desk::with(self.definition.clone()).await;
        for place in Place::ALL {
            for (sent, shown) in &self.right {
                let what = format!("{place:?} {}", clip(sent));
                let answer = desk.write(place, &format!("[{sent}]")).await;
                assert!(answer.status.is_success(), "{what}: {}", answer.text());
                let due: Value = serde_json::from_str(&format!("[{shown}]")).unwrap();
                assert_eq!(place.shown(&answer, "attributes"), due, "{what}");
                let path = answer
                    .header("location")
                    .map_or_else(|| desk.target(place).path.clone(), str::to_owned);
                let read = desk.crm.get(&path).await.is(200);
                assert_eq!((read.json(), read.tag()), (answer.json(), answer.tag()), "{what}");
                if place.changes() {
                    let back = desk.write(place, &format!("[{shown}]")).await.is(200);
                    assert_eq!(
                        (back.tag(), back.cost().1),
                        (answer.tag(), 0.0),
                        "what is shown is taken back: {what}"
                    );
                }
            }
            desk.clear().await;
            for (sent, code, says) in &self.wrong {
                let what = format!("{place:?} {}", clip(sent));
                let answer = desk.write(place, &format!("[{sent}]")).await;
                assert_eq!(answer.code(), 422, "{what}: {}", answer.text());
                assert_eq!(
                    answer.violations(),
                    [format!("{}/0 {code}", place.pointer())],
                    "{what}"
                );
                assert!(said(&answer).contains(says), "{what}: {}", said(&answer));
            }
        }
        desk.service.check().await;
    }
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
