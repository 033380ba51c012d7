//! The onboarding flow: a back end makes, finds, changes and forgets a user.

use anstyle::Style;
use reqwest::Method;
use serde_json::json;

use super::walk::{Tour, TourRequest, expect};
use crate::failure::Failure;

/// The definitions that the administrator creates.
struct Definitions {
    /// The id of the attribute that a persona may hold.
    badge: String,
    /// Where the derived attribute is, and its tag.
    fullname: (String, String),
}

impl Tour {
    /// Walks the onboarding flow; fails at the first step that does not do what it should.
    pub(super) async fn onboarding(&mut self) -> Result<(), Failure> {
        self.paint(Style::new().bold(), &format!("A tour of Kith at {}", self.url))?;
        self.step(
            "Metadata",
            TourRequest::get("/.well-known/oauth-authorization-server/idhub/oidc"),
            200,
        )
        .await?;
        let defined = self.define().await?;
        self.sign_in(false).await?;
        let user = self.onboard().await?;
        self.change(&user).await?;
        let tag = self.attributes(&user).await?;
        self.approval(&user, &tag).await?;
        self.personas(&user, &defined.badge).await?;
        self.leave(&user).await?;
        self.retire(&defined.fullname).await?;
        Ok(())
    }

    /// The administrator defines attributes, a persona that may hold one of them, and a workflow
    /// that derives one.
    async fn define(&mut self) -> Result<Definitions, Failure> {
        self.sign_in(true).await?;
        self.admin_token.clone_from(&self.token);
        let name = self.name("badge");
        let body = json!({
            "category": "common", "name": name, "data_format": "TEXT", "display_name": "Badge"
        });
        let path = "/identity/config/attribute-definitions";
        let badge = self
            .step("Define an attribute", TourRequest::post(path, body), 201)
            .await?
            .text("/id")?;
        let list = format!("{path}?category=common&name={name}");
        self.step("Find it by name", TourRequest::get(&list), 200).await?.text("/items/0/id")?;
        let body = json!({
            "name": format!("guest_{}", self.mark), "scoped": true, "attributes": [badge]
        });
        self.step(
            "Define a persona that may hold it",
            TourRequest::post("/config/persona-definitions", body),
            201,
        )
        .await?;
        let body =
            json!({ "category": "common", "name": self.name("contact"), "data_format": "EMAIL" });
        self.step("An attribute that holds e-mail addresses", TourRequest::post(path, body), 201)
            .await?;
        let body = json!({ "category": "common", "name": self.name("pin"), "data_format": "HASH" });
        self.step("One that holds a secret", TourRequest::post(path, body), 201).await?;
        let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
        let body = json!({
            "category": "common", "name": self.name("iban"), "data_format": "TEXT",
            "approval_policy": policy,
        });
        self.step("One that an administrator has to approve", TourRequest::post(path, body), 201)
            .await?;
        let fullname = self.derive(path).await?;
        Ok(Definitions { badge, fullname })
    }

    /// The administrator writes a workflow, tries it, and defines the attribute that it derives.
    async fn derive(&mut self, path: &str) -> Result<(String, String), Failure> {
        let name = self.name("fullname");
        let script = format!(
            "function main(workItem) {{ var p = workItem.input.value; workItem.output = \
             tb.simpleResponse({{ \"{name}\": [p.given_name + \" \" + p.family_name] }}); }}"
        );
        let body = json!({ "name": name, "script": script });
        let made = self
            .step("Write a workflow", TourRequest::post("/identity/config/workflows", body), 201)
            .await?;
        let workflow = made.text("/id")?;
        let test = format!("/identity/config/workflows/{workflow}/test");
        let sample =
            json!({ "input": { "given_name": "Jan", "family_name": "Janssen", "attributes": {} } });
        let tried = self.step("Try it on a sample", TourRequest::post(&test, sample), 200).await?;
        expect(
            tried.text(&format!("/output/{name}/0"))? == "Jan Janssen",
            "the workflow answers something else",
        )?;
        let body = json!({
            "category": "common", "name": name, "data_format": "TEXT",
            "derived": { "workflow_id": workflow },
        });
        let made =
            self.step("An attribute that it derives", TourRequest::post(path, body), 201).await?;
        Ok((format!("{path}/{}", made.text("/id")?), made.etag().to_owned()))
    }

