//! People sign in: the authorization endpoint, the pages on which people prove who they are, and
//! the pages on which they look after what they sign in with.
//!
//! Pages are HTML that works without JavaScript. A page carries what it needs to go on in a sealed
//! hidden field, so the service keeps nothing before a person has signed in.

mod account;
mod assets;
mod authorize;
mod consent;
mod device;
mod end_session;
mod fields;
mod forgot;
mod links;
mod mails;
mod new_password;
mod pages;
mod passkeys;
mod passwords;
mod persona;
mod respond;
mod sign_in;
mod start;
mod state;
mod temporary;
mod texts;
mod throttle;
mod visit;

use std::sync::LazyLock;

use shared::http::Route;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    [
        &authorize::ROUTES[..],
        &sign_in::ROUTES,
        &start::ROUTES,
        &persona::ROUTES,
        &consent::ROUTES,
        &end_session::ROUTES,
        &passkeys::ROUTES,
        &new_password::ROUTES,
        &forgot::ROUTES,
        &links::ROUTES,
        &account::ROUTES,
        &assets::ROUTES,
        &[temporary::ROUTE],
    ]
    .concat()
});
