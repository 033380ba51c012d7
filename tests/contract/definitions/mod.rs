//! `/identity/config/…` and `/config/persona-definitions`

mod attributes;
mod categories;
mod personas;
mod usage;
