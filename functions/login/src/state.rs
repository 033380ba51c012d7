//! The state of a page: what a sign-in is for. It travels in a hidden field of the page, sealed and
//! bound to the browser, so the service keeps nothing before a person has signed in (rule G13).

use serde::{Deserialize, Serialize};
use shared::domain::id::{TenantId, UserId};
use shared::env::Timestamp;

use crate::authorize::AuthorizationRequest;
use crate::end_session::{self, WayOut};
use crate::fields::with_query;
use crate::texts::Locale;

/// How long the form of a page can be sent, in seconds.
pub(crate) const PAGE_SECONDS: i64 = 30 * 60;

/// What the form of a page needs to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageState {
    /// The tenant whose person signs in.
    pub(crate) tenant: TenantId,
    /// Where the person goes afterwards.
    pub(crate) goal: Goal,
    /// The person whose temporary password was right, and who has to choose a new password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proven: Option<Proven>,
    /// The person for whom the page was made, if it is a page of somebody who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<UserId>,
    /// The username that is known already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
}

/// Where a person goes after the sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// Back to the client that asked.
    Authorize(Box<AuthorizationRequest>),
    /// To a page of this service.
    Path(String),
    /// Out, if the person wants to.
    SignOut(WayOut),
}

/// A person who has to choose a new password before the sign-in goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proven {
    /// The user.
    pub(crate) user: UserId,
    /// The version of the user when the password was verified.
    pub(crate) version: u64,
    /// When it was verified.
    pub(crate) at: Timestamp,
    /// Whether the browser is to stay signed in.
    #[serde(default)]
    pub(crate) keep: bool,
}

impl PageState {
    /// The state of a page that belongs to an authorization request.
    pub(crate) fn of_request(request: AuthorizationRequest) -> Self {
        let tenant = request.client_id.tenant().clone();
        Self::of(tenant, Goal::Authorize(Box::new(request)))
    }

    /// The state of a page that leads to a path of this service.
    pub(crate) fn of_path(tenant: TenantId, path: String) -> Self {
        Self::of(tenant, Goal::Path(path))
    }

    /// The state of the page that asks whether a person wants to sign out.
    pub(crate) const fn of_sign_out(tenant: TenantId, way_out: WayOut) -> Self {
        Self::of(tenant, Goal::SignOut(way_out))
    }

    const fn of(tenant: TenantId, goal: Goal) -> Self {
        Self { tenant, goal, proven: None, person: None, username: None }
    }

    /// The same for a page of this person.
    pub(crate) fn of_person(self, person: UserId) -> Self {
        Self { person: Some(person), ..self }
    }

    /// The language that the request asked for.
    pub(crate) fn locale(&self) -> Option<Locale> {
        Locale::of_tags(self.request()?.ui_locales.as_deref()?)
    }

    /// The authorization request, if the page belongs to one.
    pub(crate) const fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.goal {
            Goal::Authorize(request) => Some(request),
            Goal::Path(_) | Goal::SignOut(_) => None,
        }
    }

    /// The path at which the sign-in starts again, when its page is too old.
    pub(crate) fn restart(&self) -> String {
        match &self.goal {
            Goal::Authorize(request) => request.path(),
            Goal::Path(path) => {
                with_query(&format!("/idhub/login/{}", self.tenant), &[("return_to", path)])
            }
            Goal::SignOut(_) => end_session::PATH.to_owned(),
        }
    }
}

/// A state as a page carries it.
#[derive(Serialize, Deserialize)]
pub(crate) struct BoundState {
    /// The hash of the pre-session cookie of the browser that got the page.
    browser: String,
    /// When the page ends.
    until: Timestamp,
    state: PageState,
}

/// What came back with a form.
pub(crate) enum OpenedState {
    /// The state of a page that this browser got not long ago.
    Good(PageState),
    /// A state that this service sealed, for another browser or too long ago.
    Stale(PageState),
}

impl BoundState {
    /// Binds a state to a browser.
    pub(crate) fn new(state: PageState, browser: String, now: Timestamp) -> Self {
        Self { browser, until: now.plus_seconds(PAGE_SECONDS), state }
    }

    /// The state, if this browser may still use it.
    pub(crate) fn open(self, browser: &str, now: Timestamp) -> OpenedState {
        if self.browser == browser && now < self.until {
            OpenedState::Good(self.state)
        } else {
            OpenedState::Stale(self.state)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g13_a_page_is_good_for_its_browser_and_for_thirty_minutes() {
        let state = PageState::of_path("acme".parse().unwrap(), "/idhub/account".to_owned());
        let now = Timestamp::from_millis(1_000_000);
        let open =
            |browser, at| BoundState::new(state.clone(), "a".to_owned(), now).open(browser, at);
        assert!(matches!(open("a", now), OpenedState::Good(_)));
        assert!(matches!(open("a", now.plus_seconds(PAGE_SECONDS - 1)), OpenedState::Good(_)));
        assert!(matches!(open("a", now.plus_seconds(PAGE_SECONDS)), OpenedState::Stale(_)));
        assert!(matches!(open("b", now), OpenedState::Stale(_)));
        assert_eq!(state.restart(), "/idhub/login/acme?return_to=%2Fidhub%2Faccount");
    }
}
