//! The consents that sample events speak of: found in a service, or made there.

use serde_json::{Value, json};

use super::sample::SampleEvent;
use super::world::{World, text};
use crate::failure::Failure;

const CONSENTS: &str = "/identity/config/consents";
/// What events name, and whether people are asked for it.
const NAMED: [(&str, bool); 2] = [("marketing", true), ("surveys", false)];
/// The SHA-256 of the text that people read, as events have it.
const DIGEST: &str = "359f84e43fe50b4619111e3a040868f479e29e4a026654fa398a94fd2546158a";

impl World {
    /// Makes the consents that the event names.
    pub(super) async fn fill_consents(&mut self, event: &mut SampleEvent) -> Result<(), Failure> {
        for (id, asked) in NAMED {
            if !event.names(id) {
                continue;
            }
            if self.get(&format!("{CONSENTS}/{id}")).await?.is_none() {
                self.create(CONSENTS, &terms(id)).await?;
            }
            if asked {
                let version = self.version(id).await?;
                let number = version.get("version").and_then(Value::as_u64).unwrap_or(1);
                event.replace(DIGEST, text(&version, "/locales/en/sha256")?);
                event.replace("\"version\": 1,", &format!("\"version\": {number},"));
            }
        }
        Ok(())
    }

    /// Lets the user have decided about the consent that the event names.
    pub(super) async fn decide(&mut self, event: &SampleEvent, user: &str) -> Result<(), Failure> {
        if !event.route.path.contains("/consents") {
            return Ok(());
        }
        let version = self.version("marketing").await?;
        let decision = json!({
            "consent": "marketing", "version": version.get("version"), "locale": "en",
            "text_sha256": text(&version, "/locales/en/sha256")?, "purposes": ["newsletter"],
            "method": "web_form"
        });
        self.create(&format!("/identity/users/{user}/consents"), &decision).await?;
        Ok(())
    }

    /// The version in effect of a consent.
    async fn version(&mut self, id: &str) -> Result<Value, Failure> {
        let path = format!("{CONSENTS}/{id}/versions");
        let list = self.get(&format!("{path}?limit=100")).await?.unwrap_or_default();
        let mut versions = list.get("items").and_then(Value::as_array).into_iter().flatten();
        let effective = versions.find(|version| version.get("status") == Some(&json!("EFFECTIVE")));
        if let Some(number) = effective.and_then(|version| version.get("version")) {
            let path = format!("{path}/{number}");
            let found = self.get(&path).await?;
            return Ok(found.ok_or_else(|| format!("`{path}` is gone"))?);
        }
        let news = json!({ "title": "News", "text": "We send you our newsletter." });
        self.create(&path, &json!({ "locales": { "en": news } })).await
    }
}

fn terms(id: &str) -> Value {
    json!({
        "id": id, "kind": "processing", "jurisdiction": "BE",
        "purposes": [{ "id": "newsletter", "name": "Newsletter", "legal_basis": "consent" }],
        "controller": {
            "name": "Acme", "contact": "Data protection officer", "address": "Kerkstraat 1, Gent",
            "email": "privacy@example.org", "phone": "+3292000000"
        }
    })
}