    async fn onboard(&mut self) -> Result<String, Failure> {
        let mark = self.mark.clone();
        let body = json!({
            "username": format!("jan.{mark}"), "given_name": "Jan", "family_name": "Janssen",
            "ui_locales": "nl-be, fr-BE",
            "id_at_customer": format!("CRM-{mark}"),
            "preferred_email": format!("jan.{mark}@example.org"),
        });
        let key = format!("onboard-{mark}");
        let create =
            || TourRequest::post("/identity/users", body.clone()).with("idempotency-key", &key);
        let first = self.step("Create a user", create(), 201).await?;
        let id = first.text("/id")?;
        let again = self
            .step(
                "The same request again, as a retry sends it: the same answer, one user",
                create(),
                201,
            )
            .await?;
        expect(again.body == first.body, "the replay differs")?;
        let twin = json!({ "username": format!("JAN.{mark}") });
        self.step(
            "A username that differs only in case is taken",
            TourRequest::post("/identity/users", twin),
            409,
        )
        .await?;
        let wrong =
            json!({ "username": "no spaces", "preferred_email": "nobody", "shoe_size": 43 });
        self.step("Every violation is listed", TourRequest::post("/identity/users", wrong), 422)
            .await?;
        let filter = json!({ "filter": { "preferred_email": format!("Jan.{mark}@Example.org") } });
        let found = self
            .step(
                "Find the user by e-mail, at once",
                TourRequest::post("/identity/users/query", filter),
                200,
            )
            .await?;
        expect(found.text("/items/0/id")? == id, "another user was found")?;
        Ok(id)
    }

    async fn change(&mut self, id: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        let badge = self.name("badge");
        let first = self.step("Read it, with its tag", TourRequest::get(&path), 200).await?;
        let tag = first.etag();
        self.step(
            "Read it again only if it changed",
            TourRequest::get(&path).with("if-none-match", tag),
            304,
        )
        .await?;
        let patch =
            json!({ "given_name": "Johannes", "attributes": { "common": { &badge: ["42"] } } });
        let changed = self
            .step("Change two fields of what was read", TourRequest::patch(&path, tag, patch), 200)
            .await?;
        expect(
            changed.text(&format!("/attributes/common/{badge}/0"))? == "42",
            "the attribute is not there",
        )?;
        let stale = json!({ "given_name": "Jan" });
        self.step(
            "A change of what is no longer so is refused",
            TourRequest::patch(&path, tag, stale.clone()),
            412,
        )
        .await?;
        let blind = TourRequest { body: Some(stale), ..TourRequest::new(Method::PATCH, &path) };
        self.step("A change without a tag is refused", blind, 428).await?;
        let block = format!("{path}/block");
        self.step("Block the user", TourRequest::new(Method::POST, &block), 200).await?;
        let unblock = format!("{path}/unblock");
        self.step("And let it in again", TourRequest::new(Method::POST, &unblock), 200).await?;
        Ok(())
    }

    /// Sets attributes of several data formats; returns the user's tag.
    async fn attributes(&mut self, id: &str) -> Result<String, Failure> {
        let path = format!("/identity/users/{id}");
        let [contact, pin, fullname] = ["contact", "pin", "fullname"].map(|what| self.name(what));
        let address = format!("jan.{}@home.example.org", self.mark);
        let user =
            self.step("What the workflow made of the names", TourRequest::get(&path), 200).await?;
        expect(
            user.text(&format!("/attributes/common/{fullname}/0"))? == "Johannes Janssen",
            "the name is another",
        )?;
        let patch = json!({
            "attributes": {
                "common": { &contact: [&address], &pin: ["correct horse battery staple"] }
            }
        });
        let title = "Set an address and a secret, which nobody is shown again";
        let set = self.step(title, TourRequest::patch(&path, user.etag(), patch), 200).await?;
        let shown = set.body.pointer(&format!("/attributes/common/{pin}"));
        expect(shown == Some(&json!([{ "set": true }])), "the secret is shown")?;
        let state = format!("/attribute_states/common/{contact}/0");
        expect(set.text(&state)? == "PENDING", "the address is verified already")?;
        let verify = format!("{path}/verify");
        let known = json!({ "attribute": format!("common.{contact}"), "value": address });
        let verified = self
            .administrator(
                "The administrator knows the address",
                TourRequest::post(&verify, known),
                200,
            )
            .await?;
        expect(verified.text(&state)? == "VERIFIED", "the address is not verified")?;
        Ok(verified.etag().to_owned())
    }

