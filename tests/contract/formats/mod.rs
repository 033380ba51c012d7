//! The values that each data format accepts, shows and stores, on every path that writes a value
//! (rules A1, A2, P1).

mod bodies;
mod emails;
mod hashes;
mod limits;
mod secrets;
mod table;
mod values;

use serde_json::{Value, json};
use tests::{Answer, Call, Client, Resource, Service};

pub const USERS: &str = "/identity/users";
/// The placeholder that [`Place::write`] replaces by the text of a value.
const SPOT: &str = "\"@value@\"";

/// A way in which the values of an attribute are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With a new user.
    Create,
    /// With a persona of a new user.
    Import,
    /// PUT of a user.
    Put,
    /// PATCH of a user.
    Patch,
    /// PATCH of a user that names the definition (`attribute_values`).
    ById,
    /// With a new persona.
    Add,
    /// PATCH of a persona.
    PatchPersona,
    /// `PATCH …/attribute` of a persona, by the definition's id.
    SetById,
    /// `PATCH …/attribute` of a persona, by category and name.
    SetByName,
}

impl Place {
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Import,
        Self::Put,
        Self::Patch,
        Self::ById,
        Self::Add,
        Self::PatchPersona,
        Self::SetById,
        Self::SetByName,
    ];

    /// Whether the resource exists before the write.
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Create | Self::Import | Self::Add)
    }

    /// Whether the value is one of a persona.
    pub const fn is_persona(self) -> bool {
        matches!(
            self,
            Self::Import | Self::Add | Self::PatchPersona | Self::SetById | Self::SetByName
        )
    }

    /// Where the values of `common.x` stand in the body.
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Create | Self::Put | Self::Patch | Self::Add | Self::PatchPersona => {
                "/attributes/common/x"
            }
            Self::Import => "/personas/0/attributes/common/x",
            Self::ById => "/attribute_values/0/value",
            Self::SetById | Self::SetByName => "/value",
        }
    }

    /// The values that the answer shows in a member such as `attributes`.
    pub fn shown(self, answer: &Answer, member: &str) -> Value {
        let body = answer.json();
        let owner = if self == Self::Import { body["personas"][0].clone() } else { body };
        owner[member]["common"]["x"].clone()
    }
}

/// A tenant with the attribute `common.x`, a persona definition `role` that lists it, a user and a
/// persona of that user.
pub struct Desk {
    pub service: Service,
    pub crm: Client,
    /// The definition of `common.x`.
    pub x: Resource,
    pub user: Resource,
    pub persona: Resource,
}

impl Desk {
    /// Defines `common.x`; `more` adds to a definition of the format TEXT.
    pub async fn with(more: Value) -> Self {
        let service = Service::start().await;
        let crm = service
            .client("acme", "users:read users:write config:read config:write administrator")
            .await;
        let x = crm.define("x", more).await;
        crm.define_persona("role", json!({ "scoped": true, "attributes": [x.id] })).await;
        let user = crm.create_user("jan").await;
        let persona = crm.add_persona(&user, role("first")).await;
        Self { service, crm, x, user, persona }
    }

    /// A user with nothing but a username.
    pub async fn somebody(&self) -> Resource {
        self.crm.create(USERS, json!({ "username": self.fresh() })).await
    }

    /// A username that nobody has.
    pub fn fresh(&self) -> String {
        format!("u{}", self.service.table.env().new_uuid())
    }

    /// Writes the values of `common.x` at a place; `values` is JSON text, so that no digit is lost
    /// on the way.
    pub async fn write(&self, place: Place, values: &str) -> Answer {
        self.call(place, values).await.await
    }

    /// The request of [`Desk::write`].
    pub async fn call(&self, place: Place, values: &str) -> Call {
        let attributes = json!({ "common": { "x": "@value@" } });
        let (method, path, body) = match place {
            Place::Create => (
                "POST",
                USERS.to_owned(),
                json!({ "username": self.fresh(), "attributes": attributes }),
            ),
            Place::Import => {
                let mut persona = role("first");
                persona["attributes"] = attributes;
                (
                    "POST",
                    USERS.to_owned(),
                    json!({ "username": self.fresh(), "personas": [persona] }),
                )
            }
            Place::Put => (
                "PUT",
                self.user.path.clone(),
                json!({ "username": "jan", "attributes": attributes }),
            ),
            Place::Patch => ("PATCH", self.user.path.clone(), json!({ "attributes": attributes })),
            Place::ById => {
                let named = json!({ "attribute_definition_id": self.x.id, "value": "@value@" });
                ("PATCH", self.user.path.clone(), json!({ "attribute_values": [named] }))
            }
            Place::Add => {
                let mut persona = role("first");
                persona["attributes"] = attributes;
                ("POST", self.somebody().await.below("personas"), persona)
            }
            Place::PatchPersona => {
                ("PATCH", self.persona.path.clone(), json!({ "attributes": attributes }))
            }
            Place::SetById => {
                let body = json!({ "attribute_definition_id": self.x.id, "value": "@value@" });
                ("PATCH", self.persona.below("attribute"), body)
            }
            Place::SetByName => {
                let body = json!({ "category": "common", "name": "x", "value": "@value@" });
                ("PATCH", self.persona.below("attribute"), body)
            }
        };
        let call = self
            .crm
            .call(method, &path)
            .body("application/json", body.to_string().replace(SPOT, values));
        if method == "POST" { call } else { call.if_match("*") }
    }

    /// The resource that a place changes.
    pub const fn target(&self, place: Place) -> &Resource {
        if place.is_persona() { &self.persona } else { &self.user }
    }

    /// Takes the values away again, so that the next ones are new.
    pub async fn clear(&self) {
        let remove = json!({ "attributes": { "common": { "x": null } } });
        for target in [&self.user, &self.persona] {
            self.crm.patch(&target.path, remove.clone()).if_match("*").await.is(200);
        }
    }
}

/// A persona of the definition `role`.
pub fn role(scope: &str) -> Value {
    json!({ "name": "role", "scope": [scope] })
}

/// `{"attributes": {"common": {name: values}}}`.
pub fn attribute(name: &str, values: &Value) -> Value {
    json!({ "attributes": { "common": { name: values } } })
}

/// The message of the first violation.
#[track_caller]
pub fn said(answer: &Answer) -> String {
    answer.problem()["errors"][0]["detail"].as_str().expect("a detail").to_owned()
}
