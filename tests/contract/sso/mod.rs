//! `/api/v1/sso/…`

mod claims;
mod parties;
mod races;
mod resolving;
mod subjects;
mod trust;