    /// A change that needs an approval becomes a change request.
    async fn approval(&mut self, id: &str, tag: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        let iban = self.name("iban");
        let patch = json!({ "attributes": { "common": { &iban: ["BE68539007547034"] } } });
        let title = "A change that has to be approved waits";
        let asked = self.step(title, TourRequest::patch(&path, tag, patch), 202).await?;
        let request = format!("/identity/change-requests/{}", asked.text("/id")?);
        let (approve, list) =
            (format!("{request}/approve"), format!("/identity/change-requests?user_id={id}"));
        self.step("Nobody approves an own request", TourRequest::new(Method::POST, &approve), 403)
            .await?;
        let waiting = self
            .administrator("The administrator sees who asks for what", TourRequest::get(&list), 200)
            .await?;
        expect(waiting.text("/items/0/status")? == "PENDING", "nothing waits")?;
        let approved = self
            .administrator("And approves it", TourRequest::new(Method::POST, &approve), 200)
            .await?;
        expect(approved.text("/status")? == "APPROVED", "it is not approved")?;
        let user = self.step("Now it is there", TourRequest::get(&path), 200).await?;
        expect(
            user.text(&format!("/attributes/common/{iban}/0"))? == "BE68539007547034",
            "the attribute is not there",
        )
    }

    async fn personas(&mut self, user: &str, attribute: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{user}/personas");
        let body = json!({
            "name": format!("guest_{}", self.mark), "scope": ["chemco"], "status": "PENDING"
        });
        let made = self
            .step("Give the user a persona", TourRequest::post(&path, body.clone()), 201)
            .await?;
        self.step("The same persona twice is refused", TourRequest::post(&path, body), 409).await?;
        let persona = format!("{path}/{}", made.text("/id")?);
        let patch = json!({ "valid_until": "2030-01-01T00:00:00Z" });
        let changed = self
            .step("Change the persona", TourRequest::patch(&persona, made.etag(), patch), 200)
            .await?;
        let value = json!({ "attribute_definition_id": attribute, "value": ["B-7"] });
        let single = format!("{persona}/attribute");
        self.step(
            "Set one of its attributes",
            TourRequest::patch(&single, changed.etag(), value),
            200,
        )
        .await?;
        let activate = format!("{persona}/activate");
        self.step("Put it in force", TourRequest::new(Method::POST, &activate), 200).await?;
        let filter = format!("personas[name eq \"guest_{}\" and scope eq \"chemco\"]", self.mark);
        let found = self
            .step(
                "Find who plays it",
                TourRequest::post("/identity/users/query", json!({ "filter": filter })),
                200,
            )
            .await?;
        expect(found.text("/items/0/id")? == user, "another user was found")
    }

    async fn leave(&mut self, id: &str) -> Result<(), Failure> {
        let path = format!("/identity/users/{id}");
        self.step("Forget the user", TourRequest::new(Method::DELETE, &path), 204).await?;
        self.step("The user is gone", TourRequest::get(&path), 404).await?;
        let filter = json!({ "filter": { "username": format!("jan.{}", self.mark) } });
        let found = self
            .step("And cannot be found", TourRequest::post("/identity/users/query", filter), 200)
            .await?;
        expect(found.body.pointer("/items") == Some(&json!([])), "somebody was found")
    }

    /// The administrator retires the derived attribute, so that no script runs for it any more.
    async fn retire(&mut self, (path, tag): &(String, String)) -> Result<(), Failure> {
        let patch = json!({ "deprecated": true });
        let title = "The administrator retires the derived attribute";
        self.administrator(title, TourRequest::patch(path, tag, patch), 200).await.map(drop)
    }
}
