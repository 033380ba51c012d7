//! The life of a person: a CRM makes a profile, the person signs in with a token of an identity
//! provider, is known to two systems, and is forgotten in one and in all. The identity provider is
//! a key that is made on the fly.

use anstyle::Style;
use local::identity_provider::{IdentityProvider, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::id::BaseId;
use shared::env::Env;

use super::walk::{Tour, TourRequest, expect};
use crate::failure::Failure;

/// The audience of the tokens.
const AUDIENCE: &str = "kith-tour";

/// An identity provider, and the tenant of its people.
struct Issuer {
    provider: IdentityProvider,
    tenant: String,
}

impl Issuer {
    fn new(mark: &str, client_id: &str) -> Result<Self, Failure> {
        let tenant = client_id.split_once('.').map(|(tenant, _)| tenant.to_owned());
        let tenant = tenant.ok_or_else(|| "the client's id names no tenant".to_owned())?;
        let issuer = format!("https://idp-{mark}.example/realm");
        let provider = IdentityProvider::new(issuer, Env::default());
        let provider = provider.map_err(|error| format!("cannot make a key: {error}"))?;
        Ok(Self { provider, tenant })
    }

    /// A token for one of its subjects.
    fn token(&self, subject: &str, claims: &Value) -> Result<String, Failure> {
        let mut claims = claims.as_object().cloned().unwrap_or_default();
        claims.insert("scope".to_owned(), "openid".into());
        let token = self.provider.token(TokenRequest {
            subject,
            audience: &[AUDIENCE],
            tenant: &self.tenant,
            lifetime: 300,
            claims,
        });
        Ok(token.map_err(|error| format!("no token can be signed: {error}"))?)
    }
}

/// The resources that the walk has created.
struct Scene {
    issuer: Issuer,
    /// Where the profiles of the two systems are.
    shop: String,
    fleet: String,
    /// The person's token, and the CRM's.
    person: String,
    crm: String,
}

impl Tour {
    /// Walks the life of a person. Fails at the first step with an unexpected answer.
    pub(super) async fn lifecycle(&mut self) -> Result<(), Failure> {
        self.paint(
            Style::new().bold(),
            &format!("The life of a person with Kith at {}", self.url),
        )?;
        let scene = self.set_up().await?;
        let user = self.make(&scene).await?;
        let shop = self.arrive(&scene, &user).await?;
        self.differ(&scene, &shop, &user).await?;
        self.self_service(&scene).await?;
        self.forgotten_in_one(&scene, &shop).await?;
        self.forgotten_in_all(&scene, &user).await
    }

    /// The administrator trusts an identity provider and declares two systems; a client is marked
    /// as the CRM.
    async fn set_up(&mut self) -> Result<Scene, Failure> {
        self.sign_in(true).await?;
        self.admin_token.clone_from(&self.token);
        let issuer = Issuer::new(&self.mark, &self.client.id)?;
        let server = json!({
            "id": self.name("idp"), "name": "Identity provider of the tour",
            "subject_type": "email", "issuer": issuer.provider.issuer(),
            "audience": AUDIENCE, "jwks": issuer.provider.keys(),
        });
        let path = "/api/v1/sso/authentication-servers";
        self.step("Trust an identity provider", TourRequest::post(path, server), 201).await?;
        for (what, attribute) in [("shop", "points"), ("fleet", "badge")] {
            let declared = json!([{ "name": attribute, "classifier": "LOW" }]);
            let system =
                json!({ "id": self.name(what), "name": what, "attributes_definition": declared });
            self.step(
                "Declare a system",
                TourRequest::post("/identity/config/systems", system),
                201,
            )
            .await?;
        }
        let client = json!({
            "name": self.name("crm"), "scopes": ["users:read", "users:write"], "integration": "crm",
        });
        let made = self
            .step("Register the CRM as a client", TourRequest::post("/config/clients", client), 201)
            .await?;
        let (id, secret) = (made.text("/client_id")?, made.text("/client_secret")?);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        let crm = self.grant("A token for the CRM", &form).await?.text("/access_token")?;
        let address = format!("mina.{}@example.org", self.mark);
        let claims = json!({
            "email": address, "email_verified": true, "given_name": "Mina",
            "preferred_username": address
        });
        let person = issuer.token("248289761001", &claims)?;
        let profiles = |what: &str| {
            format!("/api/v1/tenants/{}/systems/{}/users", issuer.tenant, self.name(what))
        };
        Ok(Scene { shop: profiles("shop"), fleet: profiles("fleet"), issuer, person, crm })
    }

    /// The CRM makes a profile before the person ever signed in.
    async fn make(&mut self, scene: &Scene) -> Result<String, Failure> {
        self.token.clone_from(&scene.crm);
        let address = format!("mina.{}@example.org", self.mark);
        let body = json!({
            "username": address, "preferred_email": address, "given_name": "Wilhelmina",
            "family_name": "Peeters",
        });
        let made = self
            .step("The CRM makes a profile", TourRequest::post("/identity/users", body), 201)
            .await?;
        made.text("/id")
    }

    /// The person signs in at both systems; returns where the profile in the shop is.
    async fn arrive(&mut self, scene: &Scene, user: &str) -> Result<String, Failure> {
        self.token.clone_from(&scene.person);
        let sign_in = |path| TourRequest::new(Method::POST, path);
        let shop = self
            .step("The person signs in at the shop for the first time", sign_in(&scene.shop), 201)
            .await?;
        expect(shop.text("/given_name")? == "Mina", "the provider's newer name is not there")?;
        expect(
            !shop.body.to_string().contains(user),
            "the shop learns who the person is elsewhere",
        )?;
        let again = self.step("And again: the same profile", sign_in(&scene.shop), 200).await?;
        expect(again.text("/id")? == shop.text("/id")?, "another profile was made")?;
        let fleet =
            self.step("The fleet has a profile of its own", sign_in(&scene.fleet), 201).await?;
        expect(fleet.text("/id")? != shop.text("/id")?, "the systems share an id")?;
        self.token.clone_from(&scene.crm);
        let tenant = scene
            .issuer
            .tenant
            .parse()
            .map_err(|_| "the name of the tenant is invalid".to_owned())?;
        let base = format!(
            "/identity/users/{}",
            BaseId::of("248289761001", scene.issuer.provider.issuer(), &tenant)
        );
        let linked = self
            .step(
                "The CRM's profile is the person's: found by the base profile id",
                TourRequest::get(&base),
                200,
            )
            .await?;
        expect(linked.text("/id")? == user, "the sign-in made another user")?;
        Ok(format!("{}/{}", scene.shop, shop.text("/id")?))
    }

    /// One system overrides a value and sets its own attribute. The other system and the base
    /// profile stay unchanged.
    async fn differ(&mut self, scene: &Scene, shop: &str, user: &str) -> Result<(), Failure> {
        let read = self.step("The shop reads its profile", TourRequest::get(shop), 200).await?;
        let patch = json!({ "given_name": "Mien", "system_attributes": { "points": ["7"] } });
        let changed = self
            .step(
                "It calls the person by another name",
                TourRequest::patch(shop, read.etag(), patch),
                200,
            )
            .await?;
        expect(
            changed.body.get("overrides") == Some(&json!(["given_name"])),
            "the name is not overridden",
        )?;
        let path = format!("/identity/users/{user}");
        let base = self.step("The base profile is as it was", TourRequest::get(&path), 200).await?;
        expect(base.text("/given_name")? == "Mina", "the override reached the base")?;
        let patch = json!({ "family_name": "Peeters-Maes" });
        self.step("A change of the base", TourRequest::patch(&path, base.etag(), patch), 200)
            .await?;
        let address = format!("mina.{}@example.org", self.mark);
        let found = format!("{}?filter=preferred_email%20eq%20%22{address}%22", scene.shop);
        let view = self
            .step("Shows in the shop at once, found by its address", TourRequest::get(&found), 200)
            .await?;
        expect(view.text("/family_name")? == "Peeters-Maes", "the view is old")?;
        expect(view.text("/given_name")? == "Mien", "the override is gone")?;
        let patch = json!({ "given_name": null });
        let back = self
            .step("The shop gives the name up", TourRequest::patch(shop, view.etag(), patch), 200)
            .await?;
        expect(back.text("/given_name")? == "Mina", "the profile does not fall back to the base")
    }

    /// The person reads and changes the own profile.
    async fn self_service(&mut self, scene: &Scene) -> Result<(), Failure> {
        self.token.clone_from(&scene.person);
        let me = self
            .step("The person reads the own profile", TourRequest::get("/identity/me"), 200)
            .await?;
        let patch = json!({ "ui_locales": "nl-BE" });
        self.step("And changes it", TourRequest::patch("/identity/me", me.etag(), patch), 200)
            .await?;
        let info = self
            .step(
                "What OpenID Connect calls user info",
                TourRequest::get("/idhub/oidc/v1/userinfo"),
                200,
            )
            .await?;
        expect(info.text("/locale")? == "nl-BE", "the change does not show")
    }

    /// A person whose system profile was deleted gets a new one.
    async fn forgotten_in_one(&mut self, scene: &Scene, shop: &str) -> Result<(), Failure> {
        self.step(
            "The person asks the shop to forget",
            TourRequest::new(Method::DELETE, shop),
            204,
        )
        .await?;
        let me = format!("{}/me", scene.shop);
        self.step("Nothing is left there", TourRequest::get(&me), 404).await?;
        let again = self
            .step("Who comes back gets a new id", TourRequest::new(Method::POST, &scene.shop), 201)
            .await?;
        expect(!shop.ends_with(&again.text("/id")?), "the old id is given again")
    }

    /// A person who was deleted everywhere gets a new user.
    async fn forgotten_in_all(&mut self, scene: &Scene, user: &str) -> Result<(), Failure> {
        self.step(
            "The person asks to be forgotten everywhere",
            TourRequest::new(Method::DELETE, "/identity/me"),
            204,
        )
        .await?;
        self.token.clone_from(&scene.crm);
        let path = format!("/identity/users/{user}");
        self.step("The profile is gone", TourRequest::get(&path), 404).await?;
        self.token.clone_from(&scene.person);
        let me = format!("{}/me", scene.fleet);
        self.step("And so is what the systems had", TourRequest::get(&me), 404).await?;
        self.step(
            "A person who comes back gets a new user",
            TourRequest::new(Method::POST, &scene.fleet),
            201,
        )
        .await?;
        let new = self.step("With a new profile", TourRequest::get("/identity/me"), 200).await?;
        expect(new.text("/id")? != user, "the old profile is back")?;
        self.step(
            "Forgotten once more, so that nothing is left",
            TourRequest::new(Method::DELETE, "/identity/me"),
            204,
        )
        .await?;
        Ok(())
    }
}
