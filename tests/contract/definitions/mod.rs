//! `/identity/config/…` and `/config/persona-definitions`

mod attributes;
mod categories;
mod held;
mod personas;
mod raised;
mod sign_in;
mod usage;

const USERS: &str = "/identity/users";
