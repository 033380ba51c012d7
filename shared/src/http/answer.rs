//! Successful answers: status, headers and body.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, VARY};
use http::{HeaderMap, StatusCode};

use crate::domain::consent::Withheld;
use crate::domain::error::Result;
use crate::domain::json::{Json, Object};
use crate::domain::system_profile::SystemProfile;
use crate::domain::versioned::Tag;
use crate::domain::{Error, id::UserId};
use crate::store::records::ShownResource;

/// The media type of most bodies.
pub(super) const JSON: &str = "application/json";
/// The tag of the user, in answers to writes of a resource that belongs to the user.
const USER_ETAG: HeaderName = HeaderName::from_static("user-etag");

/// An answer that is not yet sent, so that an idempotency record can keep it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) etag: Option<String>,
    /// The tag of the user to whom the resource belongs.
    pub(super) user_etag: Option<String>,
    pub(super) location: Option<String>,
    pub(super) body: Option<Bytes>,
    /// The media type of the body.
    pub(super) media: &'static str,
    /// The resource that the body shows.
    pub(super) shows: Option<ShownResource>,
    pub(super) replayed: bool,
    /// Whether the body carries a secret, which nothing on its way may keep.
    pub(super) secret: bool,
}

impl Answer {
    const fn new(status: StatusCode) -> Self {
        Self {
            status,
            etag: None,
            user_etag: None,
            location: None,
            body: None,
            media: JSON,
            shows: None,
            replayed: false,
            secret: false,
        }
    }

    /// 200 with a resource and its tag.
    #[must_use]
    pub fn resource(content: Object, tag: &Tag) -> Self {
        let body = Some(Json::Object(content).to_text().into());
        Self { etag: Some(tag.to_string()), body, ..Self::new(StatusCode::OK) }
    }

    /// 201 with a resource, its tag and where it is.
    #[must_use]
    pub fn created(content: Object, tag: &Tag, location: String) -> Self {
        Self::resource(content, tag).created_at(location)
    }

    /// The same as 201, with where the resource is.
    #[must_use]
    pub fn created_at(self, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..self }
    }

    /// The same as 202, with where the change request is that the change became.
    #[must_use]
    pub fn accepted_at(self, location: String) -> Self {
        Self { status: StatusCode::ACCEPTED, location: Some(location), ..self }
    }

    /// 200 with content that has no tag.
    #[must_use]
    pub fn content(content: Object) -> Self {
        Self { body: Some(Json::Object(content).to_text().into()), ..Self::new(StatusCode::OK) }
    }

    /// 200 with a table as comma-separated values (RFC 4180).
    #[must_use]
    pub fn csv(table: Vec<u8>) -> Self {
        Self {
            body: Some(table.into()),
            media: "text/csv; charset=utf-8",
            ..Self::new(StatusCode::OK)
        }
    }

    /// 204.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// 304 for the resource with this tag.
    #[must_use]
    pub fn not_modified(tag: &Tag) -> Self {
        Self { etag: Some(tag.to_string()), ..Self::new(StatusCode::NOT_MODIFIED) }
    }

    /// The same with the tag of the user to whom the resource belongs.
    #[must_use]
    pub fn with_user_tag(self, tag: &Tag) -> Self {
        Self { user_etag: Some(tag.to_string()), ..self }
    }

    /// The same with a secret in the body: nothing on its way stores it (rule H5).
    #[must_use]
    pub fn with_secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Answers a replay with 404 once this user, whose data the body shows, has been deleted.
    #[must_use]
    pub fn replay_while_exists(self, user: UserId) -> Self {
        Self { shows: Some(ShownResource::User(user)), ..self }
    }

    /// Answers a replay with 404 once this system profile, which the body shows, has been deleted, and
    /// with the profile as the system gets it then, once something else is withheld.
    #[must_use]
    pub fn replay_while_profile_exists(self, profile: &SystemProfile, withheld: &Withheld) -> Self {
        let (system, id, withheld) = (profile.system.clone(), profile.id, withheld.fingerprint());
        Self { shows: Some(ShownResource::Profile { system, id, withheld }), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        let cache_control = if self.secret { "no-store" } else { "private, no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.insert(VARY, HeaderValue::from_static("Authorization, Accept"));
        // INVARIANT: tags and locations are made of ASCII letters, digits and signs.
        let mut set = |name: HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        };
        set(ETAG, self.etag);
        set(USER_ETAG, self.user_etag);
        set(LOCATION, self.location);
        if self.replayed {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        let body = match self.body {
            Some(bytes) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media));
                Body::from(bytes)
            }
            None => Body::empty(),
        };
        (self.status, headers, body).into_response()
    }
}

/// The result of a handler.
pub type HandlerResult = Result<Answer, Error>;
